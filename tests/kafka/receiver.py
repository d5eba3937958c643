#!/usr/bin/env python3
"""Receives notices of alerts: receiver.py PORT [busy|hangs]; each body is a line on standard output. One that is busy answers 503, and
one that hangs never answers: what these get is a line on standard error."""
import http.server, sys, time

MANNER = sys.argv[2] if len(sys.argv) > 2 else ""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(body, flush=True, file=sys.stderr if MANNER else sys.stdout)
        time.sleep(3600 if MANNER == "hangs" else 0)
        self.send_response(503 if MANNER else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
