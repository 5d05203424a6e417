#!/usr/bin/env python3
"""SLURM's commands, each by its name, as far as molsieve asks them. Jobs are files in $FAKE_PLACE and real processes.

`<command>.cue` there says what the next call does instead: accept-and-hang, half, down, garbage, banner, refuse, hang.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from fake import NAME, PLACE, act, end, fail, jobs

AWAY = "Unable to contact slurm controller (connect failure)"


def refused(what):
    return f"{NAME}: error: {what}"


def option(name):
    return next((a.split("=", 1)[1] for a in sys.argv[1:] if a.startswith(f"--{name}=")), None)


def sbatch(said):
    script = Path(sys.argv[-1])
    lines = [line.removeprefix("#SBATCH --") for line in script.read_text().splitlines() if line.startswith("#SBATCH ")]
    asked = dict((line.split("=", 1) + [""])[:2] for line in lines)
    last = int(re.match(r"0-(\d+)", asked.get("array", "0-0")).group(1))
    if last > 1000:
        fail(refused("Batch job submission failed: Invalid job array specification"))
    number = max(jobs(), default=0) + 1
    tasks = []
    for index in range(last + 1):
        environment = dict(os.environ, SLURM_ARRAY_TASK_ID=str(index))
        wrapped = 'sh "$1"; echo $? >"$2.part"; mv "$2.part" "$2"'
        with open(json.loads(asked["output"]).replace("%%", "%"), "a") as out:
            process = subprocess.Popen(
                ["sh", "-c", wrapped, "job", str(script), str(PLACE / f"{number}.{index}.exit")],
                env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        tasks.append(process.pid)
    array = "array" in asked
    (PLACE / f"{number}.job").write_text(json.dumps({"name": asked["job-name"], "tasks": tasks, "array": array}))
    if said == "accept-and-hang":
        time.sleep(60)
    print(number)


def state(number, index, pid):
    if (PLACE / f"{number}.cancelled").exists():
        return "CANCELLED", 15
    try:
        code = int((PLACE / f"{number}.{index}.exit").read_text())
    except (FileNotFoundError, ValueError):
        return "RUNNING", 0
    return ("COMPLETED" if code == 0 else "FAILED"), code << 8


def squeue(said):
    widths = [(w.split(":")[0], int(w.split(":")[1])) for w in option("Format").split(",")]
    wanted = {int(n) for n in option("jobs").split(",")} if option("jobs") else None
    rows = []
    for number, job in sorted(jobs().items()):
        if wanted is not None and number not in wanted or job["name"] not in (option("name") or job["name"]).split(","):
            continue
        for index, pid in enumerate(job["tasks"]):
            word, code = state(number, index, pid)
            cells = {"ArrayJobID": number, "ArrayTaskID": index if job["array"] else "N/A", "Name": job["name"],
                     "State": word, "exit_code": code, "StartTime": "N/A", "NodeList": "fake1", "Reason": "None"}
            rows.append("".join(str(cells[name]).ljust(width) for name, width in widths))
    if wanted and not rows:
        fail("slurm_load_jobs error: Invalid job id specified")
    if said == "half":
        rows = [rows[0][: len(rows[0]) // 3]]
    if said == "banner":
        print("*** The cluster is down on Monday. ***\n")
    print("\n".join(rows))


def scancel(_):
    for number in map(int, sys.argv[1:]):
        job = jobs().get(number)
        for index, pid in enumerate(job["tasks"] if job else []):
            if state(number, index, pid)[0] == "RUNNING":
                (PLACE / f"{number}.cancelled").touch()
                end(pid)


def scontrol(_):
    if sys.argv[1:2] != ["release"]:
        fail(refused("not in this fake"))
    with open(PLACE / "released", "a") as out:
        out.writelines(f"{name}\n" for name in sys.argv[2:])


act(
    {"sbatch": sbatch, "squeue": squeue, "scancel": scancel, "scontrol": scontrol},
    {"down": refused(AWAY), "refuse": refused("Batch job submission failed: Invalid partition name specified")})
