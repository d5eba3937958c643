#!/usr/bin/env python3
"""The gateway of `sluice dev` as others' clients meet it: triton.py SLUICE

One line for each behaviour that is not as it should be; at the end `N passed, N failed`.
"""
import atexit, hashlib, json, os, queue, signal, subprocess, sys, tempfile, threading, time, urllib.request

import grpc
import numpy as np
import tritonclient.grpc as by_grpc
import tritonclient.http as by_http
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "judge"))
from dev import Dev, Judge  # noqa: E402

KEYS = {"billing": "correct-horse-battery-staple", "admin": "staple-battery-horse-correct"}
HELD_SECONDS = 1.5  # that a model keeps a reply back
LAME_DUCK_SECONDS = 3
DOCUMENT = "apiVersion: mlops.seldon.io/v1alpha1\nkind: %s\nmetadata: {name: %s}\nspec:\n%s"
PIPELINES = {
    "twice": "  steps:\n  - {name: double, expression: {set: {x: x * 2}}}\n  output: {steps: [double]}\n",
    "same": "  steps:\n  - {name: pass, filter: {keep: 'true'}}\n  output: {steps: [pass]}\n",
    "small": "  steps:\n  - {name: keep, filter: {keep: 'x < 10', otherwise: drop}}\n  output: {steps: [keep]}\n",
    "parts": "  steps:\n  - {name: items, split: {by: rows, tensors: [x]}}\n  output: {steps: [items]}\n",
    "strict": "  steps:\n  - {name: fails, expression: {set: {y: nothing * 2}}}\n  output: {steps: [fails]}\n",
    "sink": "  steps:\n  - {name: ends, expression: {set: {x: x}}}\n",
    "told": "  steps:\n  - name: tell\n    expression:\n      set: {other: 'header(\"x-other\") ?? \"none\"', key: 'key ?? \"none\"', "
            "trace: 'header(\"traceparent\") ?? \"none\"'}\n  output: {steps: [tell]}\n",
    "typed": "  steps:\n  - {name: fixed, expression: {set: {total: 'reshape([0.1, 0.9, 0.5], [1, 3])'}, keep: [total]}}\n"
             "  output: {steps: [fixed]}\n",
    "slow": "  steps:\n  - {name: late}\n  output: {steps: [late]}\n",
}
MODELS = {"late": "  storageUri: stub://slow?ms=%d\n" % int(HELD_SECONDS * 1000), "alone": "  storageUri: stub://expression?y=x*5\n"}
ARRAYS = {
    "BOOL": np.array([True, False]), "INT8": np.array([-128, 127], np.int8), "INT16": np.array([-32768, 32767], np.int16),
    "INT32": np.array([[-1], [2]], np.int32), "INT64": np.array([2**53 + 1, -2**63], np.int64), "UINT8": np.array([0, 255], np.uint8),
    "UINT16": np.array([0, 65535], np.uint16), "UINT32": np.array([2**32 - 1, 1], np.uint32),
    "UINT64": np.array([2**64 - 1, 1], np.uint64), "FP16": np.array([0.5, -2.0], np.float16),
    "FP32": np.arange(6, dtype=np.float32).reshape(2, 3), "FP64": np.array([0.1, -1e300]),
    "BYTES": np.array([b"caf\xc3\xa9", b"\x00\xff", b""], dtype=object),
}
TYPED = {"BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents", "INT64": "int64_contents",
         "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
         "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents"}


def inputs_of(module, **arrays):
    """Tensors for one of the two clients, each named, as FP64 unless its array says otherwise"""
    made = []
    for name, value in arrays.items():
        array = np.asarray(value)
        datatype = next(kind for kind, sample in ARRAYS.items() if sample.dtype == array.dtype)
        made.append(module.InferInput(name, list(array.shape), datatype))
        made[-1].set_data_from_numpy(array)
    return made


def failure(call, *words, **named):
    """Status and words of a call that fails; None: it does not"""
    try:
        call(*words, **named)
    except InferenceServerException as error:
        return str(error.status()), error.message()
    except grpc.RpcError as error:
        return str(error.code()), error.details()
    return None


def answers(judge, name, module, client):
    result = client.infer("twice", inputs_of(module, x=np.array([21.0])), request_id="mine")
    got = result.get_response()
    judge.expect(f"{name}: a pipeline answers", result.as_numpy("x").tolist() == [42.0], got)
    judge.expect(f"{name}: the id comes back", (got["id"] if isinstance(got, dict) else got.id) == "mine", got)
    for kind, array in ARRAYS.items():
        tensor = module.InferInput("t", list(array.shape), kind)
        tensor.set_data_from_numpy(array)
        result = client.infer("same", [tensor])
        back = result.as_numpy("t")
        judge.expect(f"{name}: {kind} comes back as it went", back is not None and back.dtype == array.dtype and
                     back.shape == array.shape and (back == array).all(), back)
    result = client.infer("alone", inputs_of(module, x=np.array([2.0])))
    judge.expect(f"{name}: a Model without a pipeline answers", result.as_numpy("y").tolist() == [10.0], result.get_response())
    seen = failure(client.infer, "nobody", inputs_of(module, x=np.array([1.0])))
    judge.expect(f"{name}: an unknown pipeline is not found", seen and "nobody" in seen[1], seen)
    seen = failure(client.infer, "twice", inputs_of(module, x=np.array([1.0])), model_version="7")
    judge.expect(f"{name}: an unknown version is not found", seen and "no version `7` of `twice`" in seen[1], seen)
    judge.expect(f"{name}: nor is it ready", client.is_model_ready("twice", "1") and not client.is_model_ready("twice", "7"))
    judge.expect(f"{name}: it lives", client.is_server_live() and client.is_server_ready())
    judge.expect(f"{name}: a model is ready", client.is_model_ready("twice") and not client.is_model_ready("nobody"))


def says_what_it_is(judge, http, call):
    server = call.get_server_metadata()
    judge.expect("grpc: it says what it is", server.name == "sluice" and server.version == http.get_server_metadata()["version"], server)
    model = call.get_model_metadata("typed")
    judge.expect("grpc: metadata has the types that the plan infers",
                 model.name == "typed" and [(t.name, t.datatype, list(t.shape)) for t in model.outputs] == [("total", "FP64", [1, 3])],
                 model)
    theirs = http.get_model_metadata("typed")
    judge.expect("both say the same", [(t["name"], t["datatype"], t.get("shape", [])) for t in theirs["inputs"] + theirs["outputs"]] ==
                 [(t.name, t.datatype, list(t.shape)) for t in list(model.inputs) + list(model.outputs)], theirs)
    seen = failure(call.get_model_metadata, "nobody")
    judge.expect("grpc: there is no metadata of nobody", seen and "NOT_FOUND" in seen[0], seen)


def typed_request(kind, array, model="same"):
    request = service_pb2.ModelInferRequest(model_name=model, id="r")
    tensor = request.inputs.add(name="t", datatype=kind, shape=list(array.shape))
    getattr(tensor.contents, TYPED[kind]).extend(array.flatten().tolist())
    return request


def typed_contents(judge, stub):
    for kind in TYPED:
        array = ARRAYS[kind]
        got = stub.ModelInfer(typed_request(kind, array), timeout=20)
        tensor = got.outputs[0]
        raw = by_grpc.InferResult(got).as_numpy("t")
        judge.expect(f"typed {kind} is read", tensor.datatype == kind and got.id == "r" and (raw == array).all(), got)
    short = typed_request("FP32", ARRAYS["FP32"])
    short.inputs[0].shape[0] = 3
    seen = failure(stub.ModelInfer, short, timeout=20)
    judge.expect("contents that do not fill the shape are refused", seen and "INVALID_ARGUMENT" in seen[0] and "tensor t" in seen[1], seen)
    raw = service_pb2.ModelInferRequest(model_name="same")
    raw.inputs.add(name="t", datatype="FP32", shape=[2])
    raw.raw_input_contents.append(bytes(7))
    seen = failure(stub.ModelInfer, raw, timeout=20)
    judge.expect("so are raw ones of another size", seen and "INVALID_ARGUMENT" in seen[0], seen)
    raw.inputs[0].contents.fp32_contents.extend([1, 2])
    seen = failure(stub.ModelInfer, raw, timeout=20)
    judge.expect("so is a mix of both", seen and "INVALID_ARGUMENT" in seen[0], seen)


def number(value, model="twice", **more):
    return service_pb2.ModelInferRequest(model_name=model, inputs=[service_pb2.ModelInferRequest.InferInputTensor(
        name="x", datatype="FP64", shape=[1], contents=service_pb2.InferTensorContents(fp64_contents=[value]))], **more)


def metadata_goes_along(judge, stub):
    sent = (("x-other", "secret"), ("sluice-key", "the-key"), ("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
            ("x-request-id", "by-header"), ("seldon-model", "told.pipeline"))
    got, call = stub.ModelInfer.with_call(number(1.0), metadata=sent, timeout=20)
    seen = {tensor.name: by_grpc.InferResult(got).as_numpy(tensor.name).flatten()[0] for tensor in got.outputs}
    judge.expect("seldon-model goes before the name", set(seen) == {"x", "other", "key", "trace"}, seen)
    judge.expect("what the pipeline reads goes along", seen.get("other") == b"secret", seen)
    judge.expect("sluice-key is the record's key", seen.get("key") == b"the-key", seen)
    judge.expect("what is listed goes along", seen.get("trace") == sent[2][1].encode(), seen)
    back = dict(call.initial_metadata())
    judge.expect("the id by metadata comes back", back.get("x-request-id") == "by-header", back)


def ends_in_other_ways(judge, stub):
    got, call = stub.ModelInfer.with_call(number(11.0, "small"), metadata=(("x-request-id", "gone"),), timeout=20)
    judge.expect("what is filtered away is answered without tensors", not got.outputs and got.id == "gone" and
                 dict(call.initial_metadata()).get("sluice-outcome") == "filtered", got)
    got, call = stub.ModelInfer.with_call(number(1.0, "sink"), timeout=20)
    judge.expect("so is what has no answer", not got.outputs and got.id and
                 dict(call.initial_metadata()).get("sluice-outcome") == "accepted", got)
    seen = failure(stub.ModelInfer, number(1.0, "parts"), timeout=20)
    judge.expect("what cannot answer at once says so", seen and "FAILED_PRECONDITION" in seen[0] and "`items`" in seen[1], seen)
    begun = time.monotonic()
    seen = failure(stub.ModelInfer, number(1.0, "slow"), timeout=0.3)
    judge.expect("a deadline ends a call", seen and "DEADLINE_EXCEEDED" in seen[0] and time.monotonic() - begun < 1.2, seen)
    seen = failure(stub.ModelInfer, number(1.0, "slow"), metadata=(("x-timeout-ms", "300"),), timeout=20)
    judge.expect("so does one by metadata", seen and "DEADLINE_EXCEEDED" in seen[0] and time.monotonic() - begun < 2.4 and  # whoever is first:
                 ("300 ms" in seen[1] or "step `late` waited for model late" in seen[1] or  # the gateway, the step,
                  "late : the deadline passed before the model answered" in seen[1]), seen)  # or the call
    seen = failure(stub.ModelInfer, number(1.0), metadata=(("x-timeout-ms", "soon"),), timeout=20)
    judge.expect("a bad one is refused", seen and "INVALID_ARGUMENT" in seen[0] and "x-timeout-ms" in seen[1], seen)
    seen = failure(stub.ModelInfer, number(1.0), metadata=(("x-request-id", "i" * 257),), timeout=20)
    judge.expect("an id without end is refused", seen and "INVALID_ARGUMENT" in seen[0], seen)
    try:
        stub.ModelInfer(number(1.0, "strict"), timeout=20)
        told = None
    except grpc.RpcError as error:
        told = error
    parts = dict(list(told.initial_metadata()) + list(told.trailing_metadata())) if told else {}
    judge.expect("a failure has its kind, place and step as metadata", told and told.code() == grpc.StatusCode.INVALID_ARGUMENT and
                 parts.get("sluice-error") == "INPUT" and parts.get("sluice-step") == "fails" and "pipelines.yaml:" in parts["sluice-place"], parts)


def names_kind_place_and_id_in_each_error(judge, stub):
    """Whoever refuses: the server, the gateway, or a pipeline; with an id of the caller's, and without one"""
    rows = [("INVALID_ARGUMENT", "INPUT", stub.ModelInfer, service_pb2.ModelInferRequest(), ()),
            ("NOT_FOUND", "INPUT", stub.ModelInfer, number(1.0, "nobody"), ()), ("NOT_FOUND", "INPUT", stub.ModelMetadata, service_pb2.ModelMetadataRequest(name="nobody"), ()),
            ("UNIMPLEMENTED", "INPUT", stub.RepositoryIndex, service_pb2.RepositoryIndexRequest(), ()),
            ("INVALID_ARGUMENT", "INPUT", stub.ModelInfer, number(1.0), (("idempotency-key", "k" * 256),)),
            ("RESOURCE_EXHAUSTED", "LIMIT", stub.ModelInfer, typed_request("FP64", np.zeros(300000)), ())]
    for code, kind, method, asked, metadata in rows:
        for own in (None, "mine"):
            told = None
            try:
                method(asked, metadata=metadata + ((("x-request-id", own),) if own else ()), timeout=20)
            except grpc.RpcError as error:
                told = error
            parts = dict(list(told.initial_metadata()) + list(told.trailing_metadata())) if told else {}
            judge.expect(f"{code} has its kind, place and id", told and told.code().name == code and parts.get("sluice-error") == kind
                         and parts.get("sluice-place", "").startswith("/inference.") and parts.get("x-request-id") in ((own,) if own else set(parts.values())),
                         (told, parts))


def replays_an_error(judge, stub):
    """With its words and its id, though the outputs have the words alone, in the format of gRPC"""
    told, end = [], time.monotonic() + 20
    while len(told) < 2 and time.monotonic() < end:
        try:
            stub.ModelInfer(number(1.0, "strict", id="named"), metadata=(("idempotency-key", "fails"),), timeout=20)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.INVALID_ARGUMENT:  # else it is not in the outputs yet
                told.append((error.details(), dict(error.trailing_metadata()).get("x-request-id")))
    judge.expect("the error of a key is the same again", len(told) == 2 and len(set(told)) == 1 and told[0][1] == "named"
                 and "`nothing` is missing" in told[0][0], told)


def refuses(judge, stub, channel):
    names_kind_place_and_id_in_each_error(judge, stub)
    seen = failure(stub.ModelInfer, service_pb2.ModelInferRequest(), timeout=20)
    judge.expect("an empty request is refused", seen and "INVALID_ARGUMENT" in seen[0], seen)
    seen = failure(stub.ModelInfer, number(1.0, ""), timeout=20)
    judge.expect("of many pipelines one must be named", seen and "NOT_FOUND" in seen[0] and "seldon-model" in seen[1], seen)
    seen = failure(stub.RepositoryIndex, service_pb2.RepositoryIndexRequest(), timeout=20)
    judge.expect("a method that it lacks is told", seen and "UNIMPLEMENTED" in seen[0] and "the pipelines' files name them" in seen[1], seen)
    seen = failure(channel.unary_unary("/nobody.Service/Method"), b"", timeout=20)
    judge.expect("so is a service", seen and "UNIMPLEMENTED" in seen[0], seen)
    seen = failure(channel.unary_unary("/inference.GRPCInferenceService/ModelInfer"), b"\x0a\x05twice\xff\xff", timeout=20)
    judge.expect("rubbish is the caller's error", seen and seen[0].split(".")[-1] in ("INVALID_ARGUMENT", "NOT_FOUND"), seen)
    large = number(1.0)
    large.inputs[0].parameters["p"].string_param = "x" * 1100000
    seen = failure(stub.ModelInfer, large, timeout=20)
    judge.expect("what no topic takes is refused", seen and "RESOURCE_EXHAUSTED" in seen[0], seen)
    seen = failure(stub.ModelInfer, number(1.0), metadata=(("x-much", "x" * 33000),), timeout=20)
    judge.expect("so is metadata without end", seen and "RESOURCE_EXHAUSTED" in seen[0] and "32768" in seen[1], seen)
    judge.expect("it is as good as new after that", stub.ModelInfer(number(4.0), timeout=20).raw_output_contents[0] ==
                 np.array([8.0]).tobytes())


def takes_compressed(judge, name, module, client, option):
    """Long enough that the client does compress it"""
    array = np.zeros(20000)
    array[7] = 4.5
    tensor = module.InferInput("x", [20000], "FP64")
    tensor.set_data_from_numpy(array)
    for algorithm in ("gzip", "deflate"):
        result = client.infer("twice", [tensor], **{option: algorithm})
        judge.expect(f"{name}: a request that is compressed by {algorithm} is answered",
                     (result.as_numpy("x") == 2 * array).all(), result.get_response())


def number_of(response):
    return np.frombuffer(response.raw_output_contents[0])[0]


def counted(dev, name):
    address = next(line for line in dev.lines if "metrics are at" in line).split("metrics are at ")[1].split()[0]
    with urllib.request.urlopen(address, timeout=20) as reply:
        return next(float(line.split()[-1]) for line in reply.read().decode().splitlines() if line.startswith(f"sluice_gateway_{name}_total"))


def answers_streams(judge, dev):
    """start_stream and async_stream_infer, as of Triton"""
    client, ended = by_grpc.InferenceServerClient(dev.said("grpc")), queue.Queue()
    client.start_stream(callback=lambda result, error: ended.put((result, error)))

    def send(model, value, id):
        client.async_stream_infer(model, inputs_of(by_grpc, x=np.array([value])), request_id=id)

    def take():
        result, error = ended.get(timeout=20)
        return (result.get_response().id, result.as_numpy("x").tolist()) if result else error.message()
    send("slow", 1.0, "first")
    send("twice", 2.0, "second")
    seen = [take(), take()]
    judge.expect("stream: answers come as calls end", seen == [("second", [4.0]), ("first", [1.0])], seen)
    send("nobody", 1.0, "lost")
    judge.expect("stream: an error is an answer", "nobody" in (seen := take()), seen)
    send("twice", 3.0, "still")
    judge.expect("stream: it goes on after an error", (seen := take()) == ("still", [6.0]), seen)
    for i in range(1000):
        send("twice", float(i), str(i))
    seen = [take() for _ in range(1000)]
    judge.expect("stream: a thousand requests get their own answers", sorted(seen) == sorted((str(i), [2.0 * i]) for i in range(1000)),
                 [one for one in seen if one[1] != [2.0 * float(one[0])]][:3])
    client.stop_stream()
    client.start_stream(callback=lambda result, error: ended.put((result, error)), compression_algorithm="gzip")
    client.async_stream_infer("same", inputs_of(by_grpc, x=np.zeros(10000)), request_id="long")
    judge.expect("stream: compressed messages are taken", (seen := take()) == ("long", [0.0] * 10000), str(seen)[:200])
    begun, left = counted(dev, "calls"), counted(dev, "abandoned")
    for i in range(100):
        send("slow", float(i), str(i))
    end = time.monotonic() + 20
    while counted(dev, "calls") < begun + 64 and time.monotonic() < end:
        time.sleep(0.02)
    client.stop_stream(cancel_requests=True)
    client.close()
    while counted(dev, "abandoned") < left + 64 and time.monotonic() < end:
        time.sleep(0.02)
    seen = counted(dev, "calls") - begun, counted(dev, "abandoned") - left
    judge.expect("stream: 64 requests are open, and are cancelled with it", seen == (64, 64), seen)


def waiting_requests(*requests):
    """A stream that its caller does not end"""
    yield from requests
    threading.Event().wait(20)


def streams_as_promised(judge, stub):
    """By grpcio: what tritonclient does not show"""
    def stream(*requests, **named):
        return list(stub.ModelStreamInfer(iter(requests), timeout=20, **named))
    seen = stream(number(1.0, "slow", id="a"), number(2.0, id="b"))
    judge.expect("stream: what is open when the caller has sent all is answered",
                 [(one.infer_response.id, number_of(one.infer_response)) for one in seen] == [("b", 4.0), ("a", 1.0)], seen)
    judge.expect("stream: each answer is the last of its request",
                 all(one.infer_response.parameters["triton_final_response"].bool_param for one in seen), seen)
    judge.expect("stream: without a request it ends well", stream() == [])
    seen = {one.infer_response.id: one for one in stream(number(1.0, "strict", id="bad"), number(100.0, "small", id="out"), service_pb2.ModelInferRequest())}
    broken, dropped, empty = seen["bad"], seen["out"], seen[""]
    told = {name: value.string_param for name, value in broken.infer_response.parameters.items()}
    judge.expect("stream: an error names the request, and has its parts",
                 broken.error_message and broken.infer_response.id == "bad" and told.get("sluice-error") == "INPUT" and
                 told.get("sluice-step") == "fails" and told.get("sluice-place") and told.get("x-request-id"), broken)
    judge.expect("stream: a request that is dropped is answered", not dropped.error_message and dropped.infer_response.id == "out" and
                 dropped.infer_response.parameters["sluice-outcome"].string_param == "filtered", dropped)
    judge.expect("stream: an empty message is an error", "empty" in empty.error_message, empty)
    keyed = stream(number(1.0), metadata=(("idempotency-key", "one"),))
    judge.expect("stream: it has no idempotency key", len(keyed) == 1 and "ModelInfer" in keyed[0].error_message, keyed)
    began = time.monotonic()
    seen = failure(lambda: list(stub.ModelStreamInfer(waiting_requests(number(1.0, "slow")), timeout=HELD_SECONDS / 3)))
    judge.expect("stream: its deadline ends it", seen and "DEADLINE" in seen[0] and time.monotonic() - began < HELD_SECONDS, seen)
    spoilt = stub.ModelStreamInfer(iter([number(1.0, id="\x7f")]), timeout=20)
    judge.expect("stream: an id of any characters comes back", next(spoilt).infer_response.id == "\x7f")
    many = stream(*(number(float(i), id=str(i)) for i in range(2000)))
    judge.expect("stream: more requests than may be open at once are all answered",
                 sorted(float(one.infer_response.id) * 2 for one in many) == sorted(number_of(one.infer_response) for one in many) and
                 len(many) == 2000, len(many))


def has_health_and_reflection(judge, channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "inference.GRPCInferenceService"):
        status = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=20).status
        judge.expect(f"health of `{service}` is good", status == health_pb2.HealthCheckResponse.SERVING, status)
    seen = failure(health.Check, health_pb2.HealthCheckRequest(service="nobody"), timeout=20)
    judge.expect("health of nobody is not found", seen and "NOT_FOUND" in seen[0], seen)
    for service, status in (("", "SERVING"), ("inference.GRPCInferenceService", "SERVING"), ("nobody", "SERVICE_UNKNOWN")):
        watch = health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=1.5)
        seen = health_pb2.HealthCheckResponse.ServingStatus.Name(next(watch).status)
        ended = failure(lambda: next(watch))
        judge.expect(f"health of `{service}` is watched: {status} once, until its caller leaves", seen == status
                     and ended and "DEADLINE_EXCEEDED" in ended[0], (seen, ended))
    known = ProtoReflectionDescriptorDatabase(channel)
    services = list(known.get_services())
    judge.expect("services are listed", services[:2] == ["inference.GRPCInferenceService", "grpc.health.v1.Health"], services)
    pool = descriptor_pool.DescriptorPool(known)
    for ours in (service_pb2.DESCRIPTOR.message_types_by_name[name] for name in ("ModelInferRequest", "ModelInferResponse",
                 "ModelMetadataResponse", "InferParameter", "InferTensorContents", "ServerMetadataResponse", "ModelReadyRequest")):
        theirs = pool.FindMessageTypeByName(ours.full_name)

        def fields(message):
            return [(f.name, f.number, f.type, f.label, f.message_type and f.message_type.full_name,
                     f.containing_oneof and f.containing_oneof.name) for f in message.fields]
        judge.expect(f"{ours.full_name} is described as Triton's client has it", fields(theirs) == fields(ours) and
                     sorted((n.name, fields(n)) for n in theirs.nested_types) == sorted((n.name, fields(n)) for n in ours.nested_types),
                     fields(theirs))
    service = pool.FindServiceByName("inference.GRPCInferenceService")
    judge.expect("its methods are described", "ModelInfer" in service.methods_by_name, service.methods_by_name)
    judge.expect("so is health", pool.FindServiceByName("grpc.health.v1.Health").methods_by_name["Watch"].server_streaming)


def keeps_calls_apart(judge, stub):
    calls = [(i, stub.ModelInfer.future(number(float(i), "twice", id="same"), timeout=30)) for i in range(1000)]
    wrong = [i for i, call in calls if np.frombuffer(call.result().raw_output_contents[0])[0] != 2.0 * i]
    judge.expect("a thousand calls at once get their own answers", not wrong, wrong[:5])
    open_calls = [stub.ModelInfer.future(number(1.0, "slow"), timeout=30) for _ in range(50)]
    time.sleep(0.2)
    for call in open_calls:
        call.cancel()
    time.sleep(0.5)
    judge.expect("calls that are cancelled do no harm", np.frombuffer(stub.ModelInfer(number(3.0), timeout=20).raw_output_contents[0])[0] == 6.0)


class Command:
    """`sluice gateway` beside the broker of dev"""

    def __init__(self, dev, place, *more):
        command = [dev.binary, "gateway", "-f", os.path.join(place, "pipelines.yaml"), "--brokers", dev.said("broker"), "--http", "0",
                   "--grpc", "0", "-o", "json", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill) # where the judge dies first
        self.said = json.loads(self.process.stdout.readline())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def asks_who_calls(judge, dev, place):
    """The same keys and policies as over HTTP (judge/access.py)"""
    def write(name, text):
        with open(os.path.join(place, name), "w", encoding="utf-8") as file:
            file.write(text)
        return file.name
    keys = write("keys", "".join(f"{name}:{hashlib.sha256(key.encode()).hexdigest()}\n" for name, key in KEYS.items()))
    policies = write("policies", "policies:\n- {subject: 'key:billing', resource: pipeline/twice, verb: [infer, metadata]}\n"
                                 "- {subject: 'key:admin', resource: '*', verb: '*'}\n")
    command = Command(dev, place, "--api-keys", keys, "--policies", policies)
    channel = grpc.insecure_channel(command.said["grpc"])
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    reflection = reflection_pb2_grpc.ServerReflectionStub(channel)

    def status(call, request, key):
        try:
            answer = call(request, metadata=key and (("x-api-key", KEYS.get(key, key)),), timeout=20)
            return next(answer, None) and "OK" if hasattr(answer, "__next__") else "OK"
        except grpc.RpcError as error:
            return error.code().name
    infer, metadata, ready = stub.ModelInfer, stub.ModelMetadata, stub.ServerReady
    twice = service_pb2.ModelMetadataRequest(name="twice")
    live, listed = service_pb2.ServerReadyRequest(), iter([reflection_pb2.ServerReflectionRequest(list_services="*")])
    rows = [("who has no key", infer, number(1.0), None, "UNAUTHENTICATED"),
            ("who has another", infer, number(1.0), "x" * 32, "UNAUTHENTICATED"),
            ("who may", infer, number(1.0), "billing", "OK"), ("who may not", infer, number(1.0, "same"), "billing", "PERMISSION_DENIED"),
            ("metadata", metadata, twice, "billing", "OK"), ("metadata of nobody", metadata, twice, None, "UNAUTHENTICATED"),
            ("what is not there", infer, number(1.0, "nobody"), "billing", "PERMISSION_DENIED"),
            ("what is not there, of all", infer, number(1.0, "nobody"), "admin", "NOT_FOUND"),
            ("a probe", ready, live, None, "OK"), ("health", health_pb2_grpc.HealthStub(channel).Check,
                                                   health_pb2.HealthCheckRequest(), None, "OK"),
            ("reflection", reflection.ServerReflectionInfo, listed, None, "UNAUTHENTICATED"),
            ("reflection of all", reflection.ServerReflectionInfo,
             iter([reflection_pb2.ServerReflectionRequest(list_services="*")]), "admin", "OK")]
    for method in "GraphMetadata", "ModelMetadata":  # without a name: which deployment is meant, only who may see all is asked
        call = channel.unary_unary(f"/seldon.protos.Seldon/{method}")
        rows += [(f"{method} of Seldon, for {key}", call, b"", key, wanted)
                 for key, wanted in ((None, "UNAUTHENTICATED"), ("billing", "PERMISSION_DENIED"), ("admin", "NOT_FOUND"))]
    for name, call, request, key, wanted in rows:
        seen = status(call, request, key)
        judge.expect(f"access: {name} is {wanted}", seen == wanted, seen)
    try:
        stub.ModelInfer(number(1.0), timeout=20)
    except grpc.RpcError as error:
        back = dict(list(error.initial_metadata()) + list(error.trailing_metadata()))
        judge.expect("access: a refusal has its challenge", "ApiKey" in back.get("www-authenticate", ""), back)
    seen = failure(stub.ModelInfer, number(1.0), metadata=(("x-api-key", KEYS["billing"]), ("x-api-key", KEYS["admin"])), timeout=20)
    judge.expect("access: two keys are refused", seen and "INVALID_ARGUMENT" in seen[0], seen)
    seen = failure(stub.ModelInfer, number(1.0, "twice"), metadata=(("x-api-key", KEYS["billing"]), ("seldon-model", "same")), timeout=20)
    judge.expect("access: seldon-model is what counts", seen and "PERMISSION_DENIED" in seen[0], seen)
    streamed = stub.ModelStreamInfer(iter([number(1.0, "strict", id="no"), number(1.0, "twice", id="yes")]),
                                     metadata=(("x-api-key", KEYS["billing"]),), timeout=20)
    seen = [(one.error_message != "", one.infer_response.id) for one in streamed]
    judge.expect("access: each request of a stream is asked for itself", sorted(seen) == [(False, "yes"), (True, "no")], seen)
    streamed, seen = stub.ModelStreamInfer(iter([number(1.0, "twice", id="who")]), timeout=20), []
    ended = failure(lambda: seen.extend(streamed))
    judge.expect("access: a stream of nobody ends before a message is read", ended and "UNAUTHENTICATED" in ended[0] and seen == [],
                 (ended, seen))
    answered = stub.ModelInfer.future(number(1.0, "slow"), metadata=(("x-api-key", KEYS["admin"]),), timeout=20)
    streamed = iter(stub.ModelStreamInfer(waiting_requests(number(1.0, "slow")), metadata=(("x-api-key", KEYS["admin"]),), timeout=20))
    statuses, watch = [], health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=20)
    statuses.append(next(watch).status)
    time.sleep(HELD_SECONDS / 5)
    code = command.end()
    ended = failure(lambda: statuses.extend(one.status for one in watch))
    judge.expect("who watches health is told that the gateway stops", ended and "UNAVAILABLE" in ended[0] and statuses == [
        health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING], (ended, statuses))
    judge.expect("what a stream has open when the gateway is stopped is answered", number_of(next(streamed).infer_response) == 1.0)
    judge.expect("then its caller is told", (seen := failure(lambda: next(streamed))) and "UNAVAILABLE" in seen[0], seen)
    judge.expect("what is open when the gateway is stopped is answered", failure(answered.result) is None and code == 0, code)
    channel.close()


def serves_streams_while_it_leaves(judge, dev, place):
    """gRPC's own library hears that the gateway leaves. Its stream goes on until the time of --lame-duck is over; new calls connect anew"""
    command, requests, answers = Command(dev, place, "--lame-duck", f"{LAME_DUCK_SECONDS}s"), queue.Queue(), []
    channel = grpc.insecure_channel(command.said["grpc"])
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    streamed = stub.ModelStreamInfer(iter(requests.get, None), timeout=20)

    def ask(value):
        requests.put(number(value))
        answers.append(number_of(next(streamed).infer_response))
    ask(1.0)
    command.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + LAME_DUCK_SECONDS
    while (ready := stub.ServerReady(service_pb2.ServerReadyRequest(), timeout=20).ready) and time.monotonic() < end:
        time.sleep(0.05)
    ended = failure(ask, 2.0)
    time.sleep(LAME_DUCK_SECONDS / 5)
    ended = ended or failure(ask, 3.0)
    judge.expect("while the gateway leaves it is not ready, and its streams are served", not ready and answers == [2.0, 4.0, 6.0],
                 (ready, answers, ended))
    judge.expect("then they are told", (seen := failure(lambda: next(streamed))) and "UNAVAILABLE" in seen[0] and "is stopping" in seen[1], seen)
    requests.put(None)
    channel.close()
    judge.expect("and the gateway ends well", command.process.wait(20) == 0)


def answers_errors_as_seldon(judge, dev, place):
    """--compat seldon, as over HTTP (judge/compat.py)"""
    command = Command(dev, place, "--compat", "seldon")
    channel = grpc.insecure_channel(command.said["grpc"])
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    seen = failure(stub.ModelInfer, number(1.0, "strict"), timeout=20)
    judge.expect("compat: a failed step has its name, and the status UNKNOWN", seen and "UNKNOWN" in seen[0] and seen[1].startswith("fails : tensor"), seen)
    seen = failure(stub.ModelInfer, number(1.0, "nobody"), timeout=20)
    judge.expect("compat: what the gateway refuses has its status", seen and "NOT_FOUND" in seen[0], seen)
    answer, call = stub.ModelInfer.with_call(number(3.0), timeout=20)
    judge.expect("compat: an answer is as ever", np.frombuffer(answer.raw_output_contents[0])[0] == 6.0)
    told = [value for name, value in call.initial_metadata() if name == "x-seldon-route"]
    judge.expect("compat: it has the route of Seldon", told == [":twice.pipeline:"], told)
    channel.close()
    command.end()


def ends(judge, dev, stub):
    found = []
    caller = threading.Thread(target=lambda: found.append(failure(stub.ModelInfer, number(7.0, "slow"), timeout=20)))
    caller.start()
    time.sleep(HELD_SECONDS / 5)
    code = dev.stop()
    caller.join()
    judge.expect("what is open when it is stopped is answered", found == [None], found)
    judge.expect("it ends well", code == 0, code)


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        with open(os.path.join(place, "pipelines.yaml"), "w", encoding="utf-8") as file:
            file.write("---\n".join([DOCUMENT % ("Pipeline", *row) for row in PIPELINES.items()] +
                                    [DOCUMENT % ("Model", *row) for row in MODELS.items()]))
        dev = Dev(binary, place, "--metrics", "0")
        if not dev.started:
            sys.exit("triton: dev does not start: " + "\n".join(dev.lines))
        http = by_http.InferenceServerClient(dev.said("gateway").split("//")[1])
        call = by_grpc.InferenceServerClient(dev.said("grpc"))
        channel = grpc.insecure_channel(dev.said("grpc"))
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        answers(judge, "http", by_http, http)
        answers(judge, "grpc", by_grpc, call)
        says_what_it_is(judge, http, call)
        typed_contents(judge, stub)
        metadata_goes_along(judge, stub)
        answers_streams(judge, dev)
        streams_as_promised(judge, stub)
        takes_compressed(judge, "http", by_http, http, "request_compression_algorithm")
        takes_compressed(judge, "grpc", by_grpc, call, "compression_algorithm")
        ends_in_other_ways(judge, stub)
        replays_an_error(judge, stub)
        refuses(judge, stub, channel)
        has_health_and_reflection(judge, channel)
        keeps_calls_apart(judge, stub)
        asks_who_calls(judge, dev, place)
        serves_streams_while_it_leaves(judge, dev, place)
        answers_errors_as_seldon(judge, dev, place)
        ends(judge, dev, stub)
        call.close()
        http.close()
        channel.close()
    print(f"{judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
