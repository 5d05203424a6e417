//! A suite, made from what lies in its directory: the archives of its packs and the table of truth.

use super::document::{Document, Release};
use super::gates::Asked;
use super::utility::{self, Question};
use super::variant::Variant;
use super::{SuiteDir, TruthSource};
use crate::error::{Error, Result};
use crate::lift::page;
use crate::lift::truth::Demands;
use crate::pack::verify::Trust;

/// What a suite is made from, beside the files.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked.
    pub asked: Asked,
    /// What is said of it.
    pub release: Release,
    /// What is asked of truth, where there is any.
    pub question: Option<Question>,
    /// What the table of truth must be.
    pub demands: Demands,
}

/// A suite that was made.
#[derive(Clone, Debug)]
pub struct Built {
    /// The document.
    pub document: Document,
    /// The report of cost and lift, and the page of it.
    cost_lift: Option<[Vec<u8>; 2]>,
}

impl Request {
    /// What made `document`. Whoever pinned the table of truth did so by its SHA-256.
    ///
    /// # Errors
    /// No suite is made so (exit 4).
    pub fn of(document: &Document) -> Result<Self> {
        if document.utility.is_some() != (document.asked.truth != TruthSource::None) {
            return Err(Error::verification(
                "`suite.json` speaks of truth that it does not have, or has some of which it does not speak",
            ));
        }
        if let Some(utility) = &document.utility {
            let bad = |e: Error| Error::verification(format!("`suite.json` asks what nobody can: {}", e.what()));
            utility.question.check().map_err(bad)?;
        }
        let sha256 = document.utility.as_ref().map(|utility| utility.truth_sha256.parse());
        let sha256 = sha256.transpose().map_err(|_| Error::verification("`suite.json` holds a digest that is none"))?;
        Ok(Self {
            asked: document.asked,
            release: document.release.clone(),
            question: document.utility.as_ref().map(|utility| utility.question.clone()),
            demands: Demands { sha256, source: None },
        })
    }
}

/// Makes the suite that lies in `dir`, whose packs must hold by `trust`.
///
/// # Errors
/// A file is not there, or the table of truth is not what it should be (exit 2); a pack does not hold (exit 4); the system
/// refuses (exit 6).
pub fn build(dir: &SuiteDir, request: &Request, trust: &Trust) -> Result<Built> {
    let archive = |name: &str| dir.file(&SuiteDir::archive(request.asked.suite, name));
    let names = request.asked.suite.variants();
    let read = |name: &&str| Variant::read(name, &archive(name), trust);
    let variants: Vec<Variant> = names.iter().map(read).collect::<Result<_>>()?;
    let (mut cost_lift, mut found) = (None, None);
    if let (Some(question), Some(first)) = (&request.question, names.first()) {
        let truth = dir.file(SuiteDir::TRUTH);
        let (utility, report) = utility::measure(&archive(first), &truth, question, request.demands.clone())?;
        (cost_lift, found) = (Some([report.to_bytes()?, page::render(&report).into_bytes()]), Some(utility));
    }
    let document = Document::new(request.asked, request.release.clone(), variants, found);
    Ok(Built { document, cost_lift })
}

impl Built {
    /// The files beside the archives and the truth that a suite may have.
    pub const FILES: [&'static str; 5] =
        [SuiteDir::COST_LIFT, SuiteDir::COST_LIFT_PAGE, SuiteDir::REGISTRY, SuiteDir::LINEAGE, SuiteDir::DOCUMENT];

    /// Those of them that are frozen by their schema, which every later version makes again: pages are for people, may be worded
    /// otherwise by another version, and are bound by the signature alone.
    pub const FROZEN: [&'static str; 2] = [SuiteDir::COST_LIFT, SuiteDir::DOCUMENT];

    /// Those that this one has: each with its name, the document last.
    ///
    /// # Errors
    /// None in practice: a document has a canonical form.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let mut files = Vec::new();
        if let Some([report, page]) = &self.cost_lift {
            files.push((SuiteDir::COST_LIFT, report.clone()));
            files.push((SuiteDir::COST_LIFT_PAGE, page.clone()));
        }
        files.push((SuiteDir::REGISTRY, self.document.registry().into_bytes()));
        files.push((SuiteDir::LINEAGE, self.document.lineage().into_bytes()));
        files.push((SuiteDir::DOCUMENT, self.document.to_bytes()?));
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;
    use crate::suite::utility::{Price, Utility};

    fn document(truth: TruthSource, question: Option<Question>) -> Document {
        let asked = Asked { suite: Suite::Customer, truth, pinned: None };
        let release = Release { tag: "t".to_owned(), date: "2026-11-29".to_owned(), commit: None, url: None };
        let utility = question.map(|question| Utility {
            question,
            truth_sha256: "0".repeat(64),
            labels: 0,
            hits: 0,
            sources: [].into(),
            is_proxy: false,
            k_effective: 0,
            methods: [].into(),
            uplift_vs_score_only: None,
            uplift_vs_random: None,
            answer: String::new(),
        });
        Document::new(asked, release, Vec::new(), utility)
    }

    #[test]
    fn a_document_that_asks_what_nobody_can_ask_makes_nothing() {
        let question = Question { k: 1, seed: 0, bootstrap_n: 500, price: None, allow_unknown: false };
        let with = |truth, change: fn(&mut Question)| {
            let mut asked = question.clone();
            change(&mut asked);
            Request::of(&document(truth, Some(asked))).map(|request| request.question.is_some()).map_err(|e| e.kind())
        };
        assert_eq!(with(TruthSource::Measured, |_| {}), Ok(true));
        let refused = Err(crate::error::Kind::Verification);
        assert_eq!(with(TruthSource::None, |_| {}), refused, "truth of which nothing is said");
        assert!(Request::of(&document(TruthSource::Measured, None)).is_err(), "said of truth that is not there");
        assert!(Request::of(&document(TruthSource::None, None)).is_ok());
        assert_eq!(with(TruthSource::Measured, |asked| asked.bootstrap_n = 0), refused);
        assert_eq!(with(TruthSource::Measured, |asked| asked.bootstrap_n = u32::MAX), refused);
        assert_eq!(with(TruthSource::Measured, |asked| asked.k = 0), refused);
        assert_eq!(with(TruthSource::Measured, |asked| asked.seed = u64::MAX), refused);
        let price = |asked: &mut Question| {
            asked.price = Some(Price { per_molecule: "free".to_owned(), currency: "EUR".to_owned() });
        };
        assert_eq!(with(TruthSource::Measured, price), refused);
    }
}
