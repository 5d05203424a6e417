#!/usr/bin/env python3
# {title}
# By hand: {by_hand}
"""The driver of a job on Ray: a Ray task for each task of the job, which runs one command and waits for its end.

It runs on the head, in the Python of the cluster; the file system is the same on all nodes. What it prints after MARK is
read by whoever asks how the tasks are.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time

{job}

MARK = "molsieve: "
# How often Ray starts a task again that was lost with its process or its node.
LOSSES = 3
# Exit codes of a command that went well, or has ended at a checkpoint.
WELL = (0, 75, 85)
PR_SET_PDEATHSIG = 1


class TriedAgain(Exception):
    """The command failed and may try again: Ray starts the task again, where there is room."""

    def __init__(self, exit_code, node):
        super().__init__(exit_code, node)
        self.exit_code, self.node = exit_code, node


def has_failed(exit_code, retry):
    """Whether a command that ended so is to be tried again, for as often as `retry` says. A signal is below 0."""
    return retry is not None and exit_code not in (*WELL, retry["unless_exit"])


def tell(**what):
    print(MARK + json.dumps(what), flush=True)


def start(argv, logs, settings):
    """The command as a process that is asked to end when this one dies, however it dies. No shell reads it."""
    libc = ctypes.CDLL(None)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    with open(logs, "ab") as output:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                                env=environment | settings,
                                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))


def wait(child, limit_s):
    """Its exit code, and why it was asked to end, if it was: at the time limit, or with the task. It has GRACE_S for a
    checkpoint."""
    why, end = None, time.monotonic() + limit_s if limit_s else None
    while True:
        try:
            if end and time.monotonic() >= end:
                if why:
                    os.killpg(child.pid, signal.SIGKILL)
                    return child.wait(), why
                why, end = "time limit", time.monotonic() + GRACE_S
                child.terminate()
            return child.wait(timeout=0.25), why
        except subprocess.TimeoutExpired:
            pass
        except ProcessLookupError:
            return child.wait(), why
        except KeyboardInterrupt:
            # So Ray cancels a task that runs.
            if why != "cancelled":
                why, end = "cancelled", time.monotonic() + GRACE_S
                child.terminate()


def work(board, index):
    """A task: runs its command to the end."""
    # Ray cancels a task as Ctrl-C would, which nobody hears whose cluster was started in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    node = names_of_nodes()[ray.get_runtime_context().get_node_id()]
    ray.get(board.hear.remote({"task": index, "state": "started", "node": node, "start": now()}))
    number = [] if TASKS is None else [str(index)]
    try:
        child = start(ARGV + number, LOGS, {"MOLSIEVE_RAY_TASK": f"{TAG}_{index}", "MOLSIEVE_RAY_NODE": node})
    except FileNotFoundError:
        exit_code, why = 127, None
    except OSError:
        exit_code, why = 126, None
    else:
        exit_code, why = wait(child, WALLTIME_S)
    if why is None and has_failed(exit_code, RETRY) and ray.get(board.fail.remote(index)) <= RETRY["times"]:
        ray.get(board.hear.remote({"task": index, "state": "again", "exit": exit_code, "node": node}))
        raise TriedAgain(exit_code, node)
    ended = {"task": index, "state": "ended", "exit": exit_code, "why": why, "node": node}
    if why == "cancelled":
        # Of a cancelled task Ray hands over nothing.
        ray.get(board.hear.remote(ended))
    return ended


class Board:
    """What tasks have to say before they have ended, and how often they have failed."""

    def __init__(self):
        self.heard, self.failures = [], {}

    def hear(self, what):
        self.heard.append(what)

    def take(self):
        heard, self.heard = self.heard, []
        return heard

    def fail(self, index):
        self.failures[index] = self.failures.get(index, 0) + 1
        return self.failures[index]


def end_of(ref, index):
    """How a task ended."""
    ended = {"task": index, "state": "ended"}
    try:
        return ray.get(ref)
    except TriedAgain as failure:
        # It was lost too often to be tried once more.
        cause = getattr(failure, "cause", failure)
        return ended | {"exit": cause.exit_code, "node": cause.node}
    except ray.exceptions.TaskCancelledError:
        return ended | {"why": "cancelled"}
    except ray.exceptions.OutOfMemoryError:
        return ended | {"why": "out of memory"}
    except ray.exceptions.RayError as error:
        return ended | {"why": "lost", "what": type(error).__name__}


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def names_of_nodes():
    """The name of each node that lives: its own, where no other has the same."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    names = [node.get("NodeName") for node in nodes]
    return {node["NodeID"]: name if name and names.count(name) == 1 else node["NodeID"]
            for node, name in zip(nodes, names)}


class Wave:
    """The tasks of this job: those that have not been handed to Ray yet, and those that have, by their references."""

    def __init__(self):
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False)
        self.board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
        self.task = ray.remote(work)
        self.options = {"num_cpus": CPUS, "num_gpus": GPUS, "memory": MEMORY_MIB and MEMORY_MIB << 20,
                        "max_retries": LOSSES + (RETRY["times"] if RETRY else 0),
                        "retry_exceptions": [TriedAgain]} | elsewhere()
        self.waiting = list(range(TASKS or 1))
        self.handed_over, self.told = {}, set()
        self.stopped_at = None

    def hand_over(self):
        at_once = RUNNING_MAX or len(self.waiting)
        while self.waiting and len(self.handed_over) < at_once:
            index = self.waiting.pop(0)
            task = self.task.options(name=f"{TAG}_{index}", **self.options)
            self.handed_over[task.remote(self.board, index)] = index

    def listen(self):
        """Tells what has happened since the last time."""
        ready, _ = ray.wait(list(self.handed_over), num_returns=1, timeout=1)
        if ready:
            ready, _ = ray.wait(list(self.handed_over), num_returns=len(self.handed_over), timeout=0)
        for heard in ray.get(self.board.take.remote()):
            self.tell(heard)
        for ref in ready:
            self.tell(end_of(ref, self.handed_over.pop(ref)))

    def tell(self, what):
        if what["task"] not in self.told:
            tell(**what)
        if what["state"] == "ended":
            self.told.add(what["task"])

    def stop(self):
        self.stopped_at = time.monotonic()
        for index in self.waiting:
            self.tell({"task": index, "state": "ended", "why": "cancelled"})
        self.waiting = []
        for ref in self.handed_over:
            ray.cancel(ref, force=False, recursive=False)

    def is_over(self):
        late = self.stopped_at and time.monotonic() > self.stopped_at + GRACE_S + 10
        return late or not (self.waiting or self.handed_over)


def elsewhere():
    """What keeps tasks off the nodes of EXCLUDE, unless no other is left."""
    names = names_of_nodes()
    bad = [node for node, name in names.items() if name in EXCLUDE or node in EXCLUDE]
    usable = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in bad and is_enough(node)]
    return {"label_selector": {"ray.io/node-id": f"!in({','.join(bad)})"}} if bad and usable else {}


def is_enough(node):
    asked = {"CPU": CPUS, "GPU": GPUS, "memory": (MEMORY_MIB or 0) << 20}
    return all(node["Resources"].get(kind, 0) >= amount for kind, amount in asked.items())


def run_here(argv, logs, limit_s, name, address):
    """Runs a command on the head, which may ask the Jobs API and submit, under `name`: its exit code, and why it was ended."""
    own = {"RAY_API_SERVER_ADDRESS": address, "MOLSIEVE_RAY_API": address, "MOLSIEVE_RAY_TASK": name}
    try:
        return wait(start(argv, logs, RAY_OWN | own), limit_s)
    except OSError:
        return 127, None


def submission_id():
    """The name of this job on Ray."""
    config = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR") or "{}")
    return (config.get("metadata") or {}).get("job_submission_id") or TAG


def follow(stop, address):
    """Runs what goes on when all tasks have ended; again, where it failed and may."""
    retry = FINALLY["retry"]
    for left in range(retry["times"] if retry else 0, -1, -1):
        tell(state="finally started", start=now())
        exit_code, _ = run_here(FINALLY["argv"], FINALLY["logs"], FINALLY["walltime_s"], f"{submission_id()}/final", address)
        if stop or not left or not has_failed(exit_code, retry):
            break
        time.sleep(5)
    tell(state="finally ended", exit=exit_code)


def main():
    context = ray.init(address="auto", log_to_driver=False, logging_level="WARNING")
    address = f"http://{context.dashboard_url}"
    # From here on, who stops this job is heard, and what runs may end at a checkpoint.
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    if ON_HEAD:
        tell(task=0, state="started", start=now())
        exit_code, why = run_here(ARGV, LOGS, WALLTIME_S, submission_id(), address)
        return tell(task=0, state="ended", exit=exit_code, why=why)
    wave = Wave()
    if not any(node["Alive"] and is_enough(node) for node in ray.nodes()):
        tell(state="waits", why="no node has so much")
    while not wave.is_over():
        if stop and not wave.stopped_at:
            wave.stop()
        wave.hand_over()
        if wave.handed_over:
            wave.listen()
    # Who stops a job does not want it to go on.
    if FINALLY and not stop:
        follow(stop, address)


if __name__ == "__main__":
    RAY_OWN = {key: value for key, value in os.environ.items() if key.startswith("RAY_AUTH_")}
    # Want of memory is told, not tried again with as much.
    os.environ.setdefault("RAY_task_oom_retries", "0")
    # Before Ray is there: it takes a hundred megabytes.
    time.sleep(BEGIN_AFTER_S)
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        sys.exit(f"there is no Ray in the Python that runs this, {sys.executable}")
    main()
