#!/bin/sh
# Writes the C table of the schema files it is given: `struct schema schema_table[]`
# of engine/message/avro/schemas.h. Bytes are written as numbers, so nothing in a schema
# needs an escape.
set -eu
echo '/* Made by schemas/embed.sh from the files beside it. */'
echo '#include "message/avro/schemas.h"'
for file in "$@"; do
	name=$(basename "$file" .avsc)
	echo "static const char ${name}_json[] = {"
	od -An -v -td1 "$file" | sed 's/ *\(-\{0,1\}[0-9][0-9]*\)/\1,/g'
	echo '0};'
done
echo 'const struct schema schema_table[] = {'
for file in "$@"; do
	name=$(basename "$file" .avsc)
	echo "	{\"$name\", ${name}_json},"
done
echo '	{0},'
echo '};'
