/* alert_store.h: Store of what outlasts engines of alerts (compiler/conditions/kept_alerts.h), in the namespace's feed: a thread
 * that writes to it and reads it, so that the engine's thread does not wait for Kafka.
 *
 * What is written reaches Kafka in its order. If Kafka does not take it, it is written again until it does. A record that Kafka
 * refuses each time, because it is too large or invalid, is rejected: it is left out, counted, and logged once for its alert. The
 * store also knows which notices wait in this process, because only those of other engines are to be taken over.
 */
#ifndef SLUICE_MONITOR_ALERTS_ALERT_STORE_H
#define SLUICE_MONITOR_ALERTS_ALERT_STORE_H

#include "compiler/conditions/kept_alerts.h"
#include "kafka/record.h"
#include "observe/log_sink.h"
#include "monitor/alerts/notifier.h"

#define ALERT_STORE_RECORDS_MAX 50000 /* that wait for Kafka; further ones are left out, which is logged once */
#define ALERT_STORE_REJECTED_MAX 1000 /* firings that are known as rejected: as many as an alert may have groups */
#define ALERT_STORE_RETRY_MS 2000
#define ALERT_STORE_DRAIN_MS 3000 /* of closing, for what is not written yet */

struct alert_store;

struct alert_store_config { /* borrowed */
	const char *brokers, *feed;
	struct properties consumer, producer;
	const struct log_sink *log;
};

struct alert_store *alert_store_open(const struct alert_store_config *config, struct error *error);
void alert_store_close(struct alert_store *store); /* NULL is fine */

/* The alert that a record is of; all of it must live as long as the store. */
struct recorded_alert {
	const char *pipeline, *name;
	struct notice_counts *counts; /* of its rejections */
};

/* Writes the record, which is copied; without bytes it ends what has the key. Returns its number, from 1; 0: it is left out.
 * `of` NULL: its rejection is neither counted nor logged. */
uint64_t alert_store_write(struct alert_store *store, const char *key, struct text value, const struct recorded_alert *of);

enum alert_record_state {
	ALERT_RECORD_WAITS,
	ALERT_RECORD_WRITTEN,  /* Kafka has it, and all before, but for those that it rejected or another engine decided about */
	ALERT_RECORD_LEFT_OUT, /* it was rejected, or its number is 0; of rejected firings the last ALERT_STORE_REJECTED_MAX */
};

enum alert_record_state alert_store_state(struct alert_store *store, uint64_t number);

/* The record of that number, which need not be written yet, is of a notice that is being sent: it is written even if another engine
 * sends from now on. */
void alert_store_hold(struct alert_store *store, uint64_t number);

/* Leaves out what is not written yet, but for the ends of notices, and what is held: another engine decides about the rest now. */
void alert_store_yield(struct alert_store *store);

/* Begins to read the feed, anew if it is being read. */
void alert_store_ask(struct alert_store *store);

/* What was read since alert_store_ask(); the caller's, for kept_alerts_free(). NULL: nothing yet. */
struct kept_alerts *alert_store_answer(struct alert_store *store);

/* The notice with the key waits in this process from now on. `is_written`: its record is in the feed, unless it was rejected. */
void alert_store_await(struct alert_store *store, const char *key, bool is_written);
void alert_store_unawait(struct alert_store *store, const char *key); /* but it stays in the feed */

/* The notice is left to the engine that sends from now on. False: its record was not in the feed when it began to wait, so that
 * nobody else has it. `context` is the store. */
bool alert_store_leave(void *context, const char *key);
bool alert_store_awaits(struct alert_store *store, const char *key);

/* It does not wait any more, for whatever reason: ends it in the feed. For any thread; `context` is the store. */
void alert_store_settle(void *context, const char *key);

#endif
