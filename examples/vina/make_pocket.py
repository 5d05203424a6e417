#!/usr/bin/env python3
"""Makes pocket.pdbqt, the receptor of the Vina example: make_pocket.py [FILE].

It is no protein. It is a bowl of 45 pseudo-atoms on a sphere of 7 Angstrom, open at the top, with carbons, aromatic
carbons, and donors and acceptors of hydrogen bonds in turn. So there is something to dock into that everybody may
share, and that is small enough for a test; a score in it says nothing about anything in nature.

The same file is written every time, on every machine: the positions are a Fibonacci lattice, rounded to 0.001.
"""

import math
import sys
from pathlib import Path

RADIUS = 7.0
ATOMS = 60
OPEN_ABOVE = 0.5  # of the radius
# AutoDock atom types in turn: aliphatic carbon, acceptor oxygen, aromatic carbon, carbon, acceptor nitrogen.
TYPES = ("C", "OA", "A", "C", "NA")
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


def lattice():
    for k in range(ATOMS):
        z = 1 - 2 * (k + 0.5) / ATOMS
        if z <= OPEN_ABOVE:
            ring = math.sqrt(1 - z * z)
            yield RADIUS * ring * math.cos(GOLDEN_ANGLE * k), RADIUS * ring * math.sin(GOLDEN_ANGLE * k), RADIUS * z


def main():
    lines = ["REMARK  a made-up pocket, written by make_pocket.py; CC0"]
    for number, (x, y, z) in enumerate(lattice(), 1):
        kind = TYPES[number % len(TYPES)]
        atom = f"ATOM  {number:5d}  {kind[0]:<3s} POC A   1    {x:8.3f}{y:8.3f}{z:8.3f}"
        lines.append(f"{atom}  1.00  0.00    {0.0:6.3f} {kind:<2s}")
    text = "\n".join(lines) + "\n"
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("pocket.pdbqt")
    target.write_text(text, encoding="ascii", newline="\n")


main()
