"""CPU time, peak memory and wall time of a command with everything that it starts."""

import ctypes
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.05


@dataclasses.dataclass
class Cost:
    cpu_s: float  # user and system, of the whole tree, processes that left it included
    peak_mib: float  # the largest sum of proportional set sizes that was seen; 0 if it ended before a look
    wall_s: float


class Failed(Exception):
    """The command did not exit with 0."""


def measure(argv, cwd=None, stdin=None, env=None):
    """Runs argv to its end and says what it cost. A helper process adopts what the command leaves behind (as Ray does),
    so that nothing escapes the accounts."""
    argv = [str(part) for part in argv]
    with tempfile.TemporaryFile() as output:
        helper = [sys.executable, __file__, json.dumps(argv)]
        with open(stdin or os.devnull, "rb") as source:
            done = subprocess.run(helper, cwd=cwd, stdin=source, stdout=output, stderr=subprocess.PIPE, env=env)
        lines = done.stderr.decode(errors="replace").splitlines()
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)}: exit {done.returncode}\n" + "\n".join(lines[-15:]))
    return Cost(**json.loads(lines[-1]))


def pss_mib(root):
    """The memory of root's descendants; a page that several share counts once."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parents[int(name)] = int(file.read().rsplit(b")", 1)[1].split()[1])
            except OSError:
                pass
    total, wave = 0, {root}
    while wave:
        wave = {pid for pid, parent in parents.items() if parent in wave}
        for pid in wave:
            try:
                with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                    total += next(int(line.split()[1]) for line in file if line.startswith(b"Pss:"))
            except (OSError, StopIteration):
                pass
    return total / 1024


def helper(argv):
    """The process between: it reaps everything, also what has lost its parent."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    peak, over = [0.0], threading.Event()

    def watch():
        while True:
            peak[0] = max(peak[0], pss_mib(os.getpid()))
            if over.wait(POLL_S):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    start = time.monotonic()
    child = subprocess.Popen(argv)
    watcher.start()
    status = child.wait()
    wall = time.monotonic() - start
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    over.set()
    watcher.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = Cost(used.ru_utime + used.ru_stime, peak[0], wall)
    print("\n" + json.dumps(dataclasses.asdict(cost)), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(helper(json.loads(sys.argv[1])))
