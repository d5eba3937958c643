#!/usr/bin/env python3
"""Judges the gateway of `sluice dev` from outside, as callers meet it: gateway.py SLUICE

One line for each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import concurrent.futures, gzip, http.client, json, os, re, socket, struct, subprocess, sys, tempfile, threading, time, zlib

sys.path.insert(0, os.path.dirname(__file__))
from dev import PATIENCE, SECONDS_MAX, Dev, Judge  # noqa: E402

CALLERS, CALLS_EACH = 16, 60
HELD_SECONDS = 1.5 * min(PATIENCE, 2)  # that a model keeps a reply back
PIPELINE = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n  steps:\n%s"
PIPELINES = [
    ("twice", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n"),
    ("first", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n  ingress: direct\n"),
    ("another", "  - {name: triple, expression: {set: {x: x * 3}}}\n  output: {steps: [triple]}\n"),
    ("small", "  - {name: keep, filter: {keep: \"x < 10\", otherwise: drop}}\n  output: {steps: [keep]}\n"),
    ("parts", "  - {name: items, split: {by: rows, tensors: [x]}}\n  output: {steps: [items]}\n"),
    ("bars", "  - {name: minutes, aggregate: {window: {tumbling: 1m}, set: {n: count()}}}\n  output: {steps: [minutes]}\n"),
    ("reader", "  - {name: seen, expression: {set: {x: x}}}\n  input: {externalInputs: [twice.outputs]}\n  output: {steps: [seen]}\n"),
    ("heard", "  - name: tell\n    expression:\n      set:\n" + "".join(
        f"        {name}: '{value}'\n" for name, value in (
            ("authorization", 'header("authorization") ?? "none"'), ("cookie", 'header("cookie") ?? "none"'),
            ("own", 'header("sluice-secret") ?? "none"'), ("other", 'header("x-other") ?? "none"'),
            ("trace", 'header("traceparent") ?? "none"'), ("key_header", 'header("sluice-key") ?? "none"'), ("key", 'key ?? "none"')))
     + "  output: {steps: [tell]}\n"),
    ("sink", "  - {name: ends, expression: {set: {x: x}}}\n"),
    ("strict", "  - {name: fails, expression: {set: {y: nothing * 2}}}\n  output: {steps: [fails], errors: keep}\n"),
    ("slow", "  - {name: late}\n  output: {steps: [late]}\n"),
    ("held", "  - {name: late}\n  - {name: counted, inputs: [late], features: {key: x, set: {n: count(x over 10m)}}}\n  output: {steps: [counted]}\n"),
    ("times", "  - {name: counted, features: {key: x, set: {n: count(x over 10m)}}}\n  output: {steps: [counted]}\n"),
    ("sums", "  - {name: add, expression: {set: {z: x + y}}}\n  output: {steps: [add]}\n"),
    ("means", "  - {name: kept, features: {key: k, set: {m: mean(x over 10m)}}}\n  output: {steps: [kept]}\n"),
    ("scales", "  - {name: prepare, preprocess: [{clip: {tensor: x, columns: [2], low: 0, high: 1}}]}\n  output: {steps: [prepare]}\n"),
    ("chooses", "  - {name: some, experiment: {name: trial, candidates: [{name: left, weight: 1}]}}\n  output: {steps: [some]}\n"),
]
MODEL = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: 'stub://%s'}\n"
MODELS = [("late", f"slow?ms={int(HELD_SECONDS * 1000)}"), ("alone", "expression?y=x*5"), ("left", "expression?y=x")]  # `late` is asked by a pipeline


def request(number=1.0, **more):
    return {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [number]}]} | more


class Gateway:
    def __init__(self, address):
        host, port = address.split("//")[1].split(":")
        self.host, self.port = host, int(port)

    def ask(self, method, path, body=None, headers=None, timeout=SECONDS_MAX):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        connection.request(method, path, body if body is None or isinstance(body, (bytes, str)) else json.dumps(body), headers or {})
        return answer_of(connection)

    def infer(self, pipeline, body, **headers):
        return self.ask("POST", f"/v2/pipelines/{pipeline}/infer", body, {name.replace("_", "-"): value for name, value in headers.items()})


def answer_of(connection):
    """Status, body (read as JSON where it is) and headers, by small letters, of what was asked by that connection"""
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    try:
        shown = json.loads(text)
    except ValueError:
        shown = text
    return reply.status, shown, {name.lower(): value for name, value in reply.getheaders()}


def number_of(answer):
    return answer["outputs"][0]["data"][0] if isinstance(answer, dict) and "outputs" in answer else answer


def answers(judge, dev, gateway):
    done = subprocess.run(dev.said("curl") + " -s", shell=True, capture_output=True, text=True)
    judge.expect("the curl line works when it is pasted", done.returncode == 0 and '"outputs"' in done.stdout, done.stdout + done.stderr)
    outside = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    for port in [gateway.port, int(dev.said("grpc").rsplit(":", 1)[1])] if outside and ":" not in outside[0] else []:
        with socket.socket() as other:
            other.settimeout(1)
            judge.expect("other machines are not let in", other.connect_ex((outside[0], port)) != 0, port)
    status, answer, headers = gateway.infer("twice", request(21.0, id="mine"))
    judge.expect("a pipeline answers", status == 200 and number_of(answer) == 42, (status, answer))
    judge.expect("the caller's id comes back", answer.get("id") == "mine" and headers.get("x-request-id") == "mine", (answer, headers))
    judge.expect("it is JSON", headers.get("content-type") == "application/json", headers)
    status, answer, headers = gateway.infer("twice", request(1.0), x_request_id="by-header")
    judge.expect("an id by header comes back", status == 200 and headers.get("x-request-id") == "by-header", headers)
    ids = {gateway.infer("twice", request(1.0))[2].get("x-request-id") for _ in range(2)}
    judge.expect("who has no id is given one, each another", len(ids) == 2 and None not in ids and "" not in ids, ids)
    for path in ("/v2/models/twice/infer", "/v2/models/twice/versions/1/infer", "/seldon/default/twice/v2/models/any/infer", "/v2/models/twice/infer/"):
        status, answer, _ = gateway.ask("POST", path, request(2.0))
        judge.expect(f"{path} answers", status == 200 and number_of(answer) == 4, (status, answer))
    for method, path in (("POST", "/v2/models/twice/versions/7/infer"), ("GET", "/v2/models/twice/versions/7"), ("GET", "/v2/models/twice/versions/7/ready")):
        status, answer, _ = gateway.ask(method, path, request(2.0) if method == "POST" else None)
        judge.expect(f"{method} {path} finds no such version", status == 404 and "no version `7` of `twice`" in answer["error"], (status, answer))
    status, answer, _ = gateway.ask("GET", "/v2/models/twice/versions/1")
    judge.expect("metadata lists the version that may be asked", status == 200 and answer["versions"] == ["1"], (status, answer))
    for named in ("another", "another.pipeline"):
        status, answer, _ = gateway.ask("POST", "/v2/models/twice/infer", request(2.0), {"seldon-model": named})
        judge.expect(f"seldon-model: {named} goes before the path", status == 200 and number_of(answer) == 6, (status, answer))


def infer_twice(gateway, pipeline, body, **headers):
    """Both replies to a request with a key. The second is 409 until the first answer can be read."""
    first = gateway.infer(pipeline, body, **headers)
    end = time.monotonic() + SECONDS_MAX
    while (second := gateway.infer(pipeline, body, **headers))[0] == 409 and time.monotonic() < end:
        pass
    return first, second


def answers_directly(judge, gateway):
    many = [number_of(gateway.infer("first", request(float(number)))[1]) for number in range(20)]
    judge.expect("direct ingress answers each request with its own answer", many == [2.0 * number for number in range(20)], many)
    status, answer, _ = gateway.infer("first", {"inputs": []}, x_request_id="mine")
    judge.expect("a direct error has its kind, place and id", status == 400 and answer.get("kind") == "INPUT" and answer.get("place")
                 and answer.get("id") == "mine", (status, answer))
    keyed = infer_twice(gateway, "first", request(4.0), idempotency_key="direct")
    judge.expect("a key is answered once, through Kafka", [number_of(answer) for _, answer, _ in keyed] == [8.0, 8.0]
                 and keyed[1][2].get("idempotent-replayed") == "true", keyed)
    failed = [answer for _, answer, _ in infer_twice(gateway, "first", {"inputs": []}, idempotency_key="fails", x_request_id="mine")]
    judge.expect("the error of a key is replayed with its kind, place and id", failed[1].get("kind") == "INPUT" and failed[1].get("id") == "mine"
                 and re.fullmatch(r"sluice\.default\.pipeline\.first\.inputs/\d+/\d+", failed[1].get("place", ""))
                 and failed[1] == failed[0], failed)
    failed = [answer for _, answer, _ in infer_twice(gateway, "strict", request(), idempotency_key="step fails", x_request_id="mine")]
    judge.expect("so is that of a step, with all its parts", failed[1] == failed[0] and failed[1].get("step") == "fails" and failed[1].get("attempts") == 1
                 and "pipelines.yaml:" in failed[1].get("place", ""), failed)
    status, answer, headers = gateway.infer("first", request(5.0), prefer="respond-async")
    status, answer, _ = polled(gateway, headers["location"])
    judge.expect("a direct pipeline takes submitted requests", status == 200 and number_of(answer) == 10.0, (status, answer))


def asks_models(judge, dev, gateway):
    """A Model that nothing else names is asked by its own name; one that a pipeline calls is asked there"""
    for path in ("/v2/models/alone/infer", "/v2/models/alone/versions/1/infer"):
        status, answer, _ = gateway.ask("POST", path, request(3.0, id="m"))
        judge.expect(f"{path} asks a Model without a pipeline", status == 200 and number_of(answer) == 15 and answer["id"] == "m", (status, answer))
    status, answer, _ = gateway.ask("POST", "/v2/models/any/infer", request(3.0), {"seldon-model": "alone"})
    judge.expect("so does seldon-model", status == 200 and number_of(answer) == 15, (status, answer))
    for version, wanted in (("1", 200), ("2", 404)):
        status, answer, _ = gateway.ask("POST", f"/v1/models/alone/versions/{version}:predict", {"instances": [{"x": 1.0}]})
        judge.expect("a version is asked in the form of TensorFlow Serving", status == wanted
                     and (answer == {"predictions": [5.0]} if wanted == 200 else "version `2`" in answer["error"]), (status, answer))
    for name, wanted in (("alone", 200), ("twice", 200), ("nobody", 404)):
        status, answer, _ = gateway.ask("GET", f"/v1/models/{name}")
        judge.expect("V1 says whether a model is ready", status == wanted
                     and (wanted == 404 or answer == {"name": name, "ready": True}), (name, status, answer))
    status, answer, _ = gateway.ask("POST", "/v1/models/alone:predict", {"instances": [1.0]})
    judge.expect("and another form, whose error is the model's", status in (400, 502) and "error" in answer, (status, answer))
    status, answer, _ = gateway.ask("GET", "/v2/models/alone")
    judge.expect("it has metadata", status == 200 and answer["name"] == "alone", (status, answer))
    done = subprocess.run([dev.binary, "infer", "alone", "-f", "-", "--brokers", dev.said("broker"), "-o", "json", "--timeout", "10s"],
                          input=json.dumps(request(2.0)), capture_output=True, text=True)
    judge.expect("`sluice infer` asks it, too", done.returncode == 0 and "10.0" in done.stdout, done.stdout + done.stderr)
    status, answer, _ = gateway.ask("POST", "/v2/models/late/infer", request(3.0))
    judge.expect("a Model that a pipeline calls has no way in of its own", status == 404 and "late" in answer["error"] and "Ask the pipeline" in answer["error"],
                 (status, answer))


def speaks_other_forms(judge, gateway):
    body = {"data": {"names": ["a"], "ndarray": [[1.0]]}}
    status, answer, _ = gateway.ask("POST", "/seldon/default/twice/api/v1.0/predictions", {"jsonData": {}, "data": 3})
    judge.expect("a bad Seldon message is the caller's error", status == 400 and "error" in answer, (status, answer))
    status, answer, _ = gateway.ask("POST", "/seldon/default/slow/api/v1.0/predictions", body)
    judge.expect("a Seldon message is answered by one", status == 200 and "data" in answer, (status, answer))
    status, answer, _ = gateway.ask("POST", "/api/v1.0/predictions", body, {"seldon-model": "slow"})
    judge.expect("so it is without the ingress's path", status == 200 and "data" in answer, (status, answer))
    status, answer, _ = gateway.ask("POST", "/api/v1.0/predictions", body)
    judge.expect("of many pipelines one must be named", status == 404 and "seldon-model" in answer["error"], (status, answer))
    status, answer, _ = gateway.ask("POST", "/v1/models/slow:predict", {"instances": [[1.0]]})
    judge.expect("V1 predict answers", status == 200 and "predictions" in answer, (status, answer))
    status, answer, _ = gateway.ask("POST", "/seldon/default/slow/api/v1.0/explanations", body)
    judge.expect("a pipeline without a step that explains says so", status == 400 and "no step of kind `explain`" in answer["error"],
                 (status, answer))
    data = json.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}],
                       "parameters": {"binary_data_output": True}}).encode()
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=SECONDS_MAX)
    connection.request("POST", "/v2/models/twice/infer", data + struct.pack("<d", 4.0), {"Inference-Header-Content-Length": str(len(data))})
    reply = connection.getresponse()
    body, length = reply.read(), int(reply.getheader("Inference-Header-Content-Length") or 0)
    judge.expect("binary tensors go both ways", reply.status == 200 and length > 0 and struct.unpack("<d", body[length:])[0] == 8.0,
                 (reply.status, body, length))
    connection.close()


def takes_feedback(judge, dev, gateway):
    own, seldon = "/v2/pipelines/chooses/feedback", "/seldon/default/chooses/api/v1.0/feedback"
    status, answer, _ = gateway.ask("POST", own, {"id": "r-1", "reward": 1.5, "metrics": {"profit": 2}, "truth": {"y": [1]}})
    judge.expect("feedback is taken", status == 202 and answer == {"id": "r-1"}, (status, answer))
    status, answer, _ = gateway.ask("POST", own, {"reward": 1}, {"x-request-id": "r-2"})
    judge.expect("a header may name its request", status == 202 and answer == {"id": "r-2"}, (status, answer))
    status, answer, _ = gateway.ask("POST", seldon, {"response": {"meta": {"puid": "r-3"}}, "reward": 0, "truth": {"data": {"ndarray": [1]}}})
    judge.expect("Seldon's is answered by a SeldonMessage", status == 200 and answer == {"meta": {"puid": "r-3"}}, (status, answer))
    status, answer, _ = gateway.ask("POST", "/api/v1.0/feedback", {"request": {"meta": {"puid": "r-4"}}, "reward": 1}, {"seldon-model": "chooses"})
    judge.expect("so it is without the ingress's path", status == 200 and answer == {"meta": {"puid": "r-4"}}, (status, answer))
    for body, words in (({"reward": 1}, "names no request"), ({"id": "r"}, "no outcome"), ('{"id": "r", "reward": NaN}', "NaN"), ("", "empty"),
                        ({"id": "r", "reward": "1"}, "must be a number"), ({"id": "r", "reward": 1, "time": "2999-01-01"}, "from the future"),
                        ({"unit": "u" * 500000, "reward": 1}, "500000 bytes"), ({"id": 17, "reward": 1}, "a number, and must be a text"),
                        ({"id": "r", "rewards": 1}, "did you mean `reward`")):
        status, answer, _ = gateway.ask("POST", own, body)
        judge.expect(f"feedback is refused: {words}", status == 400 and answer["kind"] == "INPUT" and words in answer["error"], (status, answer))
    status, answer, _ = gateway.ask("POST", seldon, {"response": {"data": {"ndarray": [[1.0]]}}, "reward": 1})
    judge.expect("Seldon's without a puid is told by which option answers have one", status == 400 and "--compat seldon" in answer["error"],
                 (status, answer))
    for path in (own, seldon):
        status, answer, _ = gateway.ask("POST", path, {"reward": 1}, {"x-request-id": "r", "idempotency-key": "k"})
        judge.expect(f"{path} takes no idempotency key", status == 400 and "idempotency-key" in answer["error"]
                     and "feedback_id" in answer["error"], (status, answer))
    for path, status_wanted, words in (("/v2/pipelines/twice/feedback", 409, "no experiment"), ("/v2/pipelines/nobody/feedback", 404, "`nobody`")):
        status, answer, _ = gateway.ask("POST", path, {"id": "r", "reward": 1})
        judge.expect(f"{path} is refused", status == status_wanted and words in answer["error"], (status, answer))
    for arguments, lines, code, words in ((["chooses", "--id", "r-5", "--reward", "1", "--metric", "profit=2.5"], "", 0, '"acknowledged": 1'),
                                          (["chooses", "-f", "-"], '{"unit": "u", "reward": 1}\n{"reward": 1}\n', 1, '"refused": 1'),
                                          (["chooses", "--unit", "u", "--reward", "nan"], "", 2, "finite number"),
                                          (["chooses", "--unit", "u", "--reward", "1", "--time", "2999-01-01"], "", 1, "from the future"),
                                          (["chooses", "--unit", "u", "--reward", "1", "-f", "-"], "", 2, "not from both"),
                                          (["nobody", "--unit", "u", "--reward", "1"], "", 2, "does not exist")):
        done = subprocess.run([dev.binary, "feedback", *arguments, "--brokers", dev.said("broker"), "-o", "json"], input=lines, capture_output=True,
                              text=True)
        judge.expect(f"sluice feedback {' '.join(arguments)}", done.returncode == code and words in done.stdout + done.stderr,
                     (done.returncode, done.stdout, done.stderr))


def says_what_it_is(judge, gateway):
    for path in ("/v2/health/live", "/v2/health/ready", "/v1/health/live", "/v1/health/ready", "/v2/pipelines/twice/ready",
                 "/v2/models/twice/ready"):
        status, _, _ = gateway.ask("GET", path)
        judge.expect(f"{path} is good", status == 200, status)
    judge.expect("a name may look like a pattern, and a slash may end a path",
                 [gateway.ask("GET", path)[0] for path in ("/v2/", "/v2//", "/v2/models/%7Bmodel%7D", "/v2/models/%7Bmodel%7D/ready/", "/v2/models//", "/v")]
                 == [200, 404, 404, 404, 404, 404])
    status, answer, _ = gateway.ask("GET", "/v2")
    judge.expect("it says what it is", status == 200 and answer["name"] == "sluice" and "binary_tensor_data" in answer["extensions"], answer)
    status, answer, _ = gateway.ask("GET", "/v2/pipelines/parts")
    judge.expect("a pipeline has metadata", status == 200 and answer["name"] == "parts" and "inputs" in answer and "outputs" in answer, answer)
    status, answer, _ = gateway.ask("GET", "/v2/pipelines/twice")
    judge.expect("it has the types that the plan infers", isinstance(answer["outputs"], list), answer)
    status, answer, _ = gateway.ask("GET", "/v2/routes")
    judge.expect("it lists its routes", status == 200 and any(row["path"] == "/v2/pipelines/{pipeline}/infer" for row in answer["routes"]),
                 answer)
    status, _, headers = gateway.ask("HEAD", "/v2")
    judge.expect("HEAD is GET without its body", status == 200 and int(headers["content-length"]) > 0, headers)


def references(node):
    """Every $ref of a document"""
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(inner)


def describes_itself_by_openapi(judge, gateway):
    status, document, headers = gateway.ask("GET", "/openapi.json")
    judge.expect("there is an OpenAPI document", status == 200 and document["openapi"].startswith("3.0.")
                 and headers["content-type"] == "application/json", (status, headers))
    rows = {(row["path"], row["method"].lower()): row["summary"] for row in gateway.ask("GET", "/v2/routes")[1]["routes"]}
    said = {(path, method): operation["summary"] for path, methods in document["paths"].items() for method, operation in methods.items()}
    judge.expect("it has the routes, each once", said == rows, set(said.items()) ^ set(rows.items()))
    operations = [(path, operation) for path, methods in document["paths"].items() for operation in methods.values()]
    judge.expect("each has a name of its own", len({operation["operationId"] for _, operation in operations}) == len(operations))
    wrong = [path for path, operation in operations if [one["name"] for one in operation["parameters"] if one["in"] == "path"] != re.findall("{(.*?)}", path)]
    judge.expect("the parts of a path are its parameters", not wrong, wrong)
    watch = document["paths"]["/v2/pipelines/{pipeline}/watch"]["get"]["parameters"]
    judge.expect("so is what a query must have", [(one["name"], one["in"], one["required"]) for one in watch if one["in"] != "header"] ==
                 [("pipeline", "path", True), ("request", "query", True)], watch)
    missing = [name for name in set(references(document)) if not found(document, name)]
    judge.expect("what is referred to is there", not missing, missing)
    judge.expect("errors have their parts", {"error", "kind", "place", "step", "attempts", "id"} ==
                 set(document["components"]["schemas"]["Error"]["properties"]))
    shown = [(path, method, [status for status in ("202", "204") if status in operation["responses"]]) for path, methods in document["paths"].items()
             for method, operation in methods.items() if "/pipelines/{pipeline}/" in path]
    wanted = {"infer": ["202", "204"], "explain": ["202", "204"], "feedback": ["202"], "explanations": ["202", "204"], "ready": [], "watch": ["204"]}
    request_path = {"get": ["202", "204"], "delete": ["202"]}
    wrong = [row for row in shown if row[2] != (request_path[row[1]] if row[0].endswith("{request}") else wanted[row[0].rsplit("/", 1)[1]])]
    judge.expect("the statuses are there that polls and cancellations have, too", not wrong, wrong)
    infer = document["paths"]["/v2/pipelines/{pipeline}/infer"]["post"]
    taken = {one["name"].lower() for one in infer["parameters"] if one["in"] == "header"}
    named = {"prefer", "x-timeout-ms", "x-deadline-ms", "x-request-id", "sluice-key", "seldon-model", "inference-header-content-length", "idempotency-key"}
    judge.expect("so are the headers of a request", taken == named, taken ^ named)
    judge.expect("and the form of gRPC's bodies", "application/x-protobuf" in infer["requestBody"]["content"]
                 and "application/x-protobuf" in infer["responses"]["200"]["content"])
    tensor = b"\x0a\x01x" + b"\x12\x04FP64" + b"\x1a\x01\x01" + b"\x2a\x0a\x3a\x08" + struct.pack("<d", 21.0)  # name, datatype, shape, fp64_contents
    status, answer, headers = gateway.ask("POST", "/v2/pipelines/twice/infer", b"\x2a" + bytes([len(tensor)]) + tensor, {"content-type": "application/x-protobuf"})
    judge.expect("which is taken, and answered", status == 200 and headers["content-type"] == "application/x-protobuf" and struct.pack("<d", 42.0) in answer,
                 (status, answer, headers))
    poll, errors = document["paths"]["/v2/pipelines/{pipeline}/requests/{request}"]["get"]["responses"], document["components"]["responses"]["Error"]
    submitted = gateway.infer("slow", request(), prefer="respond-async")
    pending = gateway.ask("GET", submitted[2]["location"])
    keyed = infer_twice(gateway, "twice", request(), idempotency_key="openapi")
    for what, described, (status, _, headers), header in (
            ("a submitted request", infer["responses"]["202"], submitted, "location"), ("a poll", poll["202"], pending, "retry-after"),
            ("a replay", infer["responses"]["200"], keyed[1], "idempotent-replayed"), ("a refusal", errors, gateway.ask("PUT", "/v2"), "allow")):
        told, real = {name.lower() for name in described["headers"]}, set(headers) - {"content-type", "content-length", "date", "connection"}
        judge.expect(f"so are the headers of the answer to {what}", header in real and real <= told, (status, real - told))
    judge.expect("and those of calls that are late or too many", {"Location", "Retry-After"} <= set(errors["headers"]), errors)
    outputs = gateway.infer("parts", request(), prefer="respond-async")[1]
    judge.expect("and the fields of what is accepted", set(outputs) == {"id", "outputs"} and set(outputs) <= set(document["components"]["schemas"]["Accepted"]["properties"]), outputs)
    judge.expect("nobody is asked for credentials here", "security" not in document and "securitySchemes" not in document["components"])


def found(document, reference):
    for name in reference.removeprefix("#/").split("/"):
        document = document.get(name, {})
    return document


def refuses(judge, gateway):
    status, answer, _ = gateway.infer("nobody", request())
    judge.expect("an unknown pipeline is not found", status == 404 and "nobody" in answer["error"], (status, answer))
    status, answer, _ = gateway.ask("POST", "/seldon/elsewhere/twice/api/v1.0/predictions", request())
    judge.expect("nor is one of another namespace", status == 404 and "elsewhere" in answer["error"], (status, answer))
    status, answer, _ = gateway.ask("GET", "/nothing/here")
    judge.expect("nor another path", status == 404 and "error" in answer, (status, answer))
    status, answer, headers = gateway.ask("GET", "/v2/pipelines/twice/infer")
    judge.expect("another method is not allowed", status == 405 and headers.get("allow") == "POST, OPTIONS", (status, headers))
    status, answer, headers = gateway.ask("PUT", "/v2")
    judge.expect("where GET is allowed, so is HEAD", status == 405 and headers.get("allow") == "GET, HEAD, OPTIONS" and "GET, HEAD" in answer["error"], (status, headers))
    status, answer, _ = gateway.infer("twice", "{\"inputs\":", x_request_id="poison")
    judge.expect("bad input is the caller's error, with its parts",
                 status == 400 and answer["kind"] == "INPUT" and answer["id"] == "poison" and "/0/" in answer["place"], (status, answer))
    status, answer, _ = gateway.infer("strict", request())
    judge.expect("a step that fails is named", status == 400 and answer.get("step") == "fails", (status, answer))
    status, answer, _ = gateway.infer("twice", b"x" * 1100000)
    judge.expect("what no topic takes is refused before it is produced", status == 413 and "error" in answer, (status, answer))
    close = json.dumps(request(parameters={"padding": "x" * 1040000}))
    for name in ("traceparent", "sluice_key"):
        status, answer, _ = gateway.infer("twice", close, **{name: "x" * 20000})
        judge.expect(f"neither does it with what {name} brings", status == 413 and answer["kind"] == "LIMIT", (status, answer))
    status, answer, _ = gateway.infer("twice", b"")
    judge.expect("a request without a body is refused, and is no record", status == 400 and "body" in answer["error"], (status, answer))
    for name, words in (("parts", "items"), ("bars", "minutes"), ("reader", "twice")):
        status, answer, _ = gateway.infer(name, request())
        outputs = f"sluice.default.pipeline.{name}.outputs"
        judge.expect(f"{name} cannot answer at once, and says where", status == 409 and f"`{words}`" in answer["error"]
                     and "over HTTP with the header `Prefer: respond-async`" in answer["error"] and answer["error"].endswith(outputs), (status, answer))
        status, answer, headers = gateway.infer(name, request(), prefer="respond-async")
        judge.expect(f"{name} is submitted without a place to poll", status == 202 and "location" not in headers and answer["outputs"] == outputs
                     and headers["preference-applied"] == "respond-async" and list(answer) == ["id", "outputs"], (status, answer, headers))
    for bad in ("x", "-1", "0", "1e3s"):
        status, answer, _ = gateway.infer("twice", request(), x_timeout_ms=bad)
        judge.expect(f"x-timeout-ms: {bad} is refused", status == 400 and "x-timeout-ms" in answer["error"], (status, answer))
    status, answer, _ = gateway.infer("twice", request(), x_request_id="i" * 257)
    judge.expect("an id without end is refused", status == 400, (status, answer))
    status, answer, _ = gateway.infer("twice", request(), x_deadline_ms="1")
    judge.expect("a deadline that has passed is told at once", status == 504 and answer["kind"] == "LIMIT", (status, answer))


def names_kind_place_and_id_in_each_error(judge, gateway):
    """Whoever refuses: the server that reads the head, the gateway, a pipeline; with an id of the caller's, and without one"""
    infer, poll = "/v2/pipelines/twice/infer", "/v2/pipelines/twice/requests/"
    submitted = gateway.infer("another", request(), prefer="respond-async")[2]["location"].rsplit("/", 1)[1]
    rows = [(404, "INPUT", "GET", "/nothing", None, {}), (404, "INPUT", "POST", "/v2/pipelines/nobody/infer", request(), {}),
            (405, "INPUT", "PUT", infer, request(), {}), (409, "INPUT", "POST", "/v2/pipelines/parts/infer", request(), {}),
            (400, "INPUT", "POST", infer, "", {}), (400, "INPUT", "POST", infer, "{", {}), (404, "INPUT", "GET", poll + "x", None, {}),
            (404, "INPUT", "GET", poll + submitted, None, {}), (400, "INPUT", "POST", infer, request(), {"idempotency-key": "k" * 256}),
            (415, "INPUT", "POST", infer, "x", {"content-encoding": "br"}), (415, "INPUT", "POST", infer, "{}", {"content-type": "application/cloudevents+json"}),
            (413, "LIMIT", "POST", infer, "x" * 1100000, {}), (413, "LIMIT", "POST", infer, gzip.compress(bytes(2000000)), {"content-encoding": "gzip"}),
            (504, "LIMIT", "POST", infer, request(), {"x-deadline-ms": "1"}), (417, "INPUT", "POST", infer, request(), {"expect": "much"}),
            (431, "LIMIT", "GET", "/v2", None, {f"x-{number}": "y" for number in range(140)}), (414, "LIMIT", "GET", "/" + "x" * 9000, None, {}),
            (501, "INPUT", "TRACE", "/v2", None, {})]
    for wanted, kind, method, path, body, headers in rows:
        for own in (None, 'm"ine'):
            status, answer, found = gateway.ask(method, path, body, headers | ({"x-request-id": own} if own else {}))
            read = status not in (414, 417, 431, 501)  # else the head was not read to its end
            searched = path.startswith(poll)  # the id is that of what is polled for
            judge.expect(f"{method} {path[:40]} {status} has the parts of an error", status == wanted and answer["kind"] == kind and answer["error"]
                         and answer["place"] and answer["id"], (status, answer))
            judge.expect(f"{method} {path[:40]} {status} has its id as a header, too", found.get("x-request-id") == answer["id"] or searched, (found, answer))
            judge.expect(f"{method} {path[:40]} {status} has the caller's id", not own or not read or searched or answer["id"] == own, answer)
    gateway.infer("twice", request(), idempotency_key="parts")
    status, answer, found = gateway.infer("twice", request(2.0), idempotency_key="parts")
    judge.expect("so does a key of another request", status == 422 and answer["id"] == found["x-request-id"] and answer["place"] == infer, (answer, found))


def says_what_is_wrong_with_a_tensor(judge, gateway):
    """CONFORMANCE: 422 for a shape or a datatype, 400 for what is no request"""
    right = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}
    for what, change in (("too few elements", {"shape": [1, 3]}), ("too many", {"shape": [1]}), ("ragged data", {"data": [[1], [1, 2]]}),
                         ("a dimension below 0", {"shape": [-1, 2]}), ("a shape of words", {"shape": "1,2"}), ("no such datatype", {"datatype": "float32"}),
                         ("a fraction for an integer", {"datatype": "INT8", "data": [1.5, 2]}), ("a number out of range", {"datatype": "UINT8", "data": [1, 256]}),
                         ("a word for a number", {"data": [1, "2"]}), ("null", {"data": [1, None]})):
        status, answer, _ = gateway.infer("twice", {"inputs": [right | change]})
        judge.expect(f"{what}: 422", status == 422 and answer["kind"] == "INPUT", (status, answer))
    accepted = gateway.infer("twice", {"inputs": [right | {"shape": [3]}]}, prefer="respond-async")[2]
    status, answer, found = polled(gateway, accepted["location"])
    judge.expect("a poll finds the same status", status == 422 and answer["kind"] == "INPUT", (status, answer))
    judge.expect("and the id that the request was given", answer.get("id") == found.get("x-request-id") == accepted["x-request-id"], (accepted, answer, found))
    for path, body in (("/api/v1.0/predictions", {"data": {"ndarray": [[1], [2, 3]]}}), ("/v1/models/twice:predict", {"instances": [[1], [2, 3]]})):
        status, answer, _ = gateway.ask("POST", path, body, {"seldon-model": "twice"})
        judge.expect(f"{path}, ragged: 422", status == 422 and answer["kind"] == "INPUT", (status, answer))
    for what, body in (("no inputs", {"inputs": 1}), ("a tensor without a name", {"inputs": [{k: v for k, v in right.items() if k != "name"}]})):
        status, answer, _ = gateway.infer("twice", body)
        judge.expect(f"{what}: 400", status == 400 and answer["kind"] == "INPUT", (status, answer))


def says_what_is_wrong_with_a_tensor_in_steps(judge, gateway):
    """422 too where a step cannot take the shape or the datatype; 400 for a tensor that is absent, or a value that does not do"""
    def of(name, data, datatype="FP64", shape=None):
        return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}

    for what, pipeline, tensors, wanted in (
            ("shapes that do not fit", "sums", [of("x", [1, 2]), of("y", [1, 2, 3])], 422),
            ("shapes that fit", "sums", [of("x", [1, 2]), of("y", [1])], 200),
            ("a text for a number", "sums", [of("x", ["a"], "BYTES"), of("y", [1])], 422),
            ("an absent tensor", "sums", [of("x", [1])], 400),
            ("a sum beyond its datatype", "sums", [of("x", [2**63 - 1], "INT64"), of("y", [1], "INT64")], 400),
            ("the first of a key", "means", [of("k", [1], "INT64"), of("x", [1, 2])], 200),
            ("more elements than before", "means", [of("k", [1], "INT64"), of("x", [1, 2, 3])], 422),
            ("texts after numbers", "means", [of("k", [1], "INT64"), of("x", ["a", "b"], "BYTES")], 422),
            ("a key without elements", "means", [of("k", [], "INT64", [0]), of("x", [1, 2])], 422),
            ("a column that is not there", "scales", [of("x", [1, 2], shape=[1, 2])], 422),
            ("texts for an operation of numbers", "scales", [of("x", ["a", "b", "c"], "BYTES", [1, 3])], 422),
            ("columns that are there", "scales", [of("x", [1, 2, 3], shape=[1, 3])], 200)):
        status, answer, _ = gateway.infer(pipeline, {"inputs": tensors})
        judge.expect(f"{what}: {wanted}", status == wanted and (status == 200 or answer["kind"] == "INPUT"), (status, answer))


def reads_floats_that_json_lacks_in_quotes(judge, gateway):
    """json.dumps writes the bare words that JSON does not have"""
    numbers = [float("nan"), float("inf"), float("-inf")]
    for number in numbers:
        status, answer, _ = gateway.infer("twice", request(number))
        judge.expect(f"a bare {json.dumps(number)} is refused, with what to write", status == 400 and answer["kind"] == "INPUT"
                     and "not JSON: NaN and Infinity must be in quotes" in answer["error"], (status, answer))
        status, answer, _ = gateway.infer("twice", request(json.dumps(number)))
        judge.expect(f"a quoted {json.dumps(number)} is a number, and comes back so", status == 200 and number_of(answer) == json.dumps(number), (status, answer))
    status, answer, _ = gateway.infer("twice", request(None))
    judge.expect("null is none", status == 422 and '"NaN"' in answer["error"], (status, answer))


def says_that_an_answer_is_too_large(judge, gateway):
    """The request fits its topic, the answer does not: that is no fault of the caller"""
    wide = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [400000], "data": [1] * 400000}]}
    small = json.dumps(wide, separators=(",", ":"))  # `2.0` instead of `1`
    status, answer, _ = gateway.infer("twice", small, x_request_id="wide")
    judge.expect("an answer that is too large is 500", status == 500 and answer["kind"] == "LIMIT" and answer["id"] == "wide"
                 and "message.max.bytes" in answer["error"], (status, str(answer)[:400]))
    status, answer, headers = gateway.infer("twice", small, prefer="respond-async")
    status, answer, _ = polled(gateway, headers["location"])
    judge.expect("by a poll, too", status == 500 and answer["kind"] == "LIMIT", (status, str(answer)[:400]))
    status, answer, _ = gateway.infer("twice", request(2.0))
    judge.expect("others are answered", status == 200 and number_of(answer) == 4, (status, answer))


def takes_bodies_by_their_content_type(judge, gateway):
    path = "/v2/pipelines/twice/infer"
    for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON", "application/x-www-form-urlencoded",
                 "application/octet-stream", "application/vnd.oip.v2+json", "application/problem+json", ""):
        status, answer, _ = gateway.ask("POST", path, request(), {"content-type": kind})
        judge.expect(f"content type `{kind}` is taken", status == 200, (status, answer))
    for kind in ("text/html", "text/plain; charset=utf-8", "application/xml", "multipart/form-data; boundary=x", "image/png", "json"):
        for where in (path, "/v2/pipelines/chooses/feedback"):
            status, answer, _ = gateway.ask("POST", where, request(), {"content-type": kind})
            judge.expect(f"content type `{kind}` is not taken by {where}", status == 415 and answer["kind"] == "INPUT" and kind in answer["error"],
                         (status, answer))


def decodes_paths_once(judge, gateway):
    """A slash that is encoded is refused: a proxy with rules for paths reads it as a part of a name"""
    for path, wanted in (("/v2/models/tw%69ce/ready", 200), ("/v2/models/twi%2563e/ready", 404), ("/v2/models/..%2fhealth/live", 400),
                         ("/v2%2Fmodels/twice/ready", 400), ("/v2/models/../health/live", 404), ("/v2/models/%2e%2e/ready", 404),
                         ("/v2/models/%ff/ready", 404), ("/v2/models/a%0d%0ab/ready", 404), ("/v2/models/%252f/ready", 404)):
        status, answer, _ = gateway.ask("GET", path)
        judge.expect(f"{path} is {wanted}", status == wanted and (status == 200 or answer["kind"] == "INPUT")
                     and (status != 400 or "`%2F`" in answer["error"]), (status, answer))


def reads_and_writes_gzip(judge, gateway):
    def packed(body, coding="gzip", **headers):
        return gateway.infer("twice", body, content_encoding=coding, **headers)

    body = json.dumps(request(5.0, id="z")).encode()
    for coding in ("gzip", "x-gzip", "GZIP"):
        status, answer, _ = packed(gzip.compress(body), coding)
        judge.expect(f"a request with the coding {coding} is read", status == 200 and number_of(answer) == 10, (status, answer))
    status, answer, _ = packed(body, "identity")
    judge.expect("identity is none", status == 200 and number_of(answer) == 10, (status, answer))
    status, answer, _ = packed(zlib.compress(body), "deflate")
    judge.expect("a request with the coding deflate is read", status == 200 and number_of(answer) == 10, (status, answer))
    for coding in ("br", "gzip, gzip", "zstd"):
        status, answer, headers = packed(body, coding)
        judge.expect(f"{coding} is no type that is taken, and gzip is named", status == 415 and headers.get("accept-encoding") == "gzip, deflate"
                     and answer["kind"] == "INPUT" and "gzip" in answer["error"], (status, answer, headers))
    status, answer, _ = packed(gzip.compress(b" " * (8 << 20)))
    judge.expect("what grows beyond the topic's limit is refused", status == 413 and "decompressed" in answer["error"], (status, answer))
    for broken, coding in ((gzip.compress(body)[:-1], "gzip"), (gzip.compress(body) + b"more", "gzip"), (body, "gzip"),
                           (gzip.compress(body), "deflate"), (zlib.compress(body), "gzip"), (zlib.compress(body)[:-1], "deflate")):
        status, answer, _ = packed(broken, coding)
        judge.expect(f"what is not whole {coding} is refused", status == 400 and "not whole" in answer["error"], (status, answer))
    status, answer, _ = packed(gzip.compress(b""))
    judge.expect("nothing, compressed, is no body", status == 400 and "no body" in answer["error"], (status, answer))
    given = json.dumps({"id": "z-1", "reward": 1}).encode()
    for coding, sent, wanted in (("gzip", gzip.compress(given), 202), ("gzip", given, 400), ("br", given, 415), ("gzip", gzip.compress(b" " * (8 << 20)), 413)):
        status, answer, _ = gateway.ask("POST", "/v2/pipelines/chooses/feedback", sent, {"content-encoding": coding})
        judge.expect(f"feedback with the coding {coding} is {wanted}", status == wanted, (status, answer))
    many = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1000], "data": [1.0] * 1000}]}
    for asks, coded in (("gzip", True), ("br, gzip;q=0.5", True), ("br", False), ("gzip;q=0", False)):
        status, answer, headers = gateway.infer("twice", many, accept_encoding=asks)
        answer = json.loads(gzip.decompress(answer)) if isinstance(answer, bytes) and coded else answer
        judge.expect(f"a long answer to accept-encoding: {asks}", status == 200 and answer["outputs"][0]["data"] == [2.0] * 1000
                     and headers.get("content-encoding") == ("gzip" if coded else None) and headers.get("vary") == "Accept-Encoding", (status, headers))
    status, answer, headers = gateway.infer("twice", request(5.0), accept_encoding="gzip")
    judge.expect("a short one goes as it is", status == 200 and number_of(answer) == 10 and "content-encoding" not in headers, headers)


def takes_cloud_events(judge, gateway):
    event = {"ce_specversion": "1.0", "ce_id": "event-7", "ce_source": "/shop/7", "ce_type": "order", "content_type": "application/json"}
    status, answer, headers = gateway.infer("twice", request(4.0), **event)
    judge.expect("an event is answered by one", status == 200 and number_of(answer) == 8 and headers.get("ce-specversion") == "1.0"
                 and headers.get("ce-id") == headers.get("x-request-id") == "event-7" and "twice" in headers.get("ce-source", "")
                 and headers.get("ce-type"), (status, headers))
    status, _, headers = gateway.infer("twice", request(4.0), **(event | {"x_request_id": "mine", "ce_specversion": "0.3"}))
    judge.expect("an id of the request goes before the event's", status == 200 and headers.get("ce-id") == "mine"
                 and headers.get("ce-specversion") == "0.3", (status, headers))
    status, _, headers = gateway.infer("twice", request(4.0))
    judge.expect("what is no event is not answered by one", status == 200 and not any(name.startswith("ce-") for name in headers), headers)
    status, _, headers = gateway.infer("small", request(11.0), **event)
    judge.expect("what is filtered away is no event", status == 204 and "ce-id" not in headers, (status, headers))
    for name in ("ce_id", "ce_source", "ce_type"):
        status, answer, _ = gateway.infer("twice", request(), **(event | {name: ""}))
        judge.expect(f"an event needs {name}", status == 400 and name.replace("_", "-") in answer["error"], (status, answer))
    status, answer, _ = gateway.infer("twice", request(), **(event | {"ce_specversion": "2.0"}))
    judge.expect("another version is refused", status == 400 and "2.0" in answer["error"], (status, answer))
    status, answer, _ = gateway.infer("twice", request(), **(event | {"ce_id": "i" * 257}))
    judge.expect("so is an id without end", status == 400 and "ce-id" in answer["error"], (status, answer))
    for name, headers in (("x-request-id", {"x_request_id": "\xff"}), ("ce-id", event | {"ce_id": "\xff"})):
        status, answer, _ = gateway.infer("twice", request(), **headers)
        judge.expect(f"so is a {name} that is not UTF-8", status == 400 and name in answer["error"], (status, answer))
    for kind in ("application/cloudevents+json", "application/cloudevents-batch+json; charset=utf-8"):
        status, answer, _ = gateway.infer("twice", request(), content_type=kind)
        judge.expect(f"{kind} is not taken", status == 415 and "binary mode" in answer["error"], (status, answer))


def polled(gateway, place, until=lambda status: status != 202):
    """What the last poll gave"""
    end = time.monotonic() + SECONDS_MAX
    while True:
        found = gateway.ask("GET", place)
        if until(found[0]) or time.monotonic() > end:
            return found
        time.sleep(0.1)


class Events:
    """Server-sent events of a watch, as they come"""
    def __init__(self, gateway, place, path=None):
        self.connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=SECONDS_MAX)
        self.connection.request("GET", path or place + "/watch")
        self.reply = self.connection.getresponse()

    def next(self):
        """Its name and data; None when the stream has ended"""
        name = data = None
        while line := self.reply.readline():
            field, _, value = line.decode().rstrip("\n").partition(": ")
            name, data = (value, data) if field == "event" else (name, json.loads(value) if field == "data" else data)
            if field == "" and name:
                return name, data
        return None

    def rest(self):
        found = []
        while event := self.next():
            found.append(event)
        self.connection.close()
        return found


def watches_requests(judge, gateway):
    def submit(pipeline, body, **headers):
        return gateway.infer(pipeline, body, **({"prefer": "respond-async"} | headers))[2]["location"]

    place = submit("slow", request(), x_request_id="mine")
    begun, watch = time.monotonic(), Events(gateway, place)
    judge.expect("a watch is a stream of events", watch.reply.status == 200 and watch.reply.getheader("content-type") == "text/event-stream"
                 and watch.reply.getheader("cache-control") == "no-store", watch.reply.getheaders())
    first = watch.next()
    judge.expect("which begins before the answer", first == ("accepted", {"id": place.rsplit("/", 1)[1]})
                 and time.monotonic() - begun < 0.8 * HELD_SECONDS, (first, time.monotonic() - begun))
    found = watch.rest()
    judge.expect("and ends with it", len(found) == 1 and found[0][0] == "answer" and found[0][1]["status"] == 200
                 and found[0][1]["request_id"] == "mine" and found[0][1]["body"] == gateway.ask("GET", place)[1]
                 and time.monotonic() - begun < HELD_SECONDS * 1.25 + PATIENCE, (found, time.monotonic() - begun))
    judge.expect("one that is answered is watched, too", [name for name, _ in Events(gateway, place).rest()] == ["accepted", "answer"])
    many = [Events(gateway, submit("twice", request(float(number)))) for number in range(20)]
    values = [number_of(one.rest()[-1][1]["body"]) for one in many]
    judge.expect("each of many watches has its own answer", values == [2.0 * number for number in range(20)], values)
    for pipeline, number, wanted in (("small", 11.0, ("filtered", 204)), ("strict", 1.0, ("failed", 400))):
        last = Events(gateway, submit(pipeline, request(number))).rest()[-1]
        judge.expect(f"{pipeline} ends as {wanted[0]}", (last[0], last[1]["status"]) == wanted, last)
    judge.expect("a failure has its reason", "nothing" in last[1]["body"]["error"] and last[1]["body"]["kind"] == "INPUT", last)
    nonce = "-" + "0" * 32
    for bad in ("nonsense", "0-0-0-0" + nonce, "0-999999999-0-0" + nonce):
        status, answer, _ = gateway.ask("GET", f"/v2/pipelines/twice/requests/{bad}/watch")
        judge.expect(f"{bad} is not watched", status == 404 and "id" in answer["error"], (status, answer))
    status, _, headers = gateway.ask("HEAD", place + "/watch")
    judge.expect("its head alone ends at once", status == 200 and headers["content-type"] == "text/event-stream", (status, headers))
    number = place.rsplit("/", 1)[1]
    for path in (f"/v2/pipelines/slow/watch?request={number}", f"/v2/models/slow/watch?other=1&request={number}"):
        judge.expect(f"{path} is the same watch", Events(gateway, place, path).rest() == Events(gateway, place).rest(), path)
    for query in ("", "?request=", "?id=" + number):
        status, answer, _ = gateway.ask("GET", "/v2/pipelines/slow/watch" + query)
        judge.expect(f"a watch that names no request is refused{query and ': ' + query}", status == 400 and "?request=ID" in answer["error"], (status, answer))
    status, answer, _ = gateway.ask("GET", "/v2/pipelines/twice/watch?request=nonsense")
    judge.expect("nor is nonsense watched there", status == 404 and "id" in answer["error"], (status, answer))
    gone = [Events(gateway, submit("slow", request())) for _ in range(4)]
    for one in gone:
        one.connection.close()
        one.reply.close()
    judge.expect("callers that leave do no harm", [name for name, _ in Events(gateway, place).rest()] == ["accepted", "answer"])


def cancels_requests(judge, gateway):
    """`held` has a second stage, which is about to begin when the model of the first has answered"""
    def submit(pipeline, **headers):
        return gateway.infer(pipeline, request(), **({"prefer": "respond-async"} | headers))[2]["location"]

    place, kept = submit("held"), submit("held")
    watch = Events(gateway, place)
    status, answer, _ = gateway.ask("DELETE", place)
    judge.expect("a request that runs is cancelled", (status, answer) == (202, {"id": place.rsplit("/", 1)[1], "status": "cancelling"}), (status, answer))
    status, answer, _ = gateway.ask("DELETE", place.replace("/pipelines/", "/models/"))  # it may be over by now
    judge.expect("and once more, by the path of a model", (status, answer["status"]) in ((202, "cancelling"), (200, "cancelled")), (status, answer))
    name, last = watch.rest()[-1]
    judge.expect("its watch says so", name == "failed" and last["status"] == 410 and "cancelled" in last["body"]["error"], (name, last))
    status, answer, _ = gateway.ask("GET", place)
    judge.expect("so does a poll", status == 410 and answer["kind"] == "LIMIT" and "cancelled" in answer["error"], (status, answer))
    status, answer, _ = gateway.ask("DELETE", place)
    judge.expect("and who cancels again", status == 200 and answer["status"] == "cancelled", (status, answer))
    status, answer, _ = polled(gateway, kept)
    judge.expect("another one is answered", status == 200 and number_of(answer) == 1, (status, answer))
    status, answer, headers = gateway.ask("DELETE", kept)
    judge.expect("what is answered is not cancelled", status == 409 and "has its answer" in answer["error"], (status, answer))
    judge.expect("with its id in the body and in the header", headers["x-request-id"] == answer["id"] == kept.rsplit("/", 1)[1], (answer, headers))
    judge.expect("its answer stays", gateway.ask("GET", kept)[0] == 200)
    for bad in ("nonsense", kept.rsplit("/", 1)[1][:-32] + "0" * 32):
        status, answer, _ = gateway.ask("DELETE", f"/v2/pipelines/held/requests/{bad}")
        judge.expect(f"{bad} is not cancelled", status == 404 and "id" in answer["error"], (status, answer))
    status, answer, headers = gateway.ask("PUT", kept)
    judge.expect("the path says what it takes", status == 405 and headers["allow"] == "GET, HEAD, DELETE, OPTIONS", (status, headers))


def takes_requests_to_be_polled(judge, dev, gateway):
    def submit(pipeline, body, **headers):
        return gateway.infer(pipeline, body, **({"prefer": "respond-async"} | headers))

    status, answer, headers = submit("slow", request(), x_request_id="mine")
    place = headers.get("location", "")
    judge.expect("a submitted request is taken, and its place said", status == 202 and headers.get("preference-applied") == "respond-async"
                 and place == f"/v2/pipelines/slow/requests/{answer['id']}" and headers.get("x-request-id") == "mine", (status, answer, headers))
    status, answer, headers = gateway.ask("GET", place)
    judge.expect("it is pending while its model answers", status == 202 and answer["status"] == "pending" and int(headers["retry-after"]) > 0
                 and place.endswith(answer["id"]), (status, answer))
    status, answer, headers = polled(gateway, place)
    judge.expect("then the answer comes", status == 200 and "outputs" in answer and headers["content-type"] == "application/json"
                 and headers.get("x-request-id") == "mine" and "sluice-origin" not in headers, (status, answer, headers))
    judge.expect("and comes again", gateway.ask("GET", place)[:2] == (200, answer))
    places = {number: submit("twice", request(number, id="same"), prefer="wait=5, Respond-Async", sluice_key=key)[2]["location"]
              for number, key in ((1.0, "a"), (2.0, "b"), (3.0, "a"))}
    for number, place in places.items():
        status, answer, _ = polled(gateway, place)
        judge.expect("each gets its own answer, though all have one id", status == 200 and number_of(answer) == 2 * number, (status, answer))
    status, answer, _ = polled(gateway, submit("strict", request())[2]["location"])
    judge.expect("so does one that fails", status == 400 and "nothing" in answer["error"] and answer.get("step") == "fails"
                 and "pipelines.yaml:" in answer.get("place", ""), (status, answer))
    status, answer, _ = polled(gateway, submit("slow", request(), x_timeout_ms="200")[2]["location"])
    judge.expect("and one whose deadline passes", status == 504, (status, answer))
    status, answer, _ = submit("parts", request())
    judge.expect("what cannot answer at once can be submitted", status == 202 and answer["id"], (status, answer))
    status, answer, _ = gateway.ask("GET", f"/v2/pipelines/parts/requests/{answer['id']}")
    judge.expect("though not polled, and says where", status == 409 and "`items`" in answer["error"], (status, answer))
    nonce = "-" + "0" * 32
    for bad in ("nonsense", "0-0-0", "0-0-0-0", "0-0-0-0-0", "0--1-0-0" + nonce, "99999999999-0-0-0" + nonce, "0-0-0-" + nonce, "+0-0-0-0" + nonce,
                "0-0-0-0" + nonce, "0-999999999-0-0" + nonce, "999999-0-0-0" + nonce):
        status, answer, _ = gateway.ask("GET", f"/v2/pipelines/twice/requests/{bad}")
        judge.expect(f"{bad} is no request's id", status == 404 and "id" in answer["error"], (status, answer))
    _, _, headers = submit("twice", request(21.0))
    place, given = headers["location"], headers["x-request-id"]
    status, _, headers = polled(gateway, place)
    judge.expect("an answer is there, with the id that its request was given", status == 200 and headers.get("x-request-id") == given, (headers, given))
    with concurrent.futures.ThreadPoolExecutor(64) as many:
        ends = list(many.map(lambda _: gateway.ask("GET", place), range(64)))
    judge.expect("more polls than run at once wait", [end[0] for end in ends] == [200] * 64, [end[0] for end in ends])
    with concurrent.futures.ThreadPoolExecutor(200) as many:
        ends = list(many.map(lambda _: gateway.ask("GET", place), range(200)))
    refused = [(answer["kind"], headers.get("retry-after")) for status, answer, headers in ends if status == 503]
    judge.expect("more than may wait are refused by that limit", refused and set(refused) == {("LIMIT", "1")}
                 and all(status in (200, 503) for status, _, _ in ends), (refused, [end[0] for end in ends]))
    last = "1" if place[-1] == "0" else "0"
    for forged in (place[:-1] + last, place[:-32] + "0" * 32, place[:-33], place[:-1], place.replace("/twice/", "/another/")):
        status, answer, _ = gateway.ask("GET", forged)
        judge.expect("but not for an id that was guessed", status == 404 and answer["kind"] == "INPUT" and "outputs" not in answer, (status, answer))
    place = submit("small", request(11.0), x_request_id="away")[2]["location"]
    status, answer, headers = polled(gateway, place)
    judge.expect("one that is filtered away ends without content", status == 204 and answer == b"" and headers["x-request-id"] == "away",
                 (status, answer))
    done = subprocess.run([dev.binary, "tail", "small", "--from", "beginning", "--where", 'id == "away"', "--count", "1", "-o", "json", "--brokers",
                           dev.said("broker")], capture_output=True, text=True, timeout=SECONDS_MAX)
    judge.expect("`sluice tail` says so", json.loads(done.stdout or "{}").get("outcome") == "filtered", done.stdout + done.stderr)
    for _ in range(8):  # more than a partition keeps here
        gateway.infer("small", request(1.0, parameters={"padding": "x" * 900000}))
    status, answer, _ = gateway.ask("GET", place)
    judge.expect("nor watched any more then", gateway.ask("GET", place + "/watch")[0] == 410)
    judge.expect("until Kafka has deleted it", status == 410 and answer["kind"] == "INPUT" and "deleted" in answer["error"], (status, answer))


def answers_a_key_from_one_request(judge, gateway):
    def keyed(pipeline, key, number, **headers):
        return gateway.infer(pipeline, request(number), idempotency_key=key, **headers)

    def times(reply):
        return {one["name"]: one["data"] for one in reply[1]["outputs"]}["n"] if reply[0] == 200 else reply

    def answered(key):
        """What the key is answered with, once the first answer stands in the outputs: it is 409 until then."""
        end = time.monotonic() + SECONDS_MAX
        while (reply := keyed("times", key, 4.0))[0] == 409 and time.monotonic() < end:
            time.sleep(0.1)
        return reply

    first = keyed("times", "k-1", 4.0)
    again, quoted = answered("k-1"), answered('"k-1"')
    judge.expect("a request with a key is answered", times(first) == [1] and "idempotent-replayed" not in first[2], first)
    for name, reply in (("again", again), ("with quotes", quoted)):
        judge.expect(f"the key {name} has the first answer", reply[:2] == first[:2] and reply[2].get("idempotent-replayed") == "true", reply)
        judge.expect(f"with the id of its request, {name}", reply[2].get("x-request-id") == first[2]["x-request-id"], (reply, first))
    event = {"ce_specversion": "1.0", "ce_id": "e", "ce_source": "s", "ce_type": "t", "content_type": "application/json"}
    event, again = [{name: value for name, value in reply[2].items() if name not in ("date", "idempotent-replayed")}
                    for reply in infer_twice(gateway, "twice", request(4.0), idempotency_key="k-event", **event)]
    judge.expect("that of an event is the same event", event == again and event.get("ce-source", "").endswith(".twice"), (event, again))
    for name, reply in (("body", keyed("times", "k-1", 5.0)), ("pipeline", keyed("another", "k-1", 4.0))):
        judge.expect(f"another {name} is refused", reply[0] == 422 and "new key" in reply[1]["error"] and reply[1]["kind"] == "INPUT", reply)
    judge.expect("another key is another request, and the first was one", times(keyed("times", "k-2", 4.0)) == [2])
    with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        replies = list(pool.map(lambda _: keyed("times", "k-3", 6.0), range(CALLERS * 4)))
    statuses = [reply[0] for reply in replies]
    judge.expect("of many at once one is asked, others get its answer, 409, or 503 where many are searched", 200 in statuses and set(statuses) <= {200, 409, 503}
                 and all(times(reply) == [1] for reply in replies if reply[0] == 200), statuses)
    judge.expect("and it was asked once", times(keyed("times", "k-3b", 6.0)) == [2])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = pool.submit(keyed, "slow", "k-4", 7.0)
        time.sleep(HELD_SECONDS / 3)
        early = keyed("slow", "k-4", 7.0)
        judge.expect("what is not answered yet is 409", early[0] == 409 and early[2].get("retry-after") == "1", early)
        judge.expect("and is answered", slow.result()[0] == 200, slow.result())
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=SECONDS_MAX)
    connection.request("POST", "/v2/pipelines/slow/infer", json.dumps(request(9.0)), {"idempotency-key": "k-5"})
    time.sleep(HELD_SECONDS / 5)
    connection.close()
    end = time.monotonic() + SECONDS_MAX
    while (reply := keyed("slow", "k-5", 9.0))[0] == 409 and time.monotonic() < end:
        time.sleep(0.1)
    judge.expect("a call that was cut off goes on, and its answer is there", reply[0] == 200 and reply[2].get("idempotent-replayed") == "true", reply)
    for name, pipeline, number, status in (("filtered away", "small", 50.0, 204), ("an error", "strict", 1.0, 400), ("no output", "sink", 1.0, 202)):
        replies = [keyed(pipeline, f"k-{pipeline}", number) for _ in range(2)]
        end = time.monotonic() + SECONDS_MAX
        while replies[1][0] == 409 and time.monotonic() < end:  # the answer is not in the outputs yet
            time.sleep(0.1)
            replies[1] = keyed(pipeline, f"k-{pipeline}", number)
        judge.expect(f"{name} is the same again", [reply[0] for reply in replies] == [status] * 2
                     and [reply[2].get("idempotent-replayed") for reply in replies] == [None, "true"]
                     and replies[0][1] == replies[1][1] and replies[0][2]["x-request-id"] == replies[1][2]["x-request-id"], replies)
    replies = [keyed("twice", "k-6", 3.0, prefer="respond-async") for _ in range(2)]
    judge.expect("a submitted request keeps its id", [reply[0] for reply in replies] == [202] * 2
                 and replies[0][1] == replies[1][1] and replies[0][2]["location"] == replies[1][2]["location"]
                 and replies[0][2]["x-request-id"] == replies[1][2]["x-request-id"], replies)
    judge.expect("a key of 255 bytes", keyed("twice", "k" * 255, 1.0)[0] == 200)
    short = []
    end = time.monotonic() + SECONDS_MAX
    while len(short) < 40 or (503 not in short and time.monotonic() < end):  # a fast Kafka may take a claim within the deadline
        short.append(keyed("twice", f"k-short-{len(short)}", 2.0, x_timeout_ms="1")[0])
    end = time.monotonic() + SECONDS_MAX
    held = set(range(len(short)))
    while held and time.monotonic() < end:
        held = {number for number in held if keyed("twice", f"k-short-{number}", 2.0)[0] not in (200, 504)}
    judge.expect("a deadline that is shorter than the claim takes holds no key", 503 in short and not held, (short, held))
    for key in ("k" * 256, "", '""'):
        judge.expect(f"a key of {len(key)} bytes is refused", keyed("twice", key, 1.0)[0] == 400, key[:9])
    judge.expect("an explanation takes none", gateway.ask("POST", "/v2/pipelines/twice/explain", request(1.0), {"idempotency-key": "x"})[0] == 400)
    document = gateway.ask("GET", "/openapi.json")[1]["paths"]["/v2/pipelines/{pipeline}/infer"]["post"]["parameters"]
    judge.expect("OpenAPI names the header", any(one["name"] == "idempotency-key" and one["in"] == "header" for one in document), document)


def ends_in_other_ways(judge, gateway):
    status, answer, headers = gateway.infer("small", request(11.0), x_request_id="dropped")
    judge.expect("a request that is filtered away has no content", status == 204 and answer == b"" and headers["x-request-id"] == "dropped",
                 (status, answer, headers))
    status, answer, _ = gateway.infer("small", request(9.0))
    judge.expect("one that is not is answered", status == 200 and number_of(answer) == 9, (status, answer))
    status, answer, _ = gateway.infer("sink", request(), x_request_id="there")
    judge.expect("a pipeline without output accepts", status == 202 and answer == {"id": "there"}, (status, answer))
    begun = time.monotonic()
    status, answer, _ = gateway.infer("slow", request(), x_timeout_ms="300")
    took = time.monotonic() - begun
    judge.expect("a deadline ends a call", status == 504 and answer["kind"] == "LIMIT" and took < 0.8 * HELD_SECONDS, (status, answer, took))
    connection, body = socket.create_connection((gateway.host, gateway.port), timeout=SECONDS_MAX), json.dumps(request()).encode()
    connection.sendall(b"POST /v2/pipelines/twice/infer HTTP/1.1\r\nHost: localhost\r\nx-timeout-ms: 300\r\nContent-Length: %d\r\n\r\n" % len(body))
    time.sleep(0.4)
    connection.sendall(body)
    answer = connection.recv(65536)
    judge.expect("it counts while the body comes", answer.startswith(b"HTTP/1.1 504") and b"has passed already" in answer, answer)
    connection.close()
    begun = time.monotonic()
    status, answer, _ = gateway.infer("slow", request(), x_deadline_ms=str(int(time.time() * 1000) + 300))
    took = time.monotonic() - begun
    judge.expect("so does one by the time of day", status == 504 and took < 0.8 * HELD_SECONDS, (status, answer, took))


def holds_headers_back(judge, gateway):
    """The pipeline `heard` answers with the headers that it sees"""
    sent = {"Authorization": "secret", "Cookie": "secret", "sluice-secret": "secret", "sluice-reply": "0/0123456789abcdef", "x-other": "secret",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "sluice-key": "the-key"}
    status, answer, _ = gateway.ask("POST", "/v2/pipelines/heard/infer", request(), sent)
    seen = {one["name"]: one["data"][0] for one in answer["outputs"]} if status == 200 else {}
    for name in ("authorization", "cookie", "own"):
        judge.expect(f"{name} of a caller stays here", seen.get(name) == "none", (status, answer))
    judge.expect("what is listed goes along", seen.get("trace") == sent["traceparent"], answer)
    judge.expect("and so does what the pipeline reads", seen.get("other") == sent["x-other"], answer)
    judge.expect("sluice-key is the record's key, and no header", seen.get("key") == "the-key" and seen.get("key_header") == "none", answer)


def keeps_calls_apart(judge, gateway):
    """Each caller has a connection of its own, and all use the same ids"""
    wrong = []

    def call(caller):
        connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=SECONDS_MAX)
        for turn in range(CALLS_EACH):
            number = caller * 1000.0 + turn
            pipeline, factor = ("twice", 2) if (caller + turn) % 2 else ("another", 3)
            connection.request("POST", f"/v2/pipelines/{pipeline}/infer", json.dumps(request(number, id="same")))
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            if reply.status != 200 or number_of(answer) != number * factor:
                wrong.append((reply.status, answer, number * factor))
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(call, range(CALLERS)))
    judge.expect("each call gets its own answer, though all have one id", not wrong, wrong[:2])


def lets_callers_go(judge, dev, gateway):
    body = json.dumps(request()).encode()
    for pipeline in (b"slow", b"held"):
        connection = socket.create_connection((gateway.host, gateway.port))
        connection.sendall(b"POST /v2/pipelines/%s/infer HTTP/1.1\r\nHost: localhost\r\nx-request-id: left\r\nContent-Length: %d\r\n\r\n" % (pipeline, len(body)) + body)
        time.sleep(HELD_SECONDS / 5)  # it is on its way then, and the model keeps its reply back
        connection.close()
    done = subprocess.run([dev.binary, "tail", "held", "--from", "beginning", "--where", 'id == "left"', "--count", "1", "-o", "json", "--brokers",
                           dev.said("broker")], capture_output=True, text=True, timeout=SECONDS_MAX)
    judge.expect("a caller that leaves cancels its request in the stages that have not begun it", "cancelled by its caller" in done.stdout, done.stdout + done.stderr)
    status, answer, _ = gateway.infer("twice", request(3.0))
    judge.expect("a caller that leaves does no harm", status == 200 and number_of(answer) == 6, (status, answer))


def follows(judge, dev, gateway):
    dev.write("more.yaml", PIPELINE % ("later", "  - {name: half, expression: {set: {x: x / 2}}}\n  output: {steps: [half]}\n"))
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end and gateway.infer("later", request(8.0))[0] == 404:
        time.sleep(0.1)
    status, answer, _ = gateway.infer("later", request(8.0))
    judge.expect("a pipeline that comes later is asked at the same port", status == 200 and number_of(answer) == 4, (status, answer))
    status, answer, _ = gateway.infer("twice", request(8.0))
    judge.expect("the others go on", status == 200 and number_of(answer) == 16, (status, answer))


def ends(judge, dev, gateway):
    found = []
    caller = threading.Thread(target=lambda: found.append(gateway.infer("slow", request(7.0))))
    caller.start()
    watch = Events(gateway, gateway.infer("slow", request(), prefer="respond-async")[2]["location"])
    time.sleep(HELD_SECONDS / 5)
    begun = time.monotonic()
    dev.process.terminate()
    last = watch.rest()[-1:]
    judge.expect("a watch says at once that it ended before", last and last[0][0] == "pending" and last[0][1]["status"] == 202
                 and time.monotonic() - begun < HELD_SECONDS / 2, (last, time.monotonic() - begun))
    try:
        is_open = gateway.ask("GET", "/v2/health/ready")[0]
    except OSError:
        is_open = False
    judge.expect("nobody new comes in meanwhile", not is_open and not found, (is_open, found))
    caller.join()
    judge.expect("what is open when it is stopped is answered", found and found[0][0] == 200, found)
    code = dev.process.wait(SECONDS_MAX)
    judge.expect("it ends well", code == 0, code)


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        with open(os.path.join(place, "pipelines.yaml"), "w", encoding="utf-8") as file:
            file.write("---\n".join([PIPELINE % row for row in PIPELINES] + [MODEL % row for row in MODELS]))
        dev = Dev(binary, place)
        if not dev.started:
            sys.exit("gateway: it does not start: " + "\n".join(dev.lines))
        gateway = Gateway(dev.said("gateway"))
        answers(judge, dev, gateway)
        answers_directly(judge, gateway)
        asks_models(judge, dev, gateway)
        speaks_other_forms(judge, gateway)
        takes_feedback(judge, dev, gateway)
        says_what_is_wrong_with_a_tensor(judge, gateway)
        says_what_is_wrong_with_a_tensor_in_steps(judge, gateway)
        reads_floats_that_json_lacks_in_quotes(judge, gateway)
        says_that_an_answer_is_too_large(judge, gateway)
        takes_bodies_by_their_content_type(judge, gateway)
        says_what_it_is(judge, gateway)
        describes_itself_by_openapi(judge, gateway)
        refuses(judge, gateway)
        names_kind_place_and_id_in_each_error(judge, gateway)
        decodes_paths_once(judge, gateway)
        reads_and_writes_gzip(judge, gateway)
        takes_cloud_events(judge, gateway)
        watches_requests(judge, gateway)
        cancels_requests(judge, gateway)
        takes_requests_to_be_polled(judge, dev, gateway)
        answers_a_key_from_one_request(judge, gateway)
        ends_in_other_ways(judge, gateway)
        holds_headers_back(judge, gateway)
        keeps_calls_apart(judge, gateway)
        lets_callers_go(judge, dev, gateway)
        follows(judge, dev, gateway)
        ends(judge, dev, gateway)
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
