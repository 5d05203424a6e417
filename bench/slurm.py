"""molsieve on SLURM against a plain array of the same work, on a private cluster; see bench/README.md."""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
COMPARE = TOP / "bench" / "compare"
SCRIPT = TOP / "tests" / "clusters" / "slurm"
NODES, CORES = 4, 8
SLOTS = NODES * CORES
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
# Far longer than anything here takes: what is not there by then is not coming.
PATIENCE_S = 3600


class Cluster:
    """A private SLURM for as long as it is measured."""

    def __enter__(self):
        # (A socket's path is short.)
        self.dir = tempfile.mkdtemp(prefix="mb-")
        subprocess.run([SCRIPT, "up", self.dir, "--nodes", str(NODES), "--cpus", str(CORES), "--array-size", "1001"], check=True)
        self.env = dict(os.environ, SLURM_CONF=f"{self.dir}/etc/slurm.conf", PATH=PATH)
        return self

    def __exit__(self, *_):
        subprocess.run([SCRIPT, "down", self.dir], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def wall_s(self, argv, stale, result):
        """Seconds from the start of a command that submits to the moment when `result` is there; the queue is empty before."""
        shutil.rmtree(stale, ignore_errors=True)
        self.until(lambda: not subprocess.run(["squeue", "-h"], env=self.env, capture_output=True, check=True).stdout.strip(), "an empty queue")
        start = time.monotonic()
        done = subprocess.run([str(part) for part in argv], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{argv}: exit {done.returncode}\n{done.stderr[-2000:]}")
        self.until(result.exists, result)
        return time.monotonic() - start

    def until(self, ready, what):
        end = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > end:
                sys.exit(f"{what}: not within {PATIENCE_S} s")
            time.sleep(0.05)


def variants(bench, name, scorer, plain, tasks, records):
    """{name: (argv, what to remove before, what is there at the end)} of the same work in so many tasks of so many records."""
    library = bench.library(tasks * records)
    file, directory = bench.scratch / f"slurm-{name}.toml", bench.scratch / f"run-slurm-{name}"
    file.write_text("\n".join([
        "[campaign]", f'name = "slurm-{name}"', "seed = 1", "[library]", f'path = ["{library}"]', "[scorer]", *scorer,
        "[shards]", f"records = {records}", "[resources]", "cpus = 1", 'memory = "100M"', 'walltime = "60min"',
        "[scheduler]", 'kind = "slurm"', f"running = {SLOTS}", f"tasks = {tasks}"]) + "\n")
    out = bench.scratch / f"plain-slurm-{name}"
    submit = [bench.molsieve, "submit", file, "--dir", directory]
    array = [COMPARE / "slurm_plain.sh", library, out, tasks, records, SLOTS, *plain]
    return {"molsieve, submit to seal": (submit, directory, directory / "pack" / "manifest.json"),
            "plain sbatch --array": (array, out, out / "summary.csv")}


def rounds(bench, cluster, what):
    """Seconds of each variant, in rounds of which every second is backwards."""
    walls = {name: [] for name in what}
    for turn in range(bench.runs):
        for name in list(what)[:: 1 if turn % 2 == 0 else -1]:
            walls[name].append(cluster.wall_s(*what[name]))
            print(f"  {name}: {walls[name][-1]:.2f} s", file=sys.stderr)
    rows = [path.read_text().splitlines() for path in (end.parent / "summary.csv" for _, _, end in what.values())]
    # (molsieve's has a header.)
    if rows[0][1:] != rows[1]:
        sys.exit("the two did not compute the same rows")
    return walls


def ratio(walls, name, against):
    return statistics.median(own / other for own, other in zip(walls[name], walls[against]))


def measure(bench):
    """What an array of molsieve's costs over one that was written by hand."""
    missing = [program for program in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(program, path=PATH)]
    if missing:
        sys.exit(f"missing: {' '.join(missing)}; ./setup --bench installs them")
    tasks, seconds = (32, 2) if bench.quick else (1000, 10)
    a_task, few, many = (20, 10, 200) if bench.quick else (100, 10, 1000)
    peer = "plain sbatch --array"
    with Cluster() as cluster:
        child = f'argv = ["{sys.executable}", "{COMPARE / "sleeper.py"}", "jsonl", "{seconds / a_task}"]'
        plain = [sys.executable, COMPARE / "sleeper.py", "plain", seconds / a_task]
        sleep = rounds(bench, cluster, variants(
            bench, "sleep", ['kind = "command"', 'protocol = "jsonl"', child], plain, tasks, a_task))
        null = {records: rounds(bench, cluster, variants(
            bench, f"null-{records}", ['kind = "null"'], [COMPARE / "null_rows.sh"], tasks, records)) for records in (few, many)}
    ideal = tasks * seconds / SLOTS
    lines = bench.table.lines
    lines += ["", f"### SLURM: {tasks:,} tasks that sleep {seconds} s, {SLOTS} slots, one task group a task", "",
              f"Budget: none yet. Ideal: {ideal:.1f} s, the time to compute over the slots.", "",
              "| | wall s | share of the ideal | of the plain array | slot-seconds lost a task |", "|---|---:|---:|---:|---:|"]
    for name, walls in sleep.items():
        wall = statistics.median(walls)
        lost = (wall - ideal) * SLOTS / tasks
        of_peer = "" if name == peer else f"{ratio(sleep, name, peer):.3f} ×"
        lines.append(f"| {name} | {wall:.1f} | {100 * ideal / wall:.1f} % | {of_peer} | {lost:.3f} |")
    lines += ["", f"### SLURM: {tasks:,} tasks that compute nothing, {few:,} and {many:,} records a task, {SLOTS} slots", "",
              f"Budget: none yet. A record: the wall time that {many - few:,} more of them a task add.", "",
              f"| | wall s, {few:,} | wall s, {many:,} | of the plain array, {few:,} | ms a task, {few:,} | wall µs a record |",
              "|---|---:|---:|---:|---:|---:|"]
    for name in sleep:
        small, large = (statistics.median(null[records][name]) for records in (few, many))
        a_record = statistics.median((b - a) / (tasks * (many - few)) for a, b in zip(null[few][name], null[many][name]))
        of_peer = "" if name == peer else f"{ratio(null[few], name, peer):.3f} ×"
        lines.append(f"| {name} | {small:.1f} | {large:.1f} | {of_peer} | {1e3 * small / tasks:.1f} | {1e6 * a_record:.2f} |")
