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


def look_alikes(ours, theirs):
    """One paragraph: how many records have look-alikes, how many of these there are, and the share that the score beats."""
    told = []
    with open(ours, newline="") as one:
        bands = ["easy", "medium", "hard"]
        rows = [row for row in csv.DictReader(one) if row["outcome"] == "OK"]
        ways = [[int(row[f"{band}_{way}"]) for band in bands] for row in rows for way in ["won", "tied", "lost"]]
        sums = [sum(sum(counts) for counts in ways[at::3]) for at in range(3)]
        told.append(("molsieve", len(rows), sum(int(row["decoys"]) for row in rows), sums))
    with open(theirs, newline="") as other:
        rows = [row for row in csv.reader(other) if row[2] == "OK"]
        sums = [sum(int(row[-18 + 3 * band + at]) for row in rows for band in range(3)) for at in range(3)]
        told.append(("RDKit and NumPy", len(rows), sum(int(row[-20]) for row in rows), sums))
    each = [f"{name}: {records:,} records with {decoys:,} look-alikes, of which the score beats {(won + tied / 2) / max(sum(sums), 1):.4f}"
            for name, records, decoys, sums in told for won, tied, _ in [sums]]
    return "The draws differ, and the totals show that the work is the same. " + "; ".join(each) + "."


def same(mine, yours, tolerance):
    try:
        return abs(float(mine) - float(yours)) <= tolerance * max(1.0, abs(float(yours)))
    except ValueError:
        return mine == yours
