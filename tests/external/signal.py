#!/usr/bin/env python3
"""signal.json of a pack, computed anew by docs/formats/signal.md alone: nothing but the standard library.

    python tests/external/signal.py PACK_DIR    prints it as canonical as Python's JSON is
"""

import csv
import json
import math
import struct
import sys

BANDS = ("easy", "medium", "hard")
SIZES = ((0, 15), (16, 25), (26, 35), (36, None))
MARGIN, QUANTILE, REPLICATES, DRAWN_MAX = 0.05, 1.6448536269514722, 999, 16384
MASK = (1 << 64) - 1

# ---- BLAKE3 of at most 64 bytes, with and without a key (its specification, sections 2.1 to 2.3) ----
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, ROOT, KEYED = 1, 2, 8, 16


def blake3(message, key=None):
    assert len(message) <= 64
    words = list(struct.unpack("<16I", message.ljust(64, b"\0")))
    flags = CHUNK_START | CHUNK_END | ROOT | (KEYED if key else 0)
    start = struct.unpack("<8I", key) if key else IV
    v = [*start, *IV[:4], 0, 0, len(message), flags]

    def mix(a, b, c, d, x, y):
        for word, first, second in ((x, 16, 12), (y, 8, 7)):
            v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
            v[d] = turn(v[d] ^ v[a], first)
            v[c] = (v[c] + v[d]) & 0xFFFFFFFF
            v[b] = turn(v[b] ^ v[c], second)

    def turn(x, by):
        return (x >> by | x << (32 - by)) & 0xFFFFFFFF

    for _ in range(7):
        for i, (a, b, c, d) in enumerate(((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                                          (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))):
            mix(a, b, c, d, words[2 * i], words[2 * i + 1])
        words = [words[at] for at in ORDER]
    return struct.pack("<8I", *(v[i] ^ v[i + 8] for i in range(8)))


# ---- the generator, and what is drawn of it ----
class Generator:
    def __init__(self, key, label):
        self.state = struct.unpack("<Q", blake3(label, key)[:8])[0]

    def next(self):
        self.state = self.state + 0x9E3779B97F4A7C15 & MASK
        z = (self.state ^ self.state >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return z ^ z >> 31

    def below(self, bound):
        product = self.next() * bound
        while product & MASK < (1 << 64) % bound:
            product = self.next() * bound
        return product >> 64

    def ones(self, bits):
        ones = sum(bin(self.next()).count("1") for _ in range(bits // 64))
        return ones + (bin(self.next() >> 64 - bits % 64).count("1") if bits % 64 else 0)

    def binomial(self, trials, chance):
        open_, succeeded = trials, 0
        for bit in range(63, -1, -1):
            if not open_:
                break
            ones = self.ones(open_)
            if chance >> bit & 1:
                succeeded, open_ = succeeded + open_ - ones, ones
            else:
                open_ -= ones
        return succeeded


def pooled(cells):
    pairs = sum(n * count for (n, _), count in cells)
    return sum(twice * count for (_, twice), count in cells) / (2 * pairs) if pairs else None


def estimate(cells, generator):
    cells = sorted(cells.items())
    records, value = sum(count for _, count in cells), pooled(cells)
    if value is None or records < 10:
        return None
    before = [0]
    for _, count in cells:
        before.append(before[-1] + count)
    drawn = min(records, DRAWN_MAX)
    narrower = math.sqrt(drawn / records)

    def draw(start, end, count, counts):
        if count == 0 or end - start == 1:
            counts[start] += count
            return
        middle = (start + end) // 2
        chance = (before[middle] - before[start] << 64) // (before[end] - before[start])
        first = generator.binomial(count, chance)
        draw(start, middle, first, counts)
        draw(middle, end, count - first, counts)

    replicates = []
    for _ in range(REPLICATES):
        counts = [0] * len(cells)
        draw(0, len(cells), drawn, counts)
        of = pooled([(cell, count) for (cell, _), count in zip(cells, counts)])
        replicates.append(value + (of - value) * narrower)
    replicates.sort()
    return {"value": value, "low": replicates[24], "high": replicates[-25]}


def judge(cells, generator):
    auc = estimate(cells, generator)
    if auc is None:
        return None
    variance = sum(n * (n + 2) * count for (n, _), count in cells.items())
    pairs = sum(n * count for (n, _), count in cells.items())
    gate = min(0.5 + QUANTILE * (math.sqrt(variance / 12) / pairs) + MARGIN, 1.0)
    verdict = "PASS" if auc["low"] >= gate else "FAIL" if auc["high"] < gate else "INCONCLUSIVE"
    return {"auc": auc, "gate": gate, "slack": auc["value"] - gate, "verdict": verdict}


def add(cells, pairs, twice):
    if pairs:
        cells[pairs, twice] = cells.get((pairs, twice), 0) + 1


def per_record(cells, ok):
    """HETERO-2's judgement of one record among n decoys: the 95 % quantile of n + 1 places, and the margin."""
    slacks, passed, total = [], 0, 0.0
    for (n, twice), count in sorted(cells.items()):
        gate = min((-(-95 * (n + 1) // 100) - 1) / n + MARGIN, 1.0)
        slack = twice / (2 * n) - gate
        slacks += [slack] * count
        passed += count if slack >= 0 else 0
        total += slack * count
    slacks.sort()
    count = len(slacks)
    quartile = lambda share: slacks[max(1, round(share * count)) - 1] if count else None
    return {"pass": passed, "fail": count - passed, "skip": ok - count, "pass_rate": passed / ok if ok else None,
            "mean_slack": total / count if count else None, "p25_slack": quartile(0.25), "p75_slack": quartile(0.75),
            "median_slack": (slacks[(count - 1) // 2] + slacks[count // 2]) / 2 if count else None}


def main(pack):
    manifest = json.load(open(f"{pack}/manifest.json", encoding="utf-8"))
    seed = manifest["campaign"]["seed"]
    key = blake3(b"molsieve.signal.v1\0" + struct.pack("<Q", seed))
    column = next(it for it in manifest["campaign"]["scorer"]["description"]["columns"] if it["type"] != "string")
    generator = lambda label: Generator(key, label.encode())
    names = (*BANDS, "all")
    kinds = ("score", "logp", "beyond", "random")
    sizes = [{(band, kind): {} for band in names for kind in kinds} for _ in SIZES]
    strict = manifest["campaign"]["scorer"]["settings"]["decoys"]["version"] >= 2
    permuted, aside, strategies, decoys, ok = {}, {}, {}, 0, 0
    for row in csv.DictReader(open(f"{pack}/summary.csv", encoding="utf-8", newline="")):
        if row["outcome"] != "OK":
            continue
        ok, decoys = ok + 1, decoys + int(row["decoys"])
        strategies[row["decoy_strategy"]] = strategies.get(row["decoy_strategy"], 0) + 1
        ways = lambda stem: [int(row[f"{stem}_{way}"]) for way in ("won", "tied", "lost")]
        twice = lambda three: 2 * three[0] + three[1]
        if strict and row["decoy_strategy"] == "rewire_fallback_aromatic_as_single_v1":
            score = [sum(all_) for all_ in zip(*(ways(band) for band in BANDS))]
            add(aside, sum(score), twice(score))
            continue
        add(permuted, sum(ways("permuted")), twice(ways("permuted")))
        heavy = int(row["parent_heavy_atoms"])
        cells = sizes[next(i for i, (least, most) in enumerate(SIZES) if most is None or heavy <= most)]
        both = [(ways(band), ways(f"logp_{band}")) for band in BANDS]
        both.append(tuple([sum(all_) for all_ in zip(*side)] for side in zip(*both)))
        drawn = Generator(key, struct.pack("<Q", int(row["ordinal"])))
        for band, (score, log_p) in zip(names, both):
            n = sum(score)
            add(cells[band, "score"], n, twice(score))
            add(cells[band, "logp"], sum(log_p), twice(log_p))
            if n == sum(log_p):
                add(cells[band, "beyond"], n, twice(score) - twice(log_p))
            add(cells[band, "random"], n, 2 * drawn.below(n + 1))
    whole = {at: {} for at in sizes[0]}
    for size in sizes:
        for at, cells in size.items():
            for cell, count in cells.items():
                whole[at][cell] = whole[at].get(cell, 0) + count
    records = lambda cells: sum(cells.values())
    bands = [{
        "band": band, "records": records(whole[band, "score"]),
        "pairs": sum(n * count for (n, _), count in whole[band, "score"].items()),
        "score": judge(whole[band, "score"], generator(f"{band} score")),
        "log_p": judge(whole[band, "logp"], generator(f"{band} logp")),
        "beyond_log_p": estimate(whole[band, "beyond"], generator(f"{band} beyond logp")),
    } for band in names]
    decides = next((at for at in (2, 1, 0) if bands[at]["records"] >= 50), None)
    controls = []
    if decides is not None:
        tied = {}
        for (n, _), count in whole[names[decides], "score"].items():
            tied[n, n] = tied.get((n, n), 0) + count
        of = {"constant": tied, "random": whole[names[decides], "random"], "permuted": permuted}
        controls = [{"control": name, "judgement": judge(cells, generator(name))} for name, cells in of.items()]
    score = bands[decides]["score"] if decides is not None else None
    if score is None:
        verdict, reason = "INCONCLUSIVE", "too_few_records"
    elif any((it["judgement"] or {}).get("verdict") == "PASS" for it in controls):
        verdict, reason = "INVALID", "control_passed"
    else:
        verdict = score["verdict"]
        pairs = lambda kind: sum(n * count for (n, _), count in whole[names[decides], kind].items())
        unscored = max(0, pairs("logp") - pairs("score")) if strict else 0
        won, every = score["auc"]["value"] * pairs("score"), pairs("score") + unscored
        undecided = verdict == "PASS" and won / every < score["gate"] or verdict == "FAIL" and (won + unscored) / every >= score["gate"]
        if unscored and undecided:
            verdict = "INCONCLUSIVE"
        reason = "unscored_could_decide" if unscored and undecided else {"PASS": "above_gate", "FAIL": "below_gate"}.get(verdict, "gate_within_interval")
    beyond = bands[decides]["beyond_log_p"] if decides is not None else None
    single = dict(whole["all", "score"])
    for cell, count in aside.items():
        single[cell] = single.get(cell, 0) + count
    print(json.dumps({
        **({"set_aside": records(aside)} if strict else {}),
        "schema": "molsieve.signal.v1", "column": column["name"], "order": column["order"], "verdict": verdict, "reason": reason,
        "band": names[decides] if decides is not None else None,
        "beaten_by": ["logp"] if beyond and beyond["high"] < 0 else [], "margin": MARGIN, "records": ok,
        "compared": bands[3]["records"], "decoys": decoys, "scored": sum(n * count for (n, _), count in single.items()), "strategies": strategies,
        "bands": bands, "controls": controls, "per_record": per_record(single, ok),
        "sizes": [{"least": least, "most": most, "records": records(size["all", "score"]),
                   "score": [judge(size[band, "score"], generator(f"size {i} band {j}")) for j, band in enumerate(names)]}
                  for i, ((least, most), size) in enumerate(zip(SIZES, sizes))],
    }, sort_keys=True))


if __name__ == "__main__":
    main(sys.argv[1])
