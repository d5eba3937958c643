/* policy_evaluation.h: Evaluation of a policy from recorded choices and what they earned, for `sluice experiments evaluate`: of one
 * in a file, or of those that the experiment's bandits would have had (experiments/analysis/bandit_rehearsal.h). */
#pragma once

#include "tools/client/data/experiment_data.h"
#include "tools/view/report/evaluation_view.h"

struct policy_asked {
	const char *experiment;
	const struct experiment_asked *data;
	const char *policy; /* a file (tools/source/policy_file.h); NULL: the bandits of the experiment's files are rehearsed */
	const char *metric; /* NULL: that of the experiment, or `reward` */
	double clip;	    /* the greatest weight of a record in the clipped estimate */
	double alpha;
};

/* Reads exposures and feedback. What is shown borrows from the arena. */
bool policy_evaluate(const struct workspace *workspace, const struct policy_asked *asked, struct arena *arena,
		     struct evaluation_shown *shown, struct error *error);
