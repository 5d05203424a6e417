"""A server in EasyDock's dialect: server.py MODE MARK. Modes that strike do so where MARK is among the structures."""

import json
import os
import signal
import sys
import time

mode, mark = sys.argv[1:3]
receptor = None


def dock(payload):
    results = {}
    struck = any(mark in structure for structure in payload.values())
    if struck and mode == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if struck and mode == "hang":
        time.sleep(600)
    if struck and mode == "refuses":
        return {"status": "error", "error": "No smiles provided"}
    for name, structure in payload.items():
        value = sum(ord(c) * (i + 1) for i, c in enumerate(structure)) / 8 + receptor
        results[name] = {"docking_score": value, "mol_block": "x" * 1000, "raw_block": "$$$$\n", "site": "A"}
        if mark in structure and mode == "null":
            results[name] = None
        if mark in structure and mode == "omits":
            del results[name]
        if mark in structure and mode == "text":
            results[name]["docking_score"] = "failed"
        if mode == "numbers_as_text":
            results[name]["docking_score"] = str(value)
    if struck and mode == "invents":
        results["mol_007"] = None
    return {"status": "ok", "results": results}


print("loading weights ... [1, 2]", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    command, payload = request["command"], request["payload"]
    if command == "info":
        reply = {"ligand_in_format": "smiles", "score_mode": "max", "batch_size": 7}
        if mode == "pdbqt":
            reply["ligand_in_format"] = "pdbqt"
        if mode == "empty_info":
            reply = {}
    elif command == "init":
        try:
            receptor = float(open(payload["protein"]).read())
            reply = {"status": "ok"}
        except (KeyError, OSError) as error:
            reply = {"status": "error", "error": f"no receptor: {error!r}"}
    else:
        reply = dock(payload)
    print("progress: 100 %", flush=True)
    if command == "dock":
        print(json.dumps({"id": 0, "payload": {"status": "ok", "results": {}}}), flush=True)
    print(json.dumps({"id": request["id"], "payload": reply}), flush=True)
