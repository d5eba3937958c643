#!/usr/bin/env python3
"""Stands between clients and one broker, and puts the code of an error into the broker's answers, when it is told to.

    refusing_proxy.py FRONT BACK CONTROL     ports on loopback: clients come to FRONT and get to BACK

Prints "ready" and serves until it is killed. The broker has done what it was asked: only its answer is changed. So a client cannot know
that it was done, as of a broker that fails behind a write. On CONTROL it takes lines, and answers each with one:

    refuse API CODE always    answers of that API (Produce, Fetch and so on, see APIS) have the code from now on
    refuse API CODE once      of each connection, the next such answer
    refuse API CODE always WORD, or refuse API CODE once WORD
                              only of topics whose name contains the word
    changed API               how many answers were changed for what was told last of it
    accept                    nothing is refused any more

Clients are told that the broker has only the versions whose answers are understood here.
"""
import asyncio, struct, sys


class Fields:
    """Reads an answer from its begin; `codes` are the places of its errors, each with its topic, and what else is to be cut out then."""

    def __init__(self, frame, version, compact):
        self.frame, self.version, self.compact, self.at, self.codes = frame, version, compact, 4, []
        if compact:
            self.tags()

    def number(self, form):
        (value,) = struct.unpack_from(">" + form, self.frame, self.at)
        self.at += struct.calcsize(form)
        return value

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def tags(self):
        for _ in range(self.varint() if self.compact else 0):
            self.varint()
            self.skip_bytes(self.varint())

    def text(self):
        length = self.varint() - 1 if self.compact else self.number("h")
        begin, self.at = self.at, self.at + max(length, 0)
        return self.frame[begin : self.at].decode()

    def each(self, read):
        for _ in range((self.varint() - 1) if self.compact else max(self.number("i"), 0)):
            read()
            self.tags()

    def skip(self, form, since=0):
        if self.version >= since:
            self.at += struct.calcsize(">" + form)

    def skip_bytes(self, count):
        self.at += max(count, 0)

    def skip_text(self, since):
        if self.version >= since:
            self.text()

    def code(self, topic=None):
        self.codes.append((self.at, topic, None))
        self.skip("h")

    def topics(self, partition):
        """Topics by name, with partitions by number, each with what is in it after its number."""

        def read():
            topic = self.text()

            def read_partition():
                self.skip("i")
                partition(topic)

            self.each(read_partition)

        self.each(read)


def produce(f):
    def partition(topic):
        f.code(topic)
        f.skip("qq")
        f.skip("q", 5)

    f.topics(partition)


def fetch(f):
    def partition(topic):
        f.code(topic)
        f.skip("qq")
        f.skip("q", 5)
        f.each(lambda: f.skip("qq"))
        f.skip("i", 11)
        f.skip_bytes(f.number("i"))

    f.skip("i")
    f.skip("hi", 7)
    f.topics(partition)


def list_offsets(f):
    def partition(topic):
        f.code(topic)
        f.skip("qq")
        f.skip("i", 4)

    f.skip("i", 2)
    f.topics(partition)


def metadata(f):
    def broker():
        f.skip("i")
        f.text()
        f.skip("i")
        f.skip_text(1)

    def partition():
        f.skip("hii")
        f.skip("i", 7)
        f.each(lambda: f.skip("i"))
        f.each(lambda: f.skip("i"))
        if f.version >= 5:
            f.each(lambda: f.skip("i"))

    def topic():
        at = f.at
        f.skip("h")
        name = f.text()
        f.skip("b", 1)
        begin = f.at
        f.each(partition)
        f.codes.append((at, name, (begin, f.at)))
        f.skip("i", 8)

    f.skip("i", 3)
    f.each(broker)
    f.skip_text(2)
    f.skip("i", 1)
    f.each(topic)


def offset_commit(f):
    f.skip("i", 3)
    f.topics(f.code)


def offset_fetch(f):
    def partition(topic):
        f.skip("q")
        f.skip("i", 5)
        f.text()
        f.code(topic)

    f.skip("i", 3)
    f.topics(partition)


def group(since):
    def read(f):
        f.skip("i", since)
        f.code()

    return read


def of_topics(f):
    f.skip("i")
    f.topics(f.code)


# Number, the last version that is understood, the first one with compact fields, and what reads an answer.
APIS = {
    "Produce": (0, 7, 9, produce),
    "Fetch": (1, 11, 12, fetch),
    "ListOffsets": (2, 5, 6, list_offsets),
    "Metadata": (3, 8, 9, metadata),
    "OffsetCommit": (8, 7, 8, offset_commit),
    "OffsetFetch": (9, 5, 6, offset_fetch),
    "FindCoordinator": (10, 2, 3, group(1)),
    "JoinGroup": (11, 5, 6, group(2)),
    "Heartbeat": (12, 3, 4, group(1)),
    "LeaveGroup": (13, 3, 4, group(1)),
    "SyncGroup": (14, 3, 4, group(1)),
    "InitProducerId": (22, 5, 2, group(0)),
    "AddPartitionsToTxn": (24, 2, 3, of_topics),
    "AddOffsetsToTxn": (25, 2, 3, group(0)),
    "EndTxn": (26, 2, 3, group(0)),
    "TxnOffsetCommit": (28, 3, 3, of_topics),
}
API_VERSIONS = 18
KNOWN = {number: (last, compact, read) for number, last, compact, read in APIS.values()}


class Order:
    def __init__(self, code, once, word):
        self.code, self.once, self.word, self.changed = code, once, word, 0


orders = {}  # by number of the API


def lower_versions(frame, version):
    """Only the versions that are understood here, in the answer to the question which ones there are."""
    answer = bytearray(frame)
    fields = Fields(frame, version, False)
    if fields.number("h"):
        return frame
    fields.compact = version >= 3

    def api():
        number, at = fields.number("h"), fields.at + 2
        fields.skip("hh")
        if number in KNOWN:
            (last,) = struct.unpack_from(">h", answer, at)
            struct.pack_into(">h", answer, at, min(last, KNOWN[number][0]))

    fields.each(api)
    return bytes(answer)


def refuse(frame, version, api, order):
    """The answer with the code that was ordered, and whether it has a place for it."""
    _, compact, read = KNOWN[api]
    fields = Fields(frame, version, version >= compact)
    read(fields)
    answer, is_changed = bytearray(frame), False
    for at, topic, cut in reversed(fields.codes):
        if order.word and order.word not in (topic or ""):
            continue
        if cut:
            answer[cut[0] : cut[1]] = bytes(4)  # a topic with an error has no partitions
        struct.pack_into(">h", answer, at, order.code)
        is_changed = True
    order.changed += is_changed
    return bytes(answer), is_changed


class Connection:
    def __init__(self):
        self.asked, self.served = {}, set()

    def request(self, frame):
        api, version, number = struct.unpack_from(">hhi", frame)
        self.asked[number] = api, version
        return frame

    def answer(self, frame):
        api, version = self.asked.pop(*struct.unpack_from(">i", frame), (None, 0))
        if api == API_VERSIONS:
            return lower_versions(frame, version)
        order = orders.get(api)
        if order is None or order.once and order in self.served:
            return frame
        frame, is_changed = refuse(frame, version, api, order)
        if is_changed:
            self.served.add(order)
        return frame


async def carry(source, target, change):
    try:
        while True:
            (length,) = struct.unpack(">i", await source.readexactly(4))
            frame = change(await source.readexactly(length))
            target.write(struct.pack(">i", len(frame)) + frame)
            await target.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        target.close()


async def serve(reader, writer):
    try:
        up, down = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    except OSError:
        writer.close()
        return
    connection = Connection()
    await asyncio.gather(carry(reader, down, connection.request), carry(up, writer, connection.answer))


def obey(line):
    match line.split():
        case ["refuse", api, code, *rest] if api in APIS:
            orders[APIS[api][0]] = Order(int(code), rest[:1] == ["once"], "".join(rest[1:]))
            return "ok"
        case ["changed", api] if api in APIS:
            order = orders.get(APIS[api][0])
            return str(order.changed if order else 0)
        case ["accept"]:
            orders.clear()
            return "ok"
    return "what?"


async def control(reader, writer):
    while line := await reader.readline():
        writer.write((obey(line.decode()) + "\n").encode())
    writer.close()


async def main():
    await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await asyncio.start_server(control, "127.0.0.1", int(sys.argv[3]))
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
