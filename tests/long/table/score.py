"""The scorer of the table: descriptors by RDKit, over molsieve's protocol `jsonl`.

While there is a file of the name that HOLD gives, each record takes as many seconds as it says, so that something can happen to whoever
is at work.
"""

import json
import os
import sys
import time

from rdkit import Chem, RDLogger
from rdkit.Chem import Crippen, rdMolDescriptors

RDLogger.DisableLog("rdApp.*")
HOLD = os.environ["HOLD"]


def hold(records):
    began = time.monotonic()
    while True:
        try:
            seconds = float(open(HOLD).read())
        except (OSError, ValueError):
            return
        if time.monotonic() - began >= seconds * records:
            return
        time.sleep(0.05)


def result(ordinal, structure):
    molecule = Chem.MolFromSmiles(structure)
    if molecule is None:
        return [ordinal, "ERROR", "unparsable"]
    if len(Chem.GetMolFrags(molecule)) > 1:
        return [ordinal, "SKIP", "mixture"]
    return [ordinal, "OK", {"logp": Crippen.MolLogP(molecule), "weight": rdMolDescriptors.CalcExactMolWt(molecule),
                            "tpsa": rdMolDescriptors.CalcTPSA(molecule), "rings": rdMolDescriptors.CalcNumRings(molecule),
                            "formula": rdMolDescriptors.CalcMolFormula(molecule)}]


COLUMNS = [("logp", "float"), ("weight", "float"), ("tpsa", "float"), ("rings", "int"), ("formula", "string")]
print(json.dumps({"name": "descriptors", "version": "1", "columns": [{"name": n, "type": t} for n, t in COLUMNS],
                  "reasons": ["unparsable", "mixture"], "batch_size": 8, "deterministic": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    hold(len(request["records"]))
    results = [result(record[0], record[2]) for record in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
