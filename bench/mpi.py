"""How busy ranks are whose records cost very unlike: rank 0 hands out, against shares by number; see bench/README.md."""

import json
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
from datetime import datetime

COMPARE = pathlib.Path(__file__).resolve().parent / "compare"
# (Task groups of seconds: under that, what it takes to write one down is what is measured.)
RECORDS, A_GROUP = 480, 4
MEAN_S, SIGMA = 0.5, 1.5
# A byte of a structure takes so long.
BYTE_S = 0.005
RANKS = (4, 7)
DYNAMIC, STATIC = "rank 0 hands out", "shares by number"


def library(bench, records):
    """A library whose structures are as long as a log-normal distribution says, and how many bytes they are in all."""
    lot = random.Random(20261128)
    # (So that the mean of the distribution is MEAN_S.)
    mu = math.log(MEAN_S / BYTE_S) - SIGMA**2 / 2
    lengths = [max(1, round(lot.lognormvariate(mu, SIGMA))) for _ in range(records)]
    path = bench.scratch / f"library-log-normal-{records}.smi"
    path.write_text("".join(f"{'C' * length}\tm{n}\n" for n, length in enumerate(lengths)))
    return path, sum(lengths), max(lengths)


def campaign(bench, name, path, ranks, hand_out):
    file, directory = bench.scratch / f"{name}.toml", bench.scratch / f"run-{name}"
    child = f'argv = ["{sys.executable}", "{COMPARE / "by_length.py"}", "{BYTE_S * 1e6}", "{A_GROUP}"]'
    file.write_text("\n".join([
        "[campaign]", 'name = "mpi"', "seed = 1", "[library]", f'path = ["{path}"]', "[scorer]", 'kind = "command"',
        'protocol = "jsonl"', child, "[shards]", f"records = {A_GROUP}", "[resources]", "cpus = 1", "[scheduler]",
        'kind = "mpi"', f"ranks = {ranks}", f'hand_out = "{hand_out}"']) + "\n")
    return file, directory


def span_s(directory):
    """From the start of the launcher to its end, as the log of the launch says; the snapshot, and what is gathered, is not in it."""
    lines = [json.loads(line) for line in (directory / "logs" / "wave-1-task-0.jsonl").read_text().splitlines()]
    at = {line["fields"]["message"]: datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")) for line in lines}
    return (at["the launch has ended"] - at["launches"]).total_seconds()


def one(bench, name, path, ranks, hand_out, is_known):
    """The span of one campaign, and the digest of its payload. Where costs are known, a pilot has put the costly ones first."""
    file, directory = campaign(bench, name, path, ranks, hand_out)
    shutil.rmtree(directory, ignore_errors=True)
    env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    commands = [["pilot", file, "--dir", directory, "--records", "32"]] if is_known else []
    for command in [*commands, ["run", file, "--dir", directory]]:
        done = subprocess.run([bench.molsieve, *map(str, command)], env=env, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{command}: exit {done.returncode}\n{done.stderr[-2000:]}")
    if (directory / "launch" / "wave-2.tasks").exists():
        sys.exit(f"{directory}: one launch was not enough")
    manifest = json.loads((directory / "pack" / "manifest.json").read_text())
    return span_s(directory), json.dumps(manifest["payload"], sort_keys=True)


def measure(bench):
    if not shutil.which("mpirun") or not os.path.exists(os.path.join(os.path.dirname(bench.molsieve), "molsieve-mpi")):
        sys.exit("missing: an MPI library, and molsieve-mpi; ./setup --bench installs the one, bench/run builds the other")
    records = RECORDS // 10 if bench.quick else RECORDS
    path, length, longest = library(bench, records)
    work_s = length * BYTE_S
    lines = bench.table.lines
    lines += ["", f"### MPI: {records:,} records whose costs are log-normal (σ = {SIGMA}), {A_GROUP} a task group, {work_s:.1f} s in all, the longest {longest * BYTE_S:.1f} s", "",
              "Budget: none yet. Busy: the time to compute, of that of all ranks from the start of the launcher to its end.", "",
              f"| ranks | order | {DYNAMIC}: s | busy | {STATIC}: s | busy | times as busy |", "|---:|---|---:|---:|---:|---:|---:|"]
    payloads = set()
    for ranks in RANKS:
        for is_known in (False, True):
            spans = {"dynamic": [], "static": []}
            for turn in range(bench.runs):
                for hand_out in list(spans)[:: 1 if turn % 2 == 0 else -1]:
                    name = f"mpi-{hand_out}-{ranks}-{'known' if is_known else 'unknown'}"
                    span, payload = one(bench, name, path, ranks, hand_out, is_known)
                    spans[hand_out].append(span)
                    payloads.add(payload)
                    print(f"  {name}: {span:.2f} s, {100 * work_s / ranks / span:.1f} % busy", file=sys.stderr)
            if len(payloads) != 1:
                sys.exit("the two did not compute the same rows")
            dynamic, static = (statistics.median(spans[hand_out]) for hand_out in ("dynamic", "static"))
            ratio = statistics.median(s / d for s, d in zip(spans["static"], spans["dynamic"]))
            busy = lambda span: f"{100 * work_s / ranks / span:.1f} %"
            order = "the costliest first, by a pilot" if is_known else "by lot: costs are not known"
            lines.append(f"| {ranks} | {order} | {dynamic:.1f} | {busy(dynamic)} | {static:.1f} | {busy(static)} | {ratio:.2f} × |")
