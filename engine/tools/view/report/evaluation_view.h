/* evaluation_view.h: Result of `sluice experiments evaluate`: a sentence and the estimates, as lines or as JSON. */
#pragma once

#include "methods/bandits/off_policy.h"
#include "methods/bandits/propensity.h"
#include "experiments/analysis/bandit_rehearsal.h"
#include "experiments/analysis/unit_join.h"
#include "methods/numeric/moments.h"

/* View of a rehearsal of bandits: the policies that they would have had, as lines or as JSON. */
#define REHEARSED_POLICIES_SHOWN 20 /* of more policies so many, the first and the last among them */

struct evaluation_shown {
	const char *experiment;
	struct text metric;
	struct moments recorded; /* of what was earned */
	struct off_policy_result result;
	struct propensity_verdict propensity; /* of the recorded probabilities */
	struct text suspect;		      /* the variant that it names */
	bool adaptive;	  /* the records are of a policy that learnt */
	double clip;	  /* the greatest weight of a record in the clipped estimate */
	double alpha;	  /* intervals hold 1 - alpha */
	uint64_t without; /* values that are of no request, too large, or whose probability is not known */
	struct join_counts counts; /* of the exposures and the feedback that were read */
	const struct bandit_rehearsal *rehearsal; /* of the policies that are estimated; NULL: it is one policy */
};

/* NULL: memory ran out. */
const char *evaluation_sentence(const struct evaluation_shown *self, struct arena *arena);

void evaluation_print(const struct evaluation_shown *self, const char *sentence, struct arena *arena, struct buffer *out);
void evaluation_print_json(const struct evaluation_shown *self, const char *sentence, struct buffer *out);
