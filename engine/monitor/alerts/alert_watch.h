/* alert_watch.h: Watch of the alerts of an engine's pipelines: judges them once a second, in the engine's thread, and hands
 * notices to a sender (monitor/alerts/notifier.h).
 *
 * Each engine judges what it sees itself: its own requests, and the windows that its observers close. Without a control plane it
 * sends the notices of that, with its name. The states are of the process then: after a restart an alert whose condition still
 * holds fires anew.
 *
 * With a control plane the engines of a namespace share their alerts. Each reports what fires in it, and takes the reports of all
 * (monitor/alerts/alert_reports.h). So each knows the same state, and the engine with the keeper sends the notices: one for a
  * pipeline. While no keeper reports, each engine sends them: with the same ids, but for firings that began while it could not
   * reach Kafka. Of those each engine ends its own when Kafka is back, if another one was first in the feed (alert_takeover.c).
 *
 * A firing that a message begins is in the feed with its answer (engine/outputs/begun_alerts.h), and is reported by that too: so it
  * is not lost with the engine that judged it.
 *
 * The engine that sends keeps in the feed what fires and which notices wait (compiler/conditions/kept_alerts.h). One that becomes
  * it reads that first, and goes on with it: alerts that fired end, though nothing here has seen them, and notices that were not
   * delivered are sent again. So both outlast engines, also the only one of a namespace.
 */
#ifndef SLUICE_MONITOR_ALERTS_ALERT_WATCH_H
#define SLUICE_MONITOR_ALERTS_ALERT_WATCH_H

#include "compiler/conditions/alert.h"
#include "monitor/alerts/notifier.h"
#include "engine/run/engine.h"
#include "monitor/model_watch.h"

#define ALERT_EVERY_MS 1000

struct alert_watch;

/* Opened before engine_run(); borrows all. `models`: for conditions on them. */
struct alert_watch *alert_watch_open(struct engine *engine, const struct engine_config *config,
				     const struct notifier_settings *settings, const struct model_watch *models,
				     struct error *error);
void alert_watch_close(struct alert_watch *watch); /* called before the engine is closed; NULL is fine */

/* How engines share alerts; called from the thread of engine_run(). */
struct alert_sharing {
	void *context;
	bool (*post)(void *context, const struct pipeline_plan *plan, struct text key, struct text value); /* to all engines */
	bool (*is_sender)(void *context); /* whether this engine sends the notices */
	const char *feed;		  /* topic, which exists: what outlasts this engine (alert_store.h); borrowed */
	/* Appends the command to the keeper that rolls the experiment back, and names the topic of commands. */
	bool (*roll_back)(void *context, const char *experiment, const struct alert_message *message, struct buffer *record,
			  const char **topic, struct error *error);
};
bool alert_watch_share(struct alert_watch *watch, struct alert_sharing sharing, struct error *error);

/* Takes the report of an engine, as alert_record_decode() gave it. */
struct alert_read;
void alert_watch_take_report(struct alert_watch *watch, const struct alert_read *report);

/* Takes the record of the feed by which a message began a firing (compiler/conditions/kept_alerts.h), in any engine. */
void alert_watch_take_beginning(struct alert_watch *watch, const struct alert_read *read);

/* An alert, for reporters of its state. Called from the thread of engine_run(). */
struct watched_alert {
	const char *namespace, *pipeline, *name;
	size_t firing, pending; /* 1 at most; with `groupBy`, the number of groups */
	uint64_t missing;	/* judgements that were not possible */
	uint64_t beyond;	/* of groups that have no state */
	struct notice_counts notices;
	bool is_present; /* in the files that run */
	int64_t silenced_until_ms; /* end of the last silence of all its groups, a time of day; 0: there is none */
	struct watched_alert *next;
};

/* The first of them; NULL: there is none. */
const struct watched_alert *alert_watch_first(const struct alert_watch *watch);

/* What is known of the receivers of all alerts, in the arena; `action`: the first one of the plan that has it, as
 * PIPELINE/ALERT/1. */
struct receiver_reports alert_watch_receivers(const struct alert_watch *watch, const struct plan *plan, struct arena *arena);

/* Writes which receivers of the pipeline's alerts take no notices, since when and why; nothing if all do. From that thread. */
void alert_watch_write_failing(struct alert_watch *watch, const struct pipeline_plan *plan, struct buffer *out);

/* Writes which of the pipeline's alerts fire, since when and for which groups; nothing if none does. From that thread. */
void alert_watch_write_firing(const struct alert_watch *watch, const struct pipeline_plan *plan, struct buffer *out);

#endif
