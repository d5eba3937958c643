#!/bin/bash
# Where a message's time goes: the forwarder and sluice work off the same topics, one after the other, and for each it prints
# nanoseconds by thread and phase (perf, by the processor's clock), instructions (callgrind), and what librdkafka makes of it: records
# a fetch, a run of one partition and a produced batch, and context switches.
#   path.sh SLUICE PROGRAMS     with forward and requests in PROGRAMS; needs perf and valgrind
# BACKLOG, COUNTED and KINDS choose the sizes and the kinds: FORM.DELIVERY. README.md beside this file has tables of it.
set -u
what=path
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/race/course.sh"
bench=$(cd "$(dirname "$0")" && pwd)
backlog=${BACKLOG:-1000000} counted=${COUNTED:-100000} commit_ms=100
kinds=${KINDS:-avro.at-least-once avro.exactly-once json.at-least-once}
command -v perf >/dev/null || skip "there is no perf"
command -v valgrind >/dev/null || skip "there is no valgrind"

for form in avro json; do
	[[ " $kinds" == *" $form."* ]] || continue
	flag=''
	[ $form = avro ] || flag=-j
	topics $form $form-answers
	topics $form-few $form-few-answers
	topics $form-more $form-more-answers
	fill $form "$backlog" $flag
	fill $form-few $((counted / 5)) $flag
	fill $form-more $((counted / 5 * 6)) $flag
done

start() { # $1 who, $2 topic, $3 delivery, $4 name of its group, then more arguments
	local once=()
	if [ "$1" = forward ]; then
		group=$4
		[ "$3" = exactly-once ] || once=(-a)
		start_copier "$2" "$4" "${once[@]}" "${@:5}"
	else
		group=sluice.$4.$3
		fill_in race "$2" "$4" "$3" >"$dir/$4.yaml"
		start_sluice "$dir/$4.yaml" --commit ${commit_ms}ms "${@:5}"
	fi
}

finishes() { # $1 topic, $2 messages
	"$build/requests" follow -b "$brokers" -i "$1" -g "$group" -n "$2" -p $runner >/dev/null 2>"$dir/follow.log" ||
		give_up "$group did not finish"
}

batches() { # $1 topic
	"$bench/path.py" batches "$dir/kafka/data/$1"-[0-9]*
}

times() { # $1 who, $2 form, $3 delivery, $4 its file
	local recorder
	batches "$2-answers" >"$dir/before"
	under=(perf record -q -e cpu-clock -F 997 --call-graph "dwarf,8192" -o "$dir/perf")
	start "$1" "$2" "$3" "timed-$2-$3"
	under=()
	recorder=$runner
	wait_until 5 pgrep -P $recorder >/dev/null || give_up "perf did not start $1"
	runner=$(pgrep -P $recorder)
	speed=$("$build/requests" pace -b "$brokers" -i "$2" -g "$group" -n "$backlog" -p $runner 2>"$dir/pace.log") ||
		give_up "$group did not finish"
	finishes "$2" "$backlog"
	grep -H ctxt "/proc/$runner/task/"*/status >"$dir/switches"
	kill "$runner"
	wait_for "$recorder"
	perf script --no-inline -i "$dir/perf" -F comm,tid,ip,sym,dso 2>"$dir/perf.log" |
		"$bench/path.py" times "$speed" "$backlog" "$dir/switches" >"$4"
	batches "$2-answers" | "$bench/path.py" added "$dir/before" >>"$4"
}

count() { # $1 who, $2 form, $3 delivery, $4 its file
	local size number
	for size in few more; do
		under=(valgrind -q --tool=callgrind --separate-threads=yes "--callgrind-out-file=$dir/counts-$size")
		start "$1" "$2-$size" "$3" "counted-$size-$2-$3"
		under=()
		number=$((counted / 5))
		[ $size = few ] || number=$((number * 6))
		finishes "$2-$size" $number
		stop_runner
	done
	"$bench/path.py" counts $counted "$dir"/counts-few-?? -- "$dir"/counts-more-?? >>"$4"
	rm -f "$dir"/counts-*
}

fetches() { # $1 who, $2 form, $3 delivery, $4 its file
	local more=(-d fetch,msg)
	[ "$1" = forward ] || more=(--kafka-setting debug=fetch,msg --kafka-setting log_level=7 --log-level debug)
	start "$1" "$2" "$3" "fetched-$2-$3" "${more[@]}"
	finishes "$2" "$backlog"
	stop_runner
	"$bench/path.py" fetches "$2" <"$dir/$1.log" >>"$4"
	: >"$dir/$1.log"
}

for kind in $kinds; do
	for who in forward sluice; do
		times $who "${kind%.*}" "${kind#*.}" "$dir/$kind-$who"
		[ "$counted" -eq 0 ] || count $who "${kind%.*}" "${kind#*.}" "$dir/$kind-$who"
		fetches $who "${kind%.*}" "${kind#*.}" "$dir/$kind-$who"
	done
	echo "## $kind"
	"$bench/path.py" table "$dir/$kind-forward" "$dir/$kind-sluice"
done
