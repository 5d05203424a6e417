#!/usr/bin/env python3
"""What RDKit says of canonical forms and decoys: the reference for `chem::canon` and `decoys`.

    python tests/rdkit/decoys.py same < PAIRS        lines `SMILES<tab>SMILES`
    python tests/rdkit/decoys.py swaps < PARENTS     lines `id<tab>SMILES`
    python tests/rdkit/decoys.py compare < DECOYS    lines `SMILES<tab>strategy<tab>decoy decoy ...`

`same` writes the canonical SMILES of both, without stereochemistry, or `!` where there is no molecule. `swaps` writes for
each parent and strategy all that can be made by exchanging two candidate bonds, from HETERO-2's contract (section 3.3) and
not from its code: `id<tab>strategy<tab>candidates<tab>one way<tab>other way`. Of each pair of bonds a-b and c-d, as RDKit
stores them, HETERO-2 makes a-d and c-b alone (one way); a-c and b-d is the other way, and what is there is left out of the
second list. `compare` writes a line for each parent and strategy whose decoys are not exactly those of both lists:
`SMILES<tab>strategy<tab>only RDKit's<tab>only the given ones`.
"""

import itertools
import sys

from rdkit import Chem, RDLogger, rdBase

STRATEGIES = {
    # name: (nothing aromatic is touched, bonds in rings are taken)
    "rewire_strict_v1": (True, False),
    "rewire_relax_a_v1": (False, False),
    "rewire_relax_b_v1": (True, True),
    "rewire_fallback_aromatic_as_single_v1": (False, True),
}
FALLBACK = "rewire_fallback_aromatic_as_single_v1"


def flat(mol):
    """The canonical SMILES without stereochemistry, as it is when read back; none if it cannot be."""
    mol = Chem.Mol(mol)
    Chem.RemoveStereochemistry(mol)
    again = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    return None if again is None else Chem.MolToSmiles(again)


def canonical(smiles):
    mol = Chem.MolFromSmiles(smiles)
    return None if mol is None else flat(mol)


def ground(parent, strategy):
    """The molecule whose bonds are exchanged; none if it does not sanitise."""
    mol = Chem.RWMol(parent)
    if strategy == FALLBACK:
        for bond in mol.GetBonds():
            if bond.GetIsAromatic():
                bond.SetIsAromatic(False)
                bond.SetBondType(Chem.BondType.SINGLE)
        for atom in mol.GetAtoms():
            atom.SetIsAromatic(False)
        try:
            Chem.SanitizeMol(mol)
        except Exception:
            return None
    return mol


def candidates(mol, strategy):
    lock, rings = STRATEGIES[strategy]
    found = []
    for bond in mol.GetBonds():
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        aromatic = bond.GetIsAromatic() or any(atom.GetIsAromatic() for atom in ends)
        if bond.GetBondType() != Chem.BondType.SINGLE or (lock and aromatic) or (not rings and bond.IsInRing()):
            continue
        found.append((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
    return found


def product(mol, a, b, c, d):
    """The canonical SMILES of `mol` with a-d and c-b for a-b and c-d; none if there is no such molecule."""
    if len({a, b, c, d}) < 4 or mol.GetBondBetweenAtoms(a, d) or mol.GetBondBetweenAtoms(c, b):
        return None
    edited = Chem.RWMol(mol)
    edited.RemoveBond(a, b)
    edited.RemoveBond(c, d)
    edited.AddBond(a, d, Chem.BondType.SINGLE)
    edited.AddBond(c, b, Chem.BondType.SINGLE)
    try:
        Chem.SanitizeMol(edited)
    except Exception:
        return None
    return flat(edited)


def swaps(smiles, strategy):
    """How many candidates, all decoys of one way, all of the other; all without the parent."""
    parent = Chem.MolFromSmiles(canonical(smiles))
    mol = ground(parent, strategy)
    if mol is None:
        return 0, set(), set()
    bonds, ways = candidates(mol, strategy), (set(), set())
    for (a, b), (c, d) in itertools.combinations(bonds, 2):
        ways[0].add(product(mol, a, b, c, d))
        ways[1].add(product(mol, a, b, d, c))
    for way in ways:
        way.difference_update({None, flat(parent)})
    return len(bonds), ways[0], ways[1]


def main():
    RDLogger.DisableLog("rdApp.*")
    lines = (line.rstrip("\n").split("\t") for line in sys.stdin if not line.startswith("#"))
    task = sys.argv[1]
    if task == "swaps":
        print(f"# RDKit {rdBase.rdkitVersion}")
    for fields in lines:
        if task == "same":
            print("\t".join(canonical(smiles) or "!" for smiles in fields))
        elif task == "swaps":
            for strategy in STRATEGIES:
                count, one, other = swaps(fields[1], strategy)
                print("\t".join([fields[0], strategy, str(count), " ".join(sorted(one)), " ".join(sorted(other - one))]))
        else:
            smiles, strategy, decoys = fields
            given = [canonical(decoy) or decoy + "!" for decoy in decoys.split()]
            _, one, other = swaps(smiles, strategy)
            theirs = one | other
            if sorted(given) != sorted(theirs):
                missing = [decoy for decoy in theirs if decoy not in given]
                extra = [decoy for decoy in given if decoy not in theirs or given.count(decoy) > 1]
                print("\t".join([smiles, strategy, " ".join(sorted(missing)), " ".join(sorted(extra))]))


if __name__ == "__main__":
    main()
