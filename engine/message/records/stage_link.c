/* stage_link.c: see stage_link.h. The size of a record is computed first, so writing needs no checks. */
#include "message/records/stage_link.h"

#include "message/records/assigned.h"
#include "message/avro/avro.h"
#include "message/avro/avro_parts.h"
#include "message/avro/avro_wire.h"
#include "message/formats/format.h"
#include "message/provenance.h"

#define ENVELOPE_NUMBERS 25 /* of the record that are not measured one by one, at most */
#define GIVEN_NUMBERS 12    /* of each step */
#define ALIKE_MAX 64	    /* so far back a tensor is looked for that stands in the list already */
#define PARTITION_MOST 100000000 /* so that it does not overflow */

static const struct payload nothing;

/* ---- the tensors of all payloads, each once ---- */

struct stage_link_listing {
	struct tensors_builder tensors;
	struct tensors written; /* the same, with the models that replied them */
	int64_t *places;	/* of the tensors and marks of each payload, one behind the other */
	size_t place_count;
};

static int64_t place_of(struct stage_link_listing *listing, const struct tensor *tensor)
{
	struct tensors_builder *tensors = &listing->tensors;
	size_t first = tensors->count > ALIKE_MAX ? tensors->count - ALIKE_MAX : 0;
	for (size_t i = tensors->count; i-- > first;)
		if (tensors->items[i] == tensor)
			return (int64_t)i;
	tensors_add(tensors, tensor);
	return (int64_t)tensors->count - 1;
}

static void list_payload(struct stage_link_listing *listing, const struct payload *payload)
{
	for (size_t i = 0; i < payload->tensors.count; i++)
		listing->places[listing->place_count++] = place_of(listing, payload->tensors.items[i]);
	for (size_t i = 0; i < payload->marks.count; i++)
		listing->places[listing->place_count++] = place_of(listing, payload->marks.items[i]);
}

static size_t payload_size(const struct payload *payload)
{
	return payload->tensors.count + payload->marks.count;
}

static const struct payload *payload_of(const struct given *given)
{
	return given->state == GIVEN_CAME ? given->payload : &nothing;
}

static bool list_payloads(struct stage_link_listing *listing, const struct message *message, uint64_t next, bool request)
{
	const struct carried *carried = message->carried;
	size_t total = request ? payload_size(&message->payload) : 0;
	for (size_t i = 0; i < carried->count; i++)
		total += carried->items[i].next & next ? payload_size(payload_of(&carried->items[i])) : 0;
	*listing = (struct stage_link_listing){.places = arena_take_raw(message->arena, (total + 1) * sizeof(int64_t))};
	tensors_begin(&listing->tensors, message->arena, total);
	if (arena_failed(message->arena))
		return false;
	if (request)
		list_payload(listing, &message->payload);
	for (size_t i = 0; i < carried->count; i++)
		if (carried->items[i].next & next)
			list_payload(listing, payload_of(&carried->items[i]));
	listing->place_count = 0;
	listing->written = models_written(message->arena, tensors_end(&listing->tensors));
	return !arena_failed(message->arena);
}

/* ---- writing ---- */

static size_t payload_room(struct arena *arena, const struct payload *payload)
{
	return (payload_size(payload) + 4) * AVRO_LONG_BYTES_MAX + avro_parameters_room(repliers_written(arena, payload)) +
	       avro_text_room(payload->model_name) + avro_text_room(payload_version(payload));
}

static size_t record_room(const struct message *message, struct headers headers, uint64_t next, const struct stage_link *stage_link,
			  const struct stage_link_listing *listing)
{
	const struct carried *carried = message->carried;
	size_t room = AVRO_SINGLE_OBJECT_BYTES + ENVELOPE_NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(stage_link->from) +
		      avro_text_room(message->id) + avro_text_room(message->origin.topic) + avro_text_room(message->key) +
		      avro_text_room(stage_link->key) + avro_text_room(stage_link->original) +
		      avro_text_room(text_of(message->format ? message->format->name : NULL)) +
		      avro_text_room(message->payload_id) + avro_text_room(message->seldon_meta) +
		      avro_tensors_room(listing->written) + payload_room(message->arena, &message->payload);
	for (size_t i = 0; i < headers.count; i++)
		room += avro_text_room(headers.items[i].name) + avro_text_room(headers.items[i].value);
	for (size_t i = 0; i < message->wanted.count; i++)
		room += avro_text_room(message->wanted.names[i]) + 1;
	for (size_t i = 0; i < carried->count; i++) {
		const struct given *given = &carried->items[i];
		if (given->next & next)
			room += GIVEN_NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(given->step) + avro_text_room(given->only_to) +
				payload_room(message->arena, payload_of(given)) +
				(given->error ? avro_failure_room(given->error) : 0);
	}
	return room;
}

static char *put_flag(char *to, bool flag)
{
	*to = (char)flag;
	return to + 1;
}

static char *put_count(char *to, size_t count)
{
	return count ? avro_put_small(to, count) : to;
}

static char *put_form(char *to, const struct message *message)
{
	to = avro_put_bytes(to, text_of(message->format ? message->format->name : NULL));
	to = avro_put_optional(to, message->payload_id);
	to = put_count(to, message->wanted.count);
	for (size_t i = 0; i < message->wanted.count; i++) {
		to = avro_put_bytes(to, message->wanted.names[i]);
		to = put_flag(to, message->wanted_each ? message->wanted_each[i] : message->wanted_binary);
	}
	to = avro_put_small(to, 0);
	to = put_flag(to, message->wanted_binary);
	to = put_flag(to, message->v1_columns);
	to = avro_put_long(to, message->seldon_form);
	return avro_put_bytes(to, message->seldon_meta);
}

static char *put_places(char *to, struct stage_link_listing *listing, size_t count)
{
	to = put_count(to, count);
	for (size_t i = 0; i < count; i++)
		to = avro_put_long(to, listing->places[listing->place_count++]);
	return avro_put_small(to, 0);
}

static char *put_payload(char *to, struct stage_link_listing *listing, const struct payload *payload)
{
	to = put_places(to, listing, payload->tensors.count);
	to = put_places(to, listing, payload->marks.count);
	to = avro_put_parameters(to, repliers_written(listing->tensors.arena, payload));
	to = avro_put_bytes(to, payload->model_name);
	return avro_put_bytes(to, payload_version(payload));
}

/* What a failure's kind leaves open, in the place of the reason of no output. The enumeration there has four symbols, and a fifth
 * would make the records of former releases unreadable: so a cancellation, for whose answer nobody waits, is a plain limit. */
static int64_t put_detail(const struct error *failure)
{
	if (failure->kind == ERROR_INPUT)
		return failure->of_tensor ? SILENCE_EMPTY : SILENCE_NONE;
	return failure->limit <= LIMIT_OF_WARMUP ? (int64_t)failure->limit : LIMIT_OF_ENGINE;
}

static char *put_given(char *to, struct stage_link_listing *listing, const struct given *given)
{
	to = avro_put_bytes(to, given->step);
	to = put_flag(to, given->inputs);
	to = avro_put_long(to, given->state);
	to = avro_put_small(to, given->state == GIVEN_CAME);
	if (given->state == GIVEN_CAME)
		to = put_payload(to, listing, given->payload);
	to = avro_put_bytes(to, given->only_to);
	to = avro_put_long(to, given->error ? put_detail(given->error) : (int64_t)given->silence);
	to = avro_put_small(to, given->error != NULL);
	if (given->error)
		to = avro_put_failure(to, given->error);
	return avro_put_long(to, given->attempts);
}

static char *put_all_given(char *to, struct stage_link_listing *listing, const struct carried *carried, uint64_t next)
{
	size_t count = 0;
	for (size_t i = 0; i < carried->count; i++)
		count += (carried->items[i].next & next) != 0;
	to = put_count(to, count);
	for (size_t i = 0; i < carried->count; i++)
		if (carried->items[i].next & next)
			to = put_given(to, listing, &carried->items[i]);
	return avro_put_small(to, 0);
}

/* Headers of a record that is not the request's own: one before its others. NULL: the arena is full. */
static struct header *header_prepend(struct arena *arena, const char *name, struct headers *headers)
{
	const struct headers own = *headers;
	struct header *items = ARENA_ARRAY(arena, struct header, own.count + 1);
	if (!items)
		return NULL;
	items[0].name = text_of(name);
	for (size_t i = 0; i < own.count; i++)
		items[i + 1] = own.items[i];
	*headers = (struct headers){own.count + 1, items};
	return items;
}

/* Puts before the headers which of them have no value, as the schema has none for those. */
static bool nulls_put(const struct message *message, struct headers *headers)
{
	const struct headers own = *headers;
	size_t count = 0;
	for (size_t i = 0; i < own.count; i++)
		count += own.items[i].value.bytes == NULL;
	if (count == 0 && (own.count == 0 || !text_is(own.items[0].name, STAGE_LINK_NULLS)))
		return true;
	char *flags = ARENA_ARRAY(message->arena, char, own.count);
	struct header *first = header_prepend(message->arena, STAGE_LINK_NULLS, headers);
	if (!flags || !first)
		return false;
	for (size_t i = 0; i < own.count; i++)
		flags[i] = own.items[i].value.bytes ? '0' : '1';
	first->value = (struct text){flags, own.count};
	return true;
}

/* Puts the time of the request's record before the headers, where the event time is another. */
static bool written_put(const struct message *message, struct headers *headers)
{
	const bool is_taken = headers->count > 0 && text_is(headers->items[0].name, STAGE_LINK_WRITTEN);
	if (message->written_ms == message->time_ms && !is_taken)
		return true;
	struct header *first = header_prepend(message->arena, STAGE_LINK_WRITTEN, headers);
	const char *digits = arena_print(message->arena, "%lld", (long long)message->written_ms);
	if (!first || !digits)
		return false;
	first->value = text_of(digits);
	return true;
}

/* Puts a text before the headers, if there is one, or the first of these has the name. */
static bool text_put(const struct message *message, const char *name, struct text value, struct headers *headers)
{
	const bool is_taken = headers->count > 0 && text_is(headers->items[0].name, name);
	if (value.length == 0 && !is_taken)
		return true;
	struct header *first = header_prepend(message->arena, name, headers);
	if (!first)
		return false;
	first->value = value;
	return true;
}

static char *put_headers(char *to, struct headers headers)
{
	to = put_count(to, headers.count);
	for (size_t i = 0; i < headers.count; i++) {
		to = avro_put_bytes(to, headers.items[i].name);
		to = avro_put_bytes(to, headers.items[i].value);
	}
	return avro_put_small(to, 0);
}

bool stage_link_encode(const struct message *message, uint64_t next, const struct stage_link *stage_link, struct buffer *out,
		       struct error *error)
{
	uint64_t fingerprint = avro_crossing_fingerprint();
	struct stage_link_listing listing;
	struct headers headers;
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	if (!list_payloads(&listing, message, next, stage_link->request) || !assigned_write(message, &headers) ||
	    !nulls_put(message, &headers) || !written_put(message, &headers) ||
	    !text_put(message, STAGE_LINK_READS, stage_link->reads, &headers) ||
	    !text_put(message, STAGE_LINK_OUTCOMES, stage_link->outcomes, &headers))
		return error_memory(error, ERROR_LIMIT, "passing a message on to the next stage");
	size_t room = record_room(message, headers, next, stage_link, &listing);
	if (arena_failed(message->arena)) /* what is written must be what was measured */
		return error_memory(error, ERROR_LIMIT, "passing a message on to the next stage");
	char *begin = buffer_room(out, room);
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the results for the next stage do not fit into the %zu bytes that a message may have; send "
				 "less at once",
				 out->ceiling_bytes);
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_long(to, STAGE_LINK_VERSION);
	to = avro_put_bytes(to, stage_link->from);
	to = avro_put_long(to, (int64_t)stage_link->deployment);
	to = avro_put_bytes(to, message->id);
	to = avro_put_bytes(to, message->origin.topic);
	to = avro_put_long(to, message->origin.partition);
	to = avro_put_long(to, message->origin.offset);
	to = put_flag(to, message->carried->answered);
	to = avro_put_long(to, message->time_ms);
	to = avro_put_long(to, stage_link->deadline_ms);
	to = avro_put_optional(to, message->key);
	to = avro_put_optional(to, stage_link->key);
	to = put_headers(to, headers);
	to = avro_put_bytes(to, stage_link->original);
	to = put_form(to, message);
	to = avro_put_tensors(to, listing.written);
	to = avro_put_small(to, stage_link->request);
	if (stage_link->request)
		to = put_payload(to, &listing, &message->payload);
	to = put_all_given(to, &listing, message->carried, next);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

/* ---- what the sender reads ---- */

void sender_reads_add(struct buffer *reads, int32_t partition, bool is_behind)
{
	buffer_print(reads, "%d%c", (int)partition, is_behind ? '+' : '-');
}

bool sender_reads_next(struct text *reads, int32_t *partition, bool *is_behind)
{
	size_t at = 0;
	int32_t number = 0;
	while (at < reads->length && reads->bytes[at] >= '0' && reads->bytes[at] <= '9' && number < PARTITION_MOST)
		number = number * 10 + (reads->bytes[at++] - '0');
	if (at == 0 || at == reads->length || (reads->bytes[at] != '+' && reads->bytes[at] != '-'))
		return false;
	*partition = number;
	*is_behind = reads->bytes[at] == '+';
	*reads = text_from(*reads, at + 1);
	return true;
}
