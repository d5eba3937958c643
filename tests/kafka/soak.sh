#!/bin/bash
# Three engines in one group under load; every 2 s one of them, in turn, is killed with
# -9 and started again. Whoever reads only what is committed must find each answer once,
# right, and in its key's order.
#   soak.sh SLUICE BUILD [SECONDS]      with requests in BUILD
# RATE changes how many requests a second there are (3000), SECONDS_UNDER_FIRE how long
# it takes where that is not said (20).
set -u
what=soak
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${3:-${SECONDS_UNDER_FIRE:-20}} rate=${RATE:-3000}
engines=() kills=0

start_broker
start_model
topics soak soak-answers
send soak $((rate * seconds)) "$rate"
for name in 0 1 2; do
	start_engine call soak soak exactly-once "$name"
	engines+=("$started")
done
for ((deadline = SECONDS + seconds; SECONDS < deadline; kills++)); do
	sleep 2
	kill_at_once "${engines[kills % 3]}"
	start_engine call soak soak exactly-once $((kills % 3))
	engines[kills % 3]=$started
done
sent
# With nothing uncommitted no kill would have hit an open transaction.
check_answers soak $((rate * seconds)) "uncommitted:-ge:1 silence_ms:-lt:12000"
for engine in "${engines[@]}"; do
	stop_engine soak "$engine"
done
echo "soak: $kills kills"
tell_result
