/* importance_report.h: Importance of features over one closed window of explanations: a record of its pipeline's importance topic
 * (schemas/importance.avsc, single-object Avro).
 *
 * Reports are listed with the message that closed the window, in its arena, and leave in its transaction. Each is of one slice,
 * which is what one partition has; means of slices merge by the number of their explanations.
 */
#pragma once

#include "message/message.h"
#include "message/records/listed_record.h"

struct importance_feature {
	struct text name;
	double mean; /* of the absolute contributions */
};

struct importance_report {
	struct listed_record listed; /* with a message */
	struct text pipeline, step, explained, method, output;
	uint64_t slice, window;
	int64_t begin_ms, end_ms; /* least and greatest time of its messages */
	uint64_t explanations, late, left_out;
	double total; /* the sum of the means */
	size_t feature_count;
	const struct importance_feature *features;
};

/* Appends the record. LIMIT: it does not fit. */
bool importance_report_encode(const struct importance_report *report, struct buffer *out, struct error *error);

/* Reads a record; texts borrow from the bytes, the list is in the arena. INPUT: it is no such record. */
bool importance_report_decode(struct text bytes, struct arena *arena, struct importance_report *report, struct error *error);
