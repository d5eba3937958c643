#!/usr/bin/env python3
"""Answers of `sluice test --print` or `sluice tail -o json` as a list to read: a payment a line."""
import json, sys

for text in sys.stdin:
    line = json.loads(text)
    said = {tensor["name"]: tensor["data"][0] for tensor in line.get("response", {}).get("outputs", [])}
    if said:
        risk = f"{said['risk']:.2f}" if "risk" in said else "    "
        print(f"{line['id']:28} {said['card']}  {risk}  {said['verdict']:8} {said['reasons']}".rstrip())
    elif "error" in line:
        print(f"{line['id']:28} refused: {line['error']['message']}")
