/* assignment_check.c: see assignment_check.h. The thread writes the marks before it sets `knows_moves`, and does not change
 * them after that; the rest that both threads use are flags. */
#include "kafka/consume/assignment_check.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "kafka/client.h"
#include "kafka/consume/commit_mark.h"
#include "kafka/consume/group_members.h"
#include "net/loop.h"

#define WAIT_FIRST_MS 500	   /* of the first call; then twice as long, up to ASSIGNMENT_CHECK_WAIT_MS */
#define HINDRANCE_TIMEOUT_MS 10000 /* three times as long without an answer is logged */
#define UNSEEN_PAUSE_MS 200 /* before the next query for a group that was not found */
#define NAP_MS 100 /* between two looks whether the check ends; before a call that failed is made again */

struct assignment_check {
	rd_kafka_t *client;
	const char *group;
	int bell;
	rd_kafka_topic_partition_list_t *list; /* after the answer: with the metadata of the commits */
	size_t marked;				/* partitions of the list */
	pthread_t thread;
	bool with_topics;
	atomic_bool knows_moves, knows_topics, fails, stopping;
};

static struct text metadata_of(const rd_kafka_topic_partition_t *entry)
{
	return (struct text){entry->metadata, entry->metadata_size};
}

static bool is_marked(const rd_kafka_topic_partition_t *entry)
{
	return commit_mark_group(metadata_of(entry)).length > 0;
}

static size_t count_marked(const rd_kafka_topic_partition_list_t *list)
{
	size_t count = 0;
	for (int i = 0; i < list->cnt; i++)
		count += is_marked(&list->elems[i]);
	return count;
}

/* False: the check ends. */
static bool take_nap(const struct assignment_check *check, int duration_ms)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	for (int slept_ms = 0; slept_ms < duration_ms && !atomic_load(&check->stopping); slept_ms += NAP_MS)
		nanosleep(&nap, NULL);
	return !atomic_load(&check->stopping);
}

/* Asks until there is an answer, which a busy Kafka gives late. NULL: the check ends. */
static rd_kafka_topic_partition_list_t *read_marks(const struct assignment_check *check)
{
	struct hindrance hindrance = {0};
	for (int wait_ms = WAIT_FIRST_MS;; wait_ms = wait_ms < ASSIGNMENT_CHECK_WAIT_MS ? 2 * wait_ms : wait_ms) {
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(check->list);
		rd_kafka_resp_err_t code = rd_kafka_committed(check->client, list, wait_ms);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR || failure_is_lasting(code))
			return list;
		rd_kafka_topic_partition_list_destroy(list);
		hindrance_meet(&hindrance, HINDRANCE_TIMEOUT_MS, check->group, "reading what the group has committed",
			       rd_kafka_err2str(code));
		if (!take_nap(check, NAP_MS))
			return NULL;
	}
}

/* One line, of however many there are. */
static void say_marked(const struct assignment_check *check)
{
	const rd_kafka_topic_partition_t *entry = check->list->elems;
	char line[ERROR_TEXT_MAX];
	while (!is_marked(entry))
		entry++;
	const struct text to = commit_mark_group(metadata_of(entry));
	(void)snprintf(line, sizeof line,
		       "%s-%d is not read by group %s, nor are %zu more partitions: group %.*s reads on since a change of the "
		       "pipeline, which this engine does not run yet; stop this engine if it does not follow the control plane",
		       entry->topic, entry->partition, check->group, check->marked - 1, (int)to.length, to.bytes);
	kafka_log_say(LOG_LEVEL_WARN, line);
}

static bool list_has_topic(const rd_kafka_topic_partition_list_t *list, const char *topic)
{
	for (int i = 0; i < list->cnt; i++)
		if (strcmp(list->elems[i].topic, topic) == 0)
			return true;
	return false;
}

/* The topics that the client reads, if it lacks partitions of one of them. NULL: it has partitions of each, or they are not to be
 * checked. */
static rd_kafka_topic_partition_list_t *topics_wanted(const struct assignment_check *check)
{
	rd_kafka_topic_partition_list_t *wanted = NULL;
	bool lacks = false;
	if (check->with_topics)
		(void)rd_kafka_subscription(check->client, &wanted);
	for (int i = 0; wanted && i < wanted->cnt; i++)
		lacks = lacks || !list_has_topic(check->list, wanted->elems[i].topic);
	if (wanted && !lacks) {
		rd_kafka_topic_partition_list_destroy(wanted);
		wanted = NULL;
	}
	return wanted;
}

static void check_fail(struct assignment_check *check)
{
	atomic_store(&check->fails, true);
	bell_ring(check->bell);
}

/* Whether a member of the group reads each of the topics. */
static enum members_found topics_look(const struct assignment_check *check, const rd_kafka_topic_partition_list_t *wanted)
{
	enum members_found found = MEMBERS_UNKNOWN;
	const size_t count = (size_t)wanted->cnt;
	const char **topics = memory_take(count, sizeof *topics);
	for (size_t i = 0; topics && i < count; i++)
		topics[i] = wanted->elems[i].topic;
	while (topics && (found = group_members_cover(check->client, check->group, topics, count)) == MEMBERS_UNSEEN &&
	       take_nap(check, UNSEEN_PAUSE_MS))
		;
	memory_give(topics);
	return found;
}

/* False: the check ends. */
static bool moves_look(struct assignment_check *check)
{
	rd_kafka_topic_partition_list_t *now = check->list->cnt > 0 ? read_marks(check) : NULL;
	if (!now)
		return check->list->cnt == 0;
	rd_kafka_topic_partition_list_destroy(check->list);
	check->list = now;
	check->marked = count_marked(now);
	if (check->marked > 0)
		say_marked(check);
	return true;
}

static void *check_run(void *context)
{
	struct assignment_check *check = context;
	rd_kafka_topic_partition_list_t *now;
	if (!moves_look(check))
		return NULL;
	rd_kafka_topic_partition_list_t *wanted = topics_wanted(check); /* after the next line the consumer may read others */
	atomic_store(&check->knows_moves, true);
	bell_ring(check->bell);
	const enum members_found found = wanted ? topics_look(check, wanted) : MEMBERS_UNKNOWN;
	if (wanted)
		rd_kafka_topic_partition_list_destroy(wanted);
	if (found == MEMBERS_NONE)
		check_fail(check);
	atomic_store(&check->knows_topics, check->with_topics && found != MEMBERS_UNSEEN);
	while (check->marked > 0 && take_nap(check, ASSIGNMENT_CHECK_LOOK_MS) && (now = read_marks(check))) {
		const bool over = count_marked(now) < check->marked;
		rd_kafka_topic_partition_list_destroy(now);
		if (!over)
			continue;
		check_fail(check);
		break;
	}
	return NULL;
}

struct assignment_check *assignment_check_begin(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list,
						bool with_topics, int bell)
{
	assert(group && list && bell >= 0);
	struct assignment_check *check = memory_take(1, sizeof *check);
	if (!check) {
		rd_kafka_topic_partition_list_destroy(list);
		return NULL;
	}
	check->client = client;
	check->group = group;
	check->bell = bell;
	check->list = list;
	check->with_topics = with_topics;
	if (pthread_create(&check->thread, NULL, check_run, check) == 0)
		return check;
	rd_kafka_topic_partition_list_destroy(list);
	memory_give(check);
	return NULL;
}

bool assignment_check_knows_moves(const struct assignment_check *check)
{
	return atomic_load(&check->knows_moves);
}

bool assignment_check_is_moved(const struct assignment_check *check, const char *topic, int32_t partition)
{
	const rd_kafka_topic_partition_t *entry =
		check->marked > 0 ? rd_kafka_topic_partition_list_find(check->list, topic, partition) : NULL;
	return entry && is_marked(entry);
}

bool assignment_check_knows_topics(const struct assignment_check *check)
{
	return atomic_load(&check->knows_topics);
}

bool assignment_check_fails(const struct assignment_check *check)
{
	return atomic_load(&check->fails);
}

void assignment_check_end(struct assignment_check *check)
{
	if (!check)
		return;
	atomic_store(&check->stopping, true);
	pthread_join(check->thread, NULL);
	rd_kafka_topic_partition_list_destroy(check->list);
	memory_give(check);
}

rd_kafka_resp_err_t group_rejoin(rd_kafka_t *client)
{
	rd_kafka_topic_partition_list_t *topics = NULL;
	if (rd_kafka_fatal_error(client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_resp_err_t code = rd_kafka_subscription(client, &topics);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return code;
	code = rd_kafka_unsubscribe(client);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = rd_kafka_subscribe(client, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return code;
}
