#!/bin/bash
# What `sluice dev` takes while nothing happens, with 30 pipelines that learn: each has an experiment of two candidates with bandits,
# and a metric of truth. Prints threads, the share of a core in percent, resident memory in MiB, and descriptors; leaves the first
# three in FOLDER/idle, where tests/count.sh reads them.
#   idle.sh SLUICE FOLDER     PIPELINES changes their number
set -u
sluice=${1:?idle.sh SLUICE FOLDER} folder=${2:?idle.sh SLUICE FOLDER}
pipelines=${PIPELINES:-30}
dir=$(mktemp -d)
engine=
clean() {
	[ -z "$engine" ] || { kill "$engine" && wait "$engine"; } 2>/dev/null
	rm -rf "$dir"
}
trap clean EXIT

for ((i = 0; i < pipelines; i++)); do
	cat <<-YAML
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Experiment
		metadata: {name: e$i}
		spec:
		  resourceType: pipeline
		  candidates: [{name: worse, weight: 0}, {name: better, weight: 0}]
		  bandits: {algorithm: thompson, rewardMetric: gain}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: p$i}
		spec:
		  steps: [{name: s, experiment: {name: e$i}}]
		  output: {steps: [s]}
		  metrics: [{name: gain, type: histogram, value: truth.move * answer.y, buckets: [0, 1]}]
		---
	YAML
done >"$dir/idle.yaml"
for name in worse better; do
	cat <<-YAML
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Pipeline
		metadata: {name: $name}
		spec:
		  steps: [{name: w, expression: {set: {y: x * 2}}}]
		  output: {steps: [w]}
		---
	YAML
done >>"$dir/idle.yaml"

"$sluice" dev "$dir/idle.yaml" --port 0 >"$dir/log" 2>&1 </dev/null &
engine=$!
for ((tries = 0; ; tries++)); do
	! grep -q '^edit ' "$dir/log" || break
	kill -0 $engine 2>/dev/null && [ $tries -lt 600 ] || { tail "$dir/log" >&2 && echo "idle: sluice dev is not ready" >&2 && exit 1; }
	sleep 0.1
done
sleep 10 # groups are assigned, first policies are written

ticks() {
	awk '{print $14 + $15}' "/proc/$engine/stat"
}
status() { # $1 field
	awk -v name="$1:" '$1 == name {print $2}' "/proc/$engine/status"
}
before=$(ticks) begun=$(date +%s%N)
sleep 10
share=$(awk "BEGIN {printf \"%.1f\", ($(ticks) - $before) * 1e9 / $(getconf CLK_TCK) / ($(date +%s%N) - $begun) * 100}")
threads=$(status Threads) memory=$(($(status VmRSS) / 1024))
mkdir -p "$folder" && echo "$threads $share $memory" >"$folder/idle"
echo "$pipelines pipelines that learn, idle: $threads threads, $share% of a core, $memory MiB," \
	"$(find "/proc/$engine/fd" -mindepth 1 | wc -l) descriptors"
