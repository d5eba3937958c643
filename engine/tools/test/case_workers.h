/* case_workers.h: Workers for the requests of a case, on a Kafka and models simulated in memory, under a virtual clock.
 *
 * Setups are made as an engine makes them, and each group has one worker, so that the case runs through its stages, topics
 * and transactions. Everything runs in the calling thread. Time is virtual: a window of a minute takes no time, and a case
 * always gives the same results.
 *
 * A run ends when no worker holds a request, no attempt at a model is under way, and nothing has come for longer than any
 * join of the pipelines waits.
 */
#pragma once

#include "tools/test/case_records.h"

/* A case in which more happens, or that takes longer, does not end: an error LIMIT. The longest window is of 49 days. */
#define CASE_EVENTS_MAX ((uint64_t)10000000)
#define CASE_DAYS_MAX 60

#define CASE_START_MS INT64_C(1767225600000) /* 2026-01-01: the requests are sent then, the same for all cases */

struct case_workers;

struct case_workers_config {
	const struct step_kind *const *kinds;
	const struct case_files *files;
	struct name_list models_asked; /* Models that requests are sent to by their names */
	struct arena *arena;	       /* for what is read; outlives the workers */
};

/* NULL: CONFIG: no engine starts with the files. */
struct case_workers *case_workers_open(const struct case_workers_config *config, struct error *error);
void case_workers_close(struct case_workers *workers); /* NULL is fine */

/* The plan that they run. */
const struct plan *case_workers_plan(const struct case_workers *workers);

/* Sends the requests that have a pipeline, runs, and adds what comes at the points to the results, with the verdicts of
 * alerts and the calls of models. LIMIT: it does not end. */
bool case_workers_run(struct case_workers *workers, const struct case_sends *sends, const struct case_points *points,
		      struct case_results *results, struct error *error);

/* The virtual time from the first request until all was done. */
int64_t case_workers_took_ms(const struct case_workers *workers);
