#!/usr/bin/env python3
"""Events for tests/kafka/windows.sh, and what must come of them, worked out as tests/judge/windows.py does.
usage: windows.py pipeline TOPIC DELIVERY FORM | requests COUNT | check COUNT FORM ANSWERS, where FORM is a row of its FORMS"""
import json, math, os, random, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "judge"))
import windows


def events(count):
    chance, time = random.Random(7), 1700000000000
    for _ in range(count):
        time += int(chance.expovariate(1 / 20))
        ts = time - (int(chance.expovariate(1 / 800)) if chance.random() < 0.3 else 0)
        value = math.nan if chance.random() < 0.05 else chance.gauss(100, 10)
        yield {"key": "key %d" % chance.randrange(200), "ts": ts, "value": value, "count": chance.randrange(4)}
    for _ in range(10):
        yield {"key": "end", "ts": time + 10**7, "value": 0.0, "count": 0}


def pipeline(topic, delivery, form):
    text = windows.PIPELINE % (windows.FORMS[form][0], "drop")
    text = text.replace("{name: stream}", "{name: %s, namespace: %s}" % (topic, topic))
    text = text.replace("spec:\n", "spec:\n  delivery: %s\n" % delivery).replace("input: {", "input: {topic: %s, " % topic)
    return text.replace("output: {", "output: {topic: %s-answers, " % topic)


def check(count, form, path):
    expected = windows.Windows(**windows.FORMS[form][1])
    for event in events(count):
        expected.add(event["key"].encode(), event["ts"], event)
    wanted = {w[0].decode(): windows.answer(w[3], w[4]) for w in expected.left}
    order, seen, wrong, errors = [w[0].decode() for w in expected.left], [], 0, 0
    for line in open(path):
        answer = json.loads(line)
        if "response" not in answer:
            print(line, file=sys.stderr)
            errors += 1
            continue
        seen.append(answer["id"])
        wrong += seen[-1] in wanted and bool(windows.differs(answer["response"], wanted[seen[-1]]))
    lost, doubled = len(set(wanted) - set(seen)), len(seen) - len(set(seen))
    print("windows=%d lost=%d doubled=%d errors=%d unknown=%d wrong=%d disordered=%d" % (
        len(seen), lost, doubled, errors, len(set(seen) - set(wanted)), wrong, seen != order if not lost and not doubled else 0))


if sys.argv[1] == "pipeline":
    sys.stdout.write(pipeline(sys.argv[2], sys.argv[3], int(sys.argv[4])))
elif sys.argv[1] == "requests":
    for number, event in enumerate(events(int(sys.argv[2]))):
        value = "NaN" if math.isnan(event["value"]) else event["value"]
        print(json.dumps({"id": "e%d" % number, "key": event["key"], "body": json.dumps({**event, "value": value})}))
else:
    check(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
