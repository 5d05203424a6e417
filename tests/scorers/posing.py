"""A scorer over jsonl that hands over files: posing.py [MILLISECONDS A RECORD].

Every record of 12 characters or more is OK and has two files, `pose.txt` and `log.txt`, whose content depends on the
structure alone; shorter ones are skipped.
"""

import json
import os
import sys
import time
import zlib

delay = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0
tmp = os.environ["MOLSIEVE_TMP"]
columns = [{"name": "score", "type": "float", "order": "asc"}]
hello = {"name": "posing", "version": "1", "columns": columns, "batch_size": 7, "deterministic": True}
hello["reasons"] = ["too_simple"]
print(json.dumps(hello), flush=True)
count = 0


def put(content):
    global count
    count += 1
    path = os.path.join(tmp, f"{os.getpid()}-{count}")
    with open(path, "w") as file:
        file.write(content)
    return path


for line in sys.stdin:
    request = json.loads(line)
    time.sleep(delay * len(request["records"]))
    results, files = [], []
    for ordinal, id, structure, seed in request["records"]:
        if len(structure) < 12:
            results.append([ordinal, "SKIP", "too_simple"])
            continue
        results.append([ordinal, "OK", {"score": zlib.crc32(structure.encode()) % 997}])
        files.append([ordinal, "pose.txt", put(f"pose of {structure}\n" * 50)])
        files.append([ordinal, "log.txt", put(f"log of {structure}\n")])
    print(json.dumps({"seq": request["seq"], "results": results, "files": files}), flush=True)
