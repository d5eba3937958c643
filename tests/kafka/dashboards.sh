#!/bin/bash
# Dashboards and rules of compose/ on a real Kafka: a Prometheus reads an engine with a gateway, an engine with --control and a model
# server while requests, feedback and drift come. Each query of each panel returns data with the labels of its legend, each rule
# can be evaluated, and those of Seldon's own queries that compose/README.md says are answered are.
#   dashboards.sh SLUICE BUILD
# Takes a minute, with the start of Kafka.
set -u
what=dashboards
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
prometheus=$("$here/../prometheus.sh" 2>"$dir/prometheus.log") || skip "$(tail -n 1 "$dir/prometheus.log")"
case=$here/../cases-own/explain-local-trees-against-a-background

cp "$case/trees.json" "$dir/"
cp "$case/usual.csv" "$dir/background.csv"
sed -n '/^metrics:$/,/^```$/{/^```$/!s/^/  /p}' "$here/../../compose/README.md" >"$dir/metrics.yaml"
sed "/dashboards.sh adds/r $dir/metrics.yaml" "$here/dashboards.yaml" >"$dir/p.yaml"
python3 -c 'import random; random.seed(3); print("x"); [print(random.gauss(0, 1)) for _ in range(1000)]' >"$dir/usual.csv"
"$sluice" fit drift "$dir/usual.csv" -f "$dir/p.yaml" --step watch --out "$dir/usual.json" >"$dir/fit.log" 2>&1 || give_up "no reference"

port=$(free_port 5)
engine=127.0.0.1:$((port + 1)) controlled=127.0.0.1:$((port + 2)) models=127.0.0.1:$((port + 3)) watching=127.0.0.1:$((port + 4))
start_broker brisk
start_model "$here/mirror.yaml" --metrics "$models"
"$sluice" run -f "$dir/p.yaml" --brokers "$brokers" --instance one --http "$port" --metrics "$engine" --alert-allow 127.0.0.1 \
	--server "first=$url" --server "other=$url" >"$dir/engine.log" 2>&1 &
ours $!
"$sluice" run --control -n controlled --brokers "$brokers" --instance two --metrics "$controlled" >"$dir/controlled.log" 2>&1 &
ours $!

# The stack's own file, with the addresses of this machine, and read each second.
sed -e "s/_interval: 5s/_interval: 1s/g; /^alerting/d; /job_name: mlserver/d; /job_name: pushgateway/d" \
	-e "s/engine-1:9000/$engine/; s/engine-2:9000/$controlled/; s/gateway:9000/$models/" \
	-e "s:/etc/prometheus/rules.yml:$here/../../compose/prometheus/rules.yml:" "$here/../../compose/prometheus/prometheus.yml" >"$dir/prometheus.yml"
"$prometheus/prometheus" --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/series" --web.listen-address="$watching" \
	>"$dir/prometheus.log" 2>&1 &
ours $!
ready() { [ "$(curl -s -o /dev/null -w '%{http_code}' "$1")" = 200 ]; }
for pipeline in trading watched scored shop; do
	wait_until 30 ready "127.0.0.1:$port/v2/pipelines/$pipeline/ready" || give_up "pipeline $pipeline does not start"
done
wait_until 30 ready "http://$watching/-/ready" || give_up "Prometheus does not start"
python3 "$here/../dashboards.py" load "$port" >"$dir/load" 2>"$dir/load.log" || give_up "no load"
cat "$dir/load"
has_realised() { curl -s "$engine/metrics" | grep -q '^sluice_realised_accuracy{.*} [0-9]'; }
wait_until 30 has_realised || give_up "no window has realised numbers"
python3 "$here/../dashboards.py" judge "http://$watching" >"$dir/judged" 2>&1
head -n -1 "$dir/judged"
counts=$(tail -n 1 "$dir/judged")
[[ $counts == *" passed, "* ]] || give_up "Prometheus was not judged to the end"
passed=$((passed + ${counts%% *})) failed=$((failed + $(sed 's/.*, \([0-9]*\) failed.*/\1/' <<<"$counts")))
tell_result
