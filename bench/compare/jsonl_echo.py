"""A scorer that does as little with a record as can be done, so that what is left is the protocol."""

import json
import sys

HELLO = {"name": "echo", "version": "1", "columns": [{"name": "score", "type": "float"}], "batch_size": 256, "deterministic": True}
print(json.dumps(HELLO), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    results = [[record[0], "OK", {"score": 0.5}] for record in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
