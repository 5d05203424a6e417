//! The same bits on every processor: by what the code is, and by one binary on two processors that are not this one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::env::{MOLSIEVE, TestEnv, project};

/// What asks the processor what it can do, or is rounded once where others round twice.
const ASKS: [&str; 9] = [
    "is_x86_feature_detected",
    "is_aarch64_feature_detected",
    "cpufeatures",
    "target_feature",
    "core::arch",
    "std::arch",
    "mul_add",
    "fast_math",
    "algebraic",
];

/// Methods of doubles that are functions of a C library, or may be. (A square root is exactly rounded everywhere.)
const FOREIGN: [&str; 28] = [
    "exp",
    "exp2",
    "exp_m1",
    "ln",
    "ln_1p",
    "log",
    "log2",
    "log10",
    "powf",
    "powi",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sin_cos",
    "hypot",
    "cbrt",
    "rem_euclid",
    "round",
];

/// Crates that built-in scorers may use: what of them computes is the order of threads, and text.
const CRATES: [&str; 5] = ["std", "crate", "super", "self", "rayon"];

fn sources(at: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
        match (entry.is_dir(), entry.extension()) {
            (true, _) => sources(&entry, into),
            (false, Some(extension)) if extension == "rs" => into.push(entry),
            _ => {}
        }
    }
}

/// A source without its comments and unit tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..end].lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect()
}

/// What a line says that hashed arithmetic must not.
fn complaint(line: &str) -> Option<String> {
    let asks = ASKS.iter().find(|word| line.contains(**word)).map(|word| (*word).to_owned());
    let calls = |name: &&&str| {
        let called =
            |at: usize| line[..at].ends_with(['.', ':']) && line[at + name.len()..].starts_with(['(', ')', ',']);
        // (`ln(` alone is ours.)
        line.match_indices(**name).any(|(at, _)| called(at) && !line[..at].ends_with("elementary::"))
    };
    let foreign = || FOREIGN.iter().find(calls).map(|name| format!(".{name}("));
    let stranger = || {
        let from = line.strip_prefix("use ").or_else(|| line.strip_prefix("pub use "))?.split("::").next()?;
        let is_known =
            CRATES.contains(&from) || from == "serde" || from == "serde_json" || line.starts_with("use Feature");
        (!is_known && !line.starts_with("use Operator")).then(|| from.to_owned())
    };
    asks.or_else(foreign).or_else(stranger)
}

#[test]
fn nothing_that_computes_rows_asks_the_processor_or_a_c_library() {
    let mut paths = Vec::new();
    // (What follows from rows is computed again by whoever verifies, on another processor.)
    for part in ["src/scorer/builtin", "src/signal", "src/pack/hetero2"] {
        sources(&project(part), &mut paths);
    }
    let single = ["elementary.rs", "random.rs", "payload/metrics.rs", "payload/histogram.rs", "payload/hits.rs"];
    paths.extend(single.map(|name| project("src").join(name)));
    assert!(paths.len() > 30, "{paths:?}");
    let mut found = Vec::new();
    // (The pool computes nothing: it has rounds.)
    for path in paths.iter().filter(|path| !path.ends_with("tests.rs") && !path.ends_with("builtin/pool.rs")) {
        for (number, line) in code(path).lines().enumerate() {
            found.extend(complaint(line).map(|what| format!("{}:{}: {what}", path.display(), number + 1)));
        }
    }
    assert!(found.is_empty(), "what is hashed has one order of operations:\n  {}", found.join("\n  "));
}

#[test]
fn what_the_rule_is_for_breaks_it() {
    for line in [
        "if is_x86_feature_detected!(\"avx2\") {",
        "#[target_feature(enable = \"fma\")]",
        "let y = x.exp();",
        "values.map(f64::ln)",
        "a.mul_add(b, c)",
        "use libm::exp;",
        "let near = x.round();",
    ] {
        assert!(complaint(line).is_some(), "{line}");
    }
    for line in ["let y = exp(x);", "use crate::elementary::{exp, ln};", "square.sqrt()", "powers.push(exp(a - b))"] {
        assert_eq!(complaint(line), None, "{line}");
    }
}

#[test]
fn nothing_is_built_for_one_processor_or_with_loose_arithmetic() {
    let manifest = std::fs::read_to_string(project("Cargo.toml")).unwrap();
    let settings =
        [".cargo/config.toml", ".cargo/config"].map(|name| std::fs::read_to_string(project(name)).unwrap_or_default());
    for text in settings.iter().chain([&manifest]) {
        assert!(!text.contains("target-cpu") && !text.contains("target-feature"), "{text}");
    }
}

/// Processors of x86-64: one from before AVX, and one with AVX2 and fused multiplication.
const OLD: &str = "Nehalem";
const NEW: &str = "Haswell";

/// Runs a program on a processor that this machine does not have. None where there is no emulator, or this is no x86-64.
fn emulated(processor: &str, program: &Path, args: &[&str], at: &Path) -> Option<Output> {
    let mut command = Command::new("qemu-x86_64");
    command.args(["-cpu", processor]).arg(program).args(args).current_dir(at).env("MOLSIEVE_HOME", at.join("home"));
    let done = if cfg!(target_arch = "x86_64") { command.output().ok() } else { None };
    if done.is_none() {
        assert!(std::env::var("CI").is_err(), "there is no qemu-x86_64: run ./setup --test");
        eprintln!("skipped: there is no qemu-x86_64");
    }
    done
}

/// Whether the dynamic linker sees a processor of the level of AVX2 and fused multiplication.
fn has_avx2(processor: &str, at: &Path) -> Option<bool> {
    let said = emulated(processor, Path::new("/lib64/ld-linux-x86-64.so.2"), &["--help"], at)?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("x86-64-v2 (supported"), "{processor}: {said}");
    Some(said.contains("x86-64-v3 (supported"))
}

#[test]
fn one_binary_gives_the_same_rows_on_a_processor_with_avx2_and_on_one_without() {
    let env = TestEnv::new();
    let Some(old) = has_avx2(OLD, &env.path("")) else { return };
    assert_eq!(
        (old, has_avx2(NEW, &env.path(""))),
        (false, Some(true)),
        "the two processors are not what they are for"
    );
    let text = std::fs::read_to_string(project("data/nci_first_5k.smi")).unwrap();
    let some: String = text.lines().step_by(25).map(|line| line.to_owned() + "\n").collect();
    env.write("library.smi", &some);
    let file = env.campaign("native").scorer("kind = \"spectral2d\"").shard(100).write();
    env.molsieve(["run", &file, "--dir", "native"]).exits(0);
    for processor in [OLD, NEW] {
        // Every record is scored again in this process, which starts no other, and each row compared byte by byte.
        let args = ["--json", "verify", "native", "--allow-unsigned", "--rescore", "100%"];
        let done = emulated(processor, Path::new(MOLSIEVE), &args, &env.path("")).unwrap();
        let facts: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| {
            panic!("{processor}: {e}: {}", String::from_utf8_lossy(&done.stderr));
        });
        let rescored = &facts["rescore"];
        assert_eq!((&rescored["sampled"], &rescored["same"]), (&200.into(), &200.into()), "{processor}: {facts}");
        assert!(done.status.success(), "{processor}: {facts}");
    }
}

/// The program behind `python3`, which may be a script that starts it.
fn python() -> Option<PathBuf> {
    let said = Command::new("python3").args(["-c", "import os, sys; print(os.path.realpath(sys.executable))"]).output();
    Some(PathBuf::from(String::from_utf8(said.ok()?.stdout).ok()?.trim()))
}

/// So that the test above is known to see what it is for.
#[test]
fn the_mathematical_functions_of_the_c_library_do_not() {
    let env = TestEnv::new();
    let Some(python) = python() else { return };
    let sum = "import hashlib, math\nprint(hashlib.sha256(repr([(math.exp(-i * 0.000137), math.sin(i * 0.137)) for i in range(200000)]).encode()).hexdigest())";
    let Some(old) = emulated(OLD, &python, &["-c", sum], &env.path("")) else { return };
    let new = emulated(NEW, &python, &["-c", sum], &env.path("")).unwrap();
    assert!(old.status.success() && new.status.success() && old.stdout.len() > 60);
    if !String::from_utf8_lossy(&Command::new("ldd").arg("--version").output().unwrap().stdout).contains("GNU") {
        eprintln!("skipped: this C library may have one way to compute");
        return;
    }
    assert_ne!(old.stdout, new.stdout, "the two emulated processors compute alike, whatever is run");
}
