#!/bin/bash
# The feed of a namespace on a real Kafka. Of two engines one closes a window with drift: the other marks its messages by it as
# well, and so does one that starts afterwards. A record of the feed is in force in all engines within 100 ms of its commit.
#   feed.sh SLUICE BUILD      with records in BUILD
# Takes about 20 seconds.
set -u
what=feed
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
case=$here/../cases-own/drift-marks-what-is-known
changes=5 # of the feed, whose delay is measured
export SLUICE_SETTINGS='' SLUICE_NAMESPACE=fed SLUICE_AUTHOR=tester
declare -A port

start_follower() { # $1 instance; its pid into $started
	port[$1]=$(free_port)
	"$sluice" run --control --instance "$1" --metrics "127.0.0.1:${port[$1]}" --artifacts "$dir/artifacts" >>"$dir/$1.log" 2>&1 &
	ours $!
}
figure() { # $1 instance, $2 start of a line of its metrics
	curl -s "127.0.0.1:${port[$1]}/metrics" | grep "^$2" | awk '{sum += $NF} END {print NR ? sum : "none"}'
}
requests_of() { # $1 lines of the case, $2 names their keys, $3 one: all have one key
	sed -n "$1p" "$case/in.jsonl" | jq -c --arg name "$2" --arg keys "$3" \
		'{key: (if $keys == "one" then "\($name)-" else "\($name)-\(input_line_number)" end), request}'
}
answers() { # $1 names their keys; into $dir/answers
	"$build/records" dump "$brokers" sluice.fed.pipeline.trading.outputs 2>"$dir/records.log" |
		jq -r --arg name "$1" 'select(.key | @base64d | startswith("\($name)-")) | .value | @base64d' >"$dir/answers"
}
has_answers() { # $1 names their keys, $2 how many
	answers "$1"
	[ "$(wc -l <"$dir/answers")" -ge "$2" ]
}
ask() { # $1 names the keys, $2 lines; 50 requests of as many keys
	requests_of "$2" "$1" '' | "$sluice" produce trading >"$dir/produce.log" 2>&1 || give_up "requests were not written"
	wait_until 15 has_answers "$1" 50 || give_up "no answers: $(tail -1 "$dir/answers")"
}
is_ready() { [ "$(figure "$1" sluice_control_unready)" = 0 ] && [ "$(figure "$1" sluice_control_resources)" = 1 ]; }

start_broker brisk
export SLUICE_BROKERS=$brokers
cp "$case/usual.json" "$dir"
sed -e 's/^spec:/spec:\n  delivery: exactly-once/' \
	-e 's/state: drift_state}/state: drift_state, busy: messages_per_minute > 0, aged: newest_age_ms >= 0}/' -e 's/keep: \[/keep: [busy, aged, /' "$case/pipeline.yaml" >"$dir/trading.yaml"
start_follower one
start_follower two
has_keeper() { grep -qs "is now the keeper" "$dir/one.log" "$dir/two.log"; }
wait_until 20 has_keeper || give_up "no keeper"
"$sluice" apply -f "$dir/trading.yaml" >"$dir/apply.log" 2>&1 || give_up "no apply"
"$sluice" wait pipeline/trading --timeout 60s >"$dir/wait.log" 2>&1 || give_up "not ready"

# ---- a window that one engine closes ----

ask before 1,50
expect "answers before the first window that say drift" "$(grep -c '"drift"' "$dir/answers")" "-eq 0"
requests_of 51,100 moved one | "$sluice" produce trading >"$dir/produce.log" 2>&1
requests_of 51,100 moved2 one | "$sluice" produce trading >"$dir/produce.log" 2>&1
wait_until 15 has_answers moved2 50 || give_up "no answers: $(tail -1 "$dir/answers")"
has_fed() { "$build/records" dump "$brokers" sluice.fed.feed 2>>"$dir/records.log" >"$dir/feed" && [ "$(wc -l <"$dir/feed")" -ge 4 ]; }
wait_until 15 has_fed || give_up "nothing on the feed"
expect "kinds of keys on the feed" "$(jq -r '.key | @base64d' "$dir/feed" | sort -u | tr '\n' ' ' | grep -cx 'drift/trading/watch figures/trading/watch ')" "-eq 1"
shown_by() { # $1 a metric; how many of the engines have a value above 0
	for name in one two; do figure $name "$1{"; done | awk '$1 != "none" && $1 > 0' | wc -l
}
expect "engines with messages a minute: the observer's" "$(shown_by sluice_drift_messages_per_minute)" "-eq 1"
expect "engines with the age of the newest event: the same" "$(shown_by sluice_drift_newest_age_seconds)" "-eq 1"

marked() { # $1 a mark; how many of the answers have it as true
	jq -c --arg name "$1" '.outputs[] | select(.name == $name) | .data[0]' "$dir/answers" | grep -c true
}

# ---- how long a record takes ----

jq -c 'select(.key | @base64d | startswith("drift/"))' "$dir/feed" | tail -1 >"$dir/verdict"
: >"$dir/delays"
# A record has the time at which it was given to the client, so the first one, for which that connects, does not count.
for ((i = 0; i <= changes; i++)); do
	cat "$dir/verdict"
	sleep 1.5 # an engine notes its figures each second
	[ $i -eq 0 ] || for name in one two; do figure $name sluice_control_feed_delay_seconds >>"$dir/delays"; done
done | "$build/records" load "$brokers" sluice.fed.feed 2>>"$dir/records.log" || give_up "a record was not written"
slowest=$(sort -g "$dir/delays" | tail -1)
echo "feed: $changes records, in force in both engines after at most $slowest s"
expect "records whose delay is above 100 ms" "$(awk '$1 > 0.1 || $1 == "none"' "$dir/delays" | wc -l)" "-eq 0"

# ---- all engines know it ----

ask after 51,100
expect "answers of all engines that say drift" "$(grep -c '"drift"' "$dir/answers")" "-eq 50"
expect "answers of all engines with messages a minute" "$(marked busy)" "-eq 50"
expect "answers of all engines with the age of the newest event" "$(marked aged)" "-eq 50"
start_follower three
wait_until 30 is_ready three || give_up "the third engine does not run"
ask later 51,100
expect "answers that say drift, after a third engine came" "$(grep -c '"drift"' "$dir/answers")" "-eq 50"
tell_result
