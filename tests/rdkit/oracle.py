#!/usr/bin/env python3
"""The eight columns of the built-in scorer `similarity`, computed by RDKit.

    python tests/rdkit/oracle.py ACTIVES LIBRARY > expected.csv

Both files hold a SMILES and an id a line, separated by white space; blank lines and lines that
begin with `#` are passed over. A library whose name ends with `.sdf` holds molfiles, their first line being the id. One line comes out for each structure, `id,` and the eight values
(floats in the shortest form that reads back to the same double), or `id,!` where RDKit has no
molecule for it. The first line names the RDKit version.
"""

import sys

from rdkit import Chem, DataStructs, RDLogger, rdBase
from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

HEADER = "id,similarity,nearest,mw,logp,tpsa,hbd,hba,rotb"
GENERATOR = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)


def entries(path):
    """(structure, id) of each line; the id is `active-N` (N counts entries, from 1) where there is none."""
    count = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.split()
            if not fields or fields[0].startswith("#"):
                continue
            count += 1
            yield fields[0], fields[1] if len(fields) > 1 else f"active-{count}"


def molecules(path):
    """(molecule or None, id) of each entry of a library."""
    if not path.endswith(".sdf"):
        return ((Chem.MolFromSmiles(smiles), name) for smiles, name in entries(path))
    with open(path, encoding="utf-8") as file:
        blocks = file.read().split("$$$$\n")[:-1]
    return ((Chem.MolFromMolBlock(block), block.split("\n", 1)[0]) for block in blocks)


def row(mol, ids, fingerprints):
    """The eight values as text, or None if RDKit has no molecule."""
    if mol is None:
        return None
    similarities = DataStructs.BulkTanimotoSimilarity(GENERATOR.GetFingerprint(mol), fingerprints)
    best = max(similarities)
    values = [
        best,
        ids[similarities.index(best)],
        Descriptors.MolWt(mol),
        Crippen.MolLogP(mol),
        rdMolDescriptors.CalcTPSA(mol),
        rdMolDescriptors.CalcNumHBD(mol),
        rdMolDescriptors.CalcNumHBA(mol),
        rdMolDescriptors.CalcNumRotatableBonds(mol),
    ]
    return ",".join(str(value) for value in values)


def main():
    RDLogger.DisableLog("rdApp.*")
    actives = list(entries(sys.argv[1]))
    ids = [name for _, name in actives]
    fingerprints = [GENERATOR.GetFingerprint(Chem.MolFromSmiles(smiles)) for smiles, _ in actives]
    print(f"# RDKit {rdBase.rdkitVersion}")
    print(HEADER)
    for mol, name in molecules(sys.argv[2]):
        print(f"{name},{row(mol, ids, fingerprints) or '!'}")


if __name__ == "__main__":
    main()
