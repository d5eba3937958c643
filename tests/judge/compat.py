#!/usr/bin/env python3
"""Judges the errors of a gateway in Seldon's forms (`compat: seldon`), from outside: compat.py SLUICE

`sluice dev` has it from its files, and a `sluice gateway` beside it, with the same files but for that, by its option. One line for
each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import json, os, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(__file__))
from dev import Dev, Judge  # noqa: E402
from gateway import Gateway, PIPELINE, number_of, request  # noqa: E402

PIPELINES = [("twice", "  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n"),
             ("strict", "  - {name: fails, expression: {set: {y: nothing * 2}}}\n  output: {steps: [fails]}\n"),
             ("broken", "  - {name: away}\n  output: {steps: [away]}\n")]
AWAY = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: away}\nspec: {storageUri: 'stub://fail?code=500&text=broken'}\n"
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
    status, answer, _ = gateway.infer("nobody", request())
    judge.expect(f"{what}: what the gateway refuses has its form", status == 404 and answer["kind"] == "INPUT" and answer["id"], (status, answer))
    status, answer, _ = gateway.infer("twice", request(), x_deadline_ms="1")
    judge.expect(f"{what}: so has a deadline", status == 504 and answer["kind"] == "LIMIT", (status, answer))


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as plain:
        for folder, more in ((place, [RUNTIME]), (plain, [])):
            with open(os.path.join(folder, "pipelines.yaml"), "w", encoding="utf-8") as file:
                file.write("---\n".join([PIPELINE % row for row in PIPELINES] + [AWAY] + more))
        dev = Dev(binary, place)
        if not dev.started:
            sys.exit("compat: it does not start: " + "\n".join(dev.lines))
        answers_as_seldon(judge, "by the files", Gateway(dev.said("gateway")))
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


if __name__ == "__main__":
    main()
