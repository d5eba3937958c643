#!/usr/bin/env python3
"""The gateway of `sluice dev` as the client of Seldon Core 1 meets it, over REST and gRPC: seldon.py SLUICE

Its deployment is tests/reference/sdep-single.yaml as it stands; the model is at `sluice models serve`. One line for each behaviour that
is not as it should be; at the end `N passed, N failed`.
"""
import json, os, shutil, subprocess, sys, tempfile, time, urllib.request

import numpy as np
import grpc
import requests
from google.protobuf import descriptor_pool, empty_pb2, json_format, struct_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from seldon_core.proto import prediction_pb2, prediction_pb2_grpc
from seldon_core.seldon_client import SeldonClient

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "judge"))
from dev import Dev, Judge, ROOT  # noqa: E402

MODEL = ("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: classifier}\n"
         "spec: {storageUri: 'stub://linear?w=1,10,100&b=0.5'}\n")
SERVER = ("apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: mlflow}\n"
          "spec: {serverConfig: mlserver, endpoints: ['%s'], extraCapabilities: [mlflow]}\n")
ROW = np.array([[75.5, 3.2, 1.18]])
FORETOLD = 75.5 + 32 + 118 + 0.5


def client_of(endpoint, name="my-model", **how):
    return SeldonClient(gateway="istio", gateway_endpoint=endpoint, namespace="data-platform", deployment_name=name, **how)


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


def data_of(answer):
    return answer.response["data"] if isinstance(answer.response, dict) else json_format.MessageToDict(answer.response)["data"]


def refused_by(judge, what, call, code, words):
    try:
        answer = call()
        judge.expect(what, False, answer)
    except grpc.RpcError as error:
        judge.expect(what, error.code() == code and words in error.details(), (error.code(), error.details()))
        names = {name for name, _ in error.trailing_metadata()} | {name for name, _ in error.initial_metadata()}
        judge.expect(f"{what}: it has an id and a kind", {"x-request-id", "sluice-error"} <= names, names)


def play_grpc(judge, endpoint):
    """The same deployment over gRPC, by the client and by its stubs."""
    client = client_of(endpoint, transport="grpc")
    for form in ("tensor", "ndarray"):
        answer = client.predict(data=ROW, payload_type=form, names=["temperature", "humidity", "wind"])
        judge.expect(f"gRPC, {form}: it answers", answer.success, answer.msg)
        if answer.success:
            data = data_of(answer)
            numbers = data["ndarray"] if form == "ndarray" else data["tensor"]["values"]
            judge.expect(f"gRPC, {form}: the model's numbers in that form",
                         np.allclose(np.array(numbers).reshape(-1), [FORETOLD]), data)
    routed = [("seldon", "my-model"), ("namespace", "data-platform")]
    message = prediction_pb2.SeldonMessage
    with grpc.insecure_channel(endpoint) as channel:
        stub = prediction_pb2_grpc.SeldonStub(channel)
        tensor = prediction_pb2.DefaultData(tensor=prediction_pb2.Tensor(shape=[2, 3], values=[75.5, 3.2, 1.18, 0, 0, float(2**53)]))
        meta = prediction_pb2.Meta(puid="p-7", routing={"router": 1, "none": -1}, requestPath={"classifier": "image:1"})
        json_format.ParseDict({"tags": {"t": [1, "zwei \u00fc", None, {"a": True}]}}, meta, ignore_unknown_fields=False)
        meta.metrics.add(key="m", type=prediction_pb2.Metric.TIMER, value=1.5, tags={"k": "v"})
        answer = stub.Predict(message(data=tensor, meta=meta), metadata=routed, timeout=20)
        judge.expect("gRPC: the rows of a tensor, exactly", list(answer.data.tensor.values) == [FORETOLD, 100 * 2.0**53 + 0.5]
                     and list(answer.data.tensor.shape)[0] == 2, answer)
        judge.expect("gRPC: meta comes back whole", answer.meta == meta, answer.meta)
        unrouted = stub.Predict(message(data=tensor), timeout=20)
        judge.expect("gRPC: the only deployment needs no name", len(unrouted.data.tensor.values) == 2, unrouted)
        for what, sent in (("strData", message(strData="hello \u00fc")), ("jsonData", json_format.ParseDict(
                {"jsonData": {"a": [1, {"b": None}]}}, message())), ("binData", message(binData=b"\x00\xff\n"))):
            refused_by(judge, f"gRPC: {what} reaches the model, which takes numbers alone",
                       lambda: stub.Predict(sent, metadata=routed, timeout=20), grpc.StatusCode.INVALID_ARGUMENT, what)
        tftensor = prediction_pb2.DefaultData(names=["temperature", "humidity", "wind"])
        tftensor.tftensor.dtype = 2
        for size in ROW.shape:
            tftensor.tftensor.tensor_shape.dim.add(size=size)
        tftensor.tftensor.tensor_content = ROW.tobytes()
        answer = stub.Predict(message(data=tftensor), metadata=routed, timeout=20)
        judge.expect("gRPC: a tftensor is answered by a tensor", list(answer.data.tensor.values) == [FORETOLD], answer)
        tftensor.tftensor.ClearField("tensor_content")
        tftensor.tftensor.double_val.extend(ROW.flatten())
        answer = stub.Predict(message(data=tftensor), metadata=routed, timeout=20)
        judge.expect("gRPC: so is one with its values in a list", list(answer.data.tensor.values) == [FORETOLD], answer)
        tftensor.tftensor.dtype = 8
        refused_by(judge, "gRPC: complex numbers are refused plainly", lambda: stub.Predict(message(data=tftensor), metadata=routed, timeout=20),
                   grpc.StatusCode.INVALID_ARGUMENT, "the dtype 8 is not taken")
        refused_by(judge, "gRPC: a message without data", lambda: stub.Predict(message(meta=meta), metadata=routed, timeout=20),
                   grpc.StatusCode.INVALID_ARGUMENT, "send exactly one")
        refused_by(judge, "gRPC: an empty message", lambda: stub.Predict(message(), metadata=routed, timeout=20),
                   grpc.StatusCode.INVALID_ARGUMENT, "empty")
        for name, namespace in (("nobody", "data-platform"), ("my-model", "elsewhere")):
            refused_by(judge, f"gRPC: {name} in {namespace} is not there",
                       lambda: stub.Predict(message(strData="x"), metadata=[("seldon", name), ("namespace", namespace)], timeout=20),
                       grpc.StatusCode.NOT_FOUND, name)
        raw = channel.unary_unary("/seldon.protos.Seldon/Predict", request_serializer=bytes, response_deserializer=bytes)
        for wrong in (b"\x1a\x05abc", b"\x1a\x04\x1a\x02\xff\xff", b"\x2a\x02\xff\xfe", b"{}"):
            refused_by(judge, f"gRPC: {wrong} is no SeldonMessage", lambda: raw(wrong, metadata=routed, timeout=20),
                       grpc.StatusCode.INVALID_ARGUMENT, "")
        deep = prediction_pb2.SeldonMessage()
        inner = deep.data.ndarray.values
        for _ in range(90):
            inner = inner.add().list_value.values
        refused_by(judge, "gRPC: 90 lists in one another", lambda: stub.Predict(deep, metadata=routed, timeout=20),
                   grpc.StatusCode.INVALID_ARGUMENT, "64 deep")
        refused_by(judge, "gRPC: feedback to a deployment that takes none", lambda: stub.SendFeedback(
            prediction_pb2.Feedback(response=message(meta=meta), reward=1), metadata=routed, timeout=20),
                   grpc.StatusCode.FAILED_PRECONDITION, "takes no feedback")


GRAPHED = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: adds}
spec:
  steps:
  - {name: ten}
  - {name: more, inputs: [ten.outputs.OUTPUT], tensorMap: {ten.outputs.OUTPUT: INPUT}, model: {name: ten}}
  - {name: twenty, inputs: [more.outputs.OUTPUT], tensorMap: {more.outputs.OUTPUT: INPUT}}
  - {name: shape, inputs: [twenty.outputs.OUTPUT], expression: {set: {y: 'reshape(OUTPUT, [1, 1])'}}}
  output: {steps: [shape]}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: plain}
spec: {steps: [{name: s, filter: {keep: 'true'}}], output: {steps: [s]}}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: ten}
spec: {storageUri: 'stub://add10'}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: twenty}
spec: {storageUri: 'stub://add20'}
"""


def as_rest(told):
    """A message as REST writes it: every member, shapes as numbers; graphs name their tensors otherwise there"""
    if isinstance(told, prediction_pb2.SeldonGraphMetadata):
        return {"name": told.name, "models": {name: as_rest(model) for name, model in told.models.items()},
                "graphinputs": [as_rest(tensor) for tensor in told.inputs], "graphoutputs": [as_rest(tensor) for tensor in told.outputs]}
    if isinstance(told, prediction_pb2.SeldonModelMetadata):
        return {"name": told.name, "versions": list(told.versions), "platform": told.platform,
                "inputs": [as_rest(tensor) for tensor in told.inputs], "outputs": [as_rest(tensor) for tensor in told.outputs]}
    return {"name": told.name, "datatype": told.datatype, **({"shape": list(told.shape)} if told.shape else {})}


def tells_metadata_by_grpc(judge, binary, folder):
    """The same as by REST (judge/compat.py has what that is), and its messages by reflection."""
    with open(os.path.join(folder, "graphed.yaml"), "w", encoding="utf-8") as file:
        file.write(GRAPHED)
    dev = Dev(binary, folder)
    try:
        judge.expect("metadata: it starts", dev.started, dev.lines)

        def by_rest(path):
            with urllib.request.urlopen(f"{dev.said('gateway')}/seldon/default/{path}", timeout=20) as reply:
                return json.load(reply)
        named = prediction_pb2.SeldonModelMetadataRequest
        with grpc.insecure_channel(dev.said("grpc")) as channel:
            stub = prediction_pb2_grpc.SeldonStub(channel)
            for name, models in ("adds", ["ten", "twenty"]), ("plain", []):
                told = stub.GraphMetadata(empty_pb2.Empty(), metadata=[("seldon", name), ("namespace", "default")], timeout=20)
                judge.expect(f"metadata: {name} and its models, as by REST", sorted(told.models) == models and told.name == name and
                             as_rest(told) == by_rest(f"{name}/api/v1.0/metadata"), told)
            routed = [("seldon", "adds"), ("namespace", "default")]
            told = stub.GraphMetadata(empty_pb2.Empty(), metadata=routed, timeout=20)
            judge.expect("metadata: tensors are there, with a shape", as_rest(told)["graphoutputs"][-1] == {"name": "y", "datatype": "FP32", "shape": [1, 1]}
                         and [tensor.name for tensor in told.models["twenty"].inputs] == ["INPUT"], told)
            for name in "ten", "twenty":
                told = stub.ModelMetadata(named(name=name), metadata=routed, timeout=20)
                judge.expect(f"metadata: the model {name}, as by REST", told.name == name and len(told.outputs) == 1 and
                             as_rest(told) == by_rest(f"adds/api/v1.0/metadata/{name}"), told)
            for name, words in (("twentx", "did you mean `twenty`?"), ("zzzzzzz", "GraphMetadata lists its models"),
                                ("", "GraphMetadata lists its models")):
                refused_by(judge, f"metadata: `{name}` is refused with what to do", lambda: stub.ModelMetadata(named(name=name), metadata=routed,
                           timeout=20), grpc.StatusCode.NOT_FOUND, words)
            for ask, request in (stub.GraphMetadata, empty_pb2.Empty()), (stub.ModelMetadata, named(name="ten")):
                refused_by(judge, "metadata: of which deployment, it is asked", lambda: ask(request, timeout=20), grpc.StatusCode.NOT_FOUND,
                           "which of the 2 pipelines")
            is_described(judge, channel)
    finally:
        dev.stop()


def fields_of(message):
    return {f.name: (f.number, f.type, f.label, f.message_type and f.message_type.full_name, f.enum_type and f.enum_type.full_name,
                     f.containing_oneof and f.containing_oneof.name) for f in message.fields}


def is_described(judge, channel):
    """By reflection, but for fields that are refused."""
    known = ProtoReflectionDescriptorDatabase(channel)
    judge.expect("reflection: the service is listed", "seldon.protos.Seldon" in known.get_services(), known.get_services())
    pool = descriptor_pool.DescriptorPool(known)
    service, wanted = pool.FindServiceByName("seldon.protos.Seldon"), prediction_pb2.DESCRIPTOR.services_by_name["Seldon"]

    def methods(described):
        return [(m.name, m.input_type.full_name, m.output_type.full_name) for m in described.methods]
    judge.expect("reflection: the methods are Seldon's", methods(service) == methods(wanted), methods(service))
    standard = {message.full_name: message for file in (struct_pb2, empty_pb2) for message in file.DESCRIPTOR.message_types_by_name.values()}
    for message in {**prediction_pb2.DESCRIPTOR.message_types_by_name, **standard}.values():
        if message.name in ("SeldonMessageList", "RequestResponse"):  # of services between its containers
            continue
        theirs, ours = fields_of(pool.FindMessageTypeByName(message.full_name)), fields_of(message)
        ours.pop("customData", None)
        judge.expect(f"reflection: {message.full_name} is Seldon's", theirs == ours, theirs)
        enums = [(e.name, [(v.name, v.number) for v in e.values]) for e in message.enum_types]
        found = [(e.name, [(v.name, v.number) for v in e.values]) for e in pool.FindMessageTypeByName(message.full_name).enum_types]
        judge.expect(f"reflection: {message.full_name} has its enums", found == enums, found)
    judge.expect("reflection: so is NullValue", pool.FindEnumTypeByName("google.protobuf.NullValue").values_by_number[0].name == "NULL_VALUE")


REWARDED = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: rewarded}
spec:
  steps: [{name: s, filter: {keep: 'true'}}]
  output: {steps: [s]}
  metrics: [{name: won, type: counter, value: reward}]
"""


def takes_feedback_by_grpc(judge, binary, folder):
    """It is counted on the answer that it names, once, by a metric that the pipeline declares."""
    with open(os.path.join(folder, "rewarded.yaml"), "w", encoding="utf-8") as file:
        file.write(REWARDED)
    dev = Dev(binary, folder, "--metrics", "0")
    try:
        judge.expect("feedback: it starts", dev.started, dev.lines)
        message, counted = prediction_pb2.SeldonMessage, ""
        data = prediction_pb2.DefaultData(tensor=prediction_pb2.Tensor(shape=[1, 1], values=[1]))
        with grpc.insecure_channel(dev.said("grpc")) as channel:
            stub = prediction_pb2_grpc.SeldonStub(channel)
            stub.Predict(message(data=data), metadata=[("x-request-id", "f-1")], timeout=20)
            response = message(meta=prediction_pb2.Meta(puid="f-1"))
            _, call = stub.Predict.with_call(message(data=data, meta=prediction_pb2.Meta(puid="f-4")), timeout=20)
            judge.expect("feedback: the puid of a request is its id", dict(call.initial_metadata()).get("x-request-id") == "f-4", call.initial_metadata())
            answer = stub.SendFeedback(prediction_pb2.Feedback(response=response, reward=2.5), timeout=20)
            judge.expect("feedback: it is answered by a SeldonMessage", answer == response, answer)
            answer = stub.SendFeedback(prediction_pb2.Feedback(reward=1), metadata=[("x-request-id", "f-2")], timeout=20)
            judge.expect("feedback: metadata may name its request", answer.meta.puid == "f-2", answer)
            client = SeldonClient(gateway="istio", gateway_endpoint=dev.said("gateway").removeprefix("http://"), namespace="default", deployment_name="rewarded")
            told = client.feedback(prediction_response={"meta": {"puid": "f-3"}}, reward=0)
            judge.expect("feedback: a reward of 0, which the client leaves out, is taken", told.success and told.response["meta"]["puid"] == "f-3", told.msg)
            refused_by(judge, "feedback that names no request", lambda: stub.SendFeedback(prediction_pb2.Feedback(reward=1), timeout=20),
                       grpc.StatusCode.INVALID_ARGUMENT, "--compat seldon")
        url = next(line for line in dev.lines if "metrics are at" in line).split("metrics are at ")[1].split()[0]
        end = time.monotonic() + 20
        while time.monotonic() < end and "won_total{" not in counted:
            time.sleep(0.2)
            with urllib.request.urlopen(url, timeout=20) as reply:
                counted = "".join(line for line in reply.read().decode().splitlines() if line.startswith("won_total"))
        judge.expect("feedback: its reward is counted", counted.endswith(" 2.5"), counted)
    finally:
        dev.stop()


COMPATIBLE = """apiVersion: mlops.seldon.io/v1alpha1
kind: SeldonRuntime
metadata: {name: seldon}
spec: {config: {serviceConfig: {compat: seldon}}}
"""


def takes_answers_back(judge, binary, folder):
    """What a client got is its feedback, with no id of the caller's: by `compat: seldon` the answer names its request. Else the header does."""
    for name, text in (("rewarded.yaml", REWARDED), ("runtime.yaml", COMPATIBLE)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    data = np.array([[1.5]])
    dev = Dev(binary, folder)
    try:
        judge.expect("roundtrip: it starts", dev.started, dev.lines)
        host = dev.said("gateway").removeprefix("http://")
        for form, kind in (("tensor", "dict"), ("ndarray", "proto")): # the client cannot read an ndarray back as a dict
            client = SeldonClient(gateway="istio", gateway_endpoint=host, namespace="default", deployment_name="rewarded", client_return_type=kind)
            asked = client.predict(data=data, payload_type=form)
            told = client.feedback(asked.request, asked.response, reward=1)
            puids = [one.response["meta"].get("puid") if kind == "dict" else one.response.meta.puid for one in (asked, told)]
            judge.expect(f"roundtrip: {form}", asked.success and told.success and puids[0] and puids[0] == puids[1], (asked, told))
        with grpc.insecure_channel(dev.said("grpc")) as channel:
            stub = prediction_pb2_grpc.SeldonStub(channel)
            asked = prediction_pb2.SeldonMessage(data=prediction_pb2.DefaultData(tensor=prediction_pb2.Tensor(shape=[1, 1], values=[1])))
            answer, call = stub.Predict.with_call(asked, timeout=20)
            said = dict(call.initial_metadata())
            judge.expect("roundtrip: gRPC has the id in meta and metadata", answer.meta.puid and answer.meta.puid == said.get("x-request-id") == said.get("seldon-puid"), (answer, said))
            told = stub.SendFeedback(prediction_pb2.Feedback(request=asked, response=answer, reward=1), timeout=20)
            judge.expect("roundtrip: gRPC", told.meta.puid == answer.meta.puid, told)
            asked.meta.puid = "mine"
            judge.expect("roundtrip: gRPC keeps the caller's", stub.Predict(asked, timeout=20).meta.puid == "mine")
        reply = requests.post(f"http://{host}/seldon/default/rewarded/api/v1.0/predictions", json={"data": {"ndarray": [[1.0]]}},
                              headers={"Seldon-Puid": "executor-1"}, timeout=20)
        judge.expect("roundtrip: the header of Seldon's executor names a request", reply.headers.get("seldon-puid") == reply.headers.get("x-request-id") ==
                     reply.json()["meta"].get("puid") == "executor-1", (reply.headers, reply.text))
    finally:
        dev.stop()
    os.unlink(os.path.join(folder, "runtime.yaml"))
    dev = Dev(binary, folder)
    try:
        host = dev.said("gateway").removeprefix("http://")
        reply = requests.post(f"http://{host}/seldon/default/rewarded/api/v1.0/predictions", json={"data": {"ndarray": [[1.0]]}}, timeout=20)
        judge.expect("roundtrip: without `compat: seldon` the id is in the headers alone", reply.json()["meta"] == {} and
                     reply.headers.get("seldon-puid") == reply.headers.get("x-request-id") != None, (reply.headers, reply.text))
        told = requests.post(f"http://{host}/seldon/default/rewarded/api/v1.0/feedback", json={"response": reply.json(), "reward": 1},
                             headers={"Seldon-Puid": reply.headers["seldon-puid"]}, timeout=20)
        judge.expect("roundtrip: which names it in feedback, too", told.status_code == 200 and told.json()["meta"]["puid"] == reply.headers["seldon-puid"], told.text)
    finally:
        dev.stop()


def main():
    judge = Judge()
    with tempfile.TemporaryDirectory() as place:
        for name in ("served", "deployed", "rewarded", "graphed", "answered"):
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
            play_grpc(judge, dev.said("grpc"))
            tells_metadata_by_grpc(judge, sys.argv[1], os.path.join(place, "graphed"))
            takes_feedback_by_grpc(judge, sys.argv[1], os.path.join(place, "rewarded"))
            takes_answers_back(judge, sys.argv[1], os.path.join(place, "answered"))
        finally:
            if dev:
                dev.stop()
            server.terminate()
            server.wait()
    print(f"{judge.passed} passed, {judge.failed} failed")
    return judge.failed > 0


if __name__ == "__main__":
    sys.exit(main())
