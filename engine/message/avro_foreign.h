/* avro_foreign.h: records of other writers' schemas, resolved to ours by avro-c.
 *
 * Fields are matched by name, as Avro's schema resolution does; a field of ours that
 * the writer does not have takes its default. Records of any name are taken: what
 * counts is what they hold. Content is copied into the arena.
 */
#ifndef SLUICE_MESSAGE_AVRO_FOREIGN_H
#define SLUICE_MESSAGE_AVRO_FOREIGN_H

#include "message/avro.h"
#include "message/avro_writers.h"

bool avro_foreign_request(struct avro_writer *writer, struct message *message, struct text body, struct error *error);
bool avro_foreign_answer(struct avro_writer *writer, struct text body, struct arena *arena, struct avro_answer *answer,
			 struct error *error);

void avro_resolution_free(struct avro_resolution *resolution); /* NULL is fine */

#endif
