#!/usr/bin/env python3
"""A model server with faults, for oncall.sh: oncall_model.py PORT FAULT

It serves the model `score` by the Open Inference Protocol over REST: y = x * 2. FAULT is what is wrong with it:
none, html (a page of a proxy for each call), gateway (a page with status 502), shapes (two rows for one), name (it knows
another model only), or slow (after 100 calls each takes half a second).
"""
import http.server, json, sys, time

PORT, FAULT = int(sys.argv[1]), sys.argv[2]
NAME = "scorer-v2" if FAULT == "name" else "score"


CALLS = []


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def reply(self, status, body, kind="application/json"):
        bytes_sent = body.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(bytes_sent)))
        self.end_headers()
        self.wfile.write(bytes_sent)

    def is_known(self):
        if FAULT == "html":
            self.reply(200, "<html><head><title>Login</title></head><body>Please log in</body></html>", "text/html")
        elif FAULT == "gateway" and self.command == "POST":
            self.reply(502, "<html><body><h1>Bad Gateway</h1></body></html>", "text/html")
        elif not self.path.startswith(f"/v2/models/{NAME}") and self.path.startswith("/v2/models/"):
            self.reply(404, json.dumps({"error": f"Model {self.path.split('/')[3]} not found"}))
        else:
            return True
        return False

    def do_GET(self):
        if self.is_known():
            self.reply(200, json.dumps({"name": NAME, "platform": "test", "inputs": [], "outputs": []}))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.is_known():
            return
        CALLS.append(1)
        if FAULT == "slow" and len(CALLS) > 100:
            time.sleep(0.5)
        data = [2 * value for value in body["inputs"][0]["data"]]
        shape = [len(data) + 1] if FAULT == "shapes" else [len(data)]
        self.reply(200, json.dumps({"model_name": NAME, "id": body.get("id", ""), "outputs": [
            {"name": "y", "datatype": "FP64", "shape": shape, "data": data}]}))


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Model)
print("ready", server.server_port, flush=True)
server.serve_forever()
