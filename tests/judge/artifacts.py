#!/usr/bin/env python3
"""Models that are elsewhere, by HTTP and from S3, held against a server that checks each
signature by itself: artifacts.py SLUICE

The server stands on loopback and plays a store whose buckets are part of the path. What a
signature must be is computed here, from the request as it came (AWS Signature Version 4).
"""
import hashlib, hmac, http.server, json, os, subprocess, sys, tempfile, threading, urllib.parse

SLUICE = os.path.abspath(sys.argv[1])
ID, SECRET, TOKEN, REGION = "AKIDTEST", "sEcReT/with+signs", "token==", "eu-west-3"
MODEL = json.dumps({"format": "sluice_linear/1", "kind": "identity", "coef": [[2]], "intercept": [1]}).encode()
DIGEST = hashlib.sha256(MODEL).hexdigest()
PATHS = {"/plain/model.json": MODEL, "/bucket/models/a%20b%2Bc.json": MODEL, "/public/model.json": MODEL, "/plain/none.json": b"{}",
         "/plain/moved.json": None}
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - name: m
    model: {local: "%s"%s}
  output: {steps: [m]}
"""
REQUEST = {"id": "a", "request": {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [20]}]}}
passed = failed = 0
refusals = []


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature_fault(request):
    """why the signature does not hold; None: it does"""
    said = request.headers.get("Authorization", "")
    if not said.startswith("AWS4-HMAC-SHA256 "):
        return "it is not signed"
    parts = dict(part.strip().split("=", 1) for part in said.split(" ", 1)[1].split(","))
    scope = parts["Credential"].split("/")
    names = parts["SignedHeaders"].split(";")
    payload = request.headers.get("x-amz-content-sha256")
    if payload not in (hashlib.sha256(b"").hexdigest(), "UNSIGNED-PAYLOAD"):
        return f"x-amz-content-sha256 is {payload}"
    if scope[0] != ID or scope[2:] != [REGION, "s3", "aws4_request"]:
        return f"the scope is {scope}"
    if not {"host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"} <= set(names) or names != sorted(names):
        return f"signed are {names}"
    if request.headers.get("x-amz-security-token") != TOKEN:
        return "the session's token is another"
    url = urllib.parse.urlsplit(request.path)
    canonical = "\n".join(["GET", url.path, url.query, *(f"{name}:{request.headers[name].strip()}" for name in names), "",
                           ";".join(names), payload])
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], "/".join(scope[1:]),
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in scope[1:]:
        key = sign(key, part)
    wanted = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(wanted, parts["Signature"]) else "the signature is another"


class Store(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        fault = signature_fault(self) if self.path.startswith("/bucket/") else None
        if fault:
            refusals.append(fault)
        if self.path == "/plain/moved.json":
            self.send_response(302)
            self.send_header("Location", "/plain/model.json")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = PATHS.get(self.path)
        self.send_response(403 if fault else 200 if body else 404)
        body = b"" if fault or not body else body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def ask(url, digest="", **settings):
    """what `sluice test` says comes"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment.update(settings, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "pipeline.yaml"), "w") as file:
            file.write(PIPELINE % (url, f", digest: \"{digest}\"" if digest else ""))
        with open(os.path.join(folder, "in.jsonl"), "w") as file:
            file.write(json.dumps(REQUEST) + "\n")
        done = subprocess.run([SLUICE, "test", "--print", folder], capture_output=True, text=True, env=environment, timeout=60)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return next((line for line in lines if line.get("id") == "a" and "at" not in line), {"nothing": done.stderr})


def check(what, came, wanted):
    global passed, failed
    if isinstance(wanted, str):
        good = came.get("error", {}).get("kind") == "CONFIG" and wanted in came["error"]["message"]
    else:
        good = came.get("response", {}).get("outputs", [{}])[0].get("data") == wanted
    passed += good
    failed += not good
    if not good:
        print(f"artifacts: {what}: came {came}, wanted {wanted}" + (f"; the store says: {refusals[-1]}" if refusals else ""))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    keys = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN, "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": base + "/"}
    check("by HTTP", ask(base + "/plain/model.json"), [41])
    check("that moved", ask(base + "/plain/moved.json"), [41])
    check("with its digest", ask(base + "/plain/model.json", "sha256:" + DIGEST), [41])
    check("with another's digest", ask(base + "/plain/model.json", "0" * 64), "is not the expected file")
    check("that is not there", ask(base + "/plain/gone.json"), "/plain/gone.json cannot be fetched: the server answers 404")
    check("that is no model", ask(base + "/plain/none.json"), "is no model that can run here")
    check("of nobody", ask("http://127.0.0.1:9/model.json"), "cannot be fetched")
    check("with a login that is not shown", ask(base.replace("//", "//me:hid@den@") + "/plain/gone.json"),
          base.replace("//", "//***@") + "/plain/gone.json cannot")
    check("from S3", ask("s3://bucket/models/a b+c.json", **keys), [41])
    check("from S3 with a wrong secret", ask("s3://bucket/models/a b+c.json", **{**keys, "AWS_SECRET_ACCESS_KEY": "x"}), "the server answers 403")
    check("from S3 without a key", ask("s3://public/model.json", AWS_ENDPOINT_URL=base), [41])
    check("from S3 with half a key", ask("s3://public/model.json", AWS_ENDPOINT_URL=base, AWS_ACCESS_KEY_ID=ID), "only one is set")
    check("from S3 without a file", ask("s3://bucket", **keys), "s3://BUCKET/KEY")
    check("from nowhere known", ask("gs://bucket/model.json"), "not one of file, http, https and s3")
    server.shutdown()
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
