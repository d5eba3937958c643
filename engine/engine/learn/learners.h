/* learners.h: Learners of an engine: a learner service for each pipeline of its plan that has bandits, and a truth service for each
 * that has rollouts, a reference service for each with a reference that is learnt from a topic, and a counting of feedback for each
 * with metrics of truth or reward. Private to the engine. */
#ifndef SLUICE_ENGINE_LEARN_LEARNERS_H
#define SLUICE_ENGINE_LEARN_LEARNERS_H

#include "engine/run/engine.h"
#include "engine/learn/feedback_counting.h"
#include "engine/setup/group_setup.h"
#include "engine/learn/learner_service.h"
#include "engine/learn/reference_service.h"
#include "engine/learn/truth_service.h"

struct learners { /* starts as {0} */
	struct learner_service **items;
	size_t count;
	struct truth_service **truths;
	size_t truth_count;
	struct reference_service **references;
	size_t reference_count;
	struct feedback_counting **countings; /* by the number of their pipeline; NULL: there is none */
	size_t counting_count;
};

struct learner_boards {
	struct policy_board *policies;
	struct rollout_board *rollouts;
	struct verdict_board *verdicts;
};

/* Starts those of a plan, when those of the plan before have ended: they have the same names in Kafka. The arena and the plan must
 * outlive them. False: SYSTEM. */
bool learners_start(struct learners *learners, const struct engine_config *config, const struct plan *plan,
		    struct learner_boards boards, struct arena *arena, struct error *error);

/* Starts the counting of feedback for pipelines that groups serve, and that have none yet. False: SYSTEM. */
bool learners_count_feedback(struct learners *learners, const struct engine_config *config, const struct plan *plan,
			     struct group *groups, struct arena *arena, struct error *error);

/* Asks all to stop, and does not wait. They may take as long as a request to Kafka. */
void learners_stop(struct learners *learners);

/* Frees those that have ended. Whether none is left. */
bool learners_free_ended(struct learners *learners);

/* Whether none is left: then nothing uses their plan and arena any more. */
bool learners_are_gone(const struct learners *learners);

/* Stops all, and waits for their present transactions. */
void learners_close(struct learners *learners);

#endif
