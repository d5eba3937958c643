#!/bin/bash
# How an engine's messages per CPU second change with the width of messages, the depth of
# the graph, the number of partitions and of workers, on a real Kafka, at least once. Each
# figure is the better of two runs: what else the machine does only takes away.
#   curves.sh SLUICE PROGRAMS     with requests in PROGRAMS
# BACKLOG changes its size: a run of less than a second says little. Takes about ten minutes.
set -u
what=curves
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
backlog=${BACKLOG:-1500000} runs=0

prepare() { # $1 topic, $2 partitions, $3 elements
	topics "$1" "$1-answers" -w "$2"
	fill "$1" "$backlog" -e "$3"
}

write_pipeline() { # $1 topic, $2 namespace, $3 depth
	local step
	cat <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: curve, namespace: $2}
		spec:
		  delivery: at-least-once
		  input: {topic: $1}
		  steps:
	END
	for ((step = 1; step <= $3; step++)); do
		echo "  - {name: step-$step, $([ $step -eq 1 ] || echo "inputs: [step-$((step - 1))], ")expression: {set: {x: x * 0.5}}}"
	done
	echo "  output: {steps: [step-$3], topic: $1-answers}"
}

run_once() { # $1 topic, $2 partitions, $3 depth, $4 workers
	runs=$((runs + 1))
	write_pipeline "$1" "run-$runs" "$3" >"$dir/pipeline.yaml"
	start_sluice "$dir/pipeline.yaml" --workers "$4"
	pace "sluice.run-$runs.at-least-once" "$1" -w "$2"
}

measure() { # $1 what, $2 topic, $3 partitions, $4 depth, $5 workers
	local best=0 run
	for run in 1 2; do
		run_once "$2" "$3" "$4" "$5"
		[ "$speed" -le $best ] || best=$speed
	done
	printf '%-40s %9d messages per CPU second, %6d ns each\n' "$1" $best $((1000000000 / best))
}

for elements in 1 16 64 256 1024; do
	prepare "wide-$elements" 4 $elements
	measure "FP32[1,$elements], 1 step" "wide-$elements" 4 1 1
done
for depth in 4 16 64; do
	measure "FP32[1,16], $depth steps" wide-16 4 $depth 1
done
for partitions in 1 16 64; do
	prepare "parts-$partitions" $partitions 16
	measure "FP32[1,16], 1 step, $partitions partitions" "parts-$partitions" $partitions 1 1
done
for workers in 2 4; do
	measure "FP32[1,16], 1 step, $workers workers" wide-16 4 1 $workers
done
