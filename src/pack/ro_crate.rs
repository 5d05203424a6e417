//! `ro-crate-metadata.json`: the pack described as a Process Run Crate 0.5, on RO-Crate 1.1.
//!
//! It says in a vocabulary that others read what the manifest and provenance say in ours: the files,
//! what computed them, from what, and when. It invents nothing: no person, no licence, no path of a
//! machine. What it says is a function of manifest and provenance alone. See `docs/formats/ro-crate.md`.

use serde_json::{Map, Value, json};

use super::manifest::{FileEntry, Manifest};
use super::provenance::Provenance;
use super::{
    CHECKSUMS, HDF5, HETERO2, HITS, HITS_SDF, HITS_SMI, INDEX, MANIFEST, METRICS, PARQUET, PROVENANCE, REPORT,
    RO_CRATE, SIGNAL, SUMMARY,
};
use crate::canonical::json::to_line;
use crate::error::Result;

/// The JSON-LD context of RO-Crate 1.1.
const CONTEXT: &str = "https://w3id.org/ro/crate/1.1/context";
/// The profile of RO-Crate that the metadata file conforms to.
const RO_CRATE_PROFILE: &str = "https://w3id.org/ro/crate/1.1";
/// The profile that the crate conforms to.
const PROCESS_RUN: &str = "https://w3id.org/ro/wfrun/process/0.5";
/// A term of the workflow-run vocabulary that the context of RO-Crate 1.1 does not have.
const SHA256_TERM: &str = "https://w3id.org/ro/terms/workflow-run#sha256";

/// The file's content: canonical JSON. `manifest` lists all other content already.
///
/// # Errors
/// None in practice: what the manifest holds has a canonical form.
pub fn render(manifest: &Manifest, provenance: &Provenance) -> Result<Vec<u8>> {
    let mut graph = vec![descriptor(), root(manifest, provenance), profile(), licence(), action(manifest, provenance)];
    graph.push(molsieve(manifest));
    graph.extend(scorer(manifest)?);
    graph.push(library(manifest));
    graph.push(json!({"@id": "#seed", "@type": "PropertyValue", "name": "campaign seed",
        "value": manifest.campaign.seed.to_string()}));
    graph.extend(manifest.files.iter().map(file));
    for (name, what) in [(MANIFEST, "application/json"), (CHECKSUMS, "text/plain")] {
        // Their digests follow from this file's, so they cannot stand in it.
        graph.push(json!({"@id": name, "@type": "File", "name": name, "encodingFormat": what,
            "description": described(name)}));
    }
    to_line(&json!({"@context": [CONTEXT, {"sha256": SHA256_TERM}], "@graph": graph}))
}

fn reference(id: &str) -> Value {
    json!({"@id": id})
}

fn descriptor() -> Value {
    json!({"@id": RO_CRATE, "@type": "CreativeWork", "about": reference("./"), "conformsTo": reference(RO_CRATE_PROFILE)})
}

fn profile() -> Value {
    json!({"@id": PROCESS_RUN, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"})
}

/// The profile wants a licence. The campaign states none, and one is not invented for it.
fn licence() -> Value {
    json!({"@id": "#licence", "@type": "CreativeWork", "name": "No licence is stated",
        "description": "The campaign states no licence for this pack. Ask whoever signed it what may be done with it."})
}

fn root(manifest: &Manifest, provenance: &Provenance) -> Value {
    let parts: Vec<Value> =
        manifest.files.iter().map(|f| f.name.as_str()).chain([MANIFEST, CHECKSUMS]).map(reference).collect();
    let word = if manifest.complete { "complete" } else { "INCOMPLETE" };
    let description = format!(
        "The {word} result of a molecule-screening campaign: {} of {} records of a library, scored by {}",
        manifest.records.total, manifest.campaign.library.records, manifest.campaign.scorer.description.name,
    );
    json!({
        "@id": "./",
        "@type": "Dataset",
        "name": manifest.campaign.name,
        "description": description,
        "datePublished": provenance.finished,
        "identifier": manifest.payload.digest,
        "license": reference("#licence"),
        "conformsTo": reference(PROCESS_RUN),
        "hasPart": parts,
        "mentions": reference("#campaign"),
    })
}

/// The campaign as an action: what was made, by what, from what, when.
fn action(manifest: &Manifest, provenance: &Provenance) -> Value {
    let mut object = vec![reference("#library"), reference("#seed")];
    object.extend((0..manifest.campaign.scorer.files.len()).map(|n| reference(&scorer_file(n))));
    let result: Vec<Value> = manifest.files.iter().map(|file| reference(&file.name)).collect();
    let counts = &manifest.records;
    let mut action = json!({
        "@id": "#campaign",
        "@type": "CreateAction",
        "name": format!("Campaign: {}", manifest.campaign.name),
        "description": format!("{} records: {} OK, {} SKIP, {} ERROR", counts.total, counts.ok, counts.skip, counts.error),
        "instrument": [reference("#molsieve"), reference("#scorer")],
        "object": object,
        "result": result,
        "startTime": provenance.started,
        "endTime": provenance.finished,
    });
    let status = if manifest.complete { "CompletedActionStatus" } else { "FailedActionStatus" };
    action["actionStatus"] = reference(&format!("http://schema.org/{status}"));
    if !manifest.complete {
        let missing = manifest.campaign.library.records - counts.total;
        action["error"] = json!(format!("INCOMPLETE: {missing} records of the library are not in it"));
    }
    action
}

fn molsieve(manifest: &Manifest) -> Value {
    json!({"@id": "#molsieve", "@type": "SoftwareApplication", "name": "molsieve", "softwareVersion": manifest.molsieve,
        "description": "Ran the campaign: cut the library into shards, counted every record, gathered and sealed the rows"})
}

fn scorer_file(number: usize) -> String {
    format!("#scorer-file-{number}")
}

/// The scorer, and the files that it depends on: by digest, for their paths are of one machine.
fn scorer(manifest: &Manifest) -> Result<Vec<Value>> {
    let scorer = &manifest.campaign.scorer;
    let columns: Vec<&str> = scorer.description.columns.iter().map(|c| c.name.as_str()).collect();
    let mut application = json!({
        "@id": "#scorer",
        "@type": "SoftwareApplication",
        "name": scorer.description.name,
        "softwareVersion": scorer.description.version,
        "identifier": format!("blake3:{}", scorer.digest()?),
        "description": format!("Scorer of kind `{}`; columns: {}", scorer.kind, columns.join(", ")),
    });
    if !scorer.files.is_empty() {
        let files: Vec<Value> = (0..scorer.files.len()).map(|n| reference(&scorer_file(n))).collect();
        application["softwareRequirements"] = json!(files);
    }
    let files = scorer.files.iter().enumerate().map(|(n, file)| {
        json!({"@id": scorer_file(n), "@type": "CreativeWork", "name": file.name, "sha256": file.sha256.to_string(),
            "identifier": file.sha256.sha256_uri(), "description": "A file that the scorer depends on"})
    });
    Ok(std::iter::once(application).chain(files).collect())
}

fn library(manifest: &Manifest) -> Value {
    let library = &manifest.campaign.library;
    json!({"@id": "#library", "@type": "CreativeWork", "name": "The library that was screened",
        "identifier": format!("blake3:{}", library.root),
        "description": format!("{} records; the identifier is the root of the library snapshot", library.records)})
}

fn file(entry: &FileEntry) -> Value {
    let mut described_file = Map::from_iter([
        ("@id".to_owned(), json!(entry.name)),
        ("@type".to_owned(), json!("File")),
        ("name".to_owned(), json!(entry.name)),
        ("contentSize".to_owned(), json!(entry.bytes.to_string())),
        ("sha256".to_owned(), json!(entry.sha256.to_string())),
        ("description".to_owned(), json!(described(&entry.name))),
    ]);
    let format = match entry.name.rsplit('.').next().unwrap_or_default() {
        "csv" => "text/csv",
        "json" => "application/json",
        "md" => "text/markdown",
        "html" => "text/html",
        "sdf" => "chemical/x-mdl-sdfile",
        "smi" => "chemical/x-daylight-smiles",
        "parquet" => "application/vnd.apache.parquet",
        "h5" => "application/x-hdf5",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    };
    described_file.insert("encodingFormat".to_owned(), json!(format));
    Value::Object(described_file)
}

fn described(name: &str) -> &'static str {
    match name {
        SUMMARY => "The payload: one row a record, in the order of the library",
        HITS => "The best rows, best first",
        HITS_SMI | HITS_SDF => "The structures of the best rows",
        METRICS => "The payload in numbers",
        SIGNAL => "What decoys say of the score",
        PROVENANCE => "Hosts, times and attempts of this execution, and the journal of the campaign",
        INDEX => "What is in the pack, for people",
        REPORT => "The result for people, with pictures",
        HETERO2 => "The payload as an evidence pack of HETERO-2",
        PARQUET | HDF5 => "The payload in another encoding",
        MANIFEST => "Every content file with its size and SHA-256, and the frozen request",
        CHECKSUMS => "The same for sha256sum",
        _ => "Content of the pack",
    }
}
