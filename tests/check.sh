#!/bin/bash
# The whole check: parts run one after the other, but for those that mostly wait, or only compute; each
# ends in a line `N passed, N failed[, N skipped]`, and so does the whole. What a part printed stands in
# build/check/PART.log. Arguments: the parts to run; none: all.
#
# A part is a function part_NAME below. What cannot run on a machine prints
# `skipped: WHAT: WHY` and is counted, never as passed.
set -u
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C.UTF-8 MAKEFLAGS= WERROR=1
jobs=$(nproc)
logs=build/check
sluice=build/sluice

make_quietly() {
	make --no-print-directory -j"$jobs" "$@"
}

# One check: passes when the command does.
one() {
	if "$@"; then
		echo "1 passed, 0 failed"
	else
		echo "0 passed, 1 failed"
	fi
}

# `make help` tells how long each takes; that table is kept by hand from what this prints.
parts="deps unit layers house static sanitize thread cases gallery judge oracles sklearn tokens models dev reference sim demo docs help readme shells install dashboards
	instructions bars torture fuzz grpc callers kafka state contract guard cases-kafka features secure reload faults overload mlserver librdkafka compose"
# In these, clocks and other processes play a part, and a machine that is busy with something
# else can make one fail for want of time. One that fails is run once more; where it then passes, the summary has a red line.
timed="unit sanitize thread models dev bars grpc callers kafka state contract guard cases-kafka features secure reload faults overload mlserver librdkafka compose"

# These mostly wait, for brokers, models and sessions that are gone: so many at once as there are lanes, the longest first,
# once `unit` has built what they run. None is judged by how fast it is. Their brokers are compiled in a hurry: what a better
# compiler gains there, it costs here. All take some 450 s of a processor, brokers left out, in 2,500.
waiting="kafka faults secure dev contract reload mlserver features cases-kafka state guard"
lanes=3
# These use one processor, or wait for half of their time, and none is judged by how fast it is: one more at once than there are
# processors, the longest first. A page's servers have ports of their own; those of `demo` are any that are free.
single="librdkafka thread models grpc readme oracles judge sim help sklearn docs cases gallery demo tokens install dashboards reference shells"
# These only compute, and find the same on a busy machine: they have what time the others leave, at the lowest priority, after what
# is built so for `thread`, `sanitize`, `torture` and `fuzz`. All has ended before a part begins that is judged by how fast it is.
computing="static torture instructions"
# One after the other, beside those that only compute: not beside others, whose load makes them fail for want of time. None is judged
# by how fast it is, and `compose` leaves most of two processors idle.
calm="sanitize compose"

# A program of a part, which counts by itself. One that dies midway has not counted what it did not reach; one that hangs is
# interrupted, so that it cleans up, and the others tell what they found.
counted() {
	timeout --foreground --signal INT --kill-after 20 "$hung_seconds" "$@" && return
	[ $? -ne 124 ] || echo "$1 was interrupted after $hung_seconds s"
	echo "0 passed, 1 failed"
}
hung_seconds=600

part_deps() {
	one tests/deps.sh check
}

part_unit() {
	one tests/reach.sh
	make_quietly ALL=1 all run-unit
}

part_layers() {
	one sh -c 'tests/layers.sh && tests/cycles.py build/obj'
}

part_house() {
	tests/house.sh
}

# The product's sources in which the last commits changed more than comments and includes, as a move does, the latest first: as many as
# a check has time for. `make static` looks at all, and at those of the tests.
part_static() {
	local changed sources
	changed=$(git diff -M -l0 --diff-filter=d --numstat -I '^#include' -I '^ ?[*/]' "HEAD~$commits_seen" -- 'engine/*.c' 'steps/*.c' |
		awk -F'\t' '$1 + $2 > 0 {print $3}' | sed 's/{[^}]* => \([^}]*\)}/\1/; s:.* => ::; s://:/:'; exit "${PIPESTATUS[0]}") &&
		sources=$({ git diff --name-only HEAD && git log --format= --name-only "HEAD~$commits_seen.."; } | grep -xF "$changed" |
			awk '!seen[$0]++' | head -n "$sources_seen") ||
		sources=$(find engine steps -name '*.c')
	one make_quietly -k static STATIC="$(echo "$sources" | tr '\n' ' ')"
}
commits_seen=40 sources_seen=120

# By the other compiler, whose warnings are errors too. How often a law is broken by chance was counted in `unit`.
part_sanitize() {
	await sanitized-built
	DRIFT_STREAMS=1 PLAN_MANY=2000 make_quietly CC=clang SAN=address,undefined ALL=1 all run-unit
}

# Only tests that start threads can show a race. ThreadSanitizer wants its memory where
# no random layout may have put something else.
part_thread() {
	local still=
	setarch -R true 2>/dev/null && still="setarch -R"
	await thread-built
	$still make --no-print-directory -j"$jobs" SAN=thread NAME="$(units_with "$starts_threads")" all run-unit || return
	one build/thread/sluice --version
}

starts_threads='pthread_create|resolve_start|running_start|service_thread_begin|(reference|outcome)_service_open'

# The unit tests in whose source a pattern stands.
units_with() {
	grep -lE "$1" tests/unit/*/*_test.c | sed 's:.*/::; s:_test\.c$::' | tr '\n' ' '
}

part_cases() {
	counted $sluice test tests/cases tests/cases-own tests/steps pipelines
	counted tests/gateway_cases.py $sluice --every 4 tests/cases
	counted tests/gateway_cases.py $sluice tests/cases-own/headers-that-steps-read
}

# The pipelines that a newcomer reads first.
part_gallery() {
	tests/gallery.sh $sluice
}

part_judge() {
	counted tests/judge/cases.py $sluice tests/cases
	counted tests/judge/cases.py $sluice tests/cases-own
	counted tests/judge/lint.py $sluice tests/lint
	counted tests/judge/lint.py $sluice tests/lint-own
	counted tests/judge/schema.py $sluice tests/lint tests/lint-own tests/cases tests/cases-own tests/reference pipelines
}

# Reference numbers; a family that `sluice-lab compute` does not know is not judged yet, and one without a file is scored elsewhere.
part_oracles() {
	local family
	for family in $($sluice-lab compute --list -o json | python3 -c 'import json, sys; print(*(f["family"] for f in json.load(sys.stdin)))'); do
		[ ! -e "tests/oracles/$family.json" ] || one tests/judge/oracles.py $sluice tests/oracles "$family" -v
		[ ! -e "tests/oracles-own/$family.json" ] || one tests/judge/oracles.py $sluice tests/oracles-own "$family" -v
	done
	counted tests/judge/budget.py $sluice tests/quality/shap_budget.json 1024
	counted tests/judge/windows.py $sluice
	counted tests/judge/steps.py $sluice
	one tests/judge/change.py $sluice
	counted tests/mabwiser.sh $sluice short
}

part_sklearn() {
	tests/sklearn.sh $sluice
}

part_tokens() {
	make_quietly build/kafka/token_verdict && tests/access/tokens.sh build/kafka
}

part_models() {
	local python
	python=$(tests/grpc/python.sh 2>/dev/null) || python=python3
	counted $python tests/judge/models.py $sluice tests/cases tests/cases-own
	counted tests/judge/artifacts.py $sluice
}

part_dev() {
	counted tests/judge/dev.py $sluice
	counted tests/judge/gateway.py $sluice
	counted tests/judge/compat.py $sluice
	counted tests/judge/explain.py $sluice
	counted tests/judge/access.py $sluice
	counted tests/judge/listeners.py $sluice
	counted tests/judge/metrics.py $sluice
	counted tests/judge/alerts.py $sluice
	counted tests/mail.sh $sluice
	counted tests/judge/mail_liars.py $sluice
	counted tests/judge/alert_clocks.py $sluice
}

part_reference() {
	tests/reference.sh $sluice
}

# Seeds that nobody has seen yet, beside those that everybody sees.
part_sim() {
	one $sluice-lab sim --seeds 1200
	one $sluice-lab sim --seed "$(date +%s)000" --seeds 1200
}

part_docs() {
	tests/docs.sh check $sluice
}

part_help() {
	tests/help.py $sluice
}

part_readme() {
	tests/readme.py check $sluice
}

# As files. Their queries are run in `make long`; TYPES=1 brings the types of Grafana.
part_dashboards() {
	tests/dashboards.py check ${TYPES:+--bring}
}

part_shells() {
	tests/shells.sh $sluice
}

# What the compiler was asked for stands in what it made: marks for the shadow stack, of the program and of each object, and probes of
# large stack frames.
is_hardened() {
	readelf -nW $sluice | grep -q SHSTK && readelf -nW build/obj/engine/main.o | grep -q SHSTK &&
		[ "$(readelf -nW build/libsluice.a | grep -c SHSTK)" = "$(ar t build/libsluice.a | wc -l)" ] &&
		[ "$(objdump -d --no-show-raw-insn $sluice | grep -c 'or[lq] .*[$]0x0,.*(%rsp)')" -gt 0 ]
}

# What is loaded when it is needed is not linked: libcurl brings GnuTLS, and two dozen libraries more.
is_lean() {
	! readelf -d $sluice | grep -E 'NEEDED.*(curl|gnutls)'
}

part_install() {
	local there
	there=$(mktemp -d)
	make_quietly install DESTDIR="$there" PREFIX=/usr >/dev/null
	one "$there/usr/bin/sluice" --version
	one test ! -e "$there/usr/bin/sluice-lab"
	one sh -c '"$0" compute 2>&1 | grep -q "there is no command .compute."' "$there/usr/bin/sluice"
	one test -s "$there/usr/share/man/man1/sluice.1"
	one test -s "$there/usr/share/man/man1/sluice-errors-replay.1"
	one test "$(grep -l '^[.]SH SYNOPSIS' "$there"/usr/share/man/man1/sluice-*.1 | wc -l)" = "$(grep -c '^[.]SS sluice ' "$there/usr/share/man/man1/sluice.1")"
	[ "$(uname -m)" != x86_64 ] || one is_hardened
	one is_lean
	rm -rf "$there"
}

part_instructions() {
	await programs-built
	make_quietly bars KINDS=steady
}

# Without the race of `make bench`, whose verdict is one of speed.
part_bars() {
	make_quietly bars KINDS=timed
}

part_torture() {
	make_quietly CC=clang SAN=address,undefined all
	TORTURE_MOST=${TORTURE_MOST:-100} tests/torture.py build/address,undefined/clang/sluice
}

# The same inputs each time, as far as a machine comes with them; new ones are for `make fuzz` and `make long`.
part_fuzz() {
	rm -rf build/fuzz/corpus
	SEED=1 make_quietly fuzz TIME="${FUZZ_SECONDS:-30}"
}

part_demo() {
	one make --no-print-directory demo
}

# Against another implementation, which comes from PyPI.
part_grpc() {
	make_quietly build/kafka/peer && counted tests/grpc/interop.sh build/kafka/peer
	counted tests/grpc/triton.sh $sluice
	counted tests/grpc/seldon.sh $sluice
	counted tests/grpc/h2spec.sh $sluice
	counted tests/grpc/mlserver_client.sh $sluice
}

# Judged by how fast they are: beside other parts they would measure those.
part_callers() {
	counted tests/judge/leaving.py $sluice
	counted tests/judge/crowds.py $sluice
	counted tests/judge/memory.py $sluice
}

# Which faults are met here, and which forms of them in `make long` alone, and why: tests/kafka/README.md.
part_kafka() {
	SPEEDS=0 FORMS="soak keyless" make_quietly kafka NAME="kill soak"
	FORMS="crossed fed joined-exactly-once joined-at-least-once gathered-at-least-once counted split" SECONDS_UNDER_FIRE=8 make_quietly kafka NAME=stages
	FORMS="hopping sessions" SECONDS_UNDER_FIRE=8 make_quietly kafka NAME=windows
	VERSIONS=4.2.1 make_quietly kafka NAME=dev
}

# A million keys are restored within a time; and no answer waits for a mirror.
part_state() {
	make_quietly kafka NAME="state mirror"
}

# What holds in memory holds there.
part_cases-kafka() {
	make_quietly kafka NAME=cases
}

# What features keep of each key, while their engine is killed; calls over HTTP, while their gateway is; and explanations.
part_features() {
	SHORT=1 make_quietly kafka NAME="features gateway explain traces"
}

part_contract() {
	make_quietly kafka NAME="contract settled joins"
	COUNT=20000 make_quietly kafka NAME=verify
	DELIVERIES=exactly make_quietly kafka NAME=lost
}

# And what a broker does that hangs while others start, or refuses what it is asked for: a few codes, of those that `make long` tries.
part_guard() {
	make_quietly kafka NAME="guard slow_start"
	SHORT=1 make_quietly kafka NAME=refusals
}

part_secure() {
	make_quietly kafka NAME=secure
	APPLIES=8 KEYS=500 ROUNDS=1 make_quietly kafka NAME="control converge artifacts tables rollout rollout_waits late_truths"
	EXPERIMENTS=criteria make_quietly kafka NAME=reference_rollouts
}

part_mlserver() {
	tests/readme.py check $sluice pipelines/TUTORIAL.md pipelines/CLIENTS.md
	make_quietly kafka NAME="called foreign"
}

# Two minutes of each are what `make kafka NAME=overload` does, and what the engine's own steps
# can hold, which another process changes.
part_overload() {
	SECONDS_OVER=16 STORIES="callers backlog" make_quietly kafka NAME=overload
}

part_faults() {
	make_quietly kafka NAME=faults
}

part_reload() {
	AWAY_SECONDS=15 make_quietly kafka NAME="reload away hung"
}

# The system's librdkafka is what the other parts are built with. Here the same programs meet a current one, as they do on a newer
# system, and its headers meet what includes them. The stories on a real Kafka are told in `make long`.
part_librdkafka() {
	local prefix status names
	prefix=$(tests/librdkafka.sh)
	status=$?
	if [ $status -eq 3 ]; then
		echo "skipped: librdkafka: a current one cannot be had, see $logs/librdkafka.log"
		echo "0 passed, 0 failed, 1 skipped"
		return
	fi
	[ $status -eq 0 ] || return $status
	# shellcheck disable=SC2046
	one make_quietly RDKAFKA="$prefix" $(grep -rl --include='*.c' '#include <librdkafka/' engine |
		sed "s:\(.*\)\.c:build/${prefix##*/}/obj/\1.o:")
	names=$(units_with '#include "(kafka/|tests/unit/(mock_broker|running))')
	LD_LIBRARY_PATH=$prefix/lib make_quietly NAME="$names" run-unit
	LD_LIBRARY_PATH=$prefix/lib one loads_from "$prefix" build/libsluice.so
	[ -n "${LIBRDKAFKA_STORIES-}" ] || return 0
	# Of four kills, as there are in 8 s, none may meet a transaction that is open.
	SECONDS_UNDER_FIRE=8 make_quietly RDKAFKA="$prefix" kafka NAME=guard &&
		FORMS=soak SECONDS_UNDER_FIRE=16 make_quietly RDKAFKA="$prefix" kafka NAME=soak
}

loads_from() { # $1 a folder, $2 a program or library
	ldd "$2" | grep -q " => $1/"
}

# The whole stack, where its images were built before: building them takes longer than there is.
part_compose() {
	compose/check.py $sluice --cached
}

# ---- the driver ----

mkdir -p $logs
passed=0 failed=0 skipped=0 begun=$SECONDS
worst= # how each part that failed ended
twice= # the parts that were run once more
at_first= # and how they had failed
unsteady= # those of them that passed then

# Runs a part, its output in its log, and beside that how it ended, in how many seconds, and how many of a processor's it took.
attempt() { # $1 part
	local status TIMEFORMAT='%0R %0U %0S'
	rm -f "$logs/$1.ended"
	{ time "part_$1" >"$logs/$1.log" 2>&1 </dev/null; } 2>"$logs/$1.times"
	status=$?
	echo "$status $(cat "$logs/$1.times")" >"$logs/$1.ended"
}

# What two of those that run at once need of each other is a file: made by one, awaited by the other.
await() { # $1 its name
	until [ -e "$logs/$1" ]; do sleep 0.2; done
}

# Builds what these of the parts run. Where that fails, the part builds it again, and says so.
build_ahead() { # $@ the parts
	if [[ " $* " == *" thread "* ]]; then make_quietly -k SAN=thread NAME="$(units_with "$starts_threads")" all unit-programs; fi
	touch $logs/thread-built
	if [[ " $* " =~ " sanitize "|" torture "|" fuzz " ]]; then make_quietly -k CC=clang SAN=address,undefined all unit-programs fuzz-programs; fi
	touch $logs/sanitized-built
}

# What the processors do when nothing else wants them, in the background, as $idle.
begin_idle() { # $1 the parts that are asked for, $2 those of them that only compute
	rm -f $logs/thread-built $logs/sanitized-built $logs/programs-built
	make_quietly build/gen/schemas.c >$logs/build.log 2>&1 # all builds share it
	set -m # each job with all that it starts is a group, which can be ended as one
	trap 'kill -- $(jobs -rp | sed s/^/-/); exit 130' INT TERM
	# shellcheck disable=SC2086
	(
		renice -n 19 $BASHPID >/dev/null
		build_ahead $1 >$logs/ahead.log 2>&1
		for part in $2; do attempt "$part"; done
	) &
	idle=$!
}

end_idle() {
	wait
	trap - INT TERM
	set +m
}

# Waits until fewer than so many parts run.
leave_fewer_than() { # $1 so many
	while [ "$(jobs -rp | grep -vcx "$idle")" -ge "$1" ]; do wait -n; done
}

# Begins these of the parts as there are lanes for them, and leaves the last of them running.
attempt_together() { # $1 lanes, $@ those
	local part lanes=$1
	shift
	for part; do
		leave_fewer_than "$lanes"
		PATIENCE=3 JAVA_FLAGS=-XX:TieredStopAtLevel=1 attempt "$part" &
	done
}

# What came of a part: its counts into $p, $f and $s; its seconds are added to $took, and a processor's to $used.
count() { # $1 part
	local status=1 seconds=0 user=0 system=0 counts # where nobody could write how it ended
	read -r status seconds user system <"$logs/$1.ended"
	took=$((took + seconds)) used=$((used + user + system))
	# A part may print several such lines: one for each program it runs.
	counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\{0,1\}$/\1 \2 \4/p' "$log" |
		awk '{p += $1; f += $2; s += $3} END {print p + 0, f + 0, s + 0}')
	read -r p f s <<<"$counts"
	# A part that died, or that checked nothing and said so nowhere, has failed.
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
	if ! grep -q ' passed, ' "$log" && [ "$f" -eq 0 ]; then f=1; fi
}

# Why the part of $log failed: the last lines before each count of failures, or before its end where it counted none;
# then those that name a failure.
show_causes() {
	awk '
		/^[0-9]+ passed, [0-9]+ failed/ {
			if ($3 > 0) for (i = NR - 4 > past ? NR - 4 : past + 1; i < NR; i++) near[++nears] = i
			past = NR
			next
		}
		{line[NR] = substr($0, 1, 200)}
		/[Ff]ail|FAIL|FALLS|rror|should be|nothing like|^SUMMARY|^---|broken/ && !/ 0 failed|^  [A-Z]+ |^make[:[]/ {named[++names] = NR}
		END {
			if (!nears) for (i = NR - 4 > past ? NR - 4 : past + 1; i <= NR; i++) near[++nears] = i
			for (i = nears - 12 > 0 ? nears - 11 : 1; i <= nears; i++) shown[near[i]]
			for (i = names - 8 > 0 ? names - 7 : 1; i <= names; i++) shown[named[i]]
			for (i = 1; i <= NR; i++) if (i in shown && line[i] ~ /[^ ]/) print line[i]
		}' "$log"
}

show_end() { # of $log
	echo "--- the end of $log"
	tail -n 40 "$log" | sed 's/^/    /'
}

red() { # $1 a line
	if [ -t 1 ] || [ -n "${CI-}" ]; then printf '\033[1;31m%s\033[0m\n' "$1"; else echo "$1"; fi
}

# Of a part that has been attempted; what fails for want of time is attempted anew.
report() { # $1 part
	local log=$logs/$1.log took=0 used=0 p f s
	count "$1"
	if [ "$f" -gt 0 ] && [[ " $timed " == *" $1 "* ]]; then
		echo "$1 failed ($p passed, $f failed), and is run once more"
		show_end
		twice="$twice $1"
		at_first="$at_first
$(show_causes | sed "s/^/failed at first: $1: /")"
		mv "$log" "$logs/$1.first.log"
		attempt "$1"
		count "$1"
		[ "$f" -gt 0 ] || unsteady="$unsteady $1"
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-11s %4d s, %4d of a processor  %s passed, %s failed%s\n' "$1" "$took" "$used" "$p" "$f" "$([ "$s" -eq 0 ] || echo ", $s skipped")"
	[ "$f" -eq 0 ] || show_end
	[ "$f" -eq 0 ] || worst="$worst
$(show_causes | sed "s/^/failed: $1: /")"
}

attempt_alone() { # $1 the parts that were asked for, $2 one, which may not be among them
	[[ " $1 " == *" $2 "* ]] || return 0
	attempt "$2"
	report "$2"
}

# Which of some parts are asked for.
asked_of() { # $1 all that are asked for, $2 some
	local part
	for part in $2; do
		[[ " $1 " != *" $part "* ]] || echo "$part"
	done | tr '\n' ' '
}

# A function is read whole before it runs, so this file may change meanwhile.
main() {
	# shellcheck disable=SC2086
	[ $# -gt 0 ] || set -- $parts
	local parts=$* beside paired calmly idly part
	for part; do
		if ! declare -F "part_$part" >/dev/null; then
			echo "check: there is no part $part; the parts are: $(declare -F | sed -n 's/.* part_//p' | tr '\n' ' ')" >&2
			exit 2
		fi
	done
	beside=$(asked_of "$parts" "$waiting")
	paired=$(asked_of "$parts" "$single")
	calmly=$(asked_of "$parts" "$calm")
	idly=$(asked_of "$parts" "$computing")
	attempt_alone "$parts" deps
	begin_idle "$parts" "$idly"
	# Most parts look at the program: it is never an old one.
	if [[ " $parts " == *" unit "* ]]; then
		attempt_together 1 unit
		leave_fewer_than 1
		report unit
	else
		make_quietly all >$logs/build.log 2>&1 || { kill -- "-$idle"; cat $logs/build.log; exit 1; }
	fi
	[ -z "$beside$paired$calmly$idly" ] || make_quietly all kafka-programs bench-programs >$logs/build.log 2>&1
	touch $logs/programs-built
	# shellcheck disable=SC2086
	attempt_together $lanes $beside
	# shellcheck disable=SC2086
	attempt_together $((jobs + 1)) $paired
	leave_fewer_than 1
	# shellcheck disable=SC2086
	attempt_together 1 $calmly
	end_idle
	for part in $beside $paired $calmly $idly; do
		report "$part"
	done
	for part in $parts; do
		[[ " deps unit $beside $paired $calmly $idly " == *" $part "* ]] || attempt_alone "$parts" "$part"
	done
	echo "--- took $((SECONDS - begun)) s"
	for part in $parts; do
		grep -h '^skipped: ' $logs/"$part".log 2>/dev/null
	done | awk -F ': ' '{why = $NF; what = substr($0, 10, length($0) - length(why) - 11)}
		!(why in first) {order[++n] = why; first[why] = what}
		{times[why]++}
		END {for (i = 1; i <= n; i++) {why = order[i]; more = times[why] - 1
			print "skipped: " first[why] (more ? " and " more " more" : "") ": " why}}'
	[ -z "$at_first$worst" ] || echo "$at_first$worst"
	for part in $unsteady; do
		red "FAILED AT FIRST: $part: it passed when it was run once more, which hides a defect; see $logs/$part.first.log"
	done
	echo "run twice:${twice:- nothing}"
	echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
	[ $failed -eq 0 ]
}

main "$@"
exit
