#!/bin/bash
# A real MLServer with a model of scikit-learn's, on loopback, for tests.
#   mlserver.sh start DIR     prints its HTTP and its gRPC address; everything of it stands in DIR
#   mlserver.sh stop DIR      ends the one that runs in DIR, and no other
#   mlserver.sh venv DIR      makes DIR a link to the virtual environment in which MLServer is installed
#   mlserver.sh kill DIR      with -9; `resume DIR` starts it again on the same ports
# It comes from PyPI once and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice. The model is
# `iris`: four numbers under the name `predict`, and a class.
# Exit 3: this machine cannot run it (no Python, or no package and no way to get it).
set -eu

# shellcheck source=tests/kafka/ports.sh
. "$(dirname "$0")/ports.sh"
version=1.7.1
venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/mlserver-$version

missing() {
	echo "mlserver: $*" >&2
	exit 3
}

fetch() {
	[ -x "$venv/bin/mlserver" ] && return
	command -v python3 >/dev/null || missing "Python is not installed"
	mkdir -p "$(dirname "$venv")"
	rm -rf "$venv"
	python3 -m venv "$venv" >&2 || missing "Python cannot make a virtual environment"
	if ! timeout 600 "$venv/bin/pip" install -q "mlserver==$version" "mlserver-sklearn==$version" >&2; then
		rm -rf "$venv"
		missing "pip could not fetch MLServer $version"
	fi
}

configure() { # $1 DIR, $2 port
	mkdir -p "$1/models/iris"
	"$venv/bin/python" - "$1/models/iris/model.joblib" <<-'END'
		import sys, joblib
		from sklearn.datasets import load_iris
		from sklearn.linear_model import LogisticRegression
		x, y = load_iris(return_X_y=True)
		joblib.dump(LogisticRegression(max_iter=500).fit(x, y), sys.argv[1])
	END
	echo '{"name": "iris", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}' \
		>"$1/models/iris/model-settings.json"
	echo "{\"debug\": false, \"host\": \"127.0.0.1\", \"http_port\": $2, \"grpc_port\": $(($2 + 1))," \
		"\"metrics_port\": $(($2 + 2)), \"parallel_workers\": 0}" >"$1/models/settings.json"
	echo "$2" >"$1/port"
}

launch() { # $1 DIR
	local port waited=0
	port=$(cat "$1/port")
	(cd "$1/models" && OMP_NUM_THREADS=1 exec setsid "$venv/bin/mlserver" start . >>"$1/log" 2>&1 </dev/null) &
	echo $! >"$1/pid"
	until curl -sf "http://127.0.0.1:$port/v2/models/iris/ready" >/dev/null; do
		sleep 0.1
		waited=$((waited + 1))
		[ $waited -lt $((600 * ${PATIENCE:-1})) ] && kill -0 "$(cat "$1/pid")" 2>/dev/null ||
			{ tail -n 20 "$1/log" >&2; echo "mlserver: it does not start" >&2; exit 1; }
	done
}

stop() { # $1 DIR
	[ ! -s "$1/pid" ] || kill -9 "$(cat "$1/pid")" 2>/dev/null || true
	rm -f "$1/pid"
}

[ $# -eq 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
dir=$(realpath -m "$2")
case $1 in
start)
	fetch
	port=$(free_port 3)
	configure "$dir" "$port"
	launch "$dir"
	echo "http://127.0.0.1:$port grpc://127.0.0.1:$((port + 1))"
	;;
stop | kill) stop "$dir" ;;
resume) launch "$dir" ;;
venv)
	fetch
	ln -sfn "$venv" "$2"
	;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
