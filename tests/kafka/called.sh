#!/bin/bash
# What becomes of requests while the model that they call, on a real MLServer, is killed,
# hangs or is slow: they wait, and each is answered, once and in order. By REST and by gRPC.
#   called.sh SLUICE BUILD      with requests in BUILD
# Takes about a minute, when MLServer has been fetched once.
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

for address in $addresses; do
	name=${address%%:*}
	topics "$name" "$name-answers"
	send "$name" $((rate * seconds)) "$rate"
	start_engine called "$name" "$name" exactly-once one --server "iris=$address"
	engine=$started
	engine_runs "$name"
	disturb
	sent
	check_answers "$name" $((rate * seconds)) "uncommitted: silence_ms:-lt:40000"
	stop_engine "$name" "$engine"
done
tell_result
