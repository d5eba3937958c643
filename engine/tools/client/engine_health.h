/* engine_health.h: Health of one engine, by its own reports on the status topic. For `sluice health`.
 *
 * An engine reports each second on all its pipelines that are not well, and says how many it has. One that has not reported for
 * as long as a status is valid is not healthy.
 */
#pragma once

#include "tools/client/kafka.h"

/* Counts of its pipelines, and an example of each state with its reason. Starts as {.instance = ...}. */
struct engine_health {
	const char *instance;
	struct text first; /* of an earlier version: the pipeline of the first report; when it is reported again, all have been */
	int64_t at_ms;	   /* of the second that is counted */
	bool whole;
	size_t pipelines, ready, unwell, failing, slow, held_up, unobserved;
	struct text waiting, why;	 /* one that is not ready */
	struct text failing_one, reason; /* one whose results are errors */
	struct text slow_one, slow_why;	 /* one that calls a slow model */
	struct text held_one, held_why;	 /* one that is ready, and whose requests wait for a model */
	struct text unobserved_one, unobserved_why; /* one whose observers wait */
};

/* Reads reports until each pipeline has one, or for as long as a status is valid. Texts live in the arena. */
bool engine_health_read(struct engine_health *health, const struct pipeline_target *target, struct arena *arena,
			struct error *error);

/* Whether all its pipelines are ready, and there is one. */
bool engine_is_healthy(const struct engine_health *health);
