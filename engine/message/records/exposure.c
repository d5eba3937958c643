/* exposure.c: see exposure.h. The size of a record is computed first, so writing needs no checks. */
#include "message/records/exposure.h"

#include <math.h>

#include "message/avro/avro.h"
#include "message/avro/avro_parts.h"
#include "message/avro/avro_wire.h"

#define NUMBERS 16 /* of the record that are not measured one by one, at most */

static size_t exposure_room(const struct message *message, const struct assigned *assigned, struct text reason,
			    const struct exposure_outcome *outcome)
{
	size_t context = 0;
	for (size_t i = 0; i < assigned->feature_count; i++)
		context += avro_text_room(assigned->features[i].name) + sizeof assigned->features[i].value;
	for (size_t i = 0; i < assigned->text_count; i++)
		context += avro_text_room(assigned->texts[i].name) + avro_text_room(assigned->texts[i].value);
	return context + AVRO_SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(message->id) +
	       avro_text_room(message->origin.topic) + avro_text_room(assigned->experiment) + avro_text_room(assigned->variant) +
	       avro_text_room(assigned->unit) + avro_text_room(reason) + avro_text_room(outcome->prediction) +
	       avro_text_room(assigned->layer) + avro_text_room(outcome->error) + AVRO_TABLE_BYTES + sizeof assigned->probability +
	       sizeof outcome->latency_ms;
}

static char *put_context(char *to, const struct assigned *assigned)
{
	if (assigned->feature_count > 0)
		to = avro_put_small(to, assigned->feature_count);
	for (size_t i = 0; i < assigned->feature_count; i++) {
		to = avro_put_bytes(to, assigned->features[i].name);
		to = avro_put_double(to, assigned->features[i].value);
	}
	return avro_put_small(to, 0);
}

static char *put_texts(char *to, const struct assigned *assigned)
{
	if (assigned->text_count > 0)
		to = avro_put_small(to, assigned->text_count);
	for (size_t i = 0; i < assigned->text_count; i++) {
		to = avro_put_bytes(to, assigned->texts[i].name);
		to = avro_put_bytes(to, assigned->texts[i].value);
	}
	return avro_put_small(to, 0);
}

bool exposure_encode(const struct message *message, const struct assigned *assigned, const struct exposure_outcome *outcome,
		     struct buffer *out, struct error *error)
{
	uint64_t fingerprint = avro_exposure_fingerprint();
	struct text reason = text_of(assigned_reason_name(assigned->reason));
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *begin = buffer_room(out, exposure_room(message, assigned, reason, outcome));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "an exposure does not fit into the %zu bytes that a message may have; send a shorter unit",
				 out->ceiling_bytes);
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, message->id);
	to = avro_put_origin(to, &message->origin);
	to = avro_put_long(to, message_request_ms(message));
	to = avro_put_bytes(to, assigned->experiment);
	to = avro_put_bytes(to, assigned->variant);
	to = avro_put_double(to, assigned->probability);
	to = avro_put_bytes(to, assigned->unit);
	to = avro_put_bytes(to, reason);
	to = put_context(to, assigned);
	/* No versions: those of the chosen candidate alone would put each variant into an epoch of its own (unit_join.h). */
	to = avro_put_small(to, 0);
	to = avro_put_table(to, assigned->table);
	to = avro_put_bytes(to, outcome->prediction);
	to = avro_put_double(to, isnan(outcome->latency_ms) ? -1 : outcome->latency_ms);
	to = avro_put_small(to, assigned->stage);
	to = avro_put_bytes(to, assigned->layer);
	to = put_texts(to, assigned);
	to = avro_put_bytes(to, outcome->error);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}
