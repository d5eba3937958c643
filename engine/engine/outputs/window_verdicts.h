/* window_verdicts.h: Outlet of the verdicts and reports on windows that a message closed. Each is written to its pipeline's
 * topic, in the transaction of the message. A verdict that judges its window is written to the namespace's feed too, and the
 * figures of that window. So is what an observer has learnt of outliers.
 *
 * Private to worker.
 */
#ifndef SLUICE_ENGINE_OUTPUTS_WINDOW_VERDICTS_H
#define SLUICE_ENGINE_OUTPUTS_WINDOW_VERDICTS_H

#include "kafka/produce/output.h"
#include "engine/worker/partition_queues.h"

struct verdict_outlet {
	struct output *output;
	struct position origin; /* of the message's record */
	struct buffer *key, *value;
};

/* Produces them, the first one first. PRODUCED: all were produced, or there were none. PRODUCE_FULL: to be called again; what was
 * produced before is not produced twice. */
enum produce_verdict window_verdicts_leave(const struct verdict_outlet *outlet, struct inflight *inflight, struct error *error);

/* The same of reports of the importance of features (message/records/importance_report.h), which leave to the pipeline's topic. */
enum produce_verdict window_importances_leave(const struct verdict_outlet *outlet, struct inflight *inflight, struct error *error);

/* The same of what observers have learnt (message/records/outlier_record.h), which leaves to the feed. */
enum produce_verdict learnt_leave(const struct verdict_outlet *outlet, struct inflight *inflight, struct error *error);

#endif
