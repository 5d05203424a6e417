"""Prints the payload digest of a pack: payload_digest.py summary.csv | evidence_pack.zip"""
import hashlib, sys, zipfile  # noqa: E401

def rows(path):
    if zipfile.is_zipfile(path):
        yield from (line.rstrip(b"\n") for line in zipfile.ZipFile(path).open("summary.csv"))
    else:
        yield from (line.rstrip(b"\n") for line in open(path, "rb"))

stack = []  # (leaves, hash) of the perfect subtrees so far, RFC 6962 section 2.1
for row in rows(sys.argv[1]):
    size, node = 1, hashlib.sha256(b"\0" + row).digest()
    while stack and stack[-1][0] == size:
        size, node = size * 2, hashlib.sha256(b"\1" + stack.pop()[1] + node).digest()
    stack.append((size, node))
root = stack.pop()[1]
while stack:
    root = hashlib.sha256(b"\1" + stack.pop()[1] + root).digest()
print("sha256:" + root.hex())
