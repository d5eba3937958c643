/* learners.h: Services of an engine that learn beside its workers: an outcome service for each namespace, as long as the engine
 * runs, and for each plan a reference service for each pipeline with a reference that is learnt from a topic. Private to the
 * engine. */
#pragma once

#include "engine/run/engine.h"
#include "engine/learn/outcome_metrics.h"
#include "engine/learn/outcome_service.h"
#include "engine/learn/reference_service.h"

struct learner_boards {
	struct policy_board *policies;
	struct rollout_board *rollouts;
	struct verdict_board *verdicts;
};

/* ---- outcomes ---- */

struct outcome_services { /* starts as {0} */
	struct outcome_service **items;
	const char **namespaces;
	size_t count, room;
	struct metric_series series; /* that they count */
};

/* From now on all join the outcomes of that plan; those of new namespaces are started. Lists are in `lasting`, which lives as long
 * as the engine. False: SYSTEM. */
bool outcome_services_follow(struct outcome_services *services, const struct engine_config *config, const struct plan *plan,
			     struct learner_boards boards, struct arena *lasting, struct error *error);

/* Whether one still uses the plan. */
bool outcome_services_hold(const struct outcome_services *services, const struct plan *plan);

/* Stops all, and waits for their present transactions. */
void outcome_services_close(struct outcome_services *services);

/* ---- references ---- */

struct learners { /* starts as {0} */
	struct reference_service **references;
	size_t reference_count;
};

/* Starts those of a plan, when those of the plan before have ended: they have the same names in Kafka. The arena and the plan must
 * outlive them. False: SYSTEM. */
bool learners_start(struct learners *learners, const struct engine_config *config, const struct plan *plan,
		    struct verdict_board *verdicts, struct arena *arena, struct error *error);

/* Asks all to stop, and does not wait. They may take as long as a request to Kafka. */
void learners_stop(struct learners *learners);

/* Frees those that have ended. Whether none is left: then nothing uses their plan and arena any more. */
bool learners_free_ended(struct learners *learners);

/* Stops all, and waits for them. */
void learners_close(struct learners *learners);
