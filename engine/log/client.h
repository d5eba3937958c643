/* client.h: what consumers and producers of librdkafka have in common. For the log's
 * own files; nothing outside engine/log sees librdkafka.
 */
#ifndef SLUICE_LOG_CLIENT_H
#define SLUICE_LOG_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "log/batch_limit.h"
#include "log/consumer.h"
#include "observe/log_sink.h"

#define LIBRARY_TEXT_MAX 256 /* of what librdkafka says about a setting */

/* A configuration with `own` settings and then the user's. NULL: a CONFIG error that
 * names the setting, or SYSTEM. The caller hands it to client_open(). */
rd_kafka_conf_t *client_configuration(struct properties own, struct properties users, struct error *error);

/* Takes the configuration, also when it fails. */
rd_kafka_t *client_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration, struct error *error);

/* A client for questions, with `own` settings and the user's, and with why Kafka does not let it in, as soon as that is known, in
 * `locked_out`, which lives as long as the client. NULL: CONFIG or SYSTEM. */
rd_kafka_t *client_open_to_ask(struct properties own, struct properties users, struct error *locked_out, struct error *error);

/* What Kafka has: of one topic, or where that is NULL of all. Waits for it as topics.h says; NULL: a SYSTEM error, which
 * names `brokers` or is `locked_out`. To be destroyed by rd_kafka_metadata_destroy(). */
const struct rd_kafka_metadata *client_look(rd_kafka_t *client, rd_kafka_topic_t *topic, const char *brokers,
					    const struct error *locked_out, struct error *error);

/* Of a topic; 0: it is not there. */
int client_partition_count(const struct rd_kafka_metadata *metadata, const char *topic);

/* How long a topic may be unknown before it is taken for gone: a broker that has just
 * started does not know all of them. */
#define CLIENT_PATIENCE_MS 10000

/* What librdkafka says by itself, as a line that can be read. Any thread. */
void client_hear_line(const rd_kafka_t *client, int level, const char *facility, const char *words);

/* Says a line, `Kafka: ...` without its end, where librdkafka's own go (log/kafka_log.h). */
void client_say(enum log_level level, const char *line);

/* Destroys a client that was closed or is beyond it, but does not wait for that
 * any longer: librdkafka 2.0 can be unable to stop one whose partitions are gone. It stays
 * behind then, and nothing of ours is called by it. */
void client_leave(rd_kafka_t *client, int wait_s);

/* From now on what comes to the queue rings the bell. */
void client_queue_ring(rd_kafka_queue_t *queue, int bell);

/* Gives up our part in the queue, which then rings no more: the client may keep it, and the bell be closed. NULL is fine. */
void client_queue_forget(rd_kafka_queue_t *queue);

/* An error of a client, as its callback hears it. False, with a SYSTEM error: Kafka does
 * not let it in, and will not; true for all else. */
bool client_is_let_in(int code, const char *words, struct error *error);

/* The end of a record that was taken and did not arrive. False, with a SYSTEM error: nor will
 * any other for its topic; true for what a new producer, or the next try, may get over. */
bool client_has_topic(const rd_kafka_message_t *record, struct error *error);

/* Copies the record into the producer's queue; `opaque` comes back with its report. */
enum produce_verdict client_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record, void *opaque,
				    struct error *error);

/* ---- producers of results ---- */

/* What a result is known by on its way: the record that it answers. It is the `opaque` of
 * client_produce(), and holds the low half of the offset and one bit more, `lot`. */
void *tag_of(const struct position *origin, unsigned lot);
unsigned tag_lot(const void *tag);

/* Topics by number. */
struct topic_handles {
	size_t count;
	rd_kafka_topic_t **items;
	bool numbered; /* each knows its number: a consumer's, which finds it for each record */
};

/* Of a handle of those, which are numbered. */
static inline uint32_t topic_handle_number(const rd_kafka_topic_t *handle)
{
	return (uint32_t)(uintptr_t)rd_kafka_topic_opaque(handle);
}

/* Results without a key go to the partition number of their origin, modulo how many the topic has, so
 * that those of one partition stay together; with a key, as `partitioner` says. To be set before the client is opened;
 * every record must then be produced with a tag. */
void client_keep_partitions(rd_kafka_conf_t *configuration, struct properties users);

/* How many the topic has that this thread has produced results to since it forgot; 0: not known, as with a user's `partitioner`,
 * and before librdkafka knows the topic. */
int client_partitions_seen(void);
void client_partitions_forget(void);

/* Which of so many partitions that is, by a result's key and tag. */
int32_t client_partition(const void *key, size_t length, const void *tag, int32_t count);

/* Adds those that are not there yet; `names` begins with those that are. */
bool topic_handles_follow(struct topic_handles *handles, rd_kafka_t *client, const char *const *names, size_t count,
			  struct error *error);
void topic_handles_close(struct topic_handles *handles);

/* Records that Kafka would not have after they had been taken into the producer's queue. */
struct refusals {
	size_t count, capacity;
	struct refused_record {
		const void *tag;
		uint32_t topic;
		size_t size_bytes;
		rd_kafka_resp_err_t code;
	} * items;
	bool failed; /* memory ran out: some were not noted */
};

/* Whether reading may be tried again: Kafka is away, or a partition's leader is not settled, as in a topic just made. */
bool failure_is_passing(rd_kafka_resp_err_t code);

/* Whether the broker that was asked does not show a topic or a partition: one that was just made, or that has just
 * started, shows it later. */
bool failure_is_absence(rd_kafka_resp_err_t code);

/* Whether another client would meet it too: what is missing is a right, or a setting is wrong. */
bool failure_is_lasting(rd_kafka_resp_err_t code);

/* Lowers `batch.size` of a producer's settings to the limit. Returns the bound that is in force, in bytes. */
size_t client_limit_batches(rd_kafka_conf_t *configuration, const struct batch_limit *limit);

enum refusal_cause {
	REFUSAL_OF_RECORD, /* the record's own fault: another in its place would do */
	REFUSAL_OF_BATCH,  /* of the batch that it was in: to be produced again in smaller ones */
	REFUSAL_OF_CLOCK,  /* of its time, which is this machine's */
	REFUSAL_OF_ALL,	   /* any other record would be refused too, or nothing is known */
};

/* Why a record was refused that a producer with batches of at most `batch_bytes` had taken, by its report. */
enum refusal_cause refusal_cause(const rd_kafka_message_t *report, size_t batch_bytes);

/* Lowers the limit after a REFUSAL_OF_BATCH, and says so. */
void refusal_lower_batches(struct batch_limit *limit, size_t batch_bytes, const rd_kafka_message_t *report);

/* The SYSTEM error of a REFUSAL_OF_CLOCK. */
bool refusal_name_clock(const rd_kafka_message_t *report, struct error *error);

/* Notes one by its report; `topics` are those that it was produced by. */
void refusals_note(struct refusals *refusals, const struct topic_handles *topics, const rd_kafka_message_t *report);

/* Takes one out, as output_refused() gives it. */
bool refusals_take(struct refusals *refusals, struct refusal *refusal);
void refusals_close(struct refusals *refusals);

/* Of what is tried again until it can be had, which all that is to be committed waits for: told when it takes long, and
 * told again. Starts as {0}, and is that again when it is had. */
struct hindrance {
	int64_t since_ms; /* or since when it was told; 0: there is none */
};

void hindrance_meet(struct hindrance *hindrance, int timeout_ms, const char *who, const char *doing, const char *why);

/* What the committer needs of a consumer: its client, and who it was in the group when
 * it was given its partitions. Borrowed; the membership changes only when a change of
 * the assignment is accepted. */
rd_kafka_t *consumer_client(const struct consumer *self);
const rd_kafka_consumer_group_metadata_t *consumer_membership(const struct consumer *self);

/* For another thread than the worker's and the committer's, which asks while the worker may replace the client: whether what the
 * group has committed there is settled, at which offset (OFFSET_NONE: at none) and with which reference to state, and where a
 * partition ends. The worker waits for the answer before it replaces one. */
rd_kafka_resp_err_t consumer_settled(const struct consumer *self, struct position *position, struct state_reference *reference,
				     char changelog[CHANGELOG_NAME_BYTES_MAX], int timeout_ms);
rd_kafka_resp_err_t consumer_end(const struct consumer *self, const char *topic, int32_t partition, int64_t *end, int timeout_ms);

/* Its topics by their names, as librdkafka wants lists of partitions. */
rd_kafka_topic_partition_list_t *consumer_list(const struct consumer *self, struct positions positions);

/* The same to be committed, with references to state as metadata. NULL: memory ran out. */
rd_kafka_topic_partition_list_t *consumer_commit_list(const struct consumer *self, struct positions positions);

#endif
