# What the tests on a real Kafka have in common; sourced by them, after they have set
# `what`, their name. Gives them $here, $dir to work in, $sluice and $build from their
# arguments, and takes all away in the end.
#
# shellcheck shell=bash
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/kafka/ports.sh
. "$here/ports.sh"
sluice=$(realpath "$1")
build=$(cd "$2" && pwd)
passed=0 failed=0 started=''
patience=${PATIENCE:-1} # so many times as long, where other tests run beside this one
dir=$(mktemp -d)
pids=' ' # of what we have started and not ended

end() {
	local pid
	for pid in $pids; do
		kill -9 "$pid" 2>/dev/null
		kill -CONT "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null # before the shell tells of its death
	done
	if declare -F end_of_test >/dev/null; then end_of_test; fi
	"$here/broker.sh" stop "$dir/kafka"
	[ -z "${KEEP-}" ] || cp "$dir/engine.log" "$KEEP" # to look into what engines said
	[ $failed -eq 0 ] || keep_logs
	rm -rf "$dir"
}
# What engines, readers and brokers said, where something failed: it may not come again.
keep_logs() {
	local log kept=$build/failed-$what
	rm -rf "$kept"
	mkdir -p "$kept" || return
	for log in "$dir"/*.log "$dir"/kafka/log "$dir"/three/[1-3]/log; do
		[ ! -f "$log" ] || cp "$log" "$kept/$(tr / - <<<"${log#"$dir"/}")"
	done
	echo "$what: the logs of engines, readers and brokers are in $kept" >&2
}
trap end EXIT
trap 'exit 130' INT TERM

give_up() {
	echo "$what: FAILED: $*" >&2
	tail -n 5 "$dir"/*.log >&2
	failed=$((failed + 1))
	echo "$passed passed, $failed failed"
	exit 1
}

skip() { # $1 why
	echo "skipped: $what: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

expect() { # $1 what, $2 got, $3 how it must be, as a test's operator and operand
	# shellcheck disable=SC2086
	if [ "$2" $3 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$what: $1: $2, which should be $3"
	fi
}

expect_words() { # $1 what, $2 file, $3 extended regular expression
	if grep -qE "$3" "$2"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$what: $1: nothing like \"$3\" is said; the last words:"
		tail -n 5 "$2"
	fi
}

# The sum of the whole test; to be its last line.
tell_result() {
	echo "$passed passed, $failed failed"
	[ $failed -eq 0 ]
}

# ---- processes ----

ours() { # $1 pid
	started=$1
	pids="$pids$1 "
}

not_ours() { # $1 pid, ended
	pids=${pids/ $1 / }
}

# Its exit status, when it has ended.
wait_for() { # $1 pid
	local status
	wait "$1" 2>/dev/null
	status=$?
	not_ours "$1"
	return $status
}

kill_at_once() { # $1 pid
	kill -9 "$1" || give_up "an engine was dead before it was killed"
	wait "$1" 2>/dev/null
	not_ours "$1"
}

# Exactly once, while records of its stand in a transaction that is open; at least once at any moment.
kill_in_transaction() { # $1 pid, $2 topic of answers, $3 delivery
	local striker
	if [ "$3" != exactly-once ]; then
		kill_at_once "$1"
		return
	fi
	kill -0 "$1" 2>/dev/null || give_up "an engine was dead before it was killed"
	{ "$build/requests" strike -b "$brokers" -o "$2" -p "$1" -q 10 >"$dir/strike" 2>"$dir/strike.log" || kill -9 "$1"; } &
	striker=$!
	wait "$1" 2>/dev/null # before the shell tells of its death
	wait $striker
	not_ours "$1"
}

# PATIENCE times as long.
wait_until() { # $1 seconds, then a command
	local deadline=$((SECONDS + $1 * patience))
	until "${@:2}"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

# ---- Kafka ----

start_broker() { # WITH
	local status
	brokers=$("$here/broker.sh" start "$dir/kafka" "$@" 2>"$dir/broker.log")
	status=$?
	[ $status -ne 3 ] || skip "$(tail -1 "$dir/broker.log")"
	[ $status -eq 0 ] || give_up "no broker"
}

# The proxy in front of a broker that was started `proxied`; its address into $proxied.
start_proxy() {
	local front back
	read -r front back <"$dir/kafka/proxied"
	control=$((front < 31000 ? front + 1000 : front - 1000))
	proxied=127.0.0.1:$front
	"$build/proxy" "$front" "$back" $control >"$dir/proxy.ready" 2>"$dir/proxy.log" &
	ours $!
	wait_until 20 test -s "$dir/proxy.ready" || give_up "no proxy"
}

tell_proxy() { # a line, as proxy.c says
	local reply
	exec 9<>"/dev/tcp/127.0.0.1/$control"
	echo "$*" >&9
	read -r -t 30 reply <&9
	exec 9>&-
	[ "$reply" = ok ]
}

topics() { # $1 in, $2 out; then options of requests
	"$build/requests" topics -b "$brokers" -i "$1" -o "$2" "${@:3}" 2>"$dir/topics.log" || give_up "no topics $1 and $2"
}

# ---- engines and their load ----

# The models of a file in a server of their own: its pid into $model, its address into $url.
start_model() { # $1 file, that beside this one unless given; then more arguments
	rm -f "$dir/model.address" # of a server before
	"$sluice" models serve "${1-$here/models.yaml}" "${@:2}" >"$dir/model.address" 2>>"$dir/model.log" &
	ours $!
	model=$!
	wait_until 20 test -s "$dir/model.address" || give_up "no model server"
	url=$(sed -n 's/^ready at \([^ ]*\) .*/\1/p' "$dir/model.address")
}

# A pipeline of one of the files here, from topic $2 to $2-answers; its pid into $started.
start_engine() { # $1 pipeline, $2 topic, $3 namespace, $4 delivery, $5 instance, then more arguments
	sed -e "s/TOPIC/$2/; s/GROUP/$3/; s/DELIVERY/$4/" "$here/$1.yaml" >"$dir/$3.$5.yaml"
	"$sluice" run -f "$dir/$3.$5.yaml" --brokers "$brokers" ${url:+--server "sum=$url"} --instance "$5" "${@:6}" \
		>>"$dir/engine.log" 2>&1 &
	ours $!
}

# Waits until it runs: its topics are made, and it says what it reads, in a log that need not be there yet.
engine_runs() { # $1 topic
	wait_until 30 grep -qs ": reads $1," "$dir/engine.log" || give_up "the engine of $1 does not start"
}

# It is asked to stop, and drains. One that ended before says why: that is another fault than one of its drain.
stop_engine() { # $1 whose, $2 pid
	local status=0 how="that was asked to stop"
	kill "$2" 2>/dev/null || how="that ended before it was asked to stop" status=1
	wait_for "$2" || status=$?
	expect "$1: exit status of the engine $how" $status "-eq 0"
	[ $status -eq 0 ] || tail -n 3 "$dir"/*.log
}

send() { # $1 topic, $2 how many, $3 a second; 0: at once; then options of requests
	"$build/requests" send -b "$brokers" -i "$1" -n "$2" -r "$3" "${@:4}" >"$dir/$1.count" 2>"$dir/sender.log" &
	ours $!
	sender=$!
}

sent() {
	wait_for "$sender" || give_up "the requests could not be sent"
}

# Ends it before all are sent: how many were, into $count.
send_no_more() { # $1 topic
	kill "$sender"
	expect "$1: status of looking whether requests are still sent" $? "-eq 0"
	sent
	count=$(cat "$dir/$1.count")
}

# Waits for the answers to $2 requests on $1-answers, and holds each figure against what
# it must be: those named in $3 as NAME:OPERATOR:OPERAND, or NAME: for any; others 0.
# A silence may be PATIENCE times as long, and so may pass before what has not come is given up.
check_answers() {
	local found word rule doubles=0
	[[ ${3-} =~ doubled:-eq:([0-9]+) ]] && doubles=${BASH_REMATCH[1]}
	found=$("$build/requests" check -b "$brokers" -o "$1-answers" -n "$2" -x "$doubles" -q $((${quiet_s:-15} * patience)) ${check_count-} 2>"$dir/check-$1.log") || give_up "no answers could be read"
	head -n 40 "$dir/check-$1.log" >&2
	echo "$1: $2 requests: $found"
	for word in $found; do
		rule=' -eq 0'
		case " ${3-} " in
		*" ${word%%=*}: "*) continue ;;
		*" ${word%%=*}:"*) rule=" ${3-} " rule=${rule#* "${word%%=*}":} rule=${rule%% *} rule=${rule/:/ } ;;
		esac
		[ "${word%%=*}" != silence_ms ] || rule="${rule% *} $((${rule##* } * patience))"
		# shellcheck disable=SC2086
		expect "$1: ${word%%=*}" "${word#*=}" "$(echo $rule)"
	done
}

# Finds nothing in what the pipeline of a file has answered so far.
verify_answers() { # $1 pipeline, $2 topic, whose file it is
	"$sluice" verify "$1" -f "$dir/$2.one.yaml" --brokers "$brokers" >"$dir/verify-$2.log" 2>&1
	expect "$2: exit status of verify" $? "-eq 0"
}
