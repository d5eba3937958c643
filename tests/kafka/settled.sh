#!/bin/bash
# What is committed is what was given, offset by offset, and what a transaction gave up is not
# restored; a leader of a former generation is refused: settled.c, on a real Kafka.
#   settled.sh SLUICE BUILD      with settled in BUILD
# Takes about 40 s.
set -u
what=settled
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

start_broker
timeout $((120 * patience)) "$build/settled" "$brokers" >"$dir/told" 2>"$dir/settled.log"
grep -v ' passed, ' "$dir/told"
read -r passed failed <<<"$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$dir/told")"
passed=${passed:-0} failed=${failed:-1}
tail -n 3 "$dir/settled.log"
tell_result
