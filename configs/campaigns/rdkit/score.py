#!/usr/bin/env python3
"""Scores molecules with RDKit for molsieve, over the protocol `jsonl` (docs/formats/jsonl.md).

    pip install rdkit
    echo '{"seq":1,"records":[[0,"aspirin","CC(=O)Oc1ccccc1C(=O)O",42]]}' | python3 score.py

Columns: `qed` (drug-likeness, 0 to 1), `mw` (average molecular weight), `logp` (Crippen), `tpsa`,
`heavy` (heavy atoms). Reasons: `unparsable` (ERROR: RDKit does not accept the structure),
`no_atoms` (SKIP), `failed` (ERROR: a descriptor could not be computed).

What a scorer of your own should copy from here:
  * the hello goes out only when everything is loaded, so that `timeout` never pays for imports;
  * RDKit's version is part of the version that is frozen with the campaign: on a machine with
    another RDKit, whose values may differ, the worker refuses to go on;
  * nothing but the protocol is written to stdout; messages of libraries go to stderr, and RDKit's
    many warnings are switched off;
  * one bad record is one ERROR with a reason, never an exception that costs the whole request;
  * a value that is not finite is null, because NaN is not JSON.
"""

import json
import math
import os
import sys

# From here on, what any library prints lands on stderr: the pipe to molsieve is ours alone.
PIPE = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

try:
    from rdkit import Chem, RDLogger, rdBase
    from rdkit.Chem import Crippen, Descriptors, QED, rdMolDescriptors
except ImportError as error:
    sys.exit(f"score.py needs RDKit ({error}): run `pip install rdkit` with {sys.executable}")

HELLO = {
    "name": "rdkit-descriptors",
    "version": f"1+rdkit.{rdBase.rdkitVersion}",
    "columns": [
        {"name": "qed", "type": "float", "order": "desc"},
        {"name": "mw", "type": "float", "order": "asc"},
        {"name": "logp", "type": "float", "order": "asc"},
        {"name": "tpsa", "type": "float", "order": "asc"},
        {"name": "heavy", "type": "int", "order": "asc"},
    ],
    "batch_size": 256,
    "deterministic": True,
    "reasons": ["failed", "no_atoms", "unparsable"],
    "threads": 1,
}


def finite(value):
    """The value, or None (an empty cell) if it is NaN or infinite."""
    return value if math.isfinite(value) else None


def descriptors(molecule):
    """One value for each column of the hello."""
    return {
        "qed": finite(QED.qed(molecule)),
        "mw": finite(Descriptors.MolWt(molecule)),
        "logp": finite(Crippen.MolLogP(molecule)),
        "tpsa": finite(rdMolDescriptors.CalcTPSA(molecule)),
        "heavy": molecule.GetNumHeavyAtoms(),
    }


def result(ordinal, structure):
    """The result of one record."""
    try:
        molecule = Chem.MolFromSmiles(structure)
        if molecule is None:
            return [ordinal, "ERROR", "unparsable"]
        if molecule.GetNumAtoms() == 0:
            return [ordinal, "SKIP", "no_atoms"]
        return [ordinal, "OK", descriptors(molecule)]
    except Exception as error:
        print(f"record {ordinal}: {type(error).__name__}: {error}", file=sys.stderr)
        return [ordinal, "ERROR", "failed"]


def say(message):
    """Writes one line, and sees to it that it leaves at once."""
    PIPE.write(json.dumps(message, allow_nan=False, separators=(",", ":")) + "\n")
    PIPE.flush()


def main():
    RDLogger.DisableLog("rdApp.*")
    result(0, "CC(=O)Oc1ccccc1C(=O)O")  # loads the tables that RDKit loads on first use
    say(HELLO)
    for line in sys.stdin.buffer:  # bytes: JSON is UTF-8, whatever the locale says
        request = json.loads(line)
        results = [result(ordinal, structure) for ordinal, _id, structure, _seed in request["records"]]
        say({"seq": request["seq"], "results": results})


if __name__ == "__main__":
    main()
