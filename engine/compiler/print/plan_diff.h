/* plan_diff.h: Difference of two plans: what a change of files does to pipelines, groups, topics and state.
 *
 * Pipelines are the same if they have the same namespace and name. Pure; everything made is in the caller's arena, and borrows
 * from the plans.
 */
#pragma once

#include "compiler/plan/plan.h"

enum plan_change_kind {
	PLAN_PIPELINE_ADDED,
	PLAN_PIPELINE_REMOVED,
	PLAN_DELIVERY_CHANGED,
	PLAN_GROUP_CHANGED,
	PLAN_TOPIC_ADDED,   /* engines create it */
	PLAN_TOPIC_NEEDED,  /* it must exist */
	PLAN_TOPIC_LEFT,    /* it stays in Kafka, and no pipeline has it */
	PLAN_TOPIC_DELETED, /* by the pipeline's `dataflow` */
	PLAN_TOPIC_CHANGED, /* an existing topic keeps its settings */
	PLAN_STATE_ADDED,   /* a changelog that begins empty */
	PLAN_STATE_LEFT,    /* a changelog that no stage has any more */
	PLAN_WARM_START,    /* bandits have another warmStart */
	PLAN_CHANGES
};
extern const char *const plan_change_names[PLAN_CHANGES]; /* "topic-added" */

struct plan_change {
	enum plan_change_kind kind;
	const char *namespace, *pipeline;
	const char *name; /* of the topic, the experiment, or the new group or delivery; NULL: it is about the pipeline */
	const char *why;  /* what it means, and what is to be done */
};

struct plan_changes {
	size_t count;
	const struct plan_change *items; /* the pipelines of the new plan in their order, then those that are gone */
	const char *refused; /* why engines that run refuse the change; set by the caller. NULL: they take it */
};

/* False: memory ran out. */
bool plan_diff(const struct plan *before, const struct plan *now, struct arena *arena, struct plan_changes *changes);

/* Appends a block for each pipeline that has changes. A failed buffer or arena: memory ran out. */
void plan_changes_print_text(const struct plan_changes *changes, struct arena *arena, struct buffer *out);

/* Appends a JSON object: a list `changes`, and `refused`. */
void plan_changes_print_json(const struct plan_changes *changes, struct buffer *out);
