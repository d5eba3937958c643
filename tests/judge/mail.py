#!/usr/bin/env python3
"""Judges mails of alerts through a mail server with TLS and logins (aiosmtpd): mail.py SLUICE

STARTTLS and TLS from the first byte; certificates and logins that are refused; the password is sent to no server that has not
shown a certificate, and printed nowhere. Then webhooks by TLS, with the same certificates. At the end `N passed, N failed`.
"""
import asyncio, email, http.server, json, logging, os, re, ssl, subprocess, sys, tempfile, threading, time, warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from dev import PATIENCE, free_port

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
USER, PASSWORD = b"watcher", b"Pa55 of the test"
SECONDS_MAX = 30 * PATIENCE
PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: watched}
spec:
  steps: [{name: s, expression: {set: {y: x}}}]
  output: {steps: [s]}
  alerts:
  - name: mailed
    condition: "y > 1%s"
    actions: [{type: email, recipients: [team@example.com, night@example.com]}]
""" % (" or y > 2" * 300)


class Mails:
    """What a server has taken, and the logins that it was shown"""

    def __init__(self):
        self.taken, self.logins, self.waits = [], [], 0

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password) if isinstance(data, LoginPassword) else data)
        return AuthResult(success=self.logins[-1] == (USER, PASSWORD), handled=False)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        await asyncio.sleep(self.waits)
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server, session, envelope):
        tls = session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, tls, envelope.content))
        return "250 taken"


class Server:
    """starttls: it offers it; smtps: TLS from the first byte"""

    def __init__(self, context=None, smtps=False, starttls=False, login=True):
        self.mails, self.port = Mails(), free_port()
        more = dict(tls_context=context, require_starttls=True) if starttls else {}
        if login:
            more |= dict(authenticator=self.mails.authenticate, auth_required=True, auth_require_tls=starttls)
        self.controller = Controller(self.mails, hostname="127.0.0.1", port=self.port, ssl_context=context if smtps else None, **more)
        self.controller.start()
        self.url = f"{'smtps' if smtps else 'smtp'}://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.controller.stop()


class Judge:
    def __init__(self, binary, folder):
        self.passed = self.failed = 0
        self.binary, self.folder = binary, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def expect(self, what, good, shown=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print(f"mail: {what}: no; {shown}")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout",
                     self.path(name + ".key"), "-out", self.path(name + ".pem"))

    def context(self, name, alternative):
        """A server's context, whose certificate the authority has signed for that name"""
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mail", "-keyout", self.path(name + ".key"), "-out",
                     self.path(name + ".csr"))
        with open(self.path("extensions"), "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={alternative}\n")
        self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("authority.pem"), "-CAkey",
                     self.path("authority.key"), "-CAcreateserial", "-days", "2", "-extfile", self.path("extensions"), "-out",
                     self.path(name + ".pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return context

    def send(self, server, password=PASSWORD, authorities="authority.pem", login=True):
        """`sluice alerts test`: whether it was delivered, and why not"""
        words = [self.binary, "alerts", "test", "-f", self.path("pipeline.yaml"), "--smtp", server.url, "--mail-from", "sluice@example.com"]
        words += ["--alert-authorities", self.path(authorities)] if authorities else []
        words += ["--smtp-login", "env:MAIL_LOGIN"] if login else []
        environment = {**os.environ, "MAIL_LOGIN": (USER + b":" + password).decode()}
        printed = ""
        for form in ("text", "json"):
            done = subprocess.run([*words, "-o", form], env=environment, capture_output=True, text=True, timeout=SECONDS_MAX)
            printed += done.stdout + done.stderr
        self.expect("the password is printed nowhere", password.decode() not in printed, printed)
        found = json.loads(done.stdout.splitlines()[0])
        return found["delivered"], found.get("why", "")


def is_well_formed(content):
    found = email.message_from_bytes(content)
    lines = content.split(b"\r\n")
    body = found.get_payload(decode=True).decode()
    return (max(map(len, lines)) <= 998 and b"\n" not in content.replace(b"\r\n", b"") and found["Subject"] == "[test] watched: mailed"
            and email.utils.parsedate_to_datetime(found["Date"]) and re.fullmatch(r"<\S+@sluice>", found["Message-ID"])
            and "The alert mailed of the pipeline watched is test." in body and json.loads(body[body.index("{"):])["status"] == "test")


def mails_go_through_tls(judge, good):
    for how, server in (("STARTTLS", Server(good, starttls=True)), ("smtps", Server(good, smtps=True))):
        with server:
            delivered, why = judge.send(server)
            judge.expect(f"{how}: a mail is delivered", delivered and len(server.mails.taken) == 2, why)
            judge.expect(f"{how}: with the login", server.mails.logins == [(USER, PASSWORD)] * 2, server.mails.logins)
            sender, recipients, tls, content = server.mails.taken[0] if server.mails.taken else ("", [], False, b"")
            judge.expect(f"{how}: encrypted, to both recipients", tls and sender == "sluice@example.com"
                         and recipients == ["team@example.com", "night@example.com"], (sender, recipients, tls))
            judge.expect(f"{how}: its form is that of RFC 5322", content and is_well_formed(content), content[:1500])


def certificates_are_checked(judge, good):
    elsewhere = judge.context("elsewhere", "DNS:elsewhere.example")
    refused = [("an authority that is not trusted", good, "other.pem"), ("no authority of ours", good, None),
               ("a certificate of another name", elsewhere, "authority.pem")]
    for what, context, authorities in refused:
        for how in ("starttls", "smtps"):
            with Server(context, **{how: True}) as server:
                delivered, why = judge.send(server, authorities=authorities)
                judge.expect(f"{what}, {how}: refused", not delivered and re.search("certificate|subjectAltName|SSL", why), why)
                judge.expect(f"{what}, {how}: no login, no mail", server.mails.logins == [] and server.mails.taken == [], server.mails.logins)


class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def webhooks_say_what_is_wrong_with_a_certificate(judge, good):
    elsewhere = judge.context("elsewhere", "DNS:elsewhere.example")
    for what, context, authorities, wanted in (
            ("a trusted certificate", good, "authority.pem", None),
            ("an authority that is not trusted", good, "other.pem", "unable to get local issuer certificate|self-signed certificate in"),
            ("a certificate of another name", elsewhere, "authority.pem", "no alternative certificate subject name matches target")):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open(judge.path("hooked.yaml"), "w", encoding="utf-8") as file:
            file.write(re.sub("type: email, recipients.*]", f'type: webhook, url: "https://127.0.0.1:{server.server_port}/hidden"}}]', PIPELINE))
        done = subprocess.run([judge.binary, "alerts", "test", "-f", judge.path("hooked.yaml"), "--alert-allow", "127.0.0.1",
                               "--alert-authorities", judge.path(authorities), "-o", "json"], capture_output=True, text=True, timeout=SECONDS_MAX)
        server.shutdown()
        server.server_close()
        found = json.loads(done.stdout.splitlines()[0]) if done.stdout else {}
        why = found.get("why", "")
        if not wanted:
            judge.expect(f"{what}: a webhook is delivered", found.get("delivered"), done.stderr + why)
            continue
        judge.expect(f"{what}: refused, with the cause", not found.get("delivered") and re.search(wanted, why), done.stderr + why)
        judge.expect(f"{what}: with a next step, and no more of the URL", "--alert-authorities names?" in why and "hidden" not in why, why)


def no_login_without_tls(judge):
    with Server(login=True) as server:
        delivered, why = judge.send(server)
        judge.expect("a server without TLS gets no login", not delivered and server.mails.logins == [] and why, (why, server.mails.logins))
    with Server(login=False) as server:
        delivered, why = judge.send(server, login=False)
        judge.expect("without a login, a server without TLS gets the mail", delivered, why)


def slow_servers_are_waited_for(judge):
    """Postfix's postscreen lets unknown callers wait 6 s: more than a webhook's connect may take"""
    with Server(login=False) as server:
        server.mails.waits = 6
        begun = time.monotonic()
        delivered, why = judge.send(server, login=False)
        judge.expect("a mail server may let its callers wait", delivered and time.monotonic() - begun > 2 * 6, why)


def logins_are_refused(judge, good):
    with Server(good, starttls=True) as server:
        delivered, why = judge.send(server, password=b"another word")
        judge.expect("a wrong login is refused, and the reason named", not delivered and "ogin denied" in why and "is the login of --smtp-login right" in why, why)
        judge.expect("no mail is taken", server.mails.taken == [])
        delivered, why = judge.send(server, login=False)
        judge.expect("no login where one is needed: the server's answer is named", not delivered and "530" in why and "--smtp-login" in why, why)


def main():
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(os.path.abspath(sys.argv[1]), folder)
        with open(judge.path("pipeline.yaml"), "w", encoding="utf-8") as file:
            file.write(PIPELINE)
        judge.authority("authority")
        judge.authority("other")
        good = judge.context("good", "IP:127.0.0.1")
        mails_go_through_tls(judge, good)
        certificates_are_checked(judge, good)
        webhooks_say_what_is_wrong_with_a_certificate(judge, good)
        no_login_without_tls(judge)
        logins_are_refused(judge, good)
        slow_servers_are_waited_for(judge)
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
