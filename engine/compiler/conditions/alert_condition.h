/* alert_condition.h: Condition of an alert, judged by the figures of its pipeline or by each message. Pure.
 *
 * A condition that uses figures (observe/alert_value.h) is judged once a second. Otherwise it is judged for each message, by
 * the result of each step that has all its names: tensors and marks. So `drift_score > 0.05` works with a model that answers
 * such a tensor, and with a step `drift`, whose verdict is a figure. A metric that the pipeline declares is a figure too.
 *
 * The short form `name operator number`, or some such joined by && or ||, takes the first elements of tensors. Any other condition
 * has one element.
 */
#pragma once

#include "observe/alert_value.h"
#include "compiler/expression/expression.h"

/* What was judged. Both false: nothing, because a value is missing. Both true: several messages were judged, with different
 * results. */
struct alert_judgement {
	bool held, broken;
	int64_t at_ms; /* held by messages: the time of the first of their requests, a time of day; 0: not known */
};

#define CONDITION_NAMES_MAX 16 /* of one condition; further ones are looked up, but not before it is judged */

struct alert_condition {
	const struct expression *expression;
	bool is_short;	 /* name operator number, or some such joined */
	bool of_figures; /* judged once a second; else for each message */
	bool uses_rate;	 /* outlier_rate: flags of messages are counted for it */
	size_t name_count;
	struct text names[CONDITION_NAMES_MAX]; /* its figures; or what a result must have: `key` and the like are of each */
	size_t metric_count;
	struct text metrics[ALERT_METRICS_MAX]; /* declared metrics among its figures */
	struct text mixed;	/* a name of the other kind, which the condition cannot use; empty: there is none */
};

/* The figures that a pipeline has beside those of any: a set of enum alert_figures, and the metrics that it declares by their
 * names, if any. */
struct alert_sources {
	unsigned figures;
	bool (*declares)(const void *metrics, struct text name);
	const void *metrics;
};

/* The figures that a pipeline has with a step of that kind: a set of enum alert_figures. */
struct step_kind;
unsigned alert_figures_of(const struct step_kind *kind);

/* Whether the condition uses figures that are known for each segment of a step `drift`. */
bool alert_condition_has_segments(const struct alert_condition *condition);

/* `sources`: those of the pipeline. False: memory ran out. */
bool alert_condition_make(struct alert_condition *condition, const struct expression *expression,
			  const struct alert_sources *sources, struct arena *arena);

/* The next figure that the condition uses and that is known; `at` begins at 0. False: there are no more. */
bool alert_condition_next(const struct alert_condition *condition, const struct alert_values *values, size_t *at, struct text *name,
			  double *value);

/* The feature that has moved most, in words, if the condition uses drift_score or is_drift. "": none is known. */
const char *alert_condition_drift(const struct alert_condition *condition, const struct alert_values *values);

/* Reads `PIPELINE for DURATION`. False: it is something else. */
bool alert_absence_read(struct text text, struct text *pipeline, int64_t *duration_ns);

/* Judges by figures. `pipeline` is the name for the expression, and `now_ms` its now(). Uses the arena for the time of the call. */
struct alert_judgement alert_condition_of_figures(const struct alert_condition *condition, const struct alert_values *values,
						  const char *pipeline, int64_t now_ms, struct arena *arena);

/* The flags of messages in a result of the step: how many of them are true, and how many are not. */
struct alert_flags {
	uint64_t raised, others;
};
struct alert_flags alert_flags_of(const struct step_kind *kind, const struct payload *payload);

/* Judges a result of a step. Uses the arena for the time of the call: not the message's, which would fail with it. */
struct alert_judgement alert_condition_of_message(const struct alert_condition *condition, const struct message *message,
						  const struct payload *payload, const char *pipeline, const char *step,
						  int64_t now_ms, struct arena *arena);

/* The group of a result of the step: the value of `group_by`, of one element, as text in the arena. False: it has none. */
bool alert_group_of_message(const struct expression *group_by, const struct message *message, const struct payload *payload,
			    const char *pipeline, const char *step, struct arena *arena, struct text *group);
