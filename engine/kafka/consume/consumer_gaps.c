/* consumer_gaps.c: Detection of records that were deleted before they were read; see consumer_parts.h.
 *
 * When Kafka does not have the requested offset, librdkafka continues at the beginning of the partition
 * (`auto.offset.reset`). It reports that only by a line of its log: "TOPIC [PARTITION]: offset reset (at offset N,
 * ...". The line comes from librdkafka's threads, before the records behind it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "kafka/consume/consumer_parts.h"
#include "net/loop.h"

#define EXTENT_SURE_MS 3000 /* after a reset, until it is believed that a partition ends before the offset; the worker waits */
#define EXTENT_PAUSE_MS 100
#define EXTENT_ANSWER_MS 1000 /* for the broker, beside what its answer waits for (answer_most_ms()) */
#define FETCH_WAIT_MS 500     /* librdkafka's own default */
#define COMMITTED_WAIT_MS 2000
#define RESET_MARK "]: offset reset (at offset "
#define GAP_LINE_BYTES 512
#define RESET_LEVEL 4 /* of syslog: a warning, as librdkafka writes that line */
#define USUAL_LEVEL 6 /* librdkafka's own default, for lines that no consumer gets */

static pthread_mutex_t log_listeners_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list log_listeners; /* struct kafka_consumer */

void consumer_log_attach(struct kafka_consumer *consumer, const rd_kafka_t *client)
{
	pthread_mutex_lock(&log_listeners_lock);
	if (!consumer->log_listener.list)
		list_add(&log_listeners, &consumer->log_listener);
	consumer->log_source = client;
	pthread_mutex_unlock(&log_listeners_lock);
}

void consumer_log_detach(struct kafka_consumer *consumer)
{
	pthread_mutex_lock(&log_listeners_lock);
	list_remove(&consumer->log_listener);
	pthread_mutex_unlock(&log_listeners_lock);
}

/* With the lock. The consumer for which the client was made, if it still gets its lines; else NULL. */
static struct kafka_consumer *log_listener_of(const rd_kafka_t *client)
{
	const void *made_for = rd_kafka_opaque(client);
	for (struct list_node *node = log_listeners.first; node; node = node->next) {
		struct kafka_consumer *consumer = LIST_OWNER(node, struct kafka_consumer, log_listener);
		if (consumer == made_for && (!consumer->log_source || consumer->log_source == client))
			return consumer;
	}
	return NULL;
}

bool gap_line_read(const char *words, struct offset_reset *reset)
{
	const char *thread = words[0] == '[' ? strstr(words, "]: ") : NULL;
	const char *topic = thread ? thread + strlen("]: ") : words;
	const char *mark = strstr(topic, RESET_MARK), *bracket = mark;
	while (bracket && bracket > topic && *bracket != '[')
		bracket--;
	if (!mark || bracket - topic < 2 || bracket[-1] != ' ' || (size_t)(bracket - topic) > sizeof reset->topic)
		return false;
	const char *digits = mark + strlen(RESET_MARK);
	int64_t partition;
	struct text number = {bracket + 1, (size_t)(mark - bracket - 1)};
	struct text offset = {digits, strspn(digits, "0123456789")};
	if (!number_read_int64(number, &partition) || partition < 0 || partition > INT32_MAX ||
	    !number_read_int64(offset, &reset->offset))
		return false;
	memcpy(reset->topic, topic, (size_t)(bracket - topic - 1));
	reset->topic[bracket - topic - 1] = '\0';
	reset->partition = (int32_t)partition;
	return true;
}

static void reset_note(struct kafka_consumer *consumer, const struct offset_reset *reset)
{
	pthread_mutex_lock(&consumer->resets_lock);
	struct offset_reset *items = memory_resize(consumer->resets, consumer->reset_count + 1, sizeof *items);
	if (items) {
		items[consumer->reset_count] = *reset;
		items[consumer->reset_count++].noted_ms = clock_ms();
		consumer->resets = items;
	}
	consumer->resets_lost = consumer->resets_lost || !items;
	pthread_mutex_unlock(&consumer->resets_lock);
	bell_ring(consumer->bell); /* there may be no record after it */
}

void consumer_log_resets(struct kafka_consumer *consumer, rd_kafka_conf_t *configuration)
{
	char level[16] = "", words[LIBRARY_TEXT_MAX];
	size_t size = sizeof level;
	int64_t number = RESET_LEVEL;
	(void)rd_kafka_conf_get(configuration, "log_level", level, &size);
	(void)number_read_int64(text_of(level), &number);
	pthread_mutex_lock(&log_listeners_lock);
	consumer->log_level = (int)number; /* librdkafka accepts 0 to 7 */
	pthread_mutex_unlock(&log_listeners_lock);
	(void)snprintf(level, sizeof level, "%d", RESET_LEVEL);
	if (number < RESET_LEVEL)
		(void)rd_kafka_conf_set(configuration, "log_level", level, words, sizeof words);
	rd_kafka_conf_set_log_cb(configuration, consumer_on_log_line);
}

void consumer_on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words)
{
	struct offset_reset reset;
	const bool is_reset = strcmp(facility, "OFFSET") == 0 && gap_line_read(words, &reset);
	pthread_mutex_lock(&log_listeners_lock);
	struct kafka_consumer *consumer = log_listener_of(client);
	const int log_level = consumer ? consumer->log_level : USUAL_LEVEL;
	if (consumer && is_reset)
		reset_note(consumer, &reset);
	pthread_mutex_unlock(&log_listeners_lock);
	if (!is_reset && level <= log_level)
		client_on_log_line(client, level, facility, words);
}

static bool reset_take(struct kafka_consumer *consumer, struct offset_reset *reset)
{
	pthread_mutex_lock(&consumer->resets_lock);
	bool any = consumer->reset_count > 0;
	if (any)
		*reset = consumer->resets[--consumer->reset_count];
	pthread_mutex_unlock(&consumer->resets_lock);
	return any;
}

static bool is_read(const struct kafka_consumer *consumer, const char *topic)
{
	for (size_t i = 0; i < consumer->handles.count; i++)
		if (strcmp(consumer->topics[i], topic) == 0)
			return true;
	return false;
}

/* The longest that an extent takes, which is two questions: a broker answers the requests of a connection in turn, so that each of
 * them may wait for a fetch that finds nothing. */
static int64_t answer_most_ms(rd_kafka_t *client)
{
	char value[24] = "";
	size_t size = sizeof value;
	int64_t wait_ms = FETCH_WAIT_MS;
	if (rd_kafka_conf_get(rd_kafka_conf(client), "fetch.wait.max.ms", value, &size) == RD_KAFKA_CONF_OK)
		(void)number_read_int64(text_of(value), &wait_ms);
	return EXTENT_ANSWER_MS + 2 * wait_ms;
}

/* Where the partition begins, if it has not the offset; OFFSET_NONE: it has, or Kafka does not tell. A broker that was stopped does
 * not know at once that another one leads the partition now: it has less than was read, and says so until then. */
static int64_t begin_without(struct kafka_consumer *consumer, const struct offset_reset *reset)
{
	static const struct timespec pause = {.tv_nsec = EXTENT_PAUSE_MS * NS_PER_MS};
	const int64_t until_ms = reset->noted_ms + EXTENT_SURE_MS; /* of all partitions of a topic at once */
	const int64_t most_ms = answer_most_ms(consumer->client);
	for (;; nanosleep(&pause, NULL)) {
		int64_t begin = OFFSET_NONE, end = OFFSET_NONE;
		const int64_t left_ms = until_ms - clock_ms();
		(void)client_find_extent(consumer->client, reset->topic, reset->partition, &begin, &end,
					 (int)(left_ms > most_ms ? left_ms : most_ms)); /* also of the last one, which decides */
		if (begin > reset->offset)
			return begin;
		if (begin != OFFSET_NONE && end >= reset->offset)
			return OFFSET_NONE;
		if (clock_ms() >= until_ms)
			return begin;
	}
}

static int64_t offset_committed(const struct kafka_consumer *consumer, const struct offset_reset *reset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	const rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, reset->topic, reset->partition);
	const bool is_told = !rd_kafka_committed(consumer->client, list, COMMITTED_WAIT_MS) && !entry->err;
	const int64_t offset = !is_told ? OFFSET_UNKNOWN : entry->offset < 0 ? OFFSET_NONE : entry->offset;
	rd_kafka_topic_partition_list_destroy(list);
	return offset;
}

static bool reset_find(struct kafka_consumer *consumer, struct gap *gap, char topic[TOPIC_NAME_BYTES])
{
	struct offset_reset reset;
	do {
		if (!reset_take(consumer, &reset))
			return false;
	} while (!is_read(consumer, reset.topic));
	*gap = (struct gap){.topic = consumer_topic_named(consumer, reset.topic),
			    .partition = reset.partition,
			    .from = reset.offset,
			    .to = begin_without(consumer, &reset)};
	if (gap->to != OFFSET_NONE)
		topic_member_forget(consumer->registry_member); /* records read now follow another beginning */
	else
		gap->committed = offset_committed(consumer, &reset);
	memcpy(topic, reset.topic, TOPIC_NAME_BYTES);
	return true;
}

static bool remade_find(struct kafka_consumer *consumer, struct gap *gap, char topic[TOPIC_NAME_BYTES])
{
	struct topic_replacement news;
	do {
		if (!topic_member_replaced(consumer->registry_member, &news))
			return false;
	} while (!is_read(consumer, news.topic));
	*gap = (struct gap){.topic = consumer_topic_named(consumer, news.topic),
			    .partition = news.partition,
			    .from = news.begin,
			    .to = news.end,
			    .remade = true};
	memcpy(topic, news.topic, TOPIC_NAME_BYTES);
	return true;
}

bool consumer_find_gap(struct kafka_consumer *consumer, struct gap *gap)
{
	char line[GAP_LINE_BYTES], topic[TOPIC_NAME_BYTES];
	if (!reset_find(consumer, gap, topic) && !remade_find(consumer, gap, topic))
		return false;
	gap_words(gap, topic, line, sizeof line);
	kafka_log_say(LOG_LEVEL_WARN, line);
	return true;
}

void gap_words(const struct gap *gap, const char *topic, char *words, size_t size)
{
	if (gap->remade)
		(void)snprintf(words, size,
			       "Kafka: topic %s was created again while it was read: at least %lld records of %s-%d were not "
			       "read, offsets %lld to %lld",
			       topic, (long long)gap_count(gap), topic, (int)gap->partition, (long long)gap->from,
			       (long long)gap->to - 1);
	else if (gap->to == OFFSET_NONE)
		(void)snprintf(words, size,
			       "Kafka: a broker had not got offset %lld of %s-%d, as one that was stopped and has just come back; "
			       "it is asked for again",
			       (long long)gap->from, topic, (int)gap->partition);
	else if (gap->to > gap->from)
		(void)snprintf(words, size,
			       "Kafka: %lld records of %s-%d were deleted before they were read: offsets %lld to %lld, by "
			       "retention or by an operator",
			       (long long)(gap->to - gap->from), topic, (int)gap->partition, (long long)gap->from,
			       (long long)gap->to - 1);
	else
		(void)snprintf(words, size,
			       "Kafka: %s-%d ends before offset %lld, the position of the engine: the topic was created again, "
			       "or truncated. It is read from its beginning",
			       topic, (int)gap->partition, (long long)gap->from);
}
