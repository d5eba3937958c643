#!/bin/bash
# Explanations on a real Kafka. Beside the answers, exactly once: the engine is killed with -9 three times, and each explanation is
# committed once, and counts once in the importance of features. So it is inline, on request, for a share, and by a condition.
# Inline: a model that is late for most perturbations is explained within the budget, with the error of what it answered; and so is
# one that fails for one call with perturbations in three.
# A model of scikit-learn's on a real MLServer is explained inline, beside and on request, if MLServer can be had.
# While calls of requests wait for a model, it gets no perturbation. The reference's pipeline with an explainer runs as it is, and an
# engine that starts explains its first request.
#   explain.sh SLUICE BUILD      takes about 45 seconds; SHORT=1 leaves MLServer out, and takes 10 fewer
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

produce() { # $1 pipeline, $2 how many, $3 the numbers of a row, $4 the namespace, if it is not the pipeline's name
	local width=$((1 + $(tr -cd , <<<"$3" | wc -c)))
	seq 1 "$2" | sed "s/.*/{\"id\":\"&\",\"key\":\"&\",\"request\":{\"id\":\"&\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\
\"shape\":[1,$width],\"data\":[$3]}]}}/" | "$sluice" produce "$1" --namespace "${4-$1}" --brokers "$brokers" >/dev/null 2>"$dir/produce.log" ||
		give_up "requests of $1 were not written"
}

answers() { # $1 pipeline, $2 how many, $3 namespace, likewise
	timeout $((60 * patience)) "$sluice" tail "$1" --namespace "${3-$1}" --brokers "$brokers" --from beginning --count "$2" --idle 15s -o json >"$dir/answers" 2>"$dir/tail.log"
	wc -l <"$dir/answers"
}

numbers() { # $1 tensor; of the last answers
	jq -r ".response.outputs[] | select(.name == \"$1\") | .data[]" "$dir/answers"
}

# The ids in the records of a pipeline's explanations: single-object Avro, whose first field is the id.
explained() { # $1 pipeline, $2 namespace, likewise
	"$build/records" dump "$brokers" "sluice.${2-$1}.pipeline.$1.explanations" 2>"$dir/dump.log" | python3 -c '
import base64, json, sys
for line in sys.stdin:
    value = base64.b64decode(json.loads(line)["value"])
    print(value[11:11 + value[10] // 2].decode())' >"$dir/explained"
}

all_explained() { # $1 pipeline, $2 how many, $3 namespace, likewise
	explained "$1" "${3-$1}"
	[ "$(sort -u "$dir/explained" | wc -l)" -ge "$2" ]
}

end_of_test() {
	[ -z "$mlserver" ] || wait "$mlserver" 2>/dev/null
	"$here/mlserver.sh" stop "$dir/mlserver"
}

mlserver=
if [ -z "${SHORT-}" ]; then
	"$here/mlserver.sh" start "$dir/mlserver" >"$dir/mlserver.address" 2>"$dir/mlserver.log" & # beside the first stories
	mlserver=$!
fi
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
	run_engine beside exactly-once quick "background: usual.csv, importance: {window: 100}" score
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

# Running importance of the same explanations: each window is complete and comes once, whoever closed it.
"$build/records" dump "$brokers" sluice.beside.pipeline.beside.importance 2>"$dir/dump.log" |
	"$here/verdicts.py" "$here/../../schemas/importance.avsc" >"$dir/importance"
expect "beside: windows of importance" "$(wc -l <"$dir/importance")" "-eq $((requests / 100))"
expect "beside: windows that differ" "$(jq -r .window "$dir/importance" | sort -u | wc -l)" "-eq $((requests / 100))"
expect "beside: explanations in them" "$(jq -s 'map(.explanations) | add' "$dir/importance")" "-eq $requests"
# The requests are equal, so each mean is the contribution itself.
expect "beside: different sums of means" "$(jq -s 'map(.total) | unique | length' "$dir/importance")" "-eq 1"
expect "beside: explanations of the window that is shown" "$("$sluice" explain beside --importance --namespace beside \
	--brokers "$brokers" -o json | jq '.importance[0].last.explanations')" "-eq 100"
stop_engine beside "$engine"

# ---- the other deliveries, killed ----

each=400

# Four pipelines in one engine: all of them are in the transactions in which it is killed.
deliveries() {
	local name
	for name in inline:why:"deliver: inline, importance: {window: 100}" asked:why:"deliver: on-request" share:score:"share: 25%" condition:score:""; do
		cat <<-END
			---
			apiVersion: mlops.seldon.io/v1alpha1
			kind: Pipeline
			metadata: {name: ${name%%:*}, namespace: killed}
			spec:
			  delivery: exactly-once
			  steps:
			  - {name: score, model: {name: quick, storageUri: "http://127.0.0.1:$(cat "$dir/port")/quick"}}
			  - name: why
			    inputs: [score]
			    explain: {background: usual.csv, $(cut -d: -f3- <<<"$name")}
			  output: {steps: [$(cut -d: -f2 <<<"$name")]}
		END
	done | sed '/name: condition,/,$s/^    inputs: \[score\]$/&\n    when: max(x) == 5/' >"$dir/killed.yaml"
	"$sluice" run -f "$dir/killed.yaml" --brokers "$brokers" --instance one --metrics 0 >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	wait_until 30 grep -q " condition: reads " "$dir/engine.log" || give_up "the engine of deliveries does not start"
}

# Every fourth request asks for its explanation, and has a 5.
ask_deliveries() {
	local name
	seq 1 $each | awk '{ yes = $1 % 4 == 0
		printf "{\"id\":\"%s\",\"key\":\"%s\",", $1, $1
		if (yes) printf "\"headers\":{\"x-explain\":\"yes\"},"
		printf "\"request\":{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1,3],\"data\":[%d,2,1]}]}}\n", 4 + yes }' >"$dir/asks"
	sed 's/"headers":{[^}]*},//' "$dir/asks" >"$dir/plain" # what asks is always in the share
	for name in inline asked share condition; do
		"$sluice" produce $name "$dir/$([ $name = asked ] && echo asks || echo plain)" --namespace killed --brokers "$brokers" >/dev/null \
			2>"$dir/produce.log" || give_up "requests of $name were not written"
	done
}

explained_once() { # $1 pipeline, $2 how many, as a test's operator and operand
	wait_until 30 all_explained "$1" "${2##* }" killed
	expect "$1: requests with an explanation" "$(sort -u "$dir/explained" | wc -l)" "$2"
	expect "$1: explanations beyond one of each request" "$(sort "$dir/explained" | uniq -d | wc -l)" "-eq 0"
}

deliveries
ask_deliveries
for ((i = 0; i < 2; i++)); do
	kill_in_transaction "$engine" sluice.killed.pipeline.inline.outputs exactly-once
	deliveries
done
for name in inline asked share condition; do
	expect "$name: answers" "$(answers $name $each killed)" "-eq $each"
done
explained_once inline "-eq $each"
"$build/records" dump "$brokers" sluice.killed.pipeline.inline.importance 2>"$dir/dump.log" |
	"$here/verdicts.py" "$here/../../schemas/importance.avsc" >"$dir/importance"
expect "inline: windows of importance" "$(jq -r .window "$dir/importance" | sort -u | wc -l)" "-eq $((each / 100))"
expect "inline: explanations in them" "$(jq -s 'map(.explanations) | add' "$dir/importance")" "-eq $each"
explained_once asked "-eq $((each / 4))"
explained_once condition "-eq $((each / 4))"
explained_once share "-ge $((each * 15 / 100))"
expect "share: requests with an explanation, of 25%" "$(wc -l <"$dir/explained")" "-le $((each * 35 / 100))"
stop_engine deliveries "$engine"

# ---- inline, within its budget ----

run_engine inline at-least-once slow "background: wide.csv, deliver: inline, budget: {time: 700ms}" why
began=$(date +%s%N)
produce inline 1 9,1,1,0,2,5,3,1,0,2,4,1
expect "inline: answers" "$(answers inline 1)" "-eq 1"
took_ms=$((($(date +%s%N) - began) / 1000000))
echo "explain: a late model: answered after $took_ms ms with commands, by $(numbers explanation_method)"
expect "inline: ms until the answer, of a model that takes $((4 * patience)) s" "$took_ms" "-lt $((3500 * patience))"
expect "inline: methods that are estimates" "$(numbers explanation_method | grep -c sample)" "-eq 1"
expect "inline: standard errors" "$(numbers explanation_error | wc -l)" "-eq 12"
stop_engine inline "$engine"

# ---- a model that fails for one call with perturbations in three ----

run_engine third at-least-once third "background: wide.csv, deliver: inline" why
produce third 6 9,1,1,0,2,5,3,1,0,2,4,1
expect "third: answers" "$(answers third 6)" "-eq 6"
expect "third: methods that are estimates" "$(numbers explanation_method | grep -c sample)" "-eq 6"
expect "third: standard errors above zero" "$(numbers explanation_error | awk '$1 > 0' | wc -l)" "-gt 6"
expect "third: answers that are not explained to the end" "$(jq -r 'select(.response.outputs == null)' "$dir/answers" | wc -l)" "-eq 0"
stop_engine third "$engine"

# ---- the reference's pipeline, as it is ----

reference=$here/../reference
for name in baseline enhanced; do
	cat <<-END
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Model
		metadata: {name: $name-predictor}
		spec: {storageUri: "http://127.0.0.1:$(cat "$dir/port")/quick"}
	END
done >"$dir/predictors.yaml"
run_reference() {
	"$sluice" run -f "$reference/pipeline-explain.yaml" -f "$reference/experiment-70-30.yaml" -f "$dir/predictors.yaml" \
		--brokers "$brokers" --instance one --metrics 0 >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	wait_until 30 grep -q " explainable-prediction-pipeline: reads " "$dir/engine.log" ||
		give_up "the engine of the reference does not start"
}
# Of fewer than 20 requests no background is learnt, from the topic or by a worker.
run_reference
produce explainable-prediction-pipeline 19 4,2,1 default
expect "reference: first answers" "$(answers explainable-prediction-pipeline 19 default)" "-eq 19"
expect "reference: first answers without an explanation" "$(numbers explanation_method | grep -c none)" "-eq 19"
produce explainable-prediction-pipeline 41 4,2,1 default
expect "reference: answers" "$(answers explainable-prediction-pipeline 60 default)" "-eq 60"
expect "reference: answers with an explanation, of those after the first 19 of each worker" "$(numbers explanation_method | grep -c exact)" "-ge 20"
stop_engine reference "$engine"

# An engine that starts explains its first request against the newest ones.
before=$(numbers explanation_method | grep -c none)
learnt() { # how often engines have learnt it from the topic
	grep -c "the background was learnt from topic .*explainable-prediction-pipeline" "$dir/engine.log"
}
learnt_again() {
	[ "$(learnt)" -gt "$learnt_before" ]
}
learnt_before=$(learnt)
run_reference
wait_until 10 learnt_again || give_up "no background is learnt from the topic"
produce explainable-prediction-pipeline 10 4,2,1 default
expect "reference, started again: answers" "$(answers explainable-prediction-pipeline 70 default)" "-eq 70"
expect "reference, started again: answers without an explanation" "$(($(numbers explanation_method | grep -c none) - before))" "-eq 0"
stop_engine "the second reference" "$engine"

# ---- a model of scikit-learn's on a real MLServer ----

iris_pipelines() { # $1 address
	local name
	for name in inline:why:inline beside:score:beside asked:why:on-request; do
		cat <<-END
			---
			apiVersion: mlops.seldon.io/v1alpha1
			kind: Pipeline
			metadata: {name: ${name%%:*}, namespace: iris}
			spec:
			  steps:
			  - {name: score, model: {name: iris, storageUri: "$1/iris", outputs: [predict_proba]}}
			  - {name: why, inputs: [score], explain: {background: iris.csv, deliver: ${name##*:}}}
			  output: {steps: [$(cut -d: -f2 <<<"$name")]}
		END
	done >"$dir/iris.yaml"
	printf '%s\n' a,b,c,d 5.1,3.5,1.4,0.2 6.4,3.2,4.5,1.5 7.1,3.0,5.9,2.1 5.0,2.0,3.5,1.0 >"$dir/iris.csv"
}

# What does not add up, of answers with an explanation: base value, contributions and residual.
not_added_up() {
	jq -c '[.response.outputs[] | {(.name): .data}] | add | select(.explanation)' "$dir/answers" | python3 -c '
import json, sys
for line in sys.stdin:
    one = json.loads(line)
    for i, answer in enumerate(one["explanation_answer"]):
        parts = one["explanation"][i * 4:i * 4 + 4]
        if abs(one["explanation_base"][i] + sum(parts) + one["explanation_residual"][i] - answer) > 1e-9:
            print(one)' | wc -l
}

on_mlserver() {
	local name
	iris_pipelines "$(cut -d' ' -f1 "$dir/mlserver.address")"
	"$sluice" run -f "$dir/iris.yaml" --brokers "$brokers" --instance one --metrics 0 >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	wait_until 30 grep -q " asked: reads " "$dir/engine.log" || give_up "the engine of MLServer does not start"
	seq 1 20 | awk '{ if ($1 % 2) header = "\"headers\":{\"x-explain\":\"yes\"},"; else header = ""
		printf "{\"id\":\"%s\",\"key\":\"%s\",%s\"request\":{\"inputs\":[{\"name\":\"predict\",\"datatype\":\"FP32\",", $1, $1, header
		printf "\"shape\":[1,4],\"data\":[%g,3,%g,1]}]}}\n", 4 + $1 / 10, 1 + $1 / 5 }' >"$dir/flowers"
	for name in inline beside asked; do
		"$sluice" produce $name "$dir/flowers" --namespace iris --brokers "$brokers" >/dev/null 2>"$dir/produce.log" ||
			give_up "requests of $name were not written"
		expect "MLServer, $name: answers" "$(answers $name 20 iris)" "-eq 20"
		expect "MLServer, $name: explanations that do not add up" "$(not_added_up)" "-eq 0"
		expect "MLServer, $name: answers with an explanation" "$(numbers explanation_method | grep -c exact)" \
			"-eq $(case $name in inline) echo 20 ;; beside) echo 0 ;; asked) echo 10 ;; esac)"
	done
	wait_until 20 all_explained beside 20 iris
	expect "MLServer, beside: requests with an explanation" "$(sort -u "$dir/explained" | wc -l)" "-eq 20"
	stop_engine MLServer "$engine"
}

if [ -n "$mlserver" ] && wait "$mlserver"; then
	mlserver=
	on_mlserver
elif [ -n "$mlserver" ]; then
	echo "explain: without MLServer: $(tail -1 "$dir/mlserver.log")"
fi

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
