#!/bin/bash
# Prints the folder of `prometheus` and `promtool`: that of the installed package, else of one that is unpacked in
# ${XDG_CACHE_HOME:-~/.cache}/sluice, so that no service is installed. It is brought once.
# Exit 3: this machine cannot have it.
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
if command -v promtool >/dev/null && command -v prometheus >/dev/null; then
	dirname "$(command -v promtool)"
	exit
fi
if [ ! -d "$cache/prometheus" ]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/prometheus.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	(cd "$work" && apt-get -qq download prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb) >&2 ||
		{ echo "prometheus.sh: the Debian package prometheus can neither be found nor downloaded" >&2; exit 3; }
	mv -T "$work" "$cache/prometheus" 2>/dev/null || [ -x "$cache/prometheus/usr/bin/promtool" ] # another one was first
fi
echo "$cache/prometheus/usr/bin"
