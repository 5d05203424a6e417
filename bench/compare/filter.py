"""Records on stdin, rows on stdout.

usage: filter.py null|fingerprint|all ACTIVES FIRST_ORDINAL
"""

import sys

import rows

score = rows.scorer(sys.argv[1], sys.argv[2])
for record in rows.records(sys.stdin.buffer, int(sys.argv[3])):
    sys.stdout.write(score(*record))
