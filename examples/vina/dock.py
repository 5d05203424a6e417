#!/usr/bin/env python3
"""Docks the records of one request with AutoDock Vina: a scorer over molsieve's protocol `batch`.

    dock.py --in IN.csv --out OUT.csv --poses DIR --receptor POCKET.pdbqt --center X Y Z --size X Y Z
            [--exhaustiveness N] [--threads N] [--modes N] [--vina PROGRAM]

IN has the columns ordinal, id, structure (SMILES, or a molblock) and seed. For each record a 3D structure is made (RDKit: ETKDG, then
MMFF94 where it knows all atoms), prepared (Meeko), and docked by a Vina process of its own; OUT gets its affinity in
kcal/mol, lower is better, and DIR/ORDINAL/pose.pdbqt its poses. What cannot be docked is named by a reason:

    SKIP   no_atoms      nothing that Vina has a type for, or a single atom
    SKIP   too_flexible  more than 24 rotatable bonds: Vina's search would be a lottery
    SKIP   mixture       more than one fragment: there is no saying which of them binds
    ERROR  unparsable    RDKit does not read the structure
    ERROR  no_conformer  no 3D structure was found
    ERROR  not_prepared  Meeko or Vina refuses the structure (an element without parameters, such as boron or silicon)

Everything random comes from the seed of the record, so an answer does not depend on what else is in the request, on
the number of threads, or on when it is asked. If Vina itself dies, so does this: molsieve then finds out which record
it was.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

from meeko import MoleculePreparation, PDBQTWriterLegacy
from rdkit import Chem, RDLogger
from rdkit.Chem import AllChem, rdMolDescriptors

TORSIONS_MAX = 24


class Refused(Exception):
    """A record that is not docked: its outcome and reason."""


def seed31(seed):
    """A seed that RDKit and Vina take: both want a positive 32-bit integer, and to Vina 0 means any."""
    return max(1, seed & 0x7FFFFFFF)


def prepared(structure, seed):
    """The record as Vina reads it: PDBQT, from a 3D structure."""
    # A molblock has many lines. Its own form in space is not taken: all records are prepared alike.
    molecule = Chem.MolFromMolBlock(structure) if "\n" in structure else Chem.MolFromSmiles(structure)
    if molecule is None:
        raise Refused("ERROR", "unparsable")
    if molecule.GetNumHeavyAtoms() < 2:
        raise Refused("SKIP", "no_atoms")
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise Refused("SKIP", "mixture")
    if rdMolDescriptors.CalcNumRotatableBonds(molecule) > TORSIONS_MAX:
        raise Refused("SKIP", "too_flexible")
    molecule = Chem.AddHs(molecule)
    how = AllChem.ETKDGv3()
    how.randomSeed = seed
    how.maxIterations = 50
    if AllChem.EmbedMolecule(molecule, how) != 0:
        how.useRandomCoords = True
        if AllChem.EmbedMolecule(molecule, how) != 0:
            raise Refused("ERROR", "no_conformer")
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        AllChem.MMFFOptimizeMolecule(molecule, maxIters=200)
    try:
        setup = MoleculePreparation().prepare(molecule)[0]
        text, is_ok, _ = PDBQTWriterLegacy.write_string(setup)
    except Exception as problem:  # Meeko raises many kinds, all of them about the structure
        print(f"not prepared: {structure}: {problem}", file=sys.stderr)
        raise Refused("ERROR", "not_prepared") from problem
    if not is_ok:
        raise Refused("ERROR", "not_prepared")
    return text


def docked(arguments, text, seed, directory):
    """Docks one prepared record; the affinity of its best pose."""
    directory.mkdir(parents=True)
    given, poses = directory / "input.pdbqt", directory / "pose.pdbqt"
    given.write_text(text)
    command = [arguments.vina, "--receptor", arguments.receptor, "--ligand", given, "--out", poses]
    for axis, center, size in zip("xyz", arguments.center, arguments.size):
        command += [f"--center_{axis}", center, f"--size_{axis}", size]
    command += ["--exhaustiveness", arguments.exhaustiveness, "--num_modes", arguments.modes]
    command += ["--cpu", arguments.threads, "--seed", seed, "--verbosity", 0]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    given.unlink()
    if done.returncode < 0:
        sys.exit(f"Vina was killed by signal {-done.returncode}")
    if done.returncode != 0:
        print(f"Vina refused: {done.stderr.strip()}", file=sys.stderr)
        raise Refused("ERROR", "not_prepared")
    for line in poses.read_text().splitlines():
        if line.startswith("REMARK VINA RESULT:"):
            return float(line.split()[3])
    raise Refused("ERROR", "not_prepared")


def parsed():
    parser = argparse.ArgumentParser(description="docks the records of one request with AutoDock Vina")
    parser.add_argument("--in", dest="input", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--poses", required=True, type=Path)
    parser.add_argument("--receptor", required=True)
    parser.add_argument("--center", required=True, nargs=3, type=float)
    parser.add_argument("--size", required=True, nargs=3, type=float)
    parser.add_argument("--exhaustiveness", default=8, type=int)
    parser.add_argument("--modes", default=9, type=int)
    parser.add_argument("--threads", default=1, type=int)
    parser.add_argument("--vina", default="vina")
    return parser.parse_args()


def main():
    arguments = parsed()
    RDLogger.DisableLog("rdApp.*")
    with open(arguments.input, newline="") as given, open(arguments.out, "w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["ordinal", "outcome", "reason", "affinity"])
        for record in csv.DictReader(given):
            seed = seed31(int(record["seed"]))
            try:
                text = prepared(record["structure"], seed)
                affinity = docked(arguments, text, seed, arguments.poses / record["ordinal"])
                table.writerow([record["ordinal"], "OK", "", affinity])
            except Refused as refused:
                table.writerow([record["ordinal"], *refused.args, ""])


main()
