"""What the peers have in common: reading a library, scoring one record, writing a row."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "configs", "scorers"))
FINGERPRINT = ("similarity", "nearest")


def records(lines, first=0):
    """(ordinal, id, structure) of lines of bytes."""
    for ordinal, line in enumerate(lines, first):
        structure, _, name = line.rstrip(b"\n").decode().partition("\t")
        yield ordinal, name, structure


def null(ordinal, name, _structure):
    return f"{ordinal},{name},OK,\n"


def scorer(kind, actives):
    """`null`, the shipped RDKit example: `fingerprint` (similarity and nearest) or `all` (all columns), `spectral2d`: RDKit's
    graph and NumPy's eigenvalues, or `spectral2d-K`: the same beside K look-alikes of each record."""
    if kind == "null":
        return null
    if kind == "spectral2d":
        return spectral2d()
    if kind.startswith("spectral2d-"):
        import look_alikes

        return look_alikes.scorer(int(kind.removeprefix("spectral2d-")))
    import rdkit_similarity as example

    example.RDLogger.DisableLog("rdApp.*")
    score = example.Similarity(actives, FINGERPRINT if kind == "fingerprint" else tuple(example.TYPES))
    empty = "," * len(score.columns)

    def row(ordinal, name, structure):
        values = score(structure)
        if values is None:
            return f"{ordinal},{name},ERROR,unparsable{empty}\n"
        return f"{ordinal},{name},OK,,{','.join(map(str, values))}\n"

    return row


def spectral2d():
    """The columns of the built-in `spectral2d`, with its defaults."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "rdkit"))
    import spectral as oracle

    oracle.RDLogger.DisableLog("rdApp.*")
    empty = "," * (oracle.HEADER.count(",") + 1)

    def row(ordinal, name, structure):
        cells = oracle.row(oracle.Chem.MolFromSmiles(structure), "bond_order_delta_chi", whole=True)
        if cells.startswith("!"):
            return f"{ordinal},{name},{'ERROR' if cells == '!invalid' else 'SKIP'},{cells[1:]}{empty}\n"
        # (The first is the score, which is one of the others.)
        return f"{ordinal},{name},OK,,{cells.split(',')[0]},{cells}\n"

    return row


def shards(path, size):
    """(first ordinal, offset, length) of each shard: the pass over the file that every peer needs."""
    found, start, offset, count = [], 0, 0, 0
    with open(path, "rb") as file:
        for count, line in enumerate(file, 1):
            offset += len(line)
            if count % size == 0:
                found.append((count - size, start, offset - start))
                start = offset
    if offset > start:
        found.append((count - count % size, start, offset - start))
    return found


def score_shard(path, shard, score):
    """The rows of one shard."""
    first, offset, length = shard
    with open(path, "rb") as file:
        file.seek(offset)
        lines = file.read(length).splitlines(keepends=True)
    return "".join(score(*record) for record in records(lines, first))
