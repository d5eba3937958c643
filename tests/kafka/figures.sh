#!/bin/bash
# What the control plane costs and how fast it is, on a real Kafka: three engines follow an apply within a second, or four where topics
# are created; another pipeline does not notice it; a thousand pipelines start in 30 s and 512 MiB, and one more is ready in a
# second; memory stays where it is while pipelines change.
#   figures.sh SLUICE BUILD      with requests in BUILD and latency in BUILD/../bench
# PARTS: which of "converge many flat" (all). APPLIES: of the part flat (300; 1000 are the 10 minutes of 100 a minute).
# Takes five minutes. The figures are of a quiet machine: PATIENCE multiplies the times.
set -u
what=figures
parts=${PARTS:-converge many flat} applies=${APPLIES:-300} patience=${PATIENCE:-1}
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
latency=$build/../bench/latency

start_broker brisk
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS='' SLUICE_AUTHOR=tester LC_ALL=C

start_follower() { # $1 namespace, $2 instance; its pid into $started
	"$sluice" run --control -n "$1" --instance "$2" >>"$dir/$1.$2.log" 2>&1 &
	ours $!
}
keeper_is_there() { # $1 namespace
	grep -qs "is now the keeper" "$dir/$1".*.log
}
pipeline() { # $1 name, $2 summand, $3 delivery
	printf -- '---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s}\nspec:\n' "$1"
	printf '  delivery: %s\n  steps: [{name: add, expression: {set: {x: x + %d}}}]\n  output: {steps: [add]}\n' "${3:-at-least-once}" "$2"
}
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# Applies a file and waits for a pipeline of it; the time of both into $took_ms.
deploy() { # $1 namespace, $2 file, $3 pipeline
	local begun
	begun=$(milliseconds)
	"$sluice" apply -n "$1" -f "$2" --timeout 60s >"$dir/apply.log" 2>&1 &&
		"$sluice" wait -n "$1" "pipeline/$3" --timeout 120s >"$dir/wait.log" 2>&1
	expect "status of applying $3 and waiting for it" $? "-eq 0"
	took_ms=$(($(milliseconds) - begun))
}
figure() { # $1 what, $2 value, $3 at most, $4 unit
	echo "$1: $2 $4, at most $3; load $(cut -d' ' -f1 /proc/loadavg)"
	expect "$1, in $4" "$2" "-le $3"
}
resident_mib() { # $1 pid
	awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$1/status"
}

# The p99 of a pipeline over the 10 s that begin with an apply to the namespace; without a file, beside nothing. Where nothing is
# applied and it takes more than BUSY_MS, the machine has other work, and the figures are only printed. Exactly once an answer
# is read when its transaction has been committed, 100 ms after it was begun.
busy_ms=50 commit_ms=100
beside() { # $1 what, $2 pipeline, $3 namespace, $4 file, $5 pipeline that is applied
	local prober p99 usual_most_ms=$busy_ms
	[ "$2" != exactly ] || usual_most_ms=$((busy_ms + commit_ms))
	"$latency" -b "$brokers" -i "sluice.$3.pipeline.$2.inputs" -o "sluice.$3.pipeline.$2.outputs" -r 200 -s 12 -u 1 -w 5 \
		>"$dir/latency" 2>"$dir/latency.log" &
	ours $!
	prober=$started
	sleep 2
	[ $# -lt 4 ] || deploy converge "$4" "$5"
	wait_for "$prober"
	p99=$(sed -n 's/.*p99=\([0-9]*\).*/\1/p' "$dir/latency")
	p99=${p99:-9999}
	[ $# -ge 4 ] || usual_ms=$p99
	if [ "$usual_ms" -gt "$usual_most_ms" ]; then
		echo "p99 of $2 in namespace $3 beside $1: $p99 ms, and $usual_ms beside nothing: not judged; load $(cut -d' ' -f1 /proc/loadavg)"
	else
		figure "p99 of $2 in namespace $3 beside $1" "$p99" $((250 * patience)) ms
	fi
	expect "its requests without an answer" "$(sed -n 's/.*lost=\([0-9]*\).*/\1/p' "$dir/latency")" "-eq 0"
}

part_converge() {
	local delivery one
	for one in one two three; do start_follower converge $one; done
	start_follower other one
	wait_until 20 keeper_is_there converge || give_up "no keeper"
	wait_until 20 keeper_is_there other || give_up "no keeper"
	{ pipeline least 1; pipeline exactly 1 exactly-once; } >"$dir/probed.yaml"
	deploy converge "$dir/probed.yaml" exactly
	deploy other "$dir/probed.yaml" exactly
	for delivery in at-least-once exactly-once; do
		local probed=least
		[ $delivery = at-least-once ] || probed=exactly
		beside nothing $probed converge
		pipeline "new-$probed" 1 $delivery >"$dir/new.yaml"
		beside "an apply that adds topics" $probed converge "$dir/new.yaml" "new-$probed"
		figure "three engines converge, $delivery, with new topics" $took_ms $((4000 * patience)) ms
		pipeline "new-$probed" 2 $delivery >"$dir/new.yaml"
		beside "a change" $probed converge "$dir/new.yaml" "new-$probed"
		figure "three engines converge, $delivery, without new topics" $took_ms $((1000 * patience)) ms
		"$sluice" delete -n converge "pipeline/new-$probed" >"$dir/delete.log" 2>&1
		sleep 3
		beside "an apply of topics that exist" $probed converge "$dir/new.yaml" "new-$probed"
		figure "three engines converge, $delivery, with topics that exist" $took_ms $((1000 * patience)) ms
		pipeline "more-$probed" 1 $delivery >"$dir/more.yaml"
		beside "an apply to another namespace" $probed other "$dir/more.yaml" "more-$probed"
	done
}

said_twice() { # $1 words
	[ "$(grep -c "$1" "$dir/many.one.log")" -ge 2 ]
}
part_many() {
	local i engine begun
	for ((i = 0; i < 1000; i++)); do pipeline p$i 1; done >"$dir/many.yaml"
	start_follower many one
	engine=$started
	wait_until 20 keeper_is_there many || give_up "no keeper"
	deploy many "$dir/many.yaml" p999 # creates 3,000 topics
	kill "$engine"
	wait_for "$engine"
	sleep 20 # until Kafka has created them
	begun=$(milliseconds)
	start_follower many one
	engine=$started
	wait_until 60 said_twice "documents in force are running: 1000"
	"$sluice" wait -n many pipeline/p999 --timeout 60s >"$dir/wait.log" 2>&1
	expect "status of waiting for the last of a thousand" $? "-eq 0"
	figure "1,000 pipelines from nothing to ready" $(($(milliseconds) - begun)) $((30000 * patience)) ms
	figure "memory of 1,000 pipelines" "$(resident_mib "$engine")" 512 MiB
	wait_until 20 said_twice "is now the keeper"
	sleep 20 # until Kafka has answered the producer, which asks for each topic by itself
	pipeline more 1 >"$dir/more.yaml"
	deploy many "$dir/more.yaml" more
	for i in 2 3 4; do # the first one created topics
		pipeline more $i >"$dir/more.yaml"
		deploy many "$dir/more.yaml" more
	done
	figure "one more than 1,000" $took_ms $((1000 * patience)) ms
	sleep 12 # until nothing changes
	begun=$("$build/records" count "$brokers" sluice.many.status 2>"$dir/records.log")
	sleep 10
	figure "status records of 1,000 pipelines in 10 s" $(($("$build/records" count "$brokers" sluice.many.status 2>"$dir/records.log") - begun)) 1300 records
	for ((i = 0; i < 40; i++)); do
		pipeline p$i 2 >"$dir/more.yaml"
		deploy many "$dir/more.yaml" p$i
		[ $i -ne 19 ] || begun=$(resident_mib "$engine")
	done
	figure "memory after 40 of 1,000 pipelines have changed, one by one" "$(resident_mib "$engine")" 600 MiB
	figure "of it by the last 20" $(($(resident_mib "$engine") - begun)) 150 MiB
	stop_engine many "$engine"
}

part_flat() {
	local i engine half
	start_follower flat one
	engine=$started
	wait_until 20 keeper_is_there flat || give_up "no keeper"
	for ((i = 1; i <= applies; i++)); do
		pipeline p$((i % 10)) $i >"$dir/flat.yaml"
		deploy flat "$dir/flat.yaml" p$((i % 10))
		[ $i -ne $((applies / 2)) ] || half=$(resident_mib "$engine")
	done
	figure "memory after $applies applies, where half of them left $half" "$(resident_mib "$engine")" $((half * 11 / 10)) MiB
	stop_engine flat "$engine"
}

for part in $parts; do "part_$part"; done
tell_result
