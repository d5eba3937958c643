#!/bin/bash
# A hundred appliers change the same few resources while the keeper is killed: what they are told is linearizable, as
# Porcupine judges (a checker in Go that was not written here); on a real Kafka.
#   histories.sh SLUICE BUILD      with keeper in BUILD
# APPLIERS, OPERATIONS: how many, and how often each applies (default 100 and 3). Takes about a minute.
set -u
what=histories
appliers=${APPLIERS:-100} operations=${OPERATIONS:-3}
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"

command -v go >/dev/null || skip "Go is not installed"
(cd "$here/histories" && timeout 120 go build -o "$dir/histories" .) >"$dir/go.log" 2>&1 || skip "Porcupine cannot be had: $(tail -n 1 "$dir/go.log")"
start_broker brisk
export SLUICE_BROKERS=$brokers SLUICE_SETTINGS=

start_keeper() { # $1 name; its pid into $started
	"$build/keeper" "$brokers" default "$1" 2>>"$dir/$1.log" &
	ours $!
}
is_keeper() { # $1 name
	grep -qs "is now the keeper" "$dir/$1.log"
}
start_keeper one
one=$started
wait_until 15 is_keeper one || give_up "no keeper"
start_keeper two
"$here/appliers.py" "$sluice" "$dir" "$appliers" "$operations" 3 >"$dir/told" 2>"$dir/appliers.log" &
ours $!
many=$started
wait_until 60 test -s "$dir/told" || give_up "no apply is decided"
kill -9 "$one" && wait_for "$one"
wait_until 15 is_keeper two || give_up "nobody follows a keeper that was killed"
wait_for "$many"
expect "status of the appliers" $? "-eq 0"
expect "applies that were decided" "$(wc -l <"$dir/told")" "-eq $((appliers * operations))"
expect "applies that were accepted" "$(grep -c accepted "$dir/told")" "-ge 1"
expect "conflicts" "$(grep -c conflict "$dir/told")" "-ge 1"
"$dir/histories" <"$dir/told" >"$dir/verdict.log" 2>&1
expect "status of the check" $? "-eq 0"
expect_words "the check" "$dir/verdict.log" "$((appliers * operations)) operations: linearizable"
# The checker itself: an accepted version that somebody else was given too is found.
grep accepted "$dir/told" | sed 's/"client": [0-9]*/"client": 9999/' | head -n 1 | cat "$dir/told" - | "$dir/histories" >"$dir/wrong.log" 2>&1
expect "status of the check of a version that was given twice" $? "-eq 1"
tell_result
