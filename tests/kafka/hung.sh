#!/bin/bash
# One of a model's two servers hangs, and stays so: what it was given goes to the other, and
# nobody waits for long. By REST and by gRPC.
#   hung.sh SLUICE BUILD      with requests in BUILD
# Takes about 40 seconds. There is one partition, whose results leave exactly once and in its
# order, so a call that is held keeps back all behind it: the longest stretch without an answer
# is the longest that a call was held.
set -u
what=hung
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
rate=${RATE:-400} seconds=10
quiet_s=40 # longer than an attempt

# Both; the addresses of the one that is to hang into $rest and $grpc, of the other into $other_rest and $other_grpc.
two_models() {
	start_model
	read -r other_rest other_grpc <<<"$(addresses)"
	rm "$dir/model.address"
	start_model
	read -r rest grpc <<<"$(addresses)"
	url= # each engine is told of both
}

addresses() {
	sed 's/^ready at \([^ ]*\) and \([^ ]*\): .*/\1 \2/' "$dir/model.address"
}

hang_one() { # $1 name, then the addresses of both
	topics "$1" "$1-answers" -w 1
	start_engine call "$1" "$1" exactly-once one --server "sum=$2" --server "sum=$3"
	engine=$started
	engine_runs "$1"
	send "$1" $((rate * seconds)) "$rate"
	sleep 3
	kill -STOP "$model"
	sent
	check_answers "$1" $((rate * seconds)) "uncommitted: silence_ms:-lt:2000"
	kill -CONT "$model"
	stop_engine "$1" "$engine"
}

start_broker
two_models
hang_one rest "$rest" "$other_rest"
hang_one grpc "$grpc" "$other_grpc"
tell_result
