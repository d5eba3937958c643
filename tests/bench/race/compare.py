#!/usr/bin/env python3
"""The tables of engine/COMPARISON.md, from the lines that compare.sh noted: compare.py FIGURES VERSIONS ROUNDS RATE [PAGE]

FIGURES has a line for each measurement: system, delivery, NAME=NUMBER... VERSIONS is a sentence that says what ran. Prints the
tables; with PAGE they take the place of what stands there between the two marks.
"""
import datetime, os, re, statistics, sys

BEGIN, END = "<!-- compare: begin -->", "<!-- compare: end -->"
NAMES = {"forward": "bare forwarder, no call", "sluice": "sluice", "streams": "Kafka Streams", "flink": "Apache Flink",
         "connect": "Redpanda Connect"}
DELIVERIES = {"at-least-once": "at least once", "exactly-once": "exactly once", "brisk": "exactly once, checkpoint each 100 ms"}


def read_figures(path):
    """{(system, delivery): {name: [number of each measurement]}}, in the order of the file"""
    figures = {}
    for line in open(path, encoding="utf-8"):
        system, delivery, *words = line.split()
        row = figures.setdefault((system, delivery), {})
        for name, value in (word.split("=") for word in words):
            if value:
                row.setdefault(name, []).append(float(value))
    return figures


def cell(row, name, form="{:,.0f}", divisor=1):
    return form.format(statistics.median(row[name]) / divisor) if name in row else "-"


def ratio(figures, system, delivery):
    """To the forwarder of the same round: what else the machine does is much the same there."""
    ours, theirs = figures[system, delivery].get("speed"), figures.get(("forward", delivery), {}).get("speed")
    if system == "forward" or not ours or not theirs:
        return "-"
    ratios = [mine / its for mine, its in zip(ours, theirs)]
    return f"{min(ratios):.3f} to {max(ratios):.3f}"


def table(heads, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [heads] + rows]
    return lines[:1] + ["| --- | --- |" + " ---: |" * (len(heads) - 2)] + lines[1:]


def measured(figures):
    order = sorted(figures, key=lambda key: (list(NAMES).index(key[0]), list(DELIVERIES).index(key[1])))
    speeds, kills = [], []
    for system, delivery in order:
        row = figures[system, delivery]
        names = [NAMES[system], DELIVERIES[delivery]]
        speeds.append(names + [cell(row, "speed"), ratio(figures, system, delivery), cell(row, "p50", "{:.1f}"),
                               cell(row, "p99", "{:.1f}"), cell(row, "resident"), cell(row, "disordered")])
        if "lost" in row:
            kills.append(names + [cell(row, "lost"), cell(row, "doubled"), cell(row, "moved"),
                                  cell(row, "longest", "{:.1f}", 1000)])
    return (table(["system", "delivery", "messages per CPU second", "of the forwarder's", "p50 ms", "p99 ms", "memory MiB",
                   "out of order"], speeds),
            table(["system", "delivery", "lost", "answered twice", "out of order", "longest wait s"], kills))


def machine():
    text = open("/proc/cpuinfo", encoding="utf-8").read()
    model = re.search(r"model name\s*: (.*)", text)
    hertz = re.search(r"cpu MHz\s*: (.*)", text)
    kind = " ".join(([model[1]] if model else []) + ([f"at {float(hertz[1]) / 1000:.1f} GHz"] if hertz else []))
    return f"{os.cpu_count()} cores ({kind})"


def busy():
    """A run by itself has a load of a few for each core."""
    if os.getloadavg()[2] < 3 * os.cpu_count():
        return []
    return ["Other work ran on the machine at the same time. Programs in Java, and their starts, suffer most from that: take",
            "sizes from these figures, but no ratios."]


def main():
    path, versions, rounds, rate = sys.argv[1:5]
    speeds, kills = measured(read_figures(path))
    lines = [BEGIN,
             f"Measured on {datetime.date.today().isoformat()} on {machine()}, which the broker, the model server and the load",
             f"share; load average {os.getloadavg()[2]:.1f} over the last 15 minutes.", versions,
             f"Medians of {rounds} rounds; latency at {rate} messages a second.", *busy(), "", *speeds, "",
             f"Killed with -9 under {rate} messages a second, and started again at once:", "", *kills, END]
    print("\n".join(lines[1:-1]))
    if len(sys.argv) > 5:
        page = open(sys.argv[5], encoding="utf-8").read()
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        open(sys.argv[5], "w", encoding="utf-8").write(before + "\n".join(lines) + after)


main()
