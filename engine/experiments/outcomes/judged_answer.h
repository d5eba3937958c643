/* judged_answer.h: Bytes of the tensors that metrics of truth and reward name of an answer: the header JUDGED_HEADER of its record
 * and of its exposures (message/records/exposure.h), so that a join of feedback has all that these metrics evaluate.
 *
 * The bytes are a stage link (message/records/stage_link.h) with one result: the answer. Its `from` is the variant, and its
 * deadline the latency. Tensors of the answer and the request are in it only where a metric names some. Pure.
 */
#pragma once

#include "experiments/outcomes/metric_value.h"

#define JUDGED_BYTES_MAX ((size_t)64 << 10) /* of one answer: a larger one has no header, and its metrics are counted as missing */

/* Which tensors metrics of feedback name. */
struct judged_parts {
	bool is_needed; /* there is such a metric */
	bool answer, request;
};

struct judged_parts judged_parts_of(const struct pipeline_metric *metrics, size_t count);

/* Appends the bytes. It works in the arena. LIMIT: they do not fit. */
bool judged_answer_write(const struct judged_answer *judged, struct judged_parts parts, struct arena *arena, struct buffer *out,
			 struct error *error);

/* Both borrow from the bytes and the arena. False: they are no such bytes. */
bool judged_answer_read(struct text bytes, struct arena *arena, struct message *message, struct judged_answer *judged);
