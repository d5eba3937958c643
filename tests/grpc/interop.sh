#!/bin/bash
# Our gRPC client and server against those of grpcio, Google's own implementation:
# interop.sh PEER.
set -u
peer=$1
here=$(dirname "$0")

skip() {
	echo "skipped: grpc: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

python=$("$here/python.sh" 2>&1) || skip "$python"
command -v openssl >/dev/null || skip "openssl, which makes its certificates, is not installed"
exec "$python" "$here/interop.py" "$peer"
