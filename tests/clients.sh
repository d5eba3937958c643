#!/bin/bash
# Kafka clients: those of pipelines/CLIENTS.md, for the check of that page, and those that `sluice dev` was tested with.
#   clients.sh python DIR     makes DIR a link to a virtual environment with confluent-kafka
#   clients.sh kafka-python VERSION DIR    the same, with kafka-python
#   clients.sh java DIR       makes DIR a link to a folder with the jars of Kafka's own client
#   clients.sh kcat           whether kcat is installed
# Downloads come from PyPI and Maven once, pinned, and stay in ${XDG_CACHE_HOME:-~/.cache}/sluice.
# Exit 3: this machine does not have the client, and cannot get it.
set -u
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
here=$(cd "$(dirname "$0")" && pwd)

missing() {
	echo "clients: $*"
	exit 3
}

# A download is renamed when it is whole, so that a check beside this one sees all of it or nothing.
keep() { # $1 the whole download, $2 its name
	mv -T "$1" "$2" 2>/dev/null || rm -rf "$1"
}

python_client() { # $1 package, $2 version, $3 DIR
	local package=$1==$2 kept=$cache/$1-$2 part
	if [ ! -x "$kept/bin/python" ]; then
		part=$(mktemp -d "$kept.XXXXXX")
		python3 -m venv --without-pip "$part" &&
			python3 -m pip --python "$part/bin/python" install -q --only-binary :all: "$package" >&2 &&
			keep "$part" "$kept"
		rm -rf "$part"
	fi
	[ -x "$kept/bin/python" ] || missing "$package cannot be had from PyPI"
	ln -sfn "$kept" "$3"
}

java_client() { # $1 DIR
	local kept=$cache/tools-4.2.1 part
	command -v java >/dev/null || missing "Java is not installed"
	if [ ! -d "$kept" ]; then
		command -v mvn >/dev/null || missing "Maven is not installed"
		part=$(mktemp -d "$kept.XXXXXX")
		timeout 600 mvn -q -B -f "$here/kafka/tools.xml" -Dtools=4.2.1 dependency:copy-dependencies -DincludeScope=runtime \
			-DoutputDirectory="$part" >&2 && keep "$part" "$kept"
		rm -rf "$part"
	fi
	[ -d "$kept" ] || missing "Maven could not fetch Kafka's client"
	ln -sfn "$kept" "$1"
}

mkdir -p "$cache"
case ${1-} in
python) python_client confluent-kafka 2.15.0 "$2" ;;
kafka-python) python_client kafka-python "$2" "$3" ;;
java) java_client "$2" ;;
kcat) command -v kcat >/dev/null || missing "kcat is not installed" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
