/* twin.h: Kafka as the engine sees it, in memory, under one seed and a clock that is
 * handed in: topics, groups with rebalances, committed offsets, idempotent and
 * transactional producers with epochs, readers of what is committed; and a network that
 * loses, delays and repeats requests.
 *
 * It keeps to Kafka's protocol for clients without KIP-890, its hole too: a request that
 * ends a transaction, or says its offsets, and that arrives late is good for whatever
 * transaction of the same producer is open then.
 *
 * For the simulator and tests; one thread. Time is in microseconds; nothing happens but
 * inside twin_advance() and the calls on consumers and outputs.
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
struct twin_host; /* one process, with all of its clients */

/* What happens to requests on their way. */
enum twin_mishap {
	TWIN_REQUEST_LOST, /* with its connection; the client sends it again */
	TWIN_REPLY_LOST,   /* likewise, but it was served */
	TWIN_REQUEST_LATE, /* sent again over a new connection, and the first arrives too, seconds later */
	TWIN_SLOW,	   /* it takes up to seconds */
	TWIN_REFUSED,	   /* the broker has a passing trouble: to be sent again */
	TWIN_QUEUE_FULL,   /* of the producer; a call to produce, not a request */
	TWIN_UNWANTED,	   /* a record that the producer took and the broker will not have */
	TWIN_MISHAPS
};

extern const char *const twin_mishap_names[TWIN_MISHAPS];

struct twin_config {
	uint64_t seed;
	unsigned mishaps[TWIN_MISHAPS]; /* of each, in a thousand requests */
	int64_t session_ms;		/* after which a silent member is dropped; 0: 6000 */
	int64_t linger_us;		/* of producers */
	bool deaf; /* producers do not hear of their connections closing: an engine without its guard, for tests */
	/* Told what happens; NULL: nobody listens. */
	void (*tell)(void *context, int64_t now_us, const char *who, const char *what);
	void *context;
};

/* NULL: memory. The configuration is copied. */
struct twin *twin_open(const struct twin_config *config);
void twin_close(struct twin *twin); /* consumers and outputs are closed before; NULL is fine */

/* Memory ran out somewhere inside: nothing that it shows can be relied on. */
bool twin_failed(const struct twin *twin);

/* Of one name there is one. */
bool twin_topic(struct twin *twin, const char *name, int32_t partitions);
struct twin_topic *twin_find(const struct twin *twin, const char *name); /* NULL: there is none */

/* When something happens next (INT64_MAX: never), and lets it happen. */
int64_t twin_due_us(const struct twin *twin);
void twin_advance(struct twin *twin, int64_t now_us);

/* From now on there are no mishaps; those under way take their course. */
void twin_calm(struct twin *twin);
uint64_t twin_mishaps(const struct twin *twin, enum twin_mishap mishap); /* how many there were */
uint64_t twin_rebalances(const struct twin *twin);
uint64_t twin_fences(const struct twin *twin);	 /* requests refused because a newer producer had come */
uint64_t twin_timeouts(const struct twin *twin); /* transactions ended because they lasted too long */

/* The next request of that kind is struck by the mishap; for tests. */
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
void twin_host_kill(struct twin_host *host); /* at once: what was sent still arrives, and nothing comes back */
void twin_host_freeze(struct twin_host *host, int64_t until_us); /* it does nothing until then */
void twin_host_cut(struct twin_host *host, int64_t until_us);	 /* nothing reaches it, or leaves it, until then */

/* As consumer_open() and output_open(); their bells are the loop's. What the configurations
 * point to is borrowed as long as the twin lives. */
struct consumer *twin_consumer_open(struct twin_host *host, struct loop *loop, const struct consumer_config *config,
				    struct error *error);
struct output *twin_output_open(struct twin_host *host, struct loop *loop, const struct transaction_config *config,
				const struct consumer *consumer, struct error *error);

/* As archive_open(), with snapshots, which stay with the process's name. */
struct archive *twin_archive_open(struct twin_host *host, struct loop *loop, const struct consumer *consumer, struct error *error);

/* As side_open(). */
struct side *twin_side_open(struct twin_host *host, struct error *error);
uint64_t twin_taps_lost(const struct twin *twin); /* what was produced beside, and did not arrive */

/* ---- what stands in it ---- */

/* Appends a record at once, as a client whom nothing befalls; its offset, or -1: memory. */
int64_t twin_append(struct twin *twin, struct twin_topic *topic, const struct outgoing *record);

/* Numbers that grow with whatever twin_read() may show, of any topic or of one. */
uint64_t twin_changes(const struct twin *twin);
uint64_t twin_topic_changes(const struct twin_topic *topic);

/* The first committed record at or behind that offset; false: there is none (yet). */
bool twin_read(const struct twin_topic *topic, int32_t partition, int64_t offset, struct record *record);

#endif
