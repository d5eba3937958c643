#!/bin/bash
# Calls of a model server by another hand, grpcio, which sends its callers away (GOAWAY), cuts
# their connections, allows few streams, is behind TLS, refuses what it is asked, and is sent and
# sends as much as may be: each request is answered, once.
#   foreign.sh SLUICE BUILD      with requests in BUILD
# Takes about a minute and a half, when grpcio has been fetched once. STORIES changes what is told.
set -u
what=foreign
# shellcheck source=tests/kafka/stand.sh
. "$(dirname "$0")/stand.sh"
rate=${RATE:-400} seconds=3
quiet_s=40
mebibyte=1048576
bytes_most=$((16 * mebibyte)) # of a call and of its answer

command -v openssl >/dev/null || skip "openssl, which makes its certificates, is not installed"
python=$("$here/../grpc/python.sh" 2>"$dir/python.log") || skip "$(tail -1 "$dir/python.log")"

start_foreign() { # options of foreign_grpc.py; its port into $port
	: >"$dir/foreign"
	"$python" "$here/foreign_grpc.py" "$@" >"$dir/foreign" 2>"$dir/foreign.log" &
	ours $!
	foreign=$!
	wait_until 10 test -s "$dir/foreign" || give_up "grpcio does not serve"
	read -r port <"$dir/foreign"
}

# What it tells at its end: calls, connections, refused.
stop_foreign() {
	kill "$foreign"
	wait_for "$foreign"
	echo "$what: of its calls: $(tail -1 "$dir/foreign")"
}

told() { # $1 calls, connections or refused
	sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$dir/foreign"
}

call_it() { # $1 name, $2 how many, $3 a second, then more arguments of the engine
	topics "$1" "$1-answers"
	start_engine call "$1" "$1" at-least-once one "${@:4}"
	engine=$started
	engine_runs "$1"
	send "$1" "$2" "$3"
	sent
	check_answers "$1" "$2" "uncommitted: silence_ms:-lt:${silence_ms:-3000}"
	stop_engine "$1" "$engine"
}

load_it() { # $1 name, then options of foreign_grpc.py
	start_foreign "${@:2}"
	call_it "$1" $((rate * seconds)) "$rate" --server "sum=grpc://127.0.0.1:$port"
	stop_foreign
}

# ---- stories ----

sent_away() {
	load_it away age=200 grace=2000 work=10
	expect "away: connections" "$(told connections)" "-ge 5"
}

cut_off() {
	load_it cut age=300 grace=1 work=30
	expect "cut: connections" "$(told connections)" "-ge 5"
}

narrow() {
	load_it narrow streams=2 work=3
	expect "narrow: calls" "$(told calls)" "-eq $((rate * seconds))"
}

# More repetitions than a model is given at a time (budget.h): they wait, and none is given up.
refuses() {
	seconds=4 silence_ms=20000 load_it refuses fails=60 work=1
	expect "refuses: calls refused" "$(told refused)" "-ge $((rate * 2))"
}

certificate() { # $1 name
	mkdir "$dir/$1"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$dir/$1/key.pem" -out "$dir/$1/certificate.pem" 2>"$dir/openssl.log" ||
		give_up "no certificate"
}

# Behind a certificate that nobody signed whom we trust, the model is away, and says why; then it
# shows the right one.
behind_tls() {
	certificate right
	certificate wrong
	start_foreign tls="$dir/wrong"
	cat >"$dir/secure.yaml" <<-END
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Server
		metadata: {name: foreign, namespace: tls}
		spec: {endpoints: ["grpcs://127.0.0.1:$port"], tls: {authorities: $dir/right/certificate.pem}}
		---
		apiVersion: mlops.seldon.io/v1alpha1
		kind: Model
		metadata: {name: sum, namespace: tls}
		spec: {storageUri: "s3://models/sum", server: foreign}
	END
	topics tls tls-answers
	start_engine call tls tls at-least-once one -f "$dir/secure.yaml"
	engine=$started
	engine_runs tls
	send tls 500 "$rate"
	sent
	wait_until 10 grep -q "sum.*unreachable" "$dir/engine.log"
	expect_words "tls: what is said of a wrong certificate" "$dir/engine.log" "sum.*unreachable.*certificate is not valid"
	stop_foreign
	expect "tls: calls by way of a wrong certificate" "$(told calls)" "-eq 0"
	start_foreign tls="$dir/right" port="$port" age=300 grace=1000
	check_answers tls 500 "uncommitted: silence_ms:"
	stop_engine tls "$engine"
	stop_foreign
}

# Through big and sum, with so many elements of four bytes; its engine into $engine.
start_big() { # $1 name, $2 elements that `big` answers, $3 what `sum` is sent, $4 elements of that, then options of foreign_grpc.py
	start_foreign elements="$2" "${@:5}"
	topics "$1" "$1-answers"
	sed -e "s/TOPIC/$1/; s/GROUP/$1/; s/DELIVERY/at-least-once/; s/LOAD/$3/; s/ELEMENTS/$4/" "$here/foreign.yaml" >"$dir/$1.yaml"
	"$sluice" run -f "$dir/$1.yaml" --brokers "$brokers" --server "big=grpc://127.0.0.1:$port" \
		--server "sum=grpc://127.0.0.1:$port" --instance one >>"$dir/engine.log" 2>&1 &
	ours $!
	engine=$!
	engine_runs "$1"
}

# As much as may be goes both ways.
near_the_limit() {
	local elements=$((bytes_most / 4 - 1000))
	start_big near $elements "x: x" $elements receive=$bytes_most
	send near 40 10
	sent
	check_answers near 40 "uncommitted: silence_ms:"
	stop_engine near "$engine"
	stop_foreign
}

# One that is too much is answered so, at once, and those beside it as always.
beyond_it() { # $1 name, $2 words, then start_big's arguments behind the name
	start_big "$1" "${@:3}"
	send "$1" 20 20
	sent
	check_answers "$1" 20 "uncommitted: silence_ms: failed:-eq:20"
	echo '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}' >"$dir/request.json"
	"$sluice" infer call -n "$1" -f "$dir/request.json" --pipelines "$dir/$1.yaml" --brokers "$brokers" 2>"$dir/words.log"
	expect_words "$1: what is said" "$dir/words.log" "$2"
	stop_engine "$1" "$engine"
	stop_foreign
}

start_broker
for story in ${STORIES:-sent_away cut_off narrow refuses behind_tls near_the_limit reply_beyond request_beyond server_beyond}; do
	case $story in
	reply_beyond) beyond_it reply "answered .* bytes; the limit is $bytes_most" $((bytes_most / 4)) "x: x" 1 ;;
	request_beyond) beyond_it request "$bytes_most" $((bytes_most / 8)) "x: x, y: x" 1 ;;
	server_beyond) beyond_it server "larger than max" $((5 * mebibyte / 4)) "x: x" 1 ;;
	*) "$story" ;;
	esac
done
tell_result
