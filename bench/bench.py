"""The budgets, measured. Called by bench/run; see bench/README.md for what each figure means."""

import argparse
import json
import pathlib
import os
import shutil
import subprocess
import sys

import agreement
import mpi
import report
import slurm
from measure import measure

TOP = pathlib.Path(__file__).resolve().parent.parent
COMPARE = TOP / "bench" / "compare"
ACTIVES = TOP / "configs" / "campaigns" / "actives.smi"
EXAMPLE = TOP / "configs" / "scorers" / "rdkit_similarity.py"
PYTHON = sys.executable
SHARD = 10_000
PROCESSES = 2
# Records a second that HETERO-2 does on one core, by the number of look-alikes of each, as measured with its own program.
HETERO2 = {2: 62, 20: 1.7}


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

    def campaign(self, name, library, scorer, workers=1, shard=SHARD, outputs=("csv",)):
        """Arguments of a `run` from nothing to a signed pack, and its directory."""
        key = self.scratch / "key.pem"
        if not key.exists():
            measure([self.molsieve, "keygen", "--out", key])
        file, directory = self.scratch / f"{name}.toml", self.scratch / f"run-{name}"
        lines = ["[campaign]", f'name = "{name}"', "seed = 1", "[library]", f'path = ["{library}"]', "[scorer]", *scorer,
                 "[shards]", f"records = {shard}", "[pack]", f'key = "{key}"',
                 "outputs = [" + ", ".join(f'"{output}"' for output in outputs) + "]"]
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

    def outputs(self):
        """What each encoding costs gather and verify beside csv, with the eight columns of `similarity`."""
        records = self.records // 10 if self.quick else self.records
        every = {"csv": ("csv",), "csv, parquet": ("csv", "parquet"), "csv, hdf5": ("csv", "hdf5")}
        gathers, verifies, sizes = {}, {}, []
        for name, outputs in every.items():
            scorer = ['kind = "similarity"', f'actives = "{ACTIVES}"']
            argv, directory = self.campaign(f"outputs-{outputs[-1]}-{records}", self.library(records), scorer, outputs=outputs)
            if not (directory / "pack" / "summary.csv").exists():
                shutil.rmtree(directory, ignore_errors=True)
                measure(argv)
            pack = directory / "pack"
            gathers[f"gather {name}"] = ([self.molsieve, "gather", directory], [pack], None)
            verifies[f"verify {name}"] = ([self.molsieve, "verify", pack, "--allow-unsigned"], [], None)
        gathered = self.rounds(gathers)
        for name, (_, [pack], _) in gathers.items():
            member = {"csv": "summary.csv", "parquet": "results.parquet", "hdf5": "scores.h5"}[name.split()[-1]]
            sizes.append(f"`{member}` {(pack / member).stat().st_size / 2**20:.1f} MiB")
        verified = self.rounds(verifies)
        self.table.section(f"encodings of {records:,} rows with the columns of `similarity`: {', '.join(sizes)}", "none; the price of an output")
        self.table.rows(gathered, records, against="gather csv")
        self.table.rows(verified, records, against="verify csv")
    def report(self):
        """What structures and drawings add to a gather, and how large the page is."""
        library = self.scratch / "report-library.smi"
        shutil.copy(self.library(self.records), library)
        argv, directory = self.campaign("report", library, ['kind = "similarity"', f'actives = "{ACTIVES}"'])
        shutil.rmtree(directory, ignore_errors=True)
        measure(argv)
        pack, away, costs = directory / "pack", library.with_suffix(".away"), {"with structures": [], "without": []}
        for _ in range(self.runs):
            library.rename(away)
            one = self.once({"without": ([self.molsieve, "gather", directory], [pack], None)})
            away.rename(library)
            one |= self.once({"with structures": ([self.molsieve, "gather", directory], [pack], None)})
            for name, cost in one.items():
                costs[name].append(cost)
        self.table.section(f"gather with a report of 1,000 hits, {self.records:,} rows", "a page under 1.5 MB")
        self.table.rows(costs, self.records, against="without")
        size = (pack / "report.html").stat().st_size
        self.table.note(f"`report.html` has {size:,} bytes, `hits.smi` {(pack / 'hits.smi').stat().st_size:,}.")

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

    def spectral2d(self):
        """All descriptors of the shipped library, without look-alikes, against the same by RDKit and NumPy."""
        real, bare = TOP / "data" / "nci_first_5k.smi", self.scratch / "bare-spectral2d"
        argv, directory = self.campaign("spectral2d", real, ['kind = "spectral2d"'])
        costs = self.rounds({
            "molsieve": (argv, [directory], None),
            "RDKit and NumPy, one process": (self.compare("bare.py", "spectral2d", real, ACTIVES, bare), [bare], None),
        })
        self.table.section("`spectral2d`, all descriptors, 4,999 records", "≥ 100 × HETERO-2 per core, with decoys")
        self.table.rows(costs, 4999, against="RDKit and NumPy, one process")
        self.table.note("The shipped library. " + agreement.state(directory / "pack" / "summary.csv", bare / "summary.csv", agreement.SPECTRAL, 1e-8))
        for count, theirs in HETERO2.items():
            self.look_alikes(real, count, theirs)
        if not self.quick:
            self.million()

    def look_alikes(self, library, count, theirs):
        """The same beside `count` look-alikes of each record; HETERO-2 does so many records a second, on one core."""
        bare = self.scratch / f"bare-spectral2d-{count}"
        argv, directory = self.campaign(f"spectral2d-{count}", library, ['kind = "spectral2d"', "[decoys]", f"count = {count}"])
        costs = self.rounds({
            "molsieve": (argv, [directory], None),
            "RDKit and NumPy, one process": (self.compare("bare.py", f"spectral2d-{count}", library, ACTIVES, bare), [bare], None),
        })
        self.table.section(f"`spectral2d` beside k = {count} look-alikes, 4,999 records", f"≥ 100 × HETERO-2's {theirs} records a core-second")
        self.table.rows(costs, 4999, against="RDKit and NumPy, one process")
        rates = {name: 4999 / report.median(each, "cpu_s") for name, each in costs.items()}
        self.table.note("Records a core-second: " + "; ".join(f"{name} {rate:,.0f}, {rate / theirs:,.1f} × HETERO-2's" for name, rate in rates.items()) + ".")
        self.table.note(agreement.look_alikes(directory / "pack" / "summary.csv", bare / "summary.csv"))

    def million(self):
        """A million molecules beside two look-alikes each, from the library to the verified pack, and what memory a tenth of them takes."""
        costs = {}
        for records in [self.records // 10, self.records]:
            name = f"spectral2d-{records}"
            scorer = ['kind = "spectral2d"', "[decoys]", "count = 2"]
            argv, directory = self.campaign(name, self.library(records), scorer, PROCESSES)
            shutil.rmtree(directory, ignore_errors=True)
            costs[f"{records:,} records, `run`"] = (records, measure(argv, cwd=TOP))
            public = self.scratch / "key.pub.pem"
            costs[f"{records:,} records, `verify`"] = (records, measure([self.molsieve, "verify", directory, "--key", public], cwd=TOP))
        self.table.lines += ["", f"### `spectral2d` beside k = 2 look-alikes, to a signed pack, {PROCESSES} workers, once", "",
                             "Budget: memory does not grow with the records.", "",
                             "| | CPU µs a record | peak MiB | wall s | records a wall second |", "|---|---:|---:|---:|---:|"]
        for name, (records, cost) in costs.items():
            self.table.lines.append(f"| {name} | {1e6 * cost.cpu_s / records:.1f} | {cost.peak_mib:.0f} | {cost.wall_s:.1f} | {records / cost.wall_s:,.0f} |")

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


    def pilot(self):
        """What a pilot expects, against what the campaign then takes: a scorer whose cost follows the length of a
        structure, and a library in the order in which it was made, and sorted by length."""
        made = self.library(20_000)
        by_length = self.scratch / "library-by-length.smi"
        lines = sorted(made.read_text().splitlines(), key=lambda line: len(line.split()[0]))
        by_length.write_text("\n".join(lines) + "\n")
        self.table.lines += ["", "### pilot, 20,000 records, cost in proportion to length", "", "Budget: within 10 %.", "",
                             "| library | expected s | 95 % interval | took s | expected of taken |", "|---|---:|---:|---:|---:|"]
        child = f'argv = ["{PYTHON}", "{COMPARE / "by_length.py"}", "20"]'
        for name, library in {"as made": made, "sorted by length": by_length}.items():
            argv, directory = self.campaign("pilot", library, ['kind = "command"', 'protocol = "jsonl"', child], shard=200)
            shutil.rmtree(directory, ignore_errors=True)
            planned = subprocess.run([self.molsieve, "--json", "pilot", argv[2], "--dir", directory, "--workers", "1"], capture_output=True, check=True)
            hours = json.loads(planned.stdout)["forecast"]["core_hours"]
            took = measure(argv, cwd=TOP).wall_s
            expected, low, high = (3600 * hours[key] for key in ("expected", "low", "high"))
            self.table.lines.append(f"| {name} | {expected:.2f} | {low:.2f} to {high:.2f} | {took:.2f} | {expected / took:.3f} |")
    def slurm(self):
        """A campaign on a private SLURM, and a plain array of the same work."""
        slurm.measure(self)

    def mpi(self):
        """Ranks under costs that are very unlike: rank 0 hands out, against shares by number."""
        mpi.measure(self)


PARTS = ["null", "snapshot", "jsonl", "gather", "outputs", "report", "similarity", "spectral2d", "peers", "pilot", "slurm", "mpi"]


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
