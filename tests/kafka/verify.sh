#!/bin/bash
# `sluice verify` on a real Kafka. While an engine is killed with -9 every 2 s and started again, and when it has done all, nothing
# is found, with either delivery, in one stage and in several. Then its answers are copied to another topic with one in 10,000 lost,
# doubled, swapped within its key, with another's tensors, or in place of an error: each is found.
#   verify.sh SLUICE BUILD      with requests and records in BUILD
# COUNT is the number of requests, LARGE that of a run that is timed (0: none). Takes about two minutes.
set -u
what=verify
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
count=${COUNT:-60000} large=${LARGE:-0} kills=3

# Its numbers into $dir/NAMESPACE.found, of the pipeline's file $dir/NAMESPACE.one.yaml, or another one; returns its exit status.
verify() { # $1 namespace, $2 pipeline, $3 file; then more arguments
	"$sluice" verify "$2" -o json -f "$3" --brokers "$brokers" "${@:4}" >"$dir/$1.found" 2>>"$dir/verify.log"
}
number() { # $1 namespace, $2 member
	sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p" "$dir/$1.found"
}
nothing_found() { # $1 namespace, $2 pipeline, $3 when
	verify "$1" "$2" "$dir/$1.one.yaml"
	expect "$1: exit status of verify $3" $? "-eq 0"
	[ "$(number "$1" requests)" ] || tail -n 3 "$dir/verify.log"
}
all_judged() { # $1 namespace, $2 pipeline: no later stage has any more
	verify "$1" "$2" "$dir/$1.one.yaml"
	[ "$(number "$1" on_their_way)" = 0 ]
}
committed() { # $1 namespace, $2 delivery, $3 how many
	"$build/requests" follow -b "$brokers" -i "$1" -g "sluice.$1.$2" -n "$3" -p "$engine" >/dev/null 2>>"$dir/follow.log"
}

# ---- engines that are killed ----

killed() { # $1 pipeline, $2 namespace and topic, $3 delivery
	local kill
	topics "$2" "$2-answers"
	send "$2" "$count" $((count / (2 * kills))) -j
	start_engine "$1" "$2" "$2" "$3" one --commit 100ms --metrics 0
	engine=$started
	for ((kill = 0; kill < kills; kill++)); do
		sleep 2
		kill_in_transaction "$engine" "$2-answers" "$3"
		nothing_found "$2" "$1" "after kill $kill"
		start_engine "$1" "$2" "$2" "$3" one --commit 100ms --metrics 0
		engine=$started
	done
	sent
	committed "$2" "$3" "$count" || give_up "the requests of $2 are not all committed"
	wait_until 60 all_judged "$2" "$1" || give_up "requests of $2 stay on their way"
	nothing_found "$2" "$1" "at the end"
	expect "$2: requests" "$(number "$2" requests)" "-eq $count"
}

start_broker brisk
start_model
killed expression once exactly-once
expect "once: answers" "$(number once answered)" "-eq $count"
expect "once: answers that were compared" "$(number once compared)" "-eq $count"
stop_engine once "$engine"
killed expression again at-least-once
expect "again: answers" "$(number again answered)" "-eq $count"
stop_engine again "$engine"
killed stages crossed exactly-once
stop_engine crossed "$engine"

# ---- answers that are corrupted ----

# Requests without their tensor fail: they are answered with errors, and dead-lettered.
bad=$((count / 10000))
topics wrong wrong-answers
start_engine expression wrong wrong exactly-once one --commit 100ms --metrics 0
engine=$started
for ((i = 0; i < bad; i++)); do
	value='{"id":"bad-'$i'","inputs":[{"name":"z","shape":[1],"datatype":"FP32","data":[1]}]}'
	echo '{"partition":0,"key":"'"$(printf 'bad-%d' $i | base64)"'","headers":[],' \
		'"value":"'"$(printf %s "$value" | base64 -w 0)"'"}'
done | "$build/records" load "$brokers" wrong
send wrong "$count" 0 -j
sent
committed wrong exactly-once $((count + bad)) || give_up "the requests of wrong are not all committed"
nothing_found wrong expression "before anything is corrupted"
expect "wrong: errors" "$(number wrong failed)" "-eq $bad"
"$build/records" dump "$brokers" wrong-answers >"$dir/answers" 2>"$dir/dump.log"

corrupted() { # $1 mode, $2 member, $3 how many of each
	local corrupt status
	topics "unused-$1" "wrong-$1"
	corrupt=$("$here/corrupt.py" "$1" <"$dir/answers" 2>&1 >"$dir/corrupt") || give_up "$1: $corrupt"
	"$build/records" load "$brokers" "wrong-$1" <"$dir/corrupt"
	sed "s/wrong-answers/wrong-$1/" "$dir/wrong.one.yaml" >"$dir/wrong-$1.yaml"
	verify "wrong-$1" expression "$dir/wrong-$1.yaml" --show 100000
	status=$?
	expect "$1: exit status" $status "-eq 1"
	expect "$1: corrupted" "$corrupt" "-ge $bad"
	expect "$1: $2" "$(number "wrong-$1" "$2")" "-eq $((corrupt * $3))"
	expect "$1: findings" "$(grep -o '"what"' "$dir/wrong-$1.found" | wc -l)" "-eq $((corrupt * $3))"
}
corrupted lose lost 1
corrupted double doubled 1
corrupted swap out_of_order 2 # that one comes late, and the other early
corrupted tensors wrong 1
corrupted letters after_dead_letter 1
stop_engine wrong "$engine"

# ---- many ----

if [ "$large" -gt 0 ]; then
	topics many many-answers
	start_engine expression many many exactly-once one --metrics 0
	engine=$started
	send many "$large" 0 -j
	sent
	wait_until 600 committed many exactly-once "$large"
	/usr/bin/time -f "%e s, %M KiB" -o "$dir/time" \
		"$sluice" verify expression -o json -f "$dir/many.one.yaml" --brokers "$brokers" \
		>"$dir/many.found" 2>>"$dir/verify.log"
	expect "many: exit status" $? "-eq 0"
	expect "many: requests" "$(number many requests)" "-eq $large"
	echo "$large requests and their answers: $(cat "$dir/time")"
	stop_engine many "$engine"
fi

tell_result
