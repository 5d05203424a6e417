//! Ray, as the program wants it.

mod examined;

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::ray::inside::{self, Own};
use molsieve_adapters::ray::{self, Address, Client, Plain, Site, Token, facts, script};
use molsieve_adapters::{Adapter, AdapterError, Capabilities, Inside, JobId};

use super::{Allows, Asked, Binding, Cap, Examined, Notice, Queue, Rights};
use crate::campaign::scheduler::Cluster;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::scorer::argv;
use crate::units;

/// Where it is asked where nobody says where: as Ray has it.
const ADDRESS: &str = "http://127.0.0.1:8265";

/// Where its own commands look for that.
const VARIABLE: &str = "RAY_API_SERVER_ADDRESS";

/// No list of certificates is larger, in bytes.
const CA_BYTES_MAX: u64 = 4 << 20;

/// What somebody needs who writes a template.
const TEMPLATE_HINT: &str = "docs/guide/ray.md says what is in the driver, and `molsieve plan` shows it";

/// The binding.
#[derive(Debug)]
pub(super) struct Ray;

impl Binding for Ray {
    fn product(&self) -> &'static str {
        "Ray"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["ray"]
    }

    fn without_programs(&self) -> Option<&'static str> {
        Some("none of its programs is here, and none is needed: `doctor --site` asks the Jobs API at its address")
    }

    /// (No program is needed, but who has none and names no address means another machine, perhaps.)
    fn is_here(&self) -> bool {
        variable(VARIABLE).is_some() || argv::program("ray", Path::new("/")).is_ok()
    }

    fn check(&self, cluster: &Cluster, _: u32) -> Result<()> {
        site(cluster)?;
        address(cluster).map(drop)
    }

    fn unasked(&self, cluster: &Cluster) -> Result<Box<dyn Adapter>> {
        // Nobody is asked: no token is read.
        let client = Client::new(address(cluster)?, None, None).map_err(Error::usage)?;
        adapter(cluster, client)
    }

    fn ask(&self, cluster: &Cluster, _: Queue) -> Result<Asked> {
        let client = client(cluster)?;
        facts::version(&client).map_err(|e| no(&client, &e))?;
        let adapter = adapter(cluster, client)?;
        let Capabilities { array_len_max, .. } = adapter.capabilities();
        let cap = |most| Cap { most, of: "what one driver keeps account of".to_owned() };
        // It has no name but its address, no accounts, and no limits on jobs.
        let allows = Allows {
            cluster: Some(address(cluster)?.to_string()),
            tasks: array_len_max.into_iter().map(cap).collect(),
            ..Allows::default()
        };
        Ok(Asked { adapter, allows })
    }

    fn listener(&self, cluster: &Cluster, within: Duration) -> Result<Box<dyn Adapter>> {
        adapter(cluster, client(cluster)?.within(within))
    }

    fn inside(&self) -> Option<Box<dyn Inside>> {
        Some(Box::new(Own::of(variable)?))
    }

    fn rights(&self, _: &Path) -> Rights {
        // What goes on with a campaign runs on the head, whatever nodes may do.
        Rights { may_submit: true, may_ask: true, said: None }
    }

    fn examine(&self, cluster: &Cluster) -> Result<Examined> {
        examined::examine(cluster)
    }

    fn when_full(&self) -> &'static str {
        "`ray job list` shows what runs, and `ray status` what nodes have left"
    }

    fn task_name(&self, job: &str, index: u64) -> String {
        ray::task_name(&JobId(job.to_owned()), index)
    }

    fn named(&self, job: &str, _: &[u64]) -> String {
        // No task is stopped or let go alone.
        job.to_owned()
    }

    fn notice(&self, _: &Cluster) -> Notice {
        // The driver tells a task when its time is up, and counts the grace from then on.
        Notice::Told { before: Duration::ZERO, early: Duration::ZERO }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where `cluster` is asked: on its head as the driver says that started this process there, else as the campaign says, else as
/// Ray's own variable says.
fn address(cluster: &Cluster) -> Result<Address> {
    if let Some(own) = inside::api(variable) {
        // It is the machine that this runs on, by whatever name.
        return Address::parse(&own, Plain::Allowed).map_err(Error::usage);
    }
    let said = cluster.words.get("address");
    let text = said.cloned().or_else(|| variable(VARIABLE)).unwrap_or_else(|| ADDRESS.to_owned());
    let insists = cluster.words.get("allow_http").is_some_and(|word| word == "true");
    let name = if said.is_some() { "scheduler.address" } else { VARIABLE };
    Address::parse(&text, if insists { Plain::Allowed } else { Plain::Refused }).map_err(|why| {
        let error = Error::usage(format!("`{name}`: {why}"));
        if why.contains("tunnel") { error.hint("who insists says `allow_http = true` in `[scheduler]`") } else { error }
    })
}

/// Who asks `cluster`, with the token.
fn client(cluster: &Cluster) -> Result<Client> {
    let address = address(cluster)?;
    let authorities = cluster.words.get("ca_file").map(|path| {
        let path = Path::new(path);
        let bytes = fs::read_input(path, CA_BYTES_MAX).map_err(|e| Error::input(path, &e))?;
        Ok::<String, Error>(String::from_utf8_lossy(&bytes).into_owned())
    });
    let authorities = authorities.transpose().map_err(|e| e.within("`scheduler.ca_file`"))?;
    let client = Client::new(address, token(cluster)?, authorities.as_deref());
    client.map_err(|why| Error::usage(format!("`scheduler.ca_file`: {why}")))
}

/// The token: of the file that is named, or of the environment; on the head the other way round, since the file may be on
/// another machine.
fn token(cluster: &Cluster) -> Result<Option<Token>> {
    let file = || cluster.words.get("token_file").map(|path| Token::read(Path::new(path))).transpose();
    let environment = || Token::of_environment(variable);
    let is_on_head = inside::api(variable).is_some();
    let first = if is_on_head { environment() } else { file() };
    let token = first.and_then(|token| match token {
        None if is_on_head => file(),
        None => environment(),
        some => Ok(some),
    });
    token.map_err(|why| Error::usage(why).hint("`token_file` in `[scheduler]` names the file that holds it"))
}

/// How `cluster` is spoken to by `client`.
fn adapter(cluster: &Cluster, client: Client) -> Result<Box<dyn Adapter>> {
    let ray = ray::Ray::new(client, site(cluster)?);
    Ok(Box::new(match &cluster.template {
        Some(template) => ray.with_template(template.clone()),
        None => ray,
    }))
}

/// Why it cannot be told what the cluster allows.
fn no(client: &Client, error: &AdapterError) -> Error {
    let new = Error::new(Kind::Scheduler, error.to_string());
    match error {
        AdapterError::Rejected(_) | AdapterError::TooMany(_) => {
            new.hint("nothing was submitted, and nothing is lost").for_good()
        }
        _ => new
            .hint(format!("is `{}` the address of its dashboard, and the tunnel open?", client.address()))
            .hint("nothing is lost: the same command goes on from here"),
    }
}

/// What jobs are told, checked.
fn site(cluster: &Cluster) -> Result<Site> {
    let mut site = Site::default();
    if let Some(python) = cluster.words.get("python") {
        if python.is_empty() || python.starts_with('-') || python.chars().any(char::is_control) {
            return Err(Error::usage(format!("`scheduler.python` is `{}`", python.escape_debug()))
                .hint("it is the name of a program on the head, or its path"));
        }
        site.python.clone_from(python);
    }
    if let Some(grace) = cluster.words.get("grace") {
        site.grace_s = units::duration(grace).map_err(|e| e.within("`scheduler.grace`"))?.as_secs();
    }
    if let Some(template) = &cluster.template {
        script::check(template).map_err(|e| Error::usage(format!("`scheduler.template`: {e}")).hint(TEMPLATE_HINT))?;
    }
    Ok(site)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::scheduler::SchedulerSection;

    fn cluster(keys: &str) -> Cluster {
        let section: SchedulerSection = toml::from_str(&format!("kind = \"ray\"\n{keys}")).unwrap();
        section.cluster().unwrap().unwrap()
    }

    #[test]
    fn what_is_said_is_heard() {
        let site = site(&cluster("python = \"/opt/py/bin/python\"\ngrace = \"30s\"")).unwrap();
        assert_eq!(site, Site { python: "/opt/py/bin/python".to_owned(), grace_s: 30 });
        let said = address(&cluster("address = \"http://127.0.0.1:9000\"")).unwrap();
        assert_eq!(said.to_string(), "http://127.0.0.1:9000");
    }

    #[test]
    fn plain_http_to_another_machine_needs_somebody_who_insists() {
        let address = |more: &str| address(&cluster(&format!("address = \"http://10.0.0.7:8265\"\n{more}")));
        for more in ["", "allow_http = false"] {
            let error = address(more).unwrap_err();
            assert!(error.kind() == Kind::Usage && error.hints()[0].contains("allow_http = true"), "{error}");
        }
        assert!(address("allow_http = true").is_ok());
    }

    #[test]
    fn what_would_be_no_word_is_refused() {
        for keys in ["python = \"-c x\"", "grace = \"soon\"", "python = \"\""] {
            assert_eq!(site(&cluster(keys)).unwrap_err().kind(), Kind::Usage, "{keys}");
        }
        let open = cluster("token_file = \"/nowhere/token\"");
        assert!(token(&open).unwrap_err().what().contains("`/nowhere/token` cannot be read"));
    }

    #[test]
    fn keys_that_it_would_not_hear_are_refused() {
        for key in ["signal_before = \"1min\"", "tick_memory = \"2G\"", "partition = \"a\""] {
            let section: SchedulerSection = toml::from_str(&format!("kind = \"ray\"\n{key}")).unwrap();
            assert_eq!(section.cluster().unwrap_err().kind(), Kind::Usage, "{key}");
        }
    }
}
