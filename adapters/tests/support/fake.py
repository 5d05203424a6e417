"""What the fakes of schedulers' commands have in common. Jobs are files in $FAKE_PLACE and real processes.

`<command>.cue` there says what the next call does instead; it is taken once.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

PLACE = Path(os.environ["FAKE_PLACE"])
# The command that this was called as.
NAME = Path(sys.argv[0]).name


def fail(text, code=1):
    print(text, file=sys.stderr)
    sys.exit(code)


def cue():
    try:
        path = PLACE / f"{NAME}.cue"
        text = path.read_text()
        path.unlink()
        return text
    except FileNotFoundError:
        return ""


def jobs():
    return {int(path.stem): json.loads(path.read_text()) for path in PLACE.glob("*.job")}


def end(group):
    """Ends a group of processes, if there is one."""
    try:
        os.killpg(group, signal.SIGTERM)
    except ProcessLookupError:
        pass


def act(commands, failures):
    """Does what this command does, or fails on cue; `failures` has what is said then."""
    said = cue()
    if said == "hang":
        time.sleep(60)
    if said == "garbage":
        fail("Segmentation fault", 139)
    if said in failures:
        fail(failures[said])
    commands[NAME](said)
