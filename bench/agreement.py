"""How far a built-in scorer agrees with RDKit, row by row and column by column."""

import csv

TOLERANCE = 1e-6
COLUMNS = ["similarity", "nearest", "mw", "logp", "tpsa", "hbd", "hba", "rotb"]
SPECTRAL = ["score", "spectral_gap", "spectral_entropy", "spectral_entropy_norm", "L_gap", "L_trace", "L_entropy_beta",
            "H_gap", "H_trace", "H_entropy_beta", "W_gap", "W_entropy", "WH_gap", "WH_entropy"]


def state(ours, theirs, columns=COLUMNS, tolerance=TOLERANCE):
    """One paragraph: rows, outcomes, and the share of equal values in each column."""
    with open(ours, newline="") as one, open(theirs, newline="") as other:
        own = [row for row in csv.DictReader(one)]
        rdkit = [row for row in csv.reader(other)]
    same_outcome, both, equal = 0, 0, dict.fromkeys(columns, 0)
    for mine, yours in zip(own, rdkit, strict=True):
        same_outcome += mine["outcome"] == yours[2]
        if mine["outcome"] == yours[2] == "OK":
            both += 1
            for name, value in zip(columns, yours[4:]):
                equal[name] += same(mine[name], value, tolerance)
    shares = ", ".join(f"{name} {100 * count / max(both, 1):.2f} %" for name, count in equal.items())
    return (f"Agreement with RDKit: outcome {100 * same_outcome / len(own):.2f} % of {len(own):,}; of the "
            f"{both:,} that both scored, values within {tolerance:g}: {shares}.")


def same(mine, yours, tolerance):
    try:
        return abs(float(mine) - float(yours)) <= tolerance * max(1.0, abs(float(yours)))
    except ValueError:
        return mine == yours
