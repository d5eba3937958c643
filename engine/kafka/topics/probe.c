/* probe.c: see probe.h. */
#include "kafka/topics/probe.h"

#include <assert.h>

#include "base/clock.h"
#include "kafka/admin_client.h"
#include "kafka/state/changelog_settings.h"
#include "kafka/consume/group_members.h"
#include "kafka/topics/probe_state.h"

#define ANSWER_WAIT_MS 15000
#define GROUP_PAUSE_MS 100
#define GROUP_REQUEST_MS 3600000 /* the longest that librdkafka takes */
#define WORDS_MAX 256

const char *probe_library(void)
{
	return rd_kafka_version_str();
}

bool probe_library_is_at_least(int major, int minor, int patch)
{
	return rd_kafka_version() >= ((major << 24) | (minor << 16) | (patch << 8));
}

struct probing {
	struct admin_client *admin;
	rd_kafka_queue_t *queue;
	struct arena *arena;
};

enum probe_state probe_state_of(int code)
{
	switch ((rd_kafka_resp_err_t)code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return PROBE_GOOD;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		return PROBE_DENIED;
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
	case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__WAIT_COORD:
	case RD_KAFKA_RESP_ERR__IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
	case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
	case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
		return PROBE_SLOW;
	default:
		return PROBE_BAD;
	}
}

static void answer_badly(struct probing *probing, struct probe_answer *answer, const char *words)
{
	answer->state = PROBE_BAD;
	answer->words = arena_copy(probing->arena, words, strlen(words));
}

/* Sets the text of an answer: the broker's, or librdkafka's if that is NULL. */
static void answer_code(struct probing *probing, struct probe_answer *answer, rd_kafka_resp_err_t code, const char *words)
{
	answer_badly(probing, answer, words ? words : rd_kafka_err2str(code));
	answer->state = probe_state_of(code);
}

/* ---- topics ---- */

static void look_at_topic(struct probing *probing, const struct rd_kafka_metadata *metadata, struct probe_answer *answer)
{
	answer->state = PROBE_ABSENT;
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
		if (strcmp(topic->topic, answer->name) != 0)
			continue;
		if (topic->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			answer->state = PROBE_GOOD;
			answer->partitions = topic->partition_cnt;
		} else {
			answer_code(probing, answer, topic->err, NULL);
		}
	}
}

static bool probe_read_metadata(struct probing *probing, size_t topic_count, struct probe *probe, struct error *error)
{
	int64_t begun_ms = clock_ms();
	const struct rd_kafka_metadata *metadata = admin_client_look(probing->admin, NULL, error);
	if (!metadata)
		return false;
	probe->answer_ms = clock_ms() - begun_ms;
	probe->brokers = metadata->broker_cnt;
	for (size_t i = 0; i < topic_count; i++)
		look_at_topic(probing, metadata, &probe->answers[i]);
	rd_kafka_metadata_destroy(metadata);
	return true;
}

static void read_refusals(struct probing *probing, const rd_kafka_event_t *event, struct probe *probe)
{
	size_t count;
	const rd_kafka_topic_result_t **results =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)event), &count);
	for (size_t i = 0; i < count; i++) {
		rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
		const char *words = rd_kafka_topic_result_error_string(results[i]);
		for (size_t at = 0; code != RD_KAFKA_RESP_ERR_NO_ERROR && at < probe->count; at++)
			if (strcmp(probe->answers[at].name, rd_kafka_topic_result_name(results[i])) == 0)
				answer_code(probing, &probe->answers[at], code, words);
	}
}

/* Orders the missing topics without creating them: Kafka reports whether it would. */
static bool order_for_show(struct probing *probing, struct wanted_topics topics, struct probe *probe, struct error *error)
{
	rd_kafka_NewTopic_t **orders = ARENA_ARRAY(probing->arena, rd_kafka_NewTopic_t *, topics.count + 1);
	size_t count = 0;
	char words[WORDS_MAX];
	for (size_t i = 0; orders && i < topics.count; i++) {
		struct probe_answer *answer = &probe->answers[i];
		if (answer->state == PROBE_ABSENT && topics.items[i].bound)
			answer_badly(probing, answer, "it does not exist, and sluice does not create it");
		if (answer->state != PROBE_ABSENT)
			continue;
		orders[count] = rd_kafka_NewTopic_new(topics.items[i].name, -1, -1, words, sizeof words);
		if (orders[count])
			count++;
		else
			answer_badly(probing, answer, words);
	}
	if (!orders)
		return error_memory(error, ERROR_SYSTEM, "looking at Kafka");
	if (count == 0)
		return true;
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(probing->admin->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	(void)rd_kafka_AdminOptions_set_validate_only(options, 1, words, sizeof words);
	rd_kafka_CreateTopics(probing->admin->client, orders, count, options, probing->queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(probing->queue, ANSWER_WAIT_MS);
	if (event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
		read_refusals(probing, event, probe);
	else
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not report whether it would create topics: %s",
			  event ? rd_kafka_event_error_string(event) : "no answer");
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_NewTopic_destroy_array(orders, count);
	return error->kind == ERROR_NONE;
}

/* ---- changelogs ---- */

struct probe_faults {
	struct probing *probing;
	struct probe *probe;
};

static void note_fault(void *context, const char *topic, enum changelog_fault fault, const char *words)
{
	struct probe_faults *faults = context;
	(void)fault;
	for (size_t i = 0; i < faults->probe->count; i++)
		if (strcmp(faults->probe->answers[i].name, topic) == 0 && faults->probe->answers[i].state == PROBE_GOOD)
			answer_badly(faults->probing, &faults->probe->answers[i], words);
}

/* Number of partitions of the topic to which the changelog belongs; 0: the topic does not exist. */
static int partitions_beside(struct wanted_topics topics, size_t at, const struct probe *probe)
{
	for (size_t i = 0; i < topics.count; i++)
		if (strcmp(topics.items[i].name, topics.items[at].changelog_of) == 0)
			return probe->answers[i].partitions;
	return 0;
}

/* A changelog with fewer partitions than its input cannot store the state of some. */
static void look_at_width(struct probing *probing, struct wanted_topics topics, size_t at, struct probe *probe)
{
	struct probe_answer *answer = &probe->answers[at];
	int beside = partitions_beside(topics, at, probe);
	if (answer->state == PROBE_GOOD && answer->partitions < beside)
		answer_badly(probing, answer,
			     arena_print(probing->arena,
					 "it has %d partitions, and %s, whose changelog it is, has %d; give it as many",
					 answer->partitions, topics.items[at].changelog_of, beside));
}

static void look_at_state(struct probing *probing, struct properties properties, struct wanted_topics topics, size_t at,
			  struct probe *probe)
{
	struct probe_answer *answer = &probe->answers[at];
	char words[ERROR_TEXT_MAX];
	bool absent = answer->state == PROBE_ABSENT;
	if ((answer->state == PROBE_GOOD || absent) &&
	    probe_state(probing->admin->brokers, properties, &topics.items[at], partitions_beside(topics, at, probe), absent,
			words) == STATE_LOST)
		answer_badly(probing, answer, words);
}

static bool look_at_changelogs(struct probing *probing, struct properties properties, struct wanted_topics topics,
			       struct probe *probe, struct error *error)
{
	struct probe_faults faults = {probing, probe};
	const char **names = ARENA_ARRAY(probing->arena, const char *, topics.count + 1);
	size_t count = 0;
	if (!names)
		return error_memory(error, ERROR_SYSTEM, "looking at Kafka");
	for (size_t i = 0; i < topics.count; i++)
		if (topics.items[i].changelog_of && probe->answers[i].state == PROBE_GOOD)
			names[count++] = topics.items[i].name;
	for (size_t i = 0; i < topics.count; i++)
		if (topics.items[i].changelog_of) {
			look_at_width(probing, topics, i, probe);
			look_at_state(probing, properties, topics, i, probe);
		}
	return changelog_settings_look(probing->admin->client, names, count, note_fault, &faults, error);
}

/* ---- groups ---- */

/* Whether the coordinator of a group is not known yet. Brokers that have just started, or were never asked for the
 * group, look for it first. librdkafka gives a question up after socket.timeout.ms, which may be sooner than
 * ANSWER_WAIT_MS: busy brokers take as long to create __consumer_offsets. */
static bool is_not_found_yet(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
	       code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static rd_kafka_resp_err_t read_group(struct probing *probing, const rd_kafka_event_t *event, struct probe_answer *answer)
{
	size_t count = 0;
	const rd_kafka_ConsumerGroupDescription_t **groups = rd_kafka_DescribeConsumerGroups_result_groups(
		rd_kafka_event_DescribeConsumerGroups_result((rd_kafka_event_t *)event), &count);
	const rd_kafka_error_t *wrong = count > 0 ? rd_kafka_ConsumerGroupDescription_error(groups[0]) : NULL;
	rd_kafka_resp_err_t code = rd_kafka_error_code(wrong);
	if (wrong)
		answer_code(probing, answer, code, rd_kafka_error_string(wrong));
	return code;
}

/* By a queue of its own: what comes later than that is no answer to the next question. The client must be gone before the time of
 * the request is over: librdkafka (2.0 to 2.8) crashes when it finds a group's coordinator after that. */
static rd_kafka_resp_err_t ask_of_group(struct probing *probing, int64_t until_ms, struct probe_answer *answer)
{
	const int64_t wait_ms = until_ms - clock_ms();
	char words[LIBRARY_TEXT_MAX];
	rd_kafka_queue_t *queue = rd_kafka_queue_new(probing->admin->client);
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(probing->admin->client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
	(void)rd_kafka_AdminOptions_set_request_timeout(options, GROUP_REQUEST_MS, words, sizeof words);
	rd_kafka_DescribeConsumerGroups(probing->admin->client, (const char **)&answer->name, 1, options, queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait_ms > 0 ? (int)wait_ms : 0);
	rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	answer->state = PROBE_GOOD; /* until an answer differs */
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		answer_code(probing, answer, code, event ? rd_kafka_event_error_string(event) : NULL);
	else
		code = read_group(probing, event, answer);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	return code;
}

/* Checks the right to join a group, which includes the right to describe it. (Reading its offsets needs the same
 * right, but librdkafka 2.0.2 crashes if the coordinator is not found yet.) A Kafka that does not support the query,
 * as that of `sluice dev`, has no rights either. */
static void look_at_group(struct probing *probing, struct probe_answer *answer)
{
	answer->state = PROBE_GOOD;
	if (!group_members_are_known(probing->admin->client, answer->name))
		return;
	const int64_t until_ms = clock_ms() + ANSWER_WAIT_MS;
	while (is_not_found_yet(ask_of_group(probing, until_ms, answer)) && clock_ms() < until_ms)
		(void)rd_kafka_poll(probing->admin->client, GROUP_PAUSE_MS);
}

/* ---- the probe ---- */

static bool name_all(struct wanted_topics topics, const char *const *groups, size_t group_count, struct arena *arena,
		     struct probe *probe)
{
	probe->count = topics.count + group_count;
	probe->answers = ARENA_ARRAY(arena, struct probe_answer, probe->count + 1);
	for (size_t i = 0; probe->answers && i < probe->count; i++)
		probe->answers[i].name = i < topics.count ? topics.items[i].name : groups[i - topics.count];
	return probe->answers;
}

bool probe_kafka(const char *brokers, struct properties properties, struct wanted_topics topics, const char *const *groups,
		 size_t group_count, struct arena *arena, struct probe *probe, struct error *error)
{
	assert(brokers && arena && (group_count == 0 || groups));
	struct probing probing = {.admin = admin_client_open(brokers, properties, ADMIN_IS_QUIET, error), .arena = arena};
	*probe = (struct probe){0};
	if (!probing.admin)
		return false;
	probing.queue = rd_kafka_queue_new(probing.admin->client);
	bool good = name_all(topics, groups, group_count, arena, probe) || error_memory(error, ERROR_SYSTEM, "looking at Kafka");
	good = good && probe_read_metadata(&probing, topics.count, probe, error) &&
	       order_for_show(&probing, topics, probe, error) && look_at_changelogs(&probing, properties, topics, probe, error);
	for (size_t i = 0; good && i < group_count; i++)
		look_at_group(&probing, &probe->answers[topics.count + i]);
	rd_kafka_queue_destroy(probing.queue);
	admin_client_close(probing.admin, ADMIN_CLOSE_WAIT_S);
	return good;
}
