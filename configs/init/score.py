"""A scorer for molsieve, in plain Python: it counts the carbon atoms of a structure. Put your own model in `score`.

It says hello once, and then answers each line of requests with a line of results. Anything that it prints to
standard error is kept in the logs. The whole protocol: the guide to bringing your own scorer.
"""

import json
import re
import sys

HELLO = {
    "name": "carbon-count",
    "version": "1",
    "columns": [{"name": "carbons", "type": "int", "order": "desc"}],
    "batch_size": 256,
    # Say true only if the same molecule always gets the same answer. `molsieve doctor scorer` measures it.
    "deterministic": True,
    # The reasons of your own that a molecule may be skipped for, or fail with.
    "reasons": ["no_carbon"],
}


def symbols(structure):
    """The symbols of the atoms. A structure is a SMILES, or, where the library is an SD file, a molblock of many lines."""
    if "\n" not in structure:
        return re.findall(r"C(?!l|a|r|u|o|d|s|e|f|m)|c", structure)
    lines = structure.split("\n")
    if "V3000" in structure:
        return [fields[3] for fields in map(str.split, lines) if len(fields) > 6 and fields[2].isdigit()]
    return [line[31:34].strip() for line in lines[4:] if line[5:6] == "." and len(line) > 33]


def score(structure, seed):
    """The values of one molecule, by the names of the columns; or a reason to skip it. Seeds are below 2**53."""
    carbons = sum(symbol in ("C", "c") for symbol in symbols(structure))
    return {"carbons": carbons} if carbons else "no_carbon"


def main():
    print(json.dumps(HELLO), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        results = []
        for ordinal, _identifier, structure, seed in request["records"]:
            found = score(structure, seed)
            if isinstance(found, dict):
                results.append([ordinal, "OK", found])
            else:
                results.append([ordinal, "SKIP", found])
        print(json.dumps({"seq": request["seq"], "results": results}), flush=True)


main()
