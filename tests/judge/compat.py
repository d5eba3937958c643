#!/usr/bin/env python3
"""Judges the errors of a gateway in Seldon's forms (`compat: seldon`), from outside: compat.py SLUICE

`sluice dev` has it from its files, and a `sluice gateway` beside it, with the same files but for that, by its option. One line for
each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import http.client, json, os, re, subprocess, sys, tempfile, time, urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from dev import SECONDS_MAX, Dev, Judge  # noqa: E402
from gateway import Gateway, PIPELINE, number_of, request  # noqa: E402

PIPELINES = [("left", "  - {name: ten}\n  output: {steps: [ten]}\n"), ("right", "  - {name: twenty}\n  output: {steps: [twenty]}\n"),
             ("twice", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n"),
             ("strict", "  - {name: fails, expression: {set: {y: nothing * 2}}}\n  output: {steps: [fails]}\n"),
             ("broken", "  - {name: away}\n  output: {steps: [away]}\n"),
             ("adds", "  - {name: ten}\n  - {name: more, inputs: [ten.outputs.OUTPUT], tensorMap: {ten.outputs.OUTPUT: INPUT}, model: {name: ten}}\n"
                      "  - {name: twenty, inputs: [more.outputs.OUTPUT], tensorMap: {more.outputs.OUTPUT: INPUT}}\n  output: {steps: [twenty]}\n"),
             ("mirrored", "  - {name: one, experiment: {candidates: [{name: twenty, weight: 1}], mirror: {name: ten, percent: 100}}}\n"
                          "  output: {steps: [one]}\n"),
             ("copied", "  - {name: one, experiment: {candidates: [{name: twenty, weight: 1}], mirror: {name: ten, percent: 100}}}\n"
                        "  - {name: ten, inputs: [one.outputs.OUTPUT], tensorMap: {one.outputs.OUTPUT: INPUT}}\n  output: {steps: [ten]}\n")]
# An experiment of pipelines, each with a model of its own, and a model that is called alone.
SPLIT = """apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: split}
spec: {default: left, resourceType: pipeline, candidates: [{name: left, weight: 1}, {name: right, weight: 1}]}
"""
AWAY = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: away}\nspec: {storageUri: 'stub://fail?code=500&text=broken'}\n"
MODEL = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: 'stub://%s'}\n"
RUNTIME = "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: seldon}\nspec: {config: {serviceConfig: {compat: seldon}}}\n"
SELDON = {"data": {"ndarray": [[1.0]]}}


def answers_as_seldon(judge, what, gateway):
    status, answer, headers = gateway.infer("twice", request(2.0))
    judge.expect(f"{what}: an answer is as ever", status == 200 and number_of(answer) == 4, (status, answer))
    status, answer, headers = gateway.infer("strict", request(), x_request_id="mine")
    judge.expect(f"{what}: a failed step is 400, with its name and the reason", status == 400 and answer.startswith(b"fails : tensor `nothing` is missing")
                 and headers["content-type"].startswith("text/plain") and headers["x-request-id"] == "mine", (status, answer, headers))
    status, answer, headers = gateway.infer("twice", "{")
    judge.expect(f"{what}: what no step has seen has the pipeline's name", status == 400 and answer.startswith(b"twice : the request is not JSON"), (status, answer))
    status, answer, headers = gateway.infer("broken", request())
    judge.expect(f"{what}: a model that fails is 400, too", status == 400 and answer.startswith(b"away : "), (status, answer))
    for path, wanted, kind in (("/seldon/default/strict/api/v1.0/predictions", 400, "INPUT"), ("/seldon/default/nobody/api/v1.0/predictions", 404, "INPUT"),
                               ("/seldon/default/broken/api/v1.0/predictions", 502, "REMOTE"), ("/api/v0.1/predictions", 404, "INPUT")):
        status, answer, headers = gateway.ask("POST", path, SELDON)
        failure = answer.get("status", {}) if isinstance(answer, dict) else {}
        judge.expect(f"{what}: {path} is answered by a SeldonMessage", status == wanted and headers["content-type"] == "application/json" and failure.get("status") ==
                     "FAILURE" and failure.get("code") == wanted and failure.get("reason") == kind and failure.get("info") and list(answer) == ["status"],
                     (status, answer))
    for pipeline, body, wanted in (("strict", request(), b"fails : tensor `nothing` is missing"), ("twice", "{", b"twice : the request is not JSON")):
        place, end = gateway.infer(pipeline, body, prefer="respond-async")[2]["location"], time.monotonic() + SECONDS_MAX
        while (polled := gateway.ask("GET", place))[0] == 202 and time.monotonic() < end:
            time.sleep(0.1)
        judge.expect(f"{what}: a polled error begins as the first answer", polled[0] == 400 and polled[1].startswith(wanted), polled)
    status, answer, _ = gateway.infer("nobody", request())
    judge.expect(f"{what}: what the gateway refuses has its form", status == 404 and answer["kind"] == "INPUT" and answer["id"], (status, answer))
    status, answer, _ = gateway.infer("twice", request(), x_deadline_ms="1")
    judge.expect(f"{what}: so has a deadline", status == 504 and answer["kind"] == "LIMIT", (status, answer))


# Metrics count what callers were sent: 502 to the first Seldon Core's form alone.
def counts_as_sent(judge, what, address):
    with urllib.request.urlopen(address, timeout=SECONDS_MAX) as reply:
        counted = re.findall(r'^sluice_gateway_pipeline_calls_total\{.*"broken".*code="(\d+)".*\} (\d+)$', reply.read().decode(), re.M)
    judge.expect(f"{what}: a status is counted as it is sent", sorted(counted) == [("400", "1"), ("502", "1")], counted)


# As Seldon's ingress gives it to each caller: a line for each model, then one for the pipeline; and back it leads the same way.
def tells_routes(judge, what, gateway, is_told):
    def route(target, *given):
        sent = {"inputs": [{"name": "INPUT", "datatype": "FP32", "shape": [1], "data": [1]}, {"name": "x", "datatype": "FP64", "shape": [1], "data": [1]}]}
        connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=SECONDS_MAX)
        connection.putrequest("POST", f"/v2/{target}/infer")
        body = json.dumps(sent).encode()
        for name, value in [("Content-Length", str(len(body))), *(("x-seldon-route", line) for line in given)]:
            connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        reply.read()
        return [value for name, value in reply.getheaders() if name.lower() == "x-seldon-route"]

    for target, wanted in (("pipelines/twice", [":twice.pipeline:"]), ("pipelines/adds", [":ten_1:", ":twenty_1:", ":adds.pipeline:"]),
                           ("models/alone", [":alone_1:"]), ("pipelines/strict", [":strict.pipeline:"])):
        told = route(target)
        judge.expect(f"{what}: the route of {target}", told == (wanted if is_told else []), told)
    told = [route("pipelines/left") for _ in range(12)]
    ways = [[":ten_1:", ":left.pipeline:"], [":twenty_1:", ":right.pipeline:"]] if is_told else [[":left.pipeline:"], [":right.pipeline:"]]
    judge.expect(f"{what}: a candidate's models are in its route", all(one in ways for one in told) and (told[0] in ways), told)
    back = [route("pipelines/left", *told[0]) for _ in range(6)]
    judge.expect(f"{what}: a route that comes back is taken again", all(one == told[0] for one in back), (told[0], back))


# As the first Seldon Core has it, of a deployment and of one of its nodes.
def tells_tensors(judge, gateway):
    def tensors(name):
        return [{"name": name, "datatype": "FP32"}]

    def plain(told):
        return [{key: tensor[key] for key in ("name", "datatype")} for tensor in told]

    status, told, _ = gateway.ask("GET", "/seldon/default/adds/api/v1.0/metadata")
    judge.expect("a deployment tells its models, each once", status == 200 and told["name"] == "adds" and list(told["models"]) == ["ten", "twenty"], (status, told))
    asked = gateway.ask("GET", "/v2/models/adds")[1]
    judge.expect("so does OIP", plain(asked["inputs"]) == tensors("INPUT") and plain(asked["outputs"]) == tensors("OUTPUT"), asked)
    judge.expect("and its tensors, where they are known", plain(told["graphinputs"]) == tensors("INPUT") and plain(told["graphoutputs"]) == tensors("OUTPUT"), told)
    for name, inputs in (("ten", []), ("twenty", tensors("INPUT"))): # nothing says what a request has
        model = told["models"][name]
        judge.expect(f"and those of {name}", model["name"] == name and model["versions"] == [] and plain(model["inputs"]) == inputs and
                     plain(model["outputs"]) == tensors("OUTPUT"), model)
    with urllib.request.urlopen(f"http://{gateway.host}:{gateway.port}/seldon/default/adds/api/v1.0/metadata") as told_again:
        judge.expect("a model that two steps call is told once", told_again.read().count(b'"ten":') == 1)
    status, copied, _ = gateway.ask("GET", "/seldon/default/copied/api/v1.0/metadata")
    judge.expect("a mirror of a model does not hide it", status == 200 and sorted(copied["models"]) == ["ten", "twenty"], (status, copied))
    status, mirrored, _ = gateway.ask("GET", "/seldon/default/mirrored/api/v1.0/metadata")
    judge.expect("a model that only a mirror calls is not told", status == 200 and list(mirrored["models"]) == ["twenty"], (status, mirrored))
    status, one, _ = gateway.ask("GET", "/seldon/default/adds/api/v1.0/metadata/twenty")
    judge.expect("a model tells the same", status == 200 and one == told["models"]["twenty"], (status, one))
    status, told, _ = gateway.ask("GET", "/seldon/default/twice/api/v1.0/metadata")
    judge.expect("a deployment without models tells none", status == 200 and told["models"] == {}, (status, told))
    for path, wanted in (("/seldon/default/adds/api/v1.0/metadata/twentx", "did you mean `twenty`?"),
                         ("/seldon/default/twice/api/v1.0/metadata/zzzzzzz", "GET /api/v1.0/metadata lists its models")):
        status, refused, _ = gateway.ask("GET", path)
        judge.expect(f"{path} is refused with what to do", status == 404 and wanted in refused["status"]["info"], (status, refused))
    status, refused, _ = gateway.ask("GET", "/api/v1.0/metadata")
    judge.expect("without a name it is asked which", status == 404 and "which of the" in refused["status"]["info"], (status, refused))


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as plain:
        for folder, more in ((place, [RUNTIME]), (plain, [])):
            with open(os.path.join(folder, "pipelines.yaml"), "w", encoding="utf-8") as file:
                file.write("---\n".join([PIPELINE % row for row in PIPELINES] + [SPLIT, AWAY, MODEL % ("ten", "add10"), MODEL % ("twenty", "add20"), MODEL % ("alone", "add10")] + more))
        dev = Dev(binary, place, "--metrics", "0")
        if not dev.started:
            sys.exit("compat: it does not start: " + "\n".join(dev.lines))
        answers_as_seldon(judge, "by the files", Gateway(dev.said("gateway")))
        counts_as_sent(judge, "by the files", dev.wait_for("metrics are at").split("metrics are at ")[1].split()[0])
        tells_routes(judge, "by the files", Gateway(dev.said("gateway")), True)
        tells_tensors(judge, Gateway(dev.said("gateway")))
        command = [binary, "gateway", "-f", plain, "--http", "0", "--brokers", dev.said("broker"), "--topics", "check", "-o", "json"]
        for option, judged in (["--compat", "seldon"], answers_as_seldon), ([], answers_as_ever):
            beside = subprocess.Popen(command + option, stdout=subprocess.PIPE, text=True)
            line = beside.stdout.readline()
            judge.expect("a gateway starts beside it", line.startswith("{"), line)
            if line:
                judged(judge, "by the option", Gateway(json.loads(line)["rest"]))
            beside.terminate()
            beside.wait()
        dev.stop()
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


def answers_as_ever(judge, _, gateway):
    status, answer, _ = gateway.infer("strict", request())
    judge.expect("without it an error is OIP's", status == 400 and answer["step"] == "fails", (status, answer))
    status, answer, _ = gateway.ask("POST", "/seldon/default/nobody/api/v1.0/predictions", SELDON)
    judge.expect("on Seldon's paths, too", status == 404 and answer["kind"] == "INPUT", (status, answer))
    tells_routes(judge, "without it", gateway, False)


if __name__ == "__main__":
    main()
