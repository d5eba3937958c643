#!/usr/bin/env python3
"""Figures of path.sh, as lines NAME<tab>VALUE, of one message:

times SPEED BACKLOG SWITCHES <script of perf      nanoseconds by thread and phase; context switches
counts MESSAGES FEW... -- MORE...                 instructions, from callgrind's files of two sizes
batches FOLDER...                                 batches and records in the logs of a topic
added BEFORE <batches                             records a batch since
fetches TOPIC <librdkafka's log                   records a fetch, and a run of one partition
table FORWARD SLUICE                              both side by side, as Markdown
"""
import collections, glob, os, re, struct, sys

# A phase is the innermost function of these on the stack.
PHASES = {
    "fetch": ["kafka_take", "rd_kafka_consume_batch_queue"],
    "give back the record": ["record_release", "rd_kafka_message_destroy"],
    "decode": ["message_decode", "mapped_decode", "record_headers", "message_classify_headers"],
    "flow": ["flow_enter"],
    "encode": ["answer_record_write"],
    "produce": ["at_least_once_produce", "at_least_once_send", "transaction_produce", "transaction_send", "rd_kafka_produce"],
    "acknowledgements": ["commits_on_news"],
    "commit": ["commits_begin", "rd_kafka_flush", "rd_kafka_commit", "rd_kafka_send_offsets_to_transaction",
               "rd_kafka_commit_transaction", "rd_kafka_begin_transaction"],
}
PHASE_OF = {function: phase for phase, functions in PHASES.items() for function in functions}


def say(figures):
    for name, value in figures.items():
        print(f"{name}\t{value:.4g}" if value < 100 else f"{name}\t{value:.0f}")


def thread_kinds(functions_of, weights):
    """of each thread: its own if it has a phase; of the others the consumer's allocates records, the producer's does most"""
    kinds = {one: "own" if any(functions[name] for name in PHASE_OF) else "other threads" for one, functions in functions_of.items()}
    for kind, weigh in (("consumer's broker thread", lambda one: functions_of[one]["calloc"]), ("producer's broker thread", weights.get)):
        others = [one for one in kinds if kinds[one] == "other threads"]
        if others:
            kinds[max(others, key=weigh)] = kind
    return kinds


def times(speed, backlog, switches):
    samples, functions_of, sample = [], collections.defaultdict(collections.Counter), None
    for line in sys.stdin:
        if line.strip() and "(" not in line:
            sample = (int(line.split()[-1].strip(":")), [])
            samples.append(sample)
        elif line.strip():
            words = line.split()
            function, place = words[1].split("+")[0], words[-1].strip("()")
            sample[1].append((function, "kernel" in place or place.startswith("[")))
    for thread, stack in samples:
        for function in {function.lstrip("_") for function, _ in stack}:
            functions_of[thread][function] += 1
    kinds, cells = thread_kinds(functions_of, collections.Counter(thread for thread, _ in samples)), collections.Counter()
    for thread, stack in samples:
        phase = next((PHASE_OF[function] for function, _ in stack if function in PHASE_OF), "the rest")
        name = phase if kinds[thread] == "own" else kinds[thread]
        cells[name] += 1
        if stack and stack[0][1]:
            cells[f"{name}, in the kernel"] += 1
    whole = 1e9 / float(speed)
    per_sample = whole / max(1, len(samples))
    say({f"ns\t{name}": count * per_sample for name, count in cells.items()} | {"ns\tall": whole})
    moved = collections.Counter()
    with open(switches, encoding="utf-8") as file:
        for line in file:
            thread, count = int(line.split("/")[4]), int(line.split()[-1])
            kind = {"own": "own thread"}.get(kinds.get(thread, "other threads"), kinds.get(thread, "other threads"))
            moved[f"{kind}, {'in' if 'nonvoluntary' in line else ''}voluntary"] += count
    say({f"switches\t{name}": count / int(backlog) * 1000 for name, count in moved.items()})


def callgrind(path):
    """of a thread: its own cost by function, inclusive cost by function, calls by callee"""
    names, own, whole, calls = {}, collections.Counter(), collections.Counter(), collections.Counter()
    function = callee = None
    called = False

    def name_of(text):
        number, _, name = text.partition(" ")
        if name:
            names[number] = name.split("'")[0]
        return names[number]

    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("fn="):
                function = name_of(line[3:].strip())
            elif line.startswith("cfn="):
                callee = name_of(line[4:].strip())
            elif line.startswith("calls="):
                calls[callee] += int(line[6:].split()[0])
                called = True
            elif line[:1] in "+-*0123456789" and function:
                cost = int(line.split()[-1])
                whole[function] += cost
                if not called:
                    own[function] += cost
                called = False
    return sum(own.values()), whole, calls


def counts_of(paths):
    threads = {path: callgrind(path) for path in paths}
    functions_of = {path: collections.Counter({name.lstrip("_"): count for name, count in calls.items()}) +
                    collections.Counter(name for name in whole if name in PHASE_OF) for path, (_, whole, calls) in threads.items()}
    kinds, cells = thread_kinds(functions_of, {path: total for path, (total, _, _) in threads.items()}), collections.Counter()
    for path, (total, whole, _) in threads.items():
        if kinds[path] != "own":
            cells[kinds[path]] += total
            continue
        left = total
        for function, phase in PHASE_OF.items():
            if not (function.startswith("rd_kafka") and "worker_turn" in whole):  # our own call it
                cells[phase] += whole[function]
                left -= whole[function]
        cells["the rest"] += left
    return cells


def counts(messages, paths):
    split = paths.index("--")
    few, more = counts_of(paths[:split]), counts_of(paths[split + 1:])
    cells = {name: (more[name] - few[name]) / int(messages) for name in more}
    say({f"instructions\t{name}": count for name, count in cells.items()} | {"instructions\tall": sum(cells.values())})


def batches(folders):
    count = records = 0
    for path in (path for folder in folders for path in glob.glob(os.path.join(folder, "*.log"))):
        with open(path, "rb") as file:
            while len(head := file.read(61)) == 61:
                length, = struct.unpack(">i", head[8:12])
                attributes, = struct.unpack(">h", head[21:23])
                if length <= 0:
                    break
                if not attributes & 0x20:  # the end of a transaction is none of ours
                    count += 1
                    records += struct.unpack(">i", head[57:61])[0]
                file.seek(length - 49, 1)
    print(count, records)


def added(before):
    with open(before, encoding="utf-8") as file:
        old = [int(word) for word in file.read().split()]
    new = [int(word) for word in sys.stdin.read().split()]
    say({"records\ta produced batch": (new[1] - old[1]) / max(1, new[0] - old[0])})


def fetches(topic):
    parts, runs, requests, last, ahead = [], [], 0, None, 0
    for line in sys.stdin:
        requests += bool(re.search(r"Fetch (?:topic|\d+/\d+/\d+ toppar)", line) and "toppar(s)" in line)
        found = re.search(rf"Enqueue (\d+) message\(s\).* on {topic} \[(\d+)\] fetch queue \(qlen (\d+)", line)
        if not found or found.group(1) == "0":
            continue
        count, partition = int(found.group(1)), found.group(2)
        ahead = max(ahead, int(found.group(3)))
        parts.append(count)
        if partition == last:
            runs[-1] += count
        else:
            runs.append(count)
        last = partition
    say({"records\ta fetch": sum(parts) / max(1, requests), "records\ta partition of a fetch": sum(parts) / max(1, len(parts)),
         "records\ta run of a partition at intake": sum(runs) / max(1, len(runs)), "records\tmost ahead in the queue": ahead})


def table(paths):
    read = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            read.append({tuple(line.split("\t")[:2]): line.strip().split("\t")[2] for line in file})
    order = ["all"] + [name + part for name in list(PHASES) + ["the rest", "consumer's broker thread", "producer's broker thread",
                                                               "other threads"] for part in ("", ", in the kernel")]
    print("| of a message | forwarder ns | sluice ns | forwarder instructions | sluice instructions |\n| --- | --: | --: | --: | --: |")
    for name in order:
        cells = [one.get((what, name), "") for what in ("ns", "instructions") for one in read]
        if any(cells) and ("kernel" not in name or any(float(cell or 0) >= 10 for cell in cells)):
            print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n| | forwarder | sluice |\n| --- | --: | --: |")
    for key in dict.fromkeys(key for one in read for key in one if key[0] in ("records", "switches")):
        what = "context switches for 1,000 messages: " if key[0] == "switches" else "records: "
        print(f"| {what}{key[1]} | " + " | ".join(one.get(key, "") for one in read) + " |")
    print()


if __name__ == "__main__":
    mode, rest = sys.argv[1], sys.argv[2:]
    {"times": lambda: times(*rest), "counts": lambda: counts(rest[0], rest[1:]), "batches": lambda: batches(rest),
     "added": lambda: added(*rest), "fetches": lambda: fetches(*rest), "table": lambda: table(rest)}[mode]()
