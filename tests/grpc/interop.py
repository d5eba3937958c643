"""Holds our gRPC client and server (peer.c) against grpcio's, both ways, without and with TLS:
interop.py PEER. Prints a line for each thing that does not hold, and how many did."""
import contextlib, os, subprocess, sys, tempfile, threading, time
from concurrent import futures

import grpc

PEER = sys.argv[1]
MEBIBYTE = 1 << 20
SIZES = [("grpc.max_receive_message_length", 64 * MEBIBYTE), ("grpc.max_send_message_length", 64 * MEBIBYTE)]
WORDS = "kein Modell \"größe\": 100%\n"
passed = failed = 0


def check(what, holds, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"interop: {what}: {seen}", flush=True)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def make_identity(folder, name, authority):
    """certificate.pem and key.pem of 127.0.0.1 in FOLDER/NAME, signed by the authority in FOLDER"""
    place = os.path.join(folder, name)
    os.mkdir(place)
    files = {word: os.path.join(place, word + ".pem") for word in ("certificate", "key", "authority", "request")}
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", files["key"], "-out", files["request"])
    with open(os.path.join(folder, "names"), "w", encoding="ascii") as names:
        names.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", files["request"], "-CA", authority + ".pem", "-CAkey", authority + "-key.pem",
            "-CAcreateserial", "-days", "2", "-extfile", names.name, "-out", files["certificate"])
    with open(authority + ".pem", "rb") as source, open(files["authority"], "wb") as copy:
        copy.write(source.read())
    return place


def make_authority(folder, name):
    place = os.path.join(folder, name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-days", "2", "-keyout", place + "-key.pem", "-out", place + ".pem")
    return place


def read(folder, word):
    with open(os.path.join(folder, word + ".pem"), "rb") as file:
        return file.read()


# ---- our server, their client ----

@contextlib.contextmanager
def our_server(folder):
    server = subprocess.Popen([PEER, "serve", folder or "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield int(server.stdout.readline()), server
    finally:
        server.stdin.close()
        try:
            check("our server drains and ends well", server.wait(10) == 0, server.returncode)
        except subprocess.TimeoutExpired:
            server.kill()
            check("our server ends when it is told to", False, "it did not within 10 s")


def channel_to(port, folder, ours=None, options=()):
    address = f"127.0.0.1:{port}"
    if not folder:
        return grpc.insecure_channel(address, SIZES + list(options))
    credentials = grpc.ssl_channel_credentials(read(folder, "authority"), ours and read(ours, "key"),
                                               ours and read(ours, "certificate"))
    return grpc.secure_channel(address, credentials, SIZES + list(options))


def code_of(call, *words, **named):
    """status and words of a call that is to fail"""
    try:
        call(*words, **named)
        return grpc.StatusCode.OK, ""
    except grpc.RpcError as error:
        return error.code(), error.details()


def their_client(port, folder, ours, how):
    channel = channel_to(port, folder, ours)
    echo, refuse, wait = (channel.unary_unary(f"/test.Peer/{name}") for name in ("Echo", "Refuse", "Wait"))
    check(f"their client is answered, {how}", echo(b"hello", timeout=60) == b"hello")
    check(f"an empty message, {how}", echo(b"", timeout=60) == b"")
    pending = [echo.future(b"%d" % n, timeout=60) for n in range(1000)]
    check(f"1,000 calls at once, {how}", [p.result() for p in pending] == [b"%d" % n for n in range(1000)])
    much = os.urandom(16 * MEBIBYTE)
    check(f"16 MiB both ways, {how}", echo(much, timeout=60) == much)
    seen = code_of(refuse, b"", timeout=60)
    check(f"a refusal has its words, {how}", seen == (grpc.StatusCode.NOT_FOUND, WORDS), seen)
    begun = time.monotonic()
    seen = code_of(wait, b"", timeout=0.1)
    check(f"a deadline is kept, {how}", seen[0] == grpc.StatusCode.DEADLINE_EXCEEDED and time.monotonic() - begun < 5, seen)
    seen = code_of(echo, bytes(33 * MEBIBYTE), timeout=60)
    check(f"a limit is told, {how}", seen[0] == grpc.StatusCode.RESOURCE_EXHAUSTED and "33554432" in seen[1], seen)
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        back = echo(b"x" * 1000, timeout=60, compression=compression)
        check(f"a message that is compressed by {compression.name} comes back, {how}", back == b"x" * 1000, back)
        seen = code_of(echo, bytes(33 * MEBIBYTE), timeout=60, compression=compression)
        check(f"its limit is that of the decompressed one, {how}", seen[0] == grpc.StatusCode.RESOURCE_EXHAUSTED and "33554432" in seen[1], seen)
    stream = channel.stream_unary("/test.Peer/Echo")
    seen = code_of(stream, iter([b"a", b"b"]), timeout=60)
    check(f"a stream is refused, {how}", seen[0] == grpc.StatusCode.UNIMPLEMENTED, seen)
    check(f"their client is answered after all that, {how}", echo(b"again", timeout=60) == b"again")
    channel.close()


def their_client_with_keepalive(port):
    channel = channel_to(port, None, options=[("grpc.keepalive_time_ms", 1000), ("grpc.keepalive_permit_without_calls", 1)])
    echo = channel.unary_unary("/test.Peer/Echo")
    echo(b"x", timeout=60)
    time.sleep(2.5)
    check("their pings are answered", echo(b"y", timeout=60) == b"y")
    channel.close()


def their_client_while_we_drain():
    with our_server(None) as (port, server):
        channel = channel_to(port, None)
        pending = [channel.unary_unary("/test.Peer/Wait").future(b"", timeout=60) for _ in range(20)]
        time.sleep(0.5)
        server.stdin.close()
        check("what came before the drain is answered", [p.result() for p in pending] == [b"later"] * 20)
        channel.close()


def their_client_that_is_not_let_in(folder, stranger):
    with our_server(folder) as (port, _):
        seen = code_of(channel_to(port, folder).unary_unary("/test.Peer/Echo"), b"", timeout=60)
        check("their client needs a certificate", seen[0] == grpc.StatusCode.UNAVAILABLE, seen)
        seen = code_of(channel_to(port, stranger, stranger).unary_unary("/test.Peer/Echo"), b"", timeout=60)
        check("their client does not believe us blindly", seen[0] == grpc.StatusCode.UNAVAILABLE, seen)


# ---- their server, our client ----

class Served:
    """grpcio's server with the methods of ours"""

    def __init__(self, folder=None, port=0, options=()):
        self.remaining = []
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=SIZES + list(options))
        handlers = {name: grpc.unary_unary_rpc_method_handler(getattr(self, name.lower())) for name in ("Echo", "Refuse", "Wait")}
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Peer", handlers),))
        if folder:
            identity = [(read(folder, "key"), read(folder, "certificate"))]
            self.port = self.server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials(
                identity, read(folder, "authority"), require_client_auth=True))
        else:
            self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def echo(self, body, _):
        return body

    def refuse(self, _, context):
        context.abort(grpc.StatusCode.NOT_FOUND, WORDS)

    def wait(self, body, context):
        self.remaining.append(context.time_remaining())
        time.sleep(0.3)
        return body


@contextlib.contextmanager
def our_client(port, folder):
    client = subprocess.Popen([PEER, "call", f"127.0.0.1:{port}", folder or "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)

    def call(line):
        client.stdin.write(line + "\n")
        client.stdin.flush()
        answered, refused, lost, status, words = client.stdout.readline().rstrip("\n").split(" ", 4)
        return int(answered), int(refused), int(lost), int(status), words
    try:
        yield call
    finally:
        client.stdin.close()
        check("our client ends well", client.wait(10) == 0, client.returncode)


def our_client_at_their_server(folder, ours, how):
    served = Served(folder)
    with our_client(served.port, ours) as call:
        seen = call("/test.Peer/Echo 10000 112 1")
        check(f"our client is answered, {how}", seen[0] == 1, seen)
        seen = call("/test.Peer/Echo 60000 112 5000")
        check(f"5,000 calls, {how}", seen[0] == 5000, seen)
        seen = call("/test.Peer/Echo 10000 0 1")
        check(f"an empty message to them, {how}", seen[0] == 1, seen)
        seen = call(f"/test.Peer/Echo 60000 {16 * MEBIBYTE} 4")
        check(f"16 MiB both ways to them, {how}", seen[0] == 4, seen)
        seen = call("/test.Peer/Refuse 10000 5 1")
        check(f"their refusal has its words, {how}", seen == (0, 1, 0, 5, WORDS.replace("\n", " ")), seen)
        seen = call("/test.Peer/Nothing 10000 5 1")
        check(f"an unknown method, {how}", seen[:4] == (0, 1, 0, 12), seen)
        seen = call("/test.Peer/Wait 100 5 1")
        check(f"our deadline goes along, {how}", seen[0] == 0 and 0 < served.remaining[0] <= 0.1, (seen, served.remaining))
        seen = call("/test.Peer/Echo 10000 5 1")
        check(f"our client is answered after all that, {how}", seen[0] == 1, seen)
    served.server.stop(0).wait()


def our_client_at_a_narrow_server():
    served = Served(options=[("grpc.max_concurrent_streams", 3)])
    with our_client(served.port, None) as call:
        seen = call("/test.Peer/Echo 60000 112 2000")
        check("2,000 calls over three streams", seen[0] == 2000, seen)
    served.server.stop(0).wait()


def our_client_while_they_drain():
    """A server leaves with grace, again and again, and another stands at its port by then: nothing is lost."""
    reuse = [("grpc.so_reuseport", 1)]
    served = Served(options=reuse)
    port = served.port
    with our_client(port, None) as call:
        seen = []
        calling = threading.Thread(target=lambda: seen.append(call("/test.Peer/Echo 60000 112 30000")))
        calling.start()
        left = []  # kept: a server that nobody holds cancels its calls
        while calling.is_alive() and len(left) < 20:
            time.sleep(0.1)
            other = Served(port=port, options=reuse)
            served.server.stop(5)
            left.append(served)
            served = other
        calling.join()
        # What reaches grpcio's server between its two GOAWAYs, it takes and answers that it is cancelled.
        check("no call is lost when servers leave in good order",
              seen[0][2] == 0 and seen[0][0] > 20000 and seen[0][3] in (0, 1, 14) and len(left) > 1, (seen, len(left)))
    served.server.stop(0).wait()


def our_client_that_is_not_let_in(folder, stranger):
    served = Served(folder)
    with our_client(served.port, stranger) as call:
        seen = call("/test.Peer/Echo 5000 5 1")
        check("our client does not believe them blindly", seen[2] == 1 and "certificate is not valid" in seen[4], seen)
    served.server.stop(0).wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        authority, other = make_authority(folder, "authority"), make_authority(folder, "other")
        server, client = make_identity(folder, "server", authority), make_identity(folder, "client", authority)
        stranger = make_identity(folder, "stranger", other)
        for ours, theirs, how in ((None, None, "plain"), (server, client, "by TLS")):
            with our_server(ours) as (port, _):
                their_client(port, ours, theirs, how)
            our_client_at_their_server(ours, theirs, how)
        with our_server(None) as (port, _):
            their_client_with_keepalive(port)
        their_client_while_we_drain()
        their_client_that_is_not_let_in(server, stranger)
        our_client_at_a_narrow_server()
        our_client_while_they_drain()
        our_client_that_is_not_let_in(server, stranger)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
