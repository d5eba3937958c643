/* avro_write.c: Writer of the engine's own request and answer records, with the same bytes as avro-c. It
 * computes the size of a record first, so writing needs no checks. */
#include "message/avro/avro.h"

#include <stdatomic.h>

#include "message/records/answer_exposures.h"
#include "message/records/assigned.h"
#include "message/avro/avro_parts.h"
#include "message/avro/avro_wire.h"
#include "message/avro/avro_writers.h"
#include "message/formats/raw.h"
#include "message/avro/schemas.h"

#define PREFIXED(length) ((length) + AVRO_LONG_BYTES_MAX) /* a string or bytes, at most */
#define BLOCK_BYTES_MAX (AVRO_LONG_BYTES_MAX + 1)	  /* a block's count, and the 0 that ends the list */

static inline uint64_t fingerprint_of(const char *name, _Atomic uint64_t *kept)
{
	uint64_t fingerprint = atomic_load_explicit(kept, memory_order_relaxed);
	return AVRO_UNLIKELY(fingerprint == 0) ? schema_fingerprint_keep(name, kept) : fingerprint;
}

uint64_t avro_request_fingerprint(void)
{
	static _Atomic uint64_t kept;
	return fingerprint_of("request", &kept);
}

uint64_t avro_answer_fingerprint(void)
{
	static _Atomic uint64_t kept;
	return fingerprint_of("response", &kept);
}

uint64_t avro_exposure_fingerprint(void)
{
	static _Atomic uint64_t kept;
	return fingerprint_of("exposure", &kept);
}

uint64_t avro_crossing_fingerprint(void)
{
	static _Atomic uint64_t kept;
	return fingerprint_of("crossing", &kept);
}

static size_t parameters_room(struct parameters parameters)
{
	size_t room = BLOCK_BYTES_MAX;
	for (size_t i = 0; i < parameters.count; i++) {
		const struct parameter *parameter = &parameters.items[i];
		size_t value = parameter->type == PARAMETER_TEXT ? PREFIXED(parameter->value.text.length) : AVRO_LONG_BYTES_MAX;
		room += PREFIXED(parameter->name.length) + 1 + value;
	}
	return room;
}

static inline size_t tensors_room(struct tensors tensors)
{
	size_t room = BLOCK_BYTES_MAX;
	for (size_t i = 0; i < tensors.count; i++) {
		const struct tensor *tensor = tensors.items[i];
		room += PREFIXED(tensor->name.length) + 1 + BLOCK_BYTES_MAX + tensor->rank * AVRO_LONG_BYTES_MAX +
			PREFIXED(raw_size(tensor)) + parameters_room(tensor->parameters);
	}
	return room;
}

/* Index of each type's branch in the union of a parameter's value. */
static const unsigned char parameter_branch[] = {
	[PARAMETER_FLAG] = 0, [PARAMETER_INTEGER] = 1, [PARAMETER_NUMBER] = 2, [PARAMETER_TEXT] = 3, [PARAMETER_UNSIGNED] = 4};

static char *put_parameter(char *to, const struct parameter *parameter)
{
	to = avro_put_bytes(to, parameter->name);
	to = avro_put_small(to, parameter_branch[parameter->type]);
	switch (parameter->type) {
	case PARAMETER_FLAG:
		*to = (char)parameter->value.flag;
		return to + 1;
	case PARAMETER_INTEGER:
		return avro_put_long(to, parameter->value.integer);
	case PARAMETER_UNSIGNED:
		return avro_put_long(to, (int64_t)parameter->value.natural);
	case PARAMETER_NUMBER:
		memcpy(to, &parameter->value.number, sizeof parameter->value.number);
		return to + sizeof parameter->value.number;
	case PARAMETER_TEXT:
		break;
	}
	return avro_put_bytes(to, parameter->value.text);
}

/* A list is one block of all its items, then a block of none. */
static __attribute__((noinline)) char *put_parameter_block(char *to, struct parameters parameters)
{
	to = avro_put_small(to, parameters.count);
	for (size_t i = 0; i < parameters.count; i++)
		to = put_parameter(to, &parameters.items[i]);
	return avro_put_small(to, 0);
}

static inline char *put_parameters(char *to, struct parameters parameters)
{
	return parameters.count ? put_parameter_block(to, parameters) : avro_put_small(to, 0);
}

static inline char *put_tensor(char *to, const struct tensor *tensor)
{
	to = avro_put_bytes(to, tensor->name);
	*to++ = (char)(tensor->datatype << 1); /* both are below 64 */
	if (tensor->rank)
		*to++ = (char)(tensor->rank << 1);
	for (size_t i = 0; i < tensor->rank; i++)
		to = avro_put_small(to, (size_t)tensor->shape[i]);
	to = avro_put_small(to, 0);
	size_t size = raw_size(tensor);
	to = avro_put_small(to, size);
	raw_write(tensor, to);
	return put_parameters(to + size, tensor->parameters);
}

static inline char *put_tensors(char *to, struct tensors tensors)
{
	if (tensors.count)
		to = avro_put_small(to, tensors.count);
	for (size_t i = 0; i < tensors.count; i++)
		to = put_tensor(to, tensors.items[i]);
	return avro_put_small(to, 0);
}

__attribute__((noinline)) char *avro_put_tensors(char *to, struct tensors tensors)
{
	return put_tensors(to, tensors);
}

/* Few messages have any: their code stays out of the way. */
static inline char *put_marks(char *to, struct tensors marks)
{
	return marks.count ? avro_put_tensors(to, marks) : avro_put_small(to, 0);
}

static char *put_presence(char *to, bool present)
{
	return avro_put_small(to, present);
}

static size_t origin_room(const struct origin *origin)
{
	return 1 + PREFIXED(origin->topic.length) + 2 * AVRO_LONG_BYTES_MAX;
}

#define END_BYTES 2

/* No assignments, no versions. */
static inline char *put_end(char *to)
{
	memset(to, 0, END_BYTES);
	return to + END_BYTES;
}

static __attribute__((noinline)) size_t assignments_room(const struct message *message)
{
	size_t room = BLOCK_BYTES_MAX + answer_versions_room(message);
	for (const struct assigned *entry = message->assigned; entry; entry = entry->next)
		room += PREFIXED(entry->experiment.length) + PREFIXED(entry->variant.length) + sizeof entry->probability;
	return room;
}

static __attribute__((noinline)) char *put_assignment_block(char *to, const struct message *message)
{
	const struct assigned *items[ASSIGNED_MAX];
	size_t count = assigned_list(message, items);
	to = avro_put_small(to, count);
	for (size_t i = 0; i < count; i++) {
		to = avro_put_bytes(to, items[i]->experiment);
		to = avro_put_bytes(to, items[i]->variant);
		to = avro_put_double(to, items[i]->probability);
	}
	return avro_put_small(to, 0);
}

/* Assignments and versions of an answer. */
static inline char *put_answer_end(char *to, const struct message *message)
{
	return AVRO_UNLIKELY(message->assigned) ? answer_versions_put(put_assignment_block(to, message), message) : put_end(to);
}

static char *put_confluent(char *to, uint32_t id)
{
	uint32_t big_endian = __builtin_bswap32(id);
	*to++ = 0x00;
	memcpy(to, &big_endian, sizeof big_endian);
	return to + sizeof big_endian;
}

size_t avro_failure_room(const struct error *failure)
{
	return PREFIXED(strlen(failure->text)) + PREFIXED(text_of(failure->place.file).length) + 3 * AVRO_LONG_BYTES_MAX;
}

char *avro_put_failure(char *to, const struct error *failure)
{
	to = avro_put_long(to, failure->kind - ERROR_CONFIG);
	to = avro_put_bytes(to, text_of(failure->text));
	to = avro_put_bytes(to, text_of(failure->place.file));
	to = avro_put_long(to, failure->place.line);
	return avro_put_long(to, failure->place.column);
}

size_t avro_parameters_room(struct parameters parameters)
{
	return parameters_room(parameters);
}

char *avro_put_parameters(char *to, struct parameters parameters)
{
	return put_parameters(to, parameters);
}

size_t avro_tensors_room(struct tensors tensors)
{
	return tensors_room(tensors);
}

static bool no_room(struct buffer *out, struct error *error)
{
	return error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "an Avro record does not fit into the %zu bytes that a message may have; ask for less at once",
			 out->ceiling_bytes);
}

/* The id by which the caller knows the request: its own, else the one it was given. */
static struct text caller_id(const struct message *message)
{
	return message->payload_id.bytes ? message->payload_id : message->id;
}

static const struct payload nothing;

bool avro_answer_encode(const struct message *message, const struct answer *answer, const struct schema_source *schemas,
			struct buffer *out, struct error *error)
{
	const struct payload *payload = answer->payload ? answer->payload : &nothing;
	const struct error *failure = answer->payload ? NULL : answer->error;
	uint64_t fingerprint = avro_answer_fingerprint();
	struct text id = caller_id(message), version = payload_version(payload);
	size_t room = AVRO_SINGLE_OBJECT_BYTES + PREFIXED(id.length) + 1 + (failure ? avro_failure_room(failure) : 0) +
		      PREFIXED(payload->model_name.length) + PREFIXED(version.length) +
		      parameters_room(payload->parameters) + tensors_room(payload->tensors) + tensors_room(payload->marks) +
		      origin_room(&message->origin) + END_BYTES;
	if (AVRO_UNLIKELY(message->assigned))
		room += assignments_room(message);
	if (AVRO_UNLIKELY(fingerprint == 0))
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *begin = buffer_room(out, room);
	if (AVRO_UNLIKELY(!begin))
		return no_room(out, error);
	bool registered = schemas && schemas->answer_id;
	char *to = registered ? put_confluent(begin, schemas->answer_id) : avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, id);
	to = put_presence(to, failure != NULL);
	to = failure ? avro_put_failure(to, failure) : to;
	to = avro_put_bytes(to, payload->model_name);
	to = avro_put_bytes(to, version);
	to = put_parameters(to, payload->parameters);
	to = put_tensors(to, payload->tensors);
	to = put_marks(to, payload->marks);
	to = avro_put_origin(to, &message->origin);
	to = put_answer_end(to, message);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

static size_t wanted_room(const struct message *message)
{
	size_t room = BLOCK_BYTES_MAX;
	for (size_t i = 0; i < message->wanted.count; i++)
		room += PREFIXED(message->wanted.names[i].length);
	return room;
}

static char *put_wanted(char *to, const struct message *message)
{
	if (message->wanted.count)
		to = avro_put_long(to, (int64_t)message->wanted.count);
	for (size_t i = 0; i < message->wanted.count; i++)
		to = avro_put_bytes(to, message->wanted.names[i]);
	return avro_put_long(to, 0);
}

bool avro_request_encode(const struct message *message, const struct payload *payload, struct buffer *out, struct error *error)
{
	uint64_t fingerprint = avro_request_fingerprint();
	struct text id = caller_id(message);
	size_t room = AVRO_SINGLE_OBJECT_BYTES + PREFIXED(id.length) + AVRO_LONG_BYTES_MAX + parameters_room(payload->parameters) +
		      tensors_room(payload->tensors) + wanted_room(message) + tensors_room(payload->marks) +
		      origin_room(&message->origin) + END_BYTES;
	if (AVRO_UNLIKELY(fingerprint == 0))
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	char *begin = buffer_room(out, room);
	if (AVRO_UNLIKELY(!begin))
		return no_room(out, error);
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, id);
	to = avro_put_long(to, message->deadline_ms);
	to = put_parameters(to, payload->parameters);
	to = put_tensors(to, payload->tensors);
	to = put_wanted(to, message);
	to = put_marks(to, payload->marks);
	to = avro_put_origin(to, &message->origin);
	to = put_end(to);
	buffer_grown(out, (size_t)(to - begin));
	return true;
}
