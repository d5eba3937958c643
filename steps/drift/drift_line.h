/* drift_line.h: Line of `sluice drift report` on one window: as JSON, or as text. */
#pragma once

#include "steps/drift/drift_comparison.h"
#include "steps/drift/drift_picture.h"
#include "steps/drift/drift_estimates.h"

/* What is known of the window beside its verdict. All of it is borrowed. */
struct drift_line {
	const struct drift_comparison *comparison;
	const struct fit_source *source;
	const struct drift_estimate_options *estimate;
	const struct drift_picture *pictures; /* of JSON: one a feature */
	const struct text *segment;	      /* NULL: there are no segments */
	const struct performance *performance;
	const struct drift_sums *sums;
	const struct drift_unestimated *unestimated;
	const struct drift_finding *findings; /* what became of it, FIGURES; NULL: nothing was read of that */
	const struct settled_score *settled;  /* its record; NULL: there is none */
};

/* Append a member of an object, after a comma. */
void drift_number_put(struct buffer *out, const char *name, double number); /* as json_write_double() writes it */
void drift_count_put(struct buffer *out, const char *name, uint64_t count);

/* Append the line: as JSON, and as text. */
void drift_line_put(const struct drift_line *line, const struct monitor_verdict *verdict, struct buffer *out);
void drift_line_say(const struct drift_line *line, const struct monitor_verdict *verdict, struct buffer *out);
