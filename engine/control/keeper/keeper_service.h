/* keeper_service.h: Keeper service: a thread that is the keeper of a namespace, or a candidate for it.
 *
 * Every engine of `run --control` has one. The keeper writes a beat to `status` every KEEPER_BEAT_MS: key KEEPER_KEY,
 * value keeper_form. A keeper that stops writes a tombstone with that key. A candidate that receives no beat for
 * KEEPER_ABSENT_MS, or that tombstone, takes the transactional id of the keeper, which fences the one before. It reads
 * `control` to its end, begins a term, and decides proposals. Each step is one transaction (control/keeper/keeper.h). A candidate
 * that starts reads the newest records of `status` too: where the keeper stopped before, it need not wait.
 *
 * After any failure it is a candidate again: a new keeper starts from what `control` contains. So is a keeper that was
 * not scheduled for KEEPER_ABSENT_MS, or that receives the beat of a later keeper.
 *
 * The keeper owns the states of alerts (control/keeper/keeper_alerts.h), and tells the moves of rollouts to their receivers
 * (control/keeper/move_notices.h). The notifier waits for receivers, in its threads.
 *
 * Engines write their reports (report_form) to `status` under any other key.
 */
#pragma once

#include "control/records/control_topics.h"
#include "control/keeper/keeper.h"
#include "observe/log_sink.h"
#include "monitor/alerts/notifier.h"
#include "compiler/step/step.h"

struct keeper_service;

struct keeper_service_config {
	const char *brokers;
	struct properties consumer, producer; /* settings of librdkafka */
	struct control_topics topics;	      /* they exist (control_topics_ensure()) */
	const char *namespace;
	const char *engine; /* name of this engine */
	const struct step_kind *const *kinds;
	const struct log_sink *log; /* NULL: it says nothing */
	const struct notifier_settings *notices; /* for questions of rollouts; NULL: none are asked */
	struct notifier *notifier;		 /* of alerts and of moves of rollouts; NULL: none are sent */
	int64_t absent_ms;	    /* 0: KEEPER_ABSENT_MS; for tests */
};

/* Starts the thread. Everything in the configuration is borrowed as long as the service lives. NULL: SYSTEM. */
struct keeper_service *keeper_service_open(const struct keeper_service_config *config, struct error *error);

/* Stops the thread, and waits for its present transaction. NULL is fine. */
void keeper_service_close(struct keeper_service *service);

/* Takes a record of the feed by which a message began a firing. Any thread may call. */
void keeper_service_take_beginning(struct keeper_service *service, struct text key, struct text record);

/* Ends a term, if there is one: `control` may be another topic than the one that was read. The next term reads it from its
 * beginning. Any thread may call. */
void keeper_service_end_term(struct keeper_service *service);

/* The epoch of its term; 0: it is a candidate. Any thread may call. */
int64_t keeper_service_epoch(const struct keeper_service *service);
