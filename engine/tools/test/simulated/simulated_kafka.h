/* simulated_kafka.h: Kafka simulated in memory, under one seed and a clock that the caller sets. It has topics, groups with
 * rebalances, committed offsets, idempotent and transactional producers with epochs, and readers of committed
 * records. Its network loses, delays and repeats requests.
 *
 * It follows Kafka's protocol for clients without KIP-890, with that protocol's flaw. A late request that ends a
 * transaction, or sends its offsets, applies to any transaction of the same producer that is open then.
 *
 * For the simulator and tests; one thread. Time is in microseconds. Everything happens inside simulated_advance() and the
 * calls on consumers and outputs.
 */
#pragma once

#include "kafka/state/archive.h"
#include "kafka/produce/best_effort.h"
#include "kafka/consume/consumer.h"
#include "kafka/produce/output.h"
#include "net/loop.h"

struct simulated_kafka;
struct simulated_topic;
struct simulated_host; /* one process and all of its clients */

/* Faults of requests on their way. */
enum simulated_mishap {
	SIMULATED_REQUEST_LOST, /* with its connection; the client sends it again */
	SIMULATED_REPLY_LOST,	/* likewise, but the request was served */
	SIMULATED_REQUEST_LATE, /* sent again over a new connection, and the first copy also arrives, seconds later */
	SIMULATED_SLOW,		/* it takes up to some seconds */
	SIMULATED_REFUSED,	/* the broker has a temporary error: to be sent again */
	SIMULATED_QUEUE_FULL,	/* of the producer: a fault of a call to produce, not of a request */
	SIMULATED_UNWANTED,	/* a record that the producer accepted and the broker refuses */
	SIMULATED_MISHAPS
};

extern const char *const simulated_mishap_names[SIMULATED_MISHAPS];

/* Bytes that the topics accept as a batch (max.message.bytes): another number from some time on. */
struct simulated_batches {
	size_t bytes, later_bytes; /* 0: any number */
	int64_t later_us;
	bool readable; /* a process that starts reads the number, as by batch_limit_read() */
};

struct simulated_config {
	uint64_t seed;
	unsigned mishaps[SIMULATED_MISHAPS]; /* of each kind, per thousand requests */
	int64_t session_ms;		     /* after which a silent member is dropped; 0: 6000 */
	int64_t linger_us;		     /* of producers */
	bool even; /* every message takes the same time, and a fetch takes what there is: nothing is left to the seed */
	struct simulated_batches batches;
	bool groups_records; /* short records leave together, by kafka/produce/produce_batch_rules.h */
	bool mixes_topics; /* batches are sorted by the partitions of the topic before: a defect, for tests */
	bool accepts_loss; /* state that is lost begins anew: a defect, for tests */
	bool blames; /* producers refuse each record of a refused batch: a defect, for tests */
	bool misses_closes; /* producers do not notice closed connections: an engine without that protection, for tests */
	/* Receives each event; NULL: no listener. */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* NULL: memory. The configuration is copied. */
struct simulated_kafka *simulated_open(const struct simulated_config *config);
void simulated_close(struct simulated_kafka *kafka); /* consumers and outputs are closed before; NULL is fine */

/* Whether memory ran out inside; then nothing that it shows is reliable. */
bool simulated_failed(const struct simulated_kafka *kafka);

/* Creates a topic; names are unique. */
bool simulated_topic(struct simulated_kafka *kafka, const char *name, int32_t partitions);
struct simulated_topic *simulated_find(const struct simulated_kafka *kafka, const char *name); /* NULL: it does not exist */

/* The time of the next event (INT64_MAX: never), and the call that lets time pass. */
int64_t simulated_due_us(const struct simulated_kafka *kafka);
void simulated_advance(struct simulated_kafka *kafka, int64_t now_us);

enum simulated_request_kind {
	SIMULATED_PRODUCE,
	SIMULATED_INIT_PRODUCER,
	SIMULATED_SEND_OFFSETS,
	SIMULATED_END_TRANSACTION,
	SIMULATED_READ_OFFSETS,
	SIMULATED_COMMIT_OFFSETS,
	SIMULATED_REQUEST_KINDS
};

/* ---- processes ---- */

struct simulated_host *simulated_host_open(struct simulated_kafka *kafka, const char *name); /* NULL: memory */

/* The earliest time at which the process can act, or with `network` read a topic: now, or later. INT64_MAX: never. */
int64_t simulated_host_free_us(const struct simulated_host *host, bool network);

/* As consumer_open() and output_open(); their bells are the loop's. Everything in the configurations is borrowed
 * as long as the simulated Kafka lives. */
struct consumer *simulated_consumer_open(struct simulated_host *host, struct loop *loop, const struct consumer_config *config,
					 struct error *error);
struct output *simulated_output_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
				     const struct consumer *consumer, struct error *error);

/* As archive_open(), with snapshots, which are kept under the process's name. */
struct archive *simulated_archive_open(struct simulated_host *host, struct loop *loop, const struct consumer *consumer,
				       struct error *error);

/* As best_effort_open(). */
struct best_effort *simulated_best_effort_open(struct simulated_host *host, struct error *error);

/* ---- its contents ---- */

/* Appends a record at once, without any faults. Returns its offset, or -1: memory. */
int64_t simulated_append(struct simulated_kafka *kafka, struct simulated_topic *topic, const struct outgoing *record);

/* A counter that grows with every change that simulated_read() may show. */
uint64_t simulated_change_count(const struct simulated_kafka *kafka);

/* The position of the record that a producer's record answers, as produced: `topic` is its consumer's number of the
 * topic. Offset OFFSET_NONE: it answers none, or there is no such record. */
struct position simulated_origin(const struct simulated_topic *topic, int32_t partition, int64_t offset);

/* The first committed record at or after that offset; false: there is none (yet). */
bool simulated_read(const struct simulated_topic *topic, int32_t partition, int64_t offset, struct record *record);
