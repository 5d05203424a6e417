#!/usr/bin/env python3
"""Writes a few seeds for each target into corpus/TARGET, from the test fixtures and from below."""

import bz2
import gzip
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "tests" / "fixtures"
CAMPAIGN = FIXTURES / "campaigns" / "v1"
PACK = FIXTURES / "packs" / "v1"


def write(target, seeds):
    directory = HERE / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (directory / f"seed-{number:02}").write_bytes(seed)


def libraries():
    """The first byte chooses the name; the rest is the file."""
    smi = b"# note\nCCO ethanol\nc1ccccc1\tbenzene\r\n\nC |c:1| x\n"
    csv = b'\xef\xbb\xbfid,smiles\na,CC\n"b,""c",C(=O)O\n'
    tsv = csv.replace(b",", b"\t")
    for choice, text in enumerate([smi, smi, smi, csv, tsv]):
        for content in [text, gzip.compress(text, mtime=0), bz2.compress(text)]:
            yield bytes([choice]) + content
    # A zstd frame of one raw block: magic, single segment, content size, block header, content.
    raw = b"CCO a\n"
    block = ((len(raw) << 3) | 1).to_bytes(3, "little")
    yield b"\x00\x28\xb5\x2f\xfd\x20" + bytes([len(raw)]) + block + raw


def sd_files():
    """The first byte chooses where ids are."""
    mol = b"\n  prog\n\n  0  0  0  0  0  0            999 V2000\nM  END\n"
    record = b"a" + mol + b">  <id>  (1)\nx\n\n> <note>\n$$$\n\n$$$$\n"
    real = (FIXTURES / "libraries" / "rdkit.sdf").read_bytes()
    yield b"\0" + real
    yield b"\1" + real
    for choice, text in enumerate([record * 2, record.replace(b"\n", b"\r\n"), b"$$$$\n\n$$$$\nb" + mol, mol[:-8]]):
        yield bytes([choice]) + text


def parquet_files():
    yield from (path.read_bytes() for path in sorted((FIXTURES / "libraries").glob("*.parquet")))


def checkpoints():
    """A whole one, and pieces that the target frames: a length, a kind, a body."""
    yield from (path.read_bytes() for path in sorted(CAMPAIGN.glob("groups/*/*.checkpoint")))
    line = b"100,a,OK,\n"
    row = bytes([0xC8, 0x01, len(line), 9, 0, 0])
    pieces = [b"\x02" + bytes([101, 3]), b"\x03\x01\x00" + row + line, b"\x04", b"\x02" + bytes([120, 2])]
    yield b"".join(bytes([len(piece)]) + piece for piece in pieces)
    two = b"\x03\x02\x01" + row + bytes([2, len(line), 9, 0, 0]) + line + line
    yield bytes([len(two)]) + two


def receipts():
    for path in [PACK / "receipt.json", *sorted(CAMPAIGN.glob("groups/*/*.receipt.json"))]:
        text = path.read_bytes()
        yield text.replace(text.split(b'"attempt":"')[1][:16], b"0123456789abcdef")


def replies():
    cells = b'{"score":0.5,"count":-3,"text":"a, \\"b\\"\\n\\u00e9"}'
    yield b'{"seq":1,"results":[[0,"OK",' + cells + b'],[1,"SKIP","no_fit"],[2,"ERROR","too_big"]]}'
    yield b'{"results":[[2,"RETRY","licence"],[0,"OK",{"text":null,"count":null,"score":1e308}],[1,"SKIP","no_fit"]],"seq":1}'
    yield b'{"seq":1,"results":[[0,"OK",' + cells + b'],[1,"OK",' + cells + b'],[2,"OK",' + cells + b"]]}"


def sound_receipts():
    """Receipts that account for the 20 records of the target's only group, if not with its row tree."""
    for text in receipts():
        receipt = json.loads(text)
        receipt |= {"group": 0, "ordinals": {"start": 0, "end": 20}}
        receipt["counts"] = {"total": 20, "ok": 18, "skip": 2, "error": 0, "reasons": {"no_fit": 2}}
        receipt["rows"]["bytes"] = 0
        level = {"subtrees": [{"hash": "00" * 32, "level": n} for n in (0, 1, 2, 3, 2, 0)]}
        receipt["tree"] |= {"begin": 1, "end": 21} | level
        yield json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def summaries():
    """The first byte is the size of the pieces."""
    rows = b'0,"an,id",OK,,0.5,-3,"a, ""b"""\n1,b,SKIP,no_fit,,,\n3,,ERROR,crash,,,\n'
    yield b"\x03" + rows
    yield b"\xff" + rows.replace(b"0.5", b"1e+300")


def journals():
    """Two segments with a zero byte between them, and every event in one."""
    first, second = (path.read_bytes() for path in sorted(CAMPAIGN.glob("journal/*.jsonl"))[:2])
    yield first + b"\0" + second
    yield first + second


def tables():
    """The first byte chooses commas or tabs, and whether there is a header."""
    table = b'ordinal\tscore\tcount\ttext\toutcome\treason\n7\t-7.5\t3\tA\t\t\n0\t\t\t\tSKIP\tno_fit\n'
    for choice, text in enumerate([table, table.replace(b"\t", b","), b"7\t1e1\t2\tx\n", b'7,1,2,"a,""b"""\n']):
        yield bytes([choice]) + text


def hellos():
    hello = {"name": "it", "version": "1", "columns": [{"name": "score", "order": "asc"}, {"name": "n", "type": "int"}]}
    hello |= {"batch_size": 64, "deterministic": True}
    yield json.dumps(hello).encode()
    yield json.dumps(hello | {"protocol": "jsonl", "reasons": ["no_fit"], "threads": 4}).encode()


def molfiles():
    text = (HERE.parent / "tests/fixtures/similarity/molfiles.sdf").read_bytes()
    yield from text.split(b"$$$$\n")[:40]


def proof():
    """One that holds, of the second of two lines."""
    leaf = lambda line: hashlib.sha256(b"\0" + line).digest()
    header, row = b"ordinal,id,outcome,reason,score", b"0,a,OK,,0.5"
    root = hashlib.sha256(b"\1" + leaf(header) + leaf(row)).hexdigest()
    side = lambda line, index, other: {"line": line.decode(), "leaf_index": index, "audit_path": [leaf(other).hex()]}
    proof = {"schema": "molsieve.proof.v1", "payload_digest": f"sha256:{root}", "pack_digest": f"sha256:{'0' * 64}"}
    proof |= {"tree_size": 2, "header": side(header, 0, row), "row": side(row, 1, header)}
    yield json.dumps(proof, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def audit_events():
    """The first event of a log, with the registry entry in it."""
    nothing, when = hashlib.sha256(b"").hexdigest(), "2026-01-01T00:00:00.000Z"
    digest, who = "1" * 64, {"account": "me", "host": "here"}
    entry = {"schema": "molsieve.registry-entry.v1", "audit": {"seq": 1, "prev": nothing}, "campaign": "it", "seed": 1}
    entry |= {"library": {"records": 4, "root": digest}, "molsieve": "0.1.0", "signed": when, "who": who}
    entry |= {"scorer": {"digest": digest, "kind": "null", "name": "null", "version": "1"}, "keyids": [digest]}
    entry |= {"pack_digest": f"sha256:{digest}", "payload_digest": f"sha256:{digest}", "circumstantial": 0}
    entry |= {"records": {"total": 4, "ok": 3, "skip": 0, "error": 1}, "complete": True}
    event = {"schema": "molsieve.audit-event.v1", "seq": 1, "prev": nothing, "at": when, "who": who}
    event["what"] = {"kind": "signed", "entry": entry, "entry_digest": digest}
    yield json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


def campaign_files():
    yield from (path.read_bytes() for path in sorted((HERE.parent / "configs").glob("**/*.toml")))


def score_files():
    """The first byte chooses the form: CSV, TSV, HETERO-2's, Parquet; and 4 more, whether it is one of hashes too."""
    hashes = [hashlib.sha256(text).hexdigest() for text in (b"CCO", b"CCN")]
    yield b"\0id,score\na,1.5\n\"b,\"\"c\"\"\",-2e3\n,\n"
    yield b"\0ordinal,id,outcome,reason,score\n0,a\\\\b,OK,,1\n1,c\\xff,SKIP,x,\n"
    yield f"\4decoy_hash,rdkit_hash,score,weight\n{hashes[0]},{hashes[1]},1,1\n".encode()
    yield f"\4rdkit_hash;decoy_hash;score\n{hashes[1]};{hashes[0]};1\n".encode()
    yield f"\1decoy_hash\tscore\n{hashes[0]}\t0.5\n".encode()
    scored = {"score": 0.25, "weight": 1.0}
    document = {"schema_version": "hetero_scores.v1", "original": scored, "decoys": dict.fromkeys(hashes, scored)}
    yield b"\2" + json.dumps(document | {"score_key": "vina", "note": [1, None]}).encode()
    yield from (b"\3" + path.read_bytes() for path in sorted((FIXTURES / "libraries").glob("*.parquet")))


def truths():
    """Tables of truth: plain, with the columns in another order, quoted."""
    yield b"molecule_id,expensive_label,truth_source,truth_version\na,PASS,assay,customer_truth.v1\nb,FAIL,assay,customer_truth.v1\n"
    yield b"truth_version,note,expensive_label,molecule_id,truth_source\r\ncustomer_truth.v1,\"x, y\",FAIL,\"a\"\"b\",proxy_rule_v1\r\n"


def foreign_packs():
    """The first byte chooses which file of a pack of HETERO-2 it is."""
    files = FIXTURES / "hetero2" / "v1" / "files"
    names = ["summary.csv", "metrics.json", "manifest.json", "checksums.sha256"]
    yield from (bytes([choice]) + (files / name).read_bytes() for choice, name in enumerate(names))


def far_ends():
    """A hello after a banner, and what may follow it."""
    kinds = ["hello", "ask", "answer", "data", "out", "err", "ended", "fault", "beat"]

    def frame(kind, payload):
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return b"\0\xf5ms\xfe\nv1" + bytes([kinds.index(kind) + 1]) + len(payload).to_bytes(4, "little") + payload

    hello = frame("hello", {"schema": "molsieve.remote-hello.v1", "version": "0.1.0", "root": "/r", "host": "h"})
    yield b"Welcome\n\0\xf5ms" + hello
    yield frame("answer", {"missing": [0, 2]}) + frame("beat", b"")
    yield frame("answer", {"pack_digest": None, "bytes": 3}) + frame("data", b"abc")
    yield frame("out", b"x\n") + frame("err", b"y") + frame("ended", {"exit": 3}) + frame("ended", {"signal": 9})
    yield frame("ask", {"do": "run", "argv": ["status", "d"], "watches": True})
    yield frame("fault", {"exit": 6, "what": "no", "hints": ["a"]})


SMILES = """CC(=O)Oc1ccccc1C(=O)O
C[C@H](N)C(=O)O
[NH4+].[Cl-]
c1ccc2[nH]c3ccccc3c2c1
C1CC2CCC1C2
F/C=C\\F
[13CH3][Si](C)(C)C#N
O=S(=O)(c1ccc(cc1)N)Nc1ncccn1
C%12CCCCC%12
[U+6]
C12C3C4C1C5C2C3C45""".encode().split(b"\n")

write("library_reader", libraries())
write("sdf", sd_files())
write("parquet", parquet_files())
write("checkpoint", checkpoints())
write("manifest", [(PACK / "manifest.json").read_bytes()])
write("verify_zip", [(PACK / "evidence_pack.zip").read_bytes()])
write("jsonl_reply", replies())
write("smiles", SMILES)
write("journal", journals())
write("receipt", [*receipts(), *sound_receipts()])
write("summary", summaries())
write("table", tables())
write("hello", hellos())
write("drawing", [*SMILES, *molfiles()])
write("molfile", molfiles())
write("campaign_file", campaign_files())
write("proof", proof())
write("audit_event", audit_events())
write("scores", score_files())
write("decoys", SMILES)
write("truth", truths())
write("conformance", foreign_packs())
write("suite", (path.read_bytes() for path in sorted((FIXTURES / "suite").glob("*/*.json"))))
write("remote_frames", far_ends())
