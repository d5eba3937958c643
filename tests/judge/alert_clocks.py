#!/usr/bin/env python3
"""Judges silences and `for` of alerts at the edges of clocks, through `sluice dev` with a real receiver: alert_clocks.py SLUICE

A time of day that jumps while an alert is pending or silenced; a silence that begins or ends while a notice is tried again; one
that has ended already, and one of less than a second; an alert that resolves while it is silenced. At the end
`N passed, N failed`.
"""
import concurrent.futures, datetime, os, subprocess, sys, tempfile, time

from alerts import HEAD, QUIET_SECONDS, ROOT, SECONDS_MAX, SILENCE_SECONDS, Dev, Judge, Receiver, of, write
from dev import PATIENCE, free_port

CLOCK = os.path.join(ROOT, "tests", "kafka", "preload", "clock.c")
HOUR_SECONDS = 3600
PENDING_SECONDS = 6 * min(PATIENCE, 2)
CLOCK_BYTES = 31  # of the file, which the engine has mapped


def alert(url, more="", resolve_after="1h"):
    return (HEAD + f"  - name: large\n    condition: y > 100\n    resolveAfter: {resolve_after}\n{more}"
            f'    actions: [{{type: webhook, url: "{url}"}}]\n')


def day(offset_seconds):
    """a time of day, from now"""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Clocked:
    """`sluice` in a folder, with a time of day that is off by as many seconds as it is told"""

    def __init__(self, library, binary, folder):
        self.clock, self.command = os.path.join(folder, "clock"), os.path.join(folder, "sluice")
        self.jump(0)
        with open(self.command, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nSLUICE_TEST_CLOCK={self.clock} LD_PRELOAD={library} exec {binary} "$@"\n')
        os.chmod(self.command, 0o755)

    def jump(self, seconds):
        mode = "r+" if os.path.exists(self.clock) else "w"
        with open(self.clock, mode, encoding="utf-8") as file:
            file.write(f"{seconds:<{CLOCK_BYTES}}\n")


def silence(binary, folder, seconds, name="quiet"):
    """a Silence in the folder, which the engine reads again"""
    words = [binary, "alerts", "silence", "large", "--for", seconds, "--reason", "moving", "--author", "ann", "-f", folder,
             "--out", os.path.join(folder, name + ".yaml")]
    return subprocess.run(words, capture_output=True, text=True)


def wait_for(holds, seconds=SECONDS_MAX):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()


def ask_for(dev, seconds):
    """large values, several a second"""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        dev.ask_of(60)
        time.sleep(0.2)


def statuses(receiver):
    return [status for status, _ in of(receiver.notices(), "large")]


def a_pending_alert_minds_no_jump(judge, clocked, folder):
    """An hour back, then two forward, while `for` runs"""
    for jump in (-HOUR_SECONDS, HOUR_SECONDS):
        receiver = Receiver()
        clocked.jump(0)
        write(folder, alert(receiver.url, f"    for: {PENDING_SECONDS}s\n"))
        dev = Dev(clocked.command, folder, "--alert-allow", "127.0.0.1")
        try:
            begun = time.monotonic()
            ask_for(dev, 2)
            clocked.jump(jump)
            ask_for(dev, 2)
            judge.expect(f"a jump of {jump} s fires no pending alert", statuses(receiver) == [], receiver.notices())
            while not receiver.got and time.monotonic() < begun + SECONDS_MAX:
                ask_for(dev, 0.5)
            waited = time.monotonic() - begun
            judge.expect(f"with a jump of {jump} s it fires after `for`", statuses(receiver) == ["firing"] and PENDING_SECONDS - 1 < waited < PENDING_SECONDS + 5 * PATIENCE,
                         (waited, receiver.notices()))
        finally:
            judge.expect("the engine stops", dev.stop() == 0, dev.lines[-5:])
            receiver.close()


def a_silence_ends_by_the_time_of_day(judge, clocked, folder):
    """The clock is set back while the silence is in force, which lasts as long as it says; then forward, and it is over. What was
    announced is not announced again when the clock goes back into the silence"""
    receiver = Receiver()
    write(folder, alert(receiver.url, f"    silence: {{until: \"{day(SILENCE_SECONDS)}\", reason: moving}}\n"))
    dev = Dev(clocked.command, folder, "--alert-allow", "127.0.0.1")
    try:
        clocked.jump(-HOUR_SECONDS)
        judge.expect("a large value is answered", dev.ask_of(60) == 200)
        time.sleep(SILENCE_SECONDS + 1)
        judge.expect("a clock that is set back lengthens a silence", statuses(receiver) == [], receiver.notices())
        clocked.jump(HOUR_SECONDS)
        judge.expect("its end sends the notice", wait_for(lambda: statuses(receiver) == ["firing"]), receiver.notices())
        clocked.jump(-HOUR_SECONDS)
        dev.ask_of(60)
        time.sleep(QUIET_SECONDS)
        clocked.jump(0)
        time.sleep(QUIET_SECONDS)
        judge.expect("and nothing is announced twice", statuses(receiver) == ["firing"], receiver.notices())
    finally:
        judge.expect("the engine stops", dev.stop() == 0, dev.lines[-5:])
        receiver.close()


def silences_that_are_over_silence_nothing(judge, clocked, folder):
    """One that has ended; and one of 1 ms, which lasts until the end of its second"""
    receiver = Receiver()
    write(folder, alert(receiver.url, f"    silence: {{until: \"{day(-HOUR_SECONDS)}\", reason: moving}}\n"))
    linted = subprocess.run([clocked.command, "lint", folder], capture_output=True, text=True)
    judge.expect("lint names a silence that has ended", "the silence has ended" in linted.stdout + linted.stderr, linted)
    made = silence(clocked.command, folder, "0s")
    judge.expect("a silence of 0 s is refused", made.returncode == 2 and "a duration is above 0" in made.stderr, made)
    begun = time.time()
    made = silence(clocked.command, folder, "1ms")
    with open(os.path.join(folder, "quiet.yaml"), encoding="utf-8") as file:
        until = next(line.split('"')[1] for line in file if "until" in line)
    end = datetime.datetime.fromisoformat(until.replace("Z", "+00:00")).timestamp()
    judge.expect("a silence of 1 ms ends after it begins", begun < end < time.time() + 1.1, (begun, until))
    time.sleep(1.5)
    dev = Dev(clocked.command, folder, "--alert-allow", "127.0.0.1")
    try:
        judge.expect("a large value is answered", dev.ask_of(60) == 200)
        judge.expect("silences that are over silence nothing", wait_for(lambda: statuses(receiver) == ["firing"]), receiver.notices())
        judge.expect("and are none to /metrics", dev.metric("sluice_alert_silenced", "large") == 0)
    finally:
        judge.expect("the engine stops", dev.stop() == 0, dev.lines[-5:])
        receiver.close()


def a_notice_that_is_tried_again_is_sent_once(judge, clocked, folder):
    """The receiver is away. The silence ends before it is back: the notice comes once; and one more silence meanwhile does not hold
    back what was sent before it"""
    port = free_port()
    write(folder, alert(f"http://127.0.0.1:{port}/hook", f"    silence: {{until: \"{day(SILENCE_SECONDS + 1)}\", reason: moving}}\n"))
    dev = Dev(clocked.command, folder, "--alert-allow", "127.0.0.1")
    receiver = None
    try:
        judge.expect("a large value is answered", dev.ask_of(60) == 200)
        judge.expect("the end of the silence sends the notice",
                     wait_for(lambda: any(", and is sent again: " in line for line in dev.lines)), dev.lines[-5:])
        made = silence(clocked.command, folder, f"{3 * PATIENCE}s")
        judge.expect("a silence is made meanwhile", made.returncode == 0, made)
        judge.expect("and read", wait_for(lambda: dev.metric("sluice_alert_silenced", "large") == 1), dev.lines[-5:])
        judge.expect("and is over", wait_for(lambda: dev.metric("sluice_alert_silenced", "large") == 0), dev.lines[-5:])
        receiver = Receiver(port)
        judge.expect("a receiver that is back gets the notice", wait_for(lambda: statuses(receiver) == ["firing"]), receiver.notices())
        time.sleep(QUIET_SECONDS)
        judge.expect("once", statuses(receiver) == ["firing"], receiver.notices())
    finally:
        judge.expect("the engine stops", dev.stop() == 0, dev.lines[-5:])
        if receiver:
            receiver.close()


def what_resolves_in_a_silence(judge, clocked, folder):
    """The end of what was announced is told in a silence too; a firing that began and ended in one is not told"""
    receiver = Receiver()
    write(folder, alert(receiver.url, resolve_after="4s"))
    dev = Dev(clocked.command, folder, "--alert-allow", "127.0.0.1")
    try:
        judge.expect("a large value is answered", dev.ask_of(60) == 200)
        judge.expect("it fires", wait_for(lambda: statuses(receiver) == ["firing"]), receiver.notices())
        made = silence(clocked.command, folder, f"{20 * min(PATIENCE, 2)}s")
        judge.expect("a silence is made", made.returncode == 0, made)
        judge.expect("its end is told in the silence", wait_for(lambda: statuses(receiver) == ["firing", "resolved"]), receiver.notices())
        judge.expect("which is in force", dev.metric("sluice_alert_silenced", "large") == 1, dev.lines[-5:])
        judge.expect("a large value is answered", dev.ask_of(60) == 200)
        judge.expect("it fires silently", wait_for(lambda: dev.metric("sluice_alert_firing", "large") == 1), dev.lines[-5:])
        judge.expect("and resolves", wait_for(lambda: dev.metric("sluice_alert_firing", "large") == 0), dev.lines[-5:])
        judge.expect("the silence ends", wait_for(lambda: dev.metric("sluice_alert_silenced", "large") == 0), dev.lines[-5:])
        time.sleep(QUIET_SECONDS)
        judge.expect("and nothing is told of what is over", statuses(receiver) == ["firing", "resolved"], receiver.notices())
    finally:
        judge.expect("the engine stops", dev.stop() == 0, dev.lines[-5:])
        receiver.close()


def main():
    judge, binary = Judge(), os.path.abspath(sys.argv[1])
    stories = (a_pending_alert_minds_no_jump, a_silence_ends_by_the_time_of_day, silences_that_are_over_silence_nothing,
               a_notice_that_is_tried_again_is_sent_once, what_resolves_in_a_silence)
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "clock.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, CLOCK], check=True)

        def tell(story):
            own = os.path.join(folder, story.__name__)
            os.mkdir(own)
            files = os.path.join(own, "files")
            os.mkdir(files)
            story(judge, Clocked(library, binary, own), files)

        with concurrent.futures.ThreadPoolExecutor(len(stories)) as pool:  # each waits most of its time
            for told in [pool.submit(tell, story) for story in stories]:
                told.result()
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
