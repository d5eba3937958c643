#!/usr/bin/env python3
"""Judges `/metrics`, declared metrics and the probes of `sluice dev` from outside, as Prometheus and a hostile neighbour meet them: metrics.py SLUICE

One line for each behaviour that is not as it should be; at the end `N passed, N failed[, N skipped]`.
"""
import concurrent.futures, hashlib, http.client, http.server, json, os, re, socket, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(__file__))
from dev import PATIENCE, SECONDS_MAX, Dev, Judge, copy  # noqa: E402
from exposition import exposition_read  # noqa: E402

SERIES_MAX = 2000
STEPS = 130  # more than have series of their own
ASKED = 3
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PIPELINE = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n  steps:\n%s"
MERGED_SECONDS = 0.3 * PATIENCE  # that a model takes, while others come to wait for it
TIMER_SECONDS = 0.001  # by which a timer of whole milliseconds may end before its time
HEAD_SECONDS = 5  # the listener's limit
SAMPLED_SECONDS = 30 * PATIENCE  # three samples of the load


class Listener:
    def __init__(self, address):
        self.host, port = address.split("//")[1].split("/")[0].split(":")
        self.port = int(port)

    def ask(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS_MAX)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, reply.getheader("content-type"), text

    def send(self, path, body, **headers):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS_MAX)
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, text

    def families(self, **headers):
        _, kind, text = self.ask("/metrics", **headers)
        return exposition_read(text, kind.startswith("application/openmetrics"))


def value(families, name, **labels):
    found = [number for family in families.values() for sample, its, number in family.samples if sample == name and its == labels]
    return found[0] if len(found) == 1 else found


def many_steps(name, count, operation):
    return PIPELINE % (name, "".join(f"  - {{name: s{number}, {'inputs: [s%d], ' % (number - 1) if number else ''}"
                                     f"expression: {{set: {{quote: '{operation}'}}}}}}\n" for number in range(count))
                       + f"  output: {{steps: [s{count - 1}]}}\n")


def counts(judge, dev, listener):
    for _ in range(ASKED):
        dev.ask("hello")
    dev.ask("fails")
    dev.ask("many")
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end:
        families = listener.families()
        if value(families, "sluice_pipeline_requests_ended_total", namespace="default", pipeline="many") == 1:
            break
        time.sleep(0.1)
    of = {"namespace": "default", "pipeline": "hello"}
    judge.expect("requests are counted", value(families, "sluice_pipeline_requests_total", **of) == ASKED, of)
    judge.expect("and timed", value(families, "sluice_pipeline_request_duration_seconds_count", **of) == ASKED)
    judge.expect("nothing is in flight", value(families, "sluice_pipeline_in_flight", **of) == 0)
    for step in ("prepare", "score", "decide"):
        judge.expect(f"step {step} is counted", value(families, "sluice_step_messages_total", step=step, **of) == ASKED)
    model = {"namespace": "default", "model": "score"}
    judge.expect("calls are counted", value(families, "sluice_model_calls_total", **model) == ASKED)
    judge.expect("attempts are timed", value(families, "sluice_model_attempt_duration_seconds_count", **model) == ASKED)
    judge.expect("its breaker is closed", value(families, "sluice_model_breakers", state="closed", **model) == 1)
    judge.expect("no call is out", value(families, "sluice_model_in_flight", **model) == 0)
    fails = {"namespace": "default", "pipeline": "fails"}
    judge.expect("an error has its kind", value(families, "sluice_pipeline_errors_total", kind="INPUT", **fails) == 1)
    judge.expect("and its step", value(families, "sluice_step_errors_total", kind="INPUT", step="b", **fails) == 1)
    judge.expect("the step before has none", value(families, "sluice_step_errors_total", kind="INPUT", step="a", **fails) == 0)
    judge.expect("memory is known", value(families, "process_resident_memory_bytes") > 1 << 20)
    judge.expect("the start is known", abs(value(families, "process_start_time_seconds") - time.time()) < 60)
    judge.expect("descriptors are counted", value(families, "process_open_fds") > 5)


def knows_the_lag(judge, listener):
    of = {"namespace": "default", "pipeline": "hello"}
    end = time.monotonic() + 30 * PATIENCE
    while time.monotonic() < end:
        families = listener.families()
        wanted = value(families, "sluice_replicas_wanted", namespace="default")
        if wanted != []:
            break
        time.sleep(0.5)
    judge.expect("nothing lags", value(families, "sluice_pipeline_lag_records", **of) == 0, of)
    judge.expect("and not for a second", value(families, "sluice_pipeline_lag_seconds", **of) == 0, of)
    busy = value(families, "sluice_namespace_busy_partitions", namespace="default")
    judge.expect("no more engines are wanted than partitions have work", wanted != [] and wanted <= busy, (wanted, busy))


def knows_its_clients(judge, listener, prefix, records):
    """librdkafka tells of its clients every 10 s. `records`: that were at least sent, and received"""
    def of(client, name):
        found = [number for family in families.values() for sample, labels, number in family.samples
                 if sample == prefix + name and labels.get("client") == client]
        return sum(found) if found else None

    end = time.monotonic() + 25 * PATIENCE
    while time.monotonic() < end:
        families = listener.families()
        if of("consumer", "records_received_total") and of("producer", "records_sent_total"):
            break
        time.sleep(0.5)
    for client in ("consumer", "producer"):
        judge.expect(f"{prefix}: a {client} knows its broker", of(client, "brokers") >= 1 and of(client, "brokers_up") >= 1, client)
        judge.expect(f"{prefix}: requests of a {client} are counted", of(client, "requests_total") > 0
                     and of(client, "sent_bytes_total") > 0 and of(client, "received_bytes_total") > 0, client)
    judge.expect(f"{prefix}: records are received", of("consumer", "records_received_total") >= records)
    judge.expect(f"{prefix}: records are sent", of("producer", "records_sent_total") >= records)
    judge.expect(f"{prefix}: a consumer's requests are timed", 0 < of("consumer", "round_trip_seconds") < 10)


def keeps_within_its_series(judge, listener):
    families = listener.families()
    for pipeline in ("hello", "fails", "many"):
        series = [1 for family in families.values() for _, labels, _ in family.samples if labels.get("pipeline") == pipeline]
        judge.expect(f"{pipeline} has at most {SERIES_MAX} series", 0 < len(series) <= SERIES_MAX, len(series))
    steps = {labels["step"]: number for name, labels, number in families["sluice_step_messages_total"].samples
             if labels["pipeline"] == "many"}
    judge.expect("the first steps have their own", all(steps.get(f"s{number}") == 1 for number in range(len(steps) - 1)), steps)
    judge.expect("the rest is summed", steps.get("other") == STEPS - len(steps) + 1 and len(steps) < STEPS, steps)


def speaks_formats(judge, listener):
    text = listener.families()
    open_metrics = listener.families(Accept=OPEN)
    judge.expect("both have the same metrics", {name.removesuffix("_total") for name in text} == set(open_metrics))
    judge.expect("the type of the text is Prometheus'", listener.ask("/metrics")[1] == "text/plain; version=0.0.4; charset=utf-8")
    return open_metrics


def speaks_both_formats(judge, listener):
    open_metrics = speaks_formats(judge, listener)
    judge.expect("OpenMetrics names counters without _total", "sluice_pipeline_requests" in open_metrics, list(open_metrics))
    judge.expect("a unit is named", open_metrics["sluice_pipeline_request_duration_seconds"].unit == "seconds")


def changes_nothing(judge, listener):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        judge.expect(f"{method} changes nothing", listener.ask("/metrics", method)[0] == 405)
    judge.expect("there is nothing else", listener.ask("/v2/models/score/infer", "POST")[0] == 404)


def answers_probes_alone(judge, listener):
    judge.expect("it is live", listener.ask("/live")[0] == 200)
    judge.expect("it is ready", listener.ask("/ready")[0] == 200)
    changes_nothing(judge, listener)
    with socket.socket() as other:
        other.settimeout(1)
        outside = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
        if outside and ":" not in outside[0]:
            judge.expect("other machines are not let in", other.connect_ex((outside[0], listener.port)) != 0)


def sheds_the_slow(judge, listener):
    slow = []
    for _ in range(8):
        one = socket.create_connection((listener.host, listener.port))
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        slow.append(one)
    begun, seconds = time.monotonic(), []
    while time.monotonic() - begun < HEAD_SECONDS + 3:
        at = time.monotonic()
        judge.expect("others are answered meanwhile", listener.ask("/metrics")[0] == 200)
        seconds.append(time.monotonic() - at)
        for one in slow:
            try:
                one.sendall(b"a")
            except OSError:
                pass
        time.sleep(0.3)
    judge.expect("and at once", sorted(seconds)[len(seconds) // 2] < 0.2 * PATIENCE, seconds)
    for one in slow:
        one.settimeout(1)
        try:
            said = one.recv(4096)
        except OSError:
            said = b""
        judge.expect("who sends a head byte by byte is sent away", said == b"" or b" 408 " in said, said)
        one.close()


def satisfies_promtool(judge, listener):
    found = subprocess.run(["tests/prometheus.sh"], capture_output=True, text=True)
    if found.returncode == 3:
        print("skipped: promtool check metrics: neither promtool nor the package prometheus can be had here")
        return 1
    done = subprocess.run([os.path.join(found.stdout.strip(), "promtool"), "check", "metrics"], input=listener.ask("/metrics")[2], capture_output=True, text=True)
    judge.expect("promtool check metrics passes", done.returncode == 0 and not done.stderr, done.stdout + done.stderr)
    return 0


RUNTIME = """apiVersion: mlops.seldon.io/v1alpha1
kind: SeldonRuntime
metadata: {name: r}
spec: {config: {metricsConfig: {%s}}}
---
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: my-model, namespace: default}
spec:
  predictors:
  - {name: default, graph: {name: classifier, modelUri: 'stub://identity'}}
---
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: other, namespace: default}
spec:
  predictors:
  - {name: default, graph: {name: classifier, modelUri: 'stub://add10'}}
"""
# Queries of dashboards and rules that people have for Seldon Core 1 and 2, with the families that they read.
DASHBOARDS = [
    'histogram_quantile(0.95, sum(rate(seldon_api_executor_client_requests_seconds_bucket{deployment_name="my-model",predictor_name="default"}[1m])) by (le))',
    'sum(increase(seldon_api_executor_server_requests_seconds_count{code!="200",deployment_name="my-model"}[1m]))',
    'sum(rate(seldon_api_executor_client_requests_seconds_count{model_name=~"classifier"}[1m])) by (model_name,predictor_name,predictor_version,model_image,model_version,service)',
    'avg((rate(seldon_model_aggregate_infer_seconds_total[1m]) / rate(seldon_model_aggregate_infer_total[1m])) > 0) by (server, method_type)',
    'sum by (pipeline) (rate(seldon_pipeline_infer_total{code="200"}[1m]))',
]


def write_runtime(folder, enabled):
    with open(os.path.join(folder, "runtime.yaml"), "w", encoding="utf-8") as file:
        file.write(RUNTIME % f"enabled: {enabled}, {CUSTOM}")


def reports_under_seldons_names(judge, dev, listener, folder):
    judge.expect("nothing has Seldon's names unless it is asked for", not any(name.startswith("seldon_") for name in listener.families()))
    write_runtime(folder, "true")
    gateway = Listener(dev.said("gateway") + "/")
    call = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1]}]}
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end and not any(name.startswith("seldon_") for name in listener.families()):
        time.sleep(0.1)
    seldon = {"data": {"ndarray": [[1.0, 2.0]]}}
    found = [gateway.send("/seldon/default/my-model/api/v1.0/predictions", seldon)[0] for _ in range(ASKED)]
    found += [gateway.send("/v2/pipelines/fails/infer", call)[0] for _ in range(2)]
    found.append(gateway.send("/v2/pipelines/hello/infer", call, **{"x-timeout-ms": "none"})[0])
    judge.expect("three outcomes are asked for", found == [200] * ASKED + [400, 400, 400], found)
    families = listener.families()
    pipeline = {"server": "pipeline-gateway", "method_type": "rest"}
    judge.expect("calls of a deployment", value(families, "seldon_pipeline_infer_total", pipeline="my-model", code="200", **pipeline) == ASKED)
    judge.expect("calls that fail", value(families, "seldon_pipeline_infer_total", pipeline="fails", code="400", **pipeline) == 2)
    judge.expect("calls that are refused", value(families, "seldon_pipeline_infer_total", pipeline="hello", code="400", **pipeline) == 1)
    judge.expect("all calls", value(families, "seldon_pipeline_aggregate_infer_total", **pipeline) == ASKED + 3 + TRADES + DEALS)
    executor = {"deployment_name": "my-model", "predictor_name": "default", "predictor_version": "", "method": "post", "code": "200"}
    judge.expect("the executor's calls", value(families, "seldon_api_executor_server_requests_seconds_count",
                                               service="predictions", **executor) == ASKED)
    judge.expect("predictions are counted", value(families, "seldon_deployment_prediction_count", deployment_name="my-model") == ASKED)
    clients = [(labels, number) for name, labels, number in families["seldon_api_executor_client_requests_seconds"].samples
               if name.endswith("_count")]
    judge.expect("the node's calls, which another deployment's node of its name has not", len(clients) == 1 and clients[0][1] == ASKED and clients[0][0]["model_name"] == "classifier"
                 and clients[0][0]["service"] == "/predict" and clients[0][0]["deployment_name"] == "my-model", clients)
    models = {(labels["model"], labels["code"]): number for _, labels, number in families["seldon_model_infer_total"].samples}
    own = value(families, "sluice_model_attempts_total", namespace="default", model="score")
    judge.expect("attempts of a model are its own count", models.get(("score", "OK"), 0) + models.get(("score", "200"), 0) == own, models)
    judge.expect("a histogram has Seldon's buckets", sorted({float(labels["le"]) for name, labels, _ in
                 families["seldon_model_infer_api_seconds"].samples if name.endswith("_bucket")})
                 == [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, float("inf")])
    names = {name for family in families.values() for name, _, _ in family.samples}
    for query in DASHBOARDS:
        read = set(re.findall(r"seldon_[a-z_0-9]+", query))
        judge.expect(f"a dashboard's query finds its samples: {query}", read and read <= names, read - names)


TRADES = 124  # calls of the pipeline that declares metrics
DECLARED = """  - {name: prepare, inputs: [trades], expression: {set: {size: x * 2, side: 'where(x[0] > 0, "buy", "sell")'}}}
  - {name: decide, inputs: [prepare], isolate: true, expression: {set: {rank: size + 1}}, when: "x[0] != 0"}
  output: {steps: [decide]}
  metrics:
  - {name: order_size, type: histogram, help: "The \\"size\\"", value: answer.size, labels: {side: side}}
  - {name: orders, type: counter, value: 1, labels: {side: side, x: "text(request.x[0])"}}
  - {name: odd_orders, type: counter, value: "request.x[0]", labels: {note: header("x-note")}}
  - {name: last_size, type: gauge, value: size}
  - {name: took, type: summary, value: latency_ms / 1000, labels: {hour: hour(ts)}}
"""
CUSTOM = "customMetrics: [{name: order_size, type: histogram, buckets: [1, 4, 10]}, {name: rank, type: gauge, help: Of all}, {name: idle, type: gauge}]"


def counts_what_pipelines_declare(judge, dev, listener):
    gateway = Listener(dev.said("gateway") + "/")
    sent = [1, 2, -3, 5]

    def send(number, **headers):
        return gateway.send("/v2/pipelines/trades/infer", {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [number]}]}, **headers)[0]

    judge.expect("metrics do not change answers", [send(number) for number in sent] == [200] * 4)
    end = time.monotonic() + SECONDS_MAX
    of = {"namespace": "default", "pipeline": "trades"}
    while time.monotonic() < end and value(families := listener.families(), "took_count", hour=time.strftime("%-H", time.gmtime()), **of) != len(sent):
        time.sleep(0.1)
    judge.expect("an answer of another stage has its time", value(families, "took_count", hour=time.strftime("%-H", time.gmtime()), **of) == len(sent),
                 families.get("took") and families["took"].samples)
    judge.expect("buckets of customMetrics", [value(families, "order_size_bucket", side="buy", le=le, **of) for le in ("1.0", "4.0", "10.0", "+Inf")] == [0, 2, 3, 3],
                 families["order_size"].samples)
    judge.expect("a histogram has its sum", value(families, "order_size_sum", side="sell", **of) == -6.0)
    judge.expect("a counter is a sum", sum(number for _, labels, number in families["orders_total"].samples if labels["side"] == "buy") == 3)
    judge.expect("a gauge is the latest value", value(families, "last_size", **of) == 10.0)
    judge.expect("a custom metric is the tensor of its name", value(families, "rank", **of) == 11.0)
    judge.expect("the request is there in a later stage, and a missing label is empty", value(families, "odd_orders_total", note="", **of) == 8.0)
    judge.expect("a counter that would fall misses", value(families, "sluice_metric_missing_total", metric="odd_orders", **of) == 1)
    judge.expect("what is missing nowhere is no miss", value(families, "sluice_metric_missing_total", metric="idle", **of) == 0)
    for number in range(TRADES - len(sent)):  # five metrics and two more of customMetrics share 500 samples: 71 of each, and one is for the others
        send(100 + number)
    end = time.monotonic() + SECONDS_MAX
    while time.monotonic() < end and value(families := listener.families(), "took_count", hour=time.strftime("%-H", time.gmtime()), **of) != TRADES:
        time.sleep(0.1)
    orders = {(labels["side"], labels["x"]): number for _, labels, number in families["orders_total"].samples}
    judge.expect("no more series than its share", len(orders) == 500 // 7, len(orders))
    judge.expect("the others are one, and none is lost", sum(orders.values()) == TRADES and orders.get(("other", "other")) == TRADES - (500 // 7 - 1), orders)
    judge.expect("and they are counted", value(families, "sluice_metric_other_total", metric="orders", **of) == orders[("other", "other")])
    series = [1 for family in families.values() for _, labels, _ in family.samples if labels.get("pipeline") == "trades"]
    judge.expect("all of it is within the pipeline's limit", len(series) <= SERIES_MAX, len(series))


DEAL = """apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: offers}
spec: {default: low, exposures: full, resourceType: pipeline, unit: 'header("x-request-id") ?? id', candidates: [{name: low, weight: 50}, {name: high, weight: 50}]}
---
""" + "---\n".join(PIPELINE % (name, f"  - {{name: size-{name}, inputs: [{name}], expression: {{set: {{size: 'price * 0 + {size}'}}}}}}\n  output: {{steps: [size-{name}]}}\n")
                  for name, size in (("low", 1), ("high", 2))) + "---\n" + PIPELINE % ("deal", """  - {name: choose, inputs: [deal], experiment: {name: offers}}
  output: {steps: [choose]}
  metrics:
  - {name: simulated_profit, type: histogram, role: primary, value: "(truth.price - request.price) * answer.size - 0.5 * answer.size", labels: {by: variant}}
  - {name: wins, type: counter, role: guardrail, value: "truth.price > request.price", labels: {by: variant}}
  - {name: net, type: gauge, value: "truth.price - request.price - where(variant == 'high', 2, 1)"}
""")
DEALS = 40


def judges_answers_by_their_truth(judge, dev, folder, listener):
    """The simulated profit after costs, by truth that comes later, of what each variant answered"""
    gateway = Listener(dev.said("gateway") + "/")
    expected, wins, net, accuracy = ({"low": [], "high": []} for _ in range(4))
    for number in range(DEALS):
        headers = {"x-request-id": f"deal-{number}"}
        status, body = gateway.send("/v2/pipelines/deal/infer", {"id": f"deal-{number}", "inputs": [
            {"name": "price", "datatype": "FP64", "shape": [1], "data": [100 + number]}]}, **headers)
        if status != 200:
            return judge.expect("a deal is answered", False, body)
        size = next(output["data"][0] for output in json.loads(body)["outputs"] if output["name"] == "size")
        name, move = ("low", "high")[int(size) - 1], number % 7 - 2
        expected[name].append((move - 0.5) * size)
        wins[name].append(move > 0)
        net[name].append(move - int(size))
        accuracy[name].append(move == 0)  # the first output is the price of the request, a whole number
        feedback = {"id": f"deal-{number}", "truth": {"price": [100 + number + move]}}
        for _ in range(1 + (number % 3 == 0)):  # some come twice
            status, body = gateway.send("/v2/pipelines/deal/feedback", feedback)
        judge.expect("its truth is taken", status in (200, 202), (status, body)) if number == 0 else None
    gateway.send("/v2/pipelines/deal/feedback", {"id": "deal-nobody", "truth": {"price": [1]}})
    command = [dev.binary, "experiments", "analyze", "offers", "-f", folder, "--brokers", dev.said("broker"), "-o", "json"]
    report, done, end = {}, None, time.monotonic() + SECONDS_MAX
    while time.monotonic() < end:
        done = subprocess.run(command, capture_output=True, text=True)
        report = json.loads(done.stdout) if done.returncode == 0 else {}
        counted = {metric["name"]: sum(variant["units"] for variant in metric["variants"]) for metric in report.get("metrics", [])}
        if counted.get("simulated_profit") == DEALS:
            break
        time.sleep(0.3)
    found = {metric["name"]: metric for metric in report.get("metrics", [])}
    declared = ("simulated_profit", "wins", "net")
    judge.expect("all metrics are computed for all deals, and the latency, and whether the answer is the truth",
                 set(found) == {*declared, "latency_ms", "accuracy"} and counted == {name: DEALS for name in found}, (counted, done and done.stderr))
    judge.expect("with their roles", [found.get(name, {}).get("role") for name in ("simulated_profit", "wins")] == ["primary", "guardrail"])
    for name, wanted in (("simulated_profit", expected), ("wins", wins), ("net", net), ("accuracy", accuracy)):
        for variant in found.get(name, {}).get("variants", []):
            mean = sum(wanted[variant["name"]]) / len(wanted[variant["name"]])
            judge.expect(f"{name} of {variant['name']}", variant["units"] == len(wanted[variant["name"]]) and abs(variant["mean"] - mean) < 1e-9, (variant, mean))
    def profits():
        return [value(families, "simulated_profit_count", namespace="default", pipeline="deal", by=name) or 0 for name in expected]

    families = listener.families()
    while sum(profits()) < DEALS and time.monotonic() < end:
        time.sleep(0.3)
        families = listener.families()
    time.sleep(1)  # what came twice would be there by then
    families = listener.families()
    for name in expected:  # the engine counted each answer once
        of = {"namespace": "default", "pipeline": "deal", "by": name}
        got = [value(families, sample, **of) for sample in ("simulated_profit_count", "simulated_profit_sum", "wins_total")]
        judge.expect(f"/metrics has them for {name}", got == [len(expected[name]), sum(expected[name]), sum(wins[name])], got)
    missing = [value(families, "sluice_metric_missing_total", namespace="default", pipeline="deal", metric=name) for name in declared]
    judge.expect("and none is missing there", missing == [0] * len(declared), missing)
    judge.expect("what has no answer is counted", "3 times feedback was not judged" in done.stderr, done.stderr)


MODEL = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\nspec: {storageUri: 'stub://%s'%s}\n"
CALLS = "  - {name: call, model: {name: STEP}}\n  output: {steps: [call]}\n"
TIMEOUTS = 12
COPIES_MOST, COPIES = 512, 530  # copies that wait for replies at a time, and those that are asked for
EVENTS = "---\n".join([
    "kind: Performance\nperformance_optimizations: {caching: {enabled: true, ttl: 5m}}\n", MODEL % ("again", "flaky?fails=2", ""),
    MODEL % ("merged", f"slow?ms={int(MERGED_SECONDS * 1000)}&then=add10", ", batchingConfig: {maxBatchSize: 4, batchTimeout: 9s}, autoscaling: {maxReplicas: 1}"), MODEL % ("away", "fail?code=503&text=away", ""),
    MODEL % ("cached", "add20", ""), MODEL % ("wrong", "fail?code=400&text=wrong", ""), MODEL % ("silent", "hang", "")]
    + ["apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: nowhere}\nspec: {storageUri: 'http://127.0.0.1:1'}\n"]
    + [PIPELINE % (name, CALLS.replace("STEP", name)) for name in ("again", "merged", "away", "cached", "wrong", "silent", "nowhere")]
    + [PIPELINE % ("copied", "  - {name: one, experiment: {candidates: [{name: cached, weight: 1}], mirror: {name: silent, percent: 100}}}\n  output: {steps: [one]}\n"),
       PIPELINE % ("sieve", "  - {name: keep, filter: {keep: 'INPUT[0] > 0'}}\n  output: {steps: [keep]}\n"),
       PIPELINE % ("sink", "  - {name: keep, filter: {keep: 'true'}}\n"),
       PIPELINE % ("exact", "  - {name: keep, filter: {keep: 'true'}}\n  output: {steps: [keep]}\n  delivery: exactly-once\n")])


def moves_what_it_promises(judge, binary):
    """Each counter is seen before and after the event that it counts"""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "events.yaml"), "w", encoding="utf-8") as file:
            file.write(EVENTS)
        dev = Dev(binary, folder, "--metrics", "0")
        try:
            judge.expect("the engine of events starts", dev.started, dev.lines)
            listener = Listener(next(line for line in dev.lines if "metrics are at" in line).split("metrics are at ")[1].split()[0])
            Events(judge, Listener(dev.said("gateway") + "/"), listener).play()
        finally:
            dev.stop()


class Events:
    def __init__(self, judge, gateway, listener):
        self.judge, self.gateway, self.listener, self.asked = judge, gateway, listener, 0

    def ask(self, pipeline, number, shape=(1,), **headers):
        self.asked += 1
        count = shape[0]
        call = {"inputs": [{"name": "INPUT", "datatype": "FP32", "shape": list(shape), "data": [number] * count}]}
        return self.gateway.send(f"/v2/pipelines/{pipeline}/infer", call, **{name.replace("_", "-"): text for name, text in headers.items()})[0]

    def becomes(self, what, name, wanted, seconds=SECONDS_MAX, **labels):
        """The sum of its samples with these labels; a counter is read until it is there, and must not pass it"""
        end = time.monotonic() + seconds
        fits = wanted if callable(wanted) else lambda number: number == wanted
        while True:
            families = self.listener.families()
            found = [number for family in families.values() for sample, its, number in family.samples
                     if sample == name and labels.items() <= its.items()]
            if (found and fits(sum(found))) or time.monotonic() > end:
                break
            time.sleep(0.05)
        self.judge.expect(f"moved: {what}", found and fits(sum(found)), (name, found))

    def play(self):
        judge = self.judge
        never = ["sluice_model_retries_total", "sluice_model_cache_hits_total", "sluice_model_cache_misses_total", "sluice_model_batch_rows_count",
                 "sluice_worker_copies_total", "sluice_worker_copies_lost_total", "sluice_worker_replies_total", "sluice_pipeline_dropped_total",
                 "sluice_pipeline_lag_records", "sluice_gateway_timeouts_total", "sluice_gateway_abandoned_total",
                 "sluice_gateway_dropped_traces_total"]
        for name in never:
            self.becomes(f"{name} begins at 0", name, 0)
        self.becomes("no breaker is open at first", "sluice_model_breakers", 0, state="open")
        judge.expect("moved: the first request is taken", self.ask("silent", 1, prefer="respond-async") == 202)
        self.of_models()
        self.of_pipelines()
        self.of_the_gateway()
        self.of_workers()
        self.waits_for_an_unreachable_model()
        self.becomes("a request waits", "sluice_pipeline_lag_records", lambda count: count >= 1, pipeline="silent")
        self.becomes("and for seconds", "sluice_pipeline_lag_seconds", lambda seconds: seconds > 1, pipeline="silent")
        ages = {value(self.listener.families(), "sluice_pipeline_lag_seconds", namespace="default", pipeline="silent") for _ in self.ticks(3)}
        judge.expect("moved: an age that nobody has looked at does not grow", len(ages) <= 2, ages)
        self.becomes("the sum has no more", "sluice_namespace_lag_records", lambda count: count >= 1)
        self.becomes("its partition has work", "sluice_namespace_busy_partitions", lambda count: count >= 1, SAMPLED_SECONDS)
        self.becomes("so an engine is wanted", "sluice_replicas_wanted", lambda count: count >= 1, SAMPLED_SECONDS)
        self.wants_no_more_engines_than_partitions()
        self.becomes("it is at its model", "sluice_model_in_flight", lambda count: count >= 1, model="silent")
        self.becomes("and in flight", "sluice_pipeline_in_flight", lambda count: count >= 1, pipeline="silent")

    @staticmethod
    def ticks(seconds):
        """So many seconds, in which Kafka is asked once at most; each tick is a scrape"""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield
            time.sleep(0.2)

    def waits_for_an_unreachable_model(self):
        self.becomes("no pipeline waits", "sluice_pipeline_waiting", 0)
        self.judge.expect("moved: a model without a server is asked", self.ask("nowhere", 1, prefer="respond-async") == 202)
        self.becomes("it is unreachable", "sluice_pipeline_models_away", 1, pipeline="nowhere")
        self.becomes("so its pipeline waits", "sluice_pipeline_waiting", 1, pipeline="nowhere")
        self.becomes("and no other", "sluice_pipeline_waiting", 1)

    def wants_no_more_engines_than_partitions(self):
        families = self.listener.families()
        wanted, busy = (value(families, name, namespace="default") for name in ("sluice_replicas_wanted", "sluice_namespace_busy_partitions"))
        self.judge.expect("moved: no more engines are wanted than partitions have work", 1 <= wanted <= busy, (wanted, busy))

    def of_models(self):
        judge = self.judge
        judge.expect("moved: a call is answered after two attempts failed", self.ask("again", 1) == 200)
        for name, wanted in (("retries", 2), ("attempts", 3), ("calls", 1)):
            self.becomes(f"its {name}", f"sluice_model_{name}_total", wanted, model="again")
        self.becomes("those at the built-in server", "sluice_served_model_calls_total", 3, model="again")
        judge.expect("moved: a call and two equal ones", [self.ask("cached", number) for number in (1, 1, 2, 1)] == [200] * 4)
        for name, wanted in (("hits", 2), ("misses", 2)):
            self.becomes(f"{name} of the cache", f"sluice_model_cache_{name}_total", wanted, model="cached")
        self.becomes("a hit is no attempt", "sluice_model_attempts_total", 2, model="cached")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # the first call is sent alone, and the others wait for it
            judge.expect("moved: four calls are answered", list(pool.map(lambda row: self.ask("merged", row, (1, 1)), (1, 2, 3, 4))) == [200] * 4)
        self.becomes("some of them are merged", "sluice_model_batch_rows_count", lambda count: count >= 1, model="merged")
        self.becomes("their time is that of their step", "sluice_step_duration_seconds_sum",
                     lambda seconds: seconds >= 4 * (MERGED_SECONDS - TIMER_SECONDS), pipeline="merged", step="call")
        merged = {"namespace": "default", "model": "merged"}
        families = self.listener.families()
        rows, batches, attempts = (value(families, f"sluice_model_{name}", **merged) for name in ("batch_rows_sum", "batch_rows_count", "attempts_total"))
        judge.expect("moved: a row is in a batch, or is an attempt of its own", rows > batches and rows + attempts - batches == 4, (rows, batches, attempts))
        judge.expect("moved: a call fails", self.ask("wrong", 1) >= 400)
        self.becomes("its error", "sluice_model_errors_total", 1, model="wrong", kind="INPUT")
        judge.expect("moved: calls of a model that is away fail", all(self.ask("away", number) >= 400 for number in (1, 2)))
        for state, wanted in (("open", 1), ("closed", 0)):
            self.becomes(f"its breaker is {state}", "sluice_model_breakers", wanted, model="away", state=state)
        self.becomes("no other is", "sluice_model_breakers", 1, state="open")

    def of_pipelines(self):
        judge = self.judge
        judge.expect("moved: a request is dropped, another is kept", [self.ask("sieve", number) for number in (-1, 1)] == [204, 200])
        for name, wanted in (("dropped", 1), ("answers", 1), ("requests_ended", 2)):
            self.becomes(f"{name} of it", f"sluice_pipeline_{name}_total", wanted, pipeline="sieve")
        judge.expect("moved: a submitted one fails", self.ask("wrong", 2, prefer="respond-async") == 202)
        self.becomes("and is a dead letter", "sluice_pipeline_dead_letters_total", 1, pipeline="wrong")

    def of_the_gateway(self):
        judge = self.judge
        judge.expect("moved: a pipeline without output takes a request", self.ask("sink", 1) in (200, 202))
        calls = [self.ask("silent", number, x_timeout_ms="50") for number in range(TIMEOUTS)]  # some are ended by the engine, others by the gateway
        judge.expect("moved: calls are over before their answers", calls == [504] * TIMEOUTS, calls)
        caller = socket.create_connection((self.gateway.host, self.gateway.port))
        body = json.dumps({"inputs": [{"name": "INPUT", "datatype": "FP32", "shape": [1], "data": [3]}]})
        caller.sendall(f"POST /v2/pipelines/silent/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        self.becomes("a call is on its way", "sluice_gateway_calls_total", lambda count: count > self.asked - 2)
        caller.close()
        self.becomes("what a caller has left is given up", "sluice_worker_cancelled_total", 1)
        for name, wanted in (("accepted", 3), ("timeouts", TIMEOUTS), ("calls", 18 + TIMEOUTS), ("abandoned", 1), ("filtered", 1), ("failures", 4 + TIMEOUTS), ("answers", 10)):
            self.becomes(f"{name} of the gateway", f"sluice_gateway_{name}_total", wanted)
        before = value(self.listener.families(), "sluice_gateway_connections_total")
        with socket.create_connection((self.gateway.host, self.gateway.port)) as caller:
            caller.sendall(b"GET / HTTP/1.1\nHost: localhost\n\n")  # bare line feeds
            judge.expect("moved: a head that is not well formed is refused", caller.recv(64).startswith(b"HTTP/1.1 400"))
        self.becomes("it is counted", "sluice_gateway_rejected_requests_total", 1)
        judge.expect("moved: so is a call, though of two traces", self.ask("sink", 1, traceparent="00-a", Traceparent="00-b") in (200, 202))
        self.becomes("each came by a connection", "sluice_gateway_connections_total", before + 2)
        self.becomes("a trace that a request cannot have", "sluice_gateway_dropped_traces_total", 1)

    def of_workers(self):
        judge = self.judge
        self.becomes("replies of the workers", "sluice_worker_replies_total", lambda count: count >= 9)
        exact = "sluice.default.exactly-once"
        self.becomes("no transaction of a pipeline without requests", "sluice_worker_commits_total", 0, group=exact)
        judge.expect("moved: a request is answered exactly once", self.ask("exact", 1) == 200)
        self.becomes("its transaction", "sluice_worker_commits_total", lambda count: count >= 1, group=exact)
        judge.expect("moved: mirrored requests are taken", {self.ask("copied", 100 + number, prefer="respond-async") for number in range(COPIES)} == {202})
        self.becomes("their copies", "sluice_worker_copies_total", COPIES_MOST)
        self.becomes("those that are too many", "sluice_worker_copies_lost_total", COPIES - COPIES_MOST)
        self.becomes("a model has so many calls at a time", "sluice_model_concurrency_limit", lambda count: count >= 1, model="silent")
        self.becomes("the others wait", "sluice_model_waiting", lambda count: count >= 1, model="silent")
        self.becomes("records that workers have taken", "sluice_worker_records_total", lambda count: count >= self.asked)
        self.becomes("those that have left", "sluice_worker_released_total", lambda count: COPIES < count < self.asked + COPIES)
        self.becomes("no worker is stuck", "sluice_worker_turn_age_seconds", lambda seconds: 0 <= seconds < 10)


class Command:
    """`sluice` with a port for metrics; `told`: its line of JSON"""

    def __init__(self, *words):
        self.process = subprocess.Popen([*words, "--metrics", "0", "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.told = self.listener = None
        lines = []
        silent = threading.Timer(20, self.process.kill)  # which ends its output
        silent.start()
        while not (self.told and self.listener) and (line := self.process.stdout.readline()):
            lines.append(line)
            if found := re.search(r'metrics are at (https?://[^\s"]+)', line):
                self.listener = Listener(found.group(1))
            elif line.startswith("{") and "rest" in (said := json.loads(line)):
                self.told = said
        silent.cancel()
        if not self.listener:
            sys.exit("metrics: it does not start: " + "".join(lines))

    def stop(self):
        self.process.terminate()
        return self.process.wait(SECONDS_MAX)


def others_have_them_too(judge, dev, folder):
    """A gateway, whose callers are asked who they are, and a model server"""
    key = "correct-horse-battery-staple"
    with tempfile.TemporaryDirectory() as place:
        with open(os.path.join(place, "keys"), "w", encoding="utf-8") as file:
            file.write("billing:" + hashlib.sha256(key.encode()).hexdigest() + "\n")
        with open(os.path.join(place, "model.yaml"), "w", encoding="utf-8") as file:
            file.write(MODEL % ("adds", "add10", ""))
        gateway = Command(dev.binary, "gateway", "-f", folder, "--http", "0", "--brokers", dev.said("broker"), "--api-keys", os.path.join(place, "keys"))
        models = Command(dev.binary, "models", "serve", os.path.join(place, "model.yaml"))
        for what, command in (("a gateway", gateway), ("a model server", models)):
            families = command.listener.families()
            judge.expect(f"{what} tells of its process", value(families, "process_resident_memory_bytes") > 1 << 20)
            judge.expect(f"{what} is live and ready", [command.listener.ask(path)[0] for path in ("/live", "/ready")] == [200, 200])
            speaks_formats(judge, command.listener)
            changes_nothing(judge, command.listener)
        counts_its_own(judge, gateway, models, key)
        knows_its_clients(judge, gateway.listener, "sluice_gateway_kafka_", 1)
        judge.expect("both end well", [gateway.stop(), models.stop()] == [0, 0])


def counts_its_own(judge, gateway, models, key):
    call = {"inputs": [{"name": "INPUT", "datatype": "FP32", "shape": [1], "data": [1]}]}
    calls = Listener(gateway.told["rest"] + "/")
    judge.expect("callers of the gateway are asked who they are", calls.send("/v2/pipelines/fails/infer", call)[0] == 401)
    judge.expect("and answered then", calls.send("/v2/pipelines/fails/infer", call, **{"x-api-key": key})[0] == 400)
    families = gateway.listener.families()
    judge.expect("a gateway counts its calls", [value(families, f"sluice_gateway_{name}_total") for name in ("calls", "failures", "answers")] == [1, 1, 0])
    of = {"namespace": "default", "pipeline": "fails"}
    judge.expect("of each pipeline by status", value(families, "sluice_gateway_pipeline_calls_total", protocol="rest", verb="infer", code="400", **of) == 1)
    judge.expect("and their time", value(families, "sluice_gateway_pipeline_call_duration_seconds_count", **of) == 1)
    judge.expect("whom it refuses it counts, too", value(families, "sluice_gateway_refusals_total", protocol="rest", code="401") == 1)
    judge.expect("no call is open", value(families, "sluice_gateway_open_calls") == 0)
    judge.expect("the pipeline's requests are its engine's to count", "sluice_pipeline_requests_total" not in families)
    served = Listener(models.told["rest"] + "/")
    judge.expect("a model is called", [served.send("/v2/models/adds/infer", call)[0] for _ in range(ASKED)] == [200] * ASKED)
    text = {"inputs": [{"name": "INPUT", "datatype": "BYTES", "shape": [1], "data": ["1"]}]}
    judge.expect("and fails", served.send("/v2/models/adds/infer", text)[0] == 400)
    families = models.listener.families()
    judge.expect("its server counts that", value(families, "sluice_served_model_calls_total", model="adds") == ASKED + 1)
    judge.expect("with the errors by kind", [value(families, "sluice_served_model_errors_total", model="adds", kind=kind) for kind in ("INPUT", "SYSTEM")] == [1, 0])
    judge.expect("and the time", value(families, "sluice_served_model_call_duration_seconds_count", model="adds") == ASKED + 1)


class Pushgateway(http.server.ThreadingHTTPServer):
    """Keeps what is pushed, by its path; answers the second push there by 503"""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Pushed)
        self.pushes = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Pushed(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):  # which replaces the group; POST would leave series that are gone
        pushes = self.server.pushes.setdefault(self.path, [])
        pushes.append((time.monotonic(), self.headers["content-type"], self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(503 if len(pushes) == 2 else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def is_pushed(judge, dev, of_gateway, pushgateway):
    """Both processes have one host, so one name for it"""
    host = socket.gethostname()
    of_dev, of_other = f"/metrics/job/sluice/instance/{host}", f"/metrics/job/sluice/instance/{host}%3A{of_gateway.told['rest'].rsplit(':', 1)[1]}"
    end = time.monotonic() + 60 * PATIENCE
    while time.monotonic() < end and [len(pushgateway.pushes.get(path, [])) < 3 for path in (of_dev, of_other)] != [False, False]:
        time.sleep(0.2)
    judge.expect("each process pushes to its own instance", set(pushgateway.pushes) == {of_dev, of_other}, list(pushgateway.pushes))
    for path, wanted in ((of_dev, {"sluice_pipeline_requests_total", "seldon_model_aggregate_infer_total"}), (of_other, set())):
        pushes = pushgateway.pushes.get(path, [])
        times = [push[0] for push in pushes]
        judge.expect("it is pushed every 15 s, also after a failure", len(pushes) >= 3 and all(14 < times[i + 1] - times[i] < 15 + 5 * PATIENCE for i in range(2)), times)
        _, kind, body = pushes[-1] if pushes else (0, "", b"")
        judge.expect("as text", kind == "text/plain; version=0.0.4; charset=utf-8", kind)
        families = exposition_read(body.decode(), False)
        judge.expect("with all metrics", {"process_start_time_seconds", "sluice_gateway_calls_total"} | wanted <= set(families), list(families))
    of_gateway.stop()
    dev.process.terminate()
    judge.expect("a failure is told once, and its end", dev.process.wait(SECONDS_MAX) == 0 and sum(
        f"cannot be pushed to http://127.0.0.1:{pushgateway.server_port}{of_dev}: the receiver answers 503" in line for line in dev.lines) == 1
                 and sum("are pushed again" in line for line in dev.lines) == 1, dev.lines)
    pushgateway.shutdown()


def main():
    judge, binary, pushgateway = Judge(), os.path.abspath(sys.argv[1]), Pushgateway()
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as other:
        with open(os.path.join(other, "runtime.yaml"), "w", encoding="utf-8") as file:
            file.write(RUNTIME % f"prometheus: {{pushgateway: 'http://127.0.0.1:{pushgateway.server_port}/'}}")
        pushing = Dev(binary, other)
        of_gateway = Command(binary, "gateway", "-f", other, "--http", "0", "--brokers", pushing.said("broker"))
        folder = copy(place)
        with open(os.path.join(folder, "more.yaml"), "w", encoding="utf-8") as file:
            file.write(many_steps("many", STEPS, "quote * 1") + "---\n" + PIPELINE % (
                "fails", "  - {name: a, expression: {set: {y: quote * 2}}}\n  - {name: b, inputs: [a], expression: {set: {z: y + missing}}}\n"
                "  output: {steps: [b]}\n"))
        with open(os.path.join(folder, "trades.yaml"), "w", encoding="utf-8") as file:
            file.write(PIPELINE % ("trades", DECLARED))
        with open(os.path.join(folder, "deal.yaml"), "w", encoding="utf-8") as file:
            file.write(DEAL)
        write_runtime(folder, "false")
        dev = Dev(binary, folder, "--metrics", "0")
        if not dev.started:
            sys.exit("metrics: it does not start: " + "\n".join(dev.lines))
        line = next(line for line in dev.lines if "metrics are at" in line)
        listener = Listener(line.split("metrics are at ")[1].split()[0])
        counts(judge, dev, listener)
        counts_what_pipelines_declare(judge, dev, listener)
        judges_answers_by_their_truth(judge, dev, folder, listener)
        knows_the_lag(judge, listener)
        knows_its_clients(judge, listener, "sluice_kafka_", ASKED)
        keeps_within_its_series(judge, listener)
        speaks_both_formats(judge, listener)
        answers_probes_alone(judge, listener)
        sheds_the_slow(judge, listener)
        reports_under_seldons_names(judge, dev, listener, folder)
        speaks_both_formats(judge, listener)
        skipped = satisfies_promtool(judge, listener)
        others_have_them_too(judge, dev, folder)
        moves_what_it_promises(judge, binary)
        is_pushed(judge, pushing, of_gateway, pushgateway)
        dev.process.terminate()
        judge.expect("it ends well", dev.process.wait(SECONDS_MAX) == 0, dev.lines[-5:])
    print(f"{judge.passed} passed, {judge.failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
