/* submission.c: see submission.h. */
#include "gateway/submission.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"

#define PARTS 4

size_t submission_write(const struct submission *submission, char out[SUBMISSION_ID_BYTES_MAX])
{
	/* -1 is written as 0, so that the hyphen only separates. */
	int written = snprintf(out, SUBMISSION_ID_BYTES_MAX, "%" PRId32 "-%" PRId64 "-%" PRId64 "-%" PRId64, submission->partition,
			       submission->offset, submission->time_ms, (int64_t)submission->answers + 1);
	return written > 0 ? (size_t)written : 0;
}

bool submission_read(struct text id, struct submission *submission)
{
	static const int64_t most[PARTS] = {INT32_MAX, INT64_MAX, INT64_MAX, (int64_t)INT32_MAX + 1};
	int64_t parts[PARTS];
	for (size_t i = 0; i < PARTS; i++) {
		struct text part = text_take_until(&id, '-');
		if (part.length == 0 || *part.bytes == '+' || !number_read_int64(part, &parts[i]) || parts[i] < 0 ||
		    parts[i] > most[i])
			return false;
	}
	*submission = (struct submission){(int32_t)parts[0], parts[1], parts[2], (int32_t)(parts[3] - 1)};
	return id.length == 0;
}
