#!/bin/bash
# What consumers and outputs promise, held on a real Kafka (contract.c); the simulated Kafka of `sluice
# sim` is held to the same stories by the unit tests.
#   contract.sh SLUICE BUILD      with contract and proxy in BUILD; STORY=NAME: that one
# Takes about a minute and a half.
set -u
what=contract
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker proxied
start_proxy
timeout $((240 * patience)) "$build/contract" "$brokers" "$proxied" $control ${STORY:-} >"$dir/told" 2>"$dir/contract.log"
grep -v ' passed, ' "$dir/told"
read -r passed failed <<<"$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$dir/told")"
passed=${passed:-0} failed=${failed:-1}
tail -n 3 "$dir/contract.log"

tell_result
