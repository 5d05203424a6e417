#!/usr/bin/env python3
"""HTCondor's commands, each by its name, as far as molsieve asks them. Jobs are files in $FAKE_PLACE and real processes.

`<command>.cue` there says what the next call does instead: accept-and-hang, half, down, garbage, banner, refuse, too-many, hang.
A node of a DAG begins at once and is not tried again, and a last node is not run: a real pool does that.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from fake import PLACE, act, end, jobs

AWAY = "-- Failed to fetch ads from: <127.0.0.1:9618?sock=schedd> : head\nCEDAR:6001:Failed to connect to <127.0.0.1:9618>"


def refused(what):
    return f"ERROR: {what}"


def unquoted(text):
    text = text.strip().strip('"').replace('""', '"')
    words, word, quoted, begun, at = [], "", False, False, 0
    while at < len(text):
        c = text[at]
        if c == "'" and quoted and text[at + 1:at + 2] == "'":
            word, at = word + "'", at + 1
        elif c == "'":
            quoted, begun = not quoted, True
        elif c == " " and not quoted:
            if word or begun:
                words.append(word)
            word, begun = "", False
        else:
            word += c
        at += 1
    return words + ([word] if word or begun else [])


def description(lines):
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def start(asked, number, macros):
    fill = lambda text: re.sub(r"\$\((\w+)\)", lambda m: macros.get(m.group(1), ""), text)
    argv = [asked["executable"], *unquoted(fill(asked["arguments"]))]
    wrapped = '"$@"; code=$?; echo $code >"$0.part"; mv "$0.part" "$0"'
    process = subprocess.Popen(["sh", "-c", wrapped, str(PLACE / f"{number}.exit"), *argv], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               cwd=fill(asked["initialdir"]))
    return process.pid


def keep(number, **job):
    (PLACE / f"{number}.job").write_text(json.dumps(job))


def condor_submit_dag(said):
    lines = Path(sys.argv[-1]).read_text().splitlines()
    number = max(jobs(), default=0) + 1
    ad = dict(re.findall(r"^SET_JOB_ATTR (\w+) = (.*)$", "\n".join(lines), re.M))
    keep(number, ad=ad, universe=7)
    begin = next(at for at, line in enumerate(lines) if line.startswith("SUBMIT-DESCRIPTION"))
    task = description(lines[begin + 1:lines.index("}", begin)])
    for node, index in re.findall(r'^VARS (t\d+) task="(\d+)"', "\n".join(lines), re.M):
        own = max(jobs()) + 1
        pid = start(task, own, {"task": index})
        keep(own, pid=pid, dag=number, node=node, universe=5,
             ad={"MolsieveTag": task["My.MolsieveTag"], "MolsieveTask": index})
    if said == "accept-and-hang":
        time.sleep(60)
    print(f"Submitting job(s).\n1 job(s) submitted to cluster {number}.\n{'-' * 60}")


def state(number, job):
    if (PLACE / f"{number}.removed").exists():
        return 3, None
    if job["universe"] == 7:
        nodes = [state(own, node)[0] for own, node in jobs().items() if node.get("dag") == number]
        return (4, 0) if all(status > 2 for status in nodes) else (2, None)
    try:
        return 4, int((PLACE / f"{number}.exit").read_text())
    except (FileNotFoundError, ValueError):
        return 2, None


def wanted(constraint, number, job):
    ids = {int(found) for found in re.findall(r"(?:ClusterId|DAGManJobId) == (\d+)", constraint)}
    tags = set(re.findall(r'(?:MolsieveTag|MolsieveFinalTag) == ("[^"]*")', constraint))
    if ids:
        return number in ids or job.get("dag") in ids
    return "dag" not in job and (job["ad"].get("MolsieveTag") in tags or job["ad"].get("MolsieveFinalTag") in tags)


def rows(is_ended, said):
    at = sys.argv.index("-af:tV")
    constraint, columns = sys.argv[sys.argv.index("-constraint") + 1], sys.argv[at + 1:]
    lines = []
    for number, job in sorted(jobs().items(), reverse=is_ended):
        status, code = state(number, job)
        if (status > 2) != is_ended or not wanted(constraint, number, job):
            continue
        ad = dict(job["ad"], ClusterId=number, ProcId=0, JobUniverse=job["universe"], JobStatus=status)
        if "dag" in job:
            ad |= {"DAGManJobId": job["dag"], "DAGNodeName": f'"{job["node"]}"', "RemoteHost": '"slot1@fake1"'}
        if code is not None:
            ad |= {"ExitBySignal": "false", "ExitCode": code}
        cell = lambda name: name if name.startswith('"') else '""' if name.startswith("substr") else str(ad.get(name, "undefined"))
        lines.append("\t".join(map(cell, columns)))
    if said == "half":
        lines = [lines[0][: len(lines[0]) * 2 // 3]]
    if said == "banner":
        print("*** The pool is down on Monday. ***\n")
    print("\n".join(lines), end="\n" if lines and said != "half" else "")


def condor_q(said):
    rows(False, said)


def condor_history(said):
    rows(True, said)


def condor_rm(_):
    constraint = " ".join(f"ClusterId == {word}" if word.isdigit() else word for word in sys.argv[1:])
    for number, job in jobs().items():
        if wanted(constraint, number, job) and state(number, job)[0] == 2:
            (PLACE / f"{number}.removed").touch()
            if "pid" in job:
                end(job["pid"])


def condor_release(_):
    (PLACE / "released").write_text(sys.argv[-1] + "\n")


act(
    {"condor_submit_dag": condor_submit_dag, "condor_q": condor_q, "condor_history": condor_history,
     "condor_rm": condor_rm, "condor_release": condor_release},
    {"down": AWAY, "refuse": refused("Failed to parse submit description"),
     "too-many": refused("Number of submitted jobs would exceed MAX_JOBS_PER_OWNER")})
