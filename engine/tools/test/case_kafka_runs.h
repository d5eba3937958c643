/* case_kafka_runs.h: Pool of threads for `sluice test --kafka`: each case runs in memory, then in an engine on Kafka. Eight run at
 * once. */
#pragma once

#include "tools/test/case_run.h"

struct case_kafka_runs_config {
	const struct step_kind *const *kinds;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
	const char *brokers;
	const char *const *folders; /* of the cases */
	size_t count;
	struct case_judged judged;
	struct arena *arena;
};

/* Returns when all cases are judged. SYSTEM: not all could be run. What an engine reports and logs is in the `why` of a case that
 * failed. */
bool case_kafka_runs_run(const struct case_kafka_runs_config *config, struct error *error);
