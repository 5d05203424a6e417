"""Costs to a table."""

import os
import pathlib
import platform
import statistics
import subprocess

from measure import Cost

BEGIN, END = "<!-- measured -->", "<!-- end -->"


def total(costs):
    costs = list(costs)
    return Cost(sum(c.cpu_s for c in costs), max(c.peak_mib for c in costs), sum(c.wall_s for c in costs))


def difference(whole, *parts):
    rest = total(parts)
    return Cost(whole.cpu_s - rest.cpu_s, whole.peak_mib, whole.wall_s - rest.wall_s)


def median(costs, of):
    return statistics.median(getattr(cost, of) for cost in costs)


class Table:
    def __init__(self):
        self.lines = []

    def section(self, title, budget):
        self.lines += ["", f"### {title}", "", f"Budget: {budget}.", "",
                       "| | CPU µs a record | of the yardstick | peak MiB | wall s |", "|---|---:|---:|---:|---:|"]

    def rows(self, costs, records, against):
        """A line each; the ratio is the median of the ratios within one round."""
        for name, each in costs.items():
            ratio = ""
            if against and name != against and len(costs[against]) == len(each):
                ratios = [own.cpu_s / other.cpu_s for own, other in zip(each, costs[against]) if other.cpu_s > 0]
                ratio = f"{statistics.median(ratios):.2f} ×" if ratios else ""
            cpu, peak, wall = (median(each, of) for of in ("cpu_s", "peak_mib", "wall_s"))
            self.lines.append(f"| {name} | {1e6 * cpu / records:.3f} | {ratio} | {peak:.0f} | {wall:.2f} |")

    def note(self, text):
        self.lines += ["", text]

    def text(self):
        return "\n".join([machine(), *self.lines])


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    revision = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    return (f"{model}, {os.cpu_count()} cores, {memory} GiB, Linux {platform.release()}, Python "
            f"{platform.python_version()}; revision {revision or 'unknown'}; load when finished {os.getloadavg()[0]:.1f}.")


def write(path, text):
    """Replaces what is between the marks."""
    page = path.read_text()
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    path.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")
