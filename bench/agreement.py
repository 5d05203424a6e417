"""How far the built-in `similarity` agrees with RDKit, row by row and column by column."""

import csv

TOLERANCE = 1e-6
COLUMNS = ["similarity", "nearest", "mw", "logp", "tpsa", "hbd", "hba", "rotb"]


def state(ours, theirs):
    """One paragraph: rows, outcomes, and the share of equal values in each column."""
    with open(ours, newline="") as one, open(theirs, newline="") as other:
        own = [row for row in csv.DictReader(one)]
        rdkit = [row for row in csv.reader(other)]
    same_outcome, both, equal = 0, 0, dict.fromkeys(COLUMNS, 0)
    for mine, yours in zip(own, rdkit, strict=True):
        same_outcome += mine["outcome"] == yours[2]
        if mine["outcome"] == yours[2] == "OK":
            both += 1
            for name, value in zip(COLUMNS, yours[4:]):
                equal[name] += same(mine[name], value)
    shares = ", ".join(f"{name} {100 * count / max(both, 1):.2f} %" for name, count in equal.items())
    return (f"Agreement with RDKit: outcome {100 * same_outcome / len(own):.2f} % of {len(own):,}; of the "
            f"{both:,} that both scored, values within {TOLERANCE:g}: {shares}.")


def same(mine, yours):
    try:
        return abs(float(mine) - float(yours)) <= TOLERANCE * max(1.0, abs(float(yours)))
    except ValueError:
        return mine == yours
