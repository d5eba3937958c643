/* alert_record.h: Notice of an alert as a record (schemas/alert.avsc, single-object Avro): of its pipeline's topic `alerts`, or the
 * report of an engine to the others. */
#pragma once

#include "compiler/conditions/notice.h"

#define ALERT_PRESENT "present" /* a status among the reports of engines */

/* Appends the record. LIMIT: it does not fit. */
bool alert_record_encode(const struct alert_message *message, struct buffer *out, struct error *error);

/* A record that was read; texts borrow from its bytes. Figures that it does not have are NaN. */
struct alert_read {
	bool fires;	 /* else it resolved */
	bool is_present; /* neither: the pipeline of an `absent` has requests in that engine (ALERT_PRESENT) */
	struct text namespace, pipeline, alert, engine, condition, group;
	struct text reason; /* of an end that no judgement made; empty: it is none, or the record is of the first schema */
	int64_t fired_at_ms, at_ms;
	struct alert_values values;
};

/* Whether they are a record of that schema, or of a former one (tests/data/avro). */
bool alert_record_is(struct text bytes);

/* INPUT: it is damaged. */
bool alert_record_decode(struct text bytes, struct alert_read *read, struct error *error);

/* The notice of a record, without what depends on the sender: `is_shared` and `topic`. `figures` gets the figures of the record.
 * Both borrow from its bytes. INPUT: it is damaged. */
bool alert_record_message(struct text bytes, struct alert_message *message, struct alert_condition *figures, struct error *error);
