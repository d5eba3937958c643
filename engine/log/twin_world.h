/* twin_world.h: Shared structs of the simulated Kafka: its log, transactions, groups, requests and clients.
 * Private to the twin. */
#ifndef SLUICE_LOG_TWIN_WORLD_H
#define SLUICE_LOG_TWIN_WORLD_H

#include "base/arena.h"
#include "base/random.h"
#include "log/twin.h"

#define TWIN_PARTITIONS_MAX 1024 /* of all topics */
#define TWIN_SESSION_MS 6000
#define TWIN_UNWANTED_MAX 64 /* of one producer at a time; further records are accepted */
#define TWIN_HEARTBEAT_US 1500000
#define MS 1000 /* in microseconds */

/* ---- the log ---- */

enum entry_state { ENTRY_PLAIN, ENTRY_OPEN, ENTRY_COMMITTED, ENTRY_ABORTED, ENTRY_MARKER };

struct twin_entry {
	struct twin_entry *next; /* in its producer's queue */
	struct text key, value;
	struct headers headers;
	int64_t time_ms;
	int64_t producer; /* of a record in a transaction; else 0 */
	enum entry_state state;
	unsigned load; /* its producer's load number, for the acknowledgement */
	/* Of a record that the broker refuses: */
	bool unwanted;
	struct position origin;
	uint32_t topic; /* of its producer's configuration */
};

/* State of one producer at a partition. */
struct twin_sequence {
	struct twin_sequence *next;
	int64_t producer;
	int epoch;
	int64_t last;	/* sequence number */
	int64_t opened; /* first offset of its open transaction; OFFSET_NONE: none is open */
};

struct twin_partition {
	size_t number; /* among all partitions */
	struct twin_topic *topic;
	int32_t partition;
	size_t count, capacity;
	struct twin_entry **entries;
	struct twin_sequence *sequences;
	size_t readers; /* number of consumers' readings */
};

struct twin_topic {
	struct twin_topic *next;
	struct text name;
	int32_t count;
	struct twin_partition *partitions;
	uint64_t changes; /* of the partitions */
};

/* ---- transactions, at the broker ---- */

enum transaction_state { TRANSACTION_NONE, TRANSACTION_OPEN, TRANSACTION_ENDING, TRANSACTION_COMMITTED, TRANSACTION_ABORTED };

struct twin_transaction {
	struct twin_transaction *next;
	const char *id;
	int64_t producer;
	int epoch;
	enum transaction_state state;
	bool commits; /* while it is ending: it commits */
	size_t markers; /* still to be written */
	bool partitions[TWIN_PARTITIONS_MAX]; /* the partitions it wrote to */
	struct twin_group *group; /* the group whose offsets it commits; NULL: none */
	int64_t timeout_us;
	uint64_t serial; /* of the transaction, so that an old timeout is ignored */
};

/* ---- groups ---- */

struct twin_pending { /* an offset of an open transaction */
	struct twin_pending *next;
	int64_t producer;
	size_t partition;
	int64_t offset;
	struct state_reference reference;
};

struct twin_member {
	struct twin_member *next;
	const char *instance;
	uint64_t id;
	struct twin_consumer *consumer;
	bool joined; /* it has joined the present rebalance */
	size_t share_count;
	const struct twin_partition **share; /* its last assignment */
};

struct twin_group {
	struct twin_group *next;
	const char *name;
	int generation;
	bool preparing; /* a rebalance is under way */
	uint64_t rebalance;
	struct twin_member *members; /* in the order of their names */
	int64_t committed[TWIN_PARTITIONS_MAX];
	struct state_reference references[TWIN_PARTITIONS_MAX]; /* of the committed offsets */
	struct twin_pending *pending;
};

/* ---- clients and their requests ---- */

struct twin_host {
	struct twin *twin;
	const char *name;
	bool dead;
	struct batch_limit batches; /* of its producers */
	int64_t frozen_until_us;
	int64_t cut_until_us;
};

struct twin_client {
	struct twin_host *host;
	bool closed;
	unsigned *closed_sockets; /* counter of its owner */
};

enum twin_answer {
	TWIN_GOOD,
	TWIN_AGAIN,  /* a temporary error of the broker: the client retries */
	TWIN_FENCED, /* a newer producer has come */
	TWIN_TOO_LARGE, /* the batch, for its topic */
	TWIN_VOID,   /* the sender is not the group member that it claims to be */
};

/* The member that commits offsets, as of the assignment that it accepted. */
struct twin_membership {
	struct twin_group *group;
	uint64_t member; /* 0: none, its partitions were assigned by name */
	int generation;
};

struct twin_request {
	struct twin_request *next; /* list of free requests */
	enum twin_request_kind kind;
	struct twin_client *client;
	void (*replied)(struct twin_request *request, enum twin_answer answer); /* NULL: a late copy */
	void *owner;
	uint64_t serial; /* the owner's */
	bool reply_lost;
	enum twin_answer answer;
	/* Its contents: */
	struct twin_transaction *transaction; /* of the broker, by id */
	int64_t producer;
	int epoch; /* of the producer; an answer to INIT_PRODUCER */
	struct twin_partition *partition;
	int64_t sequence;
	size_t count, bytes; /* of the batch */
	struct twin_entry *first;
	struct twin_membership membership;
	struct positions positions; /* topic: number of a partition among all */
	struct state_reference *references; /* of each of them */
	size_t position_room;
};

/* ---- the whole ---- */

/* Snapshot of a store, written by the processes of a name. */
struct twin_snapshot {
	struct twin_snapshot *next;
	const char *host;
	const char *changelog;
	int32_t partition;
	struct text bytes;
};

struct twin_event {
	int64_t due_us;
	uint64_t order; /* order of events that are due at the same time */
	void (*happen)(struct twin *twin, void *subject);
	void *subject;
};

struct twin {
	struct twin_config config;
	struct arena *arena;
	struct random random;
	int64_t now_us;
	uint64_t noted;
	size_t event_count, event_capacity;
	struct twin_event *events; /* a heap, the next at 0 */
	struct twin_request *free_requests;
	size_t partition_count;
	struct twin_partition *partitions[TWIN_PARTITIONS_MAX];
	struct twin_topic *topics;
	struct twin_transaction *transactions;
	struct twin_group *groups;
	struct twin_consumer *consumers;
	struct twin_snapshot *snapshots;
	int64_t last_producer;
	uint64_t last_member;
	bool calm;
	bool failed;
	uint64_t mishaps[TWIN_MISHAPS];
	uint64_t rebalances, fences, timeouts, batches_refused;
	uint64_t changes; /* of partitions */
	uint64_t taps_lost;
	struct {
		bool set;
		enum twin_mishap mishap;
		int64_t late_us;
	} strikes[TWIN_REQUEST_KINDS];
};

/* twin.c */
void *twin_take(struct twin *twin, size_t count, size_t size); /* zeroed; NULL: memory, and the twin has failed */
void twin_note(struct twin *twin, int64_t due_us, void (*happen)(struct twin *twin, void *subject), void *subject);
void twin_tell(struct twin *twin, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
int64_t twin_delay_us(struct twin *twin); /* of one way over the network */
bool twin_mishap_strikes(struct twin *twin, enum twin_mishap mishap);

/* The earliest time at which the client can act: now, or when its process wakes and the network is back.
 * INT64_MAX: never. */
int64_t twin_client_free_us(const struct twin_client *client, bool network);

/* twin_requests.c */
struct twin_request *twin_request_make(struct twin *twin, enum twin_request_kind kind, struct twin_client *client);
void twin_request_send(struct twin *twin, struct twin_request *request);
bool twin_request_positions(struct twin *twin, struct twin_request *request, struct positions positions,
			    const struct consumer *consumer);

/* twin_partition.c */
struct twin_partition *twin_partition_of(const struct twin_topic *topic, const struct outgoing *record);
struct twin_entry *twin_entry_make(struct twin *twin, const struct outgoing *record);
enum twin_answer twin_partition_serve(struct twin *twin, struct twin_request *request);
size_t twin_batch_bytes_max(const struct twin *twin); /* that topics accept now */
void twin_partition_mark(struct twin *twin, struct twin_partition *partition, int64_t producer, bool commits);
int64_t twin_partition_end(const struct twin_partition *partition); /* end for readers of committed records */
const struct twin_entry *twin_partition_next(const struct twin_partition *partition, int64_t *offset);

/* twin_coordinator.c: transactions */
struct twin_transaction *twin_transaction_find(struct twin *twin, const char *id, int64_t timeout_us);
enum twin_answer twin_transaction_init(struct twin *twin, struct twin_request *request);
enum twin_answer twin_transaction_enter(struct twin *twin, struct twin_request *request);
enum twin_answer twin_transaction_end(struct twin *twin, struct twin_request *request);

/* twin_group.c */
struct twin_group *twin_group_find(struct twin *twin, const char *name);
void twin_group_rejoin(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer);
void twin_group_follow(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer);
void twin_group_ask(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer); /* as log/group.h describes */
void twin_group_leave(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer);
void twin_group_silence(struct twin *twin, struct twin_group *group, struct twin_consumer *consumer);
enum twin_answer twin_group_pend(struct twin *twin, struct twin_request *request);
enum twin_answer twin_group_commit(struct twin *twin, struct twin_request *request);
enum twin_answer twin_group_read(struct twin *twin, struct twin_request *request);
void twin_group_settle(struct twin *twin, struct twin_group *group, int64_t producer, bool commits);

/* twin_consumer.c */
struct twin_reading {
	struct twin_consumer *consumer;
	struct twin_partition *partition;
	uint32_t topic;
	int64_t position;
	unsigned version; /* records fetched before a seek are dropped */
	bool known;	  /* the position is known */
	bool paused;
	bool fetching;
};

#define TWIN_QUEUE 256 /* records fetched and not taken yet */

struct twin_queued {
	const struct twin_entry *entry;
	struct twin_reading *reading;
	unsigned version;
	int64_t offset;
};

struct twin_consumer {
	struct consumer consumer; /* first: the table of operations */
	struct twin_consumer *next;
	struct twin *twin;
	struct twin_client client;
	unsigned closed_sockets;
	struct consumer_config config;
	struct consumer_topics topics; /* the topics that it reads */
	struct twin_topic **found;     /* each of those topics */
	struct loop *loop;
	int bell;
	struct twin_group *group;
	uint64_t member; /* 0: none */
	bool joined;	 /* it has joined at least once */
	struct twin_membership membership;
	/* Changes that the group requests; consumer_take() moves them to `change`. */
	bool give, revoke, lost;
	int given_generation;
	struct positions given;
	enum assignment_change change;
	struct positions changed;
	size_t reading_count;
	struct twin_reading *readings;
	size_t queue_first, queue_count;
	struct twin_queued queue[TWIN_QUEUE];
	struct error failure;
};

void twin_consumer_wake(struct twin *twin, const struct twin_partition *partition);
void twin_consumer_give(struct twin_consumer *consumer, int generation, struct positions positions);
void twin_consumer_told(struct twin_consumer *consumer); /* a rebalance is under way */
void twin_consumer_drop(struct twin_consumer *consumer); /* it is not a member any more */
void twin_consumer_fence(struct twin_consumer *consumer);

/* twin_producer.c */
struct twin_lane {
	struct twin_producer *producer;
	struct twin_partition *partition;
	struct twin_entry *first, **end; /* not sent yet */
	int64_t sequence;
	bool sending, lingering;
};

struct twin_unwanted {
	struct position origin;
	uint32_t topic;
};

struct twin_producer {
	struct twin *twin;
	struct twin_client client;
	struct twin_transaction *transaction; /* NULL: idempotent only */
	int64_t producer;
	int epoch;
	bool fenced;
	bool spoilt; /* a record of its transaction is missing */
	size_t batch_bytes; /* of a batch, at most */
	bool shrinks; /* a batch was too large: nothing more leaves, and another producer replaces this one */
	size_t waiting; /* records without an acknowledgement */
	size_t unwanted_count;
	struct twin_unwanted unwanted[TWIN_UNWANTED_MAX]; /* not reported yet */
	const struct twin_topic **topics; /* by the topic numbers of its configuration */
	struct twin_lane **lanes; /* by partition numbers; NULL: nothing was produced there yet */
	/* Called when a record arrived, or the producer was fenced. */
	void (*heard)(void *owner, const struct twin_entry *entry);
	void *owner;
};

struct twin_producer *twin_producer_make(struct twin_host *host, const struct transaction_config *config, unsigned *closed_sockets);
bool twin_producer_unwanted(struct twin_producer *producer, struct refusal *refusal); /* the next one that is not reported */
bool twin_producer_topics(struct twin_producer *producer, const char *const *names, size_t count, struct error *error);
enum produce_verdict twin_producer_put(struct twin_producer *producer, const struct outgoing *record, unsigned load,
				       struct error *error);

/* twin_transaction.c, twin_shipments.c */
struct output *twin_transaction_open(struct twin_host *host, struct loop *loop, const struct transaction_config *config,
				     const struct consumer *consumer, struct error *error);
struct output *twin_shipments_open(struct twin_host *host, struct loop *loop, const struct transaction_config *config,
				   const struct consumer *consumer, struct error *error);

#endif
