"""What the peers have in common: reading a library, scoring one record, writing a row."""

COLUMNS = "similarity,nearest,mw,logp,tpsa,hbd,hba,rotb"


def records(lines, first=0):
    """(ordinal, id, structure) of lines of bytes."""
    for ordinal, line in enumerate(lines, first):
        structure, _, name = line.rstrip(b"\n").decode().partition("\t")
        yield ordinal, name, structure


def null(ordinal, name, structure):
    return f"{ordinal},{name},OK,\n"


class Similarity:
    """The columns of the built-in scorer, by RDKit; with `only` the first two."""

    def __init__(self, actives, only=False):
        from rdkit import Chem, DataStructs, RDLogger
        from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

        RDLogger.DisableLog("rdApp.*")
        self.parse, self.bulk = Chem.MolFromSmiles, DataStructs.BulkTanimotoSimilarity
        generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
        self.fingerprint = generator.GetFingerprint
        self.columns = [] if only else [
            Descriptors.MolWt, Crippen.MolLogP, rdMolDescriptors.CalcTPSA, rdMolDescriptors.CalcNumHBD,
            rdMolDescriptors.CalcNumHBA, rdMolDescriptors.CalcNumRotatableBonds,
        ]
        with open(actives, "rb") as file:
            known = [(name, self.parse(structure)) for _, name, structure in records(file)]
        self.names = [name for name, _ in known]
        self.known = [self.fingerprint(molecule) for _, molecule in known]

    def __call__(self, ordinal, name, structure):
        molecule = self.parse(structure)
        if molecule is None:
            return f"{ordinal},{name},ERROR,unparsable" + "," * (2 + len(self.columns)) + "\n"
        found = self.bulk(self.fingerprint(molecule), self.known)
        best = max(found)
        values = [best, self.names[found.index(best)], *(column(molecule) for column in self.columns)]
        return f"{ordinal},{name},OK,," + ",".join(map(str, values)) + "\n"


def scorer(kind, actives):
    """`null`, `fingerprint` (similarity and nearest) or `all` (all columns)."""
    return null if kind == "null" else Similarity(actives, only=kind == "fingerprint")


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
