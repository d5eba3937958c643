/* avro_parts.h: Parts that several of the engine's Avro records share: parameters, tensors and errors. Used by
 * avro_write.c and avro_read.c for requests and answers, and by stage_link.c.
 *
 * Writers write at `to`, which must have `*_room` bytes. Readers advance the cursor; invalid bytes fail it,
 * with an error (INPUT; LIMIT: the arena is full).
 */
#pragma once

#include "message/avro/avro_wire.h"
#include "message/message.h"

size_t avro_parameters_room(struct parameters parameters);
char *avro_put_parameters(char *to, struct parameters parameters);
struct parameters avro_read_parameters(struct avro_cursor *cursor, struct arena *arena, struct error *error);

size_t avro_tensors_room(struct tensors tensors);
char *avro_put_tensors(char *to, struct tensors tensors);
bool avro_read_tensors(struct avro_cursor *cursor, struct arena *arena, struct tensors *tensors, struct error *error);

/* Topic, partition and offset; and the same in a union with null, which is an origin without a topic. */
static inline char *avro_put_position(char *to, const struct origin *origin)
{
	to = avro_put_bytes(to, origin->topic);
	to = avro_put_long(to, origin->partition);
	return avro_put_long(to, origin->offset);
}

static inline char *avro_put_origin(char *to, const struct origin *origin)
{
	const bool known = origin->topic.length > 0;
	to = avro_put_small(to, known);
	return known ? avro_put_position(to, origin) : to;
}

size_t avro_failure_room(const struct error *failure);
char *avro_put_failure(char *to, const struct error *failure);
bool avro_read_failure(struct avro_cursor *cursor, struct arena *arena, struct error *failure, struct error *error);
