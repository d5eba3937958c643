/* consumer_topics.c: Topics of a consumer: their numbers, and those that were deleted, or that Kafka does not let its login read.
 * Pipelines of such a topic wait, and the others continue. See consumer_parts.h and absent_topics.h.
 *
 * librdkafka says once that a topic is missing or denied, and leaves it out: its group is assigned anew without it when Kafka does
 * not show it, and with it when Kafka shows it again. A topic that is shown stays assigned, and librdkafka asks for its records
 * until it gets some. Only where it was denied the offset to begin at, it does not ask again: then the consumer joins its group
 * again. */
#include <assert.h>

#include "base/clock.h"
#include "kafka/consume/consumer_parts.h"

#define MISSED_WAIT_MS 1000 /* for the answer whether it is there; otherwise nothing might be read for ever */

bool consumer_find_topic(const struct kafka_consumer *consumer, const char *name, uint32_t *number)
{
	for (*number = 0; *number < consumer->handles.count; ++*number)
		if (strcmp(consumer->topics[*number], name) == 0)
			return true;
	return false;
}

uint32_t consumer_topic_named(const struct kafka_consumer *consumer, const char *name)
{
	uint32_t number;
	const bool found = consumer_find_topic(consumer, name, &number);
	assert(found);
	return found ? number : 0;
}

static void absence_log(const struct kafka_consumer *consumer, const struct absent_topic *absent, bool is_back)
{
	static const char *const words[ABSENCES][2] = {
		[TOPIC_GONE] = {"is gone", "exists again: it is read"},
		[TOPIC_DENIED] = {"may not be read by this login any more", "may be read again: it is read"},
	};
	static const char *const steps[ABSENCES] = {
		[TOPIC_GONE] = "Create it",
		[TOPIC_DENIED] = "Give the login the right that `sluice plan --acls` lists",
	};
	char line[TOPIC_NAME_BYTES + 192];
	const int length =
		snprintf(line, sizeof line, "Kafka: topic %s %s", consumer->topics[absent->topic], words[absent->absence][is_back]);
	if (!is_back && length > 0 && (size_t)length < sizeof line)
		(void)snprintf(line + length, sizeof line - (size_t)length, ": %s. %s", consumer_waiting(consumer->config),
			       steps[absent->absence]);
	kafka_log_say(is_back ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, line);
}

void consumer_note_missed(struct kafka_consumer *consumer)
{
	if (consumer->missed_ms == 0)
		consumer->missed_ms = clock_ms();
}

void consumer_note_denial(struct kafka_consumer *consumer, const char *topic, int64_t offset)
{
	struct absent_topic denied = {.absence = TOPIC_DENIED, .is_shown = offset >= 0};
	if (!consumer_find_topic(consumer, topic, &denied.topic))
		return;
	consumer_note_missed(consumer);
	const struct absent_topic *known = absent_topics_find(&consumer->absent, denied.topic);
	const bool is_known = known != NULL;
	denied.not_begun = !denied.is_shown || (known && known->not_begun);
	absent_topics_forget(&consumer->absent, denied.topic); /* what Kafka said last counts */
	if (absent_topics_note(&consumer->absent, denied) && !is_known)
		absence_log(consumer, &denied, false);
}

static bool is_given(const struct kafka_consumer *consumer, uint32_t topic)
{
	for (size_t i = 0; i < consumer->given.count; i++)
		if (consumer->given.items[i].topic == topic)
			return true;
	return false;
}

void consumer_note_given(struct kafka_consumer *consumer)
{
	struct absent_topics *absent = &consumer->absent;
	absent_topics_begin(absent);
	for (size_t i = absent->count; i-- > 0;)
		if (absent->items[i].is_shown && !is_given(consumer, absent->items[i].topic))
			absent_topics_forget(absent, absent->items[i].topic);
}

/* The topic may be read again. A partition of it whose begin was refused is begun by another assignment. */
static void denied_end(struct kafka_consumer *consumer, const struct absent_topic *denied)
{
	consumer->must_rejoin = consumer->must_rejoin || denied->not_begun;
	absence_log(consumer, denied, true);
	absent_topics_forget(&consumer->absent, denied->topic);
}

void consumer_note_read(struct kafka_consumer *consumer, const struct record *records, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct absent_topic *absent = absent_topics_find(&consumer->absent, records[i].topic);
		if (absent && absent->absence == TOPIC_DENIED)
			denied_end(consumer, absent);
	}
}

void consumer_ask_denied(struct kafka_consumer *consumer)
{
	const struct absent_topics *absent = &consumer->absent;
	consumer->asks_rights = false;
	for (size_t i = absent->count; i-- > 0;) {
		const struct absent_topic *one = &absent->items[i];
		if (!one->is_shown)
			continue;
		if (topic_member_right(consumer->registry_member, RIGHT_TO_READ, consumer->topics[one->topic]) == RIGHT_GIVEN)
			denied_end(consumer, one);
		else
			consumer->asks_rights = true;
	}
	if (!consumer->asks_rights)
		topic_member_forget_rights(consumer->registry_member);
}

/* ---- looks ---- */

/* An address that leads to another cluster has none of the topics. */
static void cluster_check(const struct kafka_consumer *consumer)
{
	char line[2 * LIBRARY_TEXT_MAX], *cluster = rd_kafka_clusterid(consumer->client, 0);
	if (!cluster)
		return;
	(void)snprintf(line, sizeof line,
		       "Kafka: another cluster answers at %.200s: its id is %.64s, and was %.64s. If that is a mistake, "
		       "correct the address; if not, start the engines again",
		       consumer->config->brokers, cluster, consumer->cluster ? consumer->cluster : cluster);
	if (consumer->cluster && strcmp(cluster, consumer->cluster) != 0)
		kafka_log_say(LOG_LEVEL_WARN, line);
	rd_kafka_mem_free(NULL, cluster);
}

/* Whether the lists name the topic for the same reason. */
static bool is_same(const struct absent_topics *absent, const struct absent_topic *topic)
{
	const struct absent_topic *same = absent_topics_find(absent, topic->topic);
	return same && same->absence == topic->absence;
}

static size_t count_gone(const struct absent_topics *absent)
{
	size_t count = 0;
	for (size_t i = 0; i < absent->count; i++)
		count += absent->items[i].absence == TOPIC_GONE;
	return count;
}

/* Takes over the topics that are absent now, which are `found` and those that Kafka shows and refuses. */
static void absence_take(struct kafka_consumer *consumer, struct absent_topics *found)
{
	struct absent_topics *absent = &consumer->absent;
	if (count_gone(found) > count_gone(absent))
		cluster_check(consumer);
	for (size_t i = 0; i < found->count; i++)
		if (!is_same(absent, &found->items[i]))
			absence_log(consumer, &found->items[i], false);
	for (size_t i = 0; i < absent->count; i++)
		if (!absent->items[i].is_shown && !absent_topics_find(found, absent->items[i].topic))
			absence_log(consumer, &absent->items[i], true);
	(void)absent_topics_replace(absent, found);
}

/* False: the topic is there, or Kafka did not say. */
static bool absence_of(const struct rd_kafka_metadata *metadata, const char *topic, enum absence *absence)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		if (strcmp(metadata->topics[i].topic, topic) != 0)
			continue;
		const rd_kafka_resp_err_t code = metadata->topics[i].err;
		*absence = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? TOPIC_DENIED : TOPIC_GONE;
		return *absence == TOPIC_DENIED || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	}
	return false;
}

/* False: memory ran out. */
static bool absence_find(const struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *subscribed,
			 struct absent_topics *found)
{
	const struct rd_kafka_metadata *metadata;
	bool good = rd_kafka_metadata(consumer->client, 0, NULL, &metadata, MISSED_WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (!good)
		return false;
	for (int i = 0; i < subscribed->cnt && good; i++) {
		struct absent_topic one = {.topic = consumer_topic_named(consumer, subscribed->elems[i].topic)};
		good = !absence_of(metadata, subscribed->elems[i].topic, &one.absence) || absent_topics_note(found, one);
	}
	rd_kafka_metadata_destroy(metadata);
	return good;
}

void consumer_look_for_topics(struct kafka_consumer *consumer)
{
	rd_kafka_topic_partition_list_t *subscribed;
	struct absent_topics found = {0};
	if (consumer->missed_ms == 0 || clock_ms() - consumer->missed_ms < CONSUMER_LOOK_MS ||
	    rd_kafka_subscription(consumer->client, &subscribed) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	consumer->missed_ms = clock_ms();
	if (absence_find(consumer, subscribed, &found)) {
		consumer->missed_ms = found.count == 0 ? 0 : consumer->missed_ms;
		consumer->must_rejoin = consumer->must_rejoin || absent_topics_wait_to_begin(&consumer->absent, &found);
		absence_take(consumer, &found);
	}
	absent_topics_close(&found);
	rd_kafka_topic_partition_list_destroy(subscribed);
}
