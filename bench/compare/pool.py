"""multiprocessing: a task a shard, results in order.

usage: pool.py null|fingerprint|all LIBRARY ACTIVES OUT_DIR SHARD_RECORDS PROCESSES
"""

import functools
import multiprocessing
import os
import sys

import rows

SCORE = None


def prepare(kind, actives):
    global SCORE
    SCORE = rows.scorer(kind, actives)


def task(path, shard):
    return rows.score_shard(path, shard, SCORE)


def main(kind, library, actives, out, size, processes):
    os.makedirs(out, exist_ok=True)
    with multiprocessing.Pool(int(processes), prepare, (kind, actives)) as pool:
        with open(os.path.join(out, "summary.csv"), "w") as sink:
            for text in pool.imap(functools.partial(task, library), rows.shards(library, int(size))):
                sink.write(text)
        pool.close()
        pool.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
