"""A scorer over jsonl that hands over files: posing.py [MILLISECONDS A RECORD [moody]].

Every record of 12 characters or more is OK and has two files, `pose.txt` and `log.txt`, whose content depends on the
structure alone; shorter ones are skipped. A moody one fails at some structures unless there is a file `healthy` where
it runs, wants to be asked again about records 40 to 47 unless there is a file `awake`, and writes into each file
what is in the file `stamp`.
"""

import json
import os
import sys
import time
import zlib

delay = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0
moody = len(sys.argv) > 2
stamp = open("stamp").read() if moody else ""
tmp = os.environ["MOLSIEVE_TMP"]
columns = [{"name": "score", "type": "float", "order": "asc"}]
hello = {"name": "posing", "version": "1", "columns": columns, "batch_size": 7, "deterministic": True}
hello["reasons"] = ["too_simple"] + (["no_fit"] if moody else [])
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
    if moody and 40 <= request["records"][-1][0] < 48 and not os.path.exists("awake"):
        results = [[ordinal, "RETRY", "asleep"] for ordinal, *_ in request["records"]]
        print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
        continue
    for ordinal, id, structure, seed in request["records"]:
        if len(structure) < 12:
            results.append([ordinal, "SKIP", "too_simple"])
            continue
        code = zlib.crc32(structure.encode())
        if moody and code % 3 == 0 and not os.path.exists("healthy"):
            results.append([ordinal, "ERROR", "no_fit"])
            continue
        results.append([ordinal, "OK", {"score": code % 997}])
        files.append([ordinal, "pose.txt", put(f"pose of {structure}\n" * 50 + stamp)])
        files.append([ordinal, "log.txt", put(f"log of {structure}\n{stamp}")])
    print(json.dumps({"seq": request["seq"], "results": results, "files": files}), flush=True)
