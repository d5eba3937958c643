/* avro_writers.h: the schemas that records were written with, as a record names
 * them, parsed once and kept.
 *
 * A cache belongs to a schema source and to one thread, and holds a bounded number
 * of schemas: past that it forgets all and begins again.
 */
#ifndef SLUICE_MESSAGE_AVRO_WRITERS_H
#define SLUICE_MESSAGE_AVRO_WRITERS_H

#include <avro.h>

#include "message/format.h"

struct avro_resolution; /* avro_foreign.c: from a writer's schema to ours */

enum avro_schema_owner { AVRO_OWN_REQUEST, AVRO_OWN_ANSWER, AVRO_FOREIGN };

struct avro_name {
	bool by_id;     /* Confluent's id, else a fingerprint */
	uint64_t value;
};

struct avro_writer {
	struct avro_name name;
	enum avro_schema_owner owner;
	avro_schema_t schema; /* parsed also where it is our own: mapped records look into any */
	/* Made by avro_foreign.c when first needed, freed with the writer. */
	struct avro_resolution *request;
	struct avro_resolution *answer;
};

/* The writer of that name: from the source's cache, else from the source. Given back
 * with avro_writer_return(), and not used across another find. NULL and an error
 * when the schema is not to be had or does not parse. */
struct avro_writer *avro_writer_find(const struct schema_source *schemas, struct avro_name name, struct error *error);
void avro_writer_return(const struct schema_source *schemas, struct avro_writer *writer);

#define AVRO_SINGLE_OBJECT_BYTES 10
#define AVRO_CONFLUENT_BYTES 5

/* How the first bytes of a record name its schema, and the body behind them. False
 * when they name none. */
static inline bool avro_framing(struct text bytes, struct avro_name *name, struct text *body)
{
	const unsigned char *at = (const unsigned char *)bytes.bytes;
	if (bytes.length >= AVRO_SINGLE_OBJECT_BYTES && at[0] == 0xC3 && at[1] == 0x01) {
		name->by_id = false;
		memcpy(&name->value, at + 2, sizeof name->value);
		*body = (struct text){bytes.bytes + AVRO_SINGLE_OBJECT_BYTES, bytes.length - AVRO_SINGLE_OBJECT_BYTES};
		return true;
	}
	if (bytes.length < AVRO_CONFLUENT_BYTES || at[0] != 0x00)
		return false;
	name->by_id = true;
	name->value = (uint64_t)at[1] << 24 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 8 | at[4];
	*body = (struct text){bytes.bytes + AVRO_CONFLUENT_BYTES, bytes.length - AVRO_CONFLUENT_BYTES};
	return true;
}

#endif
