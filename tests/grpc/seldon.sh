#!/bin/bash
# The gateway of `sluice dev` as the client of Seldon Core 1 meets it, which comes from PyPI once, pinned, and stays in
# ${XDG_CACHE_HOME:-~/.cache}/sluice: seldon.sh SLUICE.
set -u
here=$(dirname "$0")
version=1.18.2
packages="seldon-core==$version numpy==1.26.4 protobuf==3.20.3 grpcio==1.67.1 grpcio-reflection==1.48.2 requests==2.32.4
	urllib3==1.26.20 idna==3.10 certifi==2026.10.18 charset-normalizer==3.4.2 flask==2.2.5 werkzeug==2.2.3 jinja2==3.1.6
	itsdangerous==2.2.0 markupsafe==3.0.2 click==8.1.8 prometheus-client==0.8.0 typing_extensions==4.16.0"
. "$here/venv.sh"
venv_make "seldon-core-$version" "$packages"
exec "$venv/bin/python" "$here/seldon.py" "$1"
