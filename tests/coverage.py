#!/usr/bin/env python3
"""How much of the engine's code the unit tests and the cases run: coverage.py BUILD [LEAST]

BUILD holds objects made with --coverage whose programs have run (`make coverage` does both).
Prints the share of lines for each module, the files with the most lines that nothing ran, and
the whole; with LEAST, in percent, less is a failure.
"""
import collections, concurrent.futures, glob, json, os, subprocess, sys

WORST = 12


def lines_of(path):
    """{(file, line): ran}"""
    made = subprocess.run(["gcov", "--json-format", "--stdout", path], capture_output=True, text=True, check=True).stdout
    found = {}
    for document in made.splitlines():
        for file in json.loads(document)["files"]:
            if file["file"].startswith(("engine/", "steps/")):
                for line in file["lines"]:
                    place = (file["file"], line["line_number"])
                    found[place] = found.get(place, False) or line["count"] > 0
    return found


def module_of(file):
    return os.path.dirname(file)


def main():
    build, least = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0
    notes = [path for folder in ("engine", "steps") for path in glob.glob(f"{build}/obj/{folder}/**/*.gcno", recursive=True)]
    ran = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lines_of, notes):
            for place, did in found.items():
                ran[place] = ran.get(place, False) or did
    modules, files = collections.Counter(), collections.Counter()
    whole = collections.Counter(module_of(file) for file, _ in ran)
    for (file, _), did in ran.items():
        modules[module_of(file)] += did
        files[file] += not did
    for module in sorted(whole):
        print(f"{100 * modules[module] / whole[module]:6.1f} %  {whole[module]:6} lines  {module}")
    print("most lines that nothing ran:")
    for file, count in files.most_common(WORST):
        print(f"{count:9}          {file}")
    share = 100 * sum(ran.values()) / max(len(ran), 1)
    print(f"{share:6.1f} %  {len(ran):6} lines  in all")
    return 0 if share >= least else 1


if __name__ == "__main__":
    sys.exit(main())
