#!/bin/sh
# What `make demo` shows: an example pipeline checked, planned and tested, with the
# commands that do it.
set -eu
cd "$(dirname "$0")/.."
sluice=$1
show() {
	printf '\n$ %s %s\n' "$sluice" "$*"
	"$sluice" "$@"
}
show lint pipelines/hello
show plan pipelines/hello/pipeline.yaml
show test pipelines/hello
cat <<END

The pipeline is pipelines/hello/pipeline.yaml; change it and run these again.
A pipeline of your own begins with: $sluice init mine
END
