#!/usr/bin/env python3
"""Judges `sluice schema` by another's validator: schema.py SLUICE FOLDER...

A document that lint accepts is valid by the schema. One with an unknown field is not, and the validator's errors, as an
editor shows them, name the field: they come from the schema of the document's own kind.
"""
import concurrent.futures, json, pathlib, re, subprocess, sys

try:
    import jsonschema, yaml
except ImportError as error:
    print(f"skipped: schema: {error.name} is not installed (python3-jsonschema, python3-yaml)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)


class Loader(yaml.SafeLoader):
    """YAML 1.2, which editors read: `no` is a text, and so is a date"""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
                            ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
                            ("int", "[-+]?[0-9]+", "-+0123456789"),
                            ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
                            ("merge", "<<", "<")):
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{pattern})$"), list(first))


def faults_of(sluice, path):
    """the errors and the unknown fields that lint finds"""
    run = subprocess.run([sluice, "lint", "-o", "json", path], capture_output=True, text=True, timeout=60)
    try:
        return [fault for fault in json.loads(run.stdout) if fault["severity"] == "error"]
    except ValueError:
        return [{"code": "unread"}]


def errors_of(validator, document):
    """all of a validator's messages, those of alternatives too"""
    waiting, messages = list(validator.iter_errors(document)), []
    while waiting:
        error = waiting.pop()
        messages.append(error.message)
        waiting += error.context or []
    return messages


def judge(validator, path, faults, known):
    """None where the file says nothing about the schema; else the fault of the schema, or an empty text"""
    try:
        documents = [each for each in yaml.load_all(path.read_text(encoding="utf-8"), Loader=Loader)
                     if isinstance(each, dict) and each.get("kind") in known]
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    if not documents:
        return None
    messages = [text for document in documents for text in errors_of(validator, document)]
    if not faults:
        return f"lint accepts it, the schema does not: {messages[0]}" if messages else ""
    unknown = re.match(r"`([^`]+)` is not a field", faults[0].get("message", ""))
    if len(faults) > 1 or faults[0]["code"] != "SL0301" or not unknown:
        return None
    field = unknown.group(1)
    named = [text for text in messages if f"'{field}'" in text or f"({field} " in text]
    return "" if named else f"no error names `{field}`: {messages[:2]}"


def main():
    sluice, folders = sys.argv[1], sys.argv[2:]
    schema = json.loads(subprocess.run([sluice, "schema"], capture_output=True, check=True, text=True).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    paths = sorted(path for folder in folders for path in pathlib.Path(folder).rglob("*.yaml"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        faults = list(pool.map(lambda path: faults_of(sluice, path), paths))
    passed, failed, refused = 0, 0, 0
    for path, found in zip(paths, faults):
        wrong = judge(validator, path, found, schema["$defs"])
        if wrong:
            failed += 1
            print(f"FAIL {path}: {wrong[:300]}")
        elif wrong is not None:
            passed += 1
            refused += bool(found)
    if refused == 0:
        failed += 1
        print("FAIL no file has an unknown field alone")
    for document, words in (({"kind": "Pipelin"}, "'Pipelin' is not one of"), ({"apiVersion": "v1"}, "'kind' is a required property")):
        messages = errors_of(validator, document)
        if len(messages) == 1 and words in messages[0]:
            passed += 1
        else:
            failed += 1
            print(f"FAIL {document}: {messages}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
