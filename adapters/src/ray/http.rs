//! Requests to a Jobs API, one connection each: with a time limit, a size limit, and no redirect.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::crypto::ring::default_provider as cryptography;
use ureq::Agent as Asker;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::address::Address;
use super::token::Token;
use crate::adapter::AdapterError;

/// An answer is not read any further, in bytes: the log of the driver of a hundred thousand tasks, or the list of ten
/// thousand jobs.
const ANSWER_MAX: u64 = 64 << 20;

/// How long a connection may take to be there. A head under load accepts at once.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may take in all, to its last byte.
const ANSWER: Duration = Duration::from_secs(60);

/// Where systems keep the certificates that they trust.
const AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What is said of a redirect: whoever follows one hands the token to somebody else.
const REDIRECTED: &str = "the answer is a redirect, which is not followed: say the address that it leads to";

/// An answer: its status, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status, such as 404.
    pub status: u16,
    /// The text.
    pub text: String,
}

/// What asks the Jobs API of one cluster.
#[derive(Clone)]
pub struct Client {
    asker: Asker,
    address: Address,
    token: Option<Token>,
    roots: RootCerts,
    answer: Duration,
    answer_max: u64,
    /// What is left for all answers together, where somebody waits for them.
    left: Option<Left>,
}

/// Time and bytes for several answers.
#[derive(Clone)]
struct Left {
    all: Duration,
    until: Instant,
    bytes: Arc<AtomicU64>,
}

impl Client {
    /// For the cluster at `address`, which wants `token`. Over `https` its certificate must be signed by one of the
    /// certificates in `authorities`, in PEM; where there are none, by one that this system trusts.
    ///
    /// # Errors
    /// There is no certificate in `authorities`, or in this system; as a sentence.
    pub fn new(address: Address, token: Option<Token>, authorities: Option<&str>) -> Result<Self, String> {
        let roots = match authorities {
            Some(pem) => {
                roots(pem.as_bytes()).ok_or("there is no certificate in it: it begins with `BEGIN CERTIFICATE`")?
            }
            None if address.is_https() => {
                of_system().ok_or("this system has no list of certificates that it trusts")?
            }
            None => RootCerts::from([]),
        };
        Ok(Self {
            asker: asker(roots.clone(), ANSWER),
            address,
            token,
            roots,
            answer: ANSWER,
            answer_max: ANSWER_MAX,
            left: None,
        })
    }

    /// With less patience, and less to read.
    #[must_use]
    pub fn limited(self, answer: Duration, answer_max: u64) -> Self {
        Self { asker: asker(self.roots.clone(), answer), answer, answer_max, ..self }
    }

    /// For one look, which somebody waits for: from now on it has `all` for all its answers together, and these together are no
    /// longer than one may be otherwise.
    #[must_use]
    pub fn within(self, all: Duration) -> Self {
        let left = Left { all, until: Instant::now() + all, bytes: Arc::new(AtomicU64::new(self.answer_max)) };
        Self { left: Some(left), ..self }
    }

    /// Without the token.
    #[must_use]
    pub fn anonymous(self) -> Self {
        Self { token: None, ..self }
    }

    /// Where it asks.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Asks for `path`.
    pub(super) fn get(&self, path: &str) -> Result<Answer, AdapterError> {
        let request = self.asker.get(format!("{}{path}", self.address));
        self.heard(self.in_time(self.with_token(request))?.call())
    }

    /// Sends `body`, which is JSON, to `path`.
    pub(super) fn post(&self, path: &str, body: &str) -> Result<Answer, AdapterError> {
        let request = self.asker.post(format!("{}{path}", self.address)).header("Content-Type", "application/json");
        self.heard(self.in_time(self.with_token(request))?.send(body))
    }

    /// `request`, for which it is waited no longer than there is time left.
    fn in_time<B>(&self, request: ureq::RequestBuilder<B>) -> Result<ureq::RequestBuilder<B>, AdapterError> {
        let Some(left) = &self.left else { return Ok(request) };
        let time = left.until.saturating_duration_since(Instant::now());
        if time.is_zero() {
            return Err(AdapterError::Unreachable(format!(
                "{}: its answers took more than {} s in all",
                self.address,
                left.all.as_secs_f64()
            )));
        }
        Ok(request.config().timeout_global(Some(time.min(self.answer))).build())
    }

    fn with_token<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", token.header()),
            None => request,
        }
    }

    fn heard(&self, said: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, AdapterError> {
        let mut response = said.map_err(|e| self.silence(e))?;
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            return Err(AdapterError::Unparsed(format!("{}: {REDIRECTED}", self.address)));
        }
        let most = self.left.as_ref().map_or(self.answer_max, |left| left.bytes.load(Ordering::Relaxed));
        let bytes = response.body_mut().with_config().limit(most).read_to_vec();
        let bytes = bytes.map_err(|e| self.silence(e))?;
        if let Some(left) = &self.left {
            left.bytes.store(most.saturating_sub(bytes.len() as u64), Ordering::Relaxed);
        }
        let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        let hidden = self.hidden(&text);
        Ok(Answer { status, text: if let Cow::Owned(hidden) = hidden { hidden } else { text } })
    }

    /// What it means that there is no answer, or none that can be read.
    fn silence(&self, error: ureq::Error) -> AdapterError {
        let what = format!("{}: {}", self.address, self.hidden(&error.to_string()));
        match error {
            ureq::Error::BodyExceedsLimit(most) => {
                let (what, most) = if self.left.is_some() {
                    ("its answers are together", self.answer_max)
                } else {
                    ("the answer is", most)
                };
                AdapterError::Unparsed(format!("{}: {what} longer than {most} bytes", self.address))
            }
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => {
                AdapterError::Rejected(format!("its certificate is not accepted: {what}"))
            }
            ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => {
                AdapterError::Unparsed(format!("it does not speak HTTP: {what}"))
            }
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                AdapterError::Rejected(format!("its certificate is not accepted: {what}"))
            }
            _ => AdapterError::Unreachable(what),
        }
    }

    fn hidden<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.token.as_ref().map_or(Cow::Borrowed(text), |token| token.hidden_in(text))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.address)
    }
}

fn asker(roots: RootCerts, answer: Duration) -> Asker {
    let cryptography = Arc::new(cryptography());
    Asker::config_builder()
        .timeout_connect(Some(CONNECT.min(answer)))
        .timeout_global(Some(answer))
        .max_redirects(0)
        .http_status_as_error(false)
        // Not one that the environment names: it would read the token.
        .proxy(None)
        .max_idle_connections(0)
        .user_agent(concat!("molsieve/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(cryptography).build())
        .build()
        .into()
}

fn of_system() -> Option<RootCerts> {
    AUTHORITIES.iter().find_map(|path| roots(&std::fs::read(path).ok()?))
}

fn roots(pem: &[u8]) -> Option<RootCerts> {
    let certificate = |item| if let Ok(PemItem::Certificate(certificate)) = item { Some(certificate) } else { None };
    let certificates: Vec<_> = parse_pem(pem).filter_map(certificate).collect();
    (!certificates.is_empty()).then(|| RootCerts::from(certificates))
}
