/* refusal.c: see refusal.h. */
#include "net/http/refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "message/records/reply.h"

void refusal_id_write(struct random *ids, struct text asked, char out[REFUSAL_ID_SIZE])
{
	if (asked.length == 0 || asked.length > REFUSAL_ID_BYTES_MAX) {
		(void)snprintf(out, REFUSAL_ID_SIZE, "%016" PRIx64, random_next(ids));
		return;
	}
	memcpy(out, asked.bytes, asked.length);
	out[asked.length] = '\0';
}

enum error_kind refusal_kind(int status)
{
	switch (status) {
	case 408:
	case 413:
	case 414:
	case 429:
	case 431:
	case 503:
	case 504:
		return ERROR_LIMIT;
	case 500:
		return ERROR_SYSTEM;
	default:
		return ERROR_INPUT;
	}
}

void refusal_body_write(struct buffer *out, int status, const char *words, struct text path, const char *id)
{
	struct error error = {0};
	error_set(&error, refusal_kind(status), PLACE_NONE, "%s", words);
	const struct reply_failure failure = {
		.error = &error, .id = text_of(id), .where = path.length > 0 ? path : TEXT(REFUSAL_HEAD_PLACE)};
	reply_error_write(out, &failure);
}
