//! Provenance that others can check: proofs of rows, RO-Crate, the registry and the audit log, rescoring, reproducing.

mod audit;
mod proofs;
mod registry;
mod reproduce;
mod rescore;
mod ro_crate;

use crate::support::env::TestEnv;

/// A place with a key `k.pem` and a finished, signed campaign in `d`.
fn signed() -> TestEnv {
    let env = unsigned();
    env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0);
    env
}

/// The same, sealed only.
fn unsigned() -> TestEnv {
    let env = TestEnv::new();
    env.small_library(100);
    env.molsieve(["keygen", "--out", "k.pem"]).exits(0);
    let file = env.campaign("first").write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env
}
