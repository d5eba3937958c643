#!/bin/bash
# What becomes of requests while the model that they call, on a real MLServer, is killed,
# hangs or is slow: they wait, and each is answered, once and in order. By REST, by gRPC, and
# where both are offered; and where nothing answers by gRPC.
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
tell_result
