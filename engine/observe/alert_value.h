/* alert_value.h: Table of the figures of a pipeline that the condition of an alert can use, besides values of messages.
 *
 * They are of the window `over` of the alert, except drift_score and is_drift, which are of the last window that the
 * observer of a step `drift` closed. NaN: not known, so the condition is not judged.
 */
#ifndef SLUICE_OBSERVE_ALERT_VALUE_H
#define SLUICE_OBSERVE_ALERT_VALUE_H

#include <stddef.h>

#include "base/text.h"

struct alert_values {
	double requests, errors, error_rate;
	double latency_p50, latency_p95, latency_p99;
	double lag;
	double drift_score, is_drift;
};

struct alert_value_row {
	const char *name;
	size_t offset;	/* of a double in struct alert_values */
	bool of_drift;	/* of a step `drift`; without such a step the name is a tensor or a mark of messages */
	const char *help;
};

extern const struct alert_value_row alert_value_rows[]; /* the last row has no name */

/* NULL: there is no such figure. */
const struct alert_value_row *alert_value_named(struct text name);

#endif
