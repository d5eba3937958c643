/* submitted.c: see submitted.h. */
#include "engine/outputs/submitted.h"

#include <string.h>

#include "base/number/number.h"

#define ORIGIN_NUMBERS 44 /* two of them, and what is between */

struct header origin_header(const struct message *message, char origin[REPLY_ORIGIN_BYTES_MAX])
{
	const struct text topic = message->origin.topic;
	const size_t length = topic.length < REPLY_ORIGIN_BYTES_MAX - ORIGIN_NUMBERS ? topic.length : 0;
	char *to = origin;
	memcpy(to, topic.bytes, length);
	to += length;
	*to++ = '/';
	to += number_write_int64(to, message->origin.partition);
	*to++ = '/';
	to += number_write_int64(to, message->origin.offset);
	return (struct header){TEXT(REPLY_ORIGIN_HEADER), {origin, (size_t)(to - origin)}};
}

size_t submitted_headers(const struct message *message, const struct answer *answer, struct header items[SUBMITTED_HEADERS_MAX],
			 struct submitted_texts *texts)
{
	const struct header *submitted = message_header(message, HEADER_SUBMITTED);
	size_t count = 0;
	if (!submitted)
		return 0;
	items[count++] = origin_header(message, texts->origin);
	items[count++] = (struct header){TEXT(REPLY_SUBMISSION_HEADER), submitted->value};
	return count + reply_error_headers(answer, items + count, &texts->details);
}

size_t submitted_end_headers(const struct message *message, const struct answer *answer,
			     struct header items[SUBMITTED_END_HEADERS_MAX], struct submitted_texts *texts)
{
	size_t count = submitted_headers(message, answer, items, texts);
	if (count == 0)
		return 0;
	if (message->id.length > 0)
		items[count++] = (struct header){TEXT(REPLY_ID_HEADER), message->id};
	items[count++] = (struct header){TEXT(REPLY_OUTCOME_HEADER), answer->error ? TEXT(REPLY_FAILED) : TEXT(REPLY_FILTERED)};
	if (answer->error)
		items[count++] = (struct header){TEXT(REPLY_ERROR_HEADER), text_of(error_kind_name(answer->error->kind))};
	return count;
}
