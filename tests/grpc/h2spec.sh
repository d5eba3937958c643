#!/bin/bash
# The HTTP/2 of the gateway's ports, of gRPC alone and shared with REST, against h2spec (summerwind/h2spec): h2spec.sh SLUICE [H2SPEC]
# h2spec is built by Go once, pinned, and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice; where it cannot be had this is skipped.
# Prints `N passed, N failed[, N skipped]`.
set -u
here=$(dirname "$0")
version=2.2.1 # the newest that modules of Go can name
program=${2-${XDG_CACHE_HOME:-$HOME/.cache}/sluice/h2spec-$version/h2spec}
PATH=$PATH:/usr/local/go/bin

skip() {
	echo "skipped: h2spec: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

# Its own dependencies have no versions; these are.
build() {
	cd "$1" &&
		go mod init h2spec.test &&
		go get "github.com/summerwind/h2spec@v$version+incompatible" github.com/fatih/color@v1.19.0 github.com/spf13/cobra@v1.10.2 \
			golang.org/x/net@v0.62.0 &&
		go build -o h2spec github.com/summerwind/h2spec/cmd/h2spec
}

if [ ! -x "$program" ]; then
	command -v go >/dev/null || skip "Go, which builds it, is not installed"
	mkdir -p "$(dirname "$program")" || exit 2
	made=$(mktemp -d)
	trap 'rm -rf "$made"' EXIT
	(build "$made") >"$made/log" 2>&1 || skip "it cannot be had: $(tail -n 1 "$made/log")"
	cp "$made/h2spec" "$program.$$" && mv "$program.$$" "$program" || exit 2
	rm -rf "$made"
	trap - EXIT
fi
exec "$here/h2spec.py" "$1" "$program"
