#!/bin/sh
# What `make demo` shows: an example pipeline checked, planned, tested, and answering a real
# request on the embedded broker, with the commands that do it.
set -eu
cd "$(dirname "$0")/.."
sluice=$1
said=$(mktemp)
show() {
	printf '\n$ %s %s\n' "$sluice" "$*"
	"$sluice" "$@"
}
show lint pipelines/hello
show plan pipelines/hello/pipeline.yaml
show test pipelines/hello

printf '\n$ %s dev pipelines/hello\n' "$sluice"
"$sluice" dev pipelines/hello --port 0 >"$said" 2>&1 &
dev=$!
trap 'kill "$dev" 2>/dev/null || true; wait "$dev" || true; rm -f "$said"' EXIT
tries=0
until grep -q '^edit' "$said"; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ] || ! kill -0 "$dev" 2>/dev/null; then
		cat "$said"
		echo "demo: sluice dev did not start" >&2
		exit 1
	fi
	sleep 0.1
done
cat "$said"
printf '\n$ cat pipelines/hello/request.json\n'
cat pipelines/hello/request.json
show infer hello -f pipelines/hello/request.json --brokers "$(sed -n 's/^broker  *//p' "$said")"
cat <<END

What to try next:
  $sluice dev pipelines/hello        leave it running, paste the line it gives, and change pipelines/hello/pipeline.yaml
  $sluice init mine                  a pipeline of your own
  $sluice help                       the rest
END
