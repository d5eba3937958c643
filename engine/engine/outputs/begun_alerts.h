/* begun_alerts.h: Alerts that an in-flight message may have begun: a record for each leaves to the namespace's feed with the
 * answer, in its transaction (compiler/conditions/alert_feed.h). So whoever has the answer can know the firing, also if this
  * engine is killed before it reports.
 *
 * Private to worker.
 */
#pragma once

#include "engine/outputs/listed_records.h"

struct worker_stage;

struct begun_alert {
	const struct begun_alert *next;
	const struct stage_alert *alert;
	struct text group;
	int64_t fired_at_ms, at_ms; /* times of day */
};

/* Notes that a result of the message met the condition of the stage's alert of that index, unless another one did lately: for as
 * long as that fires anyway. Without memory it leaves no record. */
void begun_alert_note(struct worker_stage *stage, struct inflight *inflight, size_t index, struct text group, int64_t fired_at_ms);

/* Produces the records, one after the other. As listed_records_leave(). */
enum produce_verdict begun_alerts_leave(const struct record_outlet *outlet, struct inflight *inflight, struct error *error);
