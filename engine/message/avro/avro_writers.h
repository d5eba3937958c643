/* avro_writers.h: Cache of writers' schemas, by the names in records: each is parsed once.
 *
 * A cache belongs to a schema source and to one thread. It has a bounded number of schemas; when it is full, it
 * is emptied.
 */
#pragma once

#include <avro.h>

#include "message/avro/avro_wire.h"
#include "message/formats/format.h"

struct avro_resolution; /* avro_foreign.c: from a writer's schema to the engine's */

enum avro_schema_owner { AVRO_OWN_REQUEST, AVRO_OWN_ANSWER, AVRO_FOREIGN };

struct avro_name {
	bool by_id;     /* Confluent's id; else a fingerprint */
	uint64_t value;
};

struct avro_writer {
	struct avro_name name;
	enum avro_schema_owner owner;
	avro_schema_t schema; /* parsed for own schemas too: mapped records read any */
	/* Created by avro_foreign.c on first use, freed with the writer. */
	struct avro_resolution *request;
	struct avro_resolution *answer;
};

/* Finds the writer of that name in the source's cache, else loads it from the source. Release it with
 * avro_writer_return() before the next find. NULL and an error: the schema cannot be loaded or parsed. */
struct avro_writer *avro_writer_find(const struct schema_source *schemas, struct avro_name name, struct error *error);
void avro_writer_return(const struct schema_source *schemas, struct avro_writer *writer);

#define AVRO_CONFLUENT_BYTES 5

/* Reads the framing of a record: the name of its schema, and the body after it. False: there is no framing. */
static inline bool avro_framing(struct text bytes, struct avro_name *name, struct text *body)
{
	const unsigned char *at = (const unsigned char *)bytes.bytes;
	if (bytes.length >= AVRO_SINGLE_OBJECT_BYTES && at[0] == 0xC3 && at[1] == 0x01) {
		name->by_id = false;
		memcpy(&name->value, at + 2, sizeof name->value);
		*body = avro_single_object_body(bytes);
		return true;
	}
	if (bytes.length < AVRO_CONFLUENT_BYTES || at[0] != 0x00)
		return false;
	name->by_id = true;
	name->value = (uint64_t)at[1] << 24 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 8 | at[4];
	*body = text_from(bytes, AVRO_CONFLUENT_BYTES);
	return true;
}
