#!/usr/bin/env python3
"""Many appliers at once, each of which changes resources by what it saw last; prints what each was told, a JSON object
a line, for histories/main.go.
    appliers.py SLUICE FOLDER APPLIERS OPERATIONS RESOURCES"""
import json
import pathlib
import random
import subprocess
import sys
import threading
import time

sluice, folder = sys.argv[1], pathlib.Path(sys.argv[2])
appliers, operations, resources = map(int, sys.argv[3:6])
lock = threading.Lock()
failed = []


def apply(client, number, name, expected):
    file = folder / f"applier{client}.yaml"
    file.write_text(
        "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\n"
        f"metadata: {{name: {name}}}\nspec: {{storageUri: 'stub://echo'}}\n# {client} {number}\n"
    )
    command = [sluice, "apply", str(file), "-o", "json", "--author", f"applier{client}", "--timeout", "60s",
               "--expect", f"model/{name}={expected}"]
    start = time.monotonic_ns()
    result = subprocess.run(command, capture_output=True, text=True)
    told = {"resource": name, "expected": expected, "client": client, "start": start, "end": time.monotonic_ns()}
    answer = json.loads(result.stdout or "{}")
    version = answer["versions"][0]["version"] if answer.get("versions") else None
    if answer.get("outcome") not in ("accepted", "conflict") or version is None:
        failed.append(result.stderr + result.stdout)
        return expected
    told[answer["outcome"]] = version
    with lock:
        print(json.dumps(told), flush=True)
    return version


def work(client):
    chosen, seen = random.Random(client), {}
    for number in range(operations):
        name = f"r{chosen.randrange(resources)}"
        seen[name] = apply(client, number, name, seen.get(name, 0))


threads = [threading.Thread(target=work, args=(client,)) for client in range(appliers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for words in failed[:3]:
    print(words, file=sys.stderr)
sys.exit(1 if failed else 0)
