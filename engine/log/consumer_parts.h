/* consumer_parts.h: what the files of Kafka's consumer share: all that there is to it, and what
 * librdkafka tells of it. consumer.c opens, takes, and accepts changes; consumer_told.c hears.
 * All functions here are for the consumer's own thread.
 */
#ifndef SLUICE_LOG_CONSUMER_PARTS_H
#define SLUICE_LOG_CONSUMER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/client.h"
#include "log/consumer.h"
#include "log/witness.h"

#define TAKE_ROOM_MAX 1000

#define TOPIC_NAME_BYTES 250 /* Kafka's own limit, and its end */

/* What librdkafka's log says of a partition that it reads from its beginning. */
struct offset_reset {
	char topic[TOPIC_NAME_BYTES];
	int32_t partition;
	int64_t offset; /* that Kafka did not have */
};

struct kafka_consumer {
	struct consumer consumer; /* first: the table of operations */
	rd_kafka_t *client;
	pthread_mutex_t asking; /* held while another thread asks by the client, and while it is replaced */
	rd_kafka_queue_t *queue;
	int bell;
	bool closing;
	const struct consumer_config *config;
	const char *const *_Atomic topics; /* another thread may look */
	struct topic_handles handles;	   /* of `topics`: what a record is recognised by */
	int32_t assigned;		   /* partitions of each topic that are its own without a group; 0: the group gives them */
	struct positions coming;	   /* to be given when those it has are taken; items NULL: none */
	rd_kafka_consumer_group_metadata_t *membership;
	enum assignment_change change;
	struct positions changed;
	struct positions given; /* accepted, and not given up since */
	bool joined;		/* and given partitions, since the client was made */
	struct group_question *asked; /* whether the group reads all that it came for; NULL: nobody asks */
	bool fenced;		/* another client takes this one's place when the change is accepted */
	unsigned fenced_times;	/* within a while of each other */
	int64_t fenced_ms;
	int64_t missed_ms;    /* when a topic was not found; 0: all are there */
	int log_level; /* of the user's: what librdkafka says beyond it is not said */
	pthread_mutex_t resets_lock; /* of the three below; librdkafka's threads note them */
	struct offset_reset *resets;
	size_t reset_count;
	bool resets_lost;     /* memory ran out: some were not noted */
	struct witness *witness;
	struct error failure; /* the first that the client cannot get over */
	rd_kafka_message_t *taken[TAKE_ROOM_MAX];
};

/* Its number among those that are read, of which it must be one. */
uint32_t consumer_topic_named(const struct kafka_consumer *consumer, const char *name);

/* Notes that the assignment is to change, with room for so many partitions, which the caller
 * fills in. False: `failure` is set. */
bool consumer_note_change(struct kafka_consumer *consumer, enum assignment_change change, size_t count);
bool consumer_note_end(struct kafka_consumer *consumer, enum assignment_change change); /* all that it has is given up */

/* librdkafka's callbacks; the context is the consumer. */
void consumer_hear_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *context);
void consumer_hear_error(rd_kafka_t *client, int code, const char *words, void *context);

/* Sees that librdkafka tells its log of offset resets, whatever `log_level` the user has set. */
void consumer_log_resets(struct kafka_consumer *consumer, rd_kafka_conf_t *configuration);

/* librdkafka's log, from its threads: an offset reset is noted, all else is said. */
void consumer_hear_line(const rd_kafka_t *client, int level, const char *facility, const char *words);

/* What such a line says, in the words of librdkafka 2.0 and of later ones. False: it is another. */
bool gap_line_read(const char *words, struct offset_reset *reset);

/* The next gap, which is said. Waits for Kafka, a moment. False: there is none. */
bool consumer_find_gap(struct kafka_consumer *consumer, struct gap *gap);
void gap_words(const struct gap *gap, const char *topic, char *words, size_t size);

/* A topic that was not found for a while: is it gone? Then `failure` is set. The only call here
 * that waits for Kafka, and there is nothing to be missed meanwhile. */
void consumer_look_for_topics(struct kafka_consumer *consumer);

#endif
