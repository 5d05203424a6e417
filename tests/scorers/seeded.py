"""A well-behaved scorer over jsonl: seeded.py [MILLISECONDS A RECORD].

The score depends on the structure and on the record's seed and on nothing else; some structures
are skipped and some are errors, by what they are.
"""

import json
import sys
import time
import zlib

delay = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0
columns = [{"name": "score", "type": "float"}, {"name": "size", "type": "int"}, {"name": "note", "type": "string"}]
hello = {"name": "seeded", "version": "1", "columns": columns, "batch_size": 16, "deterministic": True}
hello["reasons"] = ["too_simple", "no_fit"]
print(json.dumps(hello), flush=True)


def judge(ordinal, structure, seed):
    if len(structure) < 12:
        return [ordinal, "SKIP", "too_simple"]
    if zlib.crc32(structure.encode()) % 17 == 0:
        return [ordinal, "ERROR", "no_fit"]
    score = (zlib.crc32(structure.encode()) ^ seed) % 100_003 / 997
    note = structure[:5] if len(structure) % 3 else None
    return [ordinal, "OK", {"score": score, "size": len(structure), "note": note}]


for line in sys.stdin:
    request = json.loads(line)
    if delay:
        time.sleep(delay * len(request["records"]))
    results = [judge(ordinal, structure, seed) for ordinal, _, structure, seed in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
