"""Checks the attestation of a pack without molsieve: check_attestation.py PACK_DIR K.pub.pem

The envelope is verified by securesystemslib (the DSSE library of TUF and in-toto), the statement is
validated by in-toto-attestation, and every subject is hashed here.
"""
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives import serialization
from google.protobuf.json_format import Parse
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

pack, key_path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
public = serialization.load_pem_public_key(key_path.read_bytes())
spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
keyid = hashlib.sha256(spki).hexdigest()
key = SSlibKey.from_crypto(public, keyid=keyid)

envelope = Envelope.from_dict(json.loads((pack / "attestation.dsse.json").read_bytes()))
assert envelope.payload_type == "application/vnd.in-toto+json", envelope.payload_type
accepted = envelope.verify([key], 1)
assert list(accepted) == [keyid], accepted

statement = Statement.copy_from_pb(Parse(envelope.payload, statement_pb2.Statement()))
statement.validate()
assert statement.pb.predicate_type == "urn:molsieve:pack:v1", statement.pb.predicate_type
subjects = {s.name: s.digest["sha256"] for s in statement.pb.subject}
assert sorted(subjects) == ["checksums.sha256", "manifest.json"], subjects
for name, digest in subjects.items():
    assert hashlib.sha256((pack / name).read_bytes()).hexdigest() == digest, name
print("attestation holds:", keyid)
