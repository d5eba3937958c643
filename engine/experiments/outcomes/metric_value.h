/* metric_value.h: Value and labels of a declared metric for one answer.
 *
 * Names are those of the answer: its tensors, also as `answer.t`, then `latency_ms`, its marks, `variant`, `model`, `version` and
 * what every message has. `request.t` and `params.p` are of the request. Whatever fails leaves the answer unjudged, and says
 * nothing to whoever waits for it.
 */
#pragma once

#include "base/number/number.h"
#include "compiler/plan/plan.h"

/* Everything is borrowed. */
struct judged_answer {
	const struct message *message;
	const struct payload *answer;
	const char *pipeline;
	struct text variant; /* that an experiment chose; empty: none did */
	double latency_ms; /* NaN: not known */
	const struct tensors *truth; /* that came with feedback; NULL: none */
	double reward;		     /* likewise, where there is truth; NaN: none */
	const double *given; /* the value of the metric, which came with feedback, so that only labels are evaluated; NULL: none */
};

struct judged_value {
	const struct tensor *value;
	const struct tensor *labels[SERIES_LABELS_MAX]; /* NULL: missing */
};

/* Bytes of a label that is a number. */
#define METRIC_LABEL_DIGITS NUMBER_TEXT_MAX

/* Evaluates them in the arena, which lives as long as they are used. False: the value is missing, is a text, or cannot be
 * computed. */
bool metric_evaluate(const struct pipeline_metric *metric, const struct judged_answer *judged, struct arena *arena,
		     struct judged_value *value);

/* A label of the value's nth element: of as many elements as the value has, that one, else the first. Digits are written to
 * `digits`. */
struct text metric_label(const struct judged_value *value, size_t label, size_t nth, char digits[METRIC_LABEL_DIGITS]);

/* Counts a value in its series, each element by itself; NULL: it could not be computed. */
void metric_value_count(struct series_table *table, const struct judged_value *value, uint64_t now_ms);
