//! Any bytes are the rows, the measurements, the manifest or the checksums of a foreign pack: there is always a report.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::pack::hetero2::check;

const NAMES: [&str; 5] = ["summary.csv", "metrics.json", "manifest.json", "checksums.sha256", "evidence_pack.zip"];

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    let pack = molsieve_fuzz::place().join("pack");
    std::fs::create_dir_all(&pack).unwrap();
    std::fs::write(pack.join("index.md"), "# pack\n").unwrap();
    std::fs::write(pack.join(name), bytes).unwrap();
    let checked = check::check(&pack);
    std::fs::remove_file(pack.join(name)).unwrap();
    match checked {
        Ok(report) => assert!(!report.conforms, "files are missing"),
        // It is one of ours.
        Err(e) => assert!(e.kind().exit_code() == 2 && name == "manifest.json", "{e}"),
    }
});
