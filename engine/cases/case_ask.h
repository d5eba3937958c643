/* case_ask.h: Run of all cases of `sluice test --gateway`, one after the other: each in memory, and then at a gateway. */
#ifndef SLUICE_CASES_CASE_ASK_H
#define SLUICE_CASES_CASE_ASK_H

#include "cases/case_run.h"

struct case_asks {
	const struct step_kind *const *kinds;
	const char *const *folders; /* of the cases */
	size_t count;
	struct case_judged judged;
	struct arena *arena;
	size_t left_out; /* counts the lines of out.jsonl that a caller of a gateway cannot see, and that were not compared */
};

/* `url`: as http://HOST:PORT (case_gateway.h). CONFIG: it is no address. REMOTE: the gateway does not answer; the cases before it
 * are judged. */
bool case_asks_run(struct case_asks *asks, const char *url, struct error *error);

#endif
