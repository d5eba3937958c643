/* importance_windows.h: Importance of features in the windows of a pipeline's topic: each window, and all of them together.
 *
 * For `sluice explain --importance` and `sluice drift report`. Each partition that explains closes windows of its own, a slice.
 * Windows of slices, and of times, merge by the number of their explanations. A step that explains several outputs has one subject
 * for each. Windows of other features than the newest ones are left out: their step explained another model then.
 *
 * The first windows of a subject, one of each slice, are what its last windows are compared with. A feature's share is its part of
 * all absolute contributions; a subject's shift is half the sum of the changes of shares, from 0 (alike) to 1.
 */
#pragma once

#include "methods/explain/importance.h"
#include "kafka/kafka_access.h"
#include "message/records/importance_report.h"

/* Windows that are merged. */
struct importance_windows {
	size_t windows; /* 0: there are none */
	uint64_t late, left_out;
	int64_t begin_ms, end_ms;
	struct importance *importance; /* with a mean for each feature */
};

struct importance_subject {
	struct text step, explained, method, output;
	size_t feature_count;
	const struct importance_feature *features; /* names; means of the newest window */
	struct importance_windows first, last;
};

struct importance_list {
	struct arena *arena;
	size_t count, room;
	struct importance_report *reports; /* all that can be read, by time */
	uint64_t unreadable;
	struct error unreadable_why; /* of the first */
	size_t subject_count;
	struct importance_subject *subjects; /* by step and output, as they come */
};

/* To be called after the last record: finds the subjects. */
bool importance_list_end(struct importance_list *list, struct error *error);

/* Reads the topic (NULL: memory ran out) and ends the list. CONFIG: there is no such topic. The list begins with its arena
 * alone. */
bool importance_list_read(struct importance_list *list, const struct kafka *kafka, const char *topic, struct error *error);

/* The share of a feature; NaN: nothing contributed, or there is no window. */
double importance_share(const struct importance_windows *windows, size_t feature);

/* How far the last windows are from the first; NaN: one of both has none. */
double importance_subject_shift(const struct importance_subject *subject);

/* By how much the share of a feature in the windows that have messages of that time is larger than in the first ones: the largest
 * change of all subjects that have the feature. A drift step names a column `tensor.column`, an explanation `tensor[column]`.
 * NaN: no window is of that time, or none has the feature. */
double importance_feature_shift(const struct importance_list *list, struct text feature, int64_t begin_ms, int64_t end_ms);
