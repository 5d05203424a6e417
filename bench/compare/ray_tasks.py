"""Ray: a task a shard, results in order.

usage: ray_tasks.py null|fingerprint|all LIBRARY ACTIVES OUT_DIR SHARD_RECORDS PROCESSES
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
import ray  # noqa: E402
import rows  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


@ray.remote
def task(kind, actives, path, shard):
    # Once a worker process: what a user would do to keep the imports out of each task.
    global SCORE
    if "SCORE" not in globals():
        SCORE = rows.scorer(kind, actives)
    return rows.score_shard(path, shard, SCORE)


def main(kind, library, actives, out, size, processes):
    os.makedirs(out, exist_ok=True)
    ray.init(
        num_cpus=int(processes), include_dashboard=False, logging_level="ERROR", log_to_driver=False,
        object_store_memory=256 << 20, runtime_env={"env_vars": {"PYTHONPATH": HERE}},
    )
    library, actives = os.path.abspath(library), os.path.abspath(actives)
    pending = [task.remote(kind, actives, library, shard) for shard in rows.shards(library, int(size))]
    with open(os.path.join(out, "summary.csv"), "w") as sink:
        for reference in pending:
            sink.write(ray.get(reference))
    ray.shutdown()


main(*sys.argv[1:])
