//! What is asked of truth: options that several commands share.

use super::values;
use crate::error::Result;
use crate::lift::money::{Amount, Cost};
use crate::lift::truth::Demands;
use crate::lift::{RESAMPLES_MAX, Request};

/// The options.
#[derive(Clone, Debug, clap::Args)]
pub struct QuestionArgs {
    /// How many molecules go to the expensive stage.
    #[arg(long, allow_negative_numbers = true, default_value_t = 10_000, value_parser = values::count::<{ values::K_MAX }>)]
    pub k: u64,
    /// The seed of all draws.
    #[arg(long, allow_negative_numbers = true, default_value_t = 0, value_parser = values::seed)]
    pub seed: u64,
    /// Draws of an interval.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 500, value_parser = values::count::<{ RESAMPLES_MAX as u64 }>)]
    pub bootstrap_n: u64,
    /// What the expensive stage costs for a molecule, such as `0.5`.
    #[arg(long, allow_negative_numbers = true, value_name = "AMOUNT", requires = "currency")]
    pub cost_per_molecule: Option<Amount>,
    /// Of what that is, in a word such as `EUR`.
    #[arg(long, value_name = "WORD", requires = "cost_per_molecule")]
    pub currency: Option<String>,
    /// Let truth speak of molecules that are not there.
    #[arg(long, requires = "truth")]
    pub allow_unknown: bool,
}

impl QuestionArgs {
    /// What a molecule costs, and of what.
    pub fn price(&self) -> Option<(Amount, &str)> {
        self.cost_per_molecule.zip(self.currency.as_deref())
    }

    /// What is asked of a table that must be what `demands` say.
    ///
    /// # Errors
    /// The word for the money is none (exit 2).
    pub fn request(&self, demands: Demands) -> Result<Request> {
        let Self { k, seed, bootstrap_n, allow_unknown, .. } = *self;
        let cost = self.price().map(|(amount, currency)| Cost::new(amount, currency)).transpose()?;
        Ok(Request { k, seed, bootstrap_n: bootstrap_n as u32, cost, demands, allow_unknown })
    }
}
