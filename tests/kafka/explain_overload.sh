#!/bin/bash
# Ten times the load that a model can hold, with and without explanations of its answers beside them: how many answers a second
# are of use (pressure.c), and how often the model worked for a perturbation while requests waited for it (till.c).
#   explain_overload.sh SLUICE PROGRAMS     with pressure and till in PROGRAMS
# SECONDS_OVER changes how long each load lasts (20), ROUNDS how often the two take turns (3). Takes about three minutes.
#
# When the load has gone, the model's time is free: then explanations must come, or the comparison is of nothing.
set -u
what=explain_overload
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_OVER:-20} rounds=${ROUNDS:-3}
wait_ms=2000 abreast=8 work_ms=40
hold=$((abreast * 1000 / work_ms)) # calls a second

{
	printf 'x%s' 0
	printf ',x%s' {1..15}
	printf '\n'
	for row in {1..8}; do
		printf '%s' "$row"
		printf ",$((row % 3))%.0s" {1..15}
		printf '\n'
	done
} >"$dir/usual.csv"

large_calls() { # $1 name; how many perturbed calls the model has answered
	curl -s "$(cat "$dir/$1.address")/counts" | sed 's/.*large=//'
}

# A till of its own, an engine, the load, and what came of it: into $good, and $under and $after, perturbed calls until just before
# the load ended, and until its last request was too late.
overload() { # $1 name, $2 steps behind the model's
	"$build/till" $abreast $work_ms >"$dir/$1.address" 2>"$dir/till.log" &
	ours $!
	local till=$! engine
	wait_until 5 test -s "$dir/$1.address" || give_up "no model server"
	cat >"$dir/$1.yaml" <<-YAML
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $1, namespace: $1}
		spec:
		  input: {topic: $1}
		  steps:
		  - {name: till}
		$2
		  output: {steps: [till], topic: $1-answers}
	YAML
	topics "$1" "$1-answers"
	"$sluice" run -f "$dir/$1.yaml" --brokers "$brokers" --server "till=$(cat "$dir/$1.address")" --instance one --metrics 0 \
		>>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$started
	engine_runs "$1"
	"$build/pressure" -b "$brokers" -i "$1" -o "$1-answers" -d $wait_ms -p "$engine" $((hold * 10)):"$seconds" \
		>"$dir/pressure.out" 2>"$dir/pressure.log" &
	ours $!
	local pressure=$!
	sleep $((seconds - 1))
	under=$(large_calls "$1")
	wait_for $pressure || give_up "$(tail -1 "$dir/pressure.log")"
	good=$(sed -n 's/^\(.* \)*good=\([0-9]*\).*/\2/p' "$dir/pressure.out")
	after=$(large_calls "$1")
	kill_at_once "$engine"
	kill_at_once "$till"
}

command -v curl >/dev/null || skip "curl is not installed"
start_broker
plain=0 explained=0
for ((round = 0; round < rounds; round++)); do
	overload "plain$round" ''
	plain=$((plain + good))
	echo "round $round, without explanations: $good of use a second"
	overload "beside$round" "  - {name: why, inputs: [till], explain: {background: usual.csv, budget: {calls: 64}}}"
	explained=$((explained + good))
	echo "round $round, with: $good of use a second; $under perturbed calls under the load, $after until its end"
	expect "perturbed calls under the load, of $((seconds * hold)) calls" "$under" "-le $((seconds * hold / 50))"
	expect "perturbed calls, with those when it has gone" "$after" "-gt $under"
done
echo "of use a second: $((plain / rounds)) without explanations, $((explained / rounds)) with"
expect "% of use, of what is without explanations" $((explained * 1000 / plain)) "-ge 970"
tell_result
