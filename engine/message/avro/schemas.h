/* schemas.h: Avro schemas of the engine's public contract (those of schemas/), built in, and their names in
 * records.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

struct schema {
	const char *name; /* of its file: request, response, error, ... */
	const char *json; /* the file's bytes, followed by a NUL */
};

/* All schemas, by name; the last row has none. The build creates the table from the files. */
extern const struct schema schema_table[];

/* NULL: there is none of that name. */
const char *schema_json(const char *name);

/* Appends the parsing canonical form of a schema, which is equal for schemas that read the same bytes alike.
 * INPUT: it is not a schema. The buffer's ceiling is respected: a form that does not fit leaves the buffer
 * failed, and is a LIMIT. */
bool schema_canonical(const char *json, struct buffer *out, struct error *error);

/* The CRC-64-AVRO fingerprint of the canonical form. Single-object encoding writes it before a record, lowest
 * byte first. */
bool schema_fingerprint(const char *json, uint64_t *fingerprint, struct error *error);

/* The fingerprint of a built-in schema, also stored in `kept`: it never changes, so callers compute it once. Any
 * thread may call. 0: memory ran out. */
uint64_t schema_fingerprint_keep(const char *name, _Atomic uint64_t *kept) __attribute__((cold));
