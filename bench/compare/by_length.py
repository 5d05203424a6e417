"""A scorer in jsonl that takes so many microseconds for each byte of a structure, asleep: the load of the machine is not in it.

usage: by_length.py MICROSECONDS [RECORDS A REQUEST]
"""

import json
import sys
import time

PER_BYTE_S = float(sys.argv[1]) * 1e-6

BATCH = int(sys.argv[2]) if len(sys.argv) > 2 else 256

print(json.dumps({"name": "by-length", "version": "1", "columns": [{"name": "score", "type": "int"}], "batch_size": BATCH, "deterministic": True}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    lengths = [(ordinal, len(structure)) for ordinal, _, structure, _ in asked["records"]]
    time.sleep(PER_BYTE_S * sum(length for _, length in lengths))
    print(json.dumps({"seq": asked["seq"], "results": [[ordinal, "OK", {"score": length}] for ordinal, length in lengths]}), flush=True)
