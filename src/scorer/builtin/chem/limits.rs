//! How large and how entangled a structure may be.
//!
//! They are counts, never times, so that a structure is refused on every machine or on none.

/// Atoms as written, hydrogens that are written included.
pub const ATOMS_MAX: usize = 1_000;

/// Bonds as written.
pub const BONDS_MAX: usize = 2_000;

/// Relevant rings of one molecule.
pub const RINGS_MAX: usize = 5_000;

/// Candidates for relevant rings in one ring system.
pub const RING_CANDIDATES_MAX: usize = 100_000;

/// Machine words combined while the candidates are sorted out.
pub const RING_WORK_MAX: usize = 20_000_000;

/// Sets of fused rings tried for aromaticity in one ring system.
pub const FUSED_SETS_MAX: usize = 100_000;

/// Steps of refinement while the atoms of one fragment are put in a canonical order.
pub const CANON_WORK_MAX: usize = 20_000_000;

/// Choices between atoms that look alike, each within the one before, in the same.
pub const CANON_DEPTH_MAX: usize = 64;

/// Neighbours of one atom in a molecule that has a canonical order.
pub const CANON_DEGREE_MAX: usize = 511;
