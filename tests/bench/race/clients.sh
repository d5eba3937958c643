#!/bin/bash
# Requests per CPU second of engine and gateway together, in one process, asked by load generators that nobody here wrote: wrk by
# HTTP/1.1, ghz by gRPC, and h2load by HTTP/2. One model and a chain of three, a gRPC call each, through Kafka and by direct ingress,
# beside Seldon Core 2 at this machine's pace: its figures are of another day (2.9.1, HTTP, 64 callers: about 2,200 a CPU second with
# one model, 970 with three), on a machine on which a bare forwarder does 840,000.
#   clients.sh SLUICE PROGRAMS     with forward and requests in PROGRAMS
# SECONDS_EACH (8), ROUNDS (3), BACKLOG (400000) change the sizes; BARS=no judges only that all are answered. Takes about three minutes.
# wrk comes from Debian, ghz by Go, each once and pinned; they stay in ${XDG_CACHE_HOME:-~/.cache}/sluice. One that cannot be had is
# left out, and named.
set -u
what=clients
# shellcheck source=tests/bench/race/course.sh
. "$(dirname "$0")/course.sh"
seconds=${SECONDS_EACH:-8} rounds=${ROUNDS:-3} backlog=${BACKLOG:-400000}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
wrk_version=4.1.0-3+b2 ghz_version=0.120.0 callers=64

find_wrk() {
	local kept=$cache/wrk-$wrk_version part
	wrk=$(command -v wrk) && return
	if [ ! -x "$kept/usr/bin/wrk" ]; then
		part=$(mktemp -d "$kept.XXXXXX")
		(cd "$part" && apt-get download -qq "wrk=$wrk_version" libluajit-5.1-2 libluajit-5.1-common &&
			for package in *.deb; do dpkg -x "$package" . || exit 1; done) >"$dir/wrk.log" 2>&1 && mv -T "$part" "$kept"
		rm -rf "$part"
	fi
	wrk=$kept/usr/bin/wrk
	libraries=$(echo "$kept"/usr/lib/*-linux-gnu)
	[ -x "$wrk" ]
}

find_ghz() {
	ghz=$cache/ghz-$ghz_version/ghz
	[ -x "$ghz" ] && return
	mkdir -p "$cache/ghz-$ghz_version"
	command -v go >/dev/null && GOBIN=$cache/ghz-$ghz_version go install "github.com/bojand/ghz/cmd/ghz@v$ghz_version" >"$dir/ghz.log" 2>&1
	[ -x "$ghz" ]
}

left_out() { # $1 client, $2 why
	echo "skipped: $1: $2"
}

# ---- the engine, with the gateway inside ----

pipelines() { # $1 namespace
	local name steps
	for name in one chain; do
		steps='  - {name: link-a}'
		output=link-a
		[ $name = one ] || steps+=$'\n  - {name: link-b, inputs: [link-a]}\n  - {name: link-c, inputs: [link-b]}' output=link-c
		printf '%s\n' --- 'apiVersion: mlops.seldon.io/v1alpha1' 'kind: Pipeline' "metadata: {name: $name, namespace: $1}" spec: \
			'  delivery: at-least-once' '  steps:' "$steps" "  output: {steps: [$output]}"
		printf '%s\n' --- 'apiVersion: mlops.seldon.io/v1alpha1' 'kind: Pipeline' "metadata: {name: $name-direct, namespace: $1}" spec: \
			'  delivery: at-least-once' '  ingress: direct' '  steps:' "$steps" "  output: {steps: [$output]}"
	done
}

cpu_ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$runner/stat"
}

# Notes the answered requests of a CPU second under the name. Refusals are told: direct ingress has them where Kafka does not keep up
# with the log (engine/engine/worker/DELIVERY.md).
note() { # $1 name, $2 requests, $3 of them refused or failed, $4 ticks
	[ "${2:-0}" -gt "${3:-0}" ] && [ "$4" -gt 0 ] || give_up "$1: no request was answered"
	[ "${3:-0}" -eq 0 ] || echo "$1: $3 of $2 requests were refused"
	case $1 in *-direct) ;; *) expect "$1: requests that were not answered well" "${3:-1}" '-eq 0' ;; esac
	echo "$1 $((($2 - $3) * $(getconf CLK_TCK) / $4))" >>"$dir/speeds"
}

by_wrk() { # $1 pipeline
	local before
	cat >"$dir/infer.lua" <<-END
		wrk.method = "POST"
		wrk.headers["Content-Type"] = "application/json"
		wrk.body = '$(cat "$dir/request.json")'
		local threads, refusals, words = {}, {}, {}
		told = "" -- what was not answered well: how many of each status, and the words of one
		function setup(thread) threads[#threads + 1] = thread end
		function response(status, _, body)
			if status == 200 then return end
			refusals[status] = (refusals[status] or 0) + 1
			words[status] = body
			told = ""
			for code, count in pairs(refusals) do told = told .. "refused " .. count .. " by " .. code .. ": " .. words[code] .. "\\n" end
		end
		function done()
			for _, thread in ipairs(threads) do io.write(thread:get("told")) end
		end
	END
	before=$(cpu_ticks)
	LD_LIBRARY_PATH=${libraries-} "$wrk" -t1 -c$callers -d"${seconds}s" -s "$dir/infer.lua" "http://127.0.0.1:$port/v2/models/$1/infer" \
		>"$dir/wrk.log" 2>&1
	sed -n "s/^refused /wrk-$1: refused /p" "$dir/wrk.log"
	note "wrk-$1" "$(sed -nE 's/^ *([0-9]+) requests in .*/\1/p' "$dir/wrk.log")" \
		"$(awk '/Non-2xx/ { n += $NF } /Socket errors/ { gsub(",", ""); n += $4 + $6 + $8 + $10 } END { print n + 0 }' "$dir/wrk.log")" \
		$(($(cpu_ticks) - before))
}

by_ghz() { # $1 pipeline
	local before tensor numbers
	tensor='{"name":"x","datatype":"FP32","shape":[1,16]}'
	numbers=$(head -c 64 /dev/zero | base64 -w0)
	before=$(cpu_ticks)
	"$ghz" --insecure --cpus 1 -c $callers --connections 4 -z "${seconds}s" --duration-stop wait --call inference.GRPCInferenceService/ModelInfer \
		-d "{\"model_name\":\"$1\",\"inputs\":[$tensor],\"raw_input_contents\":[\"$numbers\"]}" -O json "127.0.0.1:$port" >"$dir/ghz.log" 2>&1
	note "ghz-$1" "$(python3 -c "import json; print(json.load(open('$dir/ghz.log'))['count'])")" \
		"$(python3 -c "import json; print(sum(n for s, n in json.load(open('$dir/ghz.log'))['statusCodeDistribution'].items() if s != 'OK'))")" \
		$(($(cpu_ticks) - before))
}

by_h2load() { # $1 pipeline
	local before
	before=$(cpu_ticks)
	h2load -c4 -m $((callers / 4)) -D "$seconds" -d "$dir/request.json" -H 'content-type: application/json' \
		"http://127.0.0.1:$port/v2/models/$1/infer" >"$dir/h2load.log" 2>&1
	note "h2load-$1" "$(sed -nE 's/^status codes: ([0-9]+) 2xx.*/\1/p' "$dir/h2load.log")" \
		"$(sed -nE 's/^status codes: .* ([0-9]+) 4xx, ([0-9]+) 5xx.*/\1 \2/p' "$dir/h2load.log" | awk '{ print $1 + $2 }')" \
		$(($(cpu_ticks) - before))
}

python3 -c 'import json
print(json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 16], "data": [n / 16 for n in range(16)]}]}))' >"$dir/request.json"
clients=''
find_wrk && clients+=' wrk' || left_out wrk "Debian's package cannot be had: $(tail -n 1 "$dir/wrk.log")"
find_ghz && clients+=' ghz' || left_out ghz "Go cannot build it"
command -v h2load >/dev/null && clients+=' h2load' || left_out h2load "it is not installed (nghttp2-client)"
[ -n "$clients" ] || skip "no load generator can be had"

serve_models
call_models '' >"$dir/called.yaml"
pipelines race >"$dir/pipelines.yaml"
port=$(free_port)
start_sluice "$dir/pipelines.yaml" -f "$dir/called.yaml" --http $port --grpc $port
wait_until 30 curl -sfo "$dir/answer" "http://127.0.0.1:$port/v2/models/chain/infer" -d "@$dir/request.json" || give_up "the pipelines do not answer"
for ((round = 1; round <= rounds; round++)); do
	for client in $clients; do
		for pipeline in one chain one-direct chain-direct; do
			"by_$client" $pipeline
		done
	done
done
stop_runner
echo_requests() { # by wrk, from a server that sends an answer as long and does nothing else
	"$build/echo_server" 239 >"$dir/echo.log" 2>&1 &
	contends $!
	wait_until 5 grep -qs '^listening' "$dir/echo.log" || give_up "the server that does nothing else does not listen"
	port=$(sed -n 's/^listening on //p' "$dir/echo.log")
	by_wrk echo
	stop_runner
}

for ((round = 1; round <= rounds; round++)); do
	[[ $clients != *wrk* ]] || echo_requests
	topics "forward-$round" "forward-$round-answers"
	fill "forward-$round" "$backlog"
	start_copier "forward-$round" "forward-$round" -l 5 -a
	pace "forward-$round" "forward-$round"
	awk -v forward="$speed" 'BEGIN { print "seldon-one", int(2200 * forward / 840000); print "seldon-chain", int(970 * forward / 840000);
		print "forward", forward }' >>"$dir/speeds"
done

# ---- the table ----

bar() { # $1 what, $2 ours, $3 theirs, $4 bar
	compare "$1" "$2" "$3" "$([ "${BARS-yes}" = yes ] && echo "$4" || echo 0)"
}

echo "requests per CPU second of engine and gateway, $callers callers, medians of $rounds; ratio (least..most); a bare forwarder does" \
	"$(median forward); load $(cut -d' ' -f1 /proc/loadavg)"
for client in $clients; do
	bar "$client: one model through Kafka, beside Seldon Core 2" "$client-one" seldon-one 12
	bar "$client: three models in a chain" "$client-chain" seldon-chain 20
	bar "$client: one model, direct" "$client-one-direct" seldon-one 40
	bar "$client: three models in a chain, direct" "$client-chain-direct" seldon-chain 60
done
[[ $clients != *wrk* ]] || echo "wrk: a server that receives a request and sends an answer as long, and does nothing else: $(median wrk-echo)," \
	"$(ratio wrk-echo seldon-one) times Seldon's one model"
tell_result
