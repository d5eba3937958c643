#!/usr/bin/env python3
"""Judges explanations at the gateway of `sluice dev` from outside: explain.py SLUICE

Two trees and a model behind a server, inline, beside the answer and on request. One line for each behaviour that is not as it
should be; at the end `N passed, N failed`.
"""
import http.client, http.server, json, os, shutil, subprocess, sys, tempfile, threading, time, urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
from dev import ROOT, SECONDS_MAX, Dev, Judge, free_port  # noqa: E402
from gateway import Gateway  # noqa: E402

TREES = os.path.join(ROOT, "tests", "cases-own", "explain-local-trees-against-a-background")
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: %s}
spec:
  steps:
  - name: score
    model: %s
  - name: why
    inputs: [score]
    explain: {%s}
  output: {steps: [%s]}
"""
PIPELINES = [
    ("inline", "{local: trees.json}", "background: usual.csv, deliver: inline", "why"),
    ("beside", "{local: trees.json}", "background: usual.csv", "score"),
    ("asked", "{name: double}", "deliver: on-request", "why"),
    ("classes", "{name: label}", "background: usual.csv", "score"),
    ("rules", "{local: trees.json}", "by: anchors, background: usual.csv", "score"),
    ("weights", "{local: trees.json}", "by: permutation, background: usual.csv", "score"),
]
MODEL = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: 'stub://%s'}\n"
MODELS = [("double", "linear?w=2,2,2"), ("label", "const?value=1&datatype=INT64")]
FOREST = """apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: forest}
spec:
  predictors:
  - name: default
    graph: {name: answers, implementation: XGBOOST_SERVER, modelUri: "stub://const?value=1"}
    explainer: {type: TreeShap, modelUri: "file://trees.json"}
"""
BACKGROUND = """apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: known, annotations: {sluice.io/explainer-background: usual.csv}}
spec:
  predictors:
  - name: default
    graph: {name: adds, implementation: SKLEARN_SERVER, modelUri: "stub://linear?w=2,2,2"}
    explainer: {type: KernelShap}
"""
PLAIN = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: plain}
spec:
  steps: [{name: score, model: {local: trees.json}}]
  output: {steps: [score]}
"""
STRAIGHT = PIPELINE.replace("spec:\n", "spec:\n  ingress: direct\n", 1) % ("straight", "{local: trees.json}", "background: usual.csv", "score")
TWO_STEPS = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: two-steps}
spec:
  steps:
  - {name: score, model: {local: trees.json}}
  - {name: kind, model: {name: label}}
  - {name: nay, inputs: [kind], explain: {background: usual.csv, deliver: on-request}}
  - {name: why, inputs: [score], explain: {background: usual.csv, deliver: on-request}}
  output: {steps: [score]}
"""
SERVER = ("apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: mlflow, namespace: data-platform}\n"
          "spec: {serverConfig: mlserver, capabilities: [mlflow], endpoints: ['http://127.0.0.1:%d']}\n")
ROW = [1, 0, 1]


def request(*row):
    return {"id": "r", "inputs": [{"name": "x", "datatype": "FP64", "shape": [1, len(row)], "data": list(row)}]}


def trees_are_explained(judge, gateway):
    with open(os.path.join(TREES, "out.jsonl"), encoding="utf-8") as file:
        outputs = {one["name"]: one["data"] for one in json.loads(file.readline())["response"]["outputs"]}
    for path in ("/v2/pipelines/inline/explain", "/v2/pipelines/beside/explain", "/v2/models/beside/explain"):
        status, answer, headers = gateway.ask("POST", path, request(*ROW))
        one = answer.get("explanations", [{}])[0]
        parts = [part["contribution"] for part in one.get("attributions", [])]
        judge.expect(f"{path} answers the values of all coalitions", status == 200 and headers.get("x-request-id") == "r" and
                     all(abs(a - b) < 1e-12 for a, b in zip(parts, outputs["explanation"][:3], strict=True)) and
                     [part["feature"] for part in one["attributions"]] == ["age", "size", "rate"] and
                     abs(one["base_value"] + sum(parts) + one["residual"] - one["answer"]) < 1e-9 and
                     one["method"] == "tree" and one["output"] == "predict[0]" and one["complete"], (status, answer))
    several = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [3, 3], "data": ROW + [0, 2.5, -3] + ROW}]}
    for path in ("/v2/pipelines/inline/explain", "/v2/pipelines/beside/explain", "/v2/pipelines/two-steps/explain"):
        status, answer, _ = gateway.ask("POST", path, several)
        judge.expect(f"{path}: explanations have the order of the rows, and are answered though another step fails", status == 200 and
                     [(one["output"], one["answer"]) for one in answer["explanations"]] ==
                     [("predict[0]", 17), ("predict[1]", 11.5), ("predict[2]", 17)], (status, answer))
    status, answer, _ = gateway.ask("POST", "/seldon/default/beside/api/v1.0/explanations", {"data": {"ndarray": [ROW]}})
    judge.expect("a Seldon message is explained", status == 200 and answer["explanations"][0]["answer"] == 17, (status, answer))
    status, answer, _ = gateway.ask("POST", "/v1/models/inline:explain", {"instances": [ROW]})
    judge.expect("V1 explain answers", status == 200 and answer["explanations"][0]["answer"] == 17, (status, answer))
    status, answer, _ = gateway.infer("beside", request(*ROW))
    judge.expect("beside it the answer stays as it is", status == 200 and [one["name"] for one in answer["outputs"]] == ["predict"],
                 (status, answer))
    status, answer, _ = gateway.infer("inline", request(*ROW))
    judge.expect("inline the answer has it", status == 200 and "explanation" in [one["name"] for one in answer["outputs"]],
                 (status, answer))


def a_file_of_trees_explains_a_deployment(judge, gateway):
    status, answer, _ = gateway.ask("POST", "/seldon/default/forest/api/v1.0/explanations", {"data": {"ndarray": [ROW, [0, 2.5, -3]]}})
    data = answer.get("data", {})
    values = data.get("shap_values", [[]])[0]
    judge.expect("TreeShap explains what the file of the model answers", status == 200 and answer["meta"]["name"] == "TreeShap" and
                 data["raw"]["raw_prediction"] == [[17], [11.5]] and data["raw"]["instances"] == [ROW, [0, 2.5, -3]] and
                 all(abs(sum(row) + data["expected_value"][0] - one) < 1e-9 for row, one in zip(values, (17, 11.5), strict=True)),
                 (status, answer))


def a_file_is_the_background_of_a_deployment(judge, gateway):
    """The means of usual.csv are 0.8125, 1.25 and 0.5, and the model adds twice each feature. It is the first request."""
    status, answer, _ = gateway.ask("POST", "/seldon/default/known/api/v1.0/explanations", {"data": {"ndarray": [[4, 0, 1]]}})
    values = answer.get("data", {}).get("shap_values", [[[]]])[0][0]
    judge.expect("the first request is explained against a file", status == 200 and len(values) == 3 and
                 all(abs(a - b) < 1e-9 for a, b in zip(values, (6.375, -2.5, 1), strict=True)), (status, answer))


def anchors_are_rules(judge, gateway):
    status, answer, _ = gateway.ask("POST", "/v2/pipelines/rules/explain", request(*ROW))
    one = answer.get("explanations", [{}])[0]
    judge.expect("an anchor has conditions, precision and coverage", status == 200 and one["method"] == "anchors" and
                 one["answer"] == 17 and one["attributions"] == [] and one["precision"] >= 0.95 and 0 <= one["coverage"] <= 1 and
                 one["complete"] and all(any(name in rule for name in ("age", "size", "rate")) for rule in one["rules"]), (status, answer))


def explanations_are_polled(judge, gateway):
    """By the id of a submitted request: what the same request is answered where the explanation is waited for"""
    for pipeline in ("beside", "inline", "rules", "weights", "two-steps"):
        gateway.ask("POST", f"/v2/pipelines/{pipeline}/explain", request(0, 2.5, -3))  # another's, which is not to be found
        _, wanted, _ = gateway.ask("POST", f"/v2/pipelines/{pipeline}/explain", request(*ROW))
        status, _, headers = gateway.infer(pipeline, request(*ROW), prefer="respond-async", x_explain="yes")
        place = headers.get("location", "/")
        answer, end = {}, time.monotonic() + SECONDS_MAX
        while (status := gateway.ask("GET", place + "/explanations")[0]) == 202 and time.monotonic() < end:
            time.sleep(0.05)
        status, answer, _ = gateway.ask("GET", place.replace("/v2/pipelines/", "/v2/models/") + "/explanations")
        judge.expect(f"{pipeline}: its explanations are polled by the id of the request", status == 200 and answer == wanted, (status, answer, wanted))
        nonce = place.rsplit("-", 1)[1]
        status, answer, _ = gateway.ask("GET", place.replace(nonce, nonce[1:] + ("0" if nonce[0] != "0" else "1")) + "/explanations")
        judge.expect(f"{pipeline}: an id that was guessed gives none", status == 404 and "no request was submitted" in answer["error"], (status, answer))
    _, _, headers = gateway.infer("two-steps", request(*ROW), prefer="respond-async")
    status, answer, again = gateway.ask("GET", headers["location"] + "/explanations")
    judge.expect("what was not explained is pending", status == 202 and answer["status"] == "pending" and "retry-after" in again, (status, answer))
    status, answer, _ = gateway.ask("GET", "/v2/pipelines/plain/requests/" + headers["location"].rsplit("/", 1)[1] + "/explanations")
    judge.expect("a pipeline that explains nothing says so", status == 409 and "no step of kind `explain`" in answer["error"], (status, answer))


def poll_until_there(gateway, path, headers=None):
    """The status and the answer of the last poll"""
    end = time.monotonic() + SECONDS_MAX
    while (polled := gateway.ask("GET", path, None, headers or {}))[0] in (202, 404) and time.monotonic() < end:
        time.sleep(0.05)
    return polled[:2]


def explanations_of_waiting_callers_are_polled(judge, gateway):
    """By the id that the answer has: given in a header, in the body, or by the gateway"""
    for number, pipeline in enumerate(("beside", "inline", "rules", "straight")):
        body = {key: value for key, value in request(*ROW).items() if key != "id"}
        for kind, extra, headers in (("header", {}, {"x-request-id": f"h {number}"}), ("body", {"id": f"b-{number}"}, {}), ("gateway", {}, {})):
            status, answer, replied = gateway.ask("POST", f"/v2/pipelines/{pipeline}/infer", body | extra, headers)
            known = replied["x-request-id"] if kind != "body" else answer["id"]
            judge.expect(f"{pipeline}: an answer has the id of its request by {kind}", status == 200 and bool(known), (answer, replied))
            status, answer = poll_until_there(gateway, f"/v2/pipelines/{pipeline}/requests/{urllib.parse.quote(known)}/explanations")
            judge.expect(f"{pipeline}: its explanations are polled by the id, of the {kind}", status == 200 and answer["id"] == known and
                         len(answer["explanations"]) == 1 and answer["explanations"][0]["answer"] == 17, (status, answer))
    for extra, headers in (({"id": "later"}, {}), ({}, {"x-request-id": "later-too"})):
        gateway.ask("POST", "/v2/pipelines/two-steps/infer", body | extra, headers)
    for known in ("later", "later-too"):
        status, answer, again = gateway.ask("GET", f"/v2/pipelines/two-steps/requests/{known}/explanations")
        judge.expect("what was not explained is pending by its id, too", status == 202 and answer["id"] == known and "retry-after" in again,
                     (status, answer))
    for unknown in ("nobody", "late", "x" * 257):
        status, answer, _ = gateway.ask("GET", f"/v2/pipelines/two-steps/requests/{unknown}/explanations")
        judge.expect("an id that no request had is unknown", status == 404 and "no request of yours" in answer["error"], (status, answer))


def metrics_leave_perturbations_out(judge, binary):
    """Neither as calls of the model nor as its errors, of which an alert would tell: each second call of a request fails"""
    folder = tempfile.mkdtemp(prefix="sluice-explain-")
    with open(os.path.join(folder, "usual.csv"), "w", encoding="utf-8") as file:
        file.write("a,b,c\n1,0,2\n3,1,0\n2,2,1\n")
    with open(os.path.join(folder, "pipeline.yaml"), "w", encoding="utf-8") as file:
        file.write("---\n".join([PIPELINE % ("counted", "{name: half}", "background: usual.csv", "score"),
                                 MODEL % ("half", "flaky?every=2&then=linear&w=2,3,4")]))
    port = free_port()
    dev = Dev(binary, folder, "--metrics", str(port))
    try:
        gateway = Gateway(dev.said("gateway"))
        for number in range(5):
            status, answer, _ = gateway.ask("POST", "/v2/pipelines/counted/explain", request(*ROW) | {"id": f"m{number}"})
            judge.expect("a model that fails for every second call is explained", status == 200, (status, answer))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
        connection.request("GET", "/metrics")
        lines = [line for line in connection.getresponse().read().decode().splitlines() if 'model="half"' in line]
        of = {name: sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"sluice_model_{name}{{"))
              for name in ("calls_total", "attempts_total", "attempt_duration_seconds_count", "errors_total", "retries_total",
                           "cache_hits_total", "cache_misses_total")}
        judge.expect("metrics of a model leave perturbations out", of.pop("calls_total") == of.pop("attempts_total") ==
                     of.pop("attempt_duration_seconds_count") == 5 and not any(of.values()), lines)
    finally:
        dev.process.terminate()
        dev.process.wait()
        shutil.rmtree(folder)


def importances_are_mean_squared_changes(judge, gateway):
    """Each row of usual.csv gives its number of a feature; the answers to these rows are asked for as any other"""
    with open(os.path.join(TREES, "usual.csv"), encoding="utf-8") as file:
        lines = [line.split(",") for line in file.read().split()]
    names, usual = lines[0], [[float(number) if number not in ("", "nan") else None for number in line] for line in lines[1:]]
    usual = [[float("nan") if number is None else number for number in row] for row in usual]
    wanted = []
    for column in range(len(names)):
        rows = [ROW[:column] + [row[column]] + ROW[column + 1:] for row in usual]
        body = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [len(rows), len(ROW)],
                            "data": ["NaN" if number != number else number for row in rows for number in row]}]}
        _, answer, _ = gateway.infer("weights", body)
        wanted.append(sum((one - 17) ** 2 for one in answer["outputs"][0]["data"]) / len(rows))
    status, answer, _ = gateway.ask("POST", "/v2/pipelines/weights/explain", request(*ROW))
    one = answer.get("explanations", [{}])[0]
    judge.expect("importances by permutation", status == 200 and one["method"] == "permutation" and one["answer"] == 17 and
                 [part["feature"] for part in one["attributions"]] == names and one["residual"] is None and one["complete"] and
                 all(abs(part["contribution"] - mean) < 1e-9 for part, mean in zip(one["attributions"], wanted, strict=True)), (answer, wanted))
    status, answer, _ = gateway.ask("POST", "/seldon/default/weights/api/v1.0/explanations", {"data": {"ndarray": [ROW]}})
    data = answer.get("data", {})
    judge.expect("and in Seldon's form", status == 200 and answer["meta"]["name"] == "PermutationImportance" and
                 data["metric_names"] == ["loss_mse"] and [len(one) for one in data["feature_importance"]] == [3] and
                 all(abs(one["mean"] - mean) < 1e-9 for one, mean in zip(data["feature_importance"][0], wanted, strict=True)), (status, answer))


def a_sample_warms_up(judge, gateway):
    status, answer, headers = gateway.ask("POST", "/v2/pipelines/asked/explain", request(1, 2, 3))
    judge.expect("before 20 requests there is nothing to compare with", status == 503 and "retry-after" in headers and
                 "needs 20" in answer["error"], (status, answer))
    rows = [(1, 2, 3)]
    for number in range(19):
        rows.append((number, number % 4, 2))
        status, answer, _ = gateway.infer("asked", request(*rows[-1]))
        judge.expect("what does not ask is not explained", status == 200 and [one["name"] for one in answer["outputs"]] == ["predict"], answer)
    rows.append((5, 7, 9))
    means = [sum(column) / len(rows) for column in zip(*rows)]
    status, answer, _ = gateway.ask("POST", "/v2/pipelines/asked/explain", request(*rows[-1]))
    one = answer.get("explanations", [{}])[0]
    parts = [part["contribution"] for part in one.get("attributions", [])]
    judge.expect("a model on a server is explained exactly", status == 200 and one["method"] == "exact" and one["calls"] == 2 and
                 all(abs(part - 2 * (x - mean)) < 1e-9 for part, x, mean in zip(parts, rows[-1], means, strict=True)), (status, answer))
    status, answer, _ = gateway.infer("asked", request(5, 7, 9), x_explain="yes")
    judge.expect("the header asks for it", status == 200 and "explanation" in [one["name"] for one in answer["outputs"]], (status, answer))


def what_fails_beside_is_told_where_it_was_asked_for(judge, gateway):
    status, answer, _ = gateway.infer("classes", request(*ROW))
    judge.expect("what cannot be explained is answered", status == 200, (status, answer))
    status, answer, _ = gateway.ask("POST", "/v2/pipelines/classes/explain", request(*ROW))
    judge.expect("and the explanation says why not", status == 502 and "a class has no parts that add up" in answer["error"], (status, answer))


class Prices(http.server.BaseHTTPRequestHandler):
    """A model server: a price that only the first of three features decides"""
    rows, calls = 0, 0
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tensor = message["inputs"][0]
        prices = [100 * value for value in tensor["data"][::tensor["shape"][1]]]
        Prices.rows += len(prices)
        Prices.calls += 1
        body = json.dumps({"model_name": "model", "outputs": [
            {"name": "price", "datatype": "FP64", "shape": [len(prices), 1], "data": prices}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def a_deployment_has_an_explainer(judge, binary):
    """The reference file as it is; a Server beside it has its model"""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Prices)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tempfile.mkdtemp(prefix="sluice-explain-")
    shutil.copy(os.path.join(ROOT, "tests", "reference", "sdep-explainer.yaml"), folder)
    with open(os.path.join(folder, "server.yaml"), "w", encoding="utf-8") as file:
        file.write(SERVER % server.server_port)
    dev = Dev(binary, folder)
    try:
        gateway = Gateway(dev.said("gateway"))
        prefix = "/seldon/data-platform/explainable-model"
        message = lambda *row: {"data": {"ndarray": [list(row)]}}
        status, answer, headers = gateway.ask("POST", prefix + "/api/v1.0/explanations", message(3, 1, 2))
        judge.expect("before 20 requests a deployment explains nothing, and says when to ask again", status == 503 and
                     int(headers.get("retry-after", 0)) > 0 and "needs 20" in json.dumps(answer), (status, answer, headers))
        for number in range(39):
            row = (number % 4, number % 3, number % 5)
            status, answer, _ = gateway.ask("POST", prefix + "/api/v1.0/predictions", message(*row))
            judge.expect("predictions are as without an explainer", status == 200 and answer["data"]["ndarray"] == [[100.0 * row[0]]],
                         (status, answer))
        judge.expect("no perturbation was sent for them", Prices.rows == 40, Prices.rows)
        before = Prices.calls
        for path in (prefix + "/api/v1.0/explanations", prefix + "/api/v1.0/explain"):
            status, answer, _ = gateway.ask("POST", path, message(3, 1, 2))
            data = answer.get("data", {})
            judge.expect(f"{path} answers as alibi does", status == 200 and answer["meta"]["name"] == "AnchorTabular" and
                         len(data["anchor"]) == 1 and data["precision"] >= 0.95 and 0 < data["coverage"] < 0.5 and
                         data["raw"]["feature"] == [0] and data["raw"]["instance"] == [3, 1, 2] and data["raw"]["success"] and
                         data["raw"]["prediction"] == [300], (status, answer))
        judge.expect("perturbations are sent in a few large calls", 4 <= Prices.calls - before <= 60 and
                     Prices.rows > 10 * (Prices.calls - before), (Prices.calls - before, Prices.rows))
    finally:
        dev.process.terminate()
        dev.process.wait()
        server.shutdown()
        shutil.rmtree(folder)


CANDIDATES = {"baseline-predictor": (1, 2), "enhanced-predictor": (10, 20)}
TRIAL_BESIDE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: trial-beside}
spec:
  steps:
  - {name: split, experiment: {name: financial-ab-test-experiment}}
  - {name: why, inputs: [split], explain: {background: {rows: 30}}}
  output: {steps: [split]}
"""


def a_pipeline_has_a_built_in_explainer(judge, binary):
    """The reference files as they are; the candidates' models are on the project's own model server"""
    models = tempfile.mkdtemp(prefix="sluice-explain-")
    folder = tempfile.mkdtemp(prefix="sluice-explain-")
    with open(os.path.join(models, "models.yaml"), "w", encoding="utf-8") as file:
        file.write("---\n".join(MODEL % (name, "linear?w=" + ",".join(map(str, weights))) for name, weights in CANDIDATES.items()))
    server = subprocess.Popen([binary, "models", "serve", models, "--port", "0"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    try:
        said = next(line for line in server.stdout if "http://" in line)
        address = "http://" + said.split("http://")[1].split()[0].rstrip(",;/")
        for name in ("pipeline-explain.yaml", "experiment-70-30.yaml"):
            shutil.copy(os.path.join(ROOT, "tests", "reference", name), folder)
        with open(os.path.join(folder, "models.yaml"), "w", encoding="utf-8") as file:
            file.write("---\n".join([f"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {{name: {name}}}\n"
                                     f"spec: {{storageUri: '{address}/{name}'}}\n" for name in CANDIDATES] + [TRIAL_BESIDE]))
        dev = Dev(binary, folder)
        try:
            the_candidate_that_answered_is_explained(judge, Gateway(dev.said("gateway")))
        finally:
            dev.process.terminate()
            dev.process.wait()
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(models)
        shutil.rmtree(folder)


def a_stub_offers_the_explainer(judge, binary):
    """The reference file as it is, and its explainer as a stub: of a stubs.json beside it, or of a Model"""
    offers = {"stubs.json": '{"shap-explainer": "stub://explain", "baseline-predictor": "stub://linear?w=1,2", "enhanced-predictor": "stub://linear?w=1,2"}',
              "models.yaml": "---\n".join(MODEL % (name, stub) for name, stub in
                                          (("shap-explainer", "explain"), ("baseline-predictor", "linear?w=1,2"), ("enhanced-predictor", "linear?w=1,2")))}
    for file, content in offers.items():
        folder = tempfile.mkdtemp(prefix="sluice-explain-")
        for name in ("pipeline-explain.yaml", "experiment-70-30.yaml"):
            shutil.copy(os.path.join(ROOT, "tests", "reference", name), folder)
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.write(content)
        dev = Dev(binary, folder)
        try:
            status, answer, _ = Gateway(dev.said("gateway")).infer("explainable-prediction-pipeline", request(3, 5))
            names = [one["name"] for one in answer.get("outputs", [])]
            judge.expect(f"the stub of {file} explains, and nothing is built in", status == 200 and "explanation" in names and
                         not any(name.startswith("explanation_") for name in names), (status, answer))
        finally:
            dev.process.terminate()
            dev.process.wait()
            shutil.rmtree(folder)


def the_candidate_that_answered_is_explained(judge, gateway):
    pipeline, rows, weights_seen = "explainable-prediction-pipeline", [], set()
    status, answer, headers = gateway.ask("POST", f"/v2/pipelines/{pipeline}/explain", request(3, 5))
    judge.expect("before 20 requests the built-in explainer has nothing to compare with", status == 503 and "retry-after" in headers and
                 "needs 20" in answer["error"], (status, answer))
    rows.append((3, 5))
    for number in range(18):
        rows.append((number % 4, number % 7))
        status, answer, _ = gateway.infer(pipeline, request(*rows[-1]))
        judge.expect("until then answers have no explanation", status == 200 and [one["data"][0] for one in answer["outputs"][1:]] == ["none"], answer)
    for number in range(24):
        rows.append((1 + number % 5, number % 3))
        means = [sum(column) / len(rows) for column in zip(*rows)]
        status, answer, _ = gateway.infer(pipeline, request(*rows[-1]))
        outputs = {one["name"]: one["data"] for one in answer["outputs"]} if status == 200 else {}
        weights = next((one for one in CANDIDATES.values() if outputs and outputs["predict"] ==
                        [sum(w * x for w, x in zip(one, rows[-1], strict=True))]), (0, 0))
        parts = [w * (x - mean) for w, x, mean in zip(weights, rows[-1], means, strict=True)]
        judge.expect("an answer has the explanation of the model that gave it", "explanation" in outputs and
                     all(abs(a - b) < 1e-9 for a, b in zip(outputs["explanation"], parts, strict=True)), (answer, parts))
        weights_seen.add(weights)
    judge.expect("both candidates answered", weights_seen == set(CANDIDATES.values()), weights_seen)
    for path, body in ((f"/v2/pipelines/{pipeline}/explain", request(3, 5)),
                       (f"/seldon/default/{pipeline}/api/v1.0/explanations", {"data": {"ndarray": [[3, 5]]}})):
        status, answer, _ = gateway.ask("POST", path, body)
        one = answer.get("explanations", [{}])[0]
        judge.expect(f"{path} answers with the explanation", status == 200 and one["step"] == "model-predictor" and one["method"] == "exact" and
                     one["answer"] in (13, 130) and abs(one["base_value"] + sum(part["contribution"] for part in one["attributions"]) - one["answer"])
                     < 1e-9, (status, answer))
    for number in range(21):
        gateway.infer("trial-beside", request(number % 5, number % 3))
    answers = set()
    for number in range(16):
        key = {"sluice-key": f"k{number}"}
        _, answer, _ = gateway.infer("trial-beside", request(3, 5), **key)
        predicted = answer["outputs"][0]["data"][0]
        status, answer, _ = gateway.ask("POST", "/v2/pipelines/trial-beside/explain", request(3, 5), key)
        one = answer.get("explanations", [{}])[0]
        judge.expect("beside, too, it is the candidate that answered", status == 200 and one["answer"] == predicted and
                     abs(one["base_value"] + sum(part["contribution"] for part in one["attributions"]) - predicted) < 1e-9, (status, answer))
        answers.add(predicted)
    judge.expect("beside, both candidates answered", answers == {13, 130}, answers)


def the_command_shows_a_waterfall(judge, gateway, binary):
    address = f"http://{gateway.host}:{gateway.port}"

    def shown(pipeline, *more):
        done = subprocess.run([binary, "explain", pipeline, "-f", "-", "--gateway", address, *more], input=json.dumps(request(*ROW)),
                              capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    code, text, wrong = shown("beside")
    judge.expect("it leads from the base value to the answer", code == 0 and "score predict[0], by tree" in text and
                 [line.split()[0] for line in text.splitlines()[1:6]] == ["base", "age", "size", "rate", "answer"] and
                 "+1.75" in text and "12.25" in text, (code, text, wrong))
    code, text, wrong = shown("beside", "-o", "json")
    judge.expect("as JSON it is the gateway's document", code == 0 and json.loads(text)["explanations"][0]["answer"] == 17, (code, text, wrong))
    code, text, wrong = shown("beside", "-o", "html")
    judge.expect("as HTML it is a page", code == 0 and text.startswith("<!DOCTYPE html>") and "age = 1" in text, (code, text, wrong))
    code, text, wrong = shown("rules")
    judge.expect("an anchor is shown as its conditions", code == 0 and "by anchors" in text and "the answer stays as 17, in 100%" in text and
                 "residual" not in text, (code, text, wrong))
    code, text, wrong = shown("rules", "-o", "html")
    judge.expect("and so on a page", code == 0 and "the answer stays in 100%" in text and "base value" not in text, (code, text, wrong))
    code, text, wrong = shown("classes")
    judge.expect("what cannot be explained ends it", code == 1 and not text and "a class has no parts" in wrong, (code, text, wrong))
    done = subprocess.run([binary, "explain", "beside", "-f", "-", "--gateway", "http://127.0.0.1:1"], input="{}", capture_output=True, text=True)
    judge.expect("an address that nobody has is printed once", done.returncode == 1 and done.stderr.count("127.0.0.1:1/") == 1 and
                 "check the address (--gateway)" in done.stderr, done.stderr)
    code, text, wrong = shown("nobody")
    judge.expect("so does a pipeline that is not there", code == 1 and not text and "404" in wrong, (code, text, wrong))


def main():
    judge = Judge()
    folder = tempfile.mkdtemp(prefix="sluice-explain-")
    for name in ("trees.json", "usual.csv"):
        shutil.copy(os.path.join(TREES, name), folder)
    with open(os.path.join(folder, "pipeline.yaml"), "w", encoding="utf-8") as file:
        file.write("---\n".join([PIPELINE % one for one in PIPELINES] + [MODEL % one for one in MODELS] + [FOREST, BACKGROUND, TWO_STEPS, PLAIN, STRAIGHT]))
    a_deployment_has_an_explainer(judge, sys.argv[1])
    a_pipeline_has_a_built_in_explainer(judge, sys.argv[1])
    a_stub_offers_the_explainer(judge, sys.argv[1])
    metrics_leave_perturbations_out(judge, sys.argv[1])
    dev = Dev(sys.argv[1], folder)
    try:
        gateway = Gateway(dev.said("gateway"))
        trees_are_explained(judge, gateway)
        anchors_are_rules(judge, gateway)
        explanations_are_polled(judge, gateway)
        explanations_of_waiting_callers_are_polled(judge, gateway)
        importances_are_mean_squared_changes(judge, gateway)
        a_file_of_trees_explains_a_deployment(judge, gateway)
        a_file_is_the_background_of_a_deployment(judge, gateway)
        a_sample_warms_up(judge, gateway)
        what_fails_beside_is_told_where_it_was_asked_for(judge, gateway)
        the_command_shows_a_waterfall(judge, gateway, sys.argv[1])
    finally:
        dev.process.terminate()
        dev.process.wait()
        shutil.rmtree(folder)
    print(f"{judge.passed} passed, {judge.failed} failed")
    return judge.failed > 0


if __name__ == "__main__":
    sys.exit(main())
