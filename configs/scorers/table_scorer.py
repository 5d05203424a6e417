#!/usr/bin/env python3
"""A scorer for the protocol `batch`: reads a table, writes a table. Without dependencies. Copy it and change `score`.

    [scorer]
    kind = "command"
    protocol = "batch"
    input = "csv"
    argv = ["python3", "table_scorer.py", "{in}", "{out}"]
    name = "table-scorer"
    version = "1"
    columns = [{ name = "score" }, { name = "atoms", type = "int" }]
"""

import csv
import random
import sys


def score(structure, seed):
    """The values of one record. All randomness comes from its seed: so the answer is the same in any table."""
    draw = random.Random(seed)
    atoms = sum(structure.count(symbol) for symbol in "CNOcno")
    return {"score": atoms + draw.random(), "atoms": atoms}


with open(sys.argv[1], newline="") as table, open(sys.argv[2], "w") as out:
    out.write("ordinal\tscore\tatoms\n")
    for record in csv.DictReader(table):
        values = score(record["structure"], int(record["seed"]))
        out.write(f"{record['ordinal']}\t{values['score']}\t{values['atoms']}\n")
