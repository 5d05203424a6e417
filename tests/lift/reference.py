#!/usr/bin/env python3
"""What docs/formats/cost-lift.md says, written again from that page alone: slow, by definition, without our code.

    reference.py summary.csv truth.csv RANK_COLUMN asc|desc K SEED RESAMPLES

prints the report as JSON, without what is about files.
"""

import bisect
import csv
import json
import math
import random
import re
import sys
import zlib
from fractions import Fraction

CURVE = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
TARGETS = [10, 25, 50, 80, 90]
ALPHA = 20.0


def number(cell):
    return float(cell) if cell else None


def interval(values):
    values = sorted(values)
    last = len(values) - 1
    return values[int(0.025 * last)], values[int(0.975 * last)]


# ---- cost_lift.v1 ----------------------------------------------------------------------------------------------------
def method(name, selected, seed, resamples):
    if not selected:
        return None
    flags = [hit for _, hit, *_ in selected]
    draw = random.Random((seed + 1) ^ zlib.adler32(name.encode()))
    rates = [sum(flags[draw.randrange(len(flags))] for _ in flags) / len(flags) for _ in range(resamples)]
    low, high = interval(rates)
    return {"k_effective": len(flags), "hits": sum(flags), "hit_rate": sum(flags) / len(flags), "ci_low": low, "ci_high": high}


def contract(rows, truth, k, seed, resamples):
    ok = [row for row in rows if row["outcome"] == "OK"]
    known = [row for row in ok if row["name"] in truth]
    eligible = []
    for row in known:
        if row.get("verdict") in ("PASS", "FAIL") and row["gate"] and row["slack"]:
            eligible.append((row["name"], int(truth[row["name"]]), row["verdict"], float(row["gate"]) + float(row["slack"]), float(row["slack"])))
    k = min(k, len(eligible))
    drawn = random.Random(seed ^ zlib.adler32(b"baseline_random")).sample(eligible, k)
    by_auc = sorted(eligible, key=lambda e: (-e[3], e[0]))[:k]
    passed = sorted((e for e in eligible if e[2] == "PASS"), key=lambda e: (-e[4], e[0]))[:k]
    names = ["baseline_random", "baseline_score_only_topk", "filtered_score_plus_audit_topk"]
    methods = {name: method(name, chosen, seed, resamples) for name, chosen in zip(names, [drawn, by_auc, passed])}
    rate = [methods[name] and methods[name]["hit_rate"] for name in names]
    scored = [int(row.get("decoys_scored") or 0) for row in rows]
    made = [int(row.get("decoys") or 0) for row in rows]
    # (Ours, and HETERO-2's own word where somebody else scores.)
    is_missing = lambda row: row["outcome"] == "SKIP" and row["reason"] in ("missing_score", "missing_scores_input")
    # In HETERO-2's words: a structure that cannot be read is no error.
    unread = ("parse", "valence", "kekulize", "bad_encoding")
    is_skip = lambda row: row["outcome"] == "SKIP" or row["outcome"] == "ERROR" and row["reason"] in unread
    reasons = {
        "truth_unknown_bucket_or_missing": len(ok) - len(known),
        "verdict_not_pass_fail": len(known) - len(eligible),
        "missing_scores_input": sum(is_missing(row) for row in rows),
        "status_not_ok": sum(row["outcome"] != "OK" and not is_missing(row) for row in rows),
    }
    top = sorted(((n, name) for name, n in reasons.items() if n), key=lambda r: (-r[0], r[1]))[:3]
    return {
        "report_schema": "cost_lift.v1",
        "truth_schema": "customer_truth.v1",
        "skip_policy": "unknown_bucket",
        "seed": seed,
        "K_effective": k,
        "N_total": len(rows),
        "N_ok": len(ok),
        "N_skip": sum(is_skip(row) for row in rows),
        "N_error": sum(row["outcome"] == "ERROR" and not is_skip(row) for row in rows),
        "N_with_truth": len(known),
        "truth_coverage_rate": len(known) / len(ok),
        "unknown_bucket_rate": (len(ok) - len(known)) / len(ok),
        "eligibility": {
            "rows_total": len(rows),
            "rows_ok": len(ok),
            "rows_verdict_pass_fail": sum(row.get("verdict") in ("PASS", "FAIL") for row in known),
            "rows_truth_known": len(known),
            "rows_scores_present": len(rows) - reasons["missing_scores_input"],
            "rows_eligible_for_cost_lift": len(eligible),
            "K_effective_reason_top": [{"reason": name, "count": n, "share": n / len(rows)} for n, name in top],
        },
        "scores_coverage": {
            "rows_total": len(rows),
            "rows_with_decoys_scored_gt0": sum(n > 0 for n in scored),
            "rows_with_decoys_scored_eq0": sum(n == 0 for n in scored),
            "decoys_scored_total": sum(scored),
            "decoys_missing_total": sum(max(0, m - s) for m, s in zip(made, scored)),
        },
        "methods": methods,
        "uplift_score_plus_audit_vs_score_only": rate[2] - rate[1] if rate[2] is not None else None,
        "uplift_score_plus_audit_vs_random": rate[2] - rate[0] if rate[2] is not None else None,
    }


# ---- ours ------------------------------------------------------------------------------------------------------------
def found_by(values, hits, ascending):
    """How many hits are among the first n, for each n from 0: an even order of each tie gives this many on average."""
    ties = {}
    for value, hit in zip(values, hits):
        key = (1, 0) if value is None else (0, value if ascending else -value)
        molecules, of_them = ties.get(key, (0, 0))
        ties[key] = (molecules + 1, of_them + hit)
    found = [Fraction(0)]
    for key in sorted(ties):
        molecules, of_them = ties[key]
        start = found[-1]
        found += [start + Fraction(of_them * (n + 1), molecules) for n in range(molecules)]
    return found


def needed(found, sought):
    """The fewest molecules among which there are so many hits."""
    return bisect.bisect_left(found, sought)


def auc(found, molecules, hits):
    """The chance that a hit comes before a molecule that is none: the area under the curve of hits, by its steps."""
    # A molecule that is none at place n has found[n] hits before it, on average, within ties half of those of its own place.
    area = Fraction(0)
    for n in range(1, len(found)):
        step = found[n] - found[n - 1]
        area += (1 - step) * (found[n - 1] + found[n]) / 2
    return area / (hits * (molecules - hits))


def bedroc(found, molecules, hits):
    share = hits / molecules
    total = sum(float(found[n] - found[n - 1]) * math.exp(-ALPHA * n / molecules) for n in range(1, len(found)))
    mean = sum(math.exp(-ALPHA * n / molecules) for n in range(1, molecules + 1)) / molecules
    rie = total / hits / mean
    factor = share * math.sinh(ALPHA / 2) / (math.cosh(ALPHA / 2) - math.cosh(ALPHA / 2 - ALPHA * share))
    return rie * factor + 1 / (1 - math.exp(ALPHA * (1 - share)))


def measure(columns, hits, selected):
    """All that is told of one sample: a flat table of names and numbers."""
    molecules, of_them = len(hits), sum(hits)
    told, curves = {}, []
    for column, ascending, values in columns:
        curves.append((f"{column} {'asc' if ascending else 'desc'}", found_by(values, hits, ascending)))
    sought = curves[0][1][selected]
    random_found = [Fraction(n * of_them, molecules) for n in range(molecules + 1)]
    for name, found in [*curves, ("random", random_found)]:
        is_mixed = 0 < of_them < molecules
        told[name, "selected"] = float(found[selected])
        told[name, "needed"] = needed(found, sought)
        told[name, "auc"] = (0.5 if name == "random" else float(auc(found, molecules, of_them))) if is_mixed else None
        told[name, "bedroc"] = bedroc(found, molecules, of_them) if is_mixed else None
        for fraction in CURVE:
            first = -(-round(fraction * 1000000) * molecules // 1000000)
            told[name, "curve", fraction] = float(found[first])
            told[name, "factor", fraction] = float(found[first] / first / Fraction(of_them, molecules)) if of_them else None
        for share in TARGETS:
            told[name, "target", share] = needed(found, -(-share * of_them // 100))
    return told, [name for name, _ in curves]


def lift(rows, truth, rank, ascending, k, seed, resamples):
    # That a record has no look-alikes is no fault of its score.
    lonely = ("no_decoys_generated", "no_hard_decoys_generated", "no_canonical_form")
    is_scored = lambda row: row["outcome"] == "OK" or row["reason"] in lonely and row["outcome"] == "SKIP" and row[rank]
    known = [row for row in rows if is_scored(row) and row["name"] in truth]
    hits = [int(truth[row["name"]]) for row in known]
    columns = [(rank, ascending, [number(row[rank]) for row in known])]
    for column, orders in [("slack", [False]), ("parent_heavy_atoms", [False, True]), ("parent_logp", [False, True])]:
        if column in known[0] and column != rank and any(row[column] for row in known):
            columns += [(column, order, [number(row[column]) for row in known]) for order in orders]
    selected, basis = k, "k"
    if k >= len(known):
        half = measure(columns, hits, len(known))[0][f"{rank} {'asc' if ascending else 'desc'}", "target", 50]
        selected, basis = max(1, half), "half_of_the_hits"
    sample, names = measure(columns, hits, selected)
    enough = sum(hits) >= 10 and len(hits) - sum(hits) >= 10 and resamples >= 100
    drawn = []
    for number_of in range(resamples if enough else 0):
        draw = random.Random(seed + (number_of + 1) * 2**64)
        places = [draw.randrange(len(hits)) for _ in hits]
        again = [(column, order, [values[at] for at in places]) for column, order, values in columns]
        drawn.append(measure(again, [hits[at] for at in places], selected)[0])

    def estimate(of):
        values = [value for value in map(of, drawn) if value is not None]
        low, high = interval(values) if values and of(sample) is not None else (None, None)
        return {"value": of(sample), "low": low, "high": high}

    score = names[0]
    orders = []
    for name in names:
        orders.append({
            "name": name,
            "hits_selected": estimate(lambda m: m[name, "selected"]),
            "auc": estimate(lambda m: m[name, "auc"]),
            "bedroc": estimate(lambda m: m[name, "bedroc"]),
            "enrichment": [
                {"fraction": f, "factor": estimate(lambda m: m[name, "factor", f])} for f in (0.001, 0.01, 0.05)
            ],
            "curve": [{"fraction": f, "hits": estimate(lambda m: m[name, "curve", f])} for f in CURVE],
        })

    def less(a, b):
        return None if a is None or b is None else a - b

    comparisons = []
    for name in ["random", *names[1:]]:
        more = estimate(lambda m: m[score, "selected"] - m[name, "selected"])
        shown = "nothing"
        if more["low"] is not None:
            shown = "more" if more["low"] > 0 else "less" if more["high"] < 0 else "nothing"
        comparisons.append({
            "with": name,
            "hits": sample[name, "selected"],
            "more_hits": more,
            "molecules_score": sample[score, "needed"],
            "molecules_other": sample[name, "needed"],
            "fewer_molecules": estimate(lambda m: m[name, "needed"] - m[score, "needed"]),
            "auc_above": estimate(lambda m: less(m[score, "auc"], m[name, "auc"])),
            "shown": shown,
        })
    targets = [{
        "share_of_hits": share / 100,
        "hits": -(-share * sum(hits) // 100),
        "molecules": {name: sample[name, "target", share] for name in [*names, "random"]},
        "fewer_than_random": estimate(lambda m: m["random", "target", share] - m[score, "target", share]),
    } for share in TARGETS]
    return {
        "molecules": len(hits),
        "hits": sum(hits),
        "selection": {"molecules": selected, "basis": basis, "hits": sample[score, "selected"]},
        "orders": orders,
        "comparisons": comparisons,
        "targets": targets,
    }


def unescaped(found):
    return b"\\" if found[1] == b"\\" else bytes.fromhex(found[1][1:].decode())


def main():
    summary, table, rank, order, k, seed, resamples = sys.argv[1:]
    with open(table, newline="", encoding="utf-8-sig") as file:
        truth = {line["molecule_id"].strip(): line["expensive_label"].upper() == "PASS" for line in csv.DictReader(file)}
    with open(summary, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        # Ids are escaped in rows (docs/formats/rows.md), and are not in a table of truth.
        plain = re.sub(rb"\\(\\|x[0-9a-f]{2})", unescaped, row["id"].encode()).decode()
        row["name"] = plain or f"mol_{row['ordinal']}"
    report = contract(rows, truth, int(k), int(seed), int(resamples))
    report["molsieve"] = lift(rows, truth, rank, order == "asc", int(k), int(seed), int(resamples))
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
