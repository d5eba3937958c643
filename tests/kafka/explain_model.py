#!/usr/bin/env python3
"""Models over the Open Inference Protocol, for explain.sh: explain_model.py LOG

Prints its port. Each answers 2 a - b to each row. `quick` answers at once. `slow` keeps its second and later large calls back for
longer than an explanation may take. `third` fails with each third of its large calls. `crowded` answers four calls at a time. Each call is a line of LOG: model, rows, the
first number.
"""
import http.server, json, os, sys, threading, time

LARGE_ROWS, LATE_SECONDS, CALL_SECONDS = 100, 4 * int(os.environ.get("PATIENCE") or 1), 0.02
log = open(sys.argv[1], "w", buffering=1, encoding="utf-8")
lock, places, large, thirds = threading.Lock(), threading.Semaphore(4), 0, 0


class Models(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        global large, thirds
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model, tensor = self.path.split("/")[3], message["inputs"][0]
        rows, width = tensor["shape"]
        with lock:
            log.write(f"{model} {rows} {tensor['data'][0]:g}\n")
            late = model == "slow" and rows >= LARGE_ROWS and large > 0
            large += model == "slow" and rows >= LARGE_ROWS
            thirds += model == "third" and rows >= LARGE_ROWS
            fails = model == "third" and rows >= LARGE_ROWS and thirds % 3 == 0
        if fails:
            self.answer(500, {"error": "each third large call fails"})
            return
        if late:
            time.sleep(LATE_SECONDS)
        if model == "crowded":
            with places:
                time.sleep(CALL_SECONDS)
        data = tensor["data"]
        answers = [2 * data[i] - data[i + 1] for i in range(0, rows * width, width)]
        self.answer(200, {"model_name": model, "id": message.get("id"), "outputs": [
            {"name": "y", "datatype": "FP64", "shape": [rows, 1], "data": answers}]})

    def do_GET(self):
        self.answer(404, {"error": "no metadata"})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        try:
            self.wfile.write(text)
        except OSError:  # whoever asked has gone
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


server = Server(("127.0.0.1", 0), Models)
print(server.server_port, flush=True)
server.serve_forever()
