"""A scorer that speaks jsonl.

usage: jsonl_scorer.py echo|fingerprint|all [ACTIVES]

echo: as little as can be done with a record, so that what is left is the protocol. The others are those of rows.py.
"""

import json
import sys

TYPES = [("similarity", "float"), ("nearest", "string"), ("mw", "float"), ("logp", "float"), ("tpsa", "float"),
         ("hbd", "int"), ("hba", "int"), ("rotb", "int")]


def serve(columns, score):
    hello = {
        "name": "bench", "version": "1", "batch_size": 256, "deterministic": True, "reasons": ["unparsable"],
        "columns": [{"name": name, "type": kind} for name, kind in columns],
    }
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        results = [[record[0], *score(record)] for record in request["records"]]
        print(json.dumps({"seq": request["seq"], "results": results}), flush=True)


def rdkit(kind, actives):
    import rows

    similarity = rows.Similarity(actives, only=kind == "fingerprint")
    columns = TYPES[: 2 + len(similarity.columns)]

    def score(record):
        molecule = similarity.parse(record[2])
        if molecule is None:
            return "ERROR", "unparsable"
        found = similarity.bulk(similarity.fingerprint(molecule), similarity.known)
        best = max(found)
        values = [best, similarity.names[found.index(best)], *(column(molecule) for column in similarity.columns)]
        return "OK", {name: value for (name, _), value in zip(columns, values)}

    serve(columns, score)


if sys.argv[1] == "echo":
    serve([("score", "float")], lambda record: ("OK", {"score": 0.5}))
else:
    rdkit(*sys.argv[1:3])
