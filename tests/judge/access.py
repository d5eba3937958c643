#!/usr/bin/env python3
"""Judges who may call `sluice gateway`, from outside: access.py SLUICE

The broker and the engine are those of `sluice dev`. Tokens, keys and certificates are made by the openssl command.
One line for each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import base64, hashlib, hmac, http.client, http.server, json, os, re, shutil, signal, socket, ssl, struct, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(__file__))
from dev import Dev, Judge, PATIENCE, ROOT, free_port  # noqa: E402
from gateway import PIPELINE, answer_of, number_of, request  # noqa: E402
from protobuf import field, varint  # noqa: E402

SECONDS_MAX = 10 * PATIENCE

DAY = 86400
KEY = "correct-horse-battery-staple"
PIPELINES = [
    ("twice", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n"),
    ("secret", "  - {name: triple, expression: {set: {x: x * 3}}}\n  output: {steps: [triple]}\n"),
    ("heard", "  - name: tell\n    expression:\n      set:\n" + "".join(
        f"        {name}: 'header(\"{header}\") ?? \"none\"'\n" for name, header in (
            ("authorization", "authorization"), ("cookie", "cookie"), ("key", "x-api-key"), ("mine", "x-mine")))
     + "  output: {steps: [tell]}\n"),
    ("why", "  - {name: score, model: {name: slope, storageUri: 'stub://expression?x=x*2'}}\n"
            "  - {name: because, inputs: [score], explain: {background: usual.csv}}\n  output: {steps: [score]}\n"),
]
POLICIES = """policies:
- {subject: [sub:alice, key:billing, "certificate:CN=batch,O=Example", "certificate:spiffe://example/workload"], resource: [pipeline/twice, pipeline/heard], verb: [infer, metadata]}
- {subject: "group:admins", resource: "*", verb: "*"}
"""


def openssl(*words, given=None):
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Keys:
    """A folder of keys and certificates"""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name) + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path(name) + ".new", self.path(name))
        return self.path(name)

    def rsa(self, name):
        openssl("genrsa", "-out", self.path(name), "2048")
        return name

    def jwk(self, name, kid):
        modulus = openssl("rsa", "-in", self.path(name), "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "kid": kid, "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}

    def write_set(self, *keys):
        return self.write("jwks.json", json.dumps({"keys": [self.jwk(name, kid) for name, kid in keys]}))

    def token(self, key="signer", kid="one", algorithm="RS256", **claims):
        claims = {"sub": "alice", "aud": "sluice", "iss": "https://auth.example", "exp": int(time.time()) + 600} | claims
        header = {"alg": algorithm, "typ": "JWT"} | ({"kid": kid} if kid else {})
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
        if algorithm == "none":
            return signed + "."
        if algorithm == "HS256":
            public = openssl("rsa", "-in", self.path(key), "-pubout")
            return signed + "." + base64url(hmac.new(public, signed.encode(), hashlib.sha256).digest())
        return signed + "." + base64url(openssl("dgst", "-sha256", "-sign", self.path(key), given=signed.encode()))

    def authority(self):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", self.path("ca.key"),
                "-out", self.path("ca.pem"))

    def revoke(self, *names):
        """Lists the certificates of those names, and those that were revoked before"""
        settings = self.write("ca.conf", f"[ca]\ndefault_ca = own\n[own]\ndatabase = {self.path('ca.index')}\ndefault_md = sha256\n")
        open(self.path("ca.index"), "a", encoding="utf-8").close()
        command = ["ca", "-config", settings, "-cert", self.path("ca.pem"), "-keyfile", self.path("ca.key")]
        for name in names:
            openssl(*command, "-revoke", self.path(name + ".pem"))
        openssl(*command, "-gencrl", "-crldays", "1", "-out", self.path("crl.new"))
        os.rename(self.path("crl.new"), self.path("crl.pem"))

    def certificate(self, name, subject, *others):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"))
        extensions = self.write("extensions", f"subjectAltName={','.join(['IP:127.0.0.1', *others])}\n")
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"), "-CAcreateserial",
                "-days", "2", "-extfile", extensions, "-out", self.path(name + ".pem"))


class Verdict(Judge):
    def expect(self, what, good, shown=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print(f"access: {what}: no; {shown}")


class Gateway:
    """A gateway process, which may serve both protocols at one port, or with `port` an engine that has one; its refusals to start are in `words`"""

    def __init__(self, binary, brokers, files, *more, host="127.0.0.1", port=None, waits_for="served at", shares=False):
        both = free_port() if shares else 0
        command = ["gateway", "--http", str(both), *(["--grpc", str(both)] if shares else [])] if port is None else ["run", "--instance", f"engine-{port}"]
        command = [binary, *command, "-f", files, "--brokers", brokers, *(["--host", host] if host else []), "-o", "json", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.context, self.port = [], None, port
        reader = threading.Thread(target=self.read, daemon=True)
        reader.start()
        if port is not None:
            self.started = self.wait_for(waits_for)
        else:
            line = self.process.stdout.readline()
            self.started = line.startswith("{") and "rest" in line
            self.port = int(json.loads(line)["rest"].rsplit(":", 1)[1]) if self.started else None
        if not self.started:
            self.process.wait(SECONDS_MAX)
            reader.join()

    def wait_for(self, words):
        """False: the process ended before it said so"""
        end = time.monotonic() + SECONDS_MAX
        while words not in self.words and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.02)
        return words in self.words

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    @property
    def words(self):
        return "".join(self.lines)

    def says(self, words, times=1):
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end and self.words.count(words) < times:
            time.sleep(0.02)
        return self.words.count(words) >= times

    def connect(self):
        if self.context:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=SECONDS_MAX, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)

    def ask(self, method, path, body=None, headers=()):
        """`headers` is pairs, so that one may come twice"""
        connection = self.connect()
        body = json.dumps(body).encode() if body is not None else None
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return answer_of(connection)

    def infer(self, pipeline, *headers):
        return self.ask("POST", f"/v2/pipelines/{pipeline}/infer", request(21.0), headers)

    def say(self, text):
        """What comes to a request that is written by hand"""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS_MAX) as connection:
            connection.sendall(text)
            return connection.recv(1 << 16).decode()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(SECONDS_MAX)


def infer_message(pipeline, number):
    return field(1, pipeline) + field(5, field(1, "x") + field(2, "FP64") + field(3, varint(1)) + field(5, field(7, struct.pack("<d", number))))


def ask_grpc(port, method, message, *headers):
    """The bytes that come back. A call of gRPC is one POST of HTTP/2, so curl can make it"""
    words = [word for name, value in (("content-type", "application/grpc"), ("te", "trailers"), *headers) for word in ("-H", f"{name}: {value}")]
    return subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-m", str(SECONDS_MAX), *words, "--data-binary", "@-",
                           f"http://127.0.0.1:{port}/inference.GRPCInferenceService/{method}"],
                          input=b"\0" + struct.pack(">I", len(message)) + message, capture_output=True).stdout


def bearer(token):
    return ("Authorization", "Bearer " + token)


def asks_for_tokens(judge, gateway, keys):
    status, answer, headers = gateway.infer("twice")
    judge.expect("who shows nothing is told what to show", status == 401 and headers.get("www-authenticate", "").startswith("Bearer ")
                 and answer["kind"] == "INPUT" and "required" in answer["error"], (status, answer, headers))
    for path in ("/v2/health/live", "/v2/health/ready", "/v1/health/live", "/v1/health/ready"):
        judge.expect(f"{path} is open to probes", gateway.ask("GET", path)[0] == 200 and
                     gateway.ask("GET", path, None, [("Authorization", "nonsense")])[0] == 200)
    guarded = [("GET", "/v2"), ("GET", "/v2/routes"), ("GET", "/openapi.json"), ("GET", "/v2/pipelines/twice/requests/0-0-0-0"),
               ("GET", "/v2/models/twice/requests/0-0-0-0"), ("DELETE", "/v2/pipelines/twice/requests/0-0-0-0"),
               ("DELETE", "/v2/models/twice/requests/0-0-0-0"), ("GET", "/v2/pipelines/twice/requests/0-0-0-0/watch"),
               ("GET", "/v2/pipelines/twice/requests/0-0-0-0/explanations"), ("GET", "/v2/models/twice/requests/0-0-0-0/explanations"),
               ("GET", "/v2/models/twice/requests/0-0-0-0/watch"), ("GET", "/v2/pipelines/twice"), ("GET", "/v2/pipelines/twice/ready"),
               ("GET", "/v2/models/twice"), ("GET", "/v2/models/twice/versions/1"), ("GET", "/v2/models/twice/ready"),
               ("GET", "/v2/models/twice/versions/1/ready"), ("HEAD", "/v2/models/twice"),
               ("POST", "/v2/pipelines/twice/infer"), ("POST", "/v2/models/twice/infer"), ("POST", "/v2/models/twice/versions/1/infer"),
               ("POST", "/v2/pipelines/twice/explain"), ("POST", "/v2/models/twice/explain"), ("POST", "/v1/models/twice:explain"),
               ("POST", "/v1/models/twice:predict"), ("POST", "/v1/models/twice/versions/1:predict"), ("GET", "/v1/models/twice"), ("POST", "/api/v1.0/predictions"), ("POST", "/api/v0.1/predictions"),
               ("POST", "/api/v1.0/explanations"), ("POST", "/api/v1.0/explain"), ("POST", "/api/v1.0/feedback"), ("POST", "/api/v0.1/feedback"),
               ("GET", "/api/v1.0/metadata"), ("GET", "/api/v1.0/metadata/model"), ("GET", "/seldon/default/twice/api/v1.0/metadata"),
               ("POST", "/v2/pipelines/twice/feedback"), ("POST", "/v2/models/twice/feedback"), ("POST", "/seldon/default/twice/api/v1.0/predictions"),
               ("GET", "/v2/pipelines/twice/watch"), ("GET", "/v2/models/twice/watch"), ("POST", "/v2/pipelines/nobody/infer")]
    for method, path in guarded:
        status, answer, _ = gateway.ask(method, path, request() if method == "POST" else None)
        judge.expect(f"{method} {path} is not open", status == 401, (status, answer))
    _, answer, _ = gateway.ask("GET", "/v2/routes", None, [bearer(keys.token(groups=["admins"]))])
    reached = {path for _, path in guarded}
    missing = [row["path"] for row in answer["routes"] if "health" not in row["path"]
               and row["path"].replace("{pipeline}", "twice").replace("{model}", "twice").replace("{version}", "1").replace("{request}", "0-0-0-0")
               .replace("{node}", "model") not in reached]
    judge.expect("no route is left out here", not missing, missing)
    status, answer, _ = gateway.infer("twice", bearer(keys.token()))
    judge.expect("a good token is taken", status == 200 and number_of(answer) == 42, (status, answer))
    status, answer, _ = gateway.infer("twice", ("AUTHORIZATION", "bearer " + keys.token(aud=["other", "sluice"])))
    judge.expect("a token for several audiences is, too", status == 200, (status, answer))


def refuses_tokens(judge, gateway, keys):
    now = int(time.time())
    cut = keys.token()
    tampered = cut.split(".")
    tampered[1] = base64url(json.dumps({"sub": "root", "aud": "sluice", "iss": "https://auth.example", "exp": now + 600}).encode())
    rows = [("expired", keys.token(exp=now - 3600), "expired"), ("without an end", keys.token(exp=None), "exp"),
            ("of tomorrow (nbf)", keys.token(nbf=now + DAY), "not valid yet"), ("of tomorrow (iat)", keys.token(iat=now + DAY), "future"),
            ("of another audience", keys.token(aud="elsewhere"), "audience"), ("without an audience", keys.token(aud=None), "audience"),
            ("of another issuer", keys.token(iss="https://other.example"), "issuer"), ("alg none", keys.token(algorithm="none"), "not signed"),
            ("signed by the public key as a secret", keys.token(algorithm="HS256"), "algorithm"),
            ("of an algorithm that is not pinned", keys.token(algorithm="ES256"), "algorithm"),
            ("of an unknown key", keys.token(kid="nobody"), "key"), ("signed by another's key", keys.token(key="stranger"), "signature"),
            ("with other claims", ".".join(tampered), "signature"), ("cut short", cut[:-20], "signature"), ("20 KiB", cut + "A" * 20000, "16384"),
            ("nonsense", "nonsense", "Token")]
    for name, token, words in rows:
        status, answer, headers = gateway.infer("twice", bearer(token))
        if status == 503:  # a fetch that may bring its key was due
            judge.expect("who waits for a key is told for how long", headers["retry-after"] == "1" and "being fetched" in answer["error"], (status, answer))
            time.sleep(1)
            status, answer, headers = gateway.infer("twice", bearer(token))
        judge.expect(f"a token is refused: {name}", status == 401 and 'error="invalid_token"' in headers.get("www-authenticate", "")
                     and words.lower() in answer["error"].lower() and token[:40] not in answer["error"], (status, answer, headers))
    reply = gateway.say(b"POST /v2/pipelines/twice/infer HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + b"A" * (1 << 20) + b"\r\n\r\n")
    judge.expect("a token of 1 MiB is refused by its size", reply.startswith("HTTP/1.1 431"), reply[:200])
    for name, headers in (("Basic", [("Authorization", "Basic YTpi")]), ("no scheme", [("Authorization", keys.token())])):
        status, answer, found = gateway.infer("twice", *headers)
        judge.expect(f"{name} is no token", status == 401 and "Bearer" in answer["error"] and "www-authenticate" in found, (status, answer))


def refuses_credentials_twice(judge, gateway, keys):
    good, bad = bearer(keys.token()), bearer(keys.token(kid="nobody"))
    for first, second in ((good, good), (good, bad), (bad, good)):
        status, answer, _ = gateway.infer("twice", first, second)
        judge.expect("two Authorization headers are refused", status == 400 and "twice" in answer["error"], (status, answer))
    status, answer, _ = gateway.infer("twice", ("x-api-key", KEY), ("X-API-Key", KEY))
    judge.expect("two API keys are refused", status == 400 and "twice" in answer["error"], (status, answer))
    status, answer, _ = gateway.infer("twice", ("x-api-key", KEY), good)
    judge.expect("a token beside a key is refused", status == 401 and "one of them" in answer["error"], (status, answer))


def takes_api_keys(judge, gateway):
    status, answer, _ = gateway.infer("twice", ("x-api-key", KEY))
    judge.expect("an API key is taken", status == 200 and number_of(answer) == 42, (status, answer))
    status, answer, headers = gateway.infer("twice", ("x-api-key", KEY + "x"))
    judge.expect("an unknown one is not", status == 401 and "www-authenticate" in headers, (status, answer, headers))


def follows_policies(judge, gateway, keys):
    alice, admin, bob = bearer(keys.token()), bearer(keys.token(sub="root", groups=["admins"])), bearer(keys.token(sub="bob"))
    status, answer, headers = gateway.infer("secret", alice)
    judge.expect("what no policy allows is forbidden", status == 403 and answer["kind"] == "INPUT"
                 and "insufficient_scope" in headers.get("www-authenticate", ""), (status, answer, headers))
    judge.expect("to a caller that none names, too", gateway.infer("twice", bob)[0] == 403)
    judge.expect("an admin may", gateway.infer("secret", admin)[0] == 200)
    for name, path, more in (("as a model", "/v2/models/secret/infer", []), ("of a version", "/v2/models/secret/versions/1/infer", []),
                             ("by Seldon's header", "/v2/pipelines/twice/infer", [("seldon-model", "secret")]),
                             ("by Seldon's header as a pipeline", "/v2/models/twice/infer", [("seldon-model", "secret.pipeline")]),
                             ("by V1", "/v1/models/secret:predict", []), ("by the ingress's path", "/seldon/default/secret/v2/models/twice/infer", []),
                             ("by escapes", "/v2/pipelines/%73ecret/infer", [])):
        status, answer, _ = gateway.ask("POST", path, request(), [alice] + more)
        judge.expect(f"there is no way around: {name}", status == 403, (status, answer))
    judge.expect("the verb counts", gateway.ask("GET", "/v2/pipelines/twice", None, [alice])[0] == 200
                 and gateway.ask("GET", "/v2/pipelines/twice/ready", None, [alice])[0] == 403
                 and gateway.ask("GET", "/v2/pipelines/secret", None, [alice])[0] == 403
                 and gateway.ask("GET", "/v2", None, [alice])[0] == 403)
    judge.expect("what is not there is told to those alone who might have it",
                 gateway.infer("nobody", alice)[0] == 403 and gateway.infer("nobody", admin)[0] == 404)


def answers_before_the_body(judge, gateway):
    begun = time.monotonic()
    reply = gateway.say(b"POST /v2/pipelines/twice/infer HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
    judge.expect("who may not call is told before the body comes", reply.startswith("HTTP/1.1 401") and time.monotonic() - begun < 2 * PATIENCE, reply)
    reply = gateway.say(b"POST /v2/pipelines/twice/infer HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
    judge.expect("and is not told to send it", reply.startswith("HTTP/1.1 401"), reply)


def is_reached(address, port):
    try:
        socket.create_connection((address, port), timeout=SECONDS_MAX).close()
        return True
    except ConnectionRefusedError:
        return False


def listens_on_loopback_alone(judge, gateway, *ports):
    judge.expect("without --host it listens at 127.0.0.1", all(is_reached("127.0.0.1", port) for port in ports), gateway.words)
    judge.expect("and at no other address", not any(is_reached("127.0.0.2", port) for port in ports), gateway.words)


def keeps_credentials(judge, gateway, keys):
    token = keys.token()
    sent = [bearer(token), ("Cookie", "a=b"), ("x-mine", "goes")]
    status, answer, _ = gateway.infer("heard", *sent)
    seen = {one["name"]: one["data"][0] for one in answer["outputs"]} if status == 200 else {}
    seen.pop("x", None)
    judge.expect("credentials stay at the gateway", seen == {"authorization": "none", "cookie": "none", "key": "none", "mine": "goes"}, (status, answer))
    status, answer, _ = gateway.infer("heard", ("x-api-key", KEY))
    seen = {one["name"]: one["data"][0] for one in answer["outputs"]} if status == 200 else {}
    judge.expect("so do keys", seen.get("key") == "none", (status, answer))
    for wrong in (token[:-8] + "AAAAAAAA", keys.token(kid="nobody")):
        gateway.infer("heard", bearer(wrong))
    gateway.infer("heard", ("x-api-key", KEY + "x"))
    judge.expect("none is logged, right or wrong", not any(secret in gateway.words for secret in (token[:-8], wrong, KEY, "a=b")), gateway.words)


def limits_rates(judge, start):
    gateway = start("--rate", "0.2", "--burst", "2", "--proxy", "127.0.0.1")

    def call(*headers):
        return gateway.infer("twice", *headers)

    judge.expect("a burst passes", [call()[0] for _ in range(2)] == [200, 200])
    status, answer, headers = call()
    judge.expect("then it is too many", status == 429 and answer["kind"] == "LIMIT" and 1 <= int(headers.get("retry-after", 0)) <= 5,
                 (status, answer, headers))
    first, second = ("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-For", "192.0.2.8")
    judge.expect("behind a listed proxy callers have addresses of their own", [call(first)[0] for _ in range(3)] == [200, 200, 429])
    judge.expect("another has a limit of its own", call(second)[0] == 200)
    judge.expect("what a caller wrote before the proxy's entry does not count, in a line of its own either",
                 call(("X-Forwarded-For", "198.51.100.1"), first)[0] == 429 and call(("X-Forwarded-For", "198.51.100.1, 192.0.2.7"))[0] == 429)
    judge.expect("the last line is the nearest proxy's", call(first, ("X-Forwarded-For", "192.0.2.9"))[0] == 200)
    gateway.stop()
    gateway = start("--rate", "0.2", "--burst", "1")
    judge.expect("who is no listed proxy is not believed",
                 [gateway.infer("twice", ("X-Forwarded-For", f"192.0.2.{i}"))[0] for i in range(2)] == [200, 429])
    gateway.stop()


def follows_files(judge, gateway, keys):
    """Of the keys, the policies and the key set"""
    key = "another-key-of-enough-length"
    line = "second:" + hashlib.sha256(key.encode()).hexdigest() + "\n"
    with open(keys.path("api-keys"), encoding="utf-8") as file:
        before = file.read()
    policies = POLICIES.replace("key:billing", "key:billing, key:second")
    judge.expect("a key that is not listed is refused", gateway.infer("twice", ("x-api-key", key))[0] == 401)
    keys.write("api-keys", before + line)
    keys.write("policies.yaml", policies)
    keys.rsa("rotated")
    keys.write_set(("rotated", "two"))
    gateway.process.send_signal(signal.SIGHUP)
    judge.expect("SIGHUP reads the files", gateway.says("the files were read again"), gateway.words)
    status, answer, _ = gateway.infer("twice", ("x-api-key", key))
    judge.expect("a new key and its policy are in force", status == 200, (status, answer))
    judge.expect("so are new keys of tokens", gateway.infer("twice", bearer(keys.token(key="rotated", kid="two")))[0] == 200)
    judge.expect("and the old ones are not", gateway.infer("twice", bearer(keys.token()))[0] == 401)
    for name, text in (("api-keys", "billing:nonsense\n"), ("policies.yaml", "policies: [{subject: nonsense}]\n"), ("jwks.json", "{}")):
        with open(keys.path(name), encoding="utf-8") as file:
            good = file.read()
        keys.write(name, text)
        times = gateway.words.count("unchanged") + 1
        gateway.process.send_signal(signal.SIGHUP)
        judge.expect(f"a bad {name} is refused", gateway.says("unchanged", times), gateway.words)
        judge.expect("and the old one stays", gateway.infer("twice", ("x-api-key", key))[0] == 200
                     and gateway.infer("secret", ("x-api-key", key))[0] == 403
                     and gateway.infer("twice", bearer(keys.token(key="rotated", kid="two")))[0] == 200)
        keys.write(name, good)
    with open(keys.path("jwks.json"), encoding="utf-8") as file:
        good = file.read()
    for text, status in (('{"keys": []}', 401), (good, 200)):
        keys.write("jwks.json", text)
        gateway.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + SECONDS_MAX
        while (seen := gateway.infer("twice", bearer(keys.token(key="rotated", kid="two")))[0]) != status and time.monotonic() < end:
            time.sleep(0.1)
        judge.expect("an empty key set withdraws all keys, until there are keys again", seen == status, (text, seen))
    judge.expect("and the log tells it", gateway.words.count("the key set of tokens is empty, so all tokens are refused") == 1, gateway.words)
    keys.write("api-keys", before)
    end = time.monotonic() + SECONDS_MAX
    while gateway.infer("twice", ("x-api-key", key))[0] == 200 and time.monotonic() < end:
        time.sleep(0.1)
    judge.expect("a key that was taken out is refused, without a signal", gateway.infer("twice", ("x-api-key", key))[0] == 401
                 and gateway.infer("twice", ("x-api-key", KEY))[0] == 200, gateway.words)


class KeyServer(http.server.BaseHTTPRequestHandler):
    """Of a key set, which is `body`; None: it is ill"""
    body = None

    def do_GET(self):
        self.send_response(500 if KeyServer.body is None else 200)
        self.end_headers()
        self.wfile.write(KeyServer.body or b"ill")

    def log_message(self, *_):
        pass


def is_not_ready_without_keys(judge, start, keys):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KeyServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address, metrics = f"127.0.0.1:{server.server_address[1]}", free_port()
    gateway = start("--jwks", f"http://{address}/keys?secret=1", "--metrics", str(metrics))
    judge.expect("the log names the address of the keys, and the cause", gateway.says(f"from http://{address}/keys: the server of the keys answered 500;")
                 and "secret" not in gateway.words, gateway.words)
    judge.expect("it is a warning that says what happens to tokens", '"level":"warn","message":"the key set of tokens cannot be fetched from' in gateway.words
                 and "all tokens are refused (503) meanwhile" in gateway.words, gateway.words)

    def read(path):
        beside = http.client.HTTPConnection("127.0.0.1", metrics, timeout=SECONDS_MAX)
        beside.request("GET", path)
        answer = beside.getresponse()
        return answer.status, answer.read().decode()

    def ready():
        return [gateway.ask("GET", "/v2/health/ready")[:2], read("/ready")]

    def has(*rows):
        text = read("/metrics")[1]
        judge.expect("metrics have it", all(re.search("^sluice_gateway_" + row, text, re.M) for row in rows), (rows, text))
        return text

    for status, answer in ready():
        judge.expect("without keys it is not ready, and says why", status == 503 and "keys that tokens are verified with" in str(answer)
                     and address not in str(answer), (status, answer))
    text = has("key_fetches_failed_total [1-9]", *(f'reloads_failed_total.what="{what}". 0' for what in ("certificate", "policies", "api-keys")))
    judge.expect("without keys they have no age", not re.search("^sluice_gateway_key_set_age_seconds", text, re.M), text)
    with open(keys.path("jwks.json"), "rb") as file:
        KeyServer.body = file.read()
    end = time.monotonic() + 2 * SECONDS_MAX
    while ready()[0][0] != 200 and time.monotonic() < end:
        time.sleep(0.1)
    judge.expect("with keys it is", [status for status, _ in ready()] == [200, 200] and gateway.says("the key set of tokens is fetched again, after ")
                 and gateway.words.count("the key set of tokens cannot be fetched") == 1, gateway.words)
    has("key_set_age_seconds [0-9]")
    gateway.stop()
    server.shutdown()


def follows_pipelines(judge, start, keys):
    folder = keys.path("more")
    os.makedirs(folder)
    shutil.copy(keys.path("pipelines.yaml"), os.path.join(folder, "pipelines.yaml"))
    gateway = start(files=folder)
    later = os.path.join(folder, "later.yaml")
    with open(later, "w", encoding="utf-8") as file:
        file.write(PIPELINE % ("later", "  - {name: half, expression: {set: {x: x / 2}}}\n  output: {steps: [half]}\n"))
    judge.expect("a pipeline that is not read yet is not there", gateway.ask("GET", "/v2/pipelines/later")[0] == 404)
    gateway.process.send_signal(signal.SIGHUP)
    judge.expect("SIGHUP reads the pipelines", gateway.says("the files were read again"), gateway.words)
    judge.expect("and they are there", gateway.ask("GET", "/v2/pipelines/later")[0] == 200 and gateway.infer("twice")[0] == 200)
    with open(later, "w", encoding="utf-8") as file:
        file.write("kind: Nonsense\n")
    gateway.process.send_signal(signal.SIGHUP)
    judge.expect("files with a fault change nothing", gateway.says("unchanged") and gateway.ask("GET", "/v2/pipelines/later")[0] == 200
                 and gateway.infer("twice")[0] == 200, gateway.words)
    judge.expect("which is an error, in the words of an engine",
                 gateway.says('"level":"error","message":"reload rejected: the files have errors. The running version is unchanged"'), gateway.words)
    judge.expect("it ends well", gateway.stop() == 0)
    drains_within_a_limit(judge, start, keys.path("unread.yaml"))


def drains_within_a_limit(judge, start, files):
    """The call that is open is to a pipeline that no engine runs"""
    with open(files, "w", encoding="utf-8") as file:
        file.write(PIPELINE % ("unread", "  - {name: half, expression: {set: {x: x / 2}}}\n  output: {steps: [half]}\n"))
    gateway, ended = start("--drain", "500ms", files=files), []

    def call():
        try:
            ended.append(gateway.infer("unread"))
        except OSError:
            ended.append("reset")
    caller = threading.Thread(target=call)
    caller.start()
    time.sleep(0.5 * PATIENCE)
    begun = time.monotonic()
    code = gateway.stop()
    caller.join()
    status, answer, headers = ended[0] if ended[0] != "reset" else (0, {}, {})
    judge.expect("a call that is open for longer gets 503", code == 0 and status == 503 and "the gateway is stopping" in answer["error"]
                 and 0.35 < time.monotonic() - begun < 5 * PATIENCE, (code, ended, time.monotonic() - begun, gateway.words))
    judge.expect("with the place where a later answer is found", headers.get("location", "").startswith("/v2/pipelines/unread/requests/")
                 and headers["location"] in answer["error"] and ".inputs/" in answer["place"], (answer, headers))
    judge.expect("and the log says so", "1 call without an answer in the time of --drain got 503" in gateway.words, gateway.words)


def an_engine_drains_within_a_limit(judge, start, folder):
    """The gateway of `sluice run`: its open call is to a model that answers much later, for which its engine does not wait either. In a
    namespace of its own, whose group has no members that have gone"""
    os.makedirs(folder)
    port, ended = free_port(), []
    with open(os.path.join(folder, "files.yaml"), "w", encoding="utf-8") as file:
        file.write(PIPELINE % ("hangs", "  - {name: never}\n  output: {steps: [never]}\n") + "---\n"
                   + PIPELINE % ("answers", "  - {name: same, expression: {set: {x: x}}}\n  output: {steps: [same]}\n") + "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: never}\nspec: {storageUri: 'stub://slow?ms=60000'}\n")
    models = subprocess.Popen([start.binary, "models", "serve", folder, "-o", "json"], stdout=subprocess.PIPE, text=True)
    server = "never=" + json.loads(models.stdout.readline())["rest"]
    engine = start("--http", str(port), "--server", server, "--drain", f"{600 * PATIENCE}ms", "-n", "draining", files=folder, port=port)

    def call():
        try:
            ended.append(engine.infer("hangs")[0])
        except OSError:
            ended.append("reset")
    judge.expect("an engine answers first", engine.infer("answers", ("x-timeout-ms", "9000"))[0] == 200, engine.words)
    caller = threading.Thread(target=call)
    caller.start()
    time.sleep(PATIENCE)
    begun = time.monotonic()
    engine.process.terminate()
    time.sleep(0.3)
    judge.expect("an engine waits for its gateway's calls", engine.process.poll() is None and not ended, (ended, engine.words))
    try:
        code = engine.process.wait(SECONDS_MAX)
    except subprocess.TimeoutExpired:
        code = "it goes on"
        engine.process.kill()
    caller.join()
    judge.expect("and no longer than it may", code == 0 and ended and ended[0] != 200 and 0.5 * PATIENCE < time.monotonic() - begun < 5 * PATIENCE,
                 (code, ended, time.monotonic() - begun, engine.words))
    models.terminate()
    models.wait(SECONDS_MAX)


def serves_while_kafka_hangs(judge, start, broker):
    """A reload asks Kafka for its topics and their limits. Callers do not wait for that"""
    gateway, waits = start(), []
    broker.send_signal(signal.SIGSTOP)
    try:
        gateway.process.send_signal(signal.SIGHUP)
        for _ in range(20):
            begin = time.monotonic()
            waits.append((gateway.ask("GET", "/v2/health/live")[0], time.monotonic() - begin))
            time.sleep(0.05)
        judge.expect("a reload while Kafka hangs does not keep callers waiting", all(status == 200 and wait < 0.5 * PATIENCE for status, wait in waits), waits)
        judge.expect("and it is not over", "read again" not in gateway.words, gateway.words)
    finally:
        broker.send_signal(signal.SIGCONT)
    judge.expect("then it goes on", gateway.says("the files were read again") and gateway.infer("twice")[0] == 200, gateway.words)
    judge.expect("and the gateway ends well", gateway.stop() == 0)


def checks_again_after_a_reload(judge, start, keys):
    """A request whose head came before the files changed, and its body after it: its name is now a Model, which its caller may not ask"""
    folder = keys.path("changing")
    os.makedirs(folder)

    def write(text):
        with open(os.path.join(folder, "files.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
    write(PIPELINE % PIPELINES[0])
    gateway = start("--api-keys", keys.path("api-keys"), "--policies", keys.path("policies.yaml"), files=folder)
    judge.expect("what the policies name in vain is told at start, with its place", gateway.says("no pipeline is called `heard`")
                 and re.search(r"policies\.yaml:2:\d+: no pipeline", gateway.words) and "called `twice`" not in gateway.words, gateway.words)
    body = json.dumps(request(21.0)).encode()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS_MAX) as caller:
        caller.sendall(b"POST /v2/models/twice/infer HTTP/1.1\r\nHost: h\r\nx-api-key: %s\r\nContent-Length: %d\r\n\r\n" % (KEY.encode(), len(body)))
        time.sleep(0.3 * PATIENCE)
        write("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: twice}\nspec: {storageUri: 'stub://expression?x=x'}\n")
        gateway.process.send_signal(signal.SIGHUP)
        judge.expect("the files change while a request is on its way", gateway.says("the files were read again"), gateway.words)
        caller.sendall(body)
        answer = caller.recv(1 << 16)
    judge.expect("it is checked again by what its name is then", b" 403 " in answer.split(b"\r\n")[0], answer)
    gateway.stop()


def speaks_tls(judge, start, keys):
    keys.revoke()
    files = ["--certificate", keys.path("server.pem"), "--key", keys.path("server.key"), "--authorities", keys.path("ca.pem"),
             "--revocations", keys.path("crl.pem")]
    shutil.copy(keys.path("first.pem"), keys.path("server.pem"))
    shutil.copy(keys.path("first.key"), keys.path("server.key"))
    gateway = start(*files, "--policies", keys.path("policies.yaml"))

    def caller(name):
        context = ssl.create_default_context(cafile=keys.path("ca.pem"))
        if name:
            context.load_cert_chain(keys.path(name + ".pem"), keys.path(name + ".key"))
        return context

    def served():
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS_MAX) as plain:
            with caller("batch").wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                return dict(row[0] for row in connection.getpeercert()["subject"])["commonName"]

    def resumes(context):
        session = None
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS_MAX) as plain:
                with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as connection:
                    connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    connection.recv(4096)
                    session, resumed = connection.session, connection.session_reused
        return resumed

    gateway.context = caller("batch")
    judge.expect("a certificate is who a caller is", gateway.infer("twice")[0] == 200 and gateway.infer("secret")[0] == 403)
    judge.expect("no session is resumed, which nobody would verify again", not resumes(caller("batch")))
    gateway.context = caller("other")
    judge.expect("another's is another", gateway.infer("twice")[0] == 403)
    gateway.context = caller("workload")
    status, answer, _ = gateway.infer("secret")
    judge.expect("a URI in it is who a caller is, too", gateway.infer("twice")[0] == 200 and status == 403
                 and "certificate:spiffe://example/workload" in answer["error"], answer)
    gateway.context = caller(None)
    try:
        status = gateway.infer("twice")[0]
    except OSError as error:
        status = error
    judge.expect("without one nobody comes in", isinstance(status, OSError), status)
    gateway.context = caller("batch")
    shutil.copy(keys.path("second.pem"), keys.path("server.pem"))
    judge.expect("a certificate whose key is another's is refused", gateway.says("is not that of the certificate"), gateway.words)
    judge.expect("and the old one stays", gateway.infer("twice")[0] == 200 and served() == "first")
    times = gateway.words.count("is not that of the certificate") + 1
    gateway.process.send_signal(signal.SIGHUP)
    judge.expect("by SIGHUP, too", gateway.says("is not that of the certificate", times) and gateway.infer("twice")[0] == 200 and served() == "first",
                 gateway.words)
    judge.expect("which is an error, in the words of an engine",
                 gateway.says('"level":"error","message":"reload rejected: the certificate has errors. The running version is unchanged"'), gateway.words)
    shutil.copy(keys.path("second.key"), keys.path("server.key"))
    judge.expect("with its key it is taken", gateway.says("the certificate was reloaded") and served() == "second", gateway.words)
    times = gateway.words.count("the certificate was reloaded") + 1
    keys.revoke("batch")
    judge.expect("a list of revoked certificates is loaded when it changes", gateway.says("the certificate was reloaded", times), gateway.words)
    try:
        status = gateway.infer("twice")[0]
    except OSError as error:
        status = error
    judge.expect("a caller whose certificate was revoked does not come in", isinstance(status, OSError), status)
    gateway.context = caller("other")
    judge.expect("and others do", gateway.infer("twice")[0] == 403)
    gateway.stop()


def shares_a_port(judge, start, keys):
    """REST over HTTP/1.1 and HTTP/2 and gRPC at one port, without and with TLS, whose ALPN offers both"""
    message = infer_message("twice", 21.0)
    for files in ([], ["--certificate", keys.path("server.pem"), "--key", keys.path("server.key"), "--authorities", keys.path("ca.pem")]):
        shutil.copy(keys.path("first.pem"), keys.path("server.pem"))
        shutil.copy(keys.path("first.key"), keys.path("server.key"))
        gateway = start(*files, *(["--policies", keys.path("policies.yaml")] if files else []), shares=True)
        scheme, named = ("https", "with TLS") if files else ("http", "without TLS")
        mine = ["--cacert", keys.path("ca.pem"), "--cert", keys.path("batch.pem"), "--key", keys.path("batch.key")] if files else []

        def ask(path, body, *words):
            done = subprocess.run(["curl", "-s", "-m", str(SECONDS_MAX), *mine, *words, "--data-binary", "@-", "-w", "\n%{http_version} %{http_code}",
                                   f"{scheme}://127.0.0.1:{gateway.port}{path}"], input=body, capture_output=True)
            body, _, told = done.stdout.rpartition(b"\n")
            return told.decode(), body

        body = json.dumps(request(21.0)).encode()
        for version, words in (("1.1", ["--http1.1"]), ("2", ["--http2"] if files else ["--http2-prior-knowledge"])):
            told, answer = ask("/v2/pipelines/twice/infer", body, *words)
            judge.expect(f"REST over HTTP/{version} {named} shares its port with gRPC", told == f"{version} 200" and b"42" in answer, (told, answer))
            told, answer = ask("/v2/pipelines/twice/infer", b"x" * 3000000, *words)
            judge.expect(f"too long a body over HTTP/{version} {named} is refused", told == f"{version} 413", (told, answer))
            # Policies are asked before the body. With one, curl 7.88 takes the stream's end without an error (RFC 9113, 8.1) for one.
            told, answer = ask("/v2/pipelines/secret/infer", b"" if files else body, *words)
            judge.expect(f"policies hold over HTTP/{version} {named}", told == f"{version} {403 if files else 200}", (told, answer))
        told, answer = ask("/inference.GRPCInferenceService/ModelInfer", b"\0" + struct.pack(">I", len(message)) + message, *words,
                           "-H", "content-type: application/grpc", "-H", "te: trailers")
        judge.expect(f"and gRPC {named}", told == "2 200" and struct.pack("<d", 42.0) in answer, (told, answer))
        if files:
            shutil.copy(keys.path("second.pem"), keys.path("server.pem"))
            shutil.copy(keys.path("second.key"), keys.path("server.key"))
            judge.expect("its certificate is replaced", gateway.says("the certificate was reloaded"), gateway.words)
        judge.expect(f"a shared port {named} ends well", gateway.stop() == 0)


def listens_as_the_runtime_asks(judge, start, keys):
    """The reference's file, whose key set is replaced by an option"""
    folder = keys.path("guarded")
    os.makedirs(folder)
    shutil.copy(keys.path("pipelines.yaml"), os.path.join(folder, "pipelines.yaml"))
    shutil.copy(os.path.join(ROOT, "tests", "reference", "runtime-security.yaml"), os.path.join(folder, "runtime.yaml"))
    tls = ["--certificate", keys.path("first.pem"), "--key", keys.path("first.key")]
    for more, words in (([], "name their file"), (["--policies", keys.path("policies.yaml")], "there is no certificate"), (tls, "name their file")):
        gateway = start(*more, files=folder, host="0.0.0.0")
        judge.expect(f"it refuses to listen: {words}", not gateway.started and gateway.process.returncode != 0 and words in gateway.words,
                     (more, gateway.words))
    gateway = start(*tls, "--policies", keys.path("policies.yaml"), files=folder, host="0.0.0.0")
    judge.expect("with all of it, it listens", gateway.started, gateway.words)
    gateway.context = ssl.create_default_context(cafile=keys.path("ca.pem"))
    status, answer, headers = gateway.infer("twice", bearer(keys.token()))
    judge.expect("while the issuer's keys are not there, tokens wait", status == 503 and int(headers["retry-after"]) > 0, (status, answer))
    status, answer, _ = gateway.ask("GET", "/v2/health/ready")
    judge.expect("and it is not ready", status == 503 and "keys that tokens are verified with" in str(answer) and "auth" not in str(answer), (status, answer))
    gateway.stop()
    gateway = start(*tls, "--policies", keys.path("policies.yaml"), "--jwks", keys.path("jwks.json"), files=folder, host="0.0.0.0")
    gateway.context = ssl.create_default_context(cafile=keys.path("ca.pem"))
    judge.expect("an option's keys go before the file's", gateway.infer("twice", bearer(keys.token()))[0] == 200
                 and gateway.infer("twice")[0] == 401)
    gateway.stop()


def renews_its_certificate_inside_an_engine(judge, start, keys):
    """`sluice run` with a gateway: without a signal, over HTTP and gRPC, also if the key comes before its certificate"""
    shutil.copy(keys.path("first.pem"), keys.path("server.pem"))
    shutil.copy(keys.path("first.key"), keys.path("server.key"))
    port, grpc_port = free_port(), free_port()
    files = keys.write("renewed.yaml", PIPELINE % ("renewed", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n"))
    engine = start("--http", str(port), "--grpc", str(grpc_port), "--certificate", keys.path("server.pem"), "--key", keys.path("server.key"), port=port,
                   waits_for="are served by gRPC with TLS", host=None, files=files)
    judge.expect("an engine's gateway has TLS", engine.started, engine.words)
    listens_on_loopback_alone(judge, engine, port, grpc_port)

    def served(port):
        context = ssl.create_default_context(cafile=keys.path("ca.pem"))
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                return dict(row[0] for row in connection.getpeercert()["subject"])["commonName"]

    judge.expect("it shows the first certificate", served(port) == served(grpc_port) == "first")
    shutil.copy(keys.path("second.key"), keys.path("server.key"))
    judge.expect("a key of another certificate is refused", engine.says("the former certificate stays in use"), engine.words)
    judge.expect("and the first one stays", served(port) == served(grpc_port) == "first")
    shutil.copy(keys.path("second.pem"), keys.path("server.pem"))
    judge.expect("a renewed certificate is loaded without a signal", engine.says("the certificate was reloaded")
                 and served(port) == served(grpc_port) == "second", engine.words)
    judge.expect("it ends well, too", engine.stop() == 0, engine.words)


def runs_inside_an_engine(judge, start, keys):
    """With pipelines that nobody else runs"""
    folder, port = keys.path("inside"), free_port()
    os.makedirs(folder)

    def write(name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    write("pipelines.yaml", PIPELINE % ("inner", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n"))
    write("slow.yaml", PIPELINE % ("slow", "  - {name: late}\n  output: {steps: [late]}\n"))
    write("model.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: late}\nspec: {storageUri: 'stub://slow?ms=%d'}\n" % (1500 * PATIENCE))
    models = subprocess.Popen([start.binary, "models", "serve", folder, "-o", "json"], stdout=subprocess.PIPE, text=True)
    server = "late=" + json.loads(models.stdout.readline())["rest"]
    grpc_port = free_port()
    both = ["--http", str(port), "--grpc", str(grpc_port), "--api-keys", keys.path("api-keys"), "--server", server]
    engine = start(*both, files=folder, port=port)
    judge.expect("an engine has a gateway inside", engine.started, engine.words)

    def answers(pipeline, *headers):
        end = time.monotonic() + SECONDS_MAX
        while (status := engine.infer(pipeline, *headers)[0]) not in (200, 401, 404) and time.monotonic() < end:
            pass
        return status

    judge.expect("which asks who calls", engine.infer("inner")[0] == 401)
    judge.expect("and answers", answers("inner", ("x-api-key", KEY)) == 200 and answers("slow", ("x-api-key", KEY)) == 200, engine.words)
    judge.expect("so it does by gRPC", struct.pack("<d", 42) in ask_grpc(grpc_port, "ModelInfer", infer_message("inner", 21), ("x-api-key", KEY))
                 and engine.says(f"pipelines are served by gRPC at 127.0.0.1:{grpc_port}"), engine.words)
    judge.expect("where it asks, too", ask_grpc(grpc_port, "ModelInfer", infer_message("inner", 21)) == b"")
    write("later.yaml", PIPELINE % ("later", "  - {name: half, expression: {set: {x: x / 2}}}\n  output: {steps: [half]}\n"))
    engine.process.send_signal(signal.SIGHUP)
    judge.expect("it follows the files with its engine", engine.says("the files were reloaded")
                 and answers("later", ("x-api-key", KEY)) == 200, engine.words)
    write("runtime.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec: {config: {securityConfig: {encryption: {enabled: true}}}}\n")
    engine.process.send_signal(signal.SIGHUP)
    judge.expect("files that ask for more than it has are refused", engine.says("there is no certificate")
                 and answers("later", ("x-api-key", KEY)) == 200, engine.words)
    for name, words in (("no-such-set.json", "no-such-set.json"), ("api-keys", "key set")):
        write("runtime.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec: {config: {securityConfig: "
                              "{authentication: {enabled: true, type: jwt, jwksUri: 'file:%s'}}}}\n" % keys.path(name))
        rejected = sum("reload rejected" in line for line in engine.words.splitlines())
        engine.process.send_signal(signal.SIGHUP)
        judge.expect(f"so are files that name {name} as keys of tokens", engine.says("reload rejected", rejected + 1) and words in engine.words
                     and answers("later", ("x-api-key", KEY)) == 200 and "the gateway has stopped" not in engine.words, engine.words)
    os.remove(os.path.join(folder, "runtime.yaml"))
    found = []
    caller = threading.Thread(target=lambda: found.append(engine.infer("slow", ("x-api-key", KEY))))
    caller.start()
    time.sleep(0.5 * PATIENCE)
    engine.process.terminate()
    time.sleep(0.3)
    try:
        engine.ask("GET", "/v2/health/ready")
        is_open = True
    except OSError:
        is_open = False
    judge.expect("nobody new comes in meanwhile", not is_open and not found, found)
    caller.join()
    judge.expect("what is open when it is stopped is answered", found[0][0] == 200, (found, engine.words))
    judge.expect("it ends well", engine.stop() == 0, engine.words)
    service, by_grpc = "{serviceConfig: {http: {enabled: %s, port: %d}}}", "{serviceConfig: {grpc: {port: %d}}}"
    text = "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec: {config: %s}\n"
    port = free_port()
    write("runtime.yaml", text % (service % ("true", port)))
    engine = start("--server", server, files=folder, port=port)
    judge.expect("serviceConfig opens one, too", engine.started and engine.ask("GET", "/v2/health/ready")[0] == 200, engine.words)
    engine.stop()
    write("runtime.yaml", text % (service % ("false", port)))
    engine = start("--server", server, files=folder, port=port, waits_for="at least once")
    try:
        engine.ask("GET", "/v2/health/ready")
        is_open = True
    except OSError:
        is_open = False
    judge.expect("and not when it is switched off", engine.started and not is_open, engine.words)
    engine.stop()
    write("runtime.yaml", text % (by_grpc % grpc_port))
    engine = start("--server", server, files=folder, port=port, waits_for="served by gRPC")
    judge.expect("gRPC may be served alone", engine.started and ask_grpc(grpc_port, "ServerReady", b"").endswith(b"\x08\x01")
                 and "served at" not in engine.words, engine.words)
    judge.expect("and it ends well", engine.stop() == 0, engine.words)
    models.terminate()
    models.wait(SECONDS_MAX)


def lets_pages_of_listed_origins_in(judge, start, keys):
    gateway = start("--api-keys", keys.path("api-keys"), "--cors-origin", "https://app.example", "--cors-origin", "http://localhost:3000")
    path, key = "/v2/pipelines/twice/infer", ("x-api-key", KEY)

    def preflight(origin, path=path):
        return gateway.ask("OPTIONS", path, None, [("Origin", origin), ("Access-Control-Request-Method", "POST"),
                                                   ("Access-Control-Request-Headers", "content-type,x-api-key")])

    for origin in ("https://app.example", "http://localhost:3000"):
        status, answer, headers = preflight(origin)
        judge.expect("a preflight needs no credentials", status == 204 and headers.get("access-control-allow-origin") == origin
                     and headers.get("access-control-allow-methods") == "POST" and headers.get("vary") == "Origin"
                     and headers.get("access-control-allow-headers") == "content-type,x-api-key", (status, headers))
        status, answer, headers = gateway.infer("twice", key, ("Origin", origin))
        judge.expect("the page may read the answer", status == 200 and headers.get("access-control-allow-origin") == origin
                     and headers.get("access-control-expose-headers") == "*", (status, headers))
        for status, _, headers in (gateway.infer("twice", ("Origin", origin)), gateway.ask("GET", "/nothing", None, [("Origin", origin)])):
            judge.expect("and a refusal", status in (401, 404) and headers.get("access-control-allow-origin") == origin, (status, headers))
    status, _, headers = preflight("https://evil.example")
    judge.expect("another page may not ask", status == 403 and "access-control-allow-origin" not in headers, (status, headers))
    status, _, headers = gateway.infer("twice", key, ("Origin", "https://app.example.evil"))
    judge.expect("nor read", status == 200 and "access-control-allow-origin" not in headers and headers.get("vary") == "Origin", headers)
    status, _, headers = gateway.ask("OPTIONS", path)
    judge.expect("OPTIONS of no page names the methods of the path", status == 204 and headers.get("allow") == "POST, OPTIONS" and
                 "access-control-allow-methods" not in headers, (status, headers))
    judge.expect("nor a path that is not there", preflight("https://app.example", "/nothing")[0] == 404)
    gateway.stop()
    gateway = start("--cors-origin", "http://localhost:3000")
    judge.expect("a page of a listed origin may send what needs no preflight", gateway.infer("twice", ("Origin", "http://localhost:3000"))[0] == 200)
    judge.expect("and of another one may not", gateway.infer("twice", ("Origin", "http://localhost:3001"))[0] == 403)
    gateway.stop()
    gateway = start("--cors-origin", "*")
    status, _, headers = gateway.infer("twice", ("Origin", "https://any.example"))
    judge.expect("* is every origin", status == 200 and headers.get("access-control-allow-origin") == "*" and "vary" not in headers, headers)
    gateway.stop()
    gateway = start()
    json_type = ("Content-Type", "application/json")
    for status, _, headers in (preflight("https://app.example"), gateway.infer("twice", ("Origin", "https://app.example"), json_type)):
        judge.expect("without an origin there is no CORS", status in (200, 204) and not any("access-control" in name for name in headers), headers)
    for form in ((), (("Content-Type", "application/x-www-form-urlencoded"),)):
        for called in (path, "/v2/pipelines/twice/feedback"):
            for origin in ("https://evil.example", "null"):
                status, answer, _ = gateway.ask("POST", called, request(21.0), (("Origin", origin), *form))
                judge.expect("a page sends nothing that comes without a preflight", status == 403 and "may not call" in answer["error"], (status, answer))
        judge.expect("others do", gateway.infer("twice", *form)[0] == 200)
    gateway.stop()


def polls_after_a_restart(judge, start, keys):
    """The broker and the engine are those of `sluice dev`, so any gateway finds what another has submitted"""
    policies = keys.write("submit.yaml", "policies:\n- {subject: key:billing, resource: pipeline/twice, verb: [submit, poll, watch]}\n"
                          "- {subject: key:third, resource: pipeline/twice, verb: poll}\n"
                          "- {subject: key:other, resource: '*', verb: [infer, cancel]}\n")
    access = ["--api-keys", keys.path("two-keys"), "--policies", policies]
    with open(keys.path("api-keys"), encoding="utf-8") as file:
        both = file.read() + "other:" + hashlib.sha256(b"another-key-that-is-long").hexdigest() + "\n"
        both += "third:" + hashlib.sha256(b"a-third-key-that-is-long").hexdigest() + "\n"
    keys.write("two-keys", both)
    mine, other, submits = ("x-api-key", KEY), ("x-api-key", "another-key-that-is-long"), ("Prefer", "respond-async")
    gateway = start(*access)
    judge.expect("who may infer may not submit", gateway.infer("twice", other, submits)[0] == 403 and gateway.infer("twice", other)[0] == 200)
    judge.expect("nor the other way round", gateway.infer("twice", mine)[0] == 403)
    status, answer, headers = gateway.infer("twice", mine, submits)
    judge.expect("a request is submitted", status == 202 and headers["location"].endswith(answer["id"]), (status, answer))
    gateway.stop()
    gateway = start(*access)
    end = time.monotonic() + SECONDS_MAX
    while (found := gateway.ask("GET", headers["location"], None, [mine]))[0] == 202 and time.monotonic() < end:
        time.sleep(0.05)
    judge.expect("another gateway finds its answer", found[0] == 200 and number_of(found[1]) == 42, found)
    judge.expect("for those who may poll", gateway.ask("GET", headers["location"], None, [other])[0] == 403
                 and gateway.ask("GET", headers["location"])[0] == 401)
    watch = headers["location"] + "/watch"
    status, events, headers = gateway.ask("GET", watch, None, [mine])
    judge.expect("and watches it", status == 200 and headers.get("content-type") == "text/event-stream"
                 and b"event: accepted" in events and b"event: answer" in events, (status, events, headers))
    place = watch.rsplit("/", 1)[0]
    judge.expect("who may poll may not cancel", gateway.ask("DELETE", place, None, [mine])[0] == 403 and gateway.ask("DELETE", place)[0] == 401)
    judge.expect("unless that is allowed", gateway.ask("DELETE", place, None, [other])[0] == 409)
    third = ("x-api-key", "a-third-key-that-is-long")
    judge.expect("who may poll may not watch", gateway.ask("GET", watch, None, [third])[0] == 403 and gateway.ask("GET", watch)[0] == 401)
    found = []
    polls = [threading.Thread(target=lambda: found.append(gateway.ask("GET", place, None, [mine]))) for _ in range(40)]
    for poll in polls:
        poll.start()
    others = [gateway.ask("GET", place, None, [third])[0] for _ in range(2)]
    for poll in polls:
        poll.join()
    refused = [(answer, headers) for status, answer, headers in found if status == 429]
    judge.expect("a caller has a share of the polls", refused and {status for status, _, _ in found} == {200, 429}, found)
    judge.expect("who polls more is told when to come again", all(headers.get("retry-after") == "1" and "share of polls" in answer["error"]
                                                                  and answer["kind"] == "LIMIT" for answer, headers in refused), refused)
    judge.expect("and others poll meanwhile", others == [200, 200], others)
    gateway.stop()


def polls_what_was_late(judge, start, keys):
    """A 504 names a path, by which any gateway finds an answer (kafka/gateway.sh has one). No engine runs this pipeline"""
    files, port = keys.write("late.yaml", PIPELINE % ("late", "  - {name: half, expression: {set: {x: x / 2}}}\n  output: {steps: [half]}\n")), free_port()
    start("--http", str(port), files=files, port=port).stop()  # which creates the topic of outputs
    gateway = start("--api-keys", keys.path("api-keys"), files=files)
    key = ("x-api-key", KEY)
    status, answer, headers = gateway.infer("late", key, ("x-timeout-ms", "600"), ("x-request-id", "mine"))
    place = headers.get("location", "")
    judge.expect("who waited in vain is told where an answer would be", status == 504 and place.startswith("/v2/pipelines/late/requests/")
                 and f"GET {place}" in answer["error"] and answer["id"] == "mine", (status, answer, headers))
    status, answer, _ = gateway.infer("late", key, ("x-timeout-ms", "600"), ("idempotency-key", "late"))
    judge.expect("so is who gave an idempotency key", status == 504 and "/requests/" in answer["error"], (status, answer))
    gateway.stop()
    gateway = start("--api-keys", keys.path("api-keys"), files=files)
    status, answer, _ = gateway.ask("GET", place, None, [key])
    judge.expect("nothing is there yet", status == 202 and answer["status"] == "pending", (status, answer))
    status, answer, _ = gateway.ask("DELETE", place, None, [key])
    judge.expect("what its caller waited for is not cancelled", status == 409 and "only submitted requests" in answer["error"], (status, answer))
    judge.expect("credentials are asked for there", gateway.ask("GET", place)[0] == 401)
    forged = place[:-1] + ("0" if place[-1] != "0" else "1")
    judge.expect("who knows the place alone finds nothing", gateway.ask("GET", forged, None, [key])[0] == 404)
    gateway.stop()


def explanations_are_of_their_caller(judge, start, keys):
    """Callers choose ids, which others may guess: what a gateway took from one, another cannot read"""
    policies = keys.write("explain.yaml", "policies:\n- {subject: anyone, resource: pipeline/why, verb: [infer, poll]}\n"
                          "- {subject: anonymous, resource: pipeline/why, verb: [infer, poll]}\n")
    access = ["--api-keys", keys.path("two-keys"), "--policies", policies]
    mine, other, named = ("x-api-key", KEY), ("x-api-key", "another-key-that-is-long"), "/v2/pipelines/why/requests/%s/explanations"
    port = free_port()
    gateway = start("--grpc", str(port), *access)
    if not gateway.started:
        sys.exit("access: no gateway: " + gateway.words)
    for one, caller in (("ours", [mine]), ("nobodys", [])):
        status, answer, _ = gateway.infer("why", ("x-request-id", one), ("sluice-caller", "0" * 64), *caller)
        judge.expect(f"{one}: a caller waits for an answer", status == 200 and number_of(answer) == 42, (status, answer))
    ask_grpc(port, "ModelInfer", infer_message("why", 21.0), mine, ("x-request-id", "by-grpc"))
    gateway.stop()
    gateway = start(*access)
    for one in ("ours", "by-grpc"):
        end = time.monotonic() + SECONDS_MAX
        while (found := gateway.ask("GET", named % one, None, [mine]))[0] in (202, 404) and time.monotonic() < end:
            time.sleep(0.05)
        judge.expect(f"{one}: another gateway finds the explanation", found[0] == 200 and found[1]["explanations"][0]["answer"] == 42, found)
        judge.expect(f"{one}: another caller does not", gateway.ask("GET", named % one, None, [other])[0] == 404 and
                     gateway.ask("GET", named % one)[0] == 404)
    judge.expect("nobody finds that of an anonymous caller", gateway.ask("GET", named % "nobodys")[0] == 404 and
                 gateway.ask("GET", named % "nobodys", None, [mine])[0] == 404)
    gateway.stop()


def refuses_options(judge, start, keys):
    short = keys.write("short", "policies: [{subject: nonsense, resource: '*', verb: infer}]\n")
    for more, words in ((["--audience", "a"], "--jwks"), (["--algorithm", "HS256", "--jwks", keys.path("jwks.json")], "HS256"),
                        (["--algorithm", "none", "--jwks", keys.path("jwks.json")], "none"), (["--clock-skew", "6m"], "5 minutes"),
                        (["--burst", "3"], "--rate"), (["--proxy", "10.0.0.1/8"], "10.0.0.1/8"), (["--proxy", "nonsense"], "nonsense"),
                        (["--jwks", keys.path("nothing")], "nothing"), (["--jwks", "http://auth.example/keys"], "in the clear"),
                        (["--api-keys", keys.path("nothing")], "nothing"), (["--policies", short], "short"),
                        (["--pass-header", "X-API-Key"], "X-API-Key"), (["--pass-header", "Authorization"], "Authorization"),
                        (["--pass-header", "x-team:y"], "not the name of a header"), (["--timeout", "20m"], "10 minutes"),
                        (["--cors-origin", "https://app.example/"], "ending slash"), (["--cors-origin", "app.example"], "app.example"),
                        (["--key", keys.path("first.key")], "--certificate"), (["--revocations", keys.path("ca.pem")], "--authorities"),
                        (["--certificate", keys.path("first.pem"), "--key", keys.path("second.key")], "is not that of the certificate")):
        gateway = start(*more)
        judge.expect(f"{' '.join(more)} is refused", not gateway.started and gateway.process.returncode > 0 and words in gateway.words, gateway.words)
        gateway.stop()
    gateway = start(host=None)
    listens_on_loopback_alone(judge, gateway, gateway.port)
    gateway.stop()
    gateway = start(host="0.0.0.0")
    judge.expect("nobody is let in unasked from elsewhere", not gateway.started and "--jwks" in gateway.words, gateway.words)
    gateway = start("--insecure-ignore-security", host="0.0.0.0")
    judge.expect("unless that is asked for", gateway.started and is_reached("127.0.0.2", gateway.port), gateway.words)
    gateway.stop()
    gateway = start("--rate", "5", host="0.0.0.0")
    judge.expect("a limit is no question who they are", not gateway.started, gateway.words)


def lint_names_the_rest(judge, binary):
    done = subprocess.run([binary, "lint", "--format", "json", os.path.join(ROOT, "tests", "reference", "runtime-security.yaml")], capture_output=True)
    found = [fault["message"] for fault in json.loads(done.stdout) if fault["severity"] == "warning"]
    judge.expect("lint names what is not honoured, and that alone", len(found) == 1 and "`audit`" in found[0], found)


def prepare(folder):
    keys = Keys(folder)
    for name in ("signer", "stranger"):
        keys.rsa(name)
    keys.write_set(("signer", "one"))
    keys.write("api-keys", "# of callers\nbilling:" + hashlib.sha256(KEY.encode()).hexdigest() + "\n")
    keys.write("policies.yaml", POLICIES)
    keys.write("pipelines.yaml", "---\n".join(PIPELINE % row for row in PIPELINES))
    keys.write("usual.csv", "x\n1\n2\n5\n")
    keys.authority()
    for name, *names in (("first", "/CN=first"), ("second", "/CN=second"), ("batch", "/O=Example/CN=batch"), ("other", "/CN=other"),
                         ("workload", "/CN=other", "URI:spiffe://example/workload")):
        keys.certificate(name, *names)
    return keys


def main():
    judge, binary = Verdict(), os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        keys, gateways = prepare(place), []
        dev = Dev(binary, keys.path("pipelines.yaml"))
        if not dev.started:
            sys.exit("access: it does not start: " + "\n".join(dev.lines))

        def start(*more, files=keys.path("pipelines.yaml"), **others):
            gateways.append(Gateway(binary, dev.said("broker"), files, *more, **others))
            return gateways[-1]

        start.binary = binary

        try:
            gateway = start("--jwks", keys.path("jwks.json"), "--audience", "sluice", "--issuer", "https://auth.example", "--algorithm", "RS256",
                            "--api-keys", keys.path("api-keys"), "--policies", keys.path("policies.yaml"), "--pass-header", "x-mine")
            if not gateway.started:
                sys.exit("access: no gateway: " + gateway.words)
            asks_for_tokens(judge, gateway, keys)
            refuses_tokens(judge, gateway, keys)
            refuses_credentials_twice(judge, gateway, keys)
            takes_api_keys(judge, gateway)
            follows_policies(judge, gateway, keys)
            answers_before_the_body(judge, gateway)
            keeps_credentials(judge, gateway, keys)
            limits_rates(judge, start)
            listens_as_the_runtime_asks(judge, start, keys)
            lets_pages_of_listed_origins_in(judge, start, keys)
            polls_after_a_restart(judge, start, keys)
            polls_what_was_late(judge, start, keys)
            explanations_are_of_their_caller(judge, start, keys)
            refuses_options(judge, start, keys)
            speaks_tls(judge, start, keys)
            shares_a_port(judge, start, keys)
            is_not_ready_without_keys(judge, start, keys)
            follows_files(judge, gateway, keys)
            follows_pipelines(judge, start, keys)
            serves_while_kafka_hangs(judge, start, dev.process)
            checks_again_after_a_reload(judge, start, keys)
            runs_inside_an_engine(judge, start, keys)
            renews_its_certificate_inside_an_engine(judge, start, keys)
            an_engine_drains_within_a_limit(judge, start, keys.path("hanging"))
            lint_names_the_rest(judge, binary)
            judge.expect("it ends well", gateway.stop() == 0)
        finally:
            for gateway in gateways:
                gateway.stop()
            dev.stop()
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
