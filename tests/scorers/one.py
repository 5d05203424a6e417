"""A program for the protocol `each`: one.py MODE MARK STRUCTURE SEED [MORE …]. It prints its score among other things."""

import os
import signal
import sys
import time

mode, mark, structure, seed, *more = sys.argv[1:]
if os.path.isfile(structure):
    structure = open(structure).read().split("\t")[0]
struck = mark != "" and mark in structure
value = sum(ord(c) * (i + 1) for i, c in enumerate(structure)) / 8
print("reading the receptor ...")
print("REMARK RESULT: not this one")
if struck and mode == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if struck and mode == "exit":
    sys.exit(3)
if struck and mode == "hang":
    time.sleep(600)
if struck and mode == "silent":
    sys.exit(0)
if struck and mode == "nan":
    value = "nan"
if struck and mode == "flood":
    print("x" * (20 << 20))
if mode == "seed":
    value = seed
if mode == "arguments":
    value = len(sys.argv)
if mode == "out":
    with open(more[0], "w") as out:
        out.write(f"RESULT: {value}\n")
else:
    print(f"RESULT: {value}")
print("RESULT: 1e9 is what a second match would give")
