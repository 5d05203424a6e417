"""`spectral2d` with `[decoys]`, written with RDKit and NumPy: a record and its look-alikes, scored and counted by band of likeness.

The look-alikes are those of docs/decoys.md (both exchanges of each pair of bonds, the first strategy that makes any, in one piece), drawn by Python's
generator, so they are others than molsieve's where there are more than are asked for. Of a look-alike no more is computed than its row needs:
likeness, the smallest eigenvalue above zero, log P.
"""

import itertools
import os
import random
import sys

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "rdkit"))

import decoys as exchanges  # noqa: E402
import spectral  # noqa: E402
from rdkit import Chem, DataStructs  # noqa: E402
from rdkit.Chem import Crippen, rdFingerprintGenerator  # noqa: E402

spectral.RDLogger.DisableLog("rdApp.*")
MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
LOOKS = 200


def score(mol):
    """The smallest eigenvalue of the Laplacian above 1e-9, as `spectral2d` rounds it."""
    size = mol.GetNumAtoms()
    laplacian = numpy.zeros((size, size))
    for bond in mol.GetBonds():
        a, b = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        laplacian[a, b] = laplacian[b, a] = -1.0
        laplacian[a, a] += 1.0
        laplacian[b, b] += 1.0
    values = numpy.linalg.eigvalsh(laplacian)
    positive = values[values > 1e-9]
    return round(float(positive[0]), 8) if len(positive) else 0.0


def product(mol, a, b, c, d):
    """`mol` with a-d and c-b for a-b and c-d, if that is a molecule in one piece."""
    if len({a, b, c, d}) < 4 or mol.GetBondBetweenAtoms(a, d) or mol.GetBondBetweenAtoms(c, b):
        return None
    edited = Chem.RWMol(mol)
    edited.RemoveBond(a, b)
    edited.RemoveBond(c, d)
    edited.AddBond(a, d, Chem.BondType.SINGLE)
    edited.AddBond(c, b, Chem.BondType.SINGLE)
    # Before anything that costs more.
    if len(Chem.GetMolFrags(edited)) > 1:
        return None
    try:
        Chem.SanitizeMol(edited)
    except Exception:
        return None
    return Chem.MolFromSmiles(Chem.MolToSmiles(edited))


def look_alikes(smiles, count, seed):
    """The strategy that made any, and up to `count` molecules."""
    parent = Chem.MolFromSmiles(smiles)
    for strategy in exchanges.STRATEGIES:
        mol = exchanges.ground(parent, strategy)
        if mol is None:
            continue
        bonds = exchanges.candidates(mol, strategy)
        tries = [(a, b, *way) for (a, b), (c, d) in itertools.combinations(bonds, 2) for way in ((c, d), (d, c))]
        draw = random.Random(f"{seed}{smiles}{strategy}")
        draw.shuffle(tries)
        seen, found = {smiles}, []
        for ends in tries[: max(100, LOOKS * count)]:
            made = product(mol, *ends)
            name = None if made is None else Chem.MolToSmiles(made)
            if name is None or name in seen:
                continue
            seen.add(name)
            found.append(made)
            if len(found) == count:
                break
        if found:
            return strategy, found
    return "", []


def band(likeness):
    return 0 if likeness < 0.5 else 1 if likeness < 0.7 else 2


def scorer(count):
    """A function from a record to its row: all descriptors, look-alikes, their strategy, won, tied and lost by band for score and log P."""
    empty = "," * (spectral.HEADER.count(",") + 1)

    def row(ordinal, name, structure):
        mol = Chem.MolFromSmiles(structure)
        cells = spectral.row(mol, "bond_order_delta_chi", whole=True)
        if cells.startswith("!"):
            return f"{ordinal},{name},{'ERROR' if cells == '!invalid' else 'SKIP'},{cells[1:]}{empty}\n"
        smiles = exchanges.flat(mol)
        strategy, found = look_alikes(smiles, count, 1) if smiles else ("", [])
        if not found:
            return f"{ordinal},{name},SKIP,no_decoys_generated,{cells.split(',')[0]},{cells}\n"
        own, own_log_p, own_bits = score(mol), Crippen.MolLogP(mol), MORGAN.GetFingerprint(mol)
        ways = [[0, 0, 0] for _ in range(6)]
        for other in found:
            at = band(DataStructs.TanimotoSimilarity(own_bits, MORGAN.GetFingerprint(other)))
            for base, mine, its in ((0, own, score(other)), (3, own_log_p, Crippen.MolLogP(other))):
                ways[base + at][0 if mine > its else 1 if mine == its else 2] += 1
        counts = ",".join(str(count) for way in ways for count in way)
        return f"{ordinal},{name},OK,,{cells.split(',')[0]},{cells},{len(found)},{strategy},{counts}\n"

    return row
