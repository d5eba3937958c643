#!/usr/bin/env python3
"""Moves the clocks of preload/hours.c on: hours.py FILE MS [TIMES]

By so many milliseconds; TIMES as fast as real time, if that is given, else as fast as the loops of all threads see it. A step is
shorter than the time after which a keeper gives up, which it would take for a pause of its process."""
import mmap
import sys
import time

STEP_MS = 2000
SLOW_STEP_MS = 500  # where a pace is given
POLL_S = 0.001
LOST_S = 30  # without a step: a thread hangs
AHEAD, IS_MOVING, LOOP_COUNT, SEEN, LOOPS_MAX = 0, 1, 2, 3, 61
GONE = -2


def step(hours: memoryview, by_ms: int) -> None:
    until_s = time.monotonic() + LOST_S
    while any(seen not in (hours[AHEAD], GONE) for seen in hours[SEEN:SEEN + hours[LOOP_COUNT]]):
        if time.monotonic() > until_s:
            sys.exit(f"a loop has not seen the last step for {LOST_S} s: {hours.tolist()}")
        time.sleep(POLL_S)
    hours[AHEAD] += by_ms


with open(sys.argv[1], "r+b") as file:
    # Each number is written at once, which those of `struct` are not: others read them meanwhile.
    hours = memoryview(mmap.mmap(file.fileno(), 8 * (SEEN + LOOPS_MAX))).cast("q")
left_ms = int(sys.argv[2])
times = float(sys.argv[3]) if len(sys.argv) > 3 else 0
hours[IS_MOVING] = 1
while left_ms > 0:
    by_ms = min(left_ms, SLOW_STEP_MS if times else STEP_MS)
    step(hours, by_ms)
    left_ms -= by_ms
    if times:
        time.sleep(by_ms / 1000 / times)
hours[IS_MOVING] = 0
