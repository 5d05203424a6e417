#!/usr/bin/env python3
"""The columns of the built-in scorer `spectral2d`, computed by NumPy from RDKit's graph.

    python tests/rdkit/spectral.py LIBRARY bond_order_delta_chi|bond_order [whole] > expected.csv

The library is as for oracle.py. One line comes out for each structure: `id,` and the values with ten decimals (nothing
where there is none), or `id,!` and the reason. With `whole`, structures in several parts are `disconnected`; without it
they are described. The first line names the versions.
"""

import sys

import numpy as np
from oracle import molecules
from rdkit import Chem, RDLogger, rdBase

HEADER = ("id,spectral_gap,spectral_entropy,spectral_entropy_norm,L_gap,L_trace,L_entropy_beta,"
          "H_gap,H_trace,H_entropy_beta,W_gap,W_entropy,WH_gap,WH_entropy")
ATOMS_MAX = 200

# HETERO-2's 48 elements with their potentials, by group, and Pauling's electronegativities.
POTENTIALS = {
    2.0: "Li Na K Rb Cs", 1.0: "Be Mg Ca Sr Ba Ni", -0.1: "B Al Sc Ga In Tl", 0.0: "C Si Ge Sn Pb", -0.5: "N P As Sb",
    -1.0: "O S Se Te", -1.5: "F Cl Br I", -3.0: "He Ne Ar Kr Xe", -0.2: "H", 0.26: "Ti", 0.44: "V", 0.5: "Cr", 0.28: "Mn",
    0.84: "Fe", 0.94: "Co", 0.98: "Cu", 0.48: "Zn",
}
EPSILON = {symbol: value for value, symbols in POTENTIALS.items() for symbol in symbols.split()}
CHI = {
    "H": 2.2, "Li": 0.98, "Be": 1.57, "B": 2.04, "C": 2.55, "N": 3.04, "O": 3.44, "F": 3.98, "Na": 0.93, "Mg": 1.31,
    "Al": 1.61, "Si": 1.9, "P": 2.19, "S": 2.58, "Cl": 3.16, "K": 0.82, "Ca": 1.0, "Sc": 1.36, "Ti": 1.54, "V": 1.63,
    "Cr": 1.66, "Mn": 1.55, "Fe": 1.83, "Co": 1.88, "Ni": 1.91, "Cu": 1.9, "Zn": 1.65, "Ga": 1.81, "Ge": 2.01, "As": 2.18,
    "Se": 2.55, "Br": 2.96, "Kr": 3.0, "Rb": 0.82, "Sr": 0.95, "In": 1.78, "Sn": 1.96, "Sb": 2.05, "Te": 2.1, "I": 2.66,
    "Cs": 0.79, "Ba": 0.89, "Tl": 1.62, "Pb": 2.33,
}


def laplacian(weights):
    return np.diag(weights.sum(axis=1)) - weights


def gap(values):
    return values[1] - values[0] if values.size > 1 else None


def entropy(values):
    if values.size == 0:
        return None
    powers = np.exp(values.min() - values)
    shares = powers / powers.sum()
    return -np.sum(shares * np.log(shares + 1e-12))


def positive(values):
    above = values[values > 1e-9]
    if above.size == 0:
        return [None] * 3
    shares = above / above.sum()
    found = -np.sum(shares * np.log(shares))
    return [above.min(), found, found / np.log(above.size) if above.size > 1 else 0.0]


def describe(mol, edge_weight):
    """The values, or the reason for which there are none."""
    heavy = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]
    place = {atom.GetIdx(): number for number, atom in enumerate(heavy)}
    symbols = [atom.GetSymbol() for atom in heavy]
    plain, weighted = np.zeros((len(heavy),) * 2), np.zeros((len(heavy),) * 2)
    draws = edge_weight == "bond_order_delta_chi"
    if any(symbol not in EPSILON or (draws and symbol not in CHI) for symbol in symbols):
        return "missing_physics_params"
    for bond in mol.GetBonds():
        if bond.GetBeginAtomIdx() not in place or bond.GetEndAtomIdx() not in place:
            continue
        i, j = place[bond.GetBeginAtomIdx()], place[bond.GetEndAtomIdx()]
        weight = bond.GetBondTypeAsDouble() * (1 + (abs(CHI[symbols[i]] - CHI[symbols[j]]) if draws else 0))
        plain[i, j] = plain[j, i] = 1
        weighted[i, j] = weighted[j, i] = weight
    potentials = np.diag([EPSILON[symbol] for symbol in symbols]) if heavy else np.zeros((0, 0))
    operators = [laplacian(plain), laplacian(plain) + potentials, laplacian(weighted), laplacian(weighted) + potentials]
    l, h, w, wh = (np.linalg.eigvalsh(operator) for operator in operators)
    trace = lambda values: values.sum() if values.size else None
    return [*positive(l), gap(l), trace(l), entropy(l), gap(h), trace(h), entropy(h), gap(w), entropy(w), gap(wh), entropy(wh)]


def row(mol, edge_weight, whole):
    if mol is None:
        return "!invalid"
    if mol.GetNumHeavyAtoms() > ATOMS_MAX:
        return "!too_many_atoms"
    if whole and len(Chem.GetMolFrags(mol)) > 1:
        return "!disconnected"
    values = describe(mol, edge_weight)
    if isinstance(values, str):
        return "!" + values
    return ",".join("" if value is None else f"{value + 0.0:.10f}" for value in values)


def main():
    RDLogger.DisableLog("rdApp.*")
    print(f"# RDKit {rdBase.rdkitVersion}, NumPy {np.__version__}")
    print(HEADER)
    for mol, name in molecules(sys.argv[1]):
        print(f"{name},{row(mol, sys.argv[2], 'whole' in sys.argv[3:])}")


if __name__ == "__main__":
    main()
