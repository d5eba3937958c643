/* alert_watch.h: Watch of the alerts of an engine's pipelines: judges them once a second, in the engine's thread, and hands
 * notices to a sender (runtime/notifier.h).
 *
 * Without a control plane each engine judges what it sees itself: its own requests, and the windows that its observers close.
 * So engines that share a pipeline send a notice each, which names the engine. The states are of the process: after a restart
 * an alert whose condition still holds fires anew.
 *
 * A keeper could hold the states instead. It would call alerts/alert.h with judgements that engines report.
 */
#ifndef SLUICE_RUNTIME_ALERT_WATCH_H
#define SLUICE_RUNTIME_ALERT_WATCH_H

#include "alerts/alert.h"
#include "runtime/notifier.h"
#include "runtime/engine.h"
#include "runtime/model_watch.h"

#define ALERT_EVERY_MS 1000

struct alert_watch;

/* Opened before engine_run(); borrows all. `models`: for conditions on them. */
struct alert_watch *alert_watch_open(struct engine *engine, const struct engine_config *config,
				     const struct notifier_settings *settings, const struct model_watch *models,
				     struct error *error);
void alert_watch_close(struct alert_watch *watch); /* called before the engine is closed; NULL is fine */

/* An alert, for reporters of its state. Called from the thread of engine_run(). */
struct watched_alert {
	const char *namespace, *pipeline, *name;
	size_t firing, pending; /* 1 at most; with `groupBy`, the number of groups */
	uint64_t missing;	/* judgements that were not possible */
	uint64_t beyond;	/* of groups that have no state */
	struct notice_counts notices;
	bool is_present; /* in the files that run */
	int64_t silenced_until_ms; /* end of the last Silence of it, a time of day; 0: there is none */
	struct watched_alert *next;
};

/* The first of them; NULL: there is none. */
const struct watched_alert *alert_watch_first(const struct alert_watch *watch);

#endif
