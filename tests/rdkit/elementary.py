#!/usr/bin/env python3
"""True values of `exp` and `ln` at many doubles, for the test of src/elementary.rs.

    python tests/rdkit/elementary.py > src/elementary.txt

Each line: the function, its argument and its value as the bits of doubles in hexadecimal. The value is computed with 60
decimal digits and rounded once.
"""

import random
import struct
from decimal import Decimal, getcontext

getcontext().prec = 60


def bits(x):
    return struct.pack(">d", x).hex()


def main():
    generator = random.Random(6)
    powers = [-generator.uniform(0, 40) for _ in range(400)] + [-generator.uniform(40, 708) for _ in range(100)]
    powers += [generator.uniform(-1, 1) * 2.0 ** -generator.randrange(60) for _ in range(100)]
    powers += [generator.uniform(0, 709) for _ in range(50)] + [-0.34657359, -0.3465736, 0.3465735, 0.3465736]
    positives = [generator.uniform(0, 2) for _ in range(300)] + [1 + generator.uniform(-1, 1) * 2.0 ** -generator.randrange(52) for _ in range(200)]
    positives += [10.0 ** generator.uniform(-15, 4) for _ in range(200)] + [10.0 ** generator.uniform(-300, 300) for _ in range(50)]
    positives += [0.5**0.5, 2**0.5, 1e-12, 1 + 1e-12]
    print("# function, argument, value: bits of doubles. Made by tests/rdkit/elementary.py.")
    for x in powers:
        print("exp", bits(x), bits(float(Decimal(x).exp())))
    for x in positives:
        print("ln", bits(x), bits(float(Decimal(x).ln())))


if __name__ == "__main__":
    main()
