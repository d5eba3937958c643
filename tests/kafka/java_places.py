#!/usr/bin/env python3
"""Whether records are in the partitions in which Java's producers would put their keys.

java_places.py PARTITIONS < LINES, as `records dump` prints them; prints how many are elsewhere, and of how many: 0/2000.
"""
import base64
import json
import sys

MASK = 0xFFFFFFFF
# Of Apache Kafka's clients: UtilsTest.testMurmur2.
VECTORS = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
           "a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
           "abc": 479470107}


def murmur2(key):
    """MurmurHash2 by Austin Appleby, of 32 bits, with the seed of Kafka's clients"""
    factor = 0x5BD1E995
    digest = (0x9747B28C ^ len(key)) & MASK
    whole = len(key) - len(key) % 4
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at:at + 4], "little") * factor & MASK
        word = (word ^ word >> 24) * factor & MASK
        digest = digest * factor & MASK ^ word
    if whole < len(key):
        digest = (digest ^ int.from_bytes(key[whole:], "little")) * factor & MASK
    digest = (digest ^ digest >> 13) * factor & MASK
    return digest ^ digest >> 15


def main():
    for text, digest in VECTORS.items():
        if murmur2(text.encode()) != digest & MASK:
            sys.exit(f"java_places.py: the hash of {text} is not Java's")
    records = [json.loads(line) for line in sys.stdin]
    elsewhere = sum((murmur2(base64.b64decode(one["key"])) & 0x7FFFFFFF) % int(sys.argv[1]) != one["partition"] for one in records)
    print(f"{elsewhere}/{len(records)}")


main()
