#!/bin/bash
# What a network does that loses, delays and repeats, between us and a real Kafka: late
# copies of the requests that end a transaction (guard.c; and the same without the guard,
# which must go wrong), and a whole engine behind such a network.
#   guard.sh SLUICE BUILD      with guard, proxy and requests in BUILD
# SECONDS_UNDER_FIRE, RATE change the sizes of the latter. Takes about a minute.
set -u
what=guard
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
seconds=${SECONDS_UNDER_FIRE:-12} rate=${RATE:-2000}

count_words() { # of a program, with a last line as ours
	local p f
	grep -v ' passed, ' "$1"
	read -r p f <<<"$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$1")"
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1}))
}

start_broker proxied
start_proxy
timeout $((120 * patience)) "$build/guard" "$brokers" "$proxied" $control >"$dir/guarded" 2>"$dir/guard.log"
count_words "$dir/guarded"
timeout $((120 * patience)) "$build/guard" "$brokers" "$proxied" $control unguarded >"$dir/unguarded" 2>>"$dir/guard.log"
count_words "$dir/unguarded"
tail -n 3 "$dir/guard.log"

# ---- a whole engine ----

start_model
topics late late-answers
send late $((rate * seconds)) "$rate"
straight=$brokers brokers=$proxied
start_engine call late late exactly-once one --metrics 0
engine=$started
brokers=$straight
late=0
for ((deadline = SECONDS + seconds; SECONDS < deadline; late++)); do
	tell_proxy hold $((late % 2 ? 28 : 26)) && tell_proxy await && tell_proxy cut || give_up "the proxy is gone"
	sleep 0.3
	tell_proxy release
	sleep 0.2
done
sent
check_answers late $((rate * seconds)) "uncommitted:-ge:0 silence_ms:-lt:5000"
resets_shown() {
	"$sluice" top --once -o json --brokers "$brokers" -n late >"$dir/top" && grep -q "\"resets\": [1-9]" "$dir/top"
}
wait_until 20 resets_shown
expect "late: status of looking for the resets in top" $? "-eq 0"
metrics=$(sed -n 's|.*metrics are at \(http[^ ]*\).*|\1|p' "$dir/engine.log" | tail -1)
curl -s --max-time 10 "$metrics" >"$dir/metrics"
for name in sluice_worker_resets_total sluice_pipeline_resets_total sluice_worker_commits_total; do
	expect "late: $name of /metrics" "$(sed -n "s/^$name{.*} \([0-9]*\).*/\1/p" "$dir/metrics" | head -1)" "-ge 1"
done
stop_engine late "$engine"
resets=$(sed -n 's/.*resets \([0-9]*\).*/\1/p' "$dir/engine.log" | tail -n 1)
echo "late: $late requests came late; $resets transactions were in doubt"
expect "late: transactions in doubt, that no late request went unseen" "${resets:-0}" "-ge $((late / 2))"

tell_result
