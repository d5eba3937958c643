/* call_record.c: see call_record.h. */
#include "gateway/calls/call_record.h"

#define OWN_HEADERS 4
#define BATCH_BYTES ((size_t)100) /* of a batch and its only record, without key, value and headers */
#define LENGTHS_BYTES ((size_t)6) /* of a header's name and value: three each, for up to 1 MiB */

bool call_record_of_request(const struct call_request *request, struct call_record_names *names, struct arena *arena,
			    struct outgoing *record, struct error *error)
{
	const bool named = request->id.length > 0;
	size_t count = request->headers.count;
	struct header *headers = ARENA_ARRAY(arena, struct header, count + OWN_HEADERS);
	if (!headers)
		return error_memory(error, ERROR_LIMIT, "taking a call");
	if (count > 0)
		memcpy(headers, request->headers.items, count * sizeof *headers);
	const struct text deadline = {names->deadline, number_write_int64(names->deadline, request->deadline_ms)};
	headers[count++] = (struct header){named ? TEXT(REPLY_ID_HEADER) : TEXT(REPLY_DEFAULT_ID_HEADER), names->id};
	if (!request->is_unhurried)
		headers[count++] = (struct header){TEXT(DEADLINE_HEADER), deadline};
	if (names->nonce.length > 0)
		headers[count++] = (struct header){TEXT(REPLY_SUBMITTED_HEADER), names->nonce};
	if (!request->submits)
		headers[count++] = (struct header){TEXT(REPLY_HEADER), names->address};
	*record = (struct outgoing){.topic = request->target->topic,
				    .key = request->key,
				    .value = request->body,
				    .headers = {count, headers}};
	return true;
}

size_t call_record_bytes(const struct outgoing *record)
{
	return outgoing_bytes(record) + BATCH_BYTES + record->headers.count * LENGTHS_BYTES;
}

bool call_record_fits(size_t record_bytes, const struct gateway_target *target)
{
	return record_bytes <= target->request_bytes + CALL_RECORD_OVERHEAD_BYTES;
}

struct outgoing call_record_of_cancellation(const struct gateway_targets *targets, const struct gateway_target *target,
					    struct text token)
{
	return (struct outgoing){.topic = targets->cancels, .key = token, .value = text_of(target->name)};
}

struct outgoing call_record_bare(const struct call_request *request, const struct gateway_targets *targets)
{
	if (request->cancels)
		return call_record_of_cancellation(targets, request->target, request->key);
	return (struct outgoing){.topic = request->target->feedback, .key = request->key, .value = request->body};
}
