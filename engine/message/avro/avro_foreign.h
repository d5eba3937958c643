/* avro_foreign.h: Reader of Avro records in other writers' schemas, which avro-c resolves to the engine's.
 *
 * Fields are matched by name, as in Avro's schema resolution. A field that the writer does not have gets its
 * default. The name of the record does not matter, only its fields. Content is copied into the arena.
 */
#pragma once

#include "message/avro/avro.h"
#include "message/avro/avro_writers.h"

bool avro_foreign_request(struct avro_writer *writer, struct message *message, struct text body, struct error *error);
bool avro_foreign_answer(struct avro_writer *writer, struct text body, struct arena *arena, struct avro_answer *answer,
			 struct error *error);

void avro_resolution_free(struct avro_resolution *resolution); /* NULL is fine */
