#!/usr/bin/env python3
"""Model that prints the trace context of each call: a line "TRACEPARENT TRACESTATE", with - for what did not come (traces.sh).
   trace_model.py PORT NAME"""
import http.server
import json
import sys

NAME = sys.argv[2]


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.reply({"name": NAME, "platform": "test", "inputs": [], "outputs": []})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        print(self.headers.get("traceparent", "-"), self.headers.get("tracestate", "-"), flush=True)
        output = {"name": "side", "datatype": "FP64", "shape": [1], "data": [1.0]}
        self.reply({"model_name": NAME, "id": request.get("id", ""), "outputs": [output]})


http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Model).serve_forever()
