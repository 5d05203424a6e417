//! Which files a campaign file names, and the campaign file as it is read there.
//!
//! What lies beside the campaign file keeps its path; everything else gets one below `ELSEWHERE`. So what is asked for
//! there is what would be asked for here: names, contents and order of the files are the same, and with them the
//! identity of scorer and library. What is written as `login:/path` lies there already, and is left alone. The key stays
//! at home.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use super::message::{FileId, Place, Request};
use super::serve::is_plain;
use crate::campaign::config::Config;
use crate::campaign::site::SiteProfile;
use crate::error::{Error, Result};
use crate::fs;
use crate::library::request::{self, Inputs as Library, LibraryRequest};
use crate::run::plan;
use crate::scorer::command::translate::template::Template;
use crate::scorer::command::translate::{batch, each};

/// The directory of a request in which files lie that are not beside the campaign file.
const ELSEWHERE: &str = "molsieve-inputs";

/// How a path is written that is one of the login node's.
const THERE: &str = "login:";

/// A file to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub file: FileId,
    /// Where it lies here.
    pub path: PathBuf,
}

/// A campaign file, and what it needs.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// What is laid out there.
    pub request: Request,
    /// The files of it, each once.
    pub sources: Vec<Source>,
    /// The private key that signs here, if the campaign file names one.
    pub key: Option<PathBuf>,
    /// The name of the campaign, for people.
    pub campaign: String,
    /// Its seed.
    pub seed: u64,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Reads the campaign file at `path`, and finds and hashes the files that it names.
///
/// # Errors
/// It is no campaign file, a file is not there, or cannot be sent as it is named (exit 2).
pub fn of(path: &Path) -> Result<Inputs> {
    let config = Config::read(path)?;
    let base = plan::base_of(path)?;
    let name = text_of(path.file_name().map_or(Path::new(""), Path::new))?;
    let mut table = table_of(path)?;
    let mut found =
        Found { base: &base, places: BTreeMap::new(), sources: BTreeMap::new(), dirs: Vec::new(), notes: Vec::new() };
    let paths = found.library(&config)?;
    set(&mut table, "library", "path", paths.into_iter().map(Value::String).collect::<Vec<_>>().into());
    if let Some(scorer) = table.get_mut("scorer").and_then(Value::as_table_mut) {
        found.scorer(scorer)?;
    }
    if let Some(scheduler) = table.get_mut("scheduler").and_then(Value::as_table_mut) {
        found.scheduler(scheduler, &config)?;
    }
    let key = config.pack.key.as_ref().map(|key| base.join(key));
    if let Some(pack) = table.get_mut("pack").and_then(Value::as_table_mut) {
        pack.remove("key");
    }
    let text = toml::to_string(&table).map_err(|e| Error::bug(format!("a campaign file cannot be written: {e}")))?;
    let Found { places, sources, dirs, notes, .. } = found;
    let places: Vec<Place> = places.into_iter().map(|(path, file)| Place { path, file }).collect();
    if places.iter().any(|place| place.path == name) {
        return Err(Error::usage(format!("`{name}` is the campaign file, and one of its own inputs"))
            .hint("give the scorer a file of its own: the campaign file there is another one"));
    }
    let sources = sources.into_iter().map(|(file, path)| Source { file, path }).collect();
    let (campaign, seed) = (config.campaign.name, config.campaign.seed);
    Ok(Inputs { request: Request { name, text, places, dirs }, sources, key, campaign, seed, notes })
}

/// The campaign file at `path`, which was found to be one.
fn table_of(path: &Path) -> Result<Table> {
    const BYTES_MAX: u64 = 16 << 20;
    let bytes = fs::read_input(path, BYTES_MAX).map_err(|e| Error::input(path, &e))?;
    let changed = |_| Error::usage(format!("`{}` changed while it was read", path.display()));
    toml::from_str(&String::from_utf8_lossy(&bytes)).map_err(changed)
}

/// The site that the campaign file at `path` names, as it names it.
pub fn site_of(path: &Path) -> Option<String> {
    let table = table_of(path).ok()?;
    table.get("scheduler")?.get("site")?.as_str().map(str::to_owned)
}

/// The first path in the campaign file at `path` that is one of a login node, if there is any: it means nothing here.
pub fn path_of_there(path: &Path) -> Option<String> {
    fn first(value: &Value) -> Option<&str> {
        match value {
            Value::String(text) => Some(text.as_str()).filter(|text| text.starts_with("login:/")),
            Value::Array(values) => values.iter().find_map(first),
            Value::Table(table) => table.values().find_map(first),
            _ => None,
        }
    }
    let table = table_of(path).ok()?;
    ["library", "scorer"].iter().find_map(|section| first(table.get(*section)?)).map(str::to_owned)
}

fn set(table: &mut Table, section: &str, key: &str, value: Value) {
    if let Some(section) = table.get_mut(section).and_then(Value::as_table_mut) {
        section.insert(key.to_owned(), value);
    }
}

/// What is found so far.
struct Found<'a> {
    base: &'a Path,
    places: BTreeMap<String, FileId>,
    sources: BTreeMap<FileId, PathBuf>,
    dirs: Vec<String>,
    notes: Vec<String>,
}

impl Found<'_> {
    /// The files of the library, in their order; those of the login node come as they are written.
    fn library(&mut self, config: &Config) -> Result<Vec<String>> {
        let request = plan::library_request(config, self.base);
        let (there, here): (Vec<String>, Vec<String>) =
            request.paths.into_iter().partition(|path| path.starts_with(THERE));
        let mut paths = there.iter().map(|path| there_path(path)).collect::<Result<Vec<String>>>()?;
        if here.is_empty() {
            return Ok(paths);
        }
        let files = match request::resolve(&LibraryRequest { base: request.base, paths: here, format: request.format })?
        {
            Library::Files(files) => files,
            Library::Snapshot(dir) => {
                return Err(Error::usage(format!("`{}` is a snapshot, which is not sent", dir.display())).hint(
                    "name the files of the library themselves; a snapshot that lies on the login node is `login:/path`",
                ));
            }
        };
        for (number, file) in files.iter().enumerate() {
            paths.push(self.send(&file.path, &format!("library/{number:06}"))?);
        }
        Ok(paths)
    }

    /// The files of `[scorer]`.
    fn scorer(&mut self, scorer: &mut Table) -> Result<()> {
        let fields: &[&str] = match scorer.get("protocol").and_then(Value::as_str) {
            Some("batch") => &batch::FIELDS,
            Some("each") => &each::FIELDS,
            _ => &[],
        };
        if let Some(Value::String(actives)) = scorer.get_mut("actives") {
            *actives = self.needed(actives)?;
        }
        for file in scorer.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::String(text) = file {
                *text = self.needed(text)?;
            }
        }
        let argv = scorer.get_mut("argv").and_then(Value::as_array_mut);
        for (position, element) in argv.into_iter().flatten().enumerate() {
            if let Value::String(text) = element {
                *text = self.argument(position, text, fields)?;
            }
        }
        if let Some(init) = scorer.get_mut("init") {
            self.told(init)?;
        }
        match scorer.get_mut("container") {
            Some(Value::String(image)) => *image = self.perhaps(image)?,
            Some(Value::Table(table)) => {
                if let Some(Value::String(image)) = table.get_mut("image") {
                    *image = self.perhaps(image)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The profile of the site, which is one of this machine's, and the template of batch scripts.
    fn scheduler(&mut self, scheduler: &mut Table, config: &Config) -> Result<()> {
        if let Some(Value::String(site)) = scheduler.get_mut("site") {
            let (path, _) = SiteProfile::find_with_path(site, self.base)?;
            *site = self.send(&path, "site")?;
        }
        // It may come from the profile, and lie beside that.
        if let Some(template) = &config.scheduler.template {
            let template = self.send(&self.base.join(template), "template")?;
            scheduler.insert("template".to_owned(), Value::String(template));
        }
        Ok(())
    }

    /// An element of an argument vector. The program itself is looked for there, unless it lies beside the campaign file.
    fn argument(&mut self, position: usize, text: &str, fields: &[&str]) -> Result<String> {
        if position == 0 && (Path::new(text).is_absolute() || !text.contains('/')) {
            return Ok(text.to_owned());
        }
        if fields.is_empty() {
            return self.perhaps(text);
        }
        let literal = Template::parse(text, fields).ok().and_then(|template| template.literal());
        let Some(literal) = literal else { return Ok(text.to_owned()) };
        let path = self.perhaps(&literal)?;
        Ok(if path == literal { text.to_owned() } else { path.replace('{', "{{").replace('}', "}}") })
    }

    /// What a server is told at its start.
    fn told(&mut self, value: &mut Value) -> Result<()> {
        match value {
            Value::String(text) => *text = self.perhaps(text)?,
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.told(value))?,
            Value::Table(table) => table.iter_mut().try_for_each(|(_, value)| self.told(value))?,
            _ => {}
        }
        Ok(())
    }

    /// A text that names a file, which must be there.
    fn needed(&mut self, text: &str) -> Result<String> {
        if text.starts_with(THERE) {
            return there_path(text);
        }
        self.send_as_written(text)
    }

    /// A text that may name a file or a directory, as it is written there.
    fn perhaps(&mut self, text: &str) -> Result<String> {
        if text.starts_with(THERE) {
            return there_path(text);
        }
        let path = self.base.join(text);
        if path.is_file() {
            return self.send_as_written(text);
        }
        if text.contains('/') && path.is_dir() {
            self.directory(text)?;
        }
        Ok(text.to_owned())
    }

    /// A directory beside the campaign file is made there, and holds the files that are declared.
    fn directory(&mut self, text: &str) -> Result<()> {
        let Some(plain) = plain_path(text) else {
            return Err(Error::usage(format!("`{text}` is a directory, and directories are not sent")).hint(
                "put it beside the campaign file and name its files in `files`, or name one of the login node: `login:/path`",
            ));
        };
        self.notes.push(format!("of the directory `{text}` only those files are sent that `files` names"));
        self.dirs.push(plain);
        Ok(())
    }

    fn send_as_written(&mut self, text: &str) -> Result<String> {
        let path = self.base.join(text);
        if let Some(plain) = plain_path(text) {
            self.place(&path, plain)?;
            return Ok(text.to_owned());
        }
        let number = self.places.len();
        self.send(&path, &format!("files/{number:06}"))
    }

    /// Sends the file at `path`, below `dir` of [`ELSEWHERE`].
    fn send(&mut self, path: &Path, dir: &str) -> Result<String> {
        let name = text_of(path.file_name().map_or(path, Path::new))?;
        let place = format!("{ELSEWHERE}/{dir}/{name}");
        self.place(path, place.clone())?;
        Ok(place)
    }

    fn place(&mut self, path: &Path, place: String) -> Result<()> {
        let name = text_of(path.file_name().map_or(path, Path::new))?;
        if !is_plain(&name) {
            return Err(Error::usage(format!("`{}` has no name that can be sent", path.display())));
        }
        let (sha256, bytes) = fs::sha256_input(path)?;
        let file = FileId { sha256, name, bytes, executable: fs::put::is_executable(path) };
        self.sources.insert(file.clone(), path.to_path_buf());
        self.places.insert(place, file);
        Ok(())
    }
}

/// The path of the login node in `login:/path`.
fn there_path(text: &str) -> Result<String> {
    let path = text.strip_prefix(THERE).unwrap_or(text);
    if Path::new(path).is_absolute() {
        return Ok(path.to_owned());
    }
    Err(Error::usage(format!("`{text}` is no path of the login node")).hint("write it from the root: `login:/path`"))
}

/// `text` as a path of plain components below the campaign file's directory, if it is one.
fn plain_path(text: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn text_of(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.is_empty()).map(str::to_owned);
    text.ok_or_else(|| Error::usage(format!("`{}` has a name that is not text, and cannot be sent", path.display())))
}

/// The name there of the campaign whose directory here is `dir`.
///
/// # Errors
/// It is no plain name (exit 2).
pub fn name_of(dir: &Path) -> Result<String> {
    let dir = std::path::absolute(dir).map_err(|e| Error::io("cannot find", dir, &e))?;
    let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if super::login::is_name(&name) {
        return Ok(name);
    }
    Err(Error::usage(format!("`{}` does not end in a name that a campaign can have on a login node", dir.display()))
        .hint("give a directory of up to 64 letters, digits and . _ - with `--dir`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(text: &str, dir: &Path) -> Result<(Inputs, Table)> {
        let path = dir.join("c.toml");
        std::fs::write(&path, text).unwrap();
        let inputs = of(&path)?;
        let table = toml::from_str(&inputs.request.text).unwrap();
        Ok((inputs, table))
    }

    fn written(dir: &Path, files: &[&str]) {
        for file in files {
            std::fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
            std::fs::write(dir.join(file), format!("CCO {file}\n")).unwrap();
        }
    }

    fn head(rest: &str) -> String {
        format!("[campaign]\nname = \"a\"\nseed = 7\n{rest}")
    }

    #[test]
    fn a_path_of_the_login_node_is_told_from_a_word() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("c.toml");
        let of = |rest: &str| {
            std::fs::write(&path, head(rest)).unwrap();
            path_of_there(&path)
        };
        assert_eq!(of("[library]\npath = [\"a.smi\", \"login:/b.smi\"]\n").as_deref(), Some("login:/b.smi"));
        assert_eq!(of("[scorer]\nfiles = [\"login:/x\"]\n").as_deref(), Some("login:/x"));
        assert_eq!(of("[library]\npath = \"a.smi\"\n[scorer]\nargv = [\"p\", \"login:word\"]\n"), None);
    }

    #[test]
    fn a_library_keeps_its_order_and_its_names() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("base");
        written(temp.path(), &["base/b.smi", "base/sub/a.smi", "base/sub/.h.smi", "z.smi"]);
        let text = head(
            "[library]\npath = [\"*.smi\", \"sub/*\", \"../z.smi\", \"login:/data/x.smi\"]\n[scorer]\nkind = \"null\"\n",
        );
        let (inputs, table) = there(&text, &dir).unwrap();
        let paths = table["library"]["path"].as_array().unwrap();
        let paths: Vec<&str> = paths.iter().map(|path| path.as_str().unwrap()).collect();
        let of = |number: u32, name: &str| format!("{ELSEWHERE}/library/{number:06}/{name}");
        assert_eq!(paths, ["/data/x.smi", &of(0, "z.smi"), &of(1, "b.smi"), &of(2, "a.smi")]);
        assert_eq!((inputs.sources.len(), inputs.seed, inputs.campaign.as_str()), (3, 7, "a"));
    }

    #[test]
    fn what_lies_beside_the_campaign_file_keeps_its_path_and_the_key_stays_here() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("base");
        written(temp.path(), &["base/a.smi", "base/bin/dock", "base/data/r.pdbqt", "o/{x}.txt", "base/p.pdb"]);
        let program = dir.join("bin/dock");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let outside = temp.path().join("o/{x}.txt").display().to_string().replace('{', "{{").replace('}', "}}");
        let text = head(&format!(
            "[library]\npath = [\"a.smi\"]\n[pack]\nkey = \"k.pem\"\ntop = 3\n[scorer]\nkind = \"command\"\nprotocol = \"batch\"\n\
             files = [\"./data/r.pdbqt\", \"login:/lib/x\"]\ninit = {{ protein = [\"p.pdb\", \"word\"] }}\n\
             argv = [\"./bin/dock\", \"data/\", \"{outside}\", \"login:/opt/x\", \"{{in}}\", \"--out\", \"{{out}}\"]\n"
        ));
        let (inputs, table) = there(&text, &dir).unwrap();
        let argv: Vec<&str> = table["scorer"]["argv"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        assert_eq!(argv[..2], ["./bin/dock", "data/"]);
        assert!(argv[2].starts_with(ELSEWHERE) && argv[2].ends_with("/{{x}}.txt"), "{argv:?}");
        assert_eq!(argv[3..], ["/opt/x", "{in}", "--out", "{out}"]);
        assert_eq!(table["scorer"]["files"][1].as_str(), Some("/lib/x"));
        assert_eq!(table["pack"].as_table().unwrap().keys().collect::<Vec<_>>(), ["top"]);
        assert_eq!(inputs.key.unwrap(), dir.canonicalize().unwrap().join("k.pem"));
        let places: Vec<&str> = inputs.request.places.iter().map(|place| place.path.as_str()).collect();
        assert!(places.contains(&"bin/dock") && places.contains(&"data/r.pdbqt") && places.contains(&"p.pdb"));
        assert!(inputs.request.places.iter().all(|place| place.file.executable == (place.path == "bin/dock")));
        assert_eq!((inputs.request.dirs, inputs.notes.len()), (vec!["data".to_owned()], 1));
    }

    #[test]
    fn programs_are_those_of_the_login_node_unless_they_lie_beside_the_campaign_file() {
        let temp = tempfile::tempdir().unwrap();
        written(temp.path(), &["a.smi", "sh"]);
        let text = |program: &str| {
            head(&format!(
                "[library]\npath = [\"a.smi\"]\n[scorer]\nkind = \"command\"\nargv = [\"{program}\", \"sh\"]\n"
            ))
        };
        for (program, sent) in [("sh", 2), ("/bin/sh", 2), ("./sh", 2)] {
            let (inputs, table) = there(&text(program), temp.path()).unwrap();
            assert_eq!(table["scorer"]["argv"][0].as_str(), Some(program));
            assert_eq!(inputs.request.places.len(), sent, "{program}");
        }
    }

    #[test]
    fn the_profile_of_a_site_goes_along_and_so_does_its_template() {
        let temp = tempfile::tempdir().unwrap();
        written(temp.path(), &["a.smi"]);
        std::fs::create_dir(temp.path().join("sites")).unwrap();
        std::fs::write(temp.path().join("sites/t.sh"), "#!/bin/sh\n").unwrap();
        let profile = "schema = \"molsieve.site.v1\"\nname = \"ours\"\nlogin = \"me@h\"\n[scheduler]\nkind = \"slurm\"\ntemplate = \"t.sh\"\n";
        std::fs::write(temp.path().join("sites/ours.toml"), profile).unwrap();
        let text =
            head("[library]\npath = [\"a.smi\"]\n[scorer]\nkind = \"null\"\n[scheduler]\nsite = \"sites/ours.toml\"\n");
        let (inputs, table) = there(&text, temp.path()).unwrap();
        assert_eq!(table["scheduler"]["site"].as_str(), Some("molsieve-inputs/site/ours.toml"));
        assert_eq!(table["scheduler"]["template"].as_str(), Some("molsieve-inputs/template/t.sh"));
        assert_eq!(inputs.sources.len(), 3);
        assert_eq!(site_of(&temp.path().join("c.toml")).as_deref(), Some("sites/ours.toml"));
    }

    #[test]
    fn what_cannot_be_sent_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("base");
        written(temp.path(), &["base/a.smi", "snap/snapshot.json", "d/x"]);
        let told = |library: &str, scorer: &str| {
            let text = head(&format!("[library]\npath = [\"{library}\"]\n[scorer]\n{scorer}\n"));
            there(&text, &dir).unwrap_err().what().to_owned()
        };
        assert!(told("../snap", "kind = \"null\"").contains("is a snapshot"));
        assert!(told("login:x.smi", "kind = \"null\"").contains("no path of the login node"));
        assert!(told("none.smi", "kind = \"null\"").contains("none.smi"));
        assert!(told("a.smi", "kind = \"similarity\"\nactives = \"none.smi\"").contains("there is no"));
        assert!(told("a.smi", "kind = \"command\"\nargv = [\"x\", \"../d/\"]").contains("directories are not sent"));
        assert!(told("a.smi", "kind = \"command\"\nargv = [\"x\", \"c.toml\"]").contains("one of its own inputs"));
    }

    #[test]
    fn a_directory_gives_a_campaign_its_name() {
        assert_eq!(name_of(Path::new("a/night-1/")).unwrap(), "night-1");
        assert!(name_of(Path::new("/")).is_err() && name_of(Path::new("a b")).is_err());
    }
}
