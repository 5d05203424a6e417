"""Reads a pack's hetero2.zip with nothing but the standard library, and makes each cell of it from summary.csv by the rules of
docs/formats/hetero2.md.

    reference.py PACK_DIRECTORY
"""
import csv
import hashlib
import io
import json
import statistics
import sys
import zipfile
from collections import Counter

RECORD = ("id status reason skip_reason verdict gate slack margin n_decoys n_decoys_generated n_decoys_scored decoy_strategy_used "
          "warnings_count report_path seed_used").split()
SPECTRAL = "spectral_gap spectral_entropy spectral_entropy_norm".split()
PHYSICS = "physics_mode_used physics_params_source physics_entropy_beta physics_missing_params_count".split()
OPERATORS = "L_gap L_trace L_entropy_beta H_gap H_trace H_entropy_beta".split()
WEIGHTED = "W_gap W_entropy WH_gap WH_entropy".split()
OUTCOME = "outcome_verdict outcome_reason".split()

THEIRS = {
    "empty_structure": ("SKIP", "missing_smiles"),
    "parse": ("SKIP", "invalid_smiles"),
    "valence": ("SKIP", "invalid_smiles"),
    "kekulize": ("SKIP", "invalid_smiles"),
    "bad_encoding": ("SKIP", "invalid_smiles"),
    "too_large": ("SKIP", "too_many_atoms"),
}


def no_constant(word):
    raise AssertionError(f"{word} is no JSON")


def no_twins(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), "a key is there twice"
    return dict(pairs)


def strict(data):
    return json.loads(data, parse_constant=no_constant, object_pairs_hook=no_twins)


def expected(row, manifest, decoys, spectral, weighted):
    status, reason = THEIRS.get(row["reason"], (row["outcome"], row["reason"])) if row["reason"] else ("OK", "")
    ok = status == "OK"
    asked = decoys is not None and reason != "missing_smiles"
    verdict = row.get("verdict", "") if ok and decoys else "SKIP" if status == "SKIP" and asked else ""
    judged = verdict in ("PASS", "FAIL")
    found = row.get("decoys", "") if ok and decoys else "0" if status == "SKIP" and asked else ""
    scored = row["decoys_scored"] if ok and decoys else ""
    if decoys and ok:
        warnings = bool(row["decoy_strategy"]) + (int(found) < decoys["count"]) + (int(scored) < int(found))
    else:
        warnings = int(status == "SKIP")
    out = {
        "id": row["id"] or f"mol_{row['ordinal']}",
        "status": status, "reason": reason, "skip_reason": reason if status == "SKIP" else "",
        "verdict": verdict,
        "gate": row["gate"] if judged else "", "slack": row["slack"] if judged else "", "margin": "0.05" if judged else "",
        "n_decoys": found, "n_decoys_generated": found, "n_decoys_scored": scored,
        "decoy_strategy_used": row["decoy_strategy"] if ok and decoys else "",
        "warnings_count": str(warnings), "report_path": "", "seed_used": str(manifest["campaign"]["seed"]),
    }
    of = lambda name: row.get(name, "") if ok and spectral else ""
    out.update({name: of(name) for name in SPECTRAL + OPERATORS + (WEIGHTED if weighted else [])})
    physics = [spectral["physics_mode"], "atoms_db_v1_json", "1.0", "0"] if ok and spectral else [""] * 4
    out.update(dict(zip(PHYSICS, physics)))
    lacks = reason == "missing_physics_params"
    out["outcome_verdict"] = "ERROR_MISSING_PHYSICS_PARAMS" if lacks else ""
    out["outcome_reason"] = "missing_physics_params" if lacks else ""
    return out


def nearest_rank(values, q):
    return sorted(values)[max(1, min(len(values), round(q * len(values)))) - 1] if values else None


def near(a, b):
    return a == b if a is None or b is None else abs(a - b) < 1e-12


def check_metrics(metrics, rows, ours, decoys):
    assert metrics["counts"] == {key: sum(row["status"] == key for row in rows) for key in ("OK", "SKIP", "ERROR")}
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    assert metrics["top_reasons"] == [list(pair) for pair in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))]
    assert metrics["runtime_s_total"] is None and metrics["throughput_rows_per_s"] is None
    ok = [row for row in rows if row["status"] == "OK"]
    slacks = [float(row["slack"]) for row in ok if row["slack"]]
    judged = [row for row in ok if row["verdict"]]
    stats = metrics["audit_slack_stats_ok"]
    assert (stats["rows_ok"], stats["rows_ok_with_slack"], stats["rows_ok_with_verdict"]) == (len(ok), len(slacks), len(judged))
    assert near(stats["pass_rate_ok"], sum(row["verdict"] == "PASS" for row in judged) / len(judged) if judged else None)
    assert near(stats["mean_slack_ok"], statistics.fmean(slacks) if slacks else None)
    assert near(stats["median_slack_ok"], statistics.median(slacks) if slacks else None)
    assert near(stats["p25_slack_ok"], nearest_rank(slacks, 0.25)) and near(stats["p75_slack_ok"], nearest_rank(slacks, 0.75))
    realism = metrics["decoy_realism"]
    if not decoys:
        assert "scores_coverage" not in metrics and realism["auc_interpretation"] is None
        return
    scored = [row for row in ours if row["outcome"] == "OK"]
    total = lambda band, stem: sum(int(row[f"{stem}{band}_{way}"]) for row in scored for way in ("won", "tied", "lost"))
    for band in ("easy", "medium", "hard"):
        assert realism["pairs_total_by_bin"][band] == total(band, "logp_")
        assert realism["pairs_scored_by_bin"][band] == total(band, "")
        won, tied = (sum(int(row[f"{band}_{way}"]) for row in scored) for way in ("won", "tied"))
        assert near(realism["auc_tie_aware_by_bin"][band], (won + tied / 2) / total(band, "") if total(band, "") else None)
    coverage = metrics["scores_coverage"]
    assert coverage["rows_total"] == len(rows)
    assert coverage["decoys_total"] == sum(int(row["n_decoys"]) for row in ok)
    assert coverage["decoys_scored"] == sum(int(row["n_decoys_scored"]) for row in ok)


def main(pack):
    with open(f"{pack}/manifest.json", encoding="utf-8") as file:
        manifest = strict(file.read())
    with open(f"{pack}/summary.csv", encoding="utf-8", newline="") as file:
        ours = list(csv.DictReader(file))
    settings = manifest["campaign"]["scorer"]["settings"]
    decoys = settings.get("decoys")
    spectral = settings if manifest["campaign"]["scorer"]["kind"] == "spectral2d" else None
    weighted = bool(spectral) and spectral["edge_weight"] != "unweighted"

    archive = zipfile.ZipFile(f"{pack}/hetero2.zip")
    assert archive.testzip() is None
    for info in archive.infolist():
        assert info.date_time == (1980, 1, 1, 0, 0, 0) and info.compress_type == zipfile.ZIP_STORED and "/" not in info.filename
    files = {name: archive.read(name) for name in archive.namelist()}
    assert {"summary.csv", "metrics.json", "index.md", "manifest.json", "checksums.sha256"} <= set(files)
    assert ("operator_features.csv" in files) == bool(spectral) and ("hardness_curve.md" in files) == bool(decoys)

    sums = dict(reversed(line.split("  ")) for line in files["checksums.sha256"].decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "checksums.sha256"}

    text = files["summary.csv"].decode("utf-8")
    assert text.count("\n") == text.count("\r\n") and text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    names = RECORD + SPECTRAL + PHYSICS + OPERATORS + (WEIGHTED if weighted else []) + OUTCOME
    assert text.split("\r\n", 1)[0] == ",".join(names) and len(names) == (34 if weighted else 30)
    assert len(rows) == len(ours)
    for row, own in zip(rows, ours):
        wanted = expected(own, manifest, decoys, spectral, weighted)
        assert row == wanted, {key: (row[key], wanted[key]) for key in wanted if row[key] != wanted[key]}
    if spectral:
        features = list(csv.DictReader(io.StringIO(files["operator_features.csv"].decode(), newline="")))
        columns = ["id"] + PHYSICS + OPERATORS + (WEIGHTED if weighted else [])
        assert features == [{key: row[key] for key in columns} for row in rows if row["status"] == "OK"]

    check_metrics(strict(files["metrics.json"]), rows, ours, decoys)
    listed = strict(files["manifest.json"])
    assert listed["timestamp_utc"] is None and listed["config"]["seed"] == manifest["campaign"]["seed"]
    assert listed["config"]["k_decoys"] == (decoys or {}).get("count")
    assert listed["payload_digest"] == manifest["payload"]["digest"]
    assert listed["input"]["library_root_blake3"] == manifest["campaign"]["library"]["root"]
    assert [entry["path"] for entry in listed["files"]] == sorted(f"./{name}" for name in files if name != "checksums.sha256")
    for entry in listed["files"]:
        name = entry["path"][2:]
        own = name == "manifest.json"
        size, digest = (None, None) if own else (len(files[name]), hashlib.sha256(files[name]).hexdigest())
        assert (entry["size_bytes"], entry["sha256"]) == (size, digest)

    lines = files["index.md"].decode().splitlines()
    table = [line.split(" | ")[0][2:] for line in lines[lines.index("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |") + 1:] if line.startswith("| ")]
    assert len(table) == min(len(rows), 1000)
    if all(row["id"].isalnum() for row in rows):
        assert table == sorted(row["id"] for row in rows)[:1000]
    print(f"{len(rows)} rows, {len(names)} columns")


main(sys.argv[1])
