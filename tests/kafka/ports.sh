# Free ports of loopback for servers of tests; sourced. They are below the range that the kernel gives to outgoing connections.
#
# shellcheck shell=bash

ports_first=20000 ports_count=12000

# Each caller of this user and TMPDIR gets another one in turn: a server takes seconds to start, and until then a port looks free.
next_port() { # $1 how many in a row
	local turn last port
	turn=${TMPDIR:-/tmp}/sluice-tests-port.$(id -u)
	{
		flock 9
		{ read -r last <"$turn"; } 2>/dev/null || last=$((ports_first + RANDOM % ports_count))
		port=$((last + $1 < ports_first + ports_count ? last : ports_first))
		echo $((port + $1)) >"$turn"
		echo "$port"
	} 9>>"$turn.lock"
}

port_answers() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first of so many free ports in a row.
free_port() { # [$1 how many]
	local port next many=${1:-1}
	while port=$(next_port "$many"); do
		for ((next = port; next < port + many; next++)); do
			! port_answers "$next" || continue 2
		done
		break
	done
	echo "$port"
}
