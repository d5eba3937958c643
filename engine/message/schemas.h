/* schemas.h: the Avro schemas that are our contract (those of schemas/), built in, and
 * what names a schema on the wire.
 */
#ifndef SLUICE_MESSAGE_SCHEMAS_H
#define SLUICE_MESSAGE_SCHEMAS_H

#include "base/error.h"
#include "base/text.h"

struct schema {
	const char *name; /* of its file: request, response, error, ... */
	const char *json; /* the file's bytes, with a NUL behind them */
};

/* All of them, by name; ends with a row without one. The table is made from the
 * files when sluice is built. */
extern const struct schema schema_table[];

/* NULL when there is none of that name. */
const char *schema_json(const char *name);

/* Appends the parsing canonical form of a schema: what two schemas that read the
 * same bytes alike have in common. INPUT for what is no schema. The buffer's
 * ceiling is kept: a form that does not fit leaves the buffer failed, and is a
 * LIMIT. */
bool schema_canonical(const char *json, struct buffer *out, struct error *error);

/* The CRC-64-AVRO fingerprint of the canonical form: what single-object encoding
 * writes before a record, its lowest byte first. */
bool schema_fingerprint(const char *json, uint64_t *fingerprint, struct error *error);

#endif
