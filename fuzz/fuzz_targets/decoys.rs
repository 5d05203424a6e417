//! Any bytes that are a molecule have a canonical form that reads back, and decoys that do, or none; in bounded time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::scorer::builtin::chem::{Mol, canon};
use molsieve::scorer::builtin::decoys::{self, Seed, Settings};

fuzz_target!(|data: &[u8]| {
    let Ok(mol) = Mol::from_smiles(data) else { return };
    let Ok(found) = decoys::of(&mol, &Seed::new(0), &Settings::of(2)) else { return };
    for smiles in found.decoys.iter().map(|decoy| &decoy.smiles).chain([&found.parent]) {
        let read = Mol::from_smiles(smiles.as_bytes()).expect("it was read before");
        assert_eq!(canon::smiles(&read).as_ref(), Ok(smiles));
    }
});
