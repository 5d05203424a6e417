#!/usr/bin/env python3
"""The structures of a file of SMILES as an SD file, each in one of the ways in which programs write molfiles.

    python tests/rdkit/molfiles.py LIBRARY EVERY > molfiles.sdf

The ways take turns: on paper, on paper with all hydrogens, with aromatic bonds, with no coordinates, with valences, charges
in the lines of the atoms, in space with all hydrogens (one in ten of these, since it takes long). Of the library, every
EVERY-th structure is taken; what RDKit does not read is left out.
"""

import sys

from rdkit import Chem, RDLogger
from rdkit.Chem import AllChem


def on_paper(mol):
    AllChem.Compute2DCoords(mol)
    return Chem.MolToMolBlock(mol)


def with_hydrogens(mol):
    mol = Chem.AddHs(mol)
    AllChem.Compute2DCoords(mol)
    return Chem.MolToMolBlock(mol)


def aromatic(mol):
    AllChem.Compute2DCoords(mol)
    return Chem.MolToMolBlock(mol, kekulize=False)


def without_places(mol):
    mol.RemoveAllConformers()
    return Chem.MolToMolBlock(mol)


def aromatic_with_hydrogens(mol):
    return Chem.MolToMolBlock(Chem.AddHs(mol), kekulize=False)


def old_charges(mol):
    """Charges in the lines of the atoms, as programs wrote them before there were properties."""
    lines = on_paper(mol).split("\n")
    count = mol.GetNumAtoms()
    charges = [line for line in lines if line.startswith("M  CHG")]
    fits = all(abs(atom.GetFormalCharge()) <= 3 for atom in mol.GetAtoms())
    if not charges or not fits or any(line.startswith("M  RAD") for line in lines):
        return "\n".join(lines)
    for index, atom in enumerate(mol.GetAtoms()):
        if atom.GetFormalCharge():
            line = lines[4 + index]
            lines[4 + index] = line[:36] + f"{4 - atom.GetFormalCharge():3d}" + line[39:]
    assert len(lines) > 4 + count
    return "\n".join(line for line in lines if not line.startswith("M  CHG"))


def in_space(mol, turn):
    mol = Chem.AddHs(mol)
    if turn % 10 or AllChem.EmbedMolecule(mol, randomSeed=7, maxAttempts=3) != 0:
        return with_hydrogens(Chem.RemoveHs(mol))
    return Chem.MolToMolBlock(mol)


def main():
    RDLogger.DisableLog("rdApp.*")
    ways = [on_paper, with_hydrogens, aromatic, without_places, aromatic_with_hydrogens, old_charges, in_space]
    taken = 0
    with open(sys.argv[1], encoding="utf-8") as library:
        lines = [line.split() for line in library if line.strip() and not line.startswith("#")]
    for number, fields in enumerate(lines[:: int(sys.argv[2])]):
        mol = Chem.MolFromSmiles(fields[0])
        if mol is None:
            continue
        way = ways[taken % len(ways)]
        try:
            block = way(mol, taken // len(ways)) if way is in_space else way(mol)
        except Exception:  # What cannot be written in this way is written in the plainest.
            block = Chem.MolToMolBlock(mol, kekulize=False)
        name = fields[1] if len(fields) > 1 else f"m{number}"
        sys.stdout.write(name + block[block.index("\n") :] + "$$$$\n")
        taken += 1


if __name__ == "__main__":
    main()
