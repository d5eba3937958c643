#!/bin/bash
# What becomes of requests while the model that they call, on a real MLServer, is killed,
# hangs or is slow: they wait, and each is answered, once and in order. By REST, by gRPC, and
# where both are offered; and where nothing answers by gRPC. At last the rows that it gets move: the drift step before it finds
# that, once a window, and the alert is posted.
#   called.sh SLUICE BUILD      with requests in BUILD
# Takes about a minute and a half, when MLServer has been fetched once.
set -u
what=mlserver
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
rate=${RATE:-200} seconds=10
quiet_s=40

end_of_test() {
	[ ! -s "$dir/mlserver/pid" ] || kill -CONT "$(cat "$dir/mlserver/pid")" 2>/dev/null
	"$here/mlserver.sh" stop "$dir/mlserver"
}

addresses=$("$here/mlserver.sh" start "$dir/mlserver" 2>"$dir/mlserver.log")
status=$?
[ $status -ne 3 ] || skip "$(tail -1 "$dir/mlserver.log")"
[ $status -eq 0 ] || give_up "no MLServer"
start_broker

# Killed and back after a while; hung; and then slow: it works a tenth of the time.
disturb() {
	local times pid
	sleep 2
	"$here/mlserver.sh" kill "$dir/mlserver"
	sleep 1
	"$here/mlserver.sh" resume "$dir/mlserver" || give_up "MLServer does not come back"
	pid=$(cat "$dir/mlserver/pid")
	sleep 1
	kill -STOP "$pid"
	sleep 3
	kill -CONT "$pid"
	for times in 1 2 3 4 5 6; do
		sleep 0.05
		kill -STOP "$pid"
		sleep 0.45
		kill -CONT "$pid"
	done
}

# By these addresses, while that is done to it.
call_it() { # $1 name, $2 how many, $3 what is done, then the addresses
	local name=$1 count=$2 meanwhile=$3 address servers=()
	for address in "${@:4}"; do servers+=(--server "iris=$address"); done
	topics "$name" "$name-answers"
	send "$name" "$count" "$rate"
	start_engine called "$name" "$name" exactly-once one "${servers[@]}"
	engine=$started
	engine_runs "$name"
	$meanwhile
	sent
	check_answers "$name" "$count" "uncommitted: silence_ms:-lt:40000"
	stop_engine "$name" "$engine"
}

read -r rest grpc <<<"$addresses"
call_it http $((rate * seconds)) disturb "$rest"
call_it grpc $((rate * seconds)) disturb "$grpc"
call_it both $((rate * seconds)) disturb "$grpc" "$rest"
call_it nowhere $((rate * 2)) true grpc://127.0.0.1:1 "$rest"
expect_words "nowhere: what is said" "$dir/engine.log" " warn  model iris is called by REST at $rest until 127.0.0.1:1 answers by gRPC: .*could not be reached"

# ---- drift before the model ----

rows() { # $1 how many, $2 added to the lengths, $3 names the ids
	awk -v n="$1" -v moved="$2" -v name="$3" 'BEGIN {
		srand(7); for (i = 1; i <= n; i++) printf "{\"id\": \"%s-%d\", \"key\": \"one\", \"request\": {\"inputs\": [{\"name\": " \
			"\"predict\", \"datatype\": \"FP64\", \"shape\": [1, 4], \"data\": [%.3f, %.3f, %.3f, %.3f]}]}}\n", name, i,
			5 + rand(), 3 + rand(), 1.3 + rand() / 3 + moved, .2 + rand() / 5 + moved / 3 }'
}
port=$(free_port)
sed "s#RECEIVER#http://127.0.0.1:$port/hook#" "$here/called-drift.yaml" >"$dir/flowers.yaml"
rows 400 0 usual >"$dir/usual.jsonl"
"$sluice" fit drift "$dir/usual.jsonl" -f "$dir/flowers.yaml" --step watch --out "$dir/usual.json" >"$dir/fit.log" 2>&1 ||
	give_up "nothing is learnt"
python3 "$here/receiver.py" "$port" >"$dir/notices" 2>"$dir/receiver.log" &
ours $!
"$sluice" run -f "$dir/flowers.yaml" --server "iris=$rest" --brokers "$brokers" --instance flowers --alert-allow 127.0.0.1 \
	>"$dir/flowers.log" 2>&1 &
ours $!
flowers=$started
wait_until 30 grep -qs "flowers: reads" "$dir/flowers.log" || give_up "the pipeline does not run"
{ rows 200 0 same; rows 100 4 moved; } | "$sluice" produce flowers - -n watched --brokers "$brokers" >"$dir/produce.log" 2>&1
watched() { # into $dir/verdicts and $dir/classes
	"$build/records" dump "$brokers" sluice.watched.pipeline.flowers.drift 2>"$dir/records.log" |
		"$here/verdicts.py" "$here/../../schemas/drift_score.avsc" >"$dir/verdicts" 2>"$dir/verdicts.log"
	[ "$(wc -l <"$dir/verdicts")" -ge 6 ] && [ -s "$dir/notices" ]
}
wait_until 20 watched
expect "status of waiting for six windows and a notice" $? "-eq 0"
expect "windows of usual rows that have drift" "$(head -4 "$dir/verdicts" | grep -c '"is_drift": true')" "-eq 0"
expect "windows of moved rows that have drift" "$(tail -2 "$dir/verdicts" | grep -c '"is_drift": true')" "-eq 2"
expect "windows" "$(wc -l <"$dir/verdicts")" "-eq 6"
expect "notices" "$(jq -r '[.pipeline, .alert, .status] | join("/")' "$dir/notices")" "= flowers/moved/firing"
timeout $((10 * patience)) "$sluice" tail flowers -n watched --brokers "$brokers" --from beginning --count 300 -o json >"$dir/tail" 2>"$dir/tail.log"
classes=$(jq -r '.response.outputs[0].data[0]' "$dir/tail" | sort | uniq -c | awk '{print $2 "x" $1}' | paste -sd,)
expect "answers of MLServer, by their class" "$classes" "= 0x200,2x100"
stop_engine flowers "$flowers"
tell_result
