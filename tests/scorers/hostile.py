#!/usr/bin/env python3
"""A scorer over protocol jsonl that misbehaves on demand: hostile.py MODE [ARG [MARKER]].

Without a fault it gives each record `score` (from the structure alone), `length` and `label`.
Modes that end in `_on` misbehave only where ARG is among the structures of a request. MARKER is
ignored: it lets a test find this process by its command line.
"""

import json
import math
import os
import signal
import subprocess
import sys
import time
import zlib

MODE = sys.argv[1]
ARG = sys.argv[2] if len(sys.argv) > 2 else ""

HELLO = {
    "name": "hostile",
    "version": "1",
    "columns": [
        {"name": "score", "type": "float"},
        {"name": "length", "type": "int"},
        {"name": "label", "type": "string"},
    ],
    "batch_size": 8,
    "deterministic": True,
    "reasons": ["no_fit", "bad_input"],
}

BAD_HELLOS = {
    "not_json": "{hello",
    "array": "[1,2]",
    "no_name": {k: v for k, v in HELLO.items() if k != "name"},
    "unknown_field": HELLO | {"colour": "red"},
    "fixed_column": HELLO | {"columns": [{"name": "outcome", "type": "string"}]},
    "same_column": HELLO | {"columns": HELLO["columns"] * 2},
    "bad_type": HELLO | {"columns": [{"name": "score", "type": "double"}]},
    "no_batch": HELLO | {"batch_size": 0},
    "our_reason": HELLO | {"reasons": ["crash"]},
    "protocol": HELLO | {"protocol": 2},
    "long": HELLO | {"version": "v" * (17 << 20)},
}


def say(message):
    text = message if isinstance(message, str) else json.dumps(message)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def score(structure, seed):
    base = zlib.crc32(structure.encode()) % 8000 / 8
    return base + seed / 2**53 if MODE == "seed_echo" else base


def result(ordinal, _id, structure, seed):
    label = structure if len(structure) % 2 else None
    return [ordinal, "OK", {"score": score(structure, seed), "length": len(structure), "label": label}]


def first(name):
    """Whether nobody asked for `name` before; ARG is a directory that all children share."""
    try:
        os.close(os.open(os.path.join(ARG, name), os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def spoil(kind, reply, results):
    """Makes a reply wrong in the way of `kind`; a string is sent as it is."""
    cells = results[0][2]
    if kind == "garbage":
        return '{"seq":1,"results":'
    if kind == "not_reply":
        return {"level": "info", "message": "a log line that looks like the protocol"}
    if kind == "trailing":
        return json.dumps(reply) + " {}"
    if kind == "wrong_seq":
        return reply | {"seq": reply["seq"] + 1}
    if kind == "extra_key":
        return reply | {"time": 1}
    if kind == "duplicates":
        results.append(results[0])
    elif kind == "missing":
        results.pop()
    elif kind == "unknown":
        results.append([10**9, *results[0][1:]])
    elif kind == "nan":
        cells["score"] = math.nan
    elif kind == "infinity":
        return json.dumps(reply).replace('"length": ', '"length": 1e999')
    elif kind == "bad_type":
        cells["length"] = 1.5
    elif kind == "bad_column":
        cells["extra"] = 1
    elif kind == "no_column":
        del cells["score"]
    elif kind == "bad_reason":
        results[0] = [results[0][0], "SKIP", "whatever"]
    elif kind == "bad_word":
        results[0][1] = "FINE"
    elif kind == "long_line":
        return '{"seq":' + " " * (50 << 20) + "1}"
    return reply


FAULTS = (
    "garbage not_reply trailing wrong_seq extra_key duplicates missing unknown nan infinity "
    "bad_type bad_column no_column bad_reason bad_word long_line"
).split()


def misbehave(request, structures, served):
    """Faults that strike before a request is answered."""
    hit = ARG in structures
    if MODE == "crash_on" and hit:
        os.kill(os.getpid(), signal.SIGKILL)
    if MODE == "oom_on" and "POISON" in structures:
        # ARG is a `memory.events`, as the kernel keeps it.
        with open(ARG, "a+") as events:
            events.seek(0)
            count = len(events.read().splitlines())
        with open(ARG + ".new", "w") as events:
            events.write("x\n" * count + f"oom_kill {count + 1}\n")
        os.rename(ARG + ".new", ARG)
        os.kill(os.getpid(), signal.SIGKILL)
    if MODE == "exit_on" and hit:
        sys.exit(3)
    if MODE == "hang_on" and hit:
        time.sleep(3600)
    if MODE == "hang_always":
        time.sleep(3600)
    if MODE == "exit_within" and served + 1 == int(ARG):
        sys.exit(1)
    if MODE == "flaky" and (first("1") or first("2")):
        os.abort()
    if MODE == "floods_stderr":
        for _ in range(200):
            sys.stderr.write("warning: something is odd\n" * 1000)
    if MODE == "chatter":
        say("\n\nTraceback (most recent call last): no, only noise\n[1] 0.5\n " + json.dumps(request))
    if MODE == "long_noise":
        say("x" * (50 << 20))


def answer(request):
    results = [result(*record) for record in request["records"]]
    reply = {"seq": request["seq"], "results": results}
    structures = [record[2] for record in request["records"]]
    fault = MODE.removesuffix("_on")
    if fault in FAULTS and (fault == MODE or ARG in structures):
        return spoil(fault, reply, results)
    if MODE == "reorder":
        results.reverse()
    if MODE == "unusual":
        return json.dumps({"results": results, "seq": request["seq"]}, indent=None, separators=(" ,\t", " : ")) + " \r"
    if MODE == "reasons":
        for at, structure in enumerate(structures):
            if len(structure) % 3 == 0:
                results[at] = [results[at][0], "SKIP", "no_fit"]
            elif len(structure) % 3 == 1:
                results[at] = [results[at][0], "ERROR", "bad_input"]
    if MODE == "nulls":
        for entry in results:
            entry[2] = dict.fromkeys(entry[2])
    if MODE == "environment":
        for entry in results:
            entry[2]["label"] = os.environ.get(ARG)
    if MODE == "retry_always" or (MODE == "retry_on" and ARG in structures):
        reply["results"] = [[entry[0], "RETRY", "licence server"] for entry in results]
    if MODE == "alone" and len(results) > 1:
        reply["results"] = [[e[0], "ALONE", "too large together"] if "O" in s else e for e, s in zip(results, structures)]
    if MODE == "always_alone" and ARG in structures:
        reply["results"] = [[entry[0], "ALONE", "too large"] for entry in results]
    if MODE == "tmp":
        path = os.environ["MOLSIEVE_TMP"]
        usable = os.stat(path).st_mode & 0o777 == 0o700 and os.listdir(path) == []
        for entry in results:
            entry[2]["label"] = path if usable else "unusable"
    if MODE == "retry":
        for at, entry in enumerate(results):
            if entry[0] % 2 and first(f"record-{entry[0]}"):
                results[at] = [entry[0], "RETRY", "licence server"]
    return reply


def hello():
    if MODE == "bad_hello":
        if ARG == "exit":
            sys.stderr.write("no module named rdkit\n")
            sys.exit(3)
        if ARG == "silent":
            time.sleep(3600)
        return BAD_HELLOS[ARG]
    if MODE == "slow_start":
        time.sleep(float(ARG))
    if MODE == "huge_batch":
        return HELLO | {"batch_size": 65536}
    if MODE == "single":
        return HELLO | {"batch_size": 1}
    if MODE == "other_version":
        return HELLO | {"version": "2"}
    return HELLO


def after(served):
    """Faults that strike once a request is answered."""
    if MODE == "exit_between" and served == int(ARG):
        # What it answered counts, whatever its exit code.
        sys.exit(served)
    if MODE == "babbles":
        say('{"done":true}')
    if MODE == "closes_stdout":
        os.close(1)
        time.sleep(3600)


def main():
    if MODE == "ignores_signals":
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
    if MODE == "chatter":
        say("loading the model ... done")
    say(hello())
    if MODE == "ends_after_hello":
        sys.exit(0)
    if MODE == "closes_stdin":
        os.close(0)
        time.sleep(3600)
    if MODE == "leaves_grandchildren":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)", *sys.argv[1:]])
    served = 0
    for line in sys.stdin:
        request = json.loads(line)
        misbehave(request, [record[2] for record in request["records"]], served)
        say(answer(request))
        served += 1
        after(served)
    if MODE == "ignores_signals":
        time.sleep(3600)


main()
