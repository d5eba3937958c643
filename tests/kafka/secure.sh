#!/bin/bash
# A real Kafka that is reached by TLS with SCRAM (with an old librdkafka, which cannot, by
# PLAIN): settings of kafkaConfig go through to librdkafka, the password comes from a file
# or the environment and is never printed, and what happens when a right is taken away
# while an engine runs: without the right to read or to write one topic its pipeline waits,
# and the others continue; without that to its group, or to its transactional id, all wait.
#   secure.sh SLUICE BUILD      with admin and requests in BUILD
# Takes three minutes.
set -u
what=secure
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
count=4000

command -v openssl >/dev/null || skip "openssl is not installed"
start_broker secure
start_model
straight=$brokers secure=$(cat "$dir/kafka/secure")
SLUICE_SECRET_PASSWORD=$(cat "$dir/kafka/password") SLUICE_SECRETS=$dir/kafka
export SLUICE_SECRET_PASSWORD SLUICE_SECRETS
"$build/admin" "$straight" grant sluice || give_up "no rights could be granted"

mechanism=PLAIN
if "$build/admin" "$straight" logs-in; then mechanism=SCRAM-SHA-512; fi

settings() { # $1 password
	echo "{security.protocol: SASL_SSL, sasl.mechanism: $mechanism, sasl.username: sluice, sasl.password: \"$1\","
	echo "ssl.ca.location: $dir/kafka/authority.pem}"
}

runtime() { # $1 name, $2 password; kafkaConfig into $dir/$1.yaml
	cat >"$dir/$1.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: SeldonRuntime
		metadata: {name: runtime}
		spec:
		  config:
		    kafkaConfig:
		      bootstrap.servers: "$secure"
		      consumer: $(settings "$2" | tr -d '\n')
		      producer: $(settings "$2" | tr -d '\n')
	END
}

start_secure() { # $1 topic, $2 delivery, $3 runtime
	brokers=$secure start_engine call "$1" "$1" "$2" one -f "$dir/$3.yaml"
	engine=$started
}

# The engine ends by itself, with an error that says this.
ends_saying() { # $1 whose, $2 extended regular expression
	wait_until 20 eval '! kill -0 "$engine" 2>/dev/null' || give_up "$1: the engine does not end"
	wait_for "$engine"
	expect "$1: exit status of an engine that cannot go on" $? "-gt 0"
	expect_words "$1" "$dir/engine.log" "$2"
}

doctor_says() { # $1 of which topic, $2 runtime, $3 exit status, $4 extended regular expression
	"$sluice" doctor -f "$dir/$1.one.yaml" -f "$dir/$2.yaml" --brokers "$secure" --server "sum=${url-}" >"$dir/doctor.log" 2>&1
	expect "doctor of $1: exit status" $? "-eq $3"
	expect_words "doctor of $1" "$dir/doctor.log" "$4"
}

# ---- both deliveries, by each way to a password ----

runtime by-file "file:password"
runtime by-environment "env:SLUICE_SECRET_PASSWORD"
for delivery in exactly-once at-least-once; do
	topics $delivery $delivery-answers
	send $delivery $count 0
	sent
	start_secure $delivery $delivery "$([ $delivery = exactly-once ] && echo by-file || echo by-environment)"
	check_answers $delivery $count "uncommitted: silence_ms:"
	stop_engine $delivery "$engine"
done

if [ $mechanism = PLAIN ]; then
	mechanism=SCRAM-SHA-512 runtime scram "file:password"
	start_secure exactly-once exactly-once scram
	ends_saying "an old librdkafka" "librdkafka before 2.6.1, .*, cannot log in by SCRAM"
fi

# ---- a wrong password, and one that is nowhere ----

runtime wrong "not-$SLUICE_SECRET_PASSWORD"
start_secure exactly-once exactly-once wrong
ends_saying "wrong password" "rejects the login: .*[Aa]uthentication"
doctor_says exactly-once wrong 1 "fault +brokers .*rejects the login: .*[Aa]uthentication"
"$sluice" tail call -f "$dir/exactly-once.one.yaml" -f "$dir/wrong.yaml" >"$dir/tail.log" 2>&1
expect_words "answers read with a wrong password" "$dir/tail.log" "rejects the login: .*[Aa]uthentication"
runtime nowhere env:SLUICE_SECRET_NOWHERE
start_secure exactly-once exactly-once nowhere
ends_saying "no password" "SLUICE_SECRET_NOWHERE is not set"

# ---- rights that are taken away while it runs ----

session_s=6 # of the consumer (engine/kafka/consume/consumer.c)

answered_again() { # $1 pipeline
	[ "$("$build/records" count "$straight" "$1-answers")" -ge $((count + 100)) ]
}

# `session`: the right to the group is away for longer than the session of the consumer.
for right in topic group transaction session; do
	delivery=exactly-once
	[ $right != session ] || delivery=at-least-once
	topics $right $right-answers
	send $right $count 0
	sent
	start_secure $right $delivery by-file
	check_answers $right $count "uncommitted: silence_ms:"
	doctor_says $right by-file 0 "good +topics"
	: >"$dir/engine.log" # what it says from now on is wanted
	"$build/admin" "$straight" revoke sluice "${right/session/group}" || give_up "no right could be taken away"
	[ $right = transaction ] || doctor_says $right by-file 1 "fault +${right/session/group}s +"
	send $right 100 0
	sent
	case $right in
	topic) missed="topic topic may not be read by this login any more" ;;
	transaction) missed="may not have transactions any more: its pipelines wait" ;;
	group | session) missed="group sluice.$right.[^ ]* may not be used by this login any more: nothing of its pipelines is committed" ;;
	esac
	wait_until 20 grep -q "$missed" "$dir/engine.log" || give_up "a right is not missed: $right"
	if [ $right = session ]; then
		wait_until 20 answered_again $right
		expect "$right: requests are answered meanwhile" $? "-eq 0"
		sleep $((session_s + 5))
	fi
	"$build/admin" "$straight" grant sluice || give_up "no rights could be granted"
	check_answers $right $count "uncommitted: silence_ms: doubled:-$([ $delivery = exactly-once ] && echo eq || echo ge):100"
	case $right in
	group | session)
		wait_until 60 grep -q "group sluice.$right.[^ ]* may be used again" "$dir/engine.log"
		expect "$right: that the right is there again is told" $? "-eq 0"
		;;
	esac
	stop_engine "$right right" "$engine"
done

# ---- topics that the login may not read or write, or not even see, while they are used: their pipelines wait, one continues ----

# Pipelines that lose a right to a topic, and those that lose all rights to it, so that Kafka does not show it: of their requests,
# or of their answers.
losers="read all write hide"
few=4000 # of each pipeline: 33 s, in which rights are taken away

lost_topic() { # $1 pipeline, $2 delivery
	case $1 in
	read | all) echo "$1-$2" ;;
	*) echo "$1-$2-answers" ;;
	esac
}

lost_right() { # $1 pipeline
	case $1 in
	all | hide) echo all ;;
	*) echo "$1" ;;
	esac
}

verb() { # $1 pipeline, $2 of reading, $3 of writing
	case $1 in
	read | all) echo "$2" ;;
	*) echo "$3" ;;
	esac
}

has_answered() { # $1 pipeline, $2 delivery
	wait_until 20 eval '[ "$("$build/records" count "$straight" '"$1-$2"'-answers)" -gt 0 ]'
}

deny_answered() { # $1 pipeline, $2 delivery
	has_answered "$1" "$2" && "$build/admin" "$straight" deny sluice "$(lost_topic "$1" "$2")" "$(lost_right "$1")"
}

# At once, and no pipeline waits for another: who has sent and answered all its requests by then misses no right.
of_all_losers() { # $1 a function of pipeline and delivery
	local delivery name each=() good=0
	for delivery in exactly-once at-least-once; do
		for name in $losers; do
			"$1" "$name" "$delivery" &
			each+=($!)
		done
	done
	for name in "${each[@]}"; do
		wait "$name" || good=1
	done
	return $good
}

top_says() { # $1 delivery, $2 pipeline, $3 extended regular expression
	"$sluice" top --once -n "denied-$1" --brokers "$straight" >"$dir/top.txt" 2>>"$dir/top.log"
	grep -qE "^$2 .*$3" "$dir/top.txt"
}

engines=() senders=()
: >"$dir/engine.log"
for delivery in exactly-once at-least-once; do
	files=()
	for name in $losers free; do
		topics $name-$delivery $name-$delivery-answers
		sed -e "s/TOPIC/$name-$delivery/; s/name: call/name: $name/; s/GROUP/denied-$delivery/; s/DELIVERY/$delivery/" \
			"$here/call.yaml" >"$dir/$name-$delivery.yaml"
		files+=(-f "$dir/$name-$delivery.yaml")
	done
	"$sluice" run "${files[@]}" -f "$dir/by-file.yaml" --brokers "$secure" --server "sum=$url" --instance one >>"$dir/engine.log" 2>&1 &
	ours $!
	engines+=("$started")
done
for delivery in exactly-once at-least-once; do
	engine_runs free-$delivery
	for name in $losers free; do
		send $name-$delivery $few 120
		senders+=("$sender")
	done
done
of_all_losers deny_answered || give_up "a pipeline does not answer, or no right could be taken away"
for delivery in exactly-once at-least-once; do
	for name in $losers; do
		topic=$(lost_topic $name $delivery)
		wait_until 30 grep -q "topic $topic may not be $(verb $name read written) by this login any more: its pipeline waits" "$dir/engine.log" ||
			give_up "a right that was taken away is not told: $name, $delivery"
		wait_until 30 top_says $delivery $name "not ready: Kafka does not let the login of this engine $(verb $name read write) topic $topic"
		expect "$delivery, $name: the pipeline waits, by top" $? "-eq 0"
	done
	wait_until 10 top_says $delivery free ' running'
	expect "$delivery: the other pipeline runs, by top" $? "-eq 0"
done
for sender in "${senders[@]}"; do
	sent
done
# It is answered whole while the others' rights are gone. Brokers of other tests keep its own waiting.
silence=-lt:$((patience == 1 ? 8000 : 15000))
for delivery in exactly-once at-least-once; do
	check_answers free-$delivery $few "uncommitted: silence_ms:$silence$([ $delivery = exactly-once ] || echo ' doubled:')"
	for name in $losers; do
		answered=$("$build/records" count "$straight" $name-$delivery-answers)
		expect "$delivery, $name: answers while the right is gone" "$answered" "-lt $few"
		"$build/admin" "$straight" undeny sluice "$(lost_topic $name $delivery)" || give_up "no right could be given back"
	done
done
for delivery in exactly-once at-least-once; do
	for name in $losers; do
		check_answers $name-$delivery $few "uncommitted: silence_ms:$([ $delivery = exactly-once ] || echo ' doubled:')"
		wait_until 20 grep -q "topic $(lost_topic $name $delivery) may be $(verb $name read written) again" "$dir/engine.log"
		expect "$delivery, $name: that the right is there again is told" $? "-eq 0"
		wait_until 20 top_says $delivery $name ' running'
		expect "$delivery, $name: the pipeline runs again" $? "-eq 0"
	done
done
# A topic that is idle has no record that says that it may be read again.
for delivery in exactly-once at-least-once; do
	"$build/admin" "$straight" deny sluice read-$delivery read || give_up "no right could be taken away"
	wait_until 30 top_says $delivery read 'not ready: Kafka does not let the login'
	expect "$delivery, an idle topic: the pipeline waits" $? "-eq 0"
	"$build/admin" "$straight" undeny sluice read-$delivery || give_up "no right could be given back"
	wait_until 20 top_says $delivery read ' running'
	expect "$delivery, an idle topic: the pipeline runs again" $? "-eq 0"
done
for engine in "${engines[@]}"; do
	stop_engine "denied topics" "$engine"
done

expect "times that a password is printed" "$(cat "$dir"/*.log | grep -c "$SLUICE_SECRET_PASSWORD")" "-eq 0"
tell_result
