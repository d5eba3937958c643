#!/bin/bash
# The gateway of `sluice dev` as others' clients meet it: tritonclient by HTTP and gRPC, and the health and reflection clients of
# grpcio: triton.sh SLUICE. They come from PyPI once, pinned, and stay in ${XDG_CACHE_HOME:-~/.cache}/sluice.
set -u
here=$(dirname "$0")
version=2.60.0
packages="tritonclient==$version grpcio==1.67.1 grpcio-health-checking==1.67.1 grpcio-reflection==1.67.1 protobuf==5.29.6 numpy==2.4.6
	geventhttpclient==2.6.1 gevent==26.9.0 greenlet==3.5.6 zope.event==6.2 zope.interface==8.7 brotli==1.2.1 certifi==2026.10.18
	urllib3==2.8.0 python-rapidjson==1.25 packaging==26.3 typing_extensions==4.16.0"
. "$here/venv.sh"
venv_make "tritonclient-$version" "$packages"
exec "$venv/bin/python" "$here/triton.py" "$1"
