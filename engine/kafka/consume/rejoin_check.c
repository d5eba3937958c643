/* rejoin_check.c: Checks of a group, each in a thread; see rejoin_check.h. Threads share two flags; the rest does not
 * change while the thread runs. */
#include "kafka/consume/rejoin_check.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "kafka/consume/group_members.h"
#include "net/loop.h"

static const struct timespec rejoin_check_pause = {.tv_nsec = 200 * 1000000L}; /* before the next query for a group that was not
										* found */

struct rejoin_check {
	rd_kafka_t *client;
	const char *group;
	int bell;
	rd_kafka_topic_partition_list_t *wanted;
	const char **topics; /* their names, owned by the list */
	pthread_t thread;
	enum members_found found; /* when it is answered */
	atomic_bool answered;
	atomic_bool stopping;
};

static bool list_has_topic(const rd_kafka_topic_partition_list_t *list, const char *topic)
{
	for (int i = 0; i < list->cnt; i++)
		if (strcmp(list->elems[i].topic, topic) == 0)
			return true;
	return false;
}

/* The subscribed topics, if the client lacks partitions of one of them; NULL: it has partitions of each. */
static rd_kafka_topic_partition_list_t *topics_wanted(rd_kafka_t *client)
{
	rd_kafka_topic_partition_list_t *wanted = NULL, *given = NULL;
	(void)rd_kafka_subscription(client, &wanted);
	(void)rd_kafka_assignment(client, &given);
	bool missed = false;
	for (int i = 0; wanted && given && i < wanted->cnt; i++)
		missed = missed || !list_has_topic(given, wanted->elems[i].topic);
	if (given)
		rd_kafka_topic_partition_list_destroy(given);
	if (missed)
		return wanted;
	if (wanted)
		rd_kafka_topic_partition_list_destroy(wanted);
	return NULL;
}

static void *rejoin_check_run(void *context)
{
	struct rejoin_check *check = context;
	const size_t count = (size_t)check->wanted->cnt;
	while ((check->found = group_members_cover(check->client, check->group, check->topics, count)) == MEMBERS_UNSEEN &&
	       !atomic_load(&check->stopping))
		nanosleep(&rejoin_check_pause, NULL);
	atomic_store(&check->answered, true);
	bell_ring(check->bell);
	return NULL;
}

static void rejoin_check_free(struct rejoin_check *check)
{
	rd_kafka_topic_partition_list_destroy(check->wanted);
	memory_give(check->topics);
	memory_give(check);
}

struct rejoin_check *rejoin_check_begin(rd_kafka_t *client, const char *group, int bell)
{
	assert(client && group && bell >= 0);
	rd_kafka_topic_partition_list_t *wanted = topics_wanted(client);
	struct rejoin_check *check = wanted ? memory_take(1, sizeof *check) : NULL;
	if (!check) {
		if (wanted)
			rd_kafka_topic_partition_list_destroy(wanted);
		return NULL;
	}
	check->client = client;
	check->group = group;
	check->bell = bell;
	check->wanted = wanted;
	check->topics = memory_take((size_t)wanted->cnt, sizeof *check->topics);
	for (int i = 0; check->topics && i < wanted->cnt; i++)
		check->topics[i] = wanted->elems[i].topic;
	if (check->topics && pthread_create(&check->thread, NULL, rejoin_check_run, check) == 0)
		return check;
	rejoin_check_free(check);
	return NULL;
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

bool rejoin_check_ended(const struct rejoin_check *check, rd_kafka_resp_err_t *code)
{
	*code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (!atomic_load(&check->answered))
		return false;
	if (check->found == MEMBERS_NONE)
		*code = group_rejoin(check->client);
	return true;
}

void rejoin_check_close(struct rejoin_check *check)
{
	if (!check)
		return;
	atomic_store(&check->stopping, true);
	pthread_join(check->thread, NULL);
	rejoin_check_free(check);
}
