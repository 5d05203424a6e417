"""A scorer that sleeps so many seconds a record, so that the time to compute is known; its score is the length of the structure.

usage: sleeper.py jsonl SECONDS            speaks molsieve's protocol
       sleeper.py plain SECONDS ORDINAL    reads lines of a library from stdin, the first with this ordinal, and prints rows
"""

import json
import sys
import time


def jsonl(seconds):
    print('{"name":"sleeper","version":"1","columns":[{"name":"score","type":"int"}],"batch_size":256,"deterministic":true}', flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        time.sleep(seconds * len(asked["records"]))
        results = [[ordinal, "OK", {"score": len(structure)}] for ordinal, _, structure, _ in asked["records"]]
        print(json.dumps({"seq": asked["seq"], "results": results}), flush=True)


def plain(seconds, first):
    lines = sys.stdin.read().splitlines()
    time.sleep(seconds * len(lines))
    for ordinal, line in enumerate(lines, first):
        structure, _, name = line.partition("\t")
        print(f"{ordinal},{name},OK,,{len(structure)}")


if __name__ == "__main__":
    mode, per_record = sys.argv[1], float(sys.argv[2])
    jsonl(per_record) if mode == "jsonl" else plain(per_record, int(sys.argv[3]))
