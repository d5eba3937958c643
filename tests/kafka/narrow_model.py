#!/usr/bin/env python3
"""Model that works on so many calls at once, each for so long; others wait for it (rollout_waits.sh).
   narrow_model.py PORT NAME SLOTS SECONDS
PUT /slots/N changes how many."""
import http.server
import json
import sys
import threading
import time

PORT, NAME, SECONDS = int(sys.argv[1]), sys.argv[2], float(sys.argv[4])
free = threading.Condition()
slots = {"all": int(sys.argv[3]), "taken": 0}


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

    def do_PUT(self):
        with free:
            slots["all"] = int(self.path.rsplit("/", 1)[1])
        self.reply({})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with free:
            free.wait_for(lambda: slots["taken"] < slots["all"])
            slots["taken"] += 1
        time.sleep(SECONDS)
        with free:
            slots["taken"] -= 1
            free.notify()
        output = {"name": "side", "datatype": "FP64", "shape": [1], "data": [1.0]}
        self.reply({"model_name": NAME, "id": request.get("id", ""), "outputs": [output]})


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


Server(("127.0.0.1", PORT), Model).serve_forever()
