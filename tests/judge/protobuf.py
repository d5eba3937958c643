"""Messages of protobuf by hand, so that no compiler of it is needed to speak gRPC: for models.py and tests/kafka/foreign_grpc.py."""


def varint(number):
    out = b""
    number &= (1 << 64) - 1
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint_at(message, at):
    """The number there, and where what follows it begins."""
    value = shift = 0
    while True:
        byte = message[at]
        at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            return value, at


def fields(message):
    """(number, bytes or int) of each field"""
    at = 0
    while at < len(message):
        tag, at = varint_at(message, at)
        if tag & 7 == 0:
            value, at = varint_at(message, at)
            yield tag >> 3, value
            continue
        size, at = varint_at(message, at) if tag & 7 == 2 else ({1: 8, 5: 4}[tag & 7], at)
        if at + size > len(message):
            raise ValueError("the message is cut")
        yield tag >> 3, message[at:at + size]
        at += size


def numbers(packed):
    at = 0
    while at < len(packed):
        value, at = varint_at(packed, at)
        yield value
