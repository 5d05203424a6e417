#!/usr/bin/env python3
"""Which of RDKit's hashes is which of ours: a file of decoys, with one column more.

    python rdkit_hashes.py DECOYS.csv > DECOYS-RDKIT.csv

DECOYS.csv is what `molsieve decoys` writes. The column `rdkit_hash` is the SHA-256 of RDKit's canonical SMILES, by which
`hetero_scores.v1` names a decoy; it is empty where RDKit reads no molecule. RDKit's canonical SMILES changes with its
versions: run this with the RDKit that wrote the scores. The version is told on standard error.
"""

import csv
import hashlib
import sys

from rdkit import Chem, RDLogger, rdBase


def rdkit_hash(smiles):
    mol = Chem.MolFromSmiles(smiles)
    return "" if mol is None else hashlib.sha256(Chem.MolToSmiles(mol).encode()).hexdigest()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1].strip())
    RDLogger.DisableLog("rdApp.*")
    print(f"RDKit {rdBase.rdkitVersion}", file=sys.stderr)
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if "decoy_smiles" not in header:
            sys.exit(f"{sys.argv[1]} has no column decoy_smiles: give the file that `molsieve decoys` wrote")
        at = header.index("decoy_smiles")
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow([*header, "rdkit_hash"])
        for row in rows:
            out.writerow([*row, rdkit_hash(row[at])])


if __name__ == "__main__":
    main()
