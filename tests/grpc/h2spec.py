#!/usr/bin/env python3
"""The HTTP/2 of the gateway's ports against h2spec, as h2spec.sh runs it: h2spec.py SLUICE H2SPEC

A line for each case that fails and has no reason in the tables below; at the end `N passed, N failed`. A case that fails by such a
reason is none that passed: how many there were is said before the end.
"""
import concurrent.futures, os, re, subprocess, sys, tempfile
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "judge"))
from dev import Dev, free_port  # noqa: E402

PIPELINE = """apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: twice}
spec:
  steps:
  - {name: double, expression: {set: {x: x * 2}}}
  output: {steps: [double]}
"""
SECTIONS = ["generic", "hpack", "http2/3", "http2/4", "http2/5", "http2/6", "http2/7", "http2/8"]  # they mostly wait: all at once
CASES_MIN = 146
SECONDS_MAX = 60

CLOSED = "a closed stream leaves nothing behind, so frames on it are read and dropped, as if they had crossed its end"
ORDER = "nghttp2 drops the head of a lower stream, which may be of one that is closed, and serves the next"
EARLY = "a request that is no call is refused at its head, and its stream is reset without an error (RFC 9113, 8.1): what comes is dropped"
ANSWERED = "an answer that needs no body may be complete before the request is: its stream is reset without an error, and what comes is dropped"
GONE = "after the caller's GOAWAY, with no stream open, the connection is closed at once, so that its PING may meet the end"

BOTH = {
    "closed: Sends a DATA frame after sending RST_STREAM frame": CLOSED,
    "closed: Sends a HEADERS frame after sending RST_STREAM frame": CLOSED,
    "closed: Sends a DATA frame": CLOSED,
    "closed: Sends a HEADERS frame": CLOSED,
    "half closed (remote): Sends a DATA frame": CLOSED,  # where the answer was quicker
    "half closed (remote): Sends a HEADERS frame": CLOSED,
    "Sends a DATA frame on the stream that is not in \"open\" or \"half-closed (local)\" state": CLOSED,
    "Sends stream identifier that is numerically smaller than previous": ORDER,
    "Sends a GOAWAY frame": GONE,
}
OF_GRPC = {  # those that leave a stream of GET open, which the shared port does not refuse: there they pass
    "Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded": EARLY,  # so many are never open
    "Sends a DATA frame with invalid pad length": EARLY,
    "Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream": EARLY,
    "Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream": EARLY,
    "Sends a second HEADERS frame without the END_STREAM flag": EARLY,
    "Sends a HEADERS frame that contains a pseudo-header field as trailers": EARLY,
    "Sends a HEADERS frame with the \"content-length\" header field which does not equal the DATA frame payload length": EARLY,
    "Sends a HEADERS frame with the \"content-length\" header field which does not equal the sum of the multiple DATA frames payload length":
        EARLY,
}
SHARED = {
    "Sends a second HEADERS frame without the END_STREAM flag": ANSWERED,  # where it came after that; likewise the next one
    "Sends a HEADERS frame that contains a pseudo-header field as trailers": ANSWERED,
    "Sends invalid connection preface": "what does not begin as HTTP/2 is read as HTTP/1.1 on a shared port, and refused in its form",
}


def cases_of(program, port, path, section, report):
    """Of one section: package, words and failure (None: it passed) of each case, without those that h2spec skips"""
    done = subprocess.run([program, section, "-p", str(port), "-P", path, "-S", "-o", "1", "-j", report], capture_output=True, text=True,
                          timeout=SECONDS_MAX)
    if not os.path.exists(report):
        raise RuntimeError(done.stdout + done.stderr)
    with open(report, encoding="utf-8", errors="replace") as file:  # h2spec writes bytes of frames that it did not expect as they are
        text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", file.read())
    for case in xml.fromstring(text).iter("testcase"):
        failure = next((part for part in case if part.tag in ("failure", "error")), None)
        if case.find("skipped") is None:
            yield case.get("package"), case.get("classname"), None if failure is None else " | ".join((failure.text or "").split("\n"))


def judged(name, results, reasons):
    """Counts of those that passed, failed, and failed by a reason"""
    passed = failed = reasoned = 0
    for package, words, failure in results:
        passed += failure is None
        if failure is not None and words in reasons:
            reasoned += 1
        elif failure is not None:
            failed += 1
            print(f"h2spec: {name}: {package}: {words}: {failure}")
    if passed + failed + reasoned < CASES_MIN - len(reasons):  # h2spec skips a few of its own
        failed += 1
        print(f"h2spec: {name}: only {passed + failed + reasoned} cases ran")
    print(f"h2spec: {name}: {passed} passed, and {reasoned} fail by reasons that tests/grpc/h2spec.py lists")
    return passed, failed


def main():
    binary, program = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as place, concurrent.futures.ThreadPoolExecutor(2 * len(SECTIONS)) as many:
        with open(os.path.join(place, "pipeline.yaml"), "w", encoding="utf-8") as file:
            file.write(PIPELINE)
        both = free_port()
        devs = [Dev(binary, place), Dev(binary, place, "--http", str(both), "--grpc", str(both))]
        targets = [("the port of gRPC", "/inference.GRPCInferenceService/ServerLive", BOTH | OF_GRPC), ("a shared port", "/v2", BOTH | SHARED)]
        passed = failed = 0
        try:
            running = [[many.submit(lambda *words: list(cases_of(*words)), program, int(dev.said("grpc").rsplit(":", 1)[1]), path, section,
                                    os.path.join(place, f"{which}-{section.replace('/', '-')}.xml")) for section in SECTIONS]
                       for which, (dev, (_, path, _)) in enumerate(zip(devs, targets))]
            for (name, _, reasons), parts in zip(targets, running):
                good, bad = judged(name, [case for part in parts for case in part.result()], reasons)
                passed, failed = passed + good, failed + bad
        finally:
            for dev in devs:
                dev.stop()
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
