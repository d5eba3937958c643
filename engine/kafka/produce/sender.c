/* sender.c: Producer for commands; see sender.h.
 *
 * An idempotent producer of librdkafka can fail for good, as when it and a restarted broker disagree about the
 * last record. Records that it reports as not persisted are kept, and another producer sends them in the same
 * order. The same is done with a batch that is larger than its topic accepts (kafka/topics/batch_limit.h). */
#include "kafka/produce/sender.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "kafka/produce/producer.h"

#define FULL_WAIT_MS 100
#define SETTING_TEXT_MAX 32
#define RECORD_OVERHEAD_BYTES 1024 /* more than librdkafka counts beside keys, values and headers, of 50 headers too */

/* A record whose producer ended before the record was sent. */
struct kept {
	struct kept *next;
	uint64_t number;
	rd_kafka_headers_t *headers; /* NULL: none */
	bool has_key;
	size_t key_length, value_length;
	char bytes[]; /* key and value */
};

struct sender {
	const struct sender_config *config;
	struct producer producer; /* of one topic */
	struct batch_limit batches;
	bool shrinks;	    /* another producer must send smaller batches */
	uint64_t waiting; /* sent, without a report */
	uint64_t acknowledged;
	struct kept *kept;		  /* by their numbers */
	uint64_t acknowledged_at_renewal; /* a producer that did nothing is not replaced again */
	bool renewed;
	struct batch_limit topic_limit;	  /* max.message.bytes of the topic; 0: not read, or not known */
	char reason[ERROR_TEXT_MAX];
};

static void sender_refuse(const struct sender *sender, uint64_t number, const char *reason)
{
	if (sender->config->refused)
		sender->config->refused(sender->config->context, number, reason);
}

/* ---- records that are too large ---- */

static const char *record_noun(const struct sender *sender)
{
	return sender->config->what ? sender->config->what : "record";
}

/* The producer's own limit, which is compared before anything is sent. */
static bool name_producer_limit(const struct sender *sender, const struct outgoing *record, struct error *error)
{
	char limit[SETTING_TEXT_MAX] = "less";
	size_t room = sizeof limit;
	const size_t bytes = outgoing_bytes(record);
	(void)rd_kafka_conf_get(rd_kafka_conf(sender->producer.client), "message.max.bytes", limit, &room);
	*error = (struct error){0};
	return error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "the %s has %zu bytes, too many for message.max.bytes of the producer, which is %s; raise it by "
			 "--kafka-setting message.max.bytes=%zu, and max.message.bytes of topic %s, or send less at once",
			 record_noun(sender), bytes, limit, bytes + RECORD_OVERHEAD_BYTES, sender->config->topic);
}

/* The topic's limit, which is asked for once, when a record was refused by it. */
static const char *name_topic_limit(struct sender *sender, const rd_kafka_message_t *report)
{
	const struct sender_config *config = sender->config;
	char limit[SETTING_TEXT_MAX + 4] = "less";
	struct error ignored = {0};
	if (atomic_load(&sender->topic_limit.bytes) == 0)
		(void)batch_limit_read(&sender->topic_limit, config->brokers, config->properties, &config->topic, 1, false,
				       &ignored);
	if (atomic_load(&sender->topic_limit.bytes) > 0)
		(void)snprintf(limit, sizeof limit, "%zu", atomic_load(&sender->topic_limit.bytes));
	(void)snprintf(sender->reason, sizeof sender->reason,
		       "the %s has %zu bytes, and max.message.bytes of topic %s is %s; raise it, or send less at once",
		       record_noun(sender), report->key_len + report->len, config->topic, limit);
	return sender->reason;
}

/* Of a record that its broker would refuse each time; the library's words say no more than that. */
static const char *name_invalid_cause(struct sender *sender, const rd_kafka_message_t *report)
{
	(void)snprintf(sender->reason, sizeof sender->reason,
		       "%s; see cleanup.policy of topic %s, as a compacted topic takes no record without a key, and its "
		       "message.timestamp settings",
		       rd_kafka_err2str(report->err), sender->config->topic);
	return sender->reason;
}

/* Of a record that Kafka did not acknowledge in time: only one that was sent may be there. */
static const char *name_timeout(struct sender *sender, const rd_kafka_message_t *report)
{
	const struct sender_config *config = sender->config;
	const bool was_sent = rd_kafka_message_status(report) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
	(void)snprintf(
		sender->reason, sizeof sender->reason,
		was_sent ? "Kafka has not confirmed the %s within %.4g s, and topic %s may have it: look for it there before you "
			   "send it again"
			 : "Kafka has not taken the %s within %.4g s, and topic %s does not have it: send it again when all "
			   "brokers answer",
		record_noun(sender), (double)config->timeout_ms / MS_PER_S, config->topic);
	return sender->reason;
}

/* ---- kept records ---- */

static bool has_ended(const struct sender *sender)
{
	return producer_failure(&sender->producer, NULL) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void kept_give(struct kept *kept)
{
	if (kept->headers)
		rd_kafka_headers_destroy(kept->headers);
	memory_give(kept);
}

static bool sender_keep(struct sender *sender, const rd_kafka_message_t *message)
{
	struct kept *kept = memory_take(1, sizeof *kept + message->key_len + message->len);
	struct kept **place = &sender->kept;
	if (!kept)
		return false;
	*kept = (struct kept){.number = (uint64_t)(uintptr_t)message->_private,
			      .has_key = message->key,
			      .key_length = message->key_len,
			      .value_length = message->len};
	if (message->key_len > 0)
		memcpy(kept->bytes, message->key, message->key_len);
	if (message->len > 0)
		memcpy(kept->bytes + message->key_len, message->payload, message->len);
	rd_kafka_headers_t *headers;
	if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
		kept->headers = rd_kafka_headers_copy(headers);
	while (*place && (*place)->number <= kept->number)
		place = &(*place)->next;
	kept->next = *place;
	*place = kept;
	return true;
}

static void refuse_kept(struct sender *sender, const char *reason)
{
	while (sender->kept) {
		struct kept *kept = sender->kept;
		sender->kept = kept->next;
		sender_refuse(sender, kept->number, reason);
		kept_give(kept);
	}
}

static void sender_on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
	struct sender *sender = context;
	(void)producer;
	sender->waiting--;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		sender->acknowledged++;
		return;
	}
	const struct sender_config *config = sender->config;
	const enum refusal_cause cause = refusal_cause(message, sender->producer.batch_bytes);
	bool of_batch = cause == REFUSAL_OF_BATCH;
	if (of_batch) {
		refusal_lower_batches(&sender->batches, sender->producer.batch_bytes, message);
		sender->shrinks = true;
	}
	/* A broker that reports a batch as out of order has not stored it, although librdkafka leaves that open. */
	bool lost = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED || of_batch ||
		    message->err == RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
	if ((has_ended(sender) || sender->shrinks) && lost && sender_keep(sender, message))
		return;
	bool too_large = message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
	const uint64_t number = (uint64_t)(uintptr_t)message->_private;
	const bool rejected = cause == REFUSAL_OF_RECORD && config->rejected;
	const bool timed_out = message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
	const char *reason = too_large	 ? name_topic_limit(sender, message)
			     : rejected	 ? name_invalid_cause(sender, message)
			     : timed_out ? name_timeout(sender, message)
					 : rd_kafka_err2str(message->err);
	if (rejected)
		config->rejected(config->context, number, reason);
	else
		sender_refuse(sender, number, reason);
}

static bool sender_set_up(struct sender *sender, struct error *error)
{
	const struct producer_config config = {
		.policy = PRODUCER_ACKNOWLEDGES,
		.brokers = sender->config->brokers,
		.timeout_ms = sender->config->timeout_ms,
		.linger_ms = "5",
		.users = sender->config->properties,
		.batches = &sender->batches,
		.creates_topics = true,
		.is_quiet = true,
		.reported = sender_on_report,
		.context = sender,
	};
	return producer_start(&sender->producer, &config, -1, error) &&
	       producer_topics(&sender->producer, &sender->config->topic, 1, error);
}

struct sender *sender_open(const struct sender_config *config, struct error *error)
{
	assert(config->brokers && config->topic);
	struct sender *sender = memory_take(1, sizeof *sender);
	if (!sender) {
		error_memory(error, ERROR_SYSTEM, "opening a producer");
		return NULL;
	}
	sender->config = config;
	if (sender_set_up(sender, error))
		return sender;
	sender_close(sender);
	return NULL;
}

void sender_close(struct sender *sender)
{
	if (!sender)
		return;
	producer_close(&sender->producer, PRODUCER_WAITS);
	while (sender->kept) {
		struct kept *kept = sender->kept;
		sender->kept = kept->next;
		kept_give(kept);
	}
	memory_give(sender);
}

/* ---- replacement of a producer that has ended ---- */

static bool send_kept(struct sender *sender, const struct kept *kept)
{
	const rd_kafka_message_t record = {.partition = RD_KAFKA_PARTITION_UA,
					   .key = kept->has_key ? (void *)(uintptr_t)kept->bytes : NULL,
					   .key_len = kept->key_length,
					   .payload = (void *)(uintptr_t)(kept->bytes + kept->key_length),
					   .len = kept->value_length,
					   ._private = (void *)(uintptr_t)kept->number};
	rd_kafka_resp_err_t code;
	while ((code = producer_repeat(&sender->producer, sender->producer.topics.items[0], &record, kept->headers)) ==
	       RD_KAFKA_RESP_ERR__QUEUE_FULL)
		(void)rd_kafka_poll(sender->producer.client, FULL_WAIT_MS);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Sends the kept records, until this producer ends too. The rest stays kept. */
static void resend(struct sender *sender)
{
	while (sender->kept && !has_ended(sender) && !sender->shrinks) {
		struct kept *kept = sender->kept;
		if (!send_kept(sender, kept))
			return;
		sender->kept = kept->next;
		sender->waiting++;
		kept_give(kept);
	}
}

/* Reads the reports of all records of the old producer, and opens another one. */
static bool renew(struct sender *sender, struct error *error)
{
	bool in_vain = !sender->shrinks && sender->renewed && sender->acknowledged == sender->acknowledged_at_renewal;
	sender->renewed = true;
	sender->acknowledged_at_renewal = sender->acknowledged;
	(void)rd_kafka_purge(sender->producer.client, RD_KAFKA_PURGE_F_QUEUE | (sender->shrinks ? 0 : RD_KAFKA_PURGE_F_INFLIGHT));
	while (sender->waiting > 0)
		(void)rd_kafka_poll(sender->producer.client, FULL_WAIT_MS); /* each record is reported by its timeout */
	producer_close(&sender->producer, PRODUCER_WAITS);
	sender->shrinks = false;
	bool good = in_vain ? error_set(error, ERROR_SYSTEM, PLACE_NONE,
					"Kafka's producer failed repeatedly; check the logs of the brokers")
			    : sender_set_up(sender, error);
	if (good)
		resend(sender);
	else
		refuse_kept(sender, error->text);
	return good;
}

static bool stays_open(struct sender *sender, struct error *error)
{
	while (has_ended(sender) || (sender->producer.client && sender->shrinks))
		if (!renew(sender, error))
			return false;
	return sender->producer.client || error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer has ended");
}

/* ---- sending ---- */

bool sender_send(struct sender *sender, const struct outgoing *record, uint64_t number, struct error *error)
{
	for (;;) {
		if (!stays_open(sender, error))
			return false;
		const struct producer *core = &sender->producer;
		switch (client_produce(core->client, core->topics.items[0], record, (void *)(uintptr_t)number, error)) {
		case PRODUCED:
			sender->waiting++;
			(void)rd_kafka_poll(core->client, 0);
			return true;
		case PRODUCE_FULL:
			(void)rd_kafka_poll(core->client, FULL_WAIT_MS); /* a record is reported at its timeout at the latest */
			break;
		case PRODUCE_REFUSED:
			return name_producer_limit(sender, record, error);
		default:
			return false;
		}
	}
}

bool sender_settled(struct sender *sender, int wait_ms)
{
	struct error error = {0};
	if (sender->waiting > 0)
		(void)rd_kafka_poll(sender->producer.client, wait_ms);
	(void)stays_open(sender, &error); /* the outcome of each record was reported */
	return sender->waiting == 0 && !sender->kept;
}

uint64_t sender_acknowledged(const struct sender *sender)
{
	return sender->acknowledged;
}
