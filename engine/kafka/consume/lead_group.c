/* lead_group.c: see lead_group.h. */
#include "kafka/consume/lead_group.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/client.h"
#include "message/rows.h"

#define CLOSE_WAIT_S 5

struct lead_group {
	rd_kafka_t *client;
	const char *name, *brokers;
	bool alone;
	rd_kafka_topic_partition_list_t *topics;	/* that it follows; NULL: none yet */
	rd_kafka_topic_partition_list_t *assigned;	/* NULL: nothing is */
	rd_kafka_consumer_group_metadata_t *membership; /* of the generation of `assigned`; NULL with it */
	uint64_t assignments;
	bool is_leaving; /* they are revoked by the next look */
};

static void assigned_forget(struct lead_group *group)
{
	if (group->assigned)
		rd_kafka_topic_partition_list_destroy(group->assigned);
	if (group->membership)
		rd_kafka_consumer_group_metadata_destroy(group->membership);
	group->assigned = NULL;
	group->membership = NULL;
}

/* Partitions are assigned, so that the group counts them as taken, and paused: their records are read elsewhere. The membership is
 * kept as it is now: the client's own may become a later one before this thread has seen that its topics were revoked. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *context)
{
	struct lead_group *group = context;
	group->is_leaving = code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && group->assigned && !rd_kafka_assignment_lost(client);
	if (group->is_leaving)
		return;
	assigned_forget(group);
	if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		(void)rd_kafka_assign(client, NULL);
		return;
	}
	(void)rd_kafka_assign(client, list);
	if (list->cnt > 0)
		(void)rd_kafka_pause_partitions(client, list);
	group->assigned = rd_kafka_topic_partition_list_copy(list);
	group->membership = rd_kafka_consumer_group_metadata(client);
	group->assignments++;
}

static bool group_follows(const struct lead_group *group, const char *const *topics, size_t count)
{
	bool follows = group->topics && (size_t)group->topics->cnt == count;
	for (size_t i = 0; follows && i < count; i++)
		follows = rd_kafka_topic_partition_list_find(group->topics, topics[i], RD_KAFKA_PARTITION_UA);
	return follows;
}

static void topics_forget(struct lead_group *group)
{
	if (group->topics)
		rd_kafka_topic_partition_list_destroy(group->topics);
	group->topics = NULL;
}

bool lead_group_follow(struct lead_group *group, const char *const *topics, size_t count, struct error *error)
{
	if (group_follows(group, topics, count))
		return true;
	topics_forget(group);
	group->topics = rd_kafka_topic_partition_list_new((int)count);
	for (size_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(group->topics, topics[i], RD_KAFKA_PARTITION_UA);
	const rd_kafka_resp_err_t code = rd_kafka_subscribe(group->client, group->topics);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "group %s cannot be joined: %s", group->name, rd_kafka_err2str(code));
}

/* `range`, librdkafka's own choice, would assign all topics of one partition to one member. */
static bool group_join(struct lead_group *group, const struct lead_group_config *config, struct error *error)
{
	char session[16];
	group->name = config->group;
	group->brokers = config->brokers;
	group->alone = config->alone;
	(void)snprintf(session, sizeof session, "%d", LEAD_GROUP_SESSION_MS);
	const struct property own[] = {
		{"bootstrap.servers", config->brokers},
		{"group.id", config->group},
		{"enable.auto.commit", "false"},
		{"partition.assignment.strategy", "roundrobin"},
		{"session.timeout.ms", session},
		{"heartbeat.interval.ms", "1000"}, /* by which a member learns that others came, or went */
		{"log_level", "0"},
		{"group.instance.id", config->instance},
	};
	const size_t count = sizeof own / sizeof own[0] - (config->instance ? 0 : 1);
	rd_kafka_conf_t *configuration = client_configuration((struct properties){count, own}, config->properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_opaque(configuration, group);
	rd_kafka_conf_set_rebalance_cb(configuration, on_rebalance);
	group->client = client_open(RD_KAFKA_CONSUMER, configuration, error);
	if (!group->client)
		return false;
	(void)rd_kafka_poll_set_consumer(group->client);
	return config->alone || lead_group_follow(group, config->topics, config->topic_count, error);
}

struct lead_group *lead_group_open(const struct lead_group_config *config, struct error *error)
{
	assert(config->brokers && config->group && (config->alone || config->topic_count > 0));
	struct lead_group *group = memory_take(1, sizeof *group);
	if (group && group_join(group, config, error))
		return group;
	if (!group)
		error_memory(error, ERROR_SYSTEM, "joining a group");
	lead_group_close(group);
	return NULL;
}

void lead_group_close(struct lead_group *group)
{
	if (!group || (group->client && !client_leave(group->client, CLOSE_WAIT_S, group)))
		return;
	assigned_forget(group);
	topics_forget(group);
	memory_give(group);
}

/* A failure that librdkafka does not get over by itself. After a silence of this member it joins anew. */
static bool failure_lasts(rd_kafka_resp_err_t code)
{
	return code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED && !failure_is_passing(code) &&
	       !failure_is_absence(code);
}

bool lead_group_look(struct lead_group *group, struct error *error)
{
	assert(group);
	rd_kafka_message_t *message;
	bool good = true;
	if (group->is_leaving) {
		assigned_forget(group);
		(void)rd_kafka_assign(group->client, NULL);
		group->is_leaving = false;
	}
	while (good && (message = rd_kafka_consumer_poll(group->client, 0))) {
		if (failure_lasts(message->err))
			good = error_set(error, ERROR_SYSTEM, PLACE_NONE,
					 "group %s cannot be joined: %s; `sluice plan --acls` lists the rights that it needs",
					 group->name, rd_kafka_message_errstr(message));
		rd_kafka_message_destroy(message);
	}
	return good;
}

bool lead_group_leads(const struct lead_group *group, const char *topic)
{
	return group->alone || (group->assigned && rd_kafka_topic_partition_list_find(group->assigned, topic, 0));
}

bool lead_group_is_leaving(const struct lead_group *group)
{
	return group->is_leaving;
}

uint64_t lead_group_assignments(const struct lead_group *group)
{
	return group->assignments;
}

const rd_kafka_consumer_group_metadata_t *lead_group_membership(const struct lead_group *group)
{
	return group->membership;
}

/* ---- questions ---- */

struct group_asking {
	struct lead_group *group;
	struct group_question *const *questions;
	size_t count;
	rd_kafka_topic_partition_list_t *committed, *times, *ends;
};

static void question_fail(const struct group_asking *asking, struct group_question *question, rd_kafka_resp_err_t code)
{
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR && question->error.kind == ERROR_NONE)
		error_set(&question->error, ERROR_REMOTE, PLACE_NONE, "the positions of group %s in %s are not known: %s%s",
			  asking->group->name, question->topic, client_offset_words(code), failure_advice(code));
}

static bool question_is_open(const struct group_question *question)
{
	return question->is_asked && !question->is_answered && question->error.kind == ERROR_NONE;
}

static void list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition, int64_t offset)
{
	if (!rd_kafka_topic_partition_list_find(list, topic, partition))
		rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
}

/* Whether each partition that it is of has a leader: one that has none would hold up what is asked of the others. */
static bool question_has_leaders(const struct group_question *question, const struct rd_kafka_metadata_topic *topic)
{
	for (int i = 0; i < topic->partition_cnt; i++)
		if ((question->partition < 0 || question->partition == topic->partitions[i].id) && topic->partitions[i].leader < 0)
			return false;
	return question->partition < topic->partition_cnt;
}

static void question_list(const struct group_asking *asking, struct group_question *question,
			  const struct rd_kafka_metadata *metadata)
{
	const struct rd_kafka_metadata_topic *topic = client_metadata_topic(metadata, question->topic);
	const bool is_known = topic && topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt > 0;
	if (!is_known || !question_has_leaders(question, topic)) {
		question_fail(asking, question, is_known ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
						: topic && topic->err ? topic->err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
		return;
	}
	const bool is_of_all = question->partition < 0;
	question->is_asked = is_of_all || !rd_kafka_topic_partition_list_find(asking->times, question->topic, question->partition);
	if (!question->is_asked)
		return;
	question->place_count = is_of_all ? (size_t)topic->partition_cnt : 0;
	const int32_t first = is_of_all ? 0 : question->partition, end = is_of_all ? topic->partition_cnt : first + 1;
	for (int32_t i = first; i < end; i++) {
		if (is_of_all)
			list_add(asking->committed, question->topic, i, OFFSET_NONE);
		else if (question->time_ms != GROUP_END)
			list_add(asking->times, question->topic, i, question->time_ms);
		list_add(asking->ends, question->topic, i, RD_KAFKA_OFFSET_END);
	}
}

static bool questions_list(const struct group_asking *asking)
{
	const struct error let_in = {0};
	struct look_limits limits = {.until_ms = clock_ms() + GROUP_ASK_MS};
	struct error error = {0};
	const struct rd_kafka_metadata *metadata =
		client_look(asking->group->client, NULL, asking->group->brokers, &let_in, &limits, &error);
	for (size_t i = 0; i < asking->count; i++)
		if (metadata)
			question_list(asking, asking->questions[i], metadata);
		else if (asking->questions[i]->error.kind == ERROR_NONE)
			asking->questions[i]->error = error;
	if (metadata)
		rd_kafka_metadata_destroy(metadata);
	return metadata;
}

/* The offset that was answered for a partition. */
static int64_t listed_offset(const struct group_asking *asking, struct group_question *question,
			     rd_kafka_topic_partition_list_t *list, int32_t partition)
{
	const rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_find(list, question->topic, partition);
	question_fail(asking, question, item ? item->err : RD_KAFKA_RESP_ERR_NO_ERROR);
	return item ? item->offset : OFFSET_NONE;
}

static void question_answer(const struct group_asking *asking, struct group_question *question, struct arena *arena)
{
	question->places = ARENA_ARRAY(arena, struct group_place, question->place_count + 1);
	for (size_t i = 0; question->places && i < question->place_count; i++) {
		const int32_t partition = (int32_t)i;
		const int64_t committed = listed_offset(asking, question, asking->committed, partition);
		const rd_kafka_topic_partition_t *item =
			rd_kafka_topic_partition_list_find(asking->committed, question->topic, partition);
		const struct text metadata = {item->metadata, item->metadata_size};
		question->places[i] = (struct group_place){committed < 0 ? OFFSET_NONE : committed, text_copied(arena, metadata),
							   listed_offset(asking, question, asking->ends, partition)};
	}
	if (question->place_count == 0 && question->partition >= 0) {
		question->offset = listed_offset(asking, question, asking->times, question->partition);
		if (question->offset < 0)
			question->offset = listed_offset(asking, question, asking->ends, question->partition);
	}
	if (arena_failed(arena))
		error_memory(&question->error, ERROR_SYSTEM, "reading positions");
	question->is_answered = true;
}

/* librdkafka asks for offsets that no transaction can change (KIP-447), as its consumers do that read committed records. */
static rd_kafka_resp_err_t questions_send(const struct group_asking *asking)
{
	rd_kafka_t *client = asking->group->client;
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (asking->committed->cnt > 0)
		code = rd_kafka_committed(client, asking->committed, GROUP_ASK_MS);
	if (!code && asking->ends->cnt > 0)
		code = rd_kafka_offsets_for_times(client, asking->ends, GROUP_ASK_MS);
	if (!code && asking->times->cnt > 0) /* after the ends: what comes meanwhile is behind both */
		code = rd_kafka_offsets_for_times(client, asking->times, GROUP_ASK_MS);
	return code;
}

/* Answers the questions that are open; with a code they fail. */
static void asking_end(const struct group_asking *asking, rd_kafka_resp_err_t code, struct arena *arena)
{
	for (size_t i = 0; i < asking->count; i++) {
		if (!question_is_open(asking->questions[i]))
			continue;
		question_fail(asking, asking->questions[i], code);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			question_answer(asking, asking->questions[i], arena);
	}
}

/* librdkafka gives no answer where a partition has an error, as those of a new topic may have for a while. Then each question is
 * asked for itself; not so if a broker is silent, for which each would wait. */
void lead_group_ask(struct lead_group *group, struct group_question *const *questions, size_t count, struct arena *arena)
{
	const struct group_asking asking = {.group = group,
					    .questions = questions,
					    .count = count,
					    .committed = rd_kafka_topic_partition_list_new(0),
					    .times = rd_kafka_topic_partition_list_new(0),
					    .ends = rd_kafka_topic_partition_list_new(0)};
	const rd_kafka_resp_err_t code = questions_list(&asking) ? questions_send(&asking) : RD_KAFKA_RESP_ERR_NO_ERROR;
	const bool asks_each = code && code != RD_KAFKA_RESP_ERR__TIMED_OUT && count > 1;
	if (!asks_each)
		asking_end(&asking, code, arena);
	rd_kafka_topic_partition_list_destroy(asking.committed);
	rd_kafka_topic_partition_list_destroy(asking.times);
	rd_kafka_topic_partition_list_destroy(asking.ends);
	for (size_t i = 0; asks_each && i < count; i++)
		if (question_is_open(questions[i]))
			lead_group_ask(group, &questions[i], 1, arena);
}

bool lead_group_commit(struct lead_group *group, const struct fenced_position *positions, size_t count, struct error *error)
{
	assert(group->alone);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	bool good = true;
	for (size_t i = 0; good && i < count; i++) {
		rd_kafka_topic_partition_t *item =
			rd_kafka_topic_partition_list_add(list, positions[i].topic, positions[i].partition);
		item->offset = positions[i].offset;
		good = partition_metadata_set(item, positions[i].metadata) ||
		       error_memory(error, ERROR_SYSTEM, "committing positions");
	}
	const rd_kafka_resp_err_t code = good ? rd_kafka_commit(group->client, list, false) : RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_topic_partition_list_destroy(list);
	return good && (code == RD_KAFKA_RESP_ERR_NO_ERROR ||
			error_set(error, ERROR_SYSTEM, PLACE_NONE, "committing positions of group %s failed: %s", group->name,
				  rd_kafka_err2str(code)));
}
