#!/usr/bin/env python3
"""Holds the calls between files against the rule of no cycles: cycles.py FOLDER [LIST]

FOLDER holds the objects of a build. A file calls another if it has an undefined symbol that is a function of the
other. Files that call each other in a circle must be a set of LIST (tests/cycles.txt): one thing in several files,
behind one private header. Each line of LIST is a header and the files of its set. The check fails for

- a circle that is not inside one set;
- a file of a set that is in no circle (the set is out of date);
- a file of a set that does not include the set's header, directly or through another header;
- a header of a set that is included from another module.
"""
import collections, functools, os, re, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def calls_of(folder):
    """file -> files whose functions it uses"""
    sources = [os.path.join(at, name)[len(ROOT) + 1:-2] for top in ("engine", "steps")
               for at, _, names in os.walk(os.path.join(ROOT, top)) for name in names if name.endswith(".c")]
    objects = {os.path.join(folder, source + ".o"): source for source in sources}
    missing = sorted(source for path, source in objects.items() if not os.path.exists(path))
    if missing:
        sys.exit(f"cycles: {folder} has no object of {missing[0]}.c; run `make all`")
    listed = subprocess.run(["nm", "-A", "-g"] + sorted(objects), capture_output=True, text=True, check=True).stdout
    owner, uses = {}, collections.defaultdict(set)
    for line in listed.splitlines():
        path, rest = line.split(":", 1)
        kind, symbol = rest.split()[-2:]
        if kind == "U":
            uses[objects[path]].add(symbol)
        elif kind in "TW":
            owner[symbol] = objects[path]
    return {source: {owner[symbol] for symbol in uses[source] if symbol in owner} - {source} for source in sources}


def circles_of(calls):
    """The largest sets of files each of which reaches each other, by Tarjan's algorithm."""
    index, low, stack, circles = {}, {}, [], []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for called in sorted(calls[file]):
            if called not in index:
                visit(called)
            if called in stack:
                low[file] = min(low[file], low[called])
        if low[file] == index[file]:
            at = stack.index(file)
            circle = set(stack[at:])
            del stack[at:]
            if len(circle) > 1:
                circles.append(circle)

    sys.setrecursionlimit(10000)
    for file in sorted(calls):
        if file not in index:
            visit(file)
    return circles


@functools.cache
def includes_of(path):
    with open(os.path.join(ROOT, path)) as source:
        return re.findall(r'^#include "([^"]+)"', source.read(), re.M)


def reaches(path, header, seen):
    """whether the file includes the header, directly or through others"""
    for include in includes_of(path):
        place = include if include.startswith("steps/") else "engine/" + include
        if include == header or (place not in seen and not seen.add(place) and os.path.exists(os.path.join(ROOT, place)) and
                                 reaches(place, header, seen)):
            return True
    return False


def sets_of(path):
    """header -> files"""
    sets = {}
    with open(path) as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                header, files = line.split(":", 1)
                module = header.rsplit("/", 1)[0]
                place = module if module == "steps" else "engine/" + module
                sets[header] = {f"{place}/{name}" for name in files.split()}
    return sets


def faults_of(circles, sets):
    inside = set().union(*circles) if circles else set()
    for circle in circles:
        if not any(circle <= files for files in sets.values()):
            yield "these files call each other in a circle: " + " ".join(sorted(circle))
    for header, files in sets.items():
        module = header.rsplit("/", 1)[0]
        for file in sorted(files):
            if file not in inside:
                yield f"{file}.c is listed behind {header}, and is in no circle"
            elif not reaches(file + ".c", header, set()):
                yield f"{file}.c is listed behind {header}, and does not include it"
        for top in ("engine", "steps"):
            for at, _, names in os.walk(os.path.join(ROOT, top)):
                for name in names:
                    path = os.path.join(at, name)[len(ROOT) + 1:]
                    own = os.path.dirname(path).removeprefix("engine/") == module
                    if not own and name[-2:] in (".c", ".h") and header in includes_of(path):
                        yield f"{path} includes {header}, which is private to its module"


def main():
    folder = os.path.abspath(sys.argv[1])
    circles = circles_of(calls_of(folder))
    sets = sets_of(sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, "tests/cycles.txt"))
    faults = list(faults_of(circles, sets))
    for fault in faults:
        print("cycles:", fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"cycles: none but in the {len(sets)} sets of files that are listed")


if __name__ == "__main__":
    main()
