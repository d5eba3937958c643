#!/usr/bin/env python3
"""Holds the answers of keys against the recorded bucket table of a choice, which is read from a dump of `control`.

  tables.py DUMP CHOICE VERSION ANSWERS CANDIDATE=VALUE...

DUMP is what `records dump` printed; ANSWERS is what `tail -o json` printed, and a request's id is its key. VERSION is that which
the newest table must have.
Prints KEYS, how many answers came from another candidate than the table says, and how many buckets the table moved.
It knows the record's schema (schemas/table.avsc) and the hash (XXH64) by itself, and no code of sluice."""
import base64
import json
import sys

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotated(number, bits):
    return (number << bits | number >> (64 - bits)) & MASK


def xxh64(data, seed):
    """Of fewer than 32 bytes."""
    assert len(data) < 32
    value, at = (seed + P5 + len(data)) & MASK, 0
    for at in range(0, len(data) // 8 * 8, 8):
        lane = rotated(int.from_bytes(data[at:at + 8], "little") * P2 & MASK, 31) * P1 & MASK
        value = (rotated(value ^ lane, 27) * P1 + P4) & MASK
    at = len(data) // 8 * 8
    if len(data) - at >= 4:
        value = (rotated(value ^ (int.from_bytes(data[at:at + 4], "little") * P1 & MASK), 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        value = rotated(value ^ (byte * P5 & MASK), 11) * P1 & MASK
    value = (value ^ value >> 33) * P2 & MASK
    value = (value ^ value >> 29) * P3 & MASK
    return value ^ value >> 32


assert xxh64(b"", 0) == 0xEF46DB3751D8E999 and xxh64(b"abc", 0) == 0x44BC2CF5AD770999


class Avro:
    def __init__(self, data):
        self.data, self.at = data, 10  # behind the name of the schema

    def long(self):
        number, shift = 0, 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return (number >> 1) ^ -(number & 1)

    def bytes(self):
        length = self.long()
        self.at += length
        return self.data[self.at - length:self.at]

    def text(self):
        return self.bytes().decode()

    def shares(self):
        shares = []
        while count := self.long():
            for _ in range(count):
                shares.append((self.text(), self.long()))
        return shares


def table_of(value):
    avro = Avro(value)
    table = {"choice": avro.text(), "namespace": avro.text(), "version": avro.long(), "kind": avro.text(),
             "name": avro.text(), "shares": avro.shares(), "buckets": avro.bytes(), "table": avro.text(),
             "moved": avro.long()}
    bits = (len(table["shares"]) - 1).bit_length() if table["shares"] else 0
    packed = int.from_bytes(table["buckets"], "little")
    table["owners"] = [table["shares"][packed >> i * bits & (1 << bits) - 1][0] for i in range(10000)] if bits else []
    for name, buckets in table["shares"]:
        assert table["owners"].count(name) == buckets, name
    return table


def newest(path, choice):
    tables = {}
    for line in open(path):
        record = json.loads(line)
        key = base64.b64decode(record["key"]).decode()
        if not key.startswith(f"table@{choice}@") or record["value"] is None:
            continue
        table = table_of(base64.b64decode(record["value"]))
        assert key == f"table@{choice}@{table['version']}"
        tables[table["version"]] = table
    return tables[max(tables)], tables.get(max(tables) - 1)


def made_of(former, shares):
    """The owners of a table with these shares that is made of a former one: the smallest numbers move, to the first name."""
    wanted = dict(shares)
    lacks = {name: max(0, wanted[name] - former.count(name)) for name in sorted(wanted)}
    surplus = {name: max(0, former.count(name) - wanted.get(name, 0)) for name in former}
    owners = []
    for owner in former:
        if surplus[owner] > 0:
            surplus[owner] -= 1
            owner = next(name for name in lacks if lacks[name] > 0)
            lacks[owner] -= 1
        owners.append(owner)
    return owners


def main():
    dump, choice, version, answers = sys.argv[1:5]
    values = dict(word.split("=") for word in sys.argv[5:])
    table, former = newest(dump, choice)
    assert table["version"] == int(version), table["version"]
    if former:
        assert table["owners"] == made_of(former["owners"], table["shares"]), "the table is not made of the former one"
        assert sum(a != b for a, b in zip(table["owners"], former["owners"])) == table["moved"]
    seed = xxh64(choice.encode(), 0)
    keys = differ = 0
    for line in open(answers):
        answer = json.loads(line)
        owner = table["owners"][xxh64(answer["id"].encode(), seed) % 10000]
        keys += 1
        differ += "response" not in answer or values[owner] != str(answer["response"]["outputs"][0]["data"][0])
    print(keys, differ, table["moved"])


main()
