#!/bin/bash
# Drift by segments on a real Kafka: as many as can be watched, and one more, in two engines, of which the one that observes is
# killed with -9. Each watched segment has one verdict a window, those that are moved have drift, an alert of each group fires once,
# and the rows of segments beyond the limit are counted.
#   segments.sh SLUICE BUILD      with records in BUILD
# Takes about a minute; SEGMENTS=5000 is another number of segments.
set -u
what=segments
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
segments=${SEGMENTS:-1001} most=1000 rounds=45 window=20 moved=100 # each hundredth segment is moved in its second window
watched=$((segments < most ? segments : most))
export SLUICE_BROKERS SLUICE_SETTINGS=

start_observing() { # $1 instance
	"$sluice" run -f "$dir/p.yaml" --brokers "$brokers" --instance "$1" --alert-allow 127.0.0.1 --metrics "$2" \
		>>"$dir/engine-$1.log" 2>&1 &
	ours $!
}

# Rows in rounds: one of each segment, so that all windows are open at once.
requests() {
	python3 - "$segments" $rounds $window $moved <<'PYTHON'
import json, random, sys
segments, rounds, window, moved = map(int, sys.argv[1:])
random.seed(5)
for row in range(rounds):
    for segment in range(segments):
        number = random.gauss(4 if segment % moved == 7 and row >= window else 0, 1)
        tensor = {"name": "x", "datatype": "FP64", "shape": [1], "data": [number]}
        print(json.dumps({"id": f"{segment}-{row}", "key": f"s{segment}", "request": {"inputs": [tensor]}}))
PYTHON
}

verdicts() { # into $dir/verdicts
	"$build/records" dump "$brokers" sluice.default.pipeline.p.drift 2>"$dir/records.log" |
		"$here/verdicts.py" "$here/../../schemas/drift_score.avsc" >"$dir/verdicts" 2>"$dir/verdicts.log"
}
closed() { jq -r 'select(.messages > 0) | "\(.segment) \(.window)"' "$dir/verdicts"; }
has_windows() { verdicts && [ "$(closed | sort -u | wc -l)" -ge "$1" ]; }
resident_kb() { awk '/VmHWM/ {print $2}' "/proc/$1/status"; }
metric() { curl -s "127.0.0.1:$1/metrics" | awk -v name="$2" 'index($0, name "{") == 1 {print int($NF)}'; } # $1 port, $2 name

start_broker brisk
SLUICE_BROKERS=$brokers
port=$(free_port)
cat >"$dir/p.yaml" <<YAML
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  delivery: exactly-once
  steps:
  - name: watch
    drift: {tensors: [x], reference: usual.json, window: $window, groupBy: key, falseAlarms: 0.001 per 1000}
  output: {steps: [watch]}
  alerts:
  - name: moved
    condition: is_drift == 1
    groupBy: key
    resolveAfter: 1h
    actions: [{type: webhook, url: "http://127.0.0.1:$port/hook"}]
YAML
python3 -c 'import random; random.seed(3); print("x"); [print(random.gauss(0, 1)) for _ in range(1000)]' >"$dir/usual.csv"
"$sluice" fit drift "$dir/usual.csv" -f "$dir/p.yaml" --step watch --out "$dir/usual.json" >"$dir/fit.log" 2>&1 ||
	give_up "no reference"
python3 "$here/receiver.py" "$port" >"$dir/notices" 2>"$dir/receiver.log" &
ours $!
requests >"$dir/requests"

one_port=$(free_port) two_port=$(free_port)
start_observing one "$one_port"
one=$started
start_observing two "$two_port"
two=$started
for name in one two; do
	wait_until 30 grep -qs 'p: reads' "$dir/engine-$name.log" || give_up "engine $name does not start"
done
sleep 5 # until both have their partitions
begun=$SECONDS
"$sluice" produce p "$dir/requests" --rate $((3 * segments)) >/dev/null 2>"$dir/produce.log" &
ours $!
producer=$started
wait_until 120 has_windows $((watched / 2)) || give_up "no verdicts"
observing=$one other=$two other_port=$two_port other_name=two
[ "$(metric "$two_port" sluice_drift_segments)" -eq 0 ] || observing=$two other=$one other_port=$one_port other_name=one
echo "$what: memory of the observing engine before it is killed: $(($(resident_kb "$observing") / 1024)) MiB; at $((SECONDS - begun)) s"
kill_at_once "$observing"
wait_for "$producer" || give_up "requests were not written"
wait_until 240 has_windows $((2 * watched)) || give_up "there are no verdicts of $((2 * watched)) windows: $(closed | sort -u | wc -l)"
sleep 2
verdicts
echo "$what: memory of the other: $(($(resident_kb "$other") / 1024)) MiB; all windows closed after $((SECONDS - begun)) s"
expect "verdicts, one a window" "$(closed | wc -l)" "-eq $((2 * watched))"
expect "segments that have some" "$(closed | cut -d' ' -f1 | sort -u | wc -l)" "-eq $watched"
drifting=$(jq -r 'select(.is_drift) | .segment' "$dir/verdicts" | sort -u | wc -l)
expect "segments with drift" "$drifting" "-ge $((watched / moved * 95 / 100))"
beyond=$(((segments - watched) * rounds))
said=$(jq -s 'map(.beyond_segments) | add' "$dir/verdicts")
expect "rows of segments beyond the limit, by /metrics" "$(metric "$other_port" sluice_drift_beyond_segments)" "-eq $beyond"
expect "rows of them that records count" "$said" "-le $beyond"
expect "rows of them that wait for the next record" "$((beyond - said))" "-lt $window"
[ "$beyond" -eq 0 ] || expect_words "the log of an engine says so" "$dir/engine-$other_name.log" "watches the first 1000 segments of its .groupBy., and more have come"
expect "segments that /metrics has" "$(metric "$other_port" sluice_drift_segments)" "-le $watched"
told() { [ "$(jq -r .group "$dir/notices" | sort -u | wc -l)" -ge "$drifting" ]; }
wait_until 60 told
expect "groups whose alert fires" "$(jq -r .group "$dir/notices" | sort -u | wc -l)" "-eq $drifting"
tell_result
