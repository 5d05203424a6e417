#!/usr/bin/env python3
"""A whole scorer for molsieve in one page, without dependencies. Copy it and change `score`.

It speaks the protocol `jsonl` (docs/formats/jsonl.md): one JSON object a line, a hello first, then
one reply to each request. Try it by hand:

    echo '{"seq":1,"records":[[0,"ethanol","CCO",42]]}' | python3 hello_scorer.py

In a campaign file:

    [scorer]
    kind = "command"
    protocol = "jsonl"
    argv = ["python3", "hello_scorer.py"]
"""

import json
import sys

HELLO = {
    "name": "hello-scorer",  # part of what the signed pack says was run
    "version": "1",  # change it when the scores change
    "columns": [  # one value each for every record that is OK; null is an empty cell
        {"name": "score", "type": "float", "order": "desc"},
        {"name": "atoms", "type": "int"},
    ],
    "batch_size": 256,  # the most records in one request
    "deterministic": True,  # the same record always gets the same values
    "reasons": ["no_carbon", "failed"],  # the codes that SKIP and ERROR may give
}


def score(structure, seed):
    """The values of one record. `seed` is an integer below 2^53 that belongs to this structure:
    take all randomness from it, and the answer is the same wherever and whenever it is computed."""
    atoms = sum(structure.count(symbol) for symbol in "CNOcno")
    return {"score": structure.count("C") / max(atoms, 1), "atoms": atoms}


def result(ordinal, structure, seed):
    """One result. The whole range of answers is OK, SKIP, ERROR and RETRY."""
    if "C" not in structure and "c" not in structure:
        return [ordinal, "SKIP", "no_carbon"]
    try:
        return [ordinal, "OK", score(structure, seed)]
    except Exception as error:  # one bad record must not cost the others of its request
        print(f"record {ordinal}: {error}", file=sys.stderr)
        return [ordinal, "ERROR", "failed"]


def say(message):
    # allow_nan=False: NaN is not JSON. Give null for a value that does not exist.
    print(json.dumps(message, allow_nan=False), flush=True)


say(HELLO)
for line in sys.stdin.buffer:  # ends when molsieve closes our input
    request = json.loads(line)
    results = [result(ordinal, structure, seed) for ordinal, _id, structure, seed in request["records"]]
    say({"seq": request["seq"], "results": results})
