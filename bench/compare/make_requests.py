"""The requests that a campaign would send, in a file, so that a scorer can be fed by a bare pipe.

usage: make_requests.py LIBRARY OUT BATCH
"""

import itertools
import json
import sys

import rows

library, out, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(library, "rb") as source, open(out, "w") as sink:
    records = rows.records(source)
    for seq in itertools.count(1):
        some = [[ordinal, name, structure, 2**52 + ordinal] for ordinal, name, structure in itertools.islice(records, batch)]
        if not some:
            break
        sink.write(json.dumps({"seq": seq, "records": some}) + "\n")
