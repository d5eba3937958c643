#!/usr/bin/env python3
"""Judges `sluice models serve` from outside: models.py SLUICE FOLDER...

For each case the calls of its models are taken from what `sluice test --print` shows at
their steps: what went in, and what the stub in the same process gave. A model server on
the case's folder is asked the same: over REST as JSON and as binary data, and over gRPC
where Python has it. All must answer as the stub did.
"""
import base64, collections, concurrent.futures, http.client, itertools, json, os, re, shutil, signal, ssl, struct, subprocess, sys, tempfile, time

from cases import elements
from dev import Dev
from gateway import Gateway, PIPELINE
from protobuf import field, fields, numbers, varint

try:
    import grpc
except ImportError:
    grpc = None

SECONDS_MAX = 60
STUB_MS_MAX = 3000  # a stub that is slower is not waited for
SECONDS_OF_SILENCE = 0.5  # where the stub's answer never came, or broke
TRIES = 4  # a flaky stub fails a few times
FORMATS = {"BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "UINT8": "B", "UINT16": "H", "UINT32": "I",
           "UINT64": "Q", "FP16": "e", "FP32": "f", "FP64": "d"}


# ---- tensors as bytes ----

def raw(tensor):
    datatype, values = tensor["datatype"], list(elements(tensor))
    if datatype == "BYTES":
        coded = tensor.get("parameters", {}).get("content_type") == "base64"
        pieces = [base64.b64decode(value) if coded else value.encode() for value in values]
        return b"".join(struct.pack("<I", len(piece)) + piece for piece in pieces)
    values = [float(value.replace("Infinity", "inf")) if isinstance(value, str) else value for value in values]
    if datatype == "BF16":
        return b"".join(struct.pack("<f", value)[2:] for value in values)
    return struct.pack(f"<{len(values)}{FORMATS[datatype]}", *values)


def same(ours, theirs):
    """The tensors of two answers, each (name, datatype, shape, bytes)."""
    return len(ours) == len(theirs) and all(
        (one[0] == other[0] or len(ours) == 1) and one[1:] == other[1:] for one, other in zip(sorted(ours), sorted(theirs)))


def bare(tensors):
    return [(tensor["name"], tensor["datatype"], [int(length) for length in tensor["shape"]], raw(tensor)) for tensor in tensors]


# ---- REST ----

class Rest:
    def __init__(self, address, binary):
        self.address, self.binary = address.removeprefix("http://"), binary
        self.name = "REST with binary data" if binary else "REST"

    def ask(self, model, name, inputs, seconds):
        """The tensors, or the words of a refusal."""
        request, blobs, headers = {"id": name, "inputs": inputs}, b"", {}
        if self.binary:
            request = {"id": name, "parameters": {"binary_data_output": True}, "inputs": []}
            for tensor in inputs:
                blob = raw(tensor)
                parameters = {key: value for key, value in tensor.get("parameters", {}).items() if key != "content_type"}
                request["inputs"].append({"name": tensor["name"], "datatype": tensor["datatype"], "shape": tensor["shape"],
                                          "parameters": parameters | {"binary_data_size": len(blob)}})
                blobs += blob
        head = json.dumps(request).encode()
        if self.binary:
            headers["Inference-Header-Content-Length"] = str(len(head))
        connection = http.client.HTTPConnection(self.address, timeout=seconds)
        try:
            connection.request("POST", f"/v2/models/{model}/infer", head + blobs, headers)
            reply = connection.getresponse()
            body = reply.read()
        finally:
            connection.close()
        length = int(reply.headers.get("Inference-Header-Content-Length", len(body)))
        answer = json.loads(body[:length])
        if reply.status != 200:
            return None, answer["error"], reply.status >= 500
        return self.tensors(answer["outputs"], body[length:]), None, False

    def tensors(self, outputs, blobs):
        tensors, at = [], 0
        for tensor in outputs:
            size = tensor.get("parameters", {}).get("binary_data_size")
            blob = raw(tensor) if size is None else blobs[at:at + size]
            at += size or 0
            tensors.append((tensor["name"], tensor["datatype"], tensor["shape"], blob))
        return tensors


# ---- gRPC ----

class Grpc:
    name = "gRPC"

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address.removeprefix("grpc://"),
                                             options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
        self.infer = self.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

    def ask(self, model, name, inputs, seconds):
        message = field(1, model) + field(3, name)
        for tensor in inputs:
            shape = b"".join(varint(length) for length in tensor["shape"])
            message += field(5, field(1, tensor["name"]) + field(2, tensor["datatype"]) + field(3, shape))
        for tensor in inputs:
            message += field(7, raw(tensor))
        try:
            reply = self.infer(message, timeout=seconds)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                raise TimeoutError(error.details()) from error
            return None, error.details(), error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)
        heads, blobs = [], []
        for number, value in fields(reply):
            if number == 5:
                parts = list(fields(value))
                shape = [length for number, packed in parts if number == 3 for length in numbers(packed)]
                heads.append((next(part for number, part in parts if number == 1).decode(),
                              next(part for number, part in parts if number == 2).decode(), shape))
            elif number == 6:
                blobs.append(value)
        return [(*head, blob) for head, blob in zip(heads, blobs)], None, False


# ---- cases ----

def slowness(call):
    found = re.search(r"\bms=(\d+)", call["endpoint"]["addresses"] or "")
    return int(found[1]) if found else 0


def callers_of(binary, folder):
    """(pipeline, step) -> model, of steps that call one model and no other"""
    done = subprocess.run([binary, "plan", "-o", "json", os.path.join(folder, "pipeline.yaml")], capture_output=True)
    called = {}
    try:
        pipelines = json.loads(done.stdout)["pipelines"]
    except (ValueError, TypeError):  # faulty on purpose: then there is a list of faults
        return {}
    for pipeline in pipelines:
        # A router asks a model for the way, and gives what it was given.
        others = {step["name"] for step in pipeline["steps"] if step["batchSize"] or step["kind"] != "model"}
        for call in pipeline["calls"]:
            called.setdefault((pipeline["name"], call["step"]), []).append(call)
        for step in others:
            called.pop((pipeline["name"], step), None)
    return {at: calls[0]["name"] for at, calls in called.items()
            if len(calls) == 1 and calls[0]["target"] == "model" and slowness(calls[0]) <= STUB_MS_MAX}


def foreign_ids(folder):
    """Requests in other forms than OIP: their steps' topics are in that form too, which keeps neither names nor datatypes."""
    with open(os.path.join(folder, "in.jsonl"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.strip()]
    return {line["id"] for line in lines if line.get("protocol", "v2") != "v2"}


def exchanges(binary, folder):
    """(name, model, each call's inputs, each call's outputs or None, error or None) of the calls of a step for a request, if they
    can be held against the stub. Answers may come in another order than the calls."""
    called, foreign = callers_of(binary, folder), foreign_ids(folder)
    done = subprocess.run([binary, "test", "--print", folder], capture_output=True, timeout=SECONDS_MAX)
    rows = [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
    seen, errors = {}, {}
    for row in rows:
        place = row.get("at", "").split(".")
        if "error" in row:
            errors[row["id"]] = row["error"]["message"]
        if len(place) == 4 and place[1] == "step" and "response" in row:
            seen.setdefault((row["id"], place[0], place[2]), {"inputs": [], "outputs": []})[place[3]].append(row["response"]["outputs"])
    for (name, pipeline, step), both in seen.items():
        model = called.get((pipeline, step))
        if not model or name in foreign:
            continue
        if len(both["inputs"]) == len(both["outputs"]):
            yield name, model, both["inputs"], both["outputs"], None
        elif len(both["inputs"]) == 1 and errors.get(name, "").startswith(f"{model} : "):
            yield name, model, both["inputs"], None, errors[name].removeprefix(f"{model} : ")


def fault_of_call(door, name, model, inputs, outputs, error):
    """The fault, and which of the possible outputs came."""
    seconds = SECONDS_OF_SILENCE if outputs is None else SECONDS_MAX
    for _ in range(TRIES):
        try:
            tensors, words, again = door.ask(model, name, inputs, seconds)
        except (ValueError, LookupError, OSError, StopIteration, http.client.HTTPException) as broken:
            return None if outputs is None else f"{door.name}: {model} broke: {broken}", None
        if not again:
            break
    if outputs is None:
        return f"{door.name}: {model} says {words!r}, not {error!r}" if words is not None and words not in error else None, None
    if words is not None:
        return f"{door.name}: {model} refuses: {words}", None
    found = next((row for row in outputs if same(tensors, bare(json.loads(row)))), None)
    return None if found else f"{door.name}: {model} gives {tensors}, not {', '.join(outputs)}", found


def faults_of(door, exchange):
    """Each distinct call is asked once; it has to give as many of the outputs as it was made."""
    name, model, inputs, outputs, error = exchange
    left = None if outputs is None else collections.Counter(json.dumps(row) for row in outputs)
    for call, count in collections.Counter(json.dumps(row) for row in inputs).items():
        fault, found = fault_of_call(door, name, model, json.loads(call), left, error)
        if fault:
            yield fault
        if found:
            left[found] -= count
            if left[found] < 0:
                yield f"{door.name}: {model} gives {found} more often than it came"


def judge(binary, folder):
    """How many calls were held, and the faults."""
    calls = list({json.dumps(call[1:]): call for call in exchanges(binary, folder)}.values())
    if not calls:
        return 0, []
    server = subprocess.Popen([binary, "models", "serve", "-o", "json", "--insecure-ignore-security", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        addresses = json.loads(server.stdout.readline())
        doors = [Rest(addresses["rest"], False), Rest(addresses["rest"], True)] + ([Grpc(addresses["grpc"])] if grpc else [])
        faults = [fault for call in calls for door in doors for fault in faults_of(door, call)]
        return sum(len({json.dumps(row) for row in call[2]}) for call in calls) * len(doors), faults
    finally:
        server.terminate()
        server.wait(SECONDS_MAX)


# ---- the command ----

PIPELINE_FAULT = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: s, nonsense: 1}\n"
MODELS = """apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: twice}
spec: {storageUri: "stub://expression?y=x*2"}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: far}
spec: {storageUri: "s3://bucket/far"}
"""


def refusal(binary, *words):
    done = subprocess.run([binary, "models", "serve", *words], capture_output=True, text=True, timeout=SECONDS_MAX)
    return done.returncode, done.stderr


def get(address, path, body=None):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=SECONDS_MAX)
    connection.request("GET" if body is None else "POST", path, body)
    reply = connection.getresponse()
    found = reply.status, json.loads(reply.read())
    connection.close()
    return found


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)


def is_believed(address, authority):
    context = ssl.create_default_context(cafile=authority)
    try:
        connection = http.client.HTTPSConnection(address.removeprefix("https://"), timeout=SECONDS_MAX, context=context)
        connection.request("GET", "/v2/health/live")
        return connection.getresponse().status == 200
    except ssl.SSLError:
        return False


def comes_true(holds):
    until = time.monotonic() + SECONDS_MAX
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.1)
    return held


def judge_tls(binary):
    with tempfile.TemporaryDirectory() as folder:
        for name in "first", "second":
            make_certificate(folder, name)
        at = lambda name: os.path.join(folder, name)
        with open(at("models.yaml"), "w", encoding="utf-8") as out:
            out.write(MODELS.split("---")[0])
        for end in ".pem", ".key":
            shutil.copy(at("first" + end), at("in-use" + end))
        code, said = refusal(binary, folder, "--key", at("in-use.key"))
        yield "a key without a certificate is misuse", code == 2 and "--certificate" in said
        code, said = refusal(binary, folder, "--certificate", at("first.pem"), "--key", at("second.key"))
        yield "another's key is refused", code == 2 and "is not that of the certificate" in said
        code, said = refusal(binary, folder, "--certificate", at("first.pem"), "--key", at("first.key"), "--host", "0.0.0.0")
        yield "TLS alone opens nothing beyond loopback", code == 2 and "--authorities" in said
        server = subprocess.Popen([binary, "models", "serve", folder, "--certificate", at("in-use.pem"), "--key", at("in-use.key")],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        address = server.stdout.readline().split()[2]
        yield "it serves by https", address.startswith("https://") and is_believed(address, at("first.pem"))
        shutil.copy(at("second.pem"), at("in-use.pem"))
        yield "a certificate of another key is refused while it runs", "is not that of the certificate" in server.stderr.readline()
        yield "and the old one stays", is_believed(address, at("first.pem"))
        shutil.copy(at("second.key"), at("in-use.key"))
        yield "a certificate that changes is served", comes_true(lambda: is_believed(address, at("second.pem")))
        server.terminate()
        yield "it ends well with TLS", server.wait(SECONDS_MAX) == 0


def judge_command(binary):
    """What was held of the command itself, as (sentence, whether it holds)."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "models.yaml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(PIPELINE_FAULT)
        code, said = refusal(binary, folder)
        yield "faulty files are told and not served", code == 1 and "models.yaml:4" in said
        with tempfile.TemporaryDirectory() as other:
            for name, words in ("models.yaml", MODELS), ("stubs.json", "{"):
                with open(os.path.join(other, name), "w", encoding="utf-8") as out:
                    out.write(words)
            code, said = refusal(binary, other)
        yield "so is a faulty stubs.json, with its place", code == 1 and "stubs.json:1:" in said
        with tempfile.TemporaryDirectory() as other:
            for name, words in ("models.yaml", MODELS), ("runtime.yaml", SECURED):
                with open(os.path.join(other, name), "w", encoding="utf-8") as out:
                    out.write(words)
            code, said = refusal(binary, other)
            yield "protection that files ask for and nobody gave is refused", code == 1 and "runtime.yaml:6:" in said and "--authorities" in said
        code, said = refusal(binary, "/nowhere")
        yield "a folder that is not there is misuse", code == 2 and "/nowhere" in said
        with open(file, "w", encoding="utf-8") as out:
            out.write(MODELS.replace("x*2", "x*"))
        server = subprocess.Popen([binary, "models", "serve", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        yield "without a model that is ready the line names those that are not", re.fullmatch(
            r"ready at \S+ and \S+: the stubs by their names; not ready: twice, far\n", server.stdout.readline())
        server.kill()
        server.communicate()
        with open(file, "w", encoding="utf-8") as out:
            out.write(MODELS)
        server = subprocess.Popen([binary, "models", "serve", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = server.stdout.readline()
        address = line.split()[2]
        yield "one line says where it is and what it serves", line.startswith("ready at http://127.0.0.1:") and line.endswith(": twice, and the stubs by their names; not ready: far\n")
        code, said = refusal(binary, folder, "--port", address.rsplit(":", 1)[1])
        yield "a port that is taken is named", code == 2 and address.removeprefix("http://") in said
        yield "a model that cannot be loaded is not ready", get(address, "/v2/models/far/ready")[0] == 503
        with open(file, "w", encoding="utf-8") as out:
            out.write(MODELS.replace("x*2", "x*3"))
        ask = json.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [2]}]})
        before = get(address, "/v2/models/twice/infer", ask)[1]["outputs"][0]["data"]
        loaded = get(address, "/v2/repository/models/twice/load", "")[0]
        after = get(address, "/v2/models/twice/infer", ask)[1]["outputs"][0]["data"]
        yield "load reads the files again", (before, loaded, after) == ([4.0], 200, [6.0])
        with open(file, "w", encoding="utf-8") as out:
            out.write(PIPELINE_FAULT)
        status, said = get(address, "/v2/repository/models/twice/load", "")
        yield "a load that fails says why, and leaves the model as it was", (
            status == 400 and "nonsense" in said["error"] and get(address, "/v2/models/twice/ready")[0] == 200)
        server.send_signal(signal.SIGHUP)
        heard = []
        yield "SIGHUP with a faulty file changes nothing", comes_true(
            lambda: heard.append(server.stderr.readline()) or "reload rejected" in heard[-1]) and (
            get(address, "/v2/models/twice/infer", ask)[1]["outputs"][0]["data"] == [6.0])
        with open(file, "w", encoding="utf-8") as out:
            out.write(MODELS.replace("x*2", "x*5"))
        server.send_signal(signal.SIGHUP)
        yield "SIGHUP reads the files again", comes_true(
            lambda: get(address, "/v2/models/twice/infer", ask)[1]["outputs"][0]["data"] == [10.0])
        server.send_signal(signal.SIGINT)
        yield "it ends well when it is told to", server.wait(SECONDS_MAX) == 0
        yield "it said what it cannot serve", "models.yaml:9:" in "".join(heard) + server.stderr.read()


SECURED = """apiVersion: mlops.seldon.io/v1alpha1
kind: SeldonRuntime
metadata: {name: secured}
spec:
  config:
    securityConfig: {authentication: {enabled: true, type: jwt, jwksUri: "https://127.0.0.1/keys"}}
"""
MODEL = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: '%s'}\n"


def judge_reread(binary):
    """What SIGHUP changes of the models, and what it does not, as (sentence, whether it holds)."""
    with tempfile.TemporaryDirectory() as folder:
        def write(name, words):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(words)

        def models(**uris):
            write("models.yaml", "---\n".join(MODEL % row for row in uris.items()))

        def said_at_hangup():
            """All lines up to the one that says how it ended."""
            server.send_signal(signal.SIGHUP)
            lines = [server.stderr.readline()]
            while lines[-1] and not any(end in lines[-1] for end in ("reload rejected", "the files were read again")):
                lines.append(server.stderr.readline())
            return "".join(lines)

        ready = lambda name: get(address, f"/v2/models/{name}/ready")[0]
        ask = json.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [2]}]})
        answer = lambda name: get(address, f"/v2/models/{name}/infer", ask)[1]["outputs"][0]["data"]
        three = {"twice": "stub://expression?y=x*2", "lin": "file:lin.json", "old": "stub://identity"}
        weights = json.dumps({"format": "sluice_linear/1", "kind": "identity", "coef": [[2.0]], "intercept": [0.0]})
        models(**three)
        write("lin.json", weights)
        write("stubs.json", json.dumps({"twice": "stub://expression?y=x*7"}))
        server = subprocess.Popen([binary, "models", "serve", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            address = server.stdout.readline().split()[2]
            yield "a model's file is served, and a stub of stubs.json before the YAML", (
                ready("lin") == 200 and answer("twice") == [14.0])
            write("lin.json", "{}")
            models(**three | {"old": "stub://const?value=1"})
            said = said_at_hangup()
            yield "SIGHUP with a model's file that is broken is rejected, with the cause and its place", (
                "reload rejected" in said and "models.yaml:9:" in said and "lin.json" in said)
            yield "and the model is served on, and no other model is changed", ready("lin") == 200 and answer("old") == [2.0]
            status, said = get(address, "/v2/repository/models/lin/load", "")
            yield "a load of it says the cause, and leaves the model too", (
                status == 400 and "models.yaml:9: " in said["error"] and "lin.json" in said["error"] and ready("lin") == 200)
            write("lin.json", weights)
            write("stubs.json", "{")
            said = said_at_hangup()
            yield "SIGHUP with a broken stubs.json changes nothing, and its place is said", (
                "reload rejected" in said and "stubs.json:1:" in said and answer("twice") == [14.0])
            write("stubs.json", "{}")
            for name in "lin", "upper":
                get(address, f"/v2/repository/models/{name}/unload", "")
            models(twice=three["twice"], lin=three["lin"], new="stub://identity")
            yield "SIGHUP reads all files again", "were read again" in said_at_hangup() and (
                answer("twice") == [4.0] and ready("new") == 200)
            yield "a model that is no longer in the files is not served", ready("old") == 404
            yield "a model that was unloaded stays unloaded, and a stub", ready("lin") == ready("upper") == 503
            loaded = [get(address, f"/v2/repository/models/{name}/load", "")[0] for name in ("lin", "upper")]
            yield "until it is loaded, also after SIGHUP", loaded == [200, 200] and "were read again" in said_at_hangup() and (
                ready("lin") == ready("upper") == 200)
        finally:
            server.terminate()
            server.wait(SECONDS_MAX)


def judge_bytes(binary):
    """BYTES that are not UTF-8, of pipelines that call the same models by REST and by gRPC."""
    names = ("identity", "upper")
    with tempfile.TemporaryDirectory() as served, tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(served, "models.yaml"), "w", encoding="utf-8") as out:
            out.write("---\n".join(MODEL % (name, "stub://" + name) for name in names))
        server = subprocess.Popen([binary, "models", "serve", "-o", "json", served], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        dev = None
        try:
            addresses = json.loads(server.stdout.readline())
            ways = {"rest": addresses["rest"], "grpc": "grpc://" + addresses["grpc"].split("//")[-1]}
            with open(os.path.join(folder, "pipelines.yaml"), "w", encoding="utf-8") as out:
                out.write("---\n".join([MODEL % (f"{name}-by-{way}", f"{address}/{name}") for way, address in ways.items() for name in names] + [
                    PIPELINE % (f"{name}-{way}", f"  - {{name: {name}-by-{way}}}\n  output: {{steps: [{name}-by-{way}]}}\n") for way in ways for name in names]))
            dev = Dev(binary, folder)
            gateway = Gateway(dev.said("gateway"))
            for way, (name, taken, given) in itertools.product(ways, (("identity", "/2E=", "/2E="), ("upper", "/2E=", "/0E="))):
                status, answer, _ = gateway.ask("POST", f"/seldon/default/{name}-{way}/api/v1.0/predictions", {"binData": taken})
                yield f"binData of {name} by {way}: {status} {answer}", status == 200 and answer.get("binData") == given
                status, answer, _ = gateway.ask("POST", f"/v1/models/{name}-{way}:predict", {"instances": [{"b64": taken}]})
                yield f"b64 of {name} by {way}: {status} {answer}", status == 200 and answer["predictions"] == [{"b64": given}]
                marked = {"name": "x", "datatype": "BYTES", "shape": [1], "parameters": {"content_type": "base64"}}
                blob = struct.pack("<I", 2) + base64.b64decode(taken)
                head = json.dumps({"inputs": [{"name": "x", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(blob)}}]}).encode()
                status, answer, _ = gateway.ask("POST", f"/v2/models/{name}-{way}/infer", head + blob, {"Inference-Header-Content-Length": str(len(head))})
                yield f"bytes of {name} by {way}: {status} {answer}", status == 200 and answer["outputs"] == [dict(marked, data=[given])]
            for way, text in itertools.product(ways, ("aGk=", "/2E=")):
                sent = dict(marked, data=[text])
                status, answer, _ = gateway.ask("POST", f"/v2/models/identity-{way}/infer", {"inputs": [sent]})
                yield f"a caller's own base64 {text} by {way}: {status} {answer}", status == 200 and answer["outputs"] == [sent]
        finally:
            if dev:
                dev.stop()
            server.terminate()
            server.wait(SECONDS_MAX)


def main():
    binary = os.path.abspath(sys.argv[1])
    folders = sorted(os.path.join(root, name) for root in sys.argv[2:] for name in os.listdir(root)
                     if os.path.exists(os.path.join(root, name, "pipeline.yaml")))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(lambda folder: judge(binary, folder), folders))
    held = failed = 0
    for sentence, holds in itertools.chain(judge_command(binary), judge_reread(binary), judge_bytes(binary),
                                           judge_tls(binary) if shutil.which("openssl") else ()):
        held, failed = held + 1, failed + (not holds)
        if not holds:
            print(f"models serve: {sentence}: no")
    for folder, (count, faults) in zip(folders, results):
        held += count
        failed += len(faults)
        for fault in faults:
            print(f"{os.path.basename(folder)}: {fault[:400]}")
    if not shutil.which("openssl"):
        print("skipped: the model server through TLS: there is no openssl here")
    if not grpc:
        print("skipped: models over gRPC: Python has no grpc here (grpcio)")
    print(f"{held - failed} passed, {failed} failed" + ("" if grpc else ", 1 skipped"))
    return 1 if failed or not held else 0


if __name__ == "__main__":
    sys.exit(main())
