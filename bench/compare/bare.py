"""One process, no shard, no checkpoint: reads a library, scores it, hashes the rows, writes and zips them.

usage: bare.py null|fingerprint|all|spectral2d|spectral2d-K LIBRARY ACTIVES OUT_DIR
"""

import hashlib
import os
import sys
import zipfile

import rows


def main(kind, library, actives, out):
    os.makedirs(out, exist_ok=True)
    score, digest = rows.scorer(kind, actives), hashlib.sha256()
    summary = os.path.join(out, "summary.csv")
    with open(library, "rb") as source, open(summary, "wb") as sink:
        for record in rows.records(source):
            row = score(*record).encode()
            digest.update(hashlib.sha256(row).digest())
            sink.write(row)
    with zipfile.ZipFile(os.path.join(out, "pack.zip"), "w", zipfile.ZIP_DEFLATED) as pack:
        pack.write(summary, "summary.csv")
        pack.writestr("digest", digest.hexdigest())


main(*sys.argv[1:])
