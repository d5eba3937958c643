/* keeper_alerts.h: Alerts of a namespace in its keeper: reads what fires in engines, keeps the states and the notices that wait in
 * the feed, and hands notices to the sender (monitor/alerts/notifier.h). Part of the keeper's service, in its thread.
 *
 * States are pure (monitor/alerts/alert_states.h). Their records leave in transactions of their own, of at most
 * KEEPER_ALERT_RECORDS, by the keeper's writer: so a keeper that was replaced writes none. A notice is handed over when its record
 * is written, and its receipt ends the record. The alerts are those of the documents in force.
 *
 * A term reads the feed first, in a task, with the records of open transactions: a transaction of an observer must delay no alert.
 * While the feed cannot be read, the keeper decides all but alerts, and reads again every KEEPER_ALERTS_RETRY_MS.
 */
#pragma once

#include "control/keeper/document_check.h"
#include "control/records/ledger.h"
#include "kafka/produce/fenced_writer.h"
#include "monitor/alerts/notifier.h"

#define KEEPER_ALERT_RECORDS 1000
#define KEEPER_ALERTS_RETRY_MS 15000
#define KEEPER_ALERTS_WRITE_MS 500 /* in one turn: then it is time for a beat */
#define KEEPER_BEGINNINGS_MAX 10000 /* that wait for the thread; those beyond are read again by the next term */

struct keeper_alerts;

struct keeper_alerts_config { /* borrowed */
	const char *brokers, *feed, *proposals, *namespace, *prefix, *engine;
	struct properties consumer;
	const struct document_checker *checker; /* for reading documents */
	const struct log_sink *log;
	struct notifier *notifier;
	struct loop *loop;
	int bell;	   /* of the loop */
	size_t feed_topic; /* its number among the writer's topics */
};

struct keeper_alerts *keeper_alerts_open(const struct keeper_alerts_config *config, struct error *error);
void keeper_alerts_close(struct keeper_alerts *alerts); /* NULL is fine */

/* Takes a report of `status`. A candidate does, too: it may begin a term. False: SYSTEM. */
bool keeper_alerts_report(struct keeper_alerts *alerts, struct text record, struct error *error);

/* Takes a record of the feed by which a message began a firing. For any thread. */
void keeper_alerts_take_beginning(struct keeper_alerts *alerts, struct text key, struct text record);

/* A turn of a candidate: another process sends the notices. */
bool keeper_alerts_wait(struct keeper_alerts *alerts, struct error *error);

/* A turn of a term: begins with what the feed has, decides what is due, writes it, and hands over the notices. `is_last`: it writes
 * at once what was delivered. False: the term is to end. SYSTEM; or LIMIT, as Kafka refuses a record: the next term leaves out such
 * records. */
bool keeper_alerts_turn(struct keeper_alerts *alerts, const struct ledger *ledger, struct fenced_writer *writer, bool is_last,
			struct error *error);
int64_t keeper_alerts_due_ms(const struct keeper_alerts *alerts); /* of the next one; monotonic; INT64_MAX: with the next input */

/* Ends a term, and forgets what is not written. */
void keeper_alerts_end(struct keeper_alerts *alerts);
