//! `spectral2d`: what the eigenvalues of a molecule's graph say of it, with HETERO-2's definitions.
//!
//! From a molecule to the graph of its heavy atoms and the operators on it (`operator`, with the parameters of
//! `atoms`), their eigenvalues (`eigen`), and what is said of those (`features`). Which operators and columns there
//! are is the user's choice ([`settings`]). How far it agrees with NumPy is measured and stated in
//! `docs/spectral2d.md`.
//!
//! Everything is a fixed order of additions, multiplications, divisions and square roots of doubles, so that the bits
//! are the same on every processor; `crate::elementary` has what the C library would else be asked for.

mod atoms;
mod eigen;
mod features;
mod operator;
pub mod settings;

use std::cell::RefCell;

use self::operator::{Graph, MissingParameters, Operator};
use self::settings::{Descriptor, Feature, Operators, Positive, Settings};
use super::chem::Mol;
use super::decoys::Decoy;
use super::{Builtin, structure};
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::scorer::{Column, ColumnType, Description, Order, Value, Verdict};

/// Version of the algorithm: it changes when any structure could get another row.
const VERSION: &str = "1";

/// More heavy atoms than `max_atoms` (SKIP).
const TOO_MANY_ATOMS: &str = "too_many_atoms";
/// Several parts, and `require_connected` (SKIP).
const DISCONNECTED: &str = "disconnected";
/// An element that has no parameters (SKIP).
const MISSING_PARAMETERS: &str = "missing_physics_params";
/// The eigenvalues were not found: no structure is known for which that is so (ERROR).
const NO_CONVERGENCE: &str = "no_convergence";

/// The column that ranks.
const SCORE: &str = "score";

/// The scorer with its settings.
#[derive(Clone, Debug)]
pub struct Spectral2d {
    settings: Settings,
    notation: Notation,
    description: Description,
    /// The columns after `score`, and the operators that they are of.
    descriptors: Vec<Descriptor>,
    operators: Operators,
    /// The one that is the column `score`, and where it is among them.
    ranks: Descriptor,
    ranks_at: usize,
}

/// What one thread needs, used again for every record.
#[derive(Debug, Default)]
struct Room {
    graph: Graph,
    eigen: eigen::Scratch,
    powers: Vec<f64>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Spectral2d {
    /// The scorer, for records whose structures are written as `notation`. None if `settings` rank by what is none of
    /// their columns.
    pub fn new(settings: Settings, notation: Notation) -> Option<Self> {
        let descriptors = settings.descriptors();
        let ranks_at = descriptors.iter().position(|descriptor| descriptor.name == settings.score)?;
        let (ranks, operators) = (descriptors[ranks_at], settings.operators());
        let description = description(&settings, &descriptors, notation);
        Some(Self { settings, notation, description, descriptors, operators, ranks, ranks_at })
    }

    /// What was chosen.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether `mol` may be described.
    fn admit(&self, mol: &Mol) -> Result<(), Verdict> {
        if mol.heavy_atoms() > self.settings.max_atoms as usize {
            return Err(Verdict::skip(TOO_MANY_ATOMS));
        }
        if self.settings.require_connected && mol.fragments() > 1 {
            return Err(Verdict::skip(DISCONNECTED));
        }
        Ok(())
    }

    /// The values of `descriptors`, each of one of `operators`. What lacks a parameter that any column needs has none.
    fn describe_mol(&self, mol: &Mol, operators: Operators, descriptors: &[Descriptor]) -> Result<Vec<Value>, Verdict> {
        ROOM.with_borrow_mut(|room| {
            let taken = room.graph.take(mol, self.settings.edge_weight, self.operators.all());
            taken.map_err(|MissingParameters| Verdict::skip(MISSING_PARAMETERS))?;
            let found = match operators {
                Operators::One(all) => room.values(all, descriptors),
                Operators::Two(all) => room.values(all, descriptors),
                Operators::Three(all) => room.values(all, descriptors),
                Operators::Four(all) => room.values(all, descriptors),
            };
            found.ok_or_else(|| Verdict::error(NO_CONVERGENCE))
        })
    }

    fn row(&self, record: &Record<'_>) -> Result<Vec<Value>, Verdict> {
        let mol = structure::read(record, self.notation)?;
        self.admit(&mol)?;
        let values = self.describe_mol(&mol, self.operators, &self.descriptors)?;
        let score = values.get(self.ranks_at).cloned().unwrap_or(Value::Null);
        Ok(std::iter::once(score).chain(values).collect())
    }
}

impl Room {
    /// The values of `descriptors`; none if the eigenvalues were not found.
    fn values<const N: usize>(&mut self, operators: [Operator; N], descriptors: &[Descriptor]) -> Option<Vec<Value>> {
        let n = self.graph.atoms();
        self.graph.fill(operators, self.eigen.matrices(n));
        let eigenvalues = self.eigen.eigenvalues::<N>(n)?;
        let mut above_zero = None;
        let value = |descriptor: &Descriptor| {
            let lane = operators.iter().position(|operator| *operator == descriptor.operator)?;
            let values = eigenvalues[lane];
            match descriptor.feature {
                Feature::Positive(which) => {
                    let found = above_zero.get_or_insert_with(|| features::above_zero(values)).as_ref()?;
                    Some(match which {
                        Positive::Least => found.least,
                        Positive::Entropy => found.entropy,
                        Positive::Evenness => found.evenness,
                    })
                }
                Feature::Gap => features::gap(values),
                Feature::Trace => features::trace(values),
                Feature::Entropy => features::entropy(values, &mut self.powers),
            }
        };
        let as_cell = |value: Option<f64>| value.map_or(Value::Null, |value| Value::Float(features::rounded(value)));
        Some(descriptors.iter().map(value).map(as_cell).collect())
    }
}

impl Builtin for Spectral2d {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn score(&self, record: &Record<'_>) -> Verdict {
        match self.row(record) {
            Ok(values) => Verdict::ok(values),
            Err(verdict) => verdict,
        }
    }

    /// Only the operator that the score is of is looked at.
    fn score_of_decoy(&self, _parent: &Record<'_>, decoy: &Decoy) -> Option<f64> {
        self.admit(&decoy.mol).ok()?;
        let operator = Operators::One([self.ranks.operator]);
        match self.describe_mol(&decoy.mol, operator, &[self.ranks]).ok()?.first()? {
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }
}

fn description(settings: &Settings, descriptors: &[Descriptor], notation: Notation) -> Description {
    let column = |name: &str, order: Order, about: String| Column {
        unit: Some("1".to_owned()),
        description: Some(about),
        ..Column::new(name, ColumnType::Float, order)
    };
    let score = column(SCORE, settings.order, format!("what ranks: the same as {}", settings.score));
    let others = descriptors.iter().map(|it| column(it.name, Order::default(), it.about.to_owned()));
    let own = [TOO_MANY_ATOMS, DISCONNECTED, MISSING_PARAMETERS, NO_CONVERGENCE];
    Description {
        name: "spectral2d".to_owned(),
        version: VERSION.to_owned(),
        columns: std::iter::once(score).chain(others).collect(),
        deterministic: true,
        reasons: structure::reasons(notation, &own),
    }
}

#[cfg(test)]
mod tests;
