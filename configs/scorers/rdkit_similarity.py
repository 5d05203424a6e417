"""An example of a scorer that speaks jsonl: similarity to known actives, and six descriptors, by RDKit.

usage: rdkit_similarity.py ACTIVES [COLUMN ...]

ACTIVES has a SMILES and a name on each line. Without COLUMN all are computed. Try it by hand:

    echo '{"seq":1,"records":[[0,"a","CCO",1]]}' | python rdkit_similarity.py actives.smi
"""

import json
import sys

from rdkit import Chem, DataStructs, RDLogger, rdBase
from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

TYPES = {"similarity": "float", "nearest": "string", "mw": "float", "logp": "float", "tpsa": "float", "hbd": "int",
         "hba": "int", "rotb": "int"}
DESCRIPTORS = {"mw": Descriptors.MolWt, "logp": Crippen.MolLogP, "tpsa": rdMolDescriptors.CalcTPSA,
               "hbd": rdMolDescriptors.CalcNumHBD, "hba": rdMolDescriptors.CalcNumHBA,
               "rotb": rdMolDescriptors.CalcNumRotatableBonds}


class Similarity:
    """The greatest Tanimoto similarity to one of the actives (ECFP4, 2048 bits), which one, and descriptors."""

    def __init__(self, actives, columns=tuple(TYPES)):
        self.columns = columns
        self.fingerprint = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048).GetFingerprint
        self.names, self.actives = [], []
        with open(actives) as file:
            for line in filter(str.strip, file):
                structure, name = line.split(None, 1)
                self.names.append(name.strip())
                self.actives.append(self.fingerprint(Chem.MolFromSmiles(structure)))

    def __call__(self, structure):
        """A value for each column, or None if RDKit cannot read the structure."""
        molecule = Chem.MolFromSmiles(structure)
        if molecule is None:
            return None
        found = DataStructs.BulkTanimotoSimilarity(self.fingerprint(molecule), self.actives)
        best = max(found)
        nearest = self.names[found.index(best)]  # the first one on ties
        return [best if name == "similarity" else nearest if name == "nearest" else DESCRIPTORS[name](molecule)
                for name in self.columns]


def say(document):
    print(json.dumps(document), flush=True)


def main(actives, *columns):
    RDLogger.DisableLog("rdApp.*")
    score = Similarity(actives, columns or tuple(TYPES))
    say({
        "name": "rdkit-similarity",
        "version": f"1+rdkit-{rdBase.rdkitVersion}",  # another RDKit may give other values, so it is another scorer
        "columns": [{"name": name, "type": TYPES[name]} for name in score.columns],
        "reasons": ["unparsable"],
        "batch_size": 256,
        "deterministic": True,
    })
    for line in sys.stdin:
        request = json.loads(line)
        results = []
        for ordinal, _id, structure, _seed in request["records"]:
            values = score(structure)
            if values is None:
                results.append([ordinal, "ERROR", "unparsable"])
            else:
                results.append([ordinal, "OK", dict(zip(score.columns, values))])
        say({"seq": request["seq"], "results": results})


if __name__ == "__main__":
    main(*sys.argv[1:])
