/* simulated_world.h: Shared structs of the simulated Kafka: its log, transactions, groups, requests and clients.
 * Private to the simulated Kafka. */
#pragma once

#include "base/number/random.h"
#include "kafka/produce/produce_batch_rules.h"
#include "tools/test/simulated/simulated_kafka.h"

#define SIMULATED_PARTITIONS_MAX 1024 /* of all topics */
#define SIMULATED_SESSION_MS 6000
#define SIMULATED_UNWANTED_MAX 64 /* of one producer at a time; further records are accepted */
#define SIMULATED_HEARTBEAT_US 1500000
#define MS 1000 /* in microseconds */

/* ---- the log ---- */

enum entry_state { ENTRY_PLAIN, ENTRY_OPEN, ENTRY_COMMITTED, ENTRY_ABORTED, ENTRY_MARKER };

struct simulated_entry {
	struct simulated_entry *next; /* in its producer's queue */
	struct text key, value;
	struct headers headers;
	int64_t time_ms;
	int64_t producer; /* of a record in a transaction; else 0 */
	enum entry_state state;
	unsigned batch; /* its producer's batch number, for the acknowledgement */
	/* Of a record that the broker refuses: */
	bool unwanted;
	struct position origin;
	uint32_t topic; /* of its producer's configuration */
	bool skipped;	/* a consumer has reported a gap with it */
};

/* State of one producer at a partition. */
struct simulated_sequence {
	struct simulated_sequence *next;
	int64_t producer;
	int epoch;
	int64_t last;	/* sequence number */
	int64_t opened; /* first offset of its open transaction; OFFSET_NONE: none is open */
};

struct simulated_partition {
	size_t number; /* among all partitions */
	struct simulated_topic *topic;
	int32_t partition;
	int64_t begin; /* records below were deleted; their entries are kept */
	size_t count, capacity;
	struct simulated_entry **entries;
	struct simulated_sequence *sequences;
	size_t readers; /* number of consumers' readings */
};

struct simulated_topic {
	struct simulated_topic *next;
	struct text name;
	int32_t count;
	struct simulated_partition *partitions;
	uint64_t changes; /* of the partitions */
	int64_t hidden_until_us;
};

/* ---- transactions, at the broker ---- */

enum transaction_state { TRANSACTION_NONE, TRANSACTION_OPEN, TRANSACTION_ENDING, TRANSACTION_COMMITTED, TRANSACTION_ABORTED };

struct simulated_transaction {
	struct simulated_transaction *next;
	const char *id;
	int64_t producer;
	int epoch;
	enum transaction_state state;
	bool commits;				   /* while it is ending: it commits */
	size_t markers;				   /* still to be written */
	bool partitions[SIMULATED_PARTITIONS_MAX]; /* the partitions it wrote to */
	struct simulated_group *group;		   /* the group whose offsets it commits; NULL: none */
	int64_t timeout_us;
	uint64_t serial; /* of the transaction, so that an old timeout is ignored */
};

/* ---- groups ---- */

struct simulated_pending { /* an offset of an open transaction */
	struct simulated_pending *next;
	int64_t producer;
	size_t partition;
	int64_t offset;
	struct state_reference reference;
};

struct simulated_member {
	struct simulated_member *next;
	const char *instance;
	uint64_t id;
	struct simulated_consumer *consumer;
	bool joined; /* it has joined the present rebalance */
	size_t share_count;
	const struct simulated_partition **share; /* its last assignment */
};

struct simulated_group {
	struct simulated_group *next;
	const char *name;
	int generation;
	bool preparing; /* a rebalance is under way */
	uint64_t rebalance;
	struct simulated_member *members; /* in the order of their names */
	int64_t committed[SIMULATED_PARTITIONS_MAX];
	struct state_reference references[SIMULATED_PARTITIONS_MAX]; /* of the committed offsets */
	struct simulated_pending *pending;
};

/* ---- clients and their requests ---- */

struct simulated_host {
	struct simulated_kafka *kafka;
	const char *name;
	bool dead;
	struct batch_limit batches; /* of its producers */
	int64_t frozen_until_us;
	int64_t cut_until_us;
};

struct simulated_client {
	struct simulated_host *host;
	bool closed;
	unsigned *closed_sockets; /* counter of its owner */
};

enum simulated_answer {
	SIMULATED_GOOD,
	SIMULATED_AGAIN,     /* a temporary error of the broker: the client retries */
	SIMULATED_FENCED,    /* a newer producer has come */
	SIMULATED_TOO_LARGE, /* the batch, for its topic */
	SIMULATED_VOID,	     /* the sender is not the group member that it claims to be */
};

/* The member that commits offsets, as of the assignment that it accepted. */
struct simulated_membership {
	struct simulated_group *group;
	uint64_t member; /* 0: none, its partitions were assigned by name */
	int generation;
};

struct simulated_request {
	struct simulated_request *next; /* list of free requests */
	enum simulated_request_kind kind;
	struct simulated_client *client;
	void (*replied)(struct simulated_request *request, enum simulated_answer answer); /* NULL: a late copy */
	void *owner;
	uint64_t serial; /* the owner's */
	bool reply_lost;
	enum simulated_answer answer;
	/* Its contents: */
	struct simulated_transaction *transaction; /* of the broker, by id */
	int64_t producer;
	int epoch; /* of the producer; an answer to INIT_PRODUCER */
	struct simulated_partition *partition;
	int64_t sequence;
	size_t count, bytes; /* of the batch */
	struct simulated_entry *first;
	struct simulated_membership membership;
	struct positions positions;	    /* topic: number of a partition among all */
	struct state_reference *references; /* of each of them */
	size_t position_room;
};

/* ---- the whole ---- */

/* Snapshot of a store, written by the processes of a name. */
struct simulated_snapshot {
	struct simulated_snapshot *next;
	const char *host;
	const char *changelog;
	int32_t partition;
	struct text bytes;
};

struct simulated_event {
	int64_t due_us;
	uint64_t order; /* order of events that are due at the same time */
	void (*happen)(struct simulated_kafka *kafka, void *subject);
	void *subject;
};

struct simulated_kafka {
	struct simulated_config config;
	enum simulated_answer (*serve)(struct simulated_kafka *kafka, struct simulated_request *request); /* at the broker */
	struct arena *arena;
	struct random random;
	int64_t now_us;
	uint64_t noted;
	size_t event_count, event_capacity;
	struct simulated_event *events; /* a heap, the next at 0 */
	struct simulated_request *free_requests;
	size_t partition_count;
	struct simulated_partition *partitions[SIMULATED_PARTITIONS_MAX];
	struct simulated_topic *topics;
	struct simulated_transaction *transactions;
	struct simulated_group *groups;
	struct simulated_consumer *consumers;
	struct simulated_snapshot *snapshots;
	int64_t last_producer;
	uint64_t last_member;
	bool calm;
	bool failed;
	uint64_t mishaps[SIMULATED_MISHAPS];
	uint64_t rebalances, fences, timeouts, batches_refused;
	uint64_t changes; /* of partitions */
	uint64_t taps_lost;
	uint64_t gaps, skipped; /* reports of gaps, and the records of all of them */
	struct {
		bool set;
		enum simulated_mishap mishap;
		int64_t late_us;
	} injected[SIMULATED_REQUEST_KINDS];
};

/* simulated_clock.c */
void *simulated_take(struct simulated_kafka *kafka, size_t count,
		     size_t size); /* zeroed; NULL: memory, and the simulated Kafka has failed */
void simulated_note(struct simulated_kafka *kafka, int64_t due_us, void (*happen)(struct simulated_kafka *kafka, void *subject),
		    void *subject);
void simulated_tell(struct simulated_kafka *kafka, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
int64_t simulated_delay_us(struct simulated_kafka *kafka); /* of one way over the network */
bool simulated_mishap_injected(struct simulated_kafka *kafka, enum simulated_mishap mishap);

/* The earliest time at which the client can act: now, or when its process wakes and the network is back.
 * INT64_MAX: never. */
int64_t simulated_client_free_us(const struct simulated_client *client, bool network);

/* simulated_requests.c */
struct simulated_request *simulated_request_make(struct simulated_kafka *kafka, enum simulated_request_kind kind,
						 struct simulated_client *client);
void simulated_request_send(struct simulated_kafka *kafka, struct simulated_request *request);
bool simulated_request_positions(struct simulated_kafka *kafka, struct simulated_request *request, struct positions positions,
				 const struct consumer *consumer);

/* simulated_partition.c */
int32_t simulated_partition_number(const struct outgoing *record, int32_t count); /* in a topic of so many */
struct simulated_partition *simulated_partition_of(const struct simulated_topic *topic, const struct outgoing *record);
struct simulated_entry *simulated_entry_make(struct simulated_kafka *kafka, const struct outgoing *record);
enum simulated_answer simulated_partition_serve(struct simulated_kafka *kafka, struct simulated_request *request);
size_t simulated_batch_bytes_max(const struct simulated_kafka *kafka); /* that topics accept now */
void simulated_partition_mark(struct simulated_kafka *kafka, struct simulated_partition *partition, int64_t producer, bool commits);
int64_t simulated_partition_end(const struct simulated_partition *partition); /* end for readers of committed records */
const struct simulated_entry *simulated_partition_next(const struct simulated_partition *partition, int64_t *offset);

/* simulated_coordinator.c: transactions */
struct simulated_transaction *simulated_transaction_find(struct simulated_kafka *kafka, const char *id, int64_t timeout_us);
enum simulated_answer simulated_transaction_init(struct simulated_kafka *kafka, struct simulated_request *request);
enum simulated_answer simulated_transaction_enter(struct simulated_kafka *kafka, struct simulated_request *request);
enum simulated_answer simulated_transaction_end(struct simulated_kafka *kafka, struct simulated_request *request);

/* simulated_group.c */
struct simulated_group *simulated_group_find(struct simulated_kafka *kafka, const char *name);
void simulated_group_rejoin(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer);
void simulated_group_follow(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer);
void simulated_group_ask(struct simulated_kafka *kafka, struct simulated_group *group,
			 struct simulated_consumer *consumer); /* as kafka/consume/assignment_check.h describes */
void simulated_group_leave(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer);
void simulated_group_silence(struct simulated_kafka *kafka, struct simulated_group *group, struct simulated_consumer *consumer);
enum simulated_answer simulated_group_pend(struct simulated_kafka *kafka, struct simulated_request *request);
enum simulated_answer simulated_group_commit(struct simulated_kafka *kafka, struct simulated_request *request);
enum simulated_answer simulated_group_read(struct simulated_kafka *kafka, struct simulated_request *request);
void simulated_group_settle(struct simulated_group *group, int64_t producer, bool commits);

/* simulated_consumer.c */
struct simulated_reading {
	struct simulated_consumer *consumer;
	struct simulated_partition *partition;
	uint32_t topic;
	int64_t position;
	unsigned version; /* records fetched before a seek are dropped */
	bool known;	  /* the position is known */
	bool paused;
	bool fetching;
};

#define SIMULATED_QUEUE 256 /* records fetched and not taken yet */

struct simulated_queued {
	const struct simulated_entry *entry;
	struct simulated_reading *reading;
	unsigned version;
	int64_t offset;
};

struct simulated_gap {
	struct simulated_gap *next;
	struct simulated_partition *partition;
	struct gap gap;
};

struct simulated_consumer {
	struct consumer consumer; /* first: the table of operations */
	struct simulated_consumer *next;
	struct simulated_kafka *kafka;
	struct simulated_client client;
	unsigned closed_sockets;
	struct consumer_config config;
	struct consumer_topics topics;	/* the topics that it reads */
	struct simulated_topic **found; /* each of those topics */
	struct loop *loop;
	int bell;
	struct simulated_group *group;
	uint64_t member; /* 0: none */
	bool joined;	 /* it has joined at least once */
	bool joining;	 /* it is about to ask the group; another reason to ask meanwhile is no second request */
	struct simulated_membership membership;
	/* Changes that the group requests; consumer_take() moves them to `change`. */
	bool give, revoke, lost;
	int given_generation;
	struct positions given;
	enum assignment_change change;
	struct positions changed;
	size_t reading_count;
	struct simulated_reading *readings;
	size_t queue_first, queue_count;
	struct simulated_queued queue[SIMULATED_QUEUE];
	struct simulated_gap *gaps, **gaps_end; /* not reported yet, the first one first */
	struct error failure;
};

void simulated_consumer_wake(struct simulated_kafka *kafka, const struct simulated_partition *partition);

/* As simulated_append(), of a record that answers its origin. */
int64_t simulated_append_answer(struct simulated_kafka *kafka, struct simulated_topic *topic, const struct outgoing *record);
void simulated_consumer_give(struct simulated_consumer *consumer, int generation, struct positions positions);
void simulated_consumer_rebalance(struct simulated_consumer *consumer); /* a rebalance is under way */
void simulated_consumer_drop(struct simulated_consumer *consumer); /* it is not a member any more */
void simulated_consumer_fence(struct simulated_consumer *consumer);

/* simulated_producer.c */
struct simulated_send_queue {
	struct simulated_producer *producer;
	struct simulated_partition *partition;
	struct simulated_entry *first, **end; /* not sent yet */
	int64_t sequence;
	bool sending, lingering;
};

struct simulated_unwanted {
	struct position origin;
	uint32_t topic;
};

struct simulated_producer {
	struct simulated_kafka *kafka;
	struct simulated_client client;
	struct simulated_transaction *transaction; /* NULL: idempotent only */
	int64_t producer;
	int epoch;
	bool fenced;
	bool spoilt;	    /* a record of its transaction is missing */
	size_t batch_bytes; /* of a batch, at most */
	bool shrinks;	    /* a batch was too large: nothing more leaves, and another producer replaces this one */
	size_t waiting;	    /* records without an acknowledgement */
	size_t unwanted_count;
	struct simulated_unwanted unwanted[SIMULATED_UNWANTED_MAX]; /* not reported yet */
	const struct simulated_topic **topics;			    /* by the topic numbers of its configuration */
	struct simulated_send_queue **send_queues;		    /* by partition numbers; NULL: nothing was produced there yet */
	/* Called when a record arrived, or with NULL when the producer was fenced or is to be replaced. */
	void (*on_record)(void *owner, const struct simulated_entry *entry);
	void *owner;
};

/* simulated_produce_batch.c: records that leave together, by the rules of kafka/produce/produce_batch_rules.h. The calls are as
 * those of kafka/produce/produce_batch.h. */
struct simulated_produce_batch {
	struct produce_batch_part parts[PRODUCE_BATCH_PARTS];
	bool lost;
	struct simulated_entry *entries[PRODUCE_BATCH_PARTS][PRODUCE_BATCH_RECORDS]; /* copies of the records, with their places */
};

enum produce_verdict simulated_produce_batch_put(struct simulated_produce_batch *batch, struct simulated_producer *producer,
						 const struct outgoing *record, unsigned commit_batch, struct error *error);
enum produce_verdict simulated_produce_batch_send(struct simulated_produce_batch *batch, struct simulated_producer *producer,
						  struct error *error);
void simulated_produce_batch_empty(struct simulated_produce_batch *batch);

struct simulated_producer *simulated_producer_make(struct simulated_host *host, const struct transaction_config *config,
						   unsigned *closed_sockets);
bool simulated_producer_unwanted(struct simulated_producer *producer,
				 struct refusal *refusal); /* the next one that is not reported */
/* Takes over the refusals that the producer before it has not reported. */
void simulated_producer_inherit(struct simulated_producer *producer, const struct simulated_producer *before);
bool simulated_producer_topics(struct simulated_producer *producer, const char *const *names, size_t count, struct error *error);
enum produce_verdict simulated_producer_put(struct simulated_producer *producer, const struct outgoing *record, unsigned batch,
					    struct error *error);
enum produce_verdict simulated_producer_put_entry(struct simulated_producer *producer, struct simulated_entry *entry,
						  struct simulated_partition *partition, struct error *error); /* its copy */

/* simulated_transaction.c, simulated_at_least_once.c */
struct output *simulated_transaction_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
					  const struct consumer *consumer, struct error *error);
struct output *simulated_at_least_once_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
					    const struct consumer *consumer, struct error *error);
