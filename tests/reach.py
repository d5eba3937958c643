#!/usr/bin/env python3
"""Tells which unit test programs an edit can reach: reach.py BUILD FINGERPRINTS PASSED PROGRAM...

Prints those of PROGRAM... whose fingerprint is not the one that PASSED says they passed with, and writes all their
fingerprints into FINGERPRINTS: lines `PROGRAM FINGERPRINT`, as PASSED holds them. A program's fingerprint is made of

- the objects that it reaches: its own, and those that define what a reached object does not. An edit of a header is in
  the objects of what includes it. Lines for debuggers do not count: a comment reaches nothing, unless a line's number
  is in the program;
- Makefile, run-unit.sh and this file, and the shared libraries that the programs are linked with;
- those variables of the environment that it or a helper of the tests names;
- if it or a helper that it reaches names a path of the tree: all files there that are not C.
"""
import functools, glob, hashlib, os, re, struct, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOPS = ("compose", "engine", "pipelines", "schemas", "steps", "tests")
PATH = re.compile(rb"(?:^|[^A-Za-z0-9_-])(?:%s)/[A-Za-z0-9_.%%]" % "|".join(TOPS).encode())
IN_EACH = ("tests/unit_program.c", "tests/thread_sanitizer.c")
BESIDE = ("Makefile", "tests/run-unit.sh", "tests/reach.py")
SHT_SYMTAB, SHT_NOBITS, SHN_UNDEF, STB_LOCAL, INIT_ARRAYS = 2, 8, 0, 0, (14, 15, 16)


class Object:
    """what an ELF object (64 bits, little endian) defines, needs, says and is"""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is not an object that reach.py can read")
        self.defines, self.needs, self.begins_by_itself = set(), set(), False
        at, (size, count, names) = struct.unpack_from("<Q", data, 40)[0], struct.unpack_from("<3H", data, 58)
        sections = [struct.unpack_from("<2I4Q2I2Q", data, at + i * size) for i in range(count)]
        digest, texts = hashlib.sha256(), []
        for section in sections:
            name_at = sections[names][4] + section[0]
            name, kind = data[name_at:data.index(b"\0", name_at)], section[1]
            content = b"" if kind == SHT_NOBITS else data[section[4]:section[4] + section[5]]
            if b".debug_" not in name and section is not sections[names]:
                digest.update(b"%s %d %d " % (name, section[2], section[5]) + content)
            self.begins_by_itself |= kind in INIT_ARRAYS
            if name.startswith((b".rodata", b".data")) and kind != SHT_NOBITS:
                texts += content.split(b"\0")
            if kind == SHT_SYMTAB:
                self.read_symbols(data, content, sections[section[6]][4])
        self.digest, self.texts = digest.digest(), set(texts)

    def read_symbols(self, data, symbols, names_at):
        for name, info, _, section, _, _ in struct.iter_unpack("<I2BH2Q", symbols):
            if name and info >> 4 != STB_LOCAL:
                at = names_at + name
                (self.needs if section == SHN_UNDEF else self.defines).add(data[at:data.index(b"\0", at)])

    def names_a_path(self):
        return any(text.decode("ascii", "replace") in TOPS or PATH.search(text) and not text.endswith((b".c", b".h"))
                   for text in self.texts)


def sources_of(*folders):
    """files of C below them"""
    return [os.path.join(at, name)[len(ROOT) + 1:] for folder in folders for at, _, names in os.walk(os.path.join(ROOT, folder))
            for name in names if name.endswith(".c")]


def objects_of(build):
    """path -> object, of all that is linked into unit test programs beside their own"""
    sources = [*sources_of("engine", "steps", "tests/unit", "tests/lab"), *IN_EACH, "build/gen/schemas.c"]
    paths = [f"{build}/obj/{source[:-2]}.o" for source in sources if not source.endswith("_test.c")]
    return {path: Object(path) for path in sorted(paths) if os.path.exists(path)}


@functools.cache
def state_of_files():
    """of all files of the tree that are not C"""
    digest = hashlib.sha256()
    for top in TOPS:
        for at, folders, names in sorted(os.walk(os.path.join(ROOT, top))):
            folders[:] = sorted(folder for folder in folders if folder != "__pycache__")
            for name in sorted(names):
                if not name.endswith((".c", ".h")):
                    path = os.path.join(at, name)
                    state = os.lstat(path)
                    digest.update(f"{path[len(ROOT):]} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.digest()


def state_beside(build):
    """of what reaches every program"""
    digest = hashlib.sha256()
    for path in BESIDE:
        with open(os.path.join(ROOT, path), "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    libraries = subprocess.run(["ldd", f"{build}/libsluice.so"], capture_output=True, text=True).stdout
    for path in sorted(set(re.findall(r"/\S+", libraries)) | set(glob.glob("/usr/lib/*/libcmocka.so*"))):
        state = os.stat(path)
        digest.update(f"{os.path.realpath(path)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.digest()


class Reach:
    """what each program reaches"""

    def __init__(self, build):
        self.build, self.beside, self.objects = build, state_beside(build), objects_of(build)
        self.sources = {os.path.basename(source)[:-2]: source for source in sources_of("tests/unit")}
        self.definers = {}
        for path, one in self.objects.items():
            for symbol in one.defines:
                self.definers.setdefault(symbol, []).append(path)
        in_each = {f"{build}/obj/{source[:-2]}.o" for source in IN_EACH}
        self.first = [path for path, one in self.objects.items() if one.begins_by_itself or path in in_each]

    def closure(self, own):
        reached, waiting = set(), list(self.first)
        symbols = set(own.needs)
        while True:
            for symbol in symbols:
                waiting += self.definers.get(symbol, ())
            symbols = set()
            for path in waiting:
                if path not in reached:
                    reached.add(path)
                    symbols |= self.objects[path].needs
            if not symbols:
                return sorted(reached)
            waiting = []

    def fingerprint(self, program):
        own = Object(f"{self.build}/obj/{self.sources[os.path.basename(program)][:-2]}.o")
        reached = self.closure(own)
        digest = hashlib.sha256(self.beside + own.digest)
        for path in reached:
            digest.update(path[len(self.build):].encode() + self.objects[path].digest)
        speakers = [own] + [self.objects[path] for path in reached if "/obj/tests/" in path]
        for name, value in sorted(os.environ.items()):
            if name != "TEST" and any(name.encode() in one.texts for one in speakers):
                digest.update(f"{name}={value}\n".encode())
        if any(one.names_a_path() for one in speakers):
            digest.update(state_of_files())
        return digest.hexdigest()


def lines_of(path):
    try:
        with open(path) as file:
            return dict(line.split() for line in file)
    except (OSError, ValueError): # there is none yet, or one that is broken: no program has passed
        return {}


def main():
    build, fingerprints, passed, *programs = sys.argv[1:]
    reach, known = Reach(build), lines_of(passed)
    with open(fingerprints, "w") as out:
        for program in programs:
            fingerprint = reach.fingerprint(program)
            out.write(f"{program} {fingerprint}\n")
            if known.get(program) != fingerprint:
                print(program)


if __name__ == "__main__":
    main()
