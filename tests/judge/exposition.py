"""Strict reader of metrics in the text formats of Prometheus (0.0.4) and OpenMetrics (1.0): what they forbid is a ValueError."""
import math, re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
ENDINGS = {"summary": ("_sum", "_count"), "counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"], "untyped": [""], "unknown": [""]}


def labels_read(text, at):
    """Labels from behind their brace on, and where they end"""
    labels = {}
    while text[at] != "}":
        name, equals, _ = text[at:].partition('="')
        if not equals or not LABEL.match(name) or name in labels:
            raise ValueError(f"a label at {text[at:at + 40]!r}")
        at, value = at + len(name) + 2, ""
        while text[at] != '"':
            if text[at] == "\\":
                value += {"\\": "\\", '"': '"', "n": "\n"}[text[at + 1]]
                at += 2
            else:
                value += text[at]
                at += 1
        labels[name] = value
        at += 1
        if text[at] == ",":
            at += 1
            if text[at] == "}":
                raise ValueError("a comma before the brace")
        elif text[at] != "}":
            raise ValueError(f"no comma at {text[at:at + 40]!r}")
    return labels, at + 1


def sample_read(line):
    name = re.match(r"[^{ ]+", line).group()
    at, labels = len(name), {}
    if not NAME.match(name):
        raise ValueError(f"the name {name!r}")
    if line[at] == "{":
        labels, at = labels_read(line, at + 1)
    if line[at] != " " or not re.match(r"(-?[0-9.]+(e[+-]?[0-9]+)?|[+-]Inf|NaN)\Z", line[at + 1:]):
        raise ValueError(f"the value of {line!r}")
    return name, labels, float(line[at + 1:])


class Family:
    def __init__(self, name):
        self.name, self.help, self.type, self.unit, self.samples = name, None, None, None, []


def family_check(family, open_metrics):
    if not family.help or family.type not in ENDINGS:
        raise ValueError(f"{family.name} has no help, or no type")
    base = family.name if open_metrics or family.type != "counter" else family.name.removesuffix("_total")
    if family.unit and not base.endswith("_" + family.unit):
        raise ValueError(f"{family.name} does not end with its unit")
    seen, groups = set(), {}
    for name, labels, value in family.samples:
        ending = name.removeprefix(base)
        if base + ending != name or ending not in ENDINGS[family.type]:
            raise ValueError(f"{name} is none of {family.name}")
        key = (name, tuple(sorted(labels.items())))
        if key in seen:
            raise ValueError(f"{key} stands there twice")
        seen.add(key)
        # Profits and losses that a pipeline declares may sum up to less than 0, as with Prometheus' own clients. OpenMetrics
        # has no such sums.
        falls = ending == "_sum" and not open_metrics and not family.name.startswith(("sluice_", "seldon_", "process_"))
        if family.type != "gauge" and not value >= 0 and not falls:
            raise ValueError(f"{key} is {value}")
        if family.type == "histogram":
            group = groups.setdefault(tuple(sorted((k, v) for k, v in labels.items() if k != "le")), {})
            group.setdefault(ending, []).append((labels.get("le"), value))
    for labels, group in groups.items():
        limits = [float(limit) for limit, _ in group["_bucket"]]
        counts = [count for _, count in group["_bucket"]]
        if limits != sorted(set(limits)) or limits[-1] != math.inf or counts != sorted(counts):
            raise ValueError(f"the buckets of {family.name}{dict(labels)}: {group}")
        # OpenMetrics: buckets below 0 have no sum; and a count comes with a sum, and never alone.
        summed = "_sum" in group
        if summed != ("_count" in group) or (open_metrics and summed and limits[0] < 0) or not (summed or open_metrics):
            raise ValueError(f"the sum of {family.name}{dict(labels)}: {group}")
        if summed and counts[-1] != group["_count"][0][1]:
            raise ValueError(f"the buckets and the count of {family.name}{dict(labels)}: {group}")


def exposition_read(text, open_metrics):
    """Its families by name"""
    families, family = {}, None
    if not text.endswith("\n") or "\n\n" in text or "\r" in text:
        raise ValueError("lines do not end as they must")
    lines = text[:-1].split("\n")
    if open_metrics:
        if lines.pop() != "# EOF":
            raise ValueError("there is no end")
    for line in lines:
        if line.startswith("#"):
            mark, word, name, rest = line.split(" ", 3)
            if mark != "#" or word not in ("HELP", "TYPE", "UNIT") or not NAME.match(name) or (word == "UNIT" and not open_metrics):
                raise ValueError(f"the line {line!r}")
            if family is None or family.name != name:
                if name in families:
                    raise ValueError(f"{name} stands in two places")
                family = families[name] = Family(name)
            if getattr(family, word.lower()) is not None or family.samples:
                raise ValueError(f"{word} of {name} is late, or there twice")
            setattr(family, word.lower(), rest)
        else:
            if family is None:
                raise ValueError(f"a sample without a family: {line!r}")
            family.samples.append(sample_read(line))
    for family in families.values():
        family_check(family, open_metrics)
    return families
