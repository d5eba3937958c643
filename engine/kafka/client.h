/* client.h: Shared parts of librdkafka's consumers and producers: configurations, clients, queues, refused records.
 * Private to log; no other module sees librdkafka.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "kafka/topics/batch_limit.h"
#include "kafka/client_setting.h"
#include "kafka/client_statistics.h"
#include "kafka/consume/consumer.h"
#include "kafka/failure.h"
#include "kafka/kafka_log.h"
#include "observe/log_sink.h"

/* A configuration with the `own` settings and then the user's. NULL: a CONFIG error that names the setting, or
 * SYSTEM. The caller passes it to client_open(). */
rd_kafka_conf_t *client_configuration(struct properties own, struct properties users, struct error *error);

/* Takes ownership of the configuration, also when it fails. */
rd_kafka_t *client_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration, struct error *error);

/* For the error callback of a client that asks: notes in `locked_out` that Kafka refuses the login. Otherwise its kind stays
 * ERROR_NONE, and its text is the last reason for which a broker could not be reached. */
void client_note_trouble(int code, const char *words, struct error *locked_out);

/* For how long Kafka is asked, in rounds: what it answers after the end of a round is lost. Bounds of the thread
 * (kafka/kafka_wait.h) hold too. */
struct look_limits {
	int64_t until_ms;	     /* by clock_ms() */
	const atomic_bool *stopping; /* no round begins once this is set, though the first one always does; NULL: it never is */
	int round_ms;		     /* of the last round; 0: there was none */
};

/* The length of the next round: what is left of the time, or, where it may be told to stop, twice that of the last one. A start
 * begins with a long one: its brokers may be slow. */
int look_round_ms(struct look_limits *limits);

bool look_is_over(const struct look_limits *limits);

/* Kafka's metadata: of one topic, or of all when `topic` is NULL. Waits for Kafka as the limits say (NULL: as topic_setup.h
 * describes). NULL: a REMOTE error, which names `brokers`, or `locked_out`. To be destroyed by rd_kafka_metadata_destroy(). */
const struct rd_kafka_metadata *client_look(rd_kafka_t *client, rd_kafka_topic_t *topic, const char *brokers,
					    const struct error *locked_out, struct look_limits *limits, struct error *error);

/* Offset of the first record of a time, or of RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END, in a partition; -1: there is none.
 * Waits at most `timeout_ms`: rd_kafka_query_watermark_offsets() waits for a leader that is silent until the socket's own limit, a
 * minute. After an error `offset` is unchanged. */
rd_kafka_resp_err_t client_find_offset(rd_kafka_t *client, const char *topic, int32_t partition, int64_t time_ms, int64_t *offset,
				       int timeout_ms);

/* Both ends of a partition, within one wait. For a client that reads committed records only, the end is the last stable offset. */
rd_kafka_resp_err_t client_find_extent(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *begin, int64_t *end,
				       int timeout_ms);

/* Words for a partition whose offsets are not reported: librdkafka's, or who is silent, and how to find its name. */
const char *client_offset_words(rd_kafka_resp_err_t code);

#define CLIENT_LEADER_BYTES 256

/* Which broker leads a partition, for errors: "broker 2 at HOST:PORT leads it", "no broker leads it". Asks any broker for a
 * second; "" if none says so. */
void client_leader_words(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition, char words[CLIENT_LEADER_BYTES]);

/* What metadata says of a topic; NULL: nothing. And its number of partitions; 0: it does not exist. */
const struct rd_kafka_metadata_topic *client_metadata_topic(const struct rd_kafka_metadata *metadata, const char *topic);
int client_partition_count(const struct rd_kafka_metadata *metadata, const char *topic);

/* Time after which a topic that stays unknown is treated as deleted. A broker that has just started does not know
 * all topics. */
#define CLIENT_PATIENCE_MS 10000

/* Writes a line of librdkafka's own log, in a readable form. Any thread. */
void client_on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words);

/* Whether a line of that facility tells of a transaction that failed. */
bool client_tells_transaction(const char *facility);

/* Replaces a guess in a text of librdkafka, which takes a broker that hangs for one of a version that has not been supported for
 * years. */
void client_drop_guess(char *line);

/* Destroys a client that is closed, or can no longer be closed, and waits for that at most `wait_s` seconds.
 * librdkafka 2.0 can be unable to stop a client whose partitions are gone. Such a client is left behind, and calls
 * none of our functions. */
void client_destroy(rd_kafka_t *client, int wait_s);

/* The same of a member of a group, which leaves the group first. False: it is left behind, since no broker answers. Then its
 * callbacks for rebalances, errors and statistics may still be called, by a thread of its own, with their `context`, which must not
 * be given back. */
bool client_leave(rd_kafka_t *client, int wait_s, const void *context);

/* Waits at most so long for a thread, and joins it. False: it still runs. */
bool client_thread_ends(pthread_t thread, int wait_s);

/* From now on the bell rings when something arrives in the queue. */
void client_queue_ring(rd_kafka_queue_t *queue, int bell);

/* Releases our reference to the queue, which no longer rings. The client may keep the queue, and the bell may be
 * closed. NULL is fine. */
void client_queue_forget(rd_kafka_queue_t *queue);

/* Checks an error that a client's callback received. False, with a SYSTEM error: Kafka refuses the login,
 * permanently. True: any other error. */
bool client_is_let_in(int code, const char *words, struct error *error);

/* Checks the delivery report of a record that was queued and did not arrive. False, with a SYSTEM error: no other
 * record for its topic will arrive either. True: a new producer, or the next attempt, may succeed. */
bool client_has_topic(const rd_kafka_message_t *record, struct error *error);

/* Copies the record into the producer's queue. `opaque` comes back with its delivery report. */
enum produce_verdict client_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record, void *opaque,
				    struct error *error);

/* The same of a record with that time; 0: the clock's. Without an `opaque`. */
enum produce_verdict client_produce_at(rd_kafka_t *client, rd_kafka_topic_t *topic, int64_t time_ms, struct text key,
				       struct text value, struct error *error);

/* The two parts of it: librdkafka's code for the record, and its meaning. */
rd_kafka_resp_err_t client_enqueue(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record, void *opaque);
enum produce_verdict client_verdict(rd_kafka_resp_err_t code, rd_kafka_t *client, const rd_kafka_topic_t *topic,
				    const struct outgoing *record, struct error *error);

/* Takes over the statistics of an event. `counts` NULL: nothing is done. */
void client_note_statistics(rd_kafka_event_t *event, struct client_counts *counts);

/* ---- producers of results ---- */

/* Tag of a result in flight, which identifies the record that it answers. It is the `opaque` of client_produce().
 * Of the offset it has only the low half; it has one more bit, `lot`. */
void *tag_of(const struct position *origin, unsigned lot);
unsigned tag_lot(const void *tag);

/* Topics by number. */
struct topic_handles {
	size_t count;
	rd_kafka_topic_t **items;
	bool numbered; /* each handle has its number: a consumer reads it for each record */
	bool awaited;  /* of a producer: changelogs that are gone are waited for, too */
};

/* Number of a handle, where the handles are numbered. */
static inline uint32_t topic_handle_number(const rd_kafka_topic_t *handle)
{
	return (uint32_t)(uintptr_t)rd_kafka_topic_opaque(handle);
}

/* Partitioner of results. A result without a key goes to the partition number of its origin, modulo the number of
 * partitions of its topic. So the results of one partition stay together. With a key, `partitioner` decides. To be
 * set before the client is opened; every record must then be produced with a tag. */
void client_keep_partitions(rd_kafka_conf_t *configuration, struct properties users);

/* Number of partitions of the topic to which this thread has produced results since client_partitions_forget(). 0:
 * not known, as with a user's `partitioner`, or before librdkafka knows the topic. */
int client_partitions_seen(void);
void client_partitions_forget(void);

/* The partition, among `count`, of a result with this key and tag. */
int32_t client_partition(const void *key, size_t length, const void *tag, int32_t count);

/* Adds the handles that are missing; `names` begins with the names of the handles that exist. Many new ones are made known to the
 * client by one request, for which this waits. */
bool topic_handles_follow(struct topic_handles *handles, rd_kafka_t *client, const char *const *names, size_t count,
			  struct error *error);
void topic_handles_close(struct topic_handles *handles);

/* Records that Kafka refused after the producer's queue had accepted them. */
struct refusals {
	size_t count, capacity;
	struct refused_record {
		const void *tag;
		uint32_t topic;
		size_t size_bytes;
		rd_kafka_resp_err_t code;
	} * items;
	bool failed; /* memory ran out, and some were not noted */
};

/* Lowers `batch.size` of a producer's settings to the limit, and raises `message.max.bytes` to what the topics take, unless it is
 * among the settings of users. Returns the effective bound of batches in bytes. */
size_t client_limit_batches(rd_kafka_conf_t *configuration, struct properties users, const struct batch_limit *limit);

/* Bytes of a record by its delivery report: key, value and headers. */
size_t refusal_bytes(const rd_kafka_message_t *report);

enum refusal_cause {
	REFUSAL_OF_RECORD,   /* the record is at fault: another in its place would be accepted */
	REFUSAL_OF_BATCH,    /* the batch was too large, or arrived damaged: the record is to be produced again */
	REFUSAL_OF_CLOCK,    /* its timestamp, which is this machine's */
	REFUSAL_OF_RIGHT,    /* the login may not write the topic */
	REFUSAL_OF_ABSENCE,  /* Kafka has no such topic, and it is waited for (refusal_is_absence()) */
	REFUSAL_OF_LOSS,     /* Kafka has not got the changelog any more: its state is lost */
	REFUSAL_OF_PRODUCER, /* librdkafka gave the record up, or the broker has another idea of what came last */
	REFUSAL_OF_BROKER,   /* any other: the broker failed, or what it wants is to be set there (broker_refusals.h) */
};

/* Why a record was refused, by its delivery report. The producer had batches of at most `batch_bytes`. */
enum refusal_cause refusal_cause(const rd_kafka_message_t *report, size_t batch_bytes);

/* Whether a record of that topic is refused because Kafka has not got the topic, which may be created again: it is no changelog, or
 * its handle is `awaited`. */
bool refusal_is_absence(rd_kafka_resp_err_t code, const rd_kafka_topic_t *topic);

/* Lowers the limit after a REFUSAL_OF_BATCH that was too large, or may have an invalid record. Logs that, or that it was
 * damaged. */
void refusal_lower_batches(struct batch_limit *limit, size_t batch_bytes, const rd_kafka_message_t *report);

/* The SYSTEM error of a REFUSAL_OF_CLOCK. */
bool refusal_name_clock(const rd_kafka_message_t *report, struct error *error);

/* Notes a refused record by its delivery report, which has an error; `topics` are the handles with which it was produced. */
void refusals_note(struct refusals *refusals, const struct topic_handles *topics, const rd_kafka_message_t *report);

/* Notes that the login may not write a topic, or that Kafka has not got it, once for all its records. */
void refusals_deny(struct refusals *refusals, uint32_t topic, bool is_gone);

/* Number of the topic for which the record of a delivery report was produced with these handles. */
uint32_t topic_handles_find(const struct topic_handles *topics, const rd_kafka_message_t *report);

/* Takes one refusal out, for output_refused(). */
bool refusals_take(struct refusals *refusals, struct refusal *refusal);
void refusals_close(struct refusals *refusals);

/* Obstacle to a commit: an operation that is retried until it succeeds, and that all commits wait for. It is
 * logged when it takes long, and again from time to time. Starts as {0}, and is {0} again after success. */
struct hindrance {
	int64_t since_ms; /* since the first failure, or since the last log line; 0: no obstacle */
};

void hindrance_meet(struct hindrance *hindrance, int timeout_ms, const char *who, const char *doing, const char *why);

/* What outputs need of a consumer: its client, whether its partitions are other members' by now, so that a commit of them is void,
 * and its membership in the group when they were assigned. Borrowed. The membership changes only when a change of the assignment is
 * accepted. */
rd_kafka_t *consumer_client(const struct consumer *self);
bool consumer_has_lost(const struct consumer *self);

/* Whether the consumer's client has failed for good, as one does that Kafka has fenced: its partitions are lost, and librdkafka
 * makes no connection for it any more, so that Kafka may never answer it. From the committer's thread too. */
bool consumer_has_failed(const struct consumer *self);

const rd_kafka_consumer_group_metadata_t *consumer_membership(const struct consumer *self);

/* Notes whether Kafka lets the login use the group, and logs what has changed. Also from the committer's thread. */
void consumer_note_group(const struct consumer *self, bool is_denied);

/* For threads other than the worker's and the committer's, because the worker may replace the client.
 * consumer_settled() reads whether the group's commit of a partition is settled, its offset (OFFSET_NONE: nothing
 * is committed) and its reference to state. The worker waits for the result before it replaces the client. */
rd_kafka_resp_err_t consumer_settled(const struct consumer *self, struct position *position, struct state_reference *reference,
				     char changelog[CHANGELOG_NAME_BYTES_MAX], int timeout_ms);

/* Membership of an engine in the group of those that lead, of its last assignment; borrowed until the next look. NULL: nothing is
 * assigned. */
struct lead_group;
const rd_kafka_consumer_group_metadata_t *lead_group_membership(const struct lead_group *group);

/* The positions with topic names, as the list of partitions that librdkafka takes. */
rd_kafka_topic_partition_list_t *consumer_list(const struct consumer *self, struct positions positions);

/* The same list for a commit, with references to state as metadata. NULL: memory ran out. */
rd_kafka_topic_partition_list_t *consumer_commit_list(const struct consumer *self, struct positions positions);

/* Replaces the metadata of an offset that is to be committed by a copy, which librdkafka frees. False: memory ran out. */
bool partition_metadata_set(rd_kafka_topic_partition_t *partition, struct text metadata);
