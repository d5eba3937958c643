#!/usr/bin/env python3
"""What records of a topic of drift or alerts say, without their times: verdicts.py SCHEMA < LINES

LINES are those of `records dump`; each record is a line of JSON, verdicts sorted by window. The decoder is our own, by the schema.
"""
import base64, json, struct, sys

HEAD_BYTES = 10  # of a single object: a marker and the schema's fingerprint
TIMES = ("window_start_ms", "window_end_ms", "versions", "fired_at_ms", "at_ms", "alarm_ms", "messages_per_minute",
	 "messages_per_minute_low", "messages_per_minute_high", "newest_age_ms", "newest_age_ms_most")


class Decoder:
    def __init__(self, data):
        self.data, self.at = data, HEAD_BYTES

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def long(self):
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return (number >> 1) ^ -(number & 1)

    def array(self, items):
        found = []
        while count := self.long():
            if count < 0:
                self.long()  # the block's bytes
            found += [self.value(items) for _ in range(abs(count))]
        return found

    def value(self, schema):
        if isinstance(schema, list):
            return self.value(schema[self.long()])
        kind = schema["type"] if isinstance(schema, dict) else schema
        if isinstance(kind, (dict, list)):
            return self.value(kind)
        if kind == "record":
            return {field["name"]: self.value(field["type"]) for field in schema["fields"]}
        if kind == "array":
            return self.array(schema["items"])
        if kind == "map":
            pair = {"type": "record", "fields": [{"name": "key", "type": "string"}, {"name": "value", "type": schema["values"]}]}
            return {each["key"]: each["value"] for each in self.array(pair)}
        simple = {"null": lambda: None, "boolean": lambda: self.take(1) == b"\1", "long": self.long, "int": self.long,
                  "double": lambda: struct.unpack("<d", self.take(8))[0], "string": lambda: self.take(self.long()).decode(),
                  "bytes": lambda: self.take(self.long()).hex()}
        return simple[kind]()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    found = []
    for line in sys.stdin:
        verdict = Decoder(base64.b64decode(json.loads(line)["value"])).value(schema)
        found.append({name: value for name, value in verdict.items() if name not in TIMES})
    for verdict in sorted(found, key=lambda each: each.get("window", 0)):
        print(json.dumps(verdict))


if __name__ == "__main__":
    main()
