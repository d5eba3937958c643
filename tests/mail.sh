#!/bin/bash
# mail.sh SLUICE: mails of alerts through a mail server with TLS and logins, aiosmtpd.
# It comes from PyPI once, pinned, and stays in ${XDG_CACHE_HOME:-~/.cache}/sluice; where it cannot be had this is
# skipped. Prints `N passed, N failed[, N skipped]`.
set -u
cd "$(dirname "$0")/.." || exit 2
versions="aiosmtpd==1.4.6 atpublic==6.0.2 attrs==25.3.0"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/aiosmtpd-1.4.6
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
if [ ! -x "$venv/bin/python" ]; then
	mkdir -p "$(dirname "$venv")"
	# shellcheck disable=SC2086
	python3 -m venv --without-pip "$made/venv" &&
		python3 -m pip --python "$made/venv/bin/python" install --quiet --only-binary :all: $versions >"$made/log" 2>&1 &&
		mv -T "$made/venv" "$venv" 2>/dev/null
fi
if [ ! -x "$venv/bin/python" ]; then
	echo "mail: aiosmtpd cannot be had: $(tail -n 1 "$made/log")" >&2
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
exec "$venv/bin/python" tests/judge/mail.py "$1"
