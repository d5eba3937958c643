/* refusal_cause.c: Why Kafka refused a record, and what is done with its batch; see client.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "kafka/client.h"
#include "kafka/kafka_log.h"
#include "kafka/topics/topic_setup.h"

#define SAID_BYTES 1024
#define DAMAGE_SAID_MS 10000 /* between two lines that a batch arrived damaged */

/* Error of the other records in a batch with an invalid record; librdkafka reports it since 2.5. */
#define INVALID_DIFFERENT_RECORD (-138)

/* The state of a changelog that was deleted is lost, so only observers wait for another one of its name. */
static bool is_of_changelog(const char *topic)
{
	const size_t length = strlen(topic), end = sizeof CHANGELOG_NAME_END - 1;
	return length > end && strcmp(topic + length - end, CHANGELOG_NAME_END) == 0;
}

bool refusal_is_absence(rd_kafka_resp_err_t code, const rd_kafka_topic_t *topic)
{
	return failure_is_absence(code) && (rd_kafka_topic_opaque(topic) || !is_of_changelog(rd_kafka_topic_name(topic)));
}

static bool refusal_is_of_producer(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
	case RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER:
	case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
	case RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID:
	case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
		return true;
	default:
		return code < RD_KAFKA_RESP_ERR_UNKNOWN; /* librdkafka's own */
	}
}

enum refusal_cause refusal_cause(const rd_kafka_message_t *report, size_t batch_bytes)
{
	int code = report->err;
	if (code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
		return REFUSAL_OF_CLOCK;
	if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		return REFUSAL_OF_RIGHT;
	if (refusal_is_absence(report->err, report->rkt))
		return REFUSAL_OF_ABSENCE;
	if (failure_is_absence(report->err))
		return REFUSAL_OF_LOSS;
	if (code == RD_KAFKA_RESP_ERR_INVALID_MSG)
		return REFUSAL_OF_BATCH; /* its checksum is wrong, as of one that was damaged on its way: not by a record */
	const bool is_of_batch =
		failure_is_of_size(report->err) || code == RD_KAFKA_RESP_ERR_INVALID_RECORD || code == INVALID_DIFFERENT_RECORD;
	if (!is_of_batch)
		return refusal_is_of_producer(report->err) ? REFUSAL_OF_PRODUCER : REFUSAL_OF_BROKER;
	return batch_limit_isolates(batch_bytes, refusal_bytes(report)) ? REFUSAL_OF_RECORD : REFUSAL_OF_BATCH;
}

/* Each record of the batch is reported. */
static void damage_say(struct batch_limit *limit, const char *topic)
{
	char line[SAID_BYTES];
	const int64_t now_ms = clock_ms();
	int64_t told_ms = atomic_load(&limit->told_ms);
	const bool is_told = told_ms > 0 && now_ms - told_ms < DAMAGE_SAID_MS;
	if (is_told || !atomic_compare_exchange_strong(&limit->told_ms, &told_ms, now_ms))
		return; /* or another thread tells it */
	(void)snprintf(line, sizeof line,
		       "Kafka: a batch of records for topic %s arrived damaged, and is sent again; if that repeats, check the "
		       "network and the memory of this machine",
		       topic);
	kafka_log_say(LOG_LEVEL_WARN, line);
}

void refusal_lower_batches(struct batch_limit *limit, size_t batch_bytes, const rd_kafka_message_t *report)
{
	char line[SAID_BYTES], bound[64] = "each record is sent separately";
	if (report->err == RD_KAFKA_RESP_ERR_INVALID_MSG) {
		damage_say(limit, rd_kafka_topic_name(report->rkt));
		return;
	}
	size_t before = atomic_load(&limit->bytes);
	size_t bytes = batch_limit_lower(limit, batch_bytes, !failure_is_of_size(report->err));
	if (bytes == before)
		return; /* another producer has lowered and reported it */
	if (bytes > 1)
		(void)snprintf(bound, sizeof bound, "batches have at most %zu bytes", bytes);
	(void)snprintf(line, sizeof line,
		       "Kafka: topic %s refused a batch of records: %s; from now on %s, and the refused records are sent again",
		       rd_kafka_topic_name(report->rkt), rd_kafka_err2str(report->err), bound);
	kafka_log_say(LOG_LEVEL_WARN, line);
}

bool refusal_name_clock(const rd_kafka_message_t *report, struct error *error)
{
	char now[32];
	time_t seconds = (time_t)(time_of_day_ms() / MS_PER_S);
	struct tm parts;
	(void)strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
	return error_set(error, ERROR_SYSTEM, PLACE_NONE,
			 "Kafka refuses records for %s because of their time: the clock of this machine shows %s. Compare it "
			 "with the clocks of the brokers; message.timestamp.after.max.ms and message.timestamp.before.max.ms "
			 "of the topic set the allowed difference. No request is refused and none of their offsets is "
			 "committed: correct the clock, and start again",
			 rd_kafka_topic_name(report->rkt), now);
}
