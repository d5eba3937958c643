"""Asks pipeline hello at an HTTP gateway and prints the answer. Usage: ask_http.py URL REQUEST.json"""
import json, sys, urllib.request

body = open(sys.argv[2], "rb").read()
headers = {"content-type": "application/json", "x-timeout-ms": "5000"}
call = urllib.request.Request(sys.argv[1] + "/v2/pipelines/hello/infer", body, headers)
with urllib.request.urlopen(call, timeout=10) as reply:
    print(json.load(reply)["outputs"])
