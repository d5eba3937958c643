/* exposition.h: Writer of metrics in the text formats of Prometheus (0.0.4) and OpenMetrics (1.0).
 *
 * Declared metrics may have sums that fall, which OpenMetrics forbids: where a bucket is below 0 or the sum is, that form has no
 * `_sum`, and of a histogram no `_count`.
 *
 * The rows of a scope are written for all its subjects at once, since the samples of a metric must be next to each
 * other.
 */
#pragma once

#include "observe/metric.h"
#include "observe/series.h"

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

/* A declared metric of a pipeline; everything is borrowed. The name of a counter gets `_total` behind it, if it has none. */
struct exposed_series {
	const char *name, *help; /* help NULL: words of our own */
	const struct series_form *form;
	const char *const *labels; /* names */
	struct text namespace, pipeline;
};

/* Begins the family of a name, and writes a series of it. All series of a family follow its beginning. */
void exposition_series_begin(struct exposition *exposition, const struct exposed_series *family);
void exposition_series(struct exposition *exposition, const struct exposed_series *family, const struct series_sum *series);

void exposition_end(struct exposition *exposition); /* the last line of OpenMetrics */
