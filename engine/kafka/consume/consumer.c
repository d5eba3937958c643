/* consumer.c: librdkafka's consumer behind one queue and one bell; see consumer.h.
 *
 * The rebalance callback runs inside consumer_take() and only notes the change. librdkafka waits for the assign or
 * unassign call that follows, which consumer_accept() makes.
 */
#include "kafka/consume/consumer.h"

#include <assert.h>
#include <unistd.h>

#include "base/memory.h"
#include "kafka/consume/assignment_check.h"
#include "kafka/consume/commit_mark.h"
#include "kafka/consume/consumer_parts.h"
#include "net/loop.h"

#define SEEK_TIMEOUT_MS 5000	    /* answered by the client's own threads, in well under one second */
#define SEEK_WAITS_SINCE 0x020100ff /* earlier versions wait for a thousandth of the given time */
#define CLOSE_WAIT_S 5

/* ---- opening and closing ---- */

/* librdkafka frees the text. */
static int on_statistics(rd_kafka_t *client, char *json, size_t length, void *context)
{
	const struct kafka_consumer *consumer = context;
	struct error error = {0};
	(void)client;
	if (!consumer->closing && consumer->config->statistics)
		(void)client_statistics_read((struct text){json, length}, consumer->config->statistics, &error);
	return 0;
}

static rd_kafka_conf_t *configuration_of(const struct consumer_config *config, struct kafka_consumer *consumer, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", config->brokers},
		{"group.id", config->group},
		{"group.instance.id", config->instance},
		{"auto.offset.reset", "earliest"},
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"isolation.level", "read_committed"},
		{"session.timeout.ms", "6000"},
		{"heartbeat.interval.ms", "1500"},
		/* Added partitions, and a topic that was created again, are read after at most this time;
		 * librdkafka's default is 5 min. */
		{"topic.metadata.refresh.interval.ms", "5000"},
		{"metadata.max.age.ms", "900000"}, /* its default without the setting above; else it is three times that */
		{"fetch.queue.backoff.ms", fetch_wake_backoff_ms()},
		/* The partitions of topics that are joined are assigned to the same member. */
		{"partition.assignment.strategy", "range"},
		{"statistics.interval.ms", config->statistics ? CLIENT_STATISTICS_MS : NULL},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->properties, error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_opaque(configuration, consumer);
	rd_kafka_conf_set_rebalance_cb(configuration, consumer_on_rebalance);
	rd_kafka_conf_set_error_cb(configuration, consumer_on_error);
	rd_kafka_conf_set_stats_cb(configuration, on_statistics);
	consumer_log_resets(consumer, configuration);
	return configuration;
}

static bool consumer_failed(struct error *error, const char *doing, rd_kafka_resp_err_t code)
{
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's consumer could not %s: %s", doing, rd_kafka_err2str(code));
}

static bool subscribe(struct kafka_consumer *consumer, const char *const *names, const bool *read, size_t count,
		      struct error *error)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	for (size_t i = 0; i < count; i++)
		if (!read || read[i])
			rd_kafka_topic_partition_list_add(list, names[i], RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t code =
		list->cnt > 0 ? rd_kafka_subscribe(consumer->client, list) : rd_kafka_unsubscribe(consumer->client);
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR || consumer_failed(error, "subscribe", code);
}

static bool consumer_join(struct kafka_consumer *consumer, const struct consumer_config *config, struct error *error)
{
	if (config->assigned.count > 0) {
		for (size_t i = 0; i < config->assigned.count; i++)
			if (config->assigned.items[i].partition >= consumer->assigned)
				consumer->assigned = config->assigned.items[i].partition + 1;
		if (!consumer_note_change(consumer, ASSIGNMENT_GIVEN, config->assigned.count))
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s", consumer->failure.text);
		memcpy(consumer->changed.items, config->assigned.items, config->assigned.count * sizeof(struct position));
		return true;
	}
	return subscribe(consumer, config->topics, NULL, config->topic_count, error);
}

static bool client_set_up(struct kafka_consumer *consumer, size_t topic_count, struct error *error)
{
	rd_kafka_conf_t *configuration = configuration_of(consumer->config, consumer, error);
	consumer_log_attach(consumer, NULL);
	consumer->client = configuration ? client_open(RD_KAFKA_CONSUMER, configuration, error) : NULL;
	consumer->is_covered = false;
	if (!consumer->client)
		return false;
	consumer_log_attach(consumer, consumer->client);
	rd_kafka_poll_set_consumer(consumer->client);
	fetch_wake_begin(&consumer->fetch_wake, consumer->client);
	consumer->queue = rd_kafka_queue_get_consumer(consumer->client);
	client_queue_ring(consumer->queue, consumer->bell);
	return topic_handles_follow(&consumer->handles, consumer->client, consumer->topics, topic_count, error);
}

/* Closes everything that belongs to the client, and returns the client to the caller. */
static rd_kafka_t *client_take_down(struct kafka_consumer *consumer)
{
	topic_handles_close(&consumer->handles);
	consumer_end_check(consumer);
	if (consumer->membership)
		rd_kafka_consumer_group_metadata_destroy(consumer->membership);
	consumer->membership = NULL;
	rd_kafka_t *client = consumer->client;
	consumer->client = NULL;
	client_queue_forget(consumer->queue);
	consumer->queue = NULL;
	return client;
}

static const struct consumer_operations kafka_operations;

static bool consumer_set_up(struct kafka_consumer *consumer, const struct consumer_config *config, struct error *error)
{
	if (config->topic_count > TOPICS_READ_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "one group would read %zu topics, and at most %zu are possible; run some pipelines in an "
				 "engine with another namespace",
				 config->topic_count, TOPICS_READ_MAX);
	consumer->bell = bell_open(error);
	if (consumer->bell < 0)
		return false;
	const struct topic_member_config member = {
		.brokers = config->brokers, .properties = config->properties, .bell = consumer->bell};
	consumer->registry_member = topic_member_open(&member, error);
	return consumer->registry_member && client_set_up(consumer, config->topic_count, error) &&
	       consumer_join(consumer, config, error);
}

struct consumer *consumer_open(const struct consumer_config *config, struct error *error)
{
	assert(config->brokers && config->group);
	assert(config->topic_count == 0 || config->topics);
	struct kafka_consumer *consumer = memory_take(1, sizeof *consumer);
	if (!consumer) {
		error_memory(error, ERROR_SYSTEM, "opening a consumer");
		return NULL;
	}
	consumer->consumer.operations = &kafka_operations;
	consumer->config = config;
	consumer->topics = config->topics;
	consumer->handles.numbered = true;
	consumer->bell = -1;
	pthread_mutex_init(&consumer->asking, NULL);
	pthread_mutex_init(&consumer->resets_lock, NULL);
	if (consumer_set_up(consumer, config, error))
		return &consumer->consumer;
	consumer_close(&consumer->consumer);
	return NULL;
}

static void left_behind_say(const struct kafka_consumer *consumer)
{
	char line[LIBRARY_TEXT_MAX];
	(void)snprintf(line, sizeof line,
		       "Kafka: no broker has confirmed within %d s that this member leaves group %s: the others get its partitions "
		       "when its session ends",
		       CLOSE_WAIT_S, consumer->config->group);
	kafka_log_say(LOG_LEVEL_WARN, line);
}

static void kafka_close(struct consumer *self)
{
	struct kafka_consumer *consumer = (struct kafka_consumer *)self;
	consumer->closing = true;
	topic_member_close(consumer->registry_member);
	/* An unaccepted change would block the close. */
	if (consumer->client && consumer->change != ASSIGNMENT_SAME)
		rd_kafka_assign(consumer->client, NULL);
	rd_kafka_t *client = client_take_down(consumer);
	const bool has_left = !client || client_leave(client, CLOSE_WAIT_S, consumer);
	if (!has_left)
		left_behind_say(consumer);
	consumer_log_detach(consumer);
	if (consumer->bell >= 0)
		close(consumer->bell);
	memory_give(consumer->changed.items);
	memory_give(consumer->coming.items);
	memory_give(consumer->given.items);
	commit_references_close(&consumer->consumer.references);
	pthread_mutex_destroy(&consumer->asking);
	pthread_mutex_destroy(&consumer->resets_lock);
	memory_give(consumer->resets);
	absent_topics_close(&consumer->absent);
	if (consumer->cluster)
		rd_kafka_mem_free(NULL, consumer->cluster);
	if (has_left) /* else the client's callbacks look whether it is being closed */
		memory_give(consumer);
}

static int kafka_bell(const struct consumer *self)
{
	return ((const struct kafka_consumer *)self)->bell;
}

rd_kafka_t *consumer_client(const struct consumer *self)
{
	return ((const struct kafka_consumer *)self)->client;
}

/* The lock is not part of the consumer's constant state. */
static pthread_mutex_t *asking_of(const struct consumer *self)
{
	return &((struct kafka_consumer *)(uintptr_t)self)->asking;
}

rd_kafka_resp_err_t consumer_settled(const struct consumer *self, struct position *position, struct state_reference *reference,
				     char changelog[CHANGELOG_NAME_BYTES_MAX], int timeout_ms)
{
	rd_kafka_topic_partition_list_t *list = consumer_list(self, (struct positions){1, position});
	pthread_mutex_lock(asking_of(self));
	rd_kafka_t *client = consumer_client(self);
	rd_kafka_resp_err_t code = client ? rd_kafka_committed(client, list, timeout_ms) : RD_KAFKA_RESP_ERR__STATE;
	pthread_mutex_unlock(asking_of(self));
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = list->elems[0].err;
	const rd_kafka_topic_partition_t *entry = &list->elems[0];
	position->offset = entry->offset < 0 ? OFFSET_NONE : entry->offset;
	state_reference_read(commit_mark_strip((struct text){entry->metadata, entry->metadata_size}), reference, changelog);
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

const rd_kafka_consumer_group_metadata_t *consumer_membership(const struct consumer *self)
{
	return ((const struct kafka_consumer *)self)->membership;
}

static bool reference_set(rd_kafka_topic_partition_t *entry, const struct state_reference *reference)
{
	char metadata[STATE_REFERENCE_BYTES_MAX];
	state_reference_write(reference, metadata);
	return partition_metadata_set(entry, text_of(metadata));
}

rd_kafka_topic_partition_list_t *consumer_commit_list(const struct consumer *self, struct positions positions)
{
	rd_kafka_topic_partition_list_t *list = consumer_list(self, positions);
	for (size_t i = 0; list && i < positions.count; i++) {
		const struct state_reference *reference = commit_references_find(&self->references, &positions.items[i]);
		if (reference && !reference_set(&list->elems[i], reference)) {
			rd_kafka_topic_partition_list_destroy(list);
			return NULL;
		}
	}
	return list;
}

/* ---- records ---- */

static void record_fill(rd_kafka_message_t *message, struct record *record)
{
	rd_kafka_timestamp_type_t type;
	*record = (struct record){
		.topic = topic_handle_number(message->rkt),
		.partition = message->partition,
		.offset = message->offset,
		.time_ms = rd_kafka_message_timestamp(message, &type),
		.key = {message->key, message->key_len},
		.value = {message->payload, message->len},
		.held = message,
	};
}

static void consumer_rejoin(struct kafka_consumer *consumer)
{
	consumer->must_rejoin = false;
	const rd_kafka_resp_err_t code = group_rejoin(consumer->client);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		(void)consumer_failed(&consumer->failure, "join its group again", code);
}

/* Partitions that were moved to another group are not shown to the worker, nor read. */
static void leave_out_moved(struct kafka_consumer *consumer)
{
	struct positions *changed = &consumer->changed;
	size_t kept = 0;
	for (size_t i = 0; i < changed->count; i++)
		if (!assignment_check_is_moved(consumer->check, consumer->topics[changed->items[i].topic],
					       changed->items[i].partition))
			changed->items[kept++] = changed->items[i];
	changed->count = kept;
	consumer->checking = false;
}

static void consumer_take_check(struct kafka_consumer *consumer)
{
	if (consumer->checking && assignment_check_knows_moves(consumer->check))
		leave_out_moved(consumer);
	if (consumer->change == ASSIGNMENT_SAME && assignment_check_fails(consumer->check)) {
		consumer_end_check(consumer);
		consumer->is_covered = true; /* it joins again once for that, at most */
		consumer_rejoin(consumer);
	}
}

static bool kafka_take(struct consumer *self, struct record *records, size_t room, size_t *count, struct error *error)
{
	struct kafka_consumer *consumer = (struct kafka_consumer *)self;
	if (room > TAKE_ROOM_MAX || consumer->fenced)
		room = consumer->fenced ? 0 : TAKE_ROOM_MAX;
	ssize_t taken = rd_kafka_consume_batch_queue(consumer->queue, 0, consumer->taken, room);
	size_t bytes = 0;
	*count = 0;
	for (ssize_t i = 0; i < taken; i++) {
		rd_kafka_message_t *message = consumer->taken[i];
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			bytes += message->key_len + message->len;
			record_fill(message, &records[(*count)++]);
			continue;
		}
		consumer_on_refusal(consumer, message);
		rd_kafka_message_destroy(message);
	}
	fetch_wake_note(&consumer->fetch_wake, *count, bytes, taken < (ssize_t)room);
	if (*count > 0) {
		const struct record *last = &records[*count - 1];
		consumer->hindrance = (struct hindrance){0};
		topic_member_note(consumer->registry_member, consumer->topics[last->topic], last->partition, last->offset,
				  last->time_ms);
	}
	if (consumer->absent.count > 0)
		consumer_note_read(consumer, records, *count);
	if (consumer->absent.count > 0 || consumer->asks_rights)
		consumer_ask_denied(consumer);
	if (consumer->unbegun_ms > 0)
		consumer_begin_again(consumer);
	if (consumer->check)
		consumer_take_check(consumer);
	if (consumer->must_rejoin && consumer->change == ASSIGNMENT_SAME)
		consumer_rejoin(consumer);
	consumer_look_for_topics(consumer);
	if (consumer->failure.kind == ERROR_NONE)
		return true;
	while (*count > 0)
		record_release(&records[--*count]);
	*error = consumer->failure;
	return false;
}

static void kafka_stay(struct consumer *self)
{
	struct kafka_consumer *consumer = (struct kafka_consumer *)self;
	rd_kafka_consume_batch_queue(consumer->queue, 0, consumer->taken, 0);
	if (consumer->check)
		consumer_take_check(consumer);
}

/* ---- the assignment ---- */

static enum assignment_change kafka_change(const struct consumer *self, struct positions *positions)
{
	const struct kafka_consumer *consumer = (const struct kafka_consumer *)self;
	*positions = consumer->changed;
	return consumer->checking ? ASSIGNMENT_SAME : consumer->change;
}

/* All partitions of a group are assigned and revoked at once. One that was paused when it was revoked is paused for librdkafka
 * still. It is resumed before, since that would void a query for its first offset. */
static bool accept_given(struct kafka_consumer *consumer, struct error *error)
{
	rd_kafka_topic_partition_list_t *list = consumer_list(&consumer->consumer, consumer->changed);
	(void)rd_kafka_resume_partitions(consumer->client, list);
	rd_kafka_resp_err_t code = rd_kafka_assign(consumer->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (consumer->membership)
		rd_kafka_consumer_group_metadata_destroy(consumer->membership);
	consumer->membership = rd_kafka_consumer_group_metadata(consumer->client);
	memory_give(consumer->given.items);
	consumer->given = consumer->changed;
	consumer->changed = (struct positions){0};
	consumer->unbegun_ms = 0;
	consumer->hindrance = (struct hindrance){0};
	consumer_note_given(consumer);
	if (!consumer->cluster)
		consumer->cluster = rd_kafka_clusterid(consumer->client, 0);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR || consumer_failed(error, "take its partitions", code);
}

/* The new client reads the topics of the previous one. */
static bool replace_fenced(struct kafka_consumer *consumer, struct error *error)
{
	rd_kafka_topic_partition_list_t *list = NULL;
	size_t topic_count = consumer->handles.count;
	rd_kafka_resp_err_t code = rd_kafka_subscription(consumer->client, &list);
	consumer->fenced = false;
	pthread_mutex_lock(&consumer->asking);
	client_destroy(client_take_down(consumer), 0);
	bool good = code == RD_KAFKA_RESP_ERR_NO_ERROR && client_set_up(consumer, topic_count, error);
	pthread_mutex_unlock(&consumer->asking);
	if (good)
		code = rd_kafka_subscribe(consumer->client, list);
	if (list)
		rd_kafka_topic_partition_list_destroy(list);
	return (good && code == RD_KAFKA_RESP_ERR_NO_ERROR) || consumer_failed(error, "join the group again", code);
}

static bool accept_taken(struct kafka_consumer *consumer, struct error *error)
{
	consumer->given.count = 0;
	if (consumer->fenced)
		return replace_fenced(consumer, error);
	rd_kafka_resp_err_t code = rd_kafka_assign(consumer->client, NULL);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR || consumer_failed(error, "give up its partitions", code);
}

static bool kafka_accept(struct consumer *self, struct error *error)
{
	struct kafka_consumer *consumer = (struct kafka_consumer *)self;
	enum assignment_change change = consumer->change;
	consumer->change = ASSIGNMENT_SAME;
	topic_member_forget(consumer->registry_member);
	if (!(change == ASSIGNMENT_GIVEN ? accept_given(consumer, error) : accept_taken(consumer, error)))
		return false;
	fetch_wake_change(&consumer->fetch_wake);
	if (consumer->coming.items) {
		const struct positions coming = consumer->coming;
		consumer->coming = (struct positions){0};
		consumer_give(consumer, coming);
	}
	return true;
}

/* A partition that librdkafka does not read yet begins at its committed offset by itself: the group was asked, and did not tell. */
static rd_kafka_resp_err_t sought_code(const rd_kafka_topic_partition_t *entry)
{
	return entry->err == RD_KAFKA_RESP_ERR__STATE ? RD_KAFKA_RESP_ERR_NO_ERROR : entry->err;
}

static bool kafka_seek(struct consumer *self, struct positions positions, struct error *error)
{
	struct kafka_consumer *consumer = (struct kafka_consumer *)self;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)positions.count);
	for (size_t i = 0; i < positions.count; i++) {
		const struct position *position = &positions.items[i];
		if (position->offset != OFFSET_NONE)
			rd_kafka_topic_partition_list_add(list, consumer->topics[position->topic], position->partition)->offset =
				position->offset;
	}
	int timeout_ms = rd_kafka_version() < SEEK_WAITS_SINCE ? SEEK_TIMEOUT_MS * 1000 : SEEK_TIMEOUT_MS;
	rd_kafka_error_t *whole = list->cnt ? rd_kafka_seek_partitions(consumer->client, list, timeout_ms) : NULL;
	rd_kafka_resp_err_t code = whole ? rd_kafka_error_code(whole) : RD_KAFKA_RESP_ERR_NO_ERROR;
	for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		code = sought_code(&list->elems[i]);
	if (whole)
		rd_kafka_error_destroy(whole);
	rd_kafka_topic_partition_list_destroy(list);
	fetch_wake_change(&consumer->fetch_wake);
	/* The next owner reads lost partitions from their committed offsets anyway. */
	bool lost = rd_kafka_assignment_lost(consumer->client) || consumer_has_failed(self);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR || lost || consumer_failed(error, "go back to the committed offsets", code);
}

static bool kafka_pause(struct consumer *self, struct positions positions, bool paused, struct error *error)
{
	struct kafka_consumer *consumer = (struct kafka_consumer *)self;
	rd_kafka_topic_partition_list_t *list = consumer_list(self, positions);
	rd_kafka_resp_err_t code =
		paused ? rd_kafka_pause_partitions(consumer->client, list) : rd_kafka_resume_partitions(consumer->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	fetch_wake_change(&consumer->fetch_wake);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR || consumer_failed(error, paused ? "pause" : "go on", code);
}

/* Without a group: revokes all current partitions, and assigns all new ones. */
static bool assign_anew(struct kafka_consumer *consumer, const struct consumer_topics *topics, struct error *error)
{
	size_t partitions = (size_t)consumer->assigned;
	struct positions *coming = &consumer->coming;
	consumer_forget_coming(consumer);
	coming->items = memory_take(topics->count * partitions + 1, sizeof(struct position));
	if (!coming->items)
		return error_memory(error, ERROR_SYSTEM, "changing the assignment of partitions");
	for (size_t i = 0; i < topics->count * partitions; i++)
		if (topics->read[i / partitions])
			coming->items[coming->count++] =
				(struct position){(uint32_t)(i / partitions), (int32_t)(i % partitions), OFFSET_NONE};
	return consumer_note_end(consumer, ASSIGNMENT_TAKEN) ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s", consumer->failure.text);
}

static bool kafka_follow(struct consumer *self, const struct consumer_topics *topics, struct error *error)
{
	struct kafka_consumer *consumer = (struct kafka_consumer *)self;
	assert(!consumer->checking);
	if (topics->count > TOPICS_READ_MAX)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "more than %zu topics were read since the start; start again",
				 TOPICS_READ_MAX);
	if (!topic_handles_follow(&consumer->handles, consumer->client, topics->names, topics->count, error))
		return false;
	consumer->topics = topics->names;
	for (size_t i = 0; i < topics->count; i++)
		if (!topics->read[i])
			absent_topics_forget(&consumer->absent, (uint32_t)i);
	if (consumer->assigned > 0)
		return assign_anew(consumer, topics, error);
	return subscribe(consumer, topics->names, topics->read, topics->count, error);
}

static bool kafka_gap(struct consumer *self, struct gap *gap)
{
	return consumer_find_gap((struct kafka_consumer *)self, gap);
}

static bool kafka_is_checking(const struct consumer *self)
{
	return ((const struct kafka_consumer *)self)->checking;
}

static size_t kafka_absent(const struct consumer *self, const struct absent_topic **topics)
{
	const struct kafka_consumer *consumer = (const struct kafka_consumer *)self;
	*topics = consumer->absent.items;
	return consumer->absent.count;
}

static bool kafka_lacks_group(const struct consumer *self)
{
	return atomic_load(&((const struct kafka_consumer *)self)->group_denied);
}

static bool kafka_extent(const struct consumer *self, uint32_t topic, int32_t partition, struct partition_extent *extent)
{
	const struct kafka_consumer *consumer = (const struct kafka_consumer *)self;
	int64_t begin, end;
	if (rd_kafka_get_watermark_offsets(consumer->client, consumer->topics[topic], partition, &begin, &end) !=
		    RD_KAFKA_RESP_ERR_NO_ERROR ||
	    end < 0)
		return false;
	*extent = (struct partition_extent){begin > 0 ? begin : 0, end};
	return true;
}

static const struct consumer_operations kafka_operations = {
	.close = kafka_close,
	.bell = kafka_bell,
	.take = kafka_take,
	.stay = kafka_stay,
	.change = kafka_change,
	.accept = kafka_accept,
	.seek = kafka_seek,
	.pause = kafka_pause,
	.follow = kafka_follow,
	.gap = kafka_gap,
	.is_checking = kafka_is_checking,
	.absent = kafka_absent,
	.lacks_group = kafka_lacks_group,
	.extent = kafka_extent,
};
