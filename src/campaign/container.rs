//! From `[scorer] container` to a container that is known by its digest.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::fs;
use crate::scorer::argv;
use crate::scorer::command::contain::{Bind, Container, Runtime};

/// A container: the path of an image file, or a table.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "a container is the path of a `.sif` file, or a table of runtime, image, digest, binds, network"
)]
pub enum ContainerSection {
    /// The path of an image file.
    Image(String),
    /// All of it.
    Table(ContainerTable),
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerTable {
    /// `apptainer`, `singularity`, `docker`, `podman`.
    pub runtime: Option<String>,
    /// The path of an image file, or the name of an image.
    pub image: String,
    /// What it must be: `sha256:…`.
    pub digest: Option<String>,
    /// Paths that it sees: `HOST`, `HOST:INSIDE` or `HOST:INSIDE:rw`.
    #[serde(default)]
    pub binds: Vec<String>,
    /// Whether it has the network.
    #[serde(default)]
    pub network: bool,
}

/// What a container is, and its image file if it has one.
///
/// # Errors
/// What is said of it is wrong (exit 2), the runtime or the image is not there (exit 6), or the image
/// is another than the campaign file says (exit 2).
pub fn resolve(section: &ContainerSection, base: &Path) -> Result<(Container, Option<PathBuf>)> {
    let table = match section {
        ContainerSection::Image(image) => ContainerTable { image: image.clone(), ..ContainerTable::default() },
        ContainerSection::Table(table) => table.clone(),
    };
    let is_file = Path::new(&table.image).extension().is_some_and(|extension| extension == "sif");
    let (runtime, program) = runtime_of(&table, is_file)?;
    let binds = table.binds.iter().map(|text| bind(text, base)).collect::<Result<_>>()?;
    for path in [base, &std::env::temp_dir()] {
        plain(&path.display().to_string())?;
    }
    if runtime == Runtime::Apptainer {
        let image = base.join(&table.image);
        let found = fs::sha256_input(&image).map_err(|e| e.within("`scorer.container`"))?.0.sha256_uri();
        said(&table, &[&found])?;
        let container = Container {
            runtime,
            program,
            image: image.display().to_string(),
            digest: found,
            binds,
            network: table.network,
        };
        return Ok((container, Some(image)));
    }
    if table.image.is_empty() || table.image.starts_with('-') || table.image.chars().any(|c| c.is_control() || c == ' ')
    {
        return Err(Error::usage(format!("`scorer.container` names no image: `{}`", table.image)));
    }
    let mut container = Container {
        runtime,
        program,
        image: table.image.clone(),
        digest: String::new(),
        binds,
        network: table.network,
    };
    let known = container.known_digests()?;
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    said(&table, &names)?;
    container.digest = table.digest.clone().or_else(|| known.first().cloned()).unwrap_or_default();
    Ok((container, None))
}

fn runtime_of(table: &ContainerTable, is_file: bool) -> Result<(Runtime, PathBuf)> {
    let (runtime, names): (_, &[&str]) = match table.runtime.as_deref() {
        None if is_file => (Runtime::Apptainer, &["apptainer", "singularity"]),
        None => {
            return Err(Error::usage("`scorer.container` does not say what runs the image")
                .hint("write `container = { runtime = \"podman\", image = \"…\" }`, or name a `.sif` file"));
        }
        Some("apptainer") => (Runtime::Apptainer, &["apptainer", "singularity"]),
        Some("singularity") => (Runtime::Apptainer, &["singularity", "apptainer"]),
        Some("docker") => (Runtime::Docker, &["docker"]),
        Some("podman") => (Runtime::Podman, &["podman"]),
        Some(other) => {
            return Err(Error::usage(format!("`scorer.container` is to be run by `{other}`"))
                .hint("known are: apptainer, singularity, docker, podman"));
        }
    };
    let found = names.iter().find_map(|name| argv::program(name, Path::new("/")).ok());
    let program = found.ok_or_else(|| {
        Error::environment(format!("there is no program `{}`, which `scorer.container` needs", names[0]))
            .hint("install it, load its module, or put it into PATH")
    })?;
    Ok((runtime, program))
}

/// The digest that the campaign file says must be one that the image has.
fn said(table: &ContainerTable, found: &[&str]) -> Result<()> {
    match &table.digest {
        Some(digest) if !found.contains(&digest.as_str()) => Err(Error::usage(format!(
            "`scorer.container` is `{}`, and the campaign file says `{digest}`",
            found.join("`, `")
        ))
        .hint("get the image that is meant, or change `digest`")),
        _ => Ok(()),
    }
}

/// `HOST`, `HOST:INSIDE` or `HOST:INSIDE:rw`.
fn bind(text: &str, base: &Path) -> Result<Bind> {
    let wrong = || {
        Error::usage(format!("`scorer.container`: `{text}` is no bind"))
            .hint("write \"/data\", \"/data:/inside\" or \"/scratch:/scratch:rw\"; without `rw` it is read-only")
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (from, to, write) = match parts.as_slice() {
        [from] => (*from, *from, false),
        [from, to] => (*from, *to, false),
        [from, to, mode @ ("rw" | "ro")] => (*from, *to, *mode == "rw"),
        _ => return Err(wrong()),
    };
    let from = base.join(from);
    if !from.exists() {
        return Err(Error::usage(format!("`scorer.container` binds `{}`, which is not there", from.display())));
    }
    let (from, to) = (from.display().to_string(), base.join(to).display().to_string());
    plain(&from)?;
    plain(&to)?;
    Ok(Bind { from, to, write })
}

/// Runtimes separate paths by commas and colons, and have no way to quote them.
fn plain(path: &str) -> Result<()> {
    if path.contains([',', ':', '"', '\n']) {
        return Err(Error::usage(format!(
            "a container cannot be shown `{path}`: its name has a comma, colon or quote"
        ))
        .hint("rename it, or reach it through a link"));
    }
    Ok(())
}
