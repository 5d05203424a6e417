"""A program for the protocol `batch` that behaves, or misbehaves: table.py MODE MARK IN OUT [MORE …].

It reads `structure<TAB>ordinal`, or a CSV with a header, and writes `ordinal<TAB>score<TAB>note`. The mode strikes
where a structure contains MARK.
"""

import csv
import os
import signal
import sys
import time

mode, mark, source, target, *more = sys.argv[1:]
if source.endswith(".csv"):
    records = [(int(r["ordinal"]), r["structure"], r) for r in csv.DictReader(open(source, newline=""))]
else:
    lines = [line.rstrip("\n").split("\t") for line in open(source)]
    records = [(int(ordinal), structure, {}) for structure, ordinal in lines]

print("{ this is no reply: what a batch program prints is nobody's protocol }", flush=True)


def score(structure):
    return sum(ord(c) * (i + 1) for i, c in enumerate(structure)) / 8


rows = []
for ordinal, structure, record in records:
    struck = mark != "" and mark in structure
    value, note = score(structure), ""
    if struck and mode == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if struck and mode == "exit":
        sys.exit(3)
    if struck and mode == "hang":
        time.sleep(600)
    if struck and mode == "hang_grandchild":
        # What a shell script does: the real work is a process of the program's own.
        import subprocess

        subprocess.run(["sleep", "6007"])
    if struck and mode == "missing":
        continue
    if struck and mode == "stops":
        break
    if struck and mode == "nan":
        value = "nan"
    if mode == "seed":
        value, note = int(record["seed"]) % 1000003, more[0]
    if struck and mode == "note":
        note = "told"
    if struck and mode == "twice":
        rows.append((ordinal, value, note))
    if struck and mode == "unknown":
        ordinal = 999999999
    rows.append((ordinal, value, note))
    if struck and mode == "garbage":
        rows.append(("Traceback (most recent call last)", "", ""))
    if mode in ("keep", "keep_large"):
        os.makedirs(more[0] + "/out", exist_ok=True)
        with open(f"{more[0]}/out/{ordinal}.txt", "w") as file:
            file.write(structure)
            if struck and mode == "keep_large":
                file.write("x" * (4 << 20))
if mode == "reorder":
    rows.reverse()
with open(target, "w") as out:
    out.write("ordinal\tscore\tnote\n")
    for row in rows:
        out.write("\t".join(str(cell) for cell in row) + "\n")
