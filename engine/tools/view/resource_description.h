/* resource_description.h: One resource for `sluice describe`: its version, its files, bucket tables and consumer groups, and its
 * condition in each engine. */
#pragma once

#include "control/engine/condition_table.h"
#include "tools/view/resource_view.h"

/* A consumer group that reads for a pipeline. */
struct resource_group {
	const char *name;
	const char *reads;   /* its topics of the pipeline, separated by a space */
	const char *purpose; /* answers, observes or explains */
	int64_t lag;	     /* records of these that are not committed; -1: not known */
};

struct resource_description {
	const struct resource_view *view;
	const struct ledger *ledger;
	const struct condition_table *conditions; /* of the engines */
	size_t group_count;
	const struct resource_group *groups; /* of a pipeline in force */
	struct arena *arena;
	bool json;
	struct buffer *out;
};

/* Appends it, as lines or as an object of JSON. */
void resource_description_print(struct resource_description *self);
