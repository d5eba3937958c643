/* producer.h: Producer: client of librdkafka that produces records, with its queue of events and its handles of topics. The only
 * place of the engine that opens a client to produce records. Private to kafka.
 *
 * The policy of a producer is what Kafka ensures of its records. The user of the producer decides what follows when Kafka does not
 * take a record: best_effort.h loses the record; sender.h, request_producer.h and at_least_once.h produce it again or report it;
 * committer.h, fenced_writer.h and offset_migration.h give up the transaction.
 */
#pragma once

#include "kafka/client.h"

enum producer_policy {
	PRODUCER_MAY_LOSE,     /* a record is tried for some time, and its place in the partition is not ensured */
	PRODUCER_ACKNOWLEDGES, /* idempotent: Kafka has each acknowledged record once, in the order of its partition */
	PRODUCER_TRANSACTS,    /* Kafka has all records and offsets of a transaction, or none, by the last producer of an id */
};

#define PRODUCER_TRIES_ON 0 /* as `timeout_ms` of records: an unreachable broker is waited for */

/* What librdkafka's threads note of transactional producers that follow each other under one id. Starts as {0}. */
struct transaction_notes {
	atomic_uint closed_sockets; /* connections that have closed */
	atomic_bool warned;	    /* librdkafka has logged that a transaction failed */
};

struct producer_config {
	enum producer_policy policy;
	const char *brokers;
	const char *id;			   /* of transactions */
	struct transaction_notes *notes;   /* likewise; it outlives the producer */
	int64_t timeout_ms;		   /* of each record, or of a transaction */
	const char *linger_ms;		   /* a record waits so long for others of its batch; NULL: librdkafka's default */
	size_t record_bytes;		   /* of the largest record; 0: as its topics take */
	size_t queue_bytes;		   /* of what waits for Kafka; 0: librdkafka's default */
	const struct batch_limit *batches; /* kafka/topics/batch_limit.h; NULL: none */
	struct properties users;	   /* settings, which replace others */
	bool creates_topics;		   /* a topic that is missing is created, if Kafka allows that */
	bool keeps_partitions;		   /* client_keep_partitions() */
	bool has_statistics;		   /* at intervals, as events or by a callback that is added */
	bool is_quiet;			   /* librdkafka's lines are not logged: reports have all that is to be known */
	bool reports_failures;		   /* only records that Kafka did not take have a report */
	bool has_events;		   /* reports, errors and statistics are events of the queue */
	/* Otherwise: called by rd_kafka_poll() with each report. NULL: there are none. */
	void (*reported)(rd_kafka_t *client, const rd_kafka_message_t *report, void *context);
	void *context; /* of all callbacks, unless the producer transacts */
};

/* May be moved. Starts as {0}, which is closed; `topics.awaited` may be set before. */
struct producer {
	rd_kafka_t *client;	/* NULL: it is closed */
	rd_kafka_queue_t *queue; /* of events or reports, which rings; NULL: none does */
	struct topic_handles topics;
	size_t batch_bytes; /* of the largest batch */
};

/* The configuration of a producer, to which its user may add callbacks. `batch_bytes` is set to the bound of its batches. NULL:
 * CONFIG or SYSTEM. */
rd_kafka_conf_t *producer_configure(const struct producer_config *config, size_t *batch_bytes, struct error *error);

/* Opens the client, and takes the configuration. NULL: that has failed, with the error. The bell rings when the queue has an event
 * or a report; -1: none does. */
bool producer_open(struct producer *producer, rd_kafka_conf_t *configuration, int bell, struct error *error);

/* producer_configure() and producer_open(). */
bool producer_start(struct producer *producer, const struct producer_config *config, int bell, struct error *error);

/* Sets the topics that records name by number: the former ones, then new ones. */
bool producer_topics(struct producer *producer, const char *const *names, size_t count, struct error *error);

#define PRODUCER_WAITS (-1)

/* Drops what is not acknowledged. Waits at most so long for librdkafka, and then leaves the client behind; PRODUCER_WAITS: until it
 * has ended, as a producer that transacts must. Fine when it is closed. */
void producer_close(struct producer *producer, int wait_s);

/* Gives up the open transaction, so that the producer can be closed (producer.c has the reason). Fine when it is closed. */
void producer_quiet(const struct producer *producer);

/* Gives up all records that are not acknowledged: each is reported as purged. */
void producer_purge(const struct producer *producer);

/* Whether the producer has an error that librdkafka calls fatal: it and Kafka disagree about the last records, and it takes nothing
 * any more. Another producer can continue. `reason` NULL: not wanted. */
rd_kafka_resp_err_t producer_failure(const struct producer *producer, char reason[LIBRARY_TEXT_MAX]);

/* Produces a copy of a record again that was not stored: its partition, key, value, tag and the headers, which may be NULL. */
rd_kafka_resp_err_t producer_repeat(const struct producer *producer, rd_kafka_topic_t *topic, const rd_kafka_message_t *record,
				    const rd_kafka_headers_t *headers);
