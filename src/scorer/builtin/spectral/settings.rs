//! What a user may choose of `spectral2d`, and which columns and operators that makes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::operator::Operator;
use crate::scorer::Order;
use crate::scorer::builtin::chem::limits::ATOMS_MAX;
use crate::scorer::identity::ScorerIdentity;

/// Which operators are described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhysicsMode {
    /// Those without potentials: `L_*`, `W_*`.
    Topological,
    /// Those with potentials: `H_*`, `WH_*`.
    Hamiltonian,
    /// All.
    #[default]
    Both,
}

/// What a bond weighs in W and WH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeWeight {
    /// There is neither W nor WH.
    Unweighted,
    /// Its order; one and a half if it is aromatic.
    BondOrder,
    /// Its order × (1 + |Δχ|).
    #[default]
    BondOrderDeltaChi,
}

/// What can be computed of an operator's eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Something of the positive ones.
    Positive(Positive),
    /// What is between the two smallest.
    Gap,
    /// Their sum.
    Trace,
    /// The entropy of their Boltzmann distribution.
    Entropy,
}

/// What can be computed of the positive eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positive {
    /// The smallest.
    Least,
    /// The entropy of their shares.
    Entropy,
    /// That as a part of what it could be.
    Evenness,
}

/// The operators whose eigenvalues are found together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operators {
    /// One of them.
    One([Operator; 1]),
    /// Two.
    Two([Operator; 2]),
    /// Three.
    Three([Operator; 3]),
    /// All.
    Four([Operator; 4]),
}

impl Operators {
    /// Which they are.
    pub fn all(&self) -> &[Operator] {
        match self {
            Self::One(all) => all,
            Self::Two(all) => all,
            Self::Three(all) => all,
            Self::Four(all) => all,
        }
    }
}

/// A descriptor: a column that is always the same function of one operator.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// HETERO-2's name for it.
    pub name: &'static str,
    /// Of what.
    pub operator: Operator,
    /// What of it.
    pub feature: Feature,
    /// What it is, in words.
    pub about: &'static str,
}

const fn descriptor(name: &'static str, operator: Operator, feature: Feature, about: &'static str) -> Descriptor {
    Descriptor { name, operator, feature, about }
}

use Feature::{Entropy, Gap, Trace};
use Operator::{H, L, W, WH};

/// All of them, in HETERO-2's order.
pub const DESCRIPTORS: [Descriptor; 13] = [
    descriptor(
        "spectral_gap",
        L,
        Feature::Positive(Positive::Least),
        "smallest positive eigenvalue of the Laplacian of heavy atoms",
    ),
    descriptor(
        "spectral_entropy",
        L,
        Feature::Positive(Positive::Entropy),
        "entropy of the shares of its positive eigenvalues",
    ),
    descriptor(
        "spectral_entropy_norm",
        L,
        Feature::Positive(Positive::Evenness),
        "the same, divided by the logarithm of their number",
    ),
    descriptor("L_gap", L, Gap, "difference of the two smallest eigenvalues of the Laplacian"),
    descriptor("L_trace", L, Trace, "sum of its eigenvalues"),
    descriptor("L_entropy_beta", L, Entropy, "entropy of its Boltzmann distribution, beta = 1"),
    descriptor("H_gap", H, Gap, "difference of the two smallest eigenvalues of the Laplacian with potentials"),
    descriptor("H_trace", H, Trace, "sum of its eigenvalues"),
    descriptor("H_entropy_beta", H, Entropy, "entropy of its Boltzmann distribution, beta = 1"),
    descriptor("W_gap", W, Gap, "difference of the two smallest eigenvalues of the weighted Laplacian"),
    descriptor("W_entropy", W, Entropy, "entropy of its Boltzmann distribution, beta = 1"),
    descriptor(
        "WH_gap",
        WH,
        Gap,
        "difference of the two smallest eigenvalues of the weighted Laplacian with potentials",
    ),
    descriptor("WH_entropy", WH, Entropy, "entropy of its Boltzmann distribution, beta = 1"),
];

/// What a user may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which operators are described.
    pub physics_mode: PhysicsMode,
    /// What a bond weighs.
    pub edge_weight: EdgeWeight,
    /// More heavy atoms are `too_many_atoms`.
    pub max_atoms: u32,
    /// Whether a structure in several parts is `disconnected`.
    pub require_connected: bool,
    /// The descriptor that is the column `score`.
    pub score: String,
    /// Which end of it is best.
    pub order: Order,
}

/// Heavy atoms, where nothing is said.
const MAX_ATOMS: u32 = 200;

impl Default for Settings {
    fn default() -> Self {
        Self {
            physics_mode: PhysicsMode::default(),
            edge_weight: EdgeWeight::default(),
            max_atoms: MAX_ATOMS,
            require_connected: true,
            score: DESCRIPTORS[0].name.to_owned(),
            order: Order::default(),
        }
    }
}

impl Settings {
    /// The settings that `scorer` was frozen with, if it is this one.
    pub fn of_identity(scorer: &ScorerIdentity) -> Option<Self> {
        let mut settings = scorer.settings.clone();
        // How records are compared lies beside.
        settings.remove("decoys");
        (scorer.kind == "spectral2d").then(|| serde_json::from_value(settings.into()).ok()).flatten()
    }

    /// The most that `max_atoms` can be: structures with more atoms are not read.
    pub const MAX_ATOMS_MAX: u32 = ATOMS_MAX as u32;

    /// The descriptors that are columns, in order.
    pub fn descriptors(&self) -> Vec<Descriptor> {
        DESCRIPTORS.into_iter().filter(|descriptor| self.has(descriptor)).collect()
    }

    /// The operators that they are of.
    pub fn operators(&self) -> Operators {
        let columns = self.descriptors();
        let has = |operator: Operator| columns.iter().any(|descriptor| descriptor.operator == operator);
        // Columns of L are there whatever is chosen.
        match (has(H), has(W), has(WH)) {
            (false, false, false) => Operators::One([L]),
            (true, false, false) => Operators::Two([L, H]),
            (false, true, false) => Operators::Two([L, W]),
            (false, false, true) => Operators::Two([L, WH]),
            (true, true, false) => Operators::Three([L, H, W]),
            (true, false, true) => Operators::Three([L, H, WH]),
            (false, true, true) => Operators::Three([L, W, WH]),
            (true, true, true) => Operators::Four([L, H, W, WH]),
        }
    }

    fn has(&self, descriptor: &Descriptor) -> bool {
        let is_weighted = self.edge_weight != EdgeWeight::Unweighted;
        let mode = self.physics_mode;
        match (descriptor.operator, descriptor.feature) {
            // These three are there whatever is chosen.
            (_, Feature::Positive(_)) => true,
            (L, _) => mode != PhysicsMode::Hamiltonian,
            (H, _) => mode != PhysicsMode::Topological,
            (W, _) => mode != PhysicsMode::Hamiltonian && is_weighted,
            (WH, _) => mode != PhysicsMode::Topological && is_weighted,
        }
    }

    /// All of them, as they are part of a scorer's identity.
    pub fn identity(&self) -> Map<String, Json> {
        match serde_json::to_value(self) {
            Ok(Json::Object(settings)) => settings,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PhysicsMode::{Both, Hamiltonian, Topological};
    use super::*;

    fn names(physics_mode: PhysicsMode, edge_weight: EdgeWeight) -> Vec<&'static str> {
        let settings = Settings { physics_mode, edge_weight, ..Settings::default() };
        settings.descriptors().iter().map(|descriptor| descriptor.name).collect()
    }

    #[test]
    fn the_columns_are_those_of_the_operators_that_are_chosen() {
        let always = ["spectral_gap", "spectral_entropy", "spectral_entropy_norm"];
        let rest = |mode, weight| {
            let mut names = names(mode, weight);
            assert_eq!(names.drain(..3).collect::<Vec<_>>(), always);
            names.join(" ")
        };
        assert_eq!(rest(Topological, EdgeWeight::Unweighted), "L_gap L_trace L_entropy_beta");
        assert_eq!(rest(Hamiltonian, EdgeWeight::BondOrder), "H_gap H_trace H_entropy_beta WH_gap WH_entropy");
        assert_eq!(names(Both, EdgeWeight::BondOrderDeltaChi), DESCRIPTORS.map(|descriptor| descriptor.name));
    }

    #[test]
    fn every_setting_is_part_of_the_identity() {
        let text = serde_json::to_string(&Settings::default().identity()).unwrap();
        assert_eq!(
            text,
            r#"{"edge_weight":"bond_order_delta_chi","max_atoms":200,"order":"desc","physics_mode":"both","require_connected":true,"score":"spectral_gap"}"#
        );
    }
}
