#!/usr/bin/env python3
"""Judges mails of alerts through mail servers that do not keep to SMTP: mail_liars.py SLUICE

Servers that greet late or never, close in the middle, say nothing to QUIT, talk without end, offer STARTTLS and refuse it, or take
some recipients only. None holds up a command, an engine or its end for longer than a mail may take; each recipient gets its mail
once the server takes it, and none twice. At the end `N passed, N failed`.
"""
import concurrent.futures, json, os, socketserver, subprocess, sys, tempfile, threading, time

from alerts import Dev, Judge, SECONDS_MAX, write
from dev import PATIENCE

MAIL_SECONDS_MAX = 30  # an attempt (POST_MAIL_MS)
AT_ONCE_SECONDS = 6 * PATIENCE
RECIPIENTS = ("first@example.com", "second@example.com")
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: watched}
spec:
  steps: [{name: s, expression: {set: {y: x * 2}}}]
  output: {steps: [s]}
  alerts:
  - {name: mailed, condition: y > 100, resolveAfter: 1h, actions: [{type: email, recipients: [%s]}]}
""" % ", ".join(RECIPIENTS)


class Close(Exception):
    """What a reply raises to end the connection"""


def close(_):
    raise Close


def pause(seconds, reply):
    def answer(_):
        time.sleep(seconds)
        return reply
    return answer


def endless(chunk):
    def answer(connection):
        while True:
            connection.sendall(chunk)
            time.sleep(0.01)  # the other servers have their turns
    return answer


def silence(connection):
    """until the other side closes"""
    while connection.recv(4096):
        pass
    raise Close


class Server(socketserver.ThreadingTCPServer):
    """`replies`: what is answered instead of the usual to a word ("greeting", "EHLO", "body", ...): bytes, or a function of the
    connection that returns them; "RCPT": a function of the address and of the number of the attempt. Keeps what it was told."""
    allow_reuse_address = daemon_threads = True
    usual = {"greeting": b"220 here\r\n", "EHLO": b"250 here\r\n", "DATA": b"354 go on\r\n", "body": b"250 taken\r\n",
             "QUIT": b"221 bye\r\n", "RCPT": lambda address, attempt: b"250 good\r\n"}

    class Handler(socketserver.StreamRequestHandler):
        def say(self, word):
            reply = self.server.replies.get(word, b"250 good\r\n")
            self.request.sendall(reply if isinstance(reply, bytes) else reply(self.request))

        def recipient(self, line):
            address = line[line.index("<") + 1:line.index(">")]
            reply = self.server.replies["RCPT"](address, self.attempt)
            if reply.startswith(b"250"):
                self.taken.append(address)
            self.request.sendall(reply)

        def data(self):
            self.say("DATA")
            while self.rfile.readline() not in (b".\r\n", b""):
                pass
            self.say("body")
            self.server.mails.append(list(self.taken))

        def handle(self):
            self.taken = []
            with self.server.lock:
                self.server.attempts += 1
                self.attempt = self.server.attempts
            try:
                self.say("greeting")
                while line := self.rfile.readline().decode(errors="replace").strip():
                    self.server.lines.append(line)
                    word = line.split(":")[0].split(" ")[0].upper()
                    if word == "RCPT":
                        self.recipient(line)
                    elif word == "DATA":
                        self.data()
                    else:
                        self.say(word)
            except (Close, OSError):
                pass

    def __init__(self, **replies):
        super().__init__(("127.0.0.1", 0), Server.Handler)
        self.replies, self.lines, self.mails, self.attempts, self.lock = {**Server.usual, **replies}, [], [], 0, threading.Lock()
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def got(self, address):
        return sum(address in mail for mail in list(self.mails))


def refuse(address, code, until=None):
    """the reply to each other recipient is good; `until`: and that to this one from that attempt on"""
    def answer(asked, attempt):
        return b"250 good\r\n" if asked != address or (until and attempt >= until) else code.encode() + b" not now\r\n"
    return answer


def tested(binary, folder, server, login=False):
    """`sluice alerts test`: what it says of the mail, and how long it took"""
    words = [binary, "alerts", "test", "-f", os.path.join(folder, "pipeline.yaml"), "-o", "json", "--smtp", server.url,
             "--mail-from", "sluice@example.com", *(["--smtp-login", "env:MAIL_LOGIN"] if login else [])]
    begun = time.monotonic()
    done = subprocess.run(words, env={**os.environ, "MAIL_LOGIN": "watcher:secret"}, capture_output=True, text=True,
                          timeout=(2 + PATIENCE) * MAIL_SECONDS_MAX)
    found = json.loads(done.stdout.splitlines()[0])
    return found["delivered"], found.get("why", ""), time.monotonic() - begun


TLS = {"EHLO": b"250-here\r\n250 STARTTLS\r\n"}
# What the server does, what it answers, whether there is a login; then whether the mail is delivered, within how many seconds, and
# a part of the reason.
LIES = (
    ("greets after 7 s", {"greeting": pause(7, b"220 here\r\n")}, False, True, MAIL_SECONDS_MAX, ""),
    ("never greets", {"greeting": silence}, False, False, MAIL_SECONDS_MAX + 5 * PATIENCE, "timed out"),
    ("closes after DATA", {"DATA": close}, False, False, AT_ONCE_SECONDS, ""),
    ("closes after the mail", {"body": close}, False, False, AT_ONCE_SECONDS, ""),
    ("takes the mail and closes", {"QUIT": close}, False, True, AT_ONCE_SECONDS, ""),
    ("takes the mail and says nothing more", {"QUIT": silence}, False, True, AT_ONCE_SECONDS, ""),
    ("says nothing to the mail", {"body": silence}, False, False, MAIL_SECONDS_MAX + 5 * PATIENCE, ""),
    ("refuses the mail for now", {"body": b"451 busy\r\n"}, False, False, AT_ONCE_SECONDS, "the mail server answers: 451 busy"),
    ("answers 450, then 550", {"RCPT": lambda address, _: b"450 later\r\n" if address == RECIPIENTS[0] else b"550 unknown\r\n"},
     False, False, AT_ONCE_SECONDS, "first@example.com (450 later), second@example.com (550 unknown)"),
    ("takes one of two recipients", {"RCPT": refuse(RECIPIENTS[1], "550")}, False, False, AT_ONCE_SECONDS,
     "does not take second@example.com (550 not now); correct the addresses"),
    ("greets with lines without end", {"greeting": endless(b"220-here\r\n" * 1000)}, False, False, MAIL_SECONDS_MAX + 5 * PATIENCE, ""),
    ("greets with a line without end", {"greeting": endless(b"2" * 1000000)}, False, False, MAIL_SECONDS_MAX + 5 * PATIENCE, ""),
    ("refuses STARTTLS for now", {**TLS, "STARTTLS": b"454 not now\r\n"}, True, False, AT_ONCE_SECONDS, "454"),
    ("refuses STARTTLS", {**TLS, "STARTTLS": b"502 never\r\n"}, True, False, AT_ONCE_SECONDS, "502"),
    ("speaks no TLS after STARTTLS", {**TLS, "STARTTLS": b"220 go on\r\n250 good\r\n"}, True, False, AT_ONCE_SECONDS, ""),
    ("closes after STARTTLS", {**TLS, "STARTTLS": close}, True, False, AT_ONCE_SECONDS, ""),
)


def lies_are_noticed(judge, binary, folder):
    """All at once: each waits most of its time"""
    write(folder, PIPELINE)

    def lie(what, replies, login, delivered, seconds, reason):
        with Server(**replies) as server:
            found, why, took = tested(binary, folder, server, login)
        judge.expect(f"a server that {what}: delivered: {delivered}", found == delivered, (found, why))
        judge.expect(f"a server that {what}: in {seconds} s", took <= seconds, took)
        judge.expect(f"a server that {what}: the reason", reason in why and (delivered or why), why)
        told = " ".join(server.lines)
        judge.expect(f"a server that {what}: gets no login without TLS", not login or ("AUTH" not in told and "secret" not in told), told)

    with concurrent.futures.ThreadPoolExecutor(len(LIES)) as pool:
        for done in [pool.submit(lie, *row) for row in LIES]:
            done.result()


def dev_with(binary, folder, server):
    return Dev(binary, folder, "--alert-allow", "127.0.0.1", "--smtp", server.url, "--mail-from", "sluice@example.com")


def wait_for(holds):
    end = time.monotonic() + SECONDS_MAX
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()


def each_recipient_gets_it_once(judge, binary, folder):
    """A server that lets the second recipient wait for the third attempt; and one that refuses the first, and closes twice when it
    has the mail"""
    write(folder, PIPELINE)
    with Server(RCPT=refuse(RECIPIENTS[1], "450", until=3)) as server:
        dev = dev_with(binary, folder, server)
        try:
            judge.expect("a large value is answered", dev.ask_of(60) == 200, dev.lines[-3:])
            judge.expect("a recipient that had to wait gets the mail", wait_for(lambda: server.got(RECIPIENTS[1])), server.mails)
            time.sleep(2)
            judge.expect("and each gets it once", server.mails == [[address] for address in RECIPIENTS], server.mails)
            judge.expect("the log names the one that waits, once",
                         sum("does not take second@example.com (450 not now) now" in line for line in dev.lines) == 1, dev.lines)
            judge.expect("it is counted once it has reached both", wait_for(lambda: dev.metric("sluice_alert_notices_sent_total", "mailed") == 1))
        finally:
            dev.stop()
    drops = iter((b"", b""))

    def body(_):
        if next(drops, None) is not None:
            raise Close
        return b"250 taken\r\n"

    with Server(body=body, RCPT=refuse(RECIPIENTS[0], "550")) as server:
        dev = dev_with(binary, folder, server)
        try:
            judge.expect("a large value is answered", dev.ask_of(60) == 200, dev.lines[-3:])
            judge.expect("a server that closes after a refused recipient and the mail gets it again",
                         wait_for(lambda: server.got(RECIPIENTS[1])), (server.mails, dev.lines[-3:]))
            judge.expect("the refused one is named", any("first@example.com (550 not now)" in line for line in dev.lines), dev.lines[-5:])
            judge.expect("and is asked once", sum("first@" in line for line in server.lines) == 1, server.lines)
            judge.expect("the notice counts as given up: one recipient never gets it",
                         wait_for(lambda: dev.metric("sluice_alert_notices_failed_total", "mailed") == 1))
        finally:
            dev.stop()


def nobody_waits_for_a_server_that_hangs(judge, binary, folder):
    write(folder, PIPELINE)
    for what, replies in (("greet", {"greeting": silence}), ("answer to QUIT", {"QUIT": silence}),
                          ("end its greeting", {"greeting": endless(b"2" * 1000000)})):
        with Server(**replies) as server:
            dev = dev_with(binary, folder, server)
            try:
                judge.expect("a large value is answered", dev.ask_of(60) == 200, dev.lines[-3:])
                judge.expect(f"a server that does not {what} is called", wait_for(lambda: server.attempts > 0))
                begun = time.monotonic()
                judge.expect(f"answers do not wait for a server that does not {what}",
                             dev.ask_of(1) == 200 and time.monotonic() - begun < PATIENCE, time.monotonic() - begun)
            finally:
                begun = time.monotonic()
                code = dev.stop()
                judge.expect(f"nor does the end of an engine wait for a server that does not {what}",
                             code == 0 and time.monotonic() - begun < 10 * PATIENCE, (code, time.monotonic() - begun))


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    for part in (lies_are_noticed, each_recipient_gets_it_once, nobody_waits_for_a_server_that_hangs):
        with tempfile.TemporaryDirectory() as folder:
            part(judge, binary, folder)
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
