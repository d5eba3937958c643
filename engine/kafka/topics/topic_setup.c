/* topic_setup.c: see topic_setup.h. */
#include "kafka/topics/topic_setup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/admin_client.h"
#include "kafka/state/changelog_settings.h"
#include "kafka/kafka_wait.h"

#define LOOK_AGAIN_MS 50
#define LOOK_SELDOM_MS 800 /* a broker that is behind is asked less and less: each answer has all its topics */
#define ANSWER_TEXT_MAX 256
#define LINE_BYTES 512
#define ANSWER_LOOK_MS 200 /* between two looks whether the wait for an answer is over */

struct topic_keeper {
	struct admin_client *admin;
	struct wanted_topics wanted;
	const atomic_bool *stopping; /* NULL: never */
	bool *missing; /* for each topic */
	size_t missing_count;
	int *partitions; /* of each existing topic */
	struct error left; /* a changelog is missing, and the pipeline's state is in another one */
	struct error deleted; /* a topic is missing, and the one with which it was created is not */
	bool may_pass; /* topics were not created for a reason that may pass */
};

/* ---- checks ---- */

static void say_waiting(const char *topic)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "Kafka: topic %s does not exist yet: waiting for it, at most %d s", topic,
		       TOPICS_APPEAR_MS / MS_PER_S);
	kafka_log_say(LOG_LEVEL_INFO, line);
}

static bool is_wanted(const struct topic_keeper *keeper, const char *name)
{
	for (size_t i = 0; i < keeper->wanted.count; i++)
		if (strcmp(keeper->wanted.items[i].name, name) == 0)
			return true;
	return false;
}

/* Whether the topic is a changelog of that pipeline. The name of its stage has no dot. */
static bool is_of_family(const char *family, const char *name)
{
	size_t begin = strlen(family), end = strlen(CHANGELOG_NAME_END), length = strlen(name);
	return length > begin + end && strncmp(name, family, begin) == 0 &&
	       strcmp(name + length - end, CHANGELOG_NAME_END) == 0 &&
	       (size_t)(strchr(name + begin, '.') - name) == length - end;
}

/* Notes an error if a stage was renamed or replaced: the state of its steps is still in the old changelog. */
static void note_left(struct topic_keeper *keeper, const struct wanted_topic *topic, const struct rd_kafka_metadata *metadata)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const char *name = metadata->topics[i].topic;
		if (is_of_family(topic->family, name) && !is_wanted(keeper, name))
			error_set(&keeper->left, ERROR_CONFIG, PLACE_NONE,
				  "pipeline %s would keep its state in changelog %s, which does not exist, and its former "
				  "state is in %s: was a step renamed, or `isolate` or a key changed? Undo that, or accept the "
				  "loss: `--new-state %s` starts without state; then delete the old changelog",
				  topic->pipeline, topic->name, name, topic->pipeline);
	}
}

/* Notes an error if somebody deleted a topic whose records cannot be replaced. */
static void note_deleted(struct topic_keeper *keeper, const struct wanted_topic *topic, const struct rd_kafka_metadata *metadata)
{
	if (client_partition_count(metadata, topic->created_with) > 0)
		error_set(&keeper->deleted, ERROR_CONFIG, PLACE_NONE,
			  "topic %s is missing, and %s, which is created together with it, exists: topic %s was deleted, with "
			  "all that it contained. To begin again from nothing, delete the other one too (kafka-topics.sh "
			  "--delete --topic %s)",
			  topic->name, topic->created_with, topic->name, topic->created_with);
}

static int topics_compare(const void *a, const void *b)
{
	const struct rd_kafka_metadata_topic *const *left = a, *const *right = b;
	return strcmp((*left)->topic, (*right)->topic);
}

static int topic_compare(const void *name, const void *item)
{
	const struct rd_kafka_metadata_topic *const *topic = item;
	return strcmp(name, (*topic)->topic);
}

/* Notes the partitions of each wanted topic. The topics are sorted first: thousands are looked for among thousands. */
static bool partitions_note(struct topic_keeper *keeper, const struct rd_kafka_metadata *metadata, struct error *error)
{
	const size_t count = (size_t)metadata->topic_cnt;
	const struct rd_kafka_metadata_topic **sorted = memory_take(count + 1, sizeof *sorted);
	if (!sorted)
		return error_memory(error, ERROR_SYSTEM, "looking for topics");
	for (size_t i = 0; i < count; i++)
		sorted[i] = &metadata->topics[i];
	qsort(sorted, count, sizeof *sorted, topics_compare);
	for (size_t i = 0; i < keeper->wanted.count; i++) {
		const struct rd_kafka_metadata_topic *const *topic =
			bsearch(keeper->wanted.items[i].name, sorted, count, sizeof *sorted, topic_compare);
		keeper->partitions[i] = topic && (*topic)->err == RD_KAFKA_RESP_ERR_NO_ERROR ? (*topic)->partition_cnt : 0;
	}
	memory_give(sorted);
	return true;
}

static bool topics_read_metadata(struct topic_keeper *keeper, struct error *error)
{
	struct look_limits limits = {.until_ms = clock_ms() + TOPICS_WAIT_MS, .stopping = keeper->stopping};
	const struct rd_kafka_metadata *metadata = admin_client_look(keeper->admin, &limits, error);
	bool good = metadata && partitions_note(keeper, metadata, error);
	if (!good) {
		if (metadata)
			rd_kafka_metadata_destroy(metadata);
		return false;
	}
	keeper->missing_count = 0;
	keeper->left.kind = ERROR_NONE;
	keeper->deleted.kind = ERROR_NONE;
	for (size_t i = 0; i < keeper->wanted.count; i++) {
		keeper->missing[i] = keeper->partitions[i] == 0;
		keeper->missing_count += keeper->missing[i];
		if (keeper->missing[i] && keeper->wanted.items[i].family && !keeper->wanted.items[i].new_state &&
		    !keeper->wanted.items[i].versioned && !keeper->wanted.items[i].observes)
			note_left(keeper, &keeper->wanted.items[i], metadata);
		if (keeper->missing[i] && keeper->wanted.items[i].created_with)
			note_deleted(keeper, &keeper->wanted.items[i], metadata);
	}
	rd_kafka_metadata_destroy(metadata);
	return true;
}

static const struct wanted_topic *first_missing(const struct topic_keeper *keeper, bool create)
{
	for (size_t i = 0; i < keeper->wanted.count; i++)
		if (keeper->missing[i] && (keeper->wanted.items[i].bound || (!create && !keeper->wanted.items[i].observes)))
			return &keeper->wanted.items[i];
	return NULL;
}

/* Waits for missing topics that this command does not create: another program may just have created them. */
static bool look_until_there(struct topic_keeper *keeper, bool create, struct error *error)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
	const struct look_limits limits = {.until_ms = clock_ms() + TOPICS_APPEAR_MS, .stopping = keeper->stopping};
	bool is_reported = false;
	for (;;) {
		if (!topics_read_metadata(keeper, error))
			return false;
		const struct wanted_topic *missing = first_missing(keeper, create);
		if ((!missing && keeper->deleted.kind == ERROR_NONE) || look_is_over(&limits))
			return true;
		if (!is_reported && missing)
			say_waiting(missing->name);
		is_reported = true;
		nanosleep(&pause, NULL);
	}
}

/* Refuses the first missing topic that this command does not create. */
static bool refuse_missing(const struct topic_keeper *keeper, bool create, struct error *error)
{
	const struct wanted_topic *topic = first_missing(keeper, create);
	if (!topic)
		return true;
	if (topic->bound)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "topic %s does not exist, and sluice does not create it; create it, or correct its name",
				 topic->name);
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "topic %s does not exist (%zu are missing); check its name and its namespace, create it, or let "
			 "`sluice run --topics create` do so",
			 topic->name, keeper->missing_count);
}

/* Number of partitions of the topic to which the changelog belongs; 0: that topic does not exist, or it is no
 * changelog. */
static int partitions_beside(const struct topic_keeper *keeper, const struct wanted_topic *topic)
{
	for (size_t i = 0; topic->changelog_of && i < keeper->wanted.count; i++)
		if (strcmp(keeper->wanted.items[i].name, topic->changelog_of) == 0)
			return keeper->partitions[i];
	return 0;
}

static bool refuse_partitions(const struct topic_keeper *keeper, struct error *error)
{
	for (size_t i = 0; i < keeper->wanted.count; i++) {
		const struct wanted_topic *topic = &keeper->wanted.items[i];
		if (topic->ordered && keeper->partitions[i] > 1)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "topic %s has %d partitions, and must have one, because its records have one order; "
					 "delete it, and it is created again as it must be",
					 topic->name, keeper->partitions[i]);
		int beside = partitions_beside(keeper, topic);
		if (keeper->partitions[i] < beside && !topic->observes)
			return error_set(
				error, ERROR_CONFIG, PLACE_NONE,
				"topic %s has %d partitions, and %s, whose changelog it is, has %d; the state of a key does "
				"not move with it to an added partition. Give it as many: kafka-topics.sh --alter --topic "
				"%s --partitions %d",
				topic->name, keeper->partitions[i], topic->changelog_of, beside, topic->name, beside);
	}
	return true;
}

/* ---- creation ---- */

static bool is_set(struct properties settings, const char *name)
{
	for (size_t i = 0; i < settings.count; i++)
		if (strcmp(settings.items[i].name, name) == 0)
			return true;
	return false;
}

static rd_kafka_NewTopic_t *order_of(const struct topic_keeper *keeper, const struct wanted_topic *topic, struct error *error)
{
	char words[ANSWER_TEXT_MAX], retention[24];
	int partitions = partitions_beside(keeper, topic);
	if (partitions == 0)
		partitions = topic->partitions ? (int)topic->partitions : -1;
	rd_kafka_NewTopic_t *order = rd_kafka_NewTopic_new(topic->name, partitions,
							   topic->replication ? (int)topic->replication : -1, words, sizeof words);
	if (!order) {
		error_set(error, ERROR_CONFIG, PLACE_NONE, "topic %s cannot be created: %s", topic->name, words);
		return NULL;
	}
	snprintf(retention, sizeof retention, "%lld", (long long)topic->retention_ms);
	if (topic->retention_ms > 0 && !is_set(topic->settings, "retention.ms"))
		rd_kafka_NewTopic_set_config(order, "retention.ms", retention);
	for (size_t i = 0; i < topic->own.count; i++)
		if (!is_set(topic->settings, topic->own.items[i].name))
			rd_kafka_NewTopic_set_config(order, topic->own.items[i].name, topic->own.items[i].value);
	for (size_t i = 0; i < topic->settings.count; i++)
		rd_kafka_NewTopic_set_config(order, topic->settings.items[i].name, topic->settings.items[i].value);
	if (topic->changelog_of || topic->compacted)
		rd_kafka_NewTopic_set_config(order, "cleanup.policy", "compact");
	return order;
}

static bool read_result(struct topic_keeper *keeper, rd_kafka_event_t *event, size_t *made, struct error *error)
{
	const rd_kafka_resp_err_t failure = rd_kafka_event_error(event);
	keeper->may_pass = failure_is_passing(failure);
	if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
		return error_set(error, keeper->may_pass ? ERROR_REMOTE : ERROR_SYSTEM, PLACE_NONE,
				 "Kafka did not create the topics: %s; check that the brokers at %s can be reached",
				 rd_kafka_event_error_string(event), keeper->admin->brokers);
	size_t count;
	const rd_kafka_topic_result_t **results =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
	for (size_t i = 0; i < count; i++) {
		rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
		*made += code == RD_KAFKA_RESP_ERR_NO_ERROR;
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			continue;
		const char *words = rd_kafka_topic_result_error_string(results[i]);
		keeper->may_pass = failure_is_passing(code) || code == RD_KAFKA_RESP_ERR_NOT_CONTROLLER;
		if (keeper->may_pass)
			return error_set(error, ERROR_REMOTE, PLACE_NONE,
					 "Kafka did not create topic %s: %s; look at its controller's log",
					 rd_kafka_topic_result_name(results[i]), words ? words : rd_kafka_err2str(code));
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "Kafka does not create topic %s: %s%s, or create it yourself and run with --topics check",
				 rd_kafka_topic_result_name(results[i]), words ? words : rd_kafka_err2str(code),
				 failure_is_denial(code) ? failure_advice(code) : "; correct kafkaConfig.topics");
	}
	return true;
}

/* NULL: there was none. */
static rd_kafka_event_t *answer_await(rd_kafka_queue_t *queue)
{
	rd_kafka_event_t *event = NULL;
	for (int waited_ms = 0; !event && waited_ms < 2 * TOPICS_WAIT_MS && !kafka_wait_is_over(); waited_ms += ANSWER_LOOK_MS)
		event = rd_kafka_queue_poll(queue, ANSWER_LOOK_MS);
	return event;
}

static bool place_orders(struct topic_keeper *keeper, rd_kafka_NewTopic_t **orders, size_t count, size_t *made, struct error *error)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(keeper->admin->client);
	keeper->may_pass = false;
	kafka_wait_note("the creation of topics");
	rd_kafka_CreateTopics(keeper->admin->client, orders, count, NULL, queue);
	rd_kafka_event_t *event = answer_await(queue);
	bool good = event ? read_result(keeper, event, made, error)
			  : error_set(error, ERROR_REMOTE, PLACE_NONE,
				      "Kafka does not answer whether it created the topics; look at its controller's log");
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	return good;
}

static bool make_missing(struct topic_keeper *keeper, size_t *made, struct error *error)
{
	rd_kafka_NewTopic_t **orders = memory_take(keeper->missing_count, sizeof *orders);
	if (!orders)
		return error_memory(error, ERROR_SYSTEM, "making topics");
	size_t count = 0;
	bool good = true;
	for (size_t i = 0; good && i < keeper->wanted.count; i++) {
		if (!keeper->missing[i])
			continue;
		orders[count] = order_of(keeper, &keeper->wanted.items[i], error);
		good = orders[count] != NULL;
		count += good;
	}
	good = good && place_orders(keeper, orders, count, made, error);
	rd_kafka_NewTopic_destroy_array(orders, count);
	memory_give(orders);
	return good;
}

static const char *first_missing_name(const struct topic_keeper *keeper)
{
	size_t at = 0;
	while (at + 1 < keeper->wanted.count && !keeper->missing[at])
		at++;
	return keeper->wanted.items[at].name;
}

/* Waits until the brokers show all topics: a consumer that subscribes earlier finds them only minutes later. */
static bool wait_for_all(struct topic_keeper *keeper, struct error *error)
{
	int pause_ms = LOOK_AGAIN_MS;
	for (int waited_ms = 0; waited_ms < TOPICS_WAIT_MS && !kafka_wait_is_over(); waited_ms += pause_ms) {
		if (waited_ms > 0 && pause_ms < LOOK_SELDOM_MS)
			pause_ms *= 2;
		if (!topics_read_metadata(keeper, error))
			return false;
		if (keeper->missing_count == 0)
			return true;
		const struct timespec pause = {.tv_nsec = pause_ms * 1000000L};
		nanosleep(&pause, NULL);
	}
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "Kafka created topics and does not show them, as %s; look at the brokers' logs",
			 first_missing_name(keeper));
}

/* A connection that breaks leaves open which topics were created: they are looked for, and the others ordered again. */
static bool make_all(struct topic_keeper *keeper, size_t *made, struct error *error)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
	const int64_t until_ms = clock_ms() + TOPICS_WAIT_MS;
	while (!make_missing(keeper, made, error)) {
		if (!keeper->may_pass || clock_ms() >= until_ms || kafka_wait_is_over())
			return false;
		*error = (struct error){0};
		nanosleep(&pause, NULL);
		if (!topics_read_metadata(keeper, error))
			return false;
		if (keeper->missing_count == 0)
			return true;
	}
	return wait_for_all(keeper, error);
}

static void note_fault(void *context, const char *topic, enum changelog_fault fault, const char *words)
{
	struct error *error = context;
	if (fault == CHANGELOG_DELETES && error->kind == ERROR_NONE)
		error_set(error, ERROR_CONFIG, PLACE_NONE, "topic %s would lose state: %s", topic, words);
}

static bool refuse_deleting(const struct topic_keeper *keeper, struct error *error)
{
	const char **names = memory_take(keeper->wanted.count + 1, sizeof *names);
	size_t count = 0;
	if (!names)
		return error_memory(error, ERROR_SYSTEM, "looking for topics");
	for (size_t i = 0; i < keeper->wanted.count; i++)
		if ((keeper->wanted.items[i].changelog_of && !keeper->wanted.items[i].observes) ||
		    keeper->wanted.items[i].compacted)
			names[count++] = keeper->wanted.items[i].name;
	struct error fault = {0};
	bool good = changelog_settings_look(keeper->admin->client, names, count, note_fault, &fault, error);
	memory_give(names);
	if (good && fault.kind != ERROR_NONE)
		*error = fault;
	return good && fault.kind == ERROR_NONE;
}

static bool ensure(struct topic_keeper *keeper, bool create, size_t *made, struct error *error)
{
	if (!look_until_there(keeper, create, error))
		return false;
	if (keeper->left.kind != ERROR_NONE || keeper->deleted.kind != ERROR_NONE) {
		*error = keeper->left.kind != ERROR_NONE ? keeper->left : keeper->deleted;
		return false;
	}
	if (!refuse_missing(keeper, create, error))
		return false;
	return (keeper->missing_count == 0 || !create || make_all(keeper, made, error)) && refuse_partitions(keeper, error) &&
	       refuse_deleting(keeper, error);
}

static bool keeper_ensure(struct topic_keeper *keeper, const char *brokers, struct properties properties, bool create, size_t *made,
			  struct error *error)
{
	const size_t count = keeper->wanted.count;
	assert(count == 0 || keeper->wanted.items);
	keeper->admin = admin_client_open(brokers, properties, ADMIN_LOGS, error);
	if (!keeper->admin)
		return false;
	keeper->missing = memory_take(count + 1, sizeof(bool));
	keeper->partitions = memory_take(count + 1, sizeof(int));
	bool good = keeper->missing && keeper->partitions ? ensure(keeper, create, made, error)
							  : error_memory(error, ERROR_SYSTEM, "looking for topics");
	memory_give(keeper->missing);
	memory_give(keeper->partitions);
	admin_client_close(keeper->admin, ADMIN_CLOSE_WAIT_S);
	return good;
}

bool topics_ensure(const char *brokers, struct properties properties, struct wanted_topics wanted, bool create, size_t *made,
		   struct error *error)
{
	struct topic_keeper keeper = {.wanted = wanted};
	size_t unasked = 0;
	return keeper_ensure(&keeper, brokers, properties, create, made ? made : &unasked, error);
}

bool topics_check(const char *brokers, struct properties properties, struct wanted_topics wanted, const atomic_bool *stopping,
		  struct error *error)
{
	struct topic_keeper keeper = {.wanted = wanted, .stopping = stopping};
	size_t unasked = 0;
	return keeper_ensure(&keeper, brokers, properties, false, &unasked, error);
}

/* ---- removing ---- */

static bool read_removed(rd_kafka_event_t *event, struct error *error)
{
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka did not remove the topics: %s",
				 rd_kafka_event_error_string(event));
	size_t count;
	const rd_kafka_topic_result_t **results =
		rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
	for (size_t i = 0; i < count; i++) {
		rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not remove topic %s: %s; remove it yourself",
				  rd_kafka_topic_result_name(results[i]), rd_kafka_err2str(code));
	}
	return error->kind == ERROR_NONE;
}

static bool order_removal(rd_kafka_t *client, const char *const *names, size_t count, struct error *error)
{
	rd_kafka_DeleteTopic_t **orders = memory_take(count, sizeof *orders);
	if (!orders)
		return error_memory(error, ERROR_SYSTEM, "removing topics");
	for (size_t i = 0; i < count; i++)
		orders[i] = rd_kafka_DeleteTopic_new(names[i]);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_DeleteTopics(client, orders, count, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TOPICS_WAIT_MS);
	bool good = event ? read_removed(event, error)
			  : error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not answer whether it removed the topics");
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_DeleteTopic_destroy_array(orders, count);
	memory_give(orders);
	return good;
}

bool topics_remove(const char *brokers, struct properties properties, const char *const *names, size_t count, struct error *error)
{
	struct admin_client *admin = admin_client_open(brokers, properties, ADMIN_LOGS, error);
	bool good = admin && order_removal(admin->client, names, count, error);
	admin_client_close(admin, ADMIN_CLOSE_WAIT_S);
	return good;
}
