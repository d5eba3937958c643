/* case_gateway_runs.h: Run of all cases of `sluice test --gateway`, one after the other: each in memory, and then at a gateway. */
#pragma once

#include "tools/test/case_run.h"

struct case_gateway_runs {
	const struct step_kind *const *kinds;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
	const char *const *folders; /* of the cases */
	size_t count;
	struct case_judged judged;
	struct arena *arena;
	size_t left_out; /* counts the lines of out.jsonl that a caller of a gateway cannot see, and that were not compared */
};

/* `url`: as http://HOST:PORT (case_gateway.h). CONFIG: it is no address. REMOTE: the gateway does not answer; the cases before it
 * are judged. */
bool case_gateway_run_all(struct case_gateway_runs *runs, const char *url, struct error *error);
