/* policy_draw.h: Draw of a candidate by the policy of an experiment with bandits. Private to engine/flow.
 *
 * The draw is a function of the unit, the context and the policy's version, so a unit keeps its candidate until the policy
 * changes. A message without a unit is drawn by its origin, so a replay draws the same.
 */
#pragma once

#include "methods/bandits/policy.h"
#include "flow/run.h"
#include "message/records/assigned.h"

/* The context of a message. A feature is a number or a text of the request: the first element of a tensor, or a header. */
struct policy_context {
	double features[CONTEXT_FEATURES_MAX]; /* of the experiment; context_text() of a text; NaN: missing */
	size_t known_count;
	const struct exposure_feature *known; /* those that are numbers */
	size_t text_count;
	const struct exposure_text *texts; /* those that are texts */
};

/* False: the message's arena is full. */
bool policy_context_find(struct policy_context *context, const struct visit *visit, const struct graph_experiment *experiment,
			 const struct payload *request);

struct policy_draw {
	struct policy_choice choice; /* its arm is a candidate's number in the experiment */
	uint64_t version;
};

/* False: no policy is in force, or it is of other candidates or features than the experiment now has. */
bool policy_draw(const struct visit *visit, const struct graph_experiment *experiment, const struct policy_context *context,
		 struct text unit, struct policy_draw *draw);
