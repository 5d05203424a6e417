//! A suite, made from what lies in its directory: the archives of its packs and the table of truth.

use super::SuiteDir;
use super::document::{Document, Release};
use super::gates::Asked;
use super::utility::{self, Question};
use super::variant::Variant;
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
    /// What its packs are called.
    pub names: Vec<String>,
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
    /// It holds no such digest (exit 4).
    pub fn of(document: &Document) -> Result<Self> {
        let sha256 = document.utility.as_ref().map(|utility| utility.truth_sha256.parse());
        let sha256 = sha256.transpose().map_err(|_| Error::verification("`suite.json` holds a digest that is none"))?;
        Ok(Self {
            asked: document.asked,
            release: document.release.clone(),
            names: document.variants.iter().map(|variant| variant.name.clone()).collect(),
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
    let read = |name: &String| Ok(Variant::read(name, &archive(name), trust)?.0);
    let variants: Vec<Variant> = request.names.iter().map(read).collect::<Result<_>>()?;
    let (mut cost_lift, mut found) = (None, None);
    if let (Some(question), Some(first)) = (&request.question, request.names.first()) {
        let truth = dir.file(SuiteDir::TRUTH);
        let (utility, report) = utility::measure(&archive(first), &truth, question, request.demands.clone())?;
        (cost_lift, found) = (Some([report.to_bytes()?, page::render(&report).into_bytes()]), Some(utility));
    }
    let document = Document::new(request.asked, request.release.clone(), variants, found);
    Ok(Built { document, cost_lift })
}

impl Built {
    /// The files beside the archives and the truth: each with its name, the document last.
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
