# venv.sh: Python environments of others' clients, pinned, from PyPI once; sourced. They stay in ${XDG_CACHE_HOME:-~/.cache}/sluice.

venv_skip() {
	echo "skipped: $1: $2"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

# venv_make NAME PACKAGES: sets `venv` to its folder.
venv_make() {
	venv=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/$1
	[ ! -x "$venv/bin/python" ] || return 0
	mkdir -p "$(dirname "$venv")"
	made=$(mktemp -d "$venv.XXXXXX")
	log=$made.log
	trap 'rm -rf "$made" "$log"' EXIT
	# shellcheck disable=SC2086
	{ python3 -m venv --without-pip "$made" &&
		python3 -m pip --python "$made/bin/python" install --quiet --only-binary :all: --no-deps $2; } >"$log" 2>&1 ||
		venv_skip "$1" "it cannot be had: $(tail -n 1 "$log")"
	mv -T "$made" "$venv" 2>/dev/null || true # somebody else was quicker
	rm -rf "$made" "$log"
	trap - EXIT
}
