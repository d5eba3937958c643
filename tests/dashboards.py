#!/usr/bin/env python3
"""Judges the dashboards and rules of compose/:
  dashboards.py check [--bring]        as files: promtool, names of metrics, sections of pages, and the types of @grafana/schema,
                                       which --bring brings where they are not in the cache
  dashboards.py load PORT              requests and feedback for tests/kafka/dashboards.sh; x drifts in the second half
  dashboards.py judge PROMETHEUS       the queries of all panels and rules there: each returns data, with the labels that it names

One line for each thing that is not as it should be; at the end `N passed, N failed[, N skipped]`.
"""
import glob, http.client, json, math, os, random, re, shutil, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
COMPOSE = os.path.join(ROOT, "compose")
RULES, TESTS = (os.path.join(COMPOSE, "prometheus", name) for name in ("rules.yml", "rules_test.yml"))
SCHEMA, TYPESCRIPT = "@grafana/schema@13.2.3", "typescript@5.9.3"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sluice", "grafana-schema-13.2.3")
CALLERS, REQUESTS, LOAD_SECONDS, SHOWN_SECONDS = 4, 240, 30, 90
# Rules of metrics that only access control has; rules_test.yml has them.
NOT_LIVE = {"SluiceKeySetOld"}
# What Seldon's own dashboards ask for and sluice has, as compose/README.md says. The labels are those that prometheus.yml adds.
SELDONS = [
    'avg((rate(seldon_model_aggregate_infer_seconds_total{container="agent", namespace=~"^default$"}[10s])'
    ' / rate(seldon_model_aggregate_infer_total{container="agent", namespace=~"^default$"}[10s])) > 0) by (server, method_type)',
    'sum by (model) (rate(seldon_model_infer_total{namespace=~"default"}[10s]))',
    'avg by (model) (rate(seldon_model_infer_seconds_total{container="agent", method_type="rest"}[10s])'
    ' / rate(seldon_model_infer_total{container="agent", method_type="rest"}[10s]))',
    'sum by (le) (increase(seldon_model_infer_api_seconds_bucket{namespace=~"default"}[10s]))',
    'sum(irate(seldon_api_executor_server_requests_seconds_count[10s]))',
    'sum by (code) (irate(seldon_api_executor_server_requests_seconds_count[10s]))',
    'sum by (deployment_name) (irate(seldon_api_executor_client_requests_seconds_count{deployment_name=~"shop"}[10s]))',
    'sum by (model_name, predictor_name) (rate(seldon_api_executor_client_requests_seconds_count{model_name=~"first"}[10s]))',
    'histogram_quantile(0.99, sum by (model_name, predictor_name, le) (rate(seldon_api_executor_client_requests_seconds_bucket[10s])))',
]


class Judge:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def expect(self, what, good, shown=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print(f"dashboards: {what} {shown}", flush=True)

    def skip(self, what, why):
        self.skipped += 1
        print(f"skipped: dashboards: {what}: {why}")


def dashboards():
    for path in sorted(glob.glob(os.path.join(COMPOSE, "grafana", "dashboards", "*.json"))):
        with open(path, encoding="utf-8") as file:
            yield os.path.basename(path), json.load(file)


def targets():
    """Name of the panel, and its query"""
    for name, board in dashboards():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield f"{name}, panel {panel['id']} {target['refId']}", target


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def rules():
    """Names of rules, whether alerts or records, with their expressions and annotations, without a parser of YAML"""
    for block in re.split(r"\n  - (?=alert:|record:)", read(RULES))[1:]:
        kind, name = re.match(r"(alert|record): (\S+)", block).groups()
        expression = re.search(r"\n    expr: (?:>-\n((?:      .*\n?)+)|(.*))", block)
        yield kind, name, " ".join((expression[1] or expression[2]).split()), dict(re.findall(r"\n      (\w+): (.*)", block))


# ---- as files ----

def metrics_read(expression):
    """Names of metrics in an expression"""
    bare = re.sub(r'"[^"]*"', '""', re.sub(r"\b(by|on|ignoring|without|group_left) *\([^()]*\)", " ", expression))
    bare = re.sub(r"\{[^{}]*\}|\[[^\]]*\]", " ", bare)
    return {name for name in re.findall(r"[a-z_][a-z_0-9:]*(?![a-z_0-9:]* *\()", bare) if "_" in name and name != "group_left" or ":" in name or name == "up"}


def knows_metrics(judge):
    listed = set(re.findall(r"^- `([a-z_0-9]+)`: (?:Counter|Gauge|Histogram|Untyped)", read("engine", "observe", "METRICS.md"), re.M))
    declared = set(re.findall(r"^- *\{?name: (variant_\w+)", read("compose", "README.md"), re.M))
    recorded = {name for kind, name, _, _ in rules() if kind == "record"}
    known = {"up"} | recorded | {name + end for name in listed | declared for end in ("", "_total", "_bucket", "_sum", "_count")}
    asked = [(f"{kind} {name}", expression) for kind, name, expression, _ in rules()] + [(name, target["expr"]) for name, target in targets()]
    for where, expression in asked:
        unknown = metrics_read(expression) - known
        judge.expect(f"{where} reads metrics that sluice has", not unknown, unknown)
    judge.expect("the names of metrics are found", len(listed) > 150 and len(declared) == 7, (len(listed), declared))


def is_laid_out(judge):
    for name, board in dashboards():
        ids = [panel["id"] for panel in board["panels"]]
        judge.expect(f"{name}: panels have an id each", len(set(ids)) == len(ids))
        cells = [(x, y) for panel in board["panels"] for at in [panel["gridPos"]]
                 for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
        judge.expect(f"{name}: no panel covers another one, or ends beyond the 24th column", len(set(cells)) == len(cells) and max(cells)[0] < 24)
        asks = set(re.findall(r"\$\{?(\w+)", json.dumps(board))) - {"__rate_interval"}
        judge.expect(f"{name}: it has the variables that it uses", asks == {variable["name"] for variable in board["templating"]["list"]}, asks)


def names_sections(judge):
    def anchor(heading):
        return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
    page = "engine/tools/cli/OPERATING.md"
    sections = {f"{page}#{anchor(heading)}" for heading in re.findall(r"^#+ (.*)", read(page), re.M)}
    tested = set(re.findall(r'alertname="(\w+)"', read(TESTS)))
    for kind, name, _, said in rules():
        if kind == "alert":
            judge.expect(f"{name} says what happened, what to do, and where the manual has it",
                         said.get("summary") and said.get("do") and said.get("page") in sections, said.get("page"))
            judge.expect(f"{name} fires in a test", name in tested)


def passes_promtool(judge):
    found = subprocess.run([os.path.join(ROOT, "tests", "prometheus.sh")], capture_output=True, text=True, check=False)
    if found.returncode == 3:
        judge.skip("promtool", found.stderr.strip().splitlines()[-1])
        return
    tool = os.path.join(found.stdout.strip(), "promtool")
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        config.write(read("compose", "prometheus", "prometheus.yml").replace("/etc/prometheus/rules.yml", RULES))
        config.flush()
        for command in (["check", "config", config.name], ["test", "rules", TESTS]):
            done = subprocess.run([tool, *command], capture_output=True, text=True, check=False)
            judge.expect(f"promtool {' '.join(command[:2])} passes", done.returncode == 0, done.stdout + done.stderr)


# Texts stand for the members of an enum; a panel has the options and the fields of its type.
TYPES = """import type * as schema from "@grafana/schema";
import type * as line from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as text from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
type Json<T> = T extends string ? `${T}` : T extends (infer U)[] ? Json<U>[] : T extends object ? {[K in keyof T]: Json<T[K]>} : T;
type Query = schema.DataQuery & {expr: string, legendFormat?: string, format?: "table" | "time_series" | "heatmap", instant?: boolean};
type Of<Type, Options, Field = {}> = Omit<schema.Panel, "type" | "options" | "fieldConfig" | "targets"> & {type: Type,
    options?: Partial<Options>, targets?: Query[],
    fieldConfig?: {defaults: Omit<schema.FieldConfig, "custom"> & {custom?: Partial<Field>}, overrides: schema.FieldConfigSource["overrides"]}};
type Panel = Of<"timeseries", line.Options, line.FieldConfig> | Of<"stat", stat.Options> | Of<"table", table.Options, table.FieldConfig>
    | Of<"text", text.Options>;
type Board = Json<Omit<schema.Dashboard, "panels"> & {panels: Panel[]}>;
"""


def compiles(judge, bring):
    if not os.path.isdir(CACHE):
        if not bring:
            judge.skip("types", f"{SCHEMA} is not in the cache; `make check ONLY=dashboards TYPES=1` brings it")
            return
        os.makedirs(os.path.dirname(CACHE), exist_ok=True)
        work = tempfile.mkdtemp(dir=os.path.dirname(CACHE))
        done = shutil.which("npm") and subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", work, SCHEMA, TYPESCRIPT],
                                                      capture_output=True, text=True, check=False)
        if not done or done.returncode != 0:
            shutil.rmtree(work)
            judge.skip("types", f"npm cannot bring {SCHEMA}")
            return
        os.rename(work, CACHE)
    with tempfile.TemporaryDirectory() as place:
        os.symlink(os.path.join(CACHE, "node_modules"), os.path.join(place, "node_modules"))
        def finds(board):
            with open(os.path.join(place, "boards.ts"), "w", encoding="utf-8") as file:
                file.write(TYPES + "".join(f"export const board{number}: Board = {text};\n" for number, text in enumerate(board)))
            return subprocess.run(["node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "esnext",
                                   "--moduleResolution", "bundler", "--target", "es2022", "boards.ts"],
                                  cwd=place, capture_output=True, text=True, check=False).stdout
        texts = [json.dumps(board, indent=1) for _, board in dashboards()]
        found = finds(texts)
        judge.expect(f"all dashboards are of the types of {SCHEMA}", len(texts) == 6 and not found, found[:2000])
        found = finds([texts[0].replace('"gridPos"', '"gridpos"', 1), texts[0].replace('"graphMode": "area"', '"graphMode": "sphere"', 1)])
        judge.expect("a member that the types do not have is found, and an option", "gridpos" in found and "sphere" in found, found[:2000])


# ---- live ----

def tensor(name, datatype, shape, *data):
    return {"name": name, "datatype": datatype, "shape": shape, "data": list(data)}


def calls(number):
    """Of request number so many: paths with bodies, and perhaps headers"""
    random.seed(number)
    drifted, noise, ident = random.gauss(2 * (number > REQUESTS / 2), 1), random.gauss(0, 1), f"r-{number}"
    x, up = tensor("x", "FP64", [1, 1], drifted), tensor("up", "FP64", [1, 1], 0.8)
    yield "/v2/pipelines/trading/infer", {"id": ident, "inputs": [x, tensor("market", "BYTES", [1], "calm" if number % 2 else "wild")]}
    yield "/v2/pipelines/trading/feedback", {"id": ident, "reward": float(noise > 0),
                                             "truth": {"label": [int(drifted + noise > 0)], "move": [drifted + noise]}}
    yield "/v2/pipelines/watched/infer", {"id": ident, "inputs": [x, up]}
    yield "/v2/pipelines/watched/feedback", {"id": ident, "truth": {"label": [int(number % 5 < 4)]}}
    yield "/v2/pipelines/scored/infer", {"inputs": [tensor("x", "FP64", [1, 3], 1, number % 5, 2)]}
    yield "/v2/models/shop/infer", {"inputs": [tensor("x", "FP64", [1], number % 7 + 90)]}
    if number == 0:
        yield "/v2/pipelines/scored/infer", {"inputs": [tensor("x", "FP64", [1, 3], 1, 1, 2)]}, {"x-timeout-ms": "1"}
    if number % 10 == 0:
        yield "/v2/pipelines/watched/infer", {"inputs": [tensor("x", "BYTES", [1], "no number"), up]}
        yield "/v2/models/shop/infer", {"inputs": [tensor("z", "FP64", [1], 1)]}
        yield "/v2/pipelines/nothing/infer", {}


def load(port):
    begun, codes = time.monotonic(), {}

    def run(first):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for number in range(first, REQUESTS, CALLERS):
            time.sleep(max(0, begun + LOAD_SECONDS * number / REQUESTS - time.monotonic()))
            for path, body, *headers in calls(number):
                connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **(headers[0] if headers else {})})
                answer = connection.getresponse()
                text = answer.read()
                codes.setdefault((path, answer.status), [0, text[:150]])[0] += 1
    threads = [threading.Thread(target=run, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (path, status), (count, text) in sorted(codes.items()):
        print(f"{path}: {status}, {count} times{'' if status < 300 else ': ' + text.decode()}")


def asked(address, path, **parameters):
    with urllib.request.urlopen(f"{address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
        return json.load(answer)["data"]


def returns_data(judge, address, where, expression, labels):
    """In the time that a viewer sees, with these labels in each of its series"""
    now = time.time()
    try:
        found = asked(address, "query_range", query=expression, start=now - SHOWN_SECONDS, end=now, step=1)["result"]
    except urllib.error.HTTPError as error:
        found = error.read()
    series = [one for one in found if any(not math.isnan(float(value)) for _, value in one["values"])] if isinstance(found, list) else []
    lacking = {label for label in labels for one in series if not one["metric"].get(label)}
    judge.expect(f"{where} returns data with {sorted(labels)}", series and not lacking, (expression, lacking, found if not series else ""))


def grouped(expression):
    return {label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in labels.split(",")} - {"le"}


def live(judge, address):
    for where, target in targets():
        expression = target["expr"].replace("$__rate_interval", "10s").replace("$baseline", "steady")
        expression = re.sub(r"\$(pipeline|instance)\b", ".*", expression)
        returns_data(judge, address, where, expression, grouped(expression) | set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))))
    for kind, name, expression, _ in rules():
        if name not in NOT_LIVE:  # what an alert compares is there, well or not
            compared = re.sub(r" (==|<|>) [0-9.]+$", "", expression).replace(" > count", " + count")
            returns_data(judge, address, name, compared if kind == "alert" else name, grouped(compared))
    for query in SELDONS:
        returns_data(judge, address, "Seldon's query", query, grouped(query))
    states = [rule for group in asked(address, "rules")["groups"] for rule in group["rules"]]
    judge.expect("all rules are evaluated", len(states) == len(list(rules())) and all(rule["health"] == "ok" for rule in states),
                 [rule for rule in states if rule["health"] != "ok"])
    alerts = asked(address, "alerts")["alerts"]
    states = {(alert["labels"]["alertname"], alert["state"], alert["labels"]["severity"]) for alert in alerts}
    print("alerts:", *sorted(" ".join(state) for state in states), sep="\n  ")
    judge.expect("drift fires, and nothing that wakes somebody", ("SluiceDrift", "firing", "ticket") in states
                 and not any(severity == "page" for _, _, severity in states))
    judge.expect("no alert lacks what its texts name", not re.search(r"<no value>|<error|\{\{", json.dumps([alert["annotations"] for alert in alerts])), alerts)


def main():
    if sys.argv[1] == "load":
        return load(int(sys.argv[2]))
    judge = Judge()
    if sys.argv[1] == "judge":
        live(judge, sys.argv[2])
    else:
        for part in (knows_metrics, is_laid_out, names_sections, passes_promtool):
            part(judge)
        compiles(judge, "--bring" in sys.argv)
    print(f"{judge.passed} passed, {judge.failed} failed{f', {judge.skipped} skipped' if judge.skipped else ''}")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
