#!/bin/bash
# Realised numbers on a real Kafka: the truth of each request comes as feedback, to a topic of several partitions, and both engines
# are killed with -9 in turn: while windows are open, and while closed ones wait for their truths. Each window has one verdict and
# one later record, in which every truth counts once; and the metrics have the realised number beside the estimate. Feedback whose
# record the observer's topic refuses is lost, counted and logged, and what comes behind it goes on. The stream stops twice: the last
# windows settle all the same, by records of time alone, of which none comes when nothing waits.
#   realised.sh SLUICE BUILD      with admin and records in BUILD
# Takes about a minute and a half.
set -u
what=realised
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
export SLUICE_BROKERS SLUICE_SETTINGS=
window=50 windows=8 wait=20 observers=sluice.default.pipeline.p.stage.watch.observer
rows=$((window * windows))

declare -A pid port
start_engine() { # $1 instance
	port[$1]=$(free_port)
	"$sluice" run -f "$dir/p.yaml" --brokers "$brokers" --instance "$1" --metrics "${port[$1]}" >>"$dir/engine-$1.log" 2>&1 &
	ours $!
	pid[$1]=$started
}
records() { # into $dir/records
	"$build/records" dump "$brokers" sluice.default.pipeline.p.drift 2>"$dir/records.log" |
		"$here/verdicts.py" "$here/../../schemas/drift_score.avsc" >"$dir/records" 2>"$dir/verdicts.log"
}
counted() { jq -c "select($1)" "$dir/records" | wc -l; }
has() { records && [ "$(counted "$1")" -ge "$2" ]; } # $1 condition of records, $2 how many
metric() { curl -s "127.0.0.1:${port[$1]}/metrics" | awk -v name="$2" 'index($0, name) == 1 {print $NF}'; } # $1 instance, $2 its beginning

# Numbers as usual, each with a probability of .8; the model is right in four of five.
requests() { # $1 first, $2 last
	python3 - "$1" "$2" <<'PYTHON'
import json, random, sys
for row in range(int(sys.argv[1]), int(sys.argv[2])):
    random.seed(row)
    tensors = [{"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [random.gauss(0, 1)]},
               {"name": "p", "datatype": "FP64", "shape": [1, 1], "data": [.8]}]
    print(json.dumps({"id": f"r-{row}", "key": "one", "request": {"inputs": tensors}}))
PYTHON
}
truths() { # $1 first, $2 last
	for ((i = $1; i < $2; i++)); do echo "{\"id\": \"r-$i\", \"truth\": {\"label\": [$((i % 5 < 4))]}}"; done
}
send_requests() {
	requests "$@" >"$dir/requests"
	"$sluice" produce p "$dir/requests" --rate 60 >/dev/null 2>"$dir/produce.log" || give_up "requests were not written"
}
send_truths() {
	truths "$@" >"$dir/truths"
	"$sluice" feedback p -f "$dir/truths" >/dev/null 2>"$dir/feedback.log" || give_up "feedback was not written"
}
send_large_truth() { # of 40,000 rows, in 320 kB that no compression makes smaller
	python3 -c 'import random; print("{\"id\": \"large\", \"truth\": {\"label\": %s}}" % [random.random() for _ in range(40000)])' \
		>"$dir/large"
	"$sluice" feedback p -f "$dir/large" >/dev/null 2>"$dir/feedback.log" || give_up "large feedback was not written"
}
lost() { for name in one two; do metric $name sluice_worker_truths_lost_total; done | awk '{sum += $1} END {print sum + 0}'; }
lost_once() { [ "$(lost)" -ge 1 ]; }
restart() { # $1 instance: killed with -9, and back
	kill_at_once "${pid[$1]}"
	start_engine "$1"
}

start_broker brisk
SLUICE_BROKERS=$brokers
cat >"$dir/p.yaml" <<YAML
apiVersion: mlops.seldon.io/v1alpha1
kind: SeldonRuntime
metadata: {name: default}
spec: {config: {kafkaConfig: {topics: {numPartitions: 4}}}}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  delivery: exactly-once
  steps:
  - name: watch
    drift:
      tensors: [x]
      reference: usual.json
      window: $window
      falseAlarms: 0.001 per 1000
      estimate: {probabilities: p, outcomeWindow: ${wait}s}
  output: {steps: [watch]}
YAML
python3 -c 'import random; random.seed(3); print("x"); [print(random.gauss(0, 1)) for _ in range(1000)]' >"$dir/usual.csv"
"$sluice" fit drift "$dir/usual.csv" -f "$dir/p.yaml" --step watch --out "$dir/usual.json" >"$dir/fit.log" 2>&1 ||
	give_up "no reference"

for name in one two; do start_engine $name; done
for name in one two; do
	wait_until 30 grep -qs 'p: reads' "$dir/engine-$name.log" || give_up "engine $name does not start"
done
sleep 5 # until both have their partitions
send_requests 0 $((window * 3 + 20))
wait_until 30 has '.settled | not' 3 || give_up "no three windows close"
send_truths 0 $((window * 2))
restart one
send_truths $((window * 2)) $((window * 3 + 20))
wait_until 90 has '.settled' 3 || give_up "no window settles, though the stream stops"
restart two
send_requests $((window * 3 + 20)) $rows
wait_until 90 has '.settled | not' $windows || give_up "no $windows windows close"
send_truths $((window * 3 + 20)) $rows
restart one
"$build/admin" "$brokers" set $observers max.message.bytes 200000 || give_up "no limit of the observers' topic"
send_large_truth
send_truths 0 $rows # again: each counts once
wait_until 90 has '.settled' $windows || give_up "not all windows settle, though the stream stops"
expect "verdicts, one a window" "$(counted '.settled | not')" "-eq $windows"
expect "later records, one a window" "$(counted '.settled')" "-eq $windows"
times=$("$build/records" dump "$brokers" "$observers" +time 2>>"$dir/records.log" | wc -l)
expect "records of time alone" "$times" "-ge 2"
expect "windows for each of them, of which there are $times" $((windows / times)) "-ge 1"
expect "windows that have one" "$(jq 'select(.settled) | .window' "$dir/records" | sort -u | wc -l)" "-eq $windows"
expect "later records with the truth of each row" "$(counted ".settled and .truths == $window and .messages == $window")" "-eq $windows"
expect "later records with the realised accuracy in its band" \
	"$(counted '.settled and any(.realised[]; .metric == "accuracy" and .value == 0.8 and .band == "held" and .low < 0.8)')" \
	"-eq $windows"
expect "later records that judge" "$(counted '.settled and (.is_drift or .drift_score != null or .verdict != "")')" "-eq 0"
shown=$(for name in one two; do metric $name sluice_realised_accuracy{; done | sort -u | grep -v NaN)
[ "$shown" = 0.8 ]
expect "status of comparing the metric \`$shown\`" $? "-eq 0"
wait_until 10 lost_once
expect "truths lost" "$(lost)" "-eq 1"
expect "lines on it in the logs" "$(cat "$dir"/engine-*.log | grep -c 'does not reach the observers of drift: Kafka refused')" "-eq 1"
tell_result
