#!/usr/bin/env python3
"""The gateway of `sluice dev` as MLServer's own clients meet it: mlserver_client.py SLUICE

`mlserver infer` sends a file of requests, several at once, to a pipeline by its name, as JSON and as binary tensors; MLServer's codecs
write requests and read answers. One line for each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import json, os, subprocess, sys, tempfile, urllib.request

import numpy as np
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, StringRequestCodec
from mlserver.types import InferenceRequest, InferenceResponse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "judge"))
from dev import Dev, Judge  # noqa: E402

PIPELINE = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n  steps: [{name: s, expression: {set: {%s}}}]\n  output: {steps: [s]}\n"
LINES = 40


def ask(gateway, pipeline, request):
    """By MLServer's types, which refuse what is no answer of OIP"""
    url = f"{gateway}/v2/models/{pipeline}/infer"
    asked = urllib.request.Request(url, request.model_dump_json(exclude_none=True).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=20) as reply:
        return InferenceResponse.model_validate_json(reply.read())


def codecs_fit(judge, gateway):
    for datatype in (np.float64, np.float32, np.int64, np.int32, np.uint8):
        numbers = np.array([[1, 2, 3], [4, 5, 6]], dtype=datatype)
        request = InferenceRequest(inputs=[NumpyCodec.encode_input("x", numbers)])
        answer = ask(gateway, "twice", request)
        judge.expect(f"numbers of {datatype.__name__}", np.array_equal(NumpyCodec.decode_output(answer.outputs[0]), numbers * 2), answer)
    request = NumpyRequestCodec.encode_request(np.array([[1.0, 2.0]]))
    request.inputs[0].name = "x"
    judge.expect("a request of numbers", np.array_equal(NumpyRequestCodec.decode_response(ask(gateway, "twice", request)), [[2.0, 4.0]]))
    request = StringRequestCodec.encode_request(["abc", "grün", ""], use_bytes=False)
    request.inputs[0].name = "x"
    judge.expect("texts", StringRequestCodec.decode_response(ask(gateway, "same", request)) == ["abc", "grün", ""])


def command_asks(judge, gateway, place, *more):
    requests, answers = os.path.join(place, "requests.jsonl"), os.path.join(place, "answers.jsonl")
    with open(requests, "w", encoding="utf-8") as file:
        for number in range(LINES):
            file.write(InferenceRequest(id=f"r{number}", inputs=[NumpyCodec.encode_input("x", np.array([[number + 0.5]]))])
                       .model_dump_json(exclude_none=True) + "\n")
    command = [os.path.join(os.path.dirname(sys.executable), "mlserver"), "infer", "-u", gateway.split("//")[1], "-m", "twice",
               "-i", requests, "-o", answers, "-w", "4", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    judge.expect(f"mlserver infer {' '.join(more)} ends well", done.returncode == 0, done.stdout[-600:] + done.stderr[-600:])
    with open(answers, encoding="utf-8") as file:
        read = [json.loads(line) for line in file]
    got = sorted(answer["outputs"][0]["data"][0] for answer in read if answer.get("outputs"))
    judge.expect(f"and has {LINES} answers", got == [2 * (number + 0.5) for number in range(LINES)], (len(read), read[:1]))
    os.remove(answers)


def main():
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as place:
        for name, sets in (("twice", "x: x * 2"), ("same", "x: x")):
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8") as file:
                file.write(PIPELINE % (name, sets))
        dev = Dev(sys.argv[1], folder)
        try:
            judge.expect("it starts", dev.started, dev.lines)
            codecs_fit(judge, dev.said("gateway"))
            command_asks(judge, dev.said("gateway"), place)
            command_asks(judge, dev.said("gateway"), place, "-b")
            command_asks(judge, dev.said("gateway"), place, "-s", "5")
        finally:
            dev.stop()
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


main()
