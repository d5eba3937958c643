/* twin.h: Kafka simulated in memory, under one seed and a clock that the caller sets. It has topics, groups with
 * rebalances, committed offsets, idempotent and transactional producers with epochs, and readers of committed
 * records. Its network loses, delays and repeats requests.
 *
 * It follows Kafka's protocol for clients without KIP-890, with that protocol's flaw. A late request that ends a
 * transaction, or sends its offsets, applies to any transaction of the same producer that is open then.
 *
 * For the simulator and tests; one thread. Time is in microseconds. Everything happens inside twin_advance() and the
 * calls on consumers and outputs.
 */
#ifndef SLUICE_LOG_TWIN_H
#define SLUICE_LOG_TWIN_H

#include "log/archive.h"
#include "log/consumer.h"
#include "log/output.h"
#include "log/side.h"
#include "net/loop.h"

struct twin;
struct twin_topic;
struct twin_host; /* one process and all of its clients */

/* Faults of requests on their way. */
enum twin_mishap {
	TWIN_REQUEST_LOST, /* with its connection; the client sends it again */
	TWIN_REPLY_LOST,   /* likewise, but the request was served */
	TWIN_REQUEST_LATE, /* sent again over a new connection, and the first copy also arrives, seconds later */
	TWIN_SLOW,	   /* it takes up to some seconds */
	TWIN_REFUSED,	   /* the broker has a temporary error: to be sent again */
	TWIN_QUEUE_FULL,   /* of the producer: a fault of a call to produce, not of a request */
	TWIN_UNWANTED,	   /* a record that the producer accepted and the broker refuses */
	TWIN_MISHAPS
};

extern const char *const twin_mishap_names[TWIN_MISHAPS];

/* Bytes that the topics accept as a batch (max.message.bytes): another number from some time on. */
struct twin_batches {
	size_t bytes, later_bytes; /* 0: any number */
	int64_t later_us;
	bool readable; /* a process that starts reads the number, as by batch_limit_read() */
};

struct twin_config {
	uint64_t seed;
	unsigned mishaps[TWIN_MISHAPS]; /* of each kind, per thousand requests */
	int64_t session_ms;		/* after which a silent member is dropped; 0: 6000 */
	int64_t linger_us;		/* of producers */
	struct twin_batches batches;
	bool blames; /* producers refuse each record of a refused batch: a defect, for tests */
	bool deaf; /* producers do not notice closed connections: an engine without that protection, for tests */
	/* Receives each event; NULL: no listener. */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* NULL: memory. The configuration is copied. */
struct twin *twin_open(const struct twin_config *config);
void twin_close(struct twin *twin); /* consumers and outputs are closed before; NULL is fine */

/* Whether memory ran out inside; then nothing that it shows is reliable. */
bool twin_failed(const struct twin *twin);

/* Creates a topic; names are unique. */
bool twin_topic(struct twin *twin, const char *name, int32_t partitions);
struct twin_topic *twin_find(const struct twin *twin, const char *name); /* NULL: it does not exist */
int32_t twin_topic_partitions(const struct twin_topic *topic);

/* Losses of a broker or an operator, while no client uses it: so many committed records at the end of a partition, with
 * all that is behind them; and the metadata of all commits. False: there was no committed record. */
bool twin_cut(struct twin_topic *topic, int32_t partition, size_t records);
void twin_forget_references(struct twin *twin);

/* The time of the next event (INT64_MAX: never), and the call that lets time pass. */
int64_t twin_due_us(const struct twin *twin);
void twin_advance(struct twin *twin, int64_t now_us);

/* Stops all faults from now on; those under way run to their end. */
void twin_calm(struct twin *twin);
uint64_t twin_mishaps(const struct twin *twin, enum twin_mishap mishap); /* their number so far */
uint64_t twin_rebalances(const struct twin *twin);
uint64_t twin_fences(const struct twin *twin);	 /* requests refused because of a newer producer */
uint64_t twin_timeouts(const struct twin *twin); /* transactions that timed out */
uint64_t twin_batches_refused(const struct twin *twin); /* because of their size */

/* Injects a fault into the next request of that kind; for tests. */
enum twin_request_kind {
	TWIN_PRODUCE,
	TWIN_INIT_PRODUCER,
	TWIN_SEND_OFFSETS,
	TWIN_END_TRANSACTION,
	TWIN_READ_OFFSETS,
	TWIN_COMMIT_OFFSETS,
	TWIN_REQUEST_KINDS
};
void twin_strike(struct twin *twin, enum twin_request_kind kind, enum twin_mishap mishap, int64_t late_us);

/* ---- processes ---- */

struct twin_host *twin_host_open(struct twin *twin, const char *name); /* NULL: memory */
void twin_host_kill(struct twin_host *host); /* at once: requests that were sent still arrive, and no reply comes back */
void twin_host_freeze(struct twin_host *host, int64_t until_us); /* the process does nothing until then */
void twin_host_cut(struct twin_host *host, int64_t until_us);	 /* no request or reply reaches or leaves it until then */

/* As consumer_open() and output_open(); their bells are the loop's. Everything in the configurations is borrowed
 * as long as the twin lives. */
struct consumer *twin_consumer_open(struct twin_host *host, struct loop *loop, const struct consumer_config *config,
				    struct error *error);
struct output *twin_output_open(struct twin_host *host, struct loop *loop, const struct transaction_config *config,
				const struct consumer *consumer, struct error *error);

/* As archive_open(), with snapshots, which are kept under the process's name. */
struct archive *twin_archive_open(struct twin_host *host, struct loop *loop, const struct consumer *consumer, struct error *error);

/* As side_open(). */
struct side *twin_side_open(struct twin_host *host, struct error *error);
uint64_t twin_taps_lost(const struct twin *twin); /* records of side producers that did not arrive */

/* ---- its contents ---- */

/* Appends a record at once, without any faults. Returns its offset, or -1: memory. */
int64_t twin_append(struct twin *twin, struct twin_topic *topic, const struct outgoing *record);

/* Counters that grow with every change that twin_read() may show, of any topic or of one. */
uint64_t twin_changes(const struct twin *twin);
uint64_t twin_topic_changes(const struct twin_topic *topic);

/* The first committed record at or after that offset; false: there is none (yet). */
bool twin_read(const struct twin_topic *topic, int32_t partition, int64_t offset, struct record *record);

#endif
