/* submitted.c: see submitted.h. */
#include "worker/submitted.h"

#include <inttypes.h>
#include <stdio.h>

size_t submitted_headers(const struct message *message, const struct answer *answer, struct header items[SUBMITTED_HEADERS_MAX],
			 char origin[REPLY_ORIGIN_BYTES_MAX])
{
	const struct header *submitted = headers_find(message->headers, TEXT(REPLY_SUBMITTED_HEADER));
	const char *limit = answer->error ? reply_limit_name(answer->error) : NULL;
	size_t count = 0;
	if (!submitted)
		return 0;
	(void)snprintf(origin, REPLY_ORIGIN_BYTES_MAX, TEXT_FORMAT "/%" PRId32 "/%" PRId64, TEXT_ARGUMENTS(message->origin.topic),
		       message->origin.partition, message->origin.offset);
	items[count++] = (struct header){TEXT(REPLY_ORIGIN_HEADER), text_of(origin)};
	items[count++] = (struct header){TEXT(REPLY_SUBMISSION_HEADER), submitted->value};
	if (limit)
		items[count++] = (struct header){TEXT(REPLY_LIMIT_HEADER), text_of(limit)};
	return count;
}

size_t submitted_end_headers(const struct message *message, const struct answer *answer,
			     struct header items[SUBMITTED_END_HEADERS_MAX], char origin[REPLY_ORIGIN_BYTES_MAX])
{
	size_t count = submitted_headers(message, answer, items, origin);
	if (count == 0)
		return 0;
	if (message->id.length > 0)
		items[count++] = (struct header){TEXT(REPLY_ID_HEADER), message->id};
	items[count++] = (struct header){TEXT(REPLY_OUTCOME_HEADER), answer->error ? TEXT(REPLY_FAILED) : TEXT(REPLY_FILTERED)};
	if (answer->error)
		items[count++] = (struct header){TEXT(REPLY_ERROR_HEADER), text_of(error_kind_name(answer->error->kind))};
	return count;
}
