#!/usr/bin/env python3
"""A server in EasyDock's dialect (docs/formats/easydock.md), without dependencies. Copy it and change `dock`."""

import json
import sys

receptor = ""


def info(payload):
    return {"ligand_in_format": "smiles", "ligand_out_format": "sdf", "score_mode": "min", "batch_size": 100}


def init(payload):
    global receptor
    with open(payload["protein"]) as file:
        receptor = file.read()
    return {"status": "ok"}


def dock(payload):
    """One result a name; None where there is none."""
    results = {}
    for name, smiles in payload.items():
        atoms = sum(smiles.count(symbol) for symbol in "CNOcno")
        results[name] = {"docking_score": -atoms / 4 - len(receptor.split()) / 8} if atoms else None
    return {"status": "ok", "results": results}


for line in sys.stdin:
    request = json.loads(line)
    command = {"info": info, "init": init, "dock": dock}.get(request["command"])
    try:
        payload = command(request["payload"]) if command else {"status": "error", "error": "unknown command"}
    except Exception as error:
        payload = {"status": "error", "error": repr(error)}
    print(json.dumps({"id": request["id"], "payload": payload}), flush=True)
