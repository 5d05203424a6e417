//! The command that makes a suite again, as far as its document knows it.

use super::document::Document;
use super::utility::Question;
use super::{RING_ROOT, Suite, SuiteDir, TruthSource};

impl Document {
    /// The command, without what is everybody's own: directory, key and, for a customer, the campaign file.
    pub fn command(&self) -> String {
        let mut words = vec!["molsieve suite".to_owned(), self.asked.suite.word().to_owned()];
        match self.asked.suite {
            Suite::Ring | Suite::KnownBadGood => words.extend(self.campaign()),
            Suite::Customer => {
                words.push("CAMPAIGN.toml".to_owned());
                words.extend(self.truth());
            }
        }
        words.push("--dir DIR --key KEY".to_owned());
        words.join(" ")
    }

    /// What the campaigns are told.
    fn campaign(&self) -> Vec<String> {
        let Some(first) = self.variants.first() else { return Vec::new() };
        let count = first.look_alikes.as_ref().and_then(|asked| asked.get("count")?.as_u64());
        let count = count.map(|count| format!("--count {count}"));
        let library = (first.library != RING_ROOT).then(|| "--library LIBRARY".to_owned());
        library.into_iter().chain(count).chain([format!("--seed {}", first.seed)]).collect()
    }

    /// Where truth comes from, and what is asked of it.
    fn truth(&self) -> Vec<String> {
        let Some(utility) = &self.utility else { return Vec::new() };
        let mut words = match self.asked.truth {
            TruthSource::Measured => {
                vec![format!("--truth {} --truth-sha256 {}", SuiteDir::TRUTH, utility.truth_sha256)]
            }
            TruthSource::Rule => vec!["--proxy-truth".to_owned()],
            TruthSource::None => Vec::new(),
        };
        let Question { k, seed, bootstrap_n, price, allow_unknown } = &utility.question;
        words.push(format!("--k {k} --seed {seed} --bootstrap-n {bootstrap_n}"));
        words.extend(price.as_ref().map(|price| {
            // (Among what a currency may be is a sign that means something to shells.)
            format!("--cost-per-molecule {} --currency '{}'", price.per_molecule, price.currency)
        }));
        words.extend(allow_unknown.then(|| "--allow-unknown".to_owned()));
        words
    }
}
