"""A caller over HTTP/2 that writes each frame by hand, for what well-behaved clients never do."""
import os, socket, struct, sys

sys.path.insert(0, os.path.dirname(__file__))
from protobuf import field, varint  # noqa: E402

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A header that is not indexed, without Huffman; both are short"""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def indexed(name, value):
    """A long header without Huffman that HPACK's table keeps; the latest such one is REFERENCE"""
    length, rest = b"\x7f", len(value) - 127
    while rest >= 128:
        length, rest = length + bytes([rest % 128 + 128]), rest // 128
    return b"\x40" + bytes([len(name)]) + name.encode() + length + bytes([rest]) + value.encode()


REFERENCE = b"\xbe"


def infer_message(model, number):
    tensor = field(1, b"x") + field(2, b"FP64") + field(3, varint(1))
    return field(1, model.encode()) + field(5, tensor) + field(7, struct.pack("<d", number))


class Caller:
    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0))
        self.stream, self.received = -1, b""
        self.port = port

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def head(self, *more):
        fields = ((":method", "POST"), (":scheme", "http"), (":path", "/inference.GRPCInferenceService/ModelInfer"),
                  (":authority", f"127.0.0.1:{self.port}"), ("te", "trailers"), ("content-type", "application/grpc"))
        return b"".join(literal(name, value) for name, value in fields + more)

    def call(self, model, number, *more):
        """Starts a call, and returns the number of its stream"""
        self.stream += 2
        message = infer_message(model, number)
        self.send(frame(HEADERS, END_HEADERS, self.stream, self.head(*more)),
                  frame(DATA, END_STREAM, self.stream, b"\0" + struct.pack(">I", len(message)) + message))
        return self.stream

    def wait(self, stream):
        """The types of its frames, until it has ended"""
        kinds = []
        while True:
            while len(self.received) < 9 or len(self.received) < 9 + int.from_bytes(self.received[:3], "big"):
                more = self.socket.recv(65536)
                if not more:
                    raise ConnectionError("the server hung up")
                self.received += more
            end = 9 + int.from_bytes(self.received[:3], "big")
            kind, flags, its = struct.unpack(">BBI", self.received[3:9])
            self.received = self.received[end:]
            if its == stream:
                kinds.append(kind)
                if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
                    return kinds

    def cancel(self, stream):
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)))

    def close(self):
        self.socket.close()
