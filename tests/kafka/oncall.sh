#!/bin/bash
# Stories of an on-call engineer, on a real Kafka. Each stages a fault, and then asks as somebody who has only the pages:
# `sluice top`, `sluice errors list`, the engine's log, `sluice health`, `sluice doctor`. The cause must be found by at most
# five of these, and the test names the one that tells it.
#   oncall.sh SLUICE BUILD [STORY]...
# A model is unreachable for a moment, and for OUTAGE seconds (8; `make long` has 120); requests stay with its former address; it answers HTML, wrong shapes, or knows
# another name, or slowly, or not at all; all requests of a second stage fail; an engine dies and leaves a backlog; the broker
# hangs; a changelog is gone; two engines have one name. In `make long` also: a proxy answers with status 502; somebody else
# deleted the pipeline; an engine stands still.
set -u
what=oncall
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
outage=${OUTAGE:-8}
every="blip outage replaced html shapes name slow hung stage dies changelog fenced hangs"
[ "$outage" -lt 120 ] || every="$every gateway deleted frozen"
stories=${*:3}
stories=${stories:-$every}
asked=0

# ---- what an on-call engineer types ----

ask() { # a command; what it prints goes to asked.txt
	asked=$((asked + 1))
	[ -z "${SHOW-}" ] || echo "$ $*"
	timeout 30 "$@" >"$dir/asked.txt" 2>&1
	[ -z "${SHOW-}" ] || head -c 3000 "$dir/asked.txt"
}

log() { # of an engine: its warnings and errors
	asked=$((asked + 1))
	[ -z "${SHOW-}" ] || echo "$ grep -E ' (warn|error) ' $1"
	grep -E ' (warn|error) ' "$dir/$1" >"$dir/asked.txt"
	[ -z "${SHOW-}" ] || tail -n 5 "$dir/asked.txt"
}

cause() { # $1 story, $2 the words that tell the cause, in the answer to the last command
	expect_words "$1: the cause" "$dir/asked.txt" "$2"
	expect "$1: commands until the cause is found" $asked "-le 5"
	echo "$1: $asked commands"
	asked=0
}

# ---- pipelines, engines, models ----

pipeline() { # $1 name, the steps on standard input, $2 the last step
	{
		printf 'apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: %s, namespace: %s}\nspec:\n  steps:\n' "$1" "$1"
		sed 's/^/  /'
		printf '  output: {steps: [%s]}\n' "$2"
	} >"$dir/$1.yaml"
}

engine() { # $1 pipeline, $2 instance, then options; its pid into $started, its log in PIPELINE.INSTANCE.log
	"$sluice" run "$dir/$1.yaml" --instance "$2" "${@:3}" >>"$dir/$1.$2.log" 2>&1 &
	ours $!
}

runs() { # $1 pipeline, $2 instance
	wait_until 30 grep -qs "$1: reads" "$dir/$1.$2.log" || give_up "the engine of $1 does not start: $(tail -3 "$dir/$1.$2.log")"
}

request='{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1]}]}'

produce() { # $1 pipeline, $2 how many
	yes "$request" | head -n "$2" | "$sluice" produce "$1" -n "$1" >"$dir/produce.log" 2>&1 || give_up "$1: $(cat "$dir/produce.log")"
}

model() { # $1 fault; its port into $port, which it has again if it is given as $2
	rm -f "$dir/model.ready"
	"$here/oncall_model.py" "${2:-0}" "$1" >"$dir/model.ready" 2>"$dir/model.log" &
	ours $!
	model=$started
	wait_until 10 test -s "$dir/model.ready" || give_up "no model server"
	port=$(sed 's/ready //' "$dir/model.ready")
}

with_model() { # $1 name: a pipeline that calls the model
	pipeline "$1" score <<<'- {name: score}'
	engine "$1" one --server "score=http://127.0.0.1:$port"
	started_engine=$started
	runs "$1" one
}

top_has() { # $1 pipeline, $2 words
	"$sluice" top --once -n "$1" 2>&1 | grep -qE "$2"
}

# ---- stories ----

blip() { # The model is unreachable for 2 s; an hour later someone asks why P99 was high.
	model none
	with_model blip
	produce blip 10
	kill_at_once "$model"
	produce blip 10
	sleep 2
	model none "$port"
	wait_until 20 grep -q 'score is reachable again' "$dir/blip.one.log" || give_up "blip: the model is not found again"
	ask "$sluice" top --once -n blip
	log blip.one.log
	cause blip 'model score is unreachable: .*[Cc]onnection refused'
	kill_at_once "$model"
}

with_control() { # $1 name: a pipeline with an alert on its model, by a control plane; its metrics at $metrics
	pipeline "$1" score <<<'- {name: score}'
	cat >>"$dir/$1.yaml" <<-END
		  alerts:
		  - {name: model, condition: model_unreachable + model_slow > 0, resolveAfter: 2s}
	END
	"$sluice" run --control -n "$1" --instance one --server "score=http://127.0.0.1:$port" --metrics 0 \
		--health-socket "$dir/$1.health" >"$dir/$1.one.log" 2>&1 &
	ours $!
	started_engine=$started
	wait_until 30 grep -qs 'is now the keeper' "$dir/$1.one.log" || give_up "$1: no keeper"
	"$sluice" apply -f "$dir/$1.yaml" -n "$1" --reason first >"$dir/apply.log" 2>&1 || give_up "$1: $(cat "$dir/apply.log")"
	runs "$1" one
	metrics=$(grep -oE '127\.0\.0\.1:[0-9]+/metrics' "$dir/$1.one.log" | head -n 1)
}

# Each place where an on-call engineer may look tells the same: $1 pipeline, $2 when, then the words of `top`, `get`, `describe`,
# `health`, /metrics
places_tell() {
	ask "$sluice" top --once -n "$1"
	expect_words "$1, $2: top" "$dir/asked.txt" "$3"
	ask "$sluice" get -o wide -n "$1"
	expect_words "$1, $2: get" "$dir/asked.txt" "$4"
	ask "$sluice" describe "pipeline/$1" -n "$1"
	expect_words "$1, $2: describe" "$dir/asked.txt" "$5"
	ask "$sluice" health -n "$1" --instance one
	expect_words "$1, $2: health" "$dir/asked.txt" "$6"
	ask curl -s "$metrics"
	expect_words "$1, $2: metrics" "$dir/asked.txt" "$7"
	asked=0
}

outage() { # The model is unreachable for minutes.
	local away='unreachable: .*score.*[Cc]onnection refused'
	model none
	with_control outage
	produce outage 10
	wait_until 20 top_has outage ' 10 +0 +0 ' || give_up "outage: no answers"
	places_tell outage before running 'Pipeline/outage +1 +active .* first$' 'one +1 +Ready' 'ready' '^sluice_pipeline_models_away\{.*\} 0(\.0)?$'
	kill_at_once "$model"
	produce outage 1000
	sleep "$outage"
	places_tell outage during "waiting: .*$away" "^    engine one: Waiting: .*$away" "one +1 +Waiting .*$away" "$away" \
		'^sluice_pipeline_models_away\{.*\} 1(\.0)?$'
	expect_words "outage, during: metrics say that it waits" "$dir/asked.txt" '^sluice_pipeline_waiting\{.*\} 1(\.0)?$'
	ask "$sluice" top --once -n outage
	cause outage 'waiting: a model that it calls is unreachable: score: .*[Cc]onnection refused'
	"$sluice" health --socket "$dir/outage.health" >"$dir/asked.txt" 2>&1
	expect "outage: the process turns" $? "-eq 0"
	model none "$port"
	wait_until 20 top_has outage ' 1010 +0 +0 ' || give_up "outage: not all requests are answered"
	wait_until 20 grep -q 'the alert model is resolved' "$dir/outage.one.log" || give_up "outage: the alert fires on"
	places_tell outage after running 'Pipeline/outage +1 +active .* first$' 'one +1 +Ready' 'ready' '^sluice_pipeline_models_away\{.*\} 0(\.0)?$'
	log outage.one.log
	expect_words "outage: the log" "$dir/asked.txt" 'model score is unreachable: .*[Cc]onnection refused'
	expect_words "outage: the alert" "$dir/asked.txt" 'the alert model is firing: model_unreachable \+ model_slow > 0'
	expect_words "outage: the end in the log" "$dir/outage.one.log" 'score is reachable again'
	expect "outage: lines of warnings" "$(wc -l <"$dir/asked.txt")" "-le $((6 + outage / 30))"
	expect "outage: requests that failed" "$("$sluice" errors list outage -n outage -o json | grep -c '"kind"')" "-eq 0"
	asked=0
	kill_at_once "$started_engine"
	kill_at_once "$model"
}

replaced_apply() { # $1 the step that the second stage reads, $2 one more step, then options
	pipeline replaced score <<-END
		- {name: first, expression: {set: {x: x * 2}}}
		$2
		- {name: score, inputs: [$1], isolate: true, model: {storageUri: "http://127.0.0.1:$port"}}
	END
	"$sluice" apply -f "$dir/replaced.yaml" -n replaced "${@:3}" >"$dir/apply.log" 2>&1 || give_up "replaced: $(cat "$dir/apply.log")"
}

replaced() { # The address of a model was corrected, and requests stay with the former version: they lack what its stage reads now.
	local words
	model none
	with_control replaced
	replaced_apply first '' --wait
	kill_at_once "$model"
	words="5 requests wait for model \`score\` at http://127.0.0.1:$port of version 2 of Pipeline \`replaced\`, replaced at 20"
	produce replaced 5
	wait_until 20 top_has replaced 'a model that it calls is unreachable' || give_up "replaced: no request waits"
	model none
	replaced_apply more '- {name: more, inputs: [first], expression: {set: {z: x}}}'
	wait_until 20 top_has replaced 'requests wait for model'
	places_tell replaced stays "waiting: $words" "$words" "one +3 +Waiting .*$words" "$words" '^sluice_pipeline_waiting\{.*\} 1(\.0)?$'
	ask curl -s "${metrics%/metrics}/ready"
	cause replaced "$words"
	kill_at_once "$model"
	kill_at_once "$started_engine"
}

faulty() { # $1 fault of the model, $2 words
	model "$1"
	with_model "$1"
	produce "$1" 20
	wait_until 30 top_has "$1" failing || give_up "$1: requests do not fail"
	ask "$sluice" top --once -n "$1"
	ask "$sluice" errors list "$1" -n "$1"
	cause "$1" "$2"
	kill_at_once "$model"
}

html() { faulty html 'HTML'; }
shapes() { faulty shapes 'y.*shape'; }

name() { # The server has the model under another name: it may still load it, so requests wait.
	model name
	with_model name
	produce name 20
	wait_until 30 top_has name waiting || give_up "name: requests do not wait"
	ask "$sluice" top --once -n name
	cause name 'waiting: .*: score: Model score not found'
	kill_at_once "$model"
}

slow() { # The model answers, many times slower than before. Nothing fails.
	model slow
	with_control slow
	produce slow 500
	wait_until 30 top_has slow ' slow: ' || give_up "slow: the pipeline is not slow"
	ask "$sluice" top --once -n slow
	cause slow 'slow: model score: [0-9]+ ms a call.*, [0-9]+ at a time, [0-9]+ wait'
	expect_words "slow: the log" "$dir/slow.one.log" ' warn +model score is slow: .*model=score'
	"$sluice" describe pipeline/slow -n slow >"$dir/asked.txt" 2>&1
	expect_words "slow: describe" "$dir/asked.txt" 'one +1 +Slow .*model score: [0-9]+ ms a call'
	wait_until 10 grep -q 'the alert model is firing' "$dir/slow.one.log" || give_up "slow: no alert"
	"$sluice" health -n slow --instance one 2>"$dir/asked.txt"
	expect_words "slow: health" "$dir/asked.txt" '1 of 1 pipelines are slow; slow: model score: '
	kill_at_once "$started_engine"
	kill_at_once "$model"
}

hung() { # The model's server stands still: its connections stay, and nothing answers.
	model none
	with_model hung
	produce hung 200
	wait_until 20 top_has hung ' 200 +0 +0 ' || give_up "hung: no answers"
	sleep 4 # two windows, by which the time of a call is known
	kill -STOP "$model"
	produce hung 100
	wait_until 30 top_has hung ' slow: ' || give_up "hung: the pipeline is not slow"
	ask "$sluice" top --once -n hung
	cause hung 'slow: model score: no reply for [0-9]+ m?s \([0-9]+ [mu]s a call before\), [0-9]+ calls? open, [0-9]+ wait'
	expect_words "hung: the log" "$dir/hung.one.log" ' warn +model score is slow: no reply for '
	kill -CONT "$model"
	wait_until 30 top_has hung ' 300 +0 +0 ' || give_up "hung: not all requests are answered"
	kill_at_once "$started_engine"
	kill_at_once "$model"
}

gateway() { # A proxy answers for the model server.
	model gateway
	with_model gateway
	produce gateway 20
	wait_until 30 top_has gateway waiting || give_up "gateway: requests do not wait"
	ask "$sluice" top --once -n gateway
	cause gateway 'score: an HTML page or XML .*a proxy.* \(status 502, http://127.0.0.1:[0-9]+/'
	kill_at_once "$model"
}

deleted() { # Another team deleted the pipeline.
	pipeline deleted first <<<'- {name: first, expression: {set: {y: x * 2}}}'
	"$sluice" run --control -n deleted --instance one >"$dir/deleted.one.log" 2>&1 &
	ours $!
	wait_until 30 grep -qs 'is now the keeper' "$dir/deleted.one.log" || give_up "deleted: no keeper"
	"$sluice" apply -f "$dir/deleted.yaml" -n deleted --reason first >"$dir/apply.log" 2>&1 ||
		give_up "deleted: $(cat "$dir/apply.log")"
	runs deleted one
	"$sluice" delete pipeline/deleted -n deleted --reason 'tidying up' >"$dir/apply.log" 2>&1 ||
		give_up "deleted: $(cat "$dir/apply.log")"
	wait_until 30 grep -q 'draining' "$dir/deleted.one.log" || give_up "deleted: it runs on"
	sleep 4
	ask "$sluice" top --once -n deleted
	ask "$sluice" get -n deleted
	cause deleted 'deleted: 1, the last Pipeline/deleted at .* by .*: tidying up; `sluice history Pipeline/deleted`'
}

stage() { # All requests of a second stage fail.
	pipeline stage second <<-'END'
		- {name: first, expression: {set: {y: x * 2}}}
		- {name: second, inputs: [first], isolate: true, expression: {set: {z: price * 2}}}
	END
	engine stage one
	runs stage one
	produce stage 20
	wait_until 30 top_has stage failing || give_up "stage: requests do not fail"
	ask "$sluice" top --once -n stage
	ask "$sluice" errors list stage -n stage
	cause stage 'second.*price'
}

dies() { # The only engine is killed, and requests still arrive.
	pipeline dies first <<<'- {name: first, expression: {set: {y: x * 2}}}'
	engine dies one
	runs dies one
	produce dies 10
	wait_until 20 top_has dies ' 10 +0 +0 ' || give_up "dies: no answers"
	kill_at_once "$started"
	produce dies 500
	sleep 4
	ask "$sluice" top --once -n dies
	cause dies 'silent: the engine has crashed, is frozen, or has no network'
	expect_words "dies: the backlog" "$dir/asked.txt" ' 500 '
}

changelog() { # Somebody deleted the topic of the state; the engine does not start any more.
	pipeline changelog count <<<'- {name: count, features: {set: {n: count(x over 1000)}}}'
	engine changelog one
	runs changelog one
	produce changelog 10
	wait_until 20 top_has changelog ' 10 +0 +0 ' || give_up "changelog: no answers"
	stop_engine changelog "$started"
	"$build/admin" "$brokers" delete sluice.changelog.pipeline.changelog.stage.request.state >"$dir/admin.log" 2>&1 ||
		give_up "changelog: $(cat "$dir/admin.log")"
	engine changelog one
	wait_for "$started"
	ask "$sluice" top --once -n changelog
	log changelog.one.log
	cause changelog 'state of pipeline changelog is lost'
}

fenced() { # Two engines have one name; one of them ends.
	pipeline fenced first <<<'- {name: first, expression: {set: {y: x * 2}}}'
	engine fenced one
	runs fenced one
	local first=$started
	cp "$dir/fenced.yaml" "$dir/again.yaml"
	"$sluice" run "$dir/again.yaml" --instance one >"$dir/fenced.two.log" 2>&1 &
	ours $!
	produce fenced 10
	wait_until 40 has_ended "$first" "$started" || give_up "fenced: both engines run"
	cat "$dir/fenced.two.log" >>"$dir/fenced.one.log"
	log fenced.one.log
	cause fenced 'fenced by another engine with the same name, which runs at 127\.0\.0\.1; give each an --instance'
}

frozen() { # The engine stands still for longer than its transaction may last, and continues.
	pipeline frozen first <<<'- {name: first, expression: {set: {y: x * 2}}}'
	echo '  delivery: exactly-once' >>"$dir/frozen.yaml"
	engine frozen one
	runs frozen one
	local first=$started
	yes "$request" | head -n 10000 | "$sluice" produce frozen -n frozen --rate 1000 >"$dir/produce.log" 2>&1 &
	ours $!
	wait_until 20 top_has frozen ' running' || give_up "frozen: it does not run"
	sleep 3 # in transactions
	kill -STOP "$first"
	sleep 22
	kill -CONT "$first"
	wait_until 40 top_has frozen ' 0 +0 +[0-9.kM]+ +0 +0  running' || give_up "frozen: $(tail -4 "$dir/frozen.one.log")"
	log frozen.one.log
	cause frozen ' warn .*(Consumer group session timed out|Kafka has acknowledged nothing|transaction)'
	expect "frozen: errors" "$(grep -cE '^[^ ]+ error ' "$dir/frozen.one.log")" '-eq 0'
	# Not every transaction that Kafka has ended is told by librdkafka.
	! grep -qE ' warn .*([Tt]ransaction|fenced)' "$dir/frozen.one.log" ||
		expect_words "frozen: it continues" "$dir/frozen.one.log" ' info .* commits again'
}

has_ended() { # one of the pids
	local pid
	for pid in "$@"; do
		kill -0 "$pid" 2>/dev/null || return 0
	done
	return 1
}

hangs() { # The broker hangs: its connections stay, and nothing answers.
	pipeline hangs first <<<'- {name: first, expression: {set: {y: x * 2}}}'
	engine hangs one --health-socket "$dir/health"
	runs hangs one
	produce hangs 10
	wait_until 20 top_has hangs ' 10 +0 +0 ' || give_up "hangs: no answers"
	produce hangs 50000
	kill -STOP "$(cat "$dir/kafka/pid")"
	sleep 14
	ask "$sluice" health --socket "$dir/health"
	ask "$sluice" top --once -n hangs
	log hangs.one.log
	cause hangs 'Kafka has acknowledged nothing for|the broker does not answer'
	expect "hangs: guesses of librdkafka" "$(grep -c 'broker version' "$dir/hangs.one.log")" '-eq 0'
	kill -CONT "$(cat "$dir/kafka/pid")"
	wait_until 30 grep -q 'Kafka is back' "$dir/hangs.one.log" || give_up "hangs: $(tail -3 "$dir/hangs.one.log")"
	# Every client of the engine tells it: each fact once, and the number of the other lines.
	expect "hangs: lines that tell the same" "$(sed -nE 's/.* Kafka: (.*Coordinator: )?//p' "$dir/hangs.one.log" |
		sed -E 's/ \(.*//; s/^([^ :]*:[0-9]+)[^ ]*/\1/; s/[0-9]+ / /g' | sort | uniq -d | grep -c .)" '-eq 0'
	expect_words "hangs: the lines that are not there" "$dir/hangs.one.log" 'Kafka: [0-9]+ more lines of its clients reported the same'
}

start_broker creates
export SLUICE_BROKERS=$brokers
for story in $stories; do
	$story
done
tell_result
