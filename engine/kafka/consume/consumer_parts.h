/* consumer_parts.h: Shared parts of Kafka's consumer: its struct, and the events that librdkafka reports. consumer.c
 * opens, takes, and accepts changes; consumer_events.c handles events; consumer_topics.c knows the topics, and which are
 * absent. All functions here are for the consumer's own thread.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "kafka/client.h"
#include "kafka/consume/consumer.h"
#include "kafka/consume/fetch_wake.h"
#include "kafka/topics/topic_registry.h"

#define TAKE_ROOM_MAX 1000

#define TOPIC_NAME_BYTES 250 /* Kafka's own limit, and a NUL */

/* Offset reset in librdkafka's log: a partition that is read from its beginning. */
struct offset_reset {
	int64_t noted_ms; /* by clock_ms() */
	char topic[TOPIC_NAME_BYTES];
	int32_t partition;
	int64_t offset; /* the offset that Kafka did not have */
};

struct kafka_consumer {
	struct consumer consumer; /* first: the table of operations */
	rd_kafka_t *client;
	pthread_mutex_t asking; /* locked while another thread uses the client, and while the client is replaced */
	rd_kafka_queue_t *queue;
	struct fetch_wake fetch_wake;
	int bell;
	bool closing;
	const struct consumer_config *config;
	const char *const *_Atomic topics; /* other threads may read it */
	struct topic_handles handles;	   /* of `topics`: records are recognised by them */
	int32_t assigned;		   /* partitions of each topic, if assigned without a group; 0: the group assigns them */
	struct positions coming;	   /* to be assigned after the present ones are revoked; items NULL: none */
	rd_kafka_consumer_group_metadata_t *membership;
	enum assignment_change change;
	struct positions changed;
	struct positions given; /* assigned and accepted, and not revoked since */
	bool is_covered;	/* since the client was made, the group was seen to read all topics of the consumer, or not */
	bool had_group;		/* the group has assigned it partitions, or none: the login had the right to the group */
	atomic_bool group_denied; /* and has it no more; the committer's thread notes it, too */
	bool must_rejoin;	/* it has partitions of topics that it does not read, or not begun one that it may read again */
	struct assignment_check *check; /* of the last assignment; NULL: there is none */
	bool checking;		/* it is not answered, so the change that gives them is not shown yet */
	bool fenced;		/* another client replaces this one when the change is accepted */
	unsigned fenced_times;	/* within a while of each other */
	int64_t fenced_ms;
	int64_t unbegun_ms;	    /* when the group last did not tell where its partitions begin; 0: it was asked again since */
	struct hindrance hindrance; /* to reading */
	int64_t missed_ms;    /* since when a topic is missing, or the last look for it; 0: all are there */
	struct absent_topics absent;
	bool asks_rights; /* to read topics that Kafka shows and refuses */
	char *cluster; /* id of the cluster that gave it partitions first, of librdkafka; NULL: none has */
	struct list_node log_listener; /* of those that get lines of librdkafka's log; this and the next under their lock */
	const rd_kafka_t *log_source;  /* the client whose lines it gets; NULL: the one that is being opened */
	int log_level; /* of the user's settings: more detailed lines of librdkafka are dropped */
	pthread_mutex_t resets_lock; /* of the three below; librdkafka's threads note them */
	struct offset_reset *resets;
	size_t reset_count;
	bool resets_lost;     /* memory ran out: some were not noted */
	struct topic_member *registry_member; /* in the registry of topics */
	struct error failure; /* the first error from which the client cannot recover */
	rd_kafka_message_t *taken[TAKE_ROOM_MAX];
};

/* Number of a topic among those that are read. The topic must be one of them: the caller has it from a partition that was
 * given. Kafka gives others to a member that comes back with fewer topics within its session. consumer_on_rebalance() leaves
 * these out, and the consumer joins its group again, so that who reads them gets them. */
uint32_t consumer_topic_named(const struct kafka_consumer *consumer, const char *name);

/* The same of any topic. False: it is not read. */
bool consumer_find_topic(const struct kafka_consumer *consumer, const char *name, uint32_t *number);

/* Notes a change of the assignment, with memory for `count` partitions, which the caller fills in. False:
 * `failure` is set. */
bool consumer_note_change(struct kafka_consumer *consumer, enum assignment_change change, size_t count);
bool consumer_note_end(struct kafka_consumer *consumer, enum assignment_change change); /* all its partitions are given up */
bool consumer_gives_up(const struct kafka_consumer *consumer);				/* such a change is not accepted yet */

/* Shows these partitions, of which it owns the items, as given: once it is known which of them were moved to another group. */
void consumer_give(struct kafka_consumer *consumer, struct positions positions);
void consumer_forget_coming(struct kafka_consumer *consumer);

/* Ends the check of the last assignment. */
void consumer_end_check(struct kafka_consumer *consumer);

/* librdkafka's callbacks; the context is the consumer. */
void consumer_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *context);
void consumer_on_error(rd_kafka_t *client, int code, const char *words, void *context);

/* Handles an error that came in place of a record. */
void consumer_on_refusal(struct kafka_consumer *consumer, const rd_kafka_message_t *message);

/* Makes librdkafka log offset resets, whatever `log_level` the user has set. */
void consumer_log_resets(struct kafka_consumer *consumer, rd_kafka_conf_t *configuration);

/* From now on the consumer gets the log lines of that client, and of no other; NULL: of the one that is being opened. A client
 * whose end is not waited for (client_destroy()) writes lines when its consumer has another client, or is closed. */
void consumer_log_attach(struct kafka_consumer *consumer, const rd_kafka_t *client);
void consumer_log_detach(struct kafka_consumer *consumer);

/* librdkafka's log callback, from its threads: an offset reset is noted by the consumer that gets the client's lines, any other
 * line is logged. */
void consumer_on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words);

/* Parses the line of an offset reset, in the wording of librdkafka 2.0 or later. False: it is another line. */
bool gap_line_read(const char *words, struct offset_reset *reset);

/* The next gap, which is logged. Waits for Kafka briefly. False: there is none. */
bool consumer_find_gap(struct kafka_consumer *consumer, struct gap *gap);
void gap_words(const struct gap *gap, const char *topic, char *words, size_t size);

/* Whether librdkafka's words are that the group did not tell where partitions begin, which is noted: consumer_begin_again() is then
 * to be called. */
bool consumer_note_unbegun(struct kafka_consumer *consumer, const char *words);

/* Notes another failure to join the group or to read, or that one. What lasts without a record is logged. */
void consumer_note_failure(struct kafka_consumer *consumer, rd_kafka_resp_err_t code, const char *words, bool is_unbegun);

/* After the group did not tell where its partitions begin: librdkafka reads nothing of them, and does not ask again. Assigns them
 * once more when a pause is over, so that it does. */
void consumer_begin_again(struct kafka_consumer *consumer);

/* ---- absent topics ---- */

/* Notes that Kafka does not know a topic. */
void consumer_note_missed(struct kafka_consumer *consumer);

/* Notes that Kafka does not let the login read a topic. `offset` below 0: nothing of its partition was begun. */
void consumer_note_denial(struct kafka_consumer *consumer, const char *topic, int64_t offset);

/* Notes that other partitions are assigned: all of them are begun anew, and others than these may be another's now. */
void consumer_note_given(struct kafka_consumer *consumer);

/* Notes that records of topics that were denied are read. */
void consumer_note_read(struct kafka_consumer *consumer, const struct record *records, size_t count);

/* Notes that topics may be read again whose records Kafka refused, also those without a record. */
void consumer_ask_denied(struct kafka_consumer *consumer);

/* Finds the topics that were deleted or are denied, after one was missing for a while, and logs what changed. Waits for Kafka, but
 * only while a topic is missing. */
void consumer_look_for_topics(struct kafka_consumer *consumer);
