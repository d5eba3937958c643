/* alert_watch.h: Watch of the alerts of an engine's pipelines: judges them once a second, in the engine's thread, and hands
 * notices to a sender (monitor/alerts/notifier.h).
 *
 * Each engine judges what it sees itself: its own requests, and the windows that its observers close. Without a control plane it
 * sends the notices of that, with its name. The states are of the process then: after a restart an alert whose condition still
 * holds fires anew.
 *
 * With a control plane it reports what fires to the keeper, which sends one notice for all engines, and keeps what fires and which
 * notices wait (control/keeper/keeper_alerts.h). A firing that a message begins is in the feed with its answer
 * (engine/outputs/begun_alerts.h), so it is not lost with the engine that judged it.
 *
 * While no keeper has sent a beat for ALERT_ALONE_MS, as in an outage of Kafka, the engine sends the notices of what has begun to
 * fire in it since the last beat, with ids of its own (alert_own.c). It sends their ends when a keeper is back.
 */
#pragma once

#include "compiler/conditions/alert.h"
#include "monitor/alerts/notifier.h"
#include "engine/run/engine.h"
#include "monitor/model_watch.h"

#define ALERT_EVERY_MS 1000
#define ALERT_ALONE_MS 15000 /* without a keeper, after which an engine announces what it judges itself */

struct alert_watch;

/* Opened before engine_run(); borrows all. `models`: for conditions on them. */
struct alert_watch *alert_watch_open(struct engine *engine, const struct engine_config *config,
				     const struct notifier_settings *settings, const struct model_watch *models,
				     struct error *error);
void alert_watch_close(struct alert_watch *watch); /* called before the engine is closed; NULL is fine */

/* Where an engine with a control plane reports; called from the thread of engine_run(). */
struct alert_outlet {
	void *context;
	/* To the keeper and to other engines. */
	bool (*post)(void *context, const struct pipeline_plan *plan, struct text key, struct text value);
	int64_t (*silent_ms)(void *context); /* time since the last beat of a keeper */
};
void alert_watch_share(struct alert_watch *watch, struct alert_outlet outlet);

/* The sender of the notices of this process. */
struct notifier *alert_watch_notifier(const struct alert_watch *watch);

/* Takes the report of an engine, as alert_record_decode() gave it: those of the presence of requests. */
struct alert_read;
void alert_watch_take_report(struct alert_watch *watch, const struct alert_read *report);

/* Takes a record of the feed on a firing (compiler/conditions/alert_feed.h); `is_former`: it was there when this engine began to
 * read. Without bytes the firing has ended. */
void alert_watch_take_firing(struct alert_watch *watch, struct text key, struct text record, bool is_former);

/* An alert, for reporters of its state. Called from the thread of engine_run(). */
struct watched_alert {
	const char *namespace, *pipeline, *name;
	size_t firing, pending; /* 1 at most; with `groupBy`, the number of groups */
	uint64_t missing;	/* judgements that were not possible */
	uint64_t beyond;	/* of groups that have no state */
	const struct notice_counts *notices;
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
