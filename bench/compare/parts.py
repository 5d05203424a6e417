"""The floor under sealing: reads a file, hashes it, and with `pack` also deflates and writes it.

usage: parts.py read|hash|deflate|pack FILE [OUT]
"""

import hashlib
import sys
import zlib

what, path = sys.argv[1:3]
digest, deflate = hashlib.sha256(), zlib.compressobj(6)
sink = open(sys.argv[3], "wb") if what == "pack" else None
with open(path, "rb") as source:
    while block := source.read(1 << 20):
        if what in ("hash", "pack"):
            digest.update(block)
        if what in ("deflate", "pack"):
            packed = deflate.compress(block)
            if sink:
                sink.write(packed)
if sink:
    sink.write(deflate.flush())
    sink.close()
