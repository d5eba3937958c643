#!/bin/bash
# Explanations on a real Kafka. Beside the answers, exactly once: the engine is killed with -9 three times, and each explanation is
# committed once. Inline: a model that is late for most perturbations is explained within the budget, with the error of what it
# answered. And while calls of requests wait for a model, it gets no perturbation.
#   explain.sh SLUICE BUILD      takes about half a minute
set -u
what=explain
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
requests=${REQUESTS:-2000} crowd=200 kills=3

# A pipeline that explains a model of explain_model.py, in a group of its own.
run_engine() { # $1 pipeline, $2 delivery, $3 model, $4 options of its explanation, $5 the step that answers
	cat >"$dir/$1.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1, namespace: $1}
		spec:
		  delivery: $2
		  steps:
		  - {name: score, model: {name: $3, storageUri: "http://127.0.0.1:$(cat "$dir/port")/$3"}}
		  - {name: why, inputs: [score], explain: {$4}}
		  output: {steps: [$5]}
	END
	"$sluice" run -f "$dir/$1.yaml" --brokers "$brokers" --instance one --metrics 0 >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	wait_until 30 grep -q " $1: reads " "$dir/engine.log" || give_up "the engine of $1 does not start"
}

produce() { # $1 pipeline, $2 how many, $3 the numbers of a row
	local width=$((1 + $(tr -cd , <<<"$3" | wc -c)))
	seq 1 "$2" | sed "s/.*/{\"id\":\"&\",\"key\":\"&\",\"request\":{\"id\":\"&\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\
\"shape\":[1,$width],\"data\":[$3]}]}}/" | "$sluice" produce "$1" --namespace "$1" --brokers "$brokers" >/dev/null 2>"$dir/produce.log" ||
		give_up "requests of $1 were not written"
}

answers() { # $1 pipeline, $2 how many
	timeout 60 "$sluice" tail "$1" --namespace "$1" --brokers "$brokers" --from beginning --count "$2" --idle 15s -o json >"$dir/answers" 2>"$dir/tail.log"
	wc -l <"$dir/answers"
}

numbers() { # $1 tensor; of the last answers
	jq -r ".response.outputs[] | select(.name == \"$1\") | .data[]" "$dir/answers"
}

# The ids in the records of a pipeline's explanations: single-object Avro, whose first field is the id.
explained() { # $1 pipeline
	"$build/records" dump "$brokers" "sluice.$1.pipeline.$1.explanations" 2>"$dir/dump.log" | python3 -c '
import base64, json, sys
for line in sys.stdin:
    value = base64.b64decode(json.loads(line)["value"])
    print(value[11:11 + value[10] // 2].decode())' >"$dir/explained"
}

all_explained() { # $1 pipeline, $2 how many
	explained "$1"
	[ "$(sort -u "$dir/explained" | wc -l)" -ge "$2" ]
}

start_broker brisk
python3 "$here/explain_model.py" "$dir/calls" >"$dir/port" 2>"$dir/model.log" &
ours $!
wait_until 10 test -s "$dir/port" || give_up "no model server"
printf '%s\n' a,b,c 1,0,2 3,1,0 2,2,1 0,3,3 >"$dir/usual.csv"
{
	echo a,b,c,d,e,f,g,h,i,j,k,l
	for ((i = 0; i < 16; i++)); do echo $i,$((i % 3)),$((i % 5)),$((i % 2)),1,$i,3,$((i % 4)),0,2,$((i % 7)),1; done
} >"$dir/wide.csv"

# ---- beside, killed ----

beside() {
	run_engine beside exactly-once quick "background: usual.csv" score
}
beside
produce beside "$requests" 4,2,1
for ((i = 0; i < kills; i++)); do
	kill_in_transaction "$engine" sluice.beside.pipeline.beside.explanations exactly-once
	beside
done
expect "beside: answers" "$(answers beside "$requests")" "-eq $requests"
wait_until 60 all_explained beside "$requests"
echo "explain: $requests requests, $kills kills: $(wc -l <"$dir/explained") explanations"
expect "beside: requests with an explanation" "$(sort -u "$dir/explained" | wc -l)" "-eq $requests"
expect "beside: explanations" "$(wc -l <"$dir/explained")" "-eq $requests"
stop_engine beside "$engine"

# ---- inline, within its budget ----

run_engine inline at-least-once slow "background: wide.csv, deliver: inline, budget: {time: 700ms}" why
began=$(date +%s%N)
produce inline 1 9,1,1,0,2,5,3,1,0,2,4,1
expect "inline: answers" "$(answers inline 1)" "-eq 1"
took_ms=$((($(date +%s%N) - began) / 1000000))
echo "explain: a late model: answered after $took_ms ms with commands, by $(numbers explanation_method)"
expect "inline: ms until the answer, of a model that takes 4 s" "$took_ms" "-lt 3500"
expect "inline: methods that are estimates" "$(numbers explanation_method | grep -c sample)" "-eq 1"
expect "inline: standard errors" "$(numbers explanation_error | wc -l)" "-eq 12"
stop_engine inline "$engine"

# ---- behind the calls of requests ----

calls() { # $1 pattern; how many there were
	grep -c "^crowded $1" "$dir/calls"
}

perturbs() {
	[ "$(grep '^crowded' "$dir/calls" | grep -vc '^crowded 1 ')" -ge $((crowd / 4)) ]
}

# When perturbations of a first crowd are under way, a second comes: its calls go first.
run_engine behind at-least-once crowded "background: usual.csv, deliver: inline" why
produce behind "$crowd" 4,2,1
wait_until 20 perturbs || give_up "no perturbation is sent"
produce behind "$crowd" 5,2,1
before=$(wc -l <"$dir/calls")
expect "behind: answers" "$(answers behind $((2 * crowd)))" "-eq $((2 * crowd))"
last=$(grep -n '^crowded 1 5$' "$dir/calls" | tail -1 | cut -d: -f1)
between=$(sed -n "$((before + 1)),${last}p" "$dir/calls" | grep -vc '^crowded 1 ')
echo "explain: a second crowd of $crowd comes: $between perturbations before the last of its calls, $(calls '[^1]') in all"
expect "behind: calls of requests" "$(calls '1 ')" "-eq $((2 * crowd))"
expect "behind: perturbations while calls of requests wait" "$between" "-le $((crowd / 10))"
expect "behind: perturbations" "$(calls '[^1]')" "-ge $((4 * crowd))"
stop_engine behind "$engine"
tell_result
