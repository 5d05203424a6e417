"""The budgets, measured. Called by bench/run; see bench/README.md for what each figure means."""

import argparse
import pathlib
import os
import shutil
import sys

import agreement
import report
from measure import measure

TOP = pathlib.Path(__file__).resolve().parent.parent
COMPARE = TOP / "bench" / "compare"
ACTIVES = TOP / "configs" / "campaigns" / "actives.smi"
EXAMPLE = TOP / "configs" / "scorers" / "rdkit_similarity.py"
PYTHON = sys.executable
SHARD = 10_000
PROCESSES = 2


class Bench:
    def __init__(self, options):
        self.molsieve = str(pathlib.Path(options.molsieve).resolve())
        self.runs, self.records, self.quick = options.runs, int(options.records), options.quick
        self.scratch = TOP / "target" / "bench"
        self.scratch.mkdir(parents=True, exist_ok=True)
        # What is signed here is nobody's: it stays out of the user's registry.
        os.environ["MOLSIEVE_HOME"] = str(self.scratch / "home")
        self.table = report.Table()

    # -- what is measured with ----------------------------------------------------------------------------------------
    def library(self, records):
        """A library of so many records, made by molsieve itself and kept."""
        path = self.scratch / f"library-{records}.smi"
        if not path.exists():
            argv = [self.molsieve, "library", "generate", "--records", str(records), "--seed", "1", "--out", path]
            measure(argv)
        return path

    def campaign(self, name, library, scorer, workers=1, shard=SHARD):
        """Arguments of a `run` from nothing to a signed pack, and its directory."""
        key = self.scratch / "key.pem"
        if not key.exists():
            measure([self.molsieve, "keygen", "--out", key])
        file, directory = self.scratch / f"{name}.toml", self.scratch / f"run-{name}"
        lines = ["[campaign]", f'name = "{name}"', "seed = 1", "[library]", f'path = ["{library}"]', "[scorer]", *scorer,
                 "[shards]", f"records = {shard}", "[pack]", f'key = "{key}"']
        file.write_text("\n".join(lines) + "\n")
        return [self.molsieve, "run", str(file), "--dir", str(directory), "--workers", str(workers)], directory

    def rounds(self, variants):
        """Runs each of {name: (argv, what to remove before, stdin)} several times, every second round backwards, so
        that a machine that slows down does so for all. Returns {name: [Cost, …]}."""
        costs = {name: [] for name in variants}
        for turn in range(self.runs):
            for name in list(variants)[:: 1 if turn % 2 == 0 else -1]:
                argv, stale, stdin = variants[name]
                for path in stale:
                    shutil.rmtree(path, ignore_errors=True)
                costs[name].append(measure(argv, cwd=TOP, stdin=stdin))
                cost = costs[name][-1]
                print(f"  {name}: {cost.cpu_s:.2f} s CPU, {cost.peak_mib:.0f} MiB, {cost.wall_s:.2f} s", file=sys.stderr)
        return costs

    def compare(self, script, *arguments):
        return [PYTHON, COMPARE / script, *arguments]

    # -- the budgets --------------------------------------------------------------------------------------------------
    def null(self):
        for records in [self.records] if self.quick else [self.records, 10 * self.records]:
            library = self.library(records)
            argv, directory = self.campaign(f"null-{records}", library, ['kind = "null"'])
            bare = self.scratch / "bare"
            costs = self.rounds({
                "molsieve": (argv, [directory], None),
                "bare Python": (self.compare("bare.py", "null", library, ACTIVES, bare), [bare], None),
            })
            summary = directory / "pack" / "summary.csv"
            floor = self.rounds({
                f"  of which {what}": (self.compare("parts.py", what, summary), [], None) for what in ("read", "hash", "deflate")
            })
            self.table.section(f"`null`, snapshot to signed pack, {records:,} records, {SHARD:,} a shard", "≤ 2 µs CPU a record, then 1")
            self.table.rows({**costs, **floor}, records, against="bare Python")

    def snapshot(self):
        records = self.records if self.quick else 10 * self.records
        library, out = self.library(records), self.scratch / "snapshot"
        costs = self.rounds({
            "molsieve library snapshot": ([self.molsieve, "library", "snapshot", library, "--out", out], [out], None),
            "wc -l": (["wc", "-l", library], [], None),
            "b3sum": (["b3sum", "--num-threads", "1", library], [], None),
        })
        costs["wc -l + b3sum"] = [report.total(pair) for pair in zip(costs.pop("wc -l"), costs.pop("b3sum"))]
        self.table.section(f"snapshot of a plain file, {records:,} records, {library.stat().st_size >> 20} MiB", "≤ 3 × (`wc -l` + BLAKE3)")
        self.table.rows(costs, records, against="wc -l + b3sum")

    def jsonl(self):
        library = self.library(self.records)
        requests = self.scratch / f"requests-{self.records}.jsonl"
        if not requests.exists():
            measure(self.compare("make_requests.py", library, requests, "256"))
        child = f'argv = ["{PYTHON}", "{COMPARE / "jsonl_echo.py"}"]'
        command, commanded = self.campaign("jsonl", library, ['kind = "command"', 'protocol = "jsonl"', child])
        null, nulled = self.campaign("jsonl-null", library, ['kind = "null"'])
        costs = self.rounds({
            "campaign with jsonl": (command, [commanded], None),
            "campaign with null": (null, [nulled], None),
            "the same child on a bare pipe": (self.compare("jsonl_echo.py"), [], requests),
        })
        extra = [report.difference(c, n, p) for c, n, p in zip(*costs.values())]
        self.table.section(f"`jsonl` at batch 256, {self.records:,} records", "≤ 1 µs a record over a bare pipe")
        self.table.rows({**costs, "jsonl over null and pipe": extra}, self.records, against=None)

    def gather(self):
        records = self.records if self.quick else 10 * self.records
        argv, directory = self.campaign(f"null-{records}", self.library(records), ['kind = "null"'])
        if not (directory / "pack" / "summary.csv").exists():
            shutil.rmtree(directory, ignore_errors=True)
            measure(argv)
        pack, key = directory / "pack", self.scratch / "key.pub.pem"
        copy = self.scratch / "rows.csv"
        shutil.copy(pack / "summary.csv", copy)
        verify = [self.molsieve, "verify", pack / "evidence_pack.zip", "--key", key]
        steps = {"gather": [], "verify": [], "read + hash + deflate + write": []}
        for _ in range(self.runs):
            one = self.once({"gather": ([self.molsieve, "gather", directory], [pack], None)})
            measure([self.molsieve, "sign", directory, "--key", self.scratch / "key.pem"])
            one |= self.once({"verify": (verify, [], None),
                              "read + hash + deflate + write": (self.compare("parts.py", "pack", copy, self.scratch / "rows.z"), [], None)})
            for name, cost in one.items():
                steps[name].append(cost)
        steps["gather + verify"] = [report.total(pair) for pair in zip(steps["gather"], steps["verify"])]
        self.table.section(f"gather and verify, {records:,} rows", "≤ 2 × (read + hash + the pack's codec + write)")
        self.table.rows(steps, records, against="read + hash + deflate + write")

    def once(self, variants):
        runs, self.runs = self.runs, 1
        try:
            return {name: costs[0] for name, costs in self.rounds(variants).items()}
        finally:
            self.runs = runs

    def similarity(self):
        records = max(self.records // 20, 2_000)
        library = self.library(records)
        argv, directory = self.campaign("similarity", library, ['kind = "similarity"', f'actives = "{ACTIVES}"'])
        bare = self.scratch / "bare-rdkit"
        costs = self.rounds({
            "molsieve": (argv, [directory], None),
            "RDKit, one process": (self.compare("bare.py", "all", library, ACTIVES, bare), [bare], None),
        })
        self.table.section(f"`similarity`, all eight columns, {records:,} records", "≥ 5 × RDKit per core, goal 15 ×")
        self.table.rows(costs, records, against="RDKit, one process")
        self.table.note("Generated records. " + agreement.state(directory / "pack" / "summary.csv", bare / "summary.csv"))
        real = TOP / "data" / "nci_first_5k.smi"
        argv, directory = self.campaign("similarity-real", real, ['kind = "similarity"', f'actives = "{ACTIVES}"'])
        self.once({"molsieve, shipped library": (argv, [directory], None),
                   "RDKit, shipped library": (self.compare("bare.py", "all", real, ACTIVES, bare), [bare], None)})
        self.table.note("The shipped library. " + agreement.state(directory / "pack" / "summary.csv", bare / "summary.csv"))

    def peers(self):
        """Everybody scores the same records with the same RDKit function, SHARD records a task."""
        for kind, records in [("null", self.records), ("fingerprint", max(self.records // 10, 2_000))]:
            library, out = self.library(records), self.scratch / "peer"
            shard = SHARD if records >= 4 * SHARD else max(records // 8, 1)
            if kind == "null":
                argv, directory = self.campaign("peer-null", library, ['kind = "null"'], PROCESSES, shard)
            else:
                child = f'argv = ["{PYTHON}", "{EXAMPLE}", "{ACTIVES}", "similarity", "nearest"]'
                scorer = ['kind = "command"', 'protocol = "jsonl"', child]
                argv, directory = self.campaign("peer-rdkit", library, scorer, PROCESSES, shard)
            common = [kind, library, ACTIVES, out, shard, PROCESSES]
            costs = self.rounds({
                "molsieve, to a signed pack": (argv, [directory], None),
                "multiprocessing": (self.compare("pool.py", *common), [out], None),
                "GNU parallel": (["sh", COMPARE / "parallel.sh", *common, PYTHON], [out], None),
                "Ray tasks": (self.compare("ray_tasks.py", *common), [out], None),
            })
            what = "no scoring" if kind == "null" else "RDKit fingerprint and Tanimoto"
            self.table.section(f"peers: {what}, {records:,} records, {shard:,} a task, {PROCESSES} processes", "beside each other")
            self.table.rows(costs, records, against="multiprocessing")


PARTS = ["null", "snapshot", "jsonl", "gather", "similarity", "peers"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molsieve", required=True)
    parser.add_argument("--records", type=float, default=1e6)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.records, options.runs = min(options.records, 20_000), 1
    bench = Bench(options)
    for part in options.only.split(","):
        if part not in PARTS:
            parser.error(f"there is no part `{part}`; known are {', '.join(PARTS)}")
        print(f"== {part}", file=sys.stderr)
        getattr(bench, part)()
    text = bench.table.text()
    print(text)
    if not options.quick and options.only == ",".join(PARTS):
        report.write(TOP / "bench" / "README.md", text)


if __name__ == "__main__":
    main()
