"""A program for the protocol `batch` that dies: fragile.py IN OUT [always].

It reads `structure<TAB>ordinal` and writes `ordinal<TAB>score`. `[Po]` makes it exit with 1, `[At]` kills it, `[Rn]` hangs
it, and `[Fr]` makes it exit with 3 after all is written. Each run is a line in `runs`, with the number of its records.
"""

import os
import signal
import sys
import time

source, target, *more = sys.argv[1:]
records = [line.rstrip("\n").split("\t") for line in open(source)]
with open("runs", "a") as runs:
    runs.write(f"{len(records)}\n")
if "always" in more:
    sys.exit("cannot load the receptor")
with open(target, "w") as out:
    out.write("ordinal\tscore\n")
    for structure, ordinal in records:
        if "[Po]" in structure:
            sys.exit("cannot embed")
        if "[At]" in structure:
            os.kill(os.getpid(), signal.SIGKILL)
        if "[Rn]" in structure:
            time.sleep(600)
        out.write(f"{ordinal}\t{sum(structure.encode()) / 8}\n")
if any("[Fr]" in structure for structure, _ in records):
    sys.exit(3)
