#!/bin/sh
# Checks a pack with coreutils and openssl alone: check_openssl.sh PACK_DIR K.pub.pem [K.pem]
# Needs sha256sum, openssl 3, and python3 (standard library) to take the envelope apart.
set -eu
pack=$1 public=$2 private=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

openssl pkey -pubin -in "$public" -noout
if [ -n "$private" ]; then
    openssl pkey -in "$private" -pubout -out "$work/derived.pem"
    cmp "$work/derived.pem" "$public"
fi
keyid=$(openssl pkey -pubin -in "$public" -outform DER | sha256sum | cut -d' ' -f1)

(cd "$pack" && sha256sum --quiet --strict -c checksums.sha256)

# The bytes that were signed: the pre-authentication encoding of DSSE.
python3 - "$pack/attestation.dsse.json" "$keyid" "$work" <<'PY'
import base64, json, pathlib, sys
envelope = json.load(open(sys.argv[1]))
kind, body = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"], validate=True)
pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)
(sig,) = [s["sig"] for s in envelope["signatures"] if s["keyid"] == sys.argv[2]]
work = pathlib.Path(sys.argv[3])
work.joinpath("pae").write_bytes(pae)
work.joinpath("sig").write_bytes(base64.b64decode(sig, validate=True))
PY
openssl pkeyutl -verify -pubin -inkey "$public" -rawin -in "$work/pae" -sigfile "$work/sig"
