#!/bin/bash
# Outliers by what an observer learns, on a real Kafka. Two engines: what the observer of one has learnt marks the messages of both,
# and those of a third that starts later. The engine that observes is killed with -9: the other goes on with the rows that it had,
# each of which counts once, though 199 and 200 more are one row apart from what is given out.
#   outliers.sh SLUICE BUILD      with records in BUILD
# Takes about 30 seconds.
set -u
what=outliers
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
case=$here/../cases-own/outliers-learn-the-past
export SLUICE_SETTINGS='' SLUICE_NAMESPACE=fed SLUICE_AUTHOR=tester

start_follower() { # $1 instance; its pid into $started
	"$sluice" run --control --instance "$1" --metrics 0 --artifacts "$dir/artifacts" >>"$dir/$1.log" 2>&1 &
	ours $!
}
ask() { # $1 names the keys, $2 the lines of the case
	sed -n "$2p" "$case/in.jsonl" | jq -c --arg name "$1" '{key: "\($name)-\(input_line_number)", request}' |
		"$sluice" produce trading >"$dir/produce.log" 2>&1 || give_up "requests were not written"
}
answers() { # $1 names their keys; into $dir/answers
	"$build/records" dump "$brokers" sluice.fed.pipeline.trading.outputs 2>"$dir/records.log" |
		jq -r --arg name "$1" 'select(.key | @base64d | startswith("\($name)-")) | .value | @base64d' >"$dir/answers"
}
has_answers() { # $1 names their keys, $2 how many
	answers "$1"
	[ "$(wc -l <"$dir/answers")" -ge "$2" ]
}
asked() { # $1 names the keys, $2 lines, $3 how many; until all are answered
	ask "$1" "$2"
	wait_until 20 has_answers "$1" "$3" || give_up "no answers: $(tail -1 "$dir/answers")"
}
# The engines that have answered: how many per cent of them did not judge their last message, since too little is known.
learning() {
	local name at
	for name in one two; do
		at=$(sed -n 's,.*\(http://[^ ]*/metrics\).*,\1,p' "$dir/$name.log" | head -1)
		curl -s "$at" | sed -n 's/^sluice_outlier_learning{.*} //p'
	done | awk '$1 != "NaN" {count++; sum += $1} END {print count ? 100 * sum / count : "none"}'
}
learnt() { # the rows of each record of the feed
	"$build/records" dump "$brokers" sluice.fed.feed 2>>"$dir/records.log" | jq -c 'select(.key | @base64d == "outlier/trading/odd")' |
		"$here/verdicts.py" "$here/../../schemas/outlier_reference.avsc" 2>>"$dir/records.log" | jq -s -r 'map(.rows) | sort | @csv'
}
has_learnt() { [ "$(learnt)" = "$1" ]; }

start_broker brisk
export SLUICE_BROKERS=$brokers
sed -e 's/^spec:/spec:\n  delivery: exactly-once/' "$case/pipeline.yaml" >"$dir/trading.yaml"
start_follower one
one=$started
start_follower two
two=$started
has_keeper() { grep -qs "is now the keeper" "$dir/one.log" "$dir/two.log"; }
wait_until 20 has_keeper || give_up "no keeper"
"$sluice" apply -f "$dir/trading.yaml" >"$dir/apply.log" 2>&1 || give_up "no apply"
"$sluice" wait pipeline/trading --timeout 60s >"$dir/wait.log" 2>&1 || give_up "not ready"

# ---- what is learnt marks the messages of both engines ----

asked usual 1,199 199
expect "answers before there are rows enough that are judged" "$(grep -c '"known"' "$dir/answers")" "-eq 0"
expect "metrics before there are rows enough" "$(learning)" "= 100"
expect "records of the feed after 199 rows" "$(learnt | grep -c .)" "-eq 0"
asked last 200,200 1
wait_until 15 has_learnt 200 || give_up "after 200 rows the feed has: $(learnt)"
for ((i = 0; i < 40; i++)); do sed -n 203p "$case/in.jsonl"; done >"$dir/strange"
jq -c '{key: "strange-\(input_line_number)", request}' "$dir/strange" | "$sluice" produce trading >"$dir/produce.log" 2>&1
wait_until 15 has_answers strange 40 || give_up "no answers: $(tail -1 "$dir/answers")"
expect "strange requests that are judged" "$(grep -c '"known"' "$dir/answers")" "-eq 40"
expect "metrics when enough is known" "$(learning)" "= 0"
flagged() { jq -c '.outputs[] | select(.name == "odd") | .data[0]' "$dir/answers" | grep -c true; }
expect "strange requests that are flagged" "$(flagged)" "-eq 40"

# ---- the engines that observe die ----

# One of the two observes, and they die one after the other.
kept() { # $1 what the feed has; still so, when all that came has been read
	sleep 5
	expect "what the feed has before the last row" "$(learnt)" "= $1"
}

# 240 rows have come: 160 more are twice what was given out.
kill_at_once "$one"
start_follower three
three=$started
ask more 1,159
wait_until 40 has_answers more 159 || give_up "no answers after a kill: $(wc -l <"$dir/answers")"
kept 200
asked onemore 160,160 1
wait_until 20 has_learnt 200,400 || give_up "after 400 rows the feed has: $(learnt)"
kill_at_once "$two"
ask again 1,200
ask again2 1,199
wait_until 40 has_answers again 200 || give_up "no answers after a kill: $(wc -l <"$dir/answers")"
wait_until 40 has_answers again2 199 || give_up "no answers after a kill: $(wc -l <"$dir/answers")"
kept 200,400
asked onemore2 203,203 1
wait_until 20 has_learnt 200,400,800 || give_up "after 800 rows the feed has: $(learnt)"
expect "a strange request at the engine that came last" "$(grep -c '"known"' "$dir/answers")" "-eq 1"
stop_engine three "$three"
tell_result
