/* exposition.h: Writer of metrics in the text formats of Prometheus (0.0.4) and OpenMetrics (1.0).
 *
 * The rows of a scope are written for all its subjects at once, since the samples of a metric must be next to each
 * other.
 */
#ifndef SLUICE_OBSERVE_EXPOSITION_H
#define SLUICE_OBSERVE_EXPOSITION_H

#include "observe/metric.h"

enum exposition_form { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

struct exposition {
	struct buffer *out; /* borrowed; the caller checks its failure once, at the end */
	enum exposition_form form;
};

/* The form that a scraper prefers, from its Accept header; bytes NULL: it sent none. */
enum exposition_form exposition_negotiate(struct text accept);
const char *exposition_content_type(enum exposition_form form);

/* Writes the metrics of a scope. Subjects must differ in their labels. */
void exposition_write(struct exposition *exposition, enum metric_scope scope, const struct metric_subject *subjects, size_t count);

void exposition_end(struct exposition *exposition); /* the last line of OpenMetrics */

#endif
