"""A model server on grpcio, Google's own implementation of gRPC, that does what ours never does:
foreign_grpc.py [NAME=VALUE]... Prints its port; when it is told to end (SIGTERM) it prints how
many calls it took, over how many connections, and how many of them it refused.

  port=N       the port; a free one
  age=MS       connections are told to go (GOAWAY) when they are so old
  grace=MS     and cut after so long
  streams=N    at once on a connection
  receive=N    the largest message that it takes, in bytes (grpcio's own limit: 4 MiB)
  work=MS      that a call takes
  fails=N      of a hundred requests, whose first call it answers by UNAVAILABLE
  tls=FOLDER   with certificate.pem and key.pem
  elements=N   of what the model `big` answers

Its models: `sum`, the sum of the first input, and `big`, `elements` times its first number.
"""
import array, os, signal, sys, threading, time, zlib
from concurrent import futures

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "judge"))
from protobuf import field, fields, varint

options = dict(word.split("=", 1) for word in sys.argv[1:])
wanted = {name: int(value) for name, value in options.items() if name != "tls"}
lock = threading.Lock()
peers, seen, refused = set(), {}, 0


def reply(model, name, datatype, values):
    tensor = field(1, name) + field(2, datatype) + field(3, varint(1) + varint(len(values)))
    return field(1, model) + field(5, tensor) + field(6, values.tobytes())


# ---- what it does ----

def infer(message, context):
    global refused
    parts = dict(fields(message))  # the last of each: inputs have one tensor
    with lock:
        peers.add(context.peer())
        tries = seen[parts[3]] = seen.get(parts[3], 0) + 1
        refuses = tries == 1 and zlib.crc32(parts[3]) % 100 < wanted.get("fails", 0)
        refused += refuses
    time.sleep(wanted.get("work", 0) / 1000)
    if refuses:
        context.abort(grpc.StatusCode.UNAVAILABLE, "come again")
    values = array.array("f", parts[7])
    if parts[1] == b"big":
        return reply(b"big", b"x", b"FP32", array.array("f", values[:1]) * wanted["elements"])
    return reply(parts[1], b"sum", b"FP64", array.array("d", [sum(values)]))


def main():
    names = {"age": "grpc.max_connection_age_ms", "grace": "grpc.max_connection_age_grace_ms",
             "streams": "grpc.max_concurrent_streams", "receive": "grpc.max_receive_message_length"}
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[
        ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0),
        *((names[name], value) for name, value in wanted.items() if name in names)])
    handlers = {"ModelInfer": grpc.unary_unary_rpc_method_handler(infer),
                "ModelReady": grpc.unary_unary_rpc_method_handler(lambda message, context: b"\x08\x01")}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers),))
    address = f"127.0.0.1:{wanted.get('port', 0)}"
    if "tls" in options:
        key, certificate = (open(f"{options['tls']}/{word}.pem", "rb").read() for word in ("key", "certificate"))
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
    else:
        port = server.add_insecure_port(address)
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    server.start()
    print(port, flush=True)
    done.wait()
    server.stop(1).wait()
    print(f"calls={sum(seen.values())} connections={len(peers)} refused={refused}", flush=True)


main()
