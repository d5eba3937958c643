#!/usr/bin/env python3
"""The gateway of `sluice dev` as the client of Seldon Core 1 meets it: seldon.py SLUICE

Its deployment is tests/reference/sdep-single.yaml as it stands; the model is at `sluice models serve`. One line for each behaviour that
is not as it should be; at the end `N passed, N failed`.
"""
import os, shutil, subprocess, sys, tempfile

import numpy as np
from seldon_core.seldon_client import SeldonClient

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "judge"))
from dev import Dev, Judge, ROOT  # noqa: E402

MODEL = ("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: classifier}\n"
         "spec: {storageUri: 'stub://linear?w=1,10,100&b=0.5'}\n")
SERVER = ("apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: mlflow}\n"
          "spec: {serverConfig: mlserver, endpoints: ['%s'], extraCapabilities: [mlflow]}\n")
ROW = np.array([[75.5, 3.2, 1.18]])
FORETOLD = 75.5 + 32 + 118 + 0.5


def client_of(endpoint, name="my-model"):
    return SeldonClient(gateway="istio", gateway_endpoint=endpoint, namespace="data-platform", deployment_name=name)


def numbers_of(answer):
    data = answer.response["data"]
    return np.array(data["ndarray"] if "ndarray" in data else data["tensor"]["values"]).reshape(-1)


def predicts(judge, what, client, **how):
    answer = client.predict(data=ROW, **how)
    judge.expect(f"{what}: it answers", answer.success, answer.msg)
    if answer.success:
        judge.expect(f"{what}: the model's numbers", np.allclose(numbers_of(answer), [FORETOLD]), answer.response)


def form_of(answer):
    data = answer.response.get("data", {})
    return [name for name in ("tensor", "ndarray") if name in data]


def play(judge, endpoint):
    client = client_of(endpoint)
    predicts(judge, "tensor", client)
    judge.expect("a tensor is answered by a tensor", form_of(client.predict(data=ROW)) == ["tensor"])
    predicts(judge, "ndarray", client, payload_type="ndarray")
    judge.expect("an ndarray is answered by an ndarray", form_of(client.predict(data=ROW, payload_type="ndarray")) == ["ndarray"])
    predicts(judge, "with names", client, names=["temperature", "humidity", "wind"])
    wrong = client.predict(data=np.array([[1.0, 2.0]]))
    judge.expect("a row that the model refuses is no success", not wrong.success and "400" in wrong.msg, wrong.msg)
    refused = client_of(endpoint, "nobody").predict(data=ROW)
    judge.expect("a deployment that is not there is no success", not refused.success and "404" in refused.msg, refused.msg)


def main():
    judge = Judge()
    with tempfile.TemporaryDirectory() as place:
        for name in ("served", "deployed"):
            os.mkdir(os.path.join(place, name))
        with open(os.path.join(place, "served", "classifier.yaml"), "w", encoding="utf-8") as file:
            file.write(MODEL)
        server = subprocess.Popen([sys.argv[1], "models", "serve", os.path.join(place, "served")], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        dev = None
        try:
            deployed = os.path.join(place, "deployed")
            shutil.copy(os.path.join(ROOT, "tests", "reference", "sdep-single.yaml"), deployed)
            with open(os.path.join(deployed, "server.yaml"), "w", encoding="utf-8") as file:
                file.write(SERVER % server.stdout.readline().split()[2])
            dev = Dev(sys.argv[1], deployed)
            judge.expect("it starts", dev.started, dev.lines)
            play(judge, dev.said("gateway").removeprefix("http://"))
        finally:
            if dev:
                dev.stop()
            server.terminate()
            server.wait()
    print(f"{judge.passed} passed, {judge.failed} failed")
    return judge.failed > 0


if __name__ == "__main__":
    sys.exit(main())
