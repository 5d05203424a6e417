"""A scorer that needs a licence for each request: licensed.py PORT [SLOW].

It asks the server on PORT of this machine. Without an answer it says RETRY for all records. With
SLOW, some structures take a minute unless there is a file `healthy` where it runs.
"""

import json
import os
import socket
import sys
import time
import zlib

port = int(sys.argv[1])
slow = len(sys.argv) > 2
hello = {"name": "licensed", "version": "1", "batch_size": 8, "deterministic": True, "reasons": ["no_fit"]}
hello["columns"] = [{"name": "score", "type": "float"}, {"name": "note", "type": "string"}]
print(json.dumps(hello), flush=True)


def licence():
    if port == 0:
        return True
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as server:
            return server.recv(1) == b"y"
    except OSError:
        return False


def judge(ordinal, structure, seed):
    code = zlib.crc32(structure.encode())
    if slow and code % 23 == 0 and not os.path.exists("healthy"):
        time.sleep(60)
    if code % 11 == 0:
        return [ordinal, "ERROR", "no_fit"]
    return [ordinal, "OK", {"score": (code ^ seed) % 1009 / 7, "note": structure[:3] + ', "'}]


for line in sys.stdin:
    request = json.loads(line)
    if licence():
        results = [judge(ordinal, structure, seed) for ordinal, _, structure, seed in request["records"]]
    else:
        results = [[ordinal, "RETRY", "the licence server does not answer"] for ordinal, *_ in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
