/* group.c: Questions about a group, each in a thread; see group.h. Threads share two flags; the rest does not
 * change while the thread runs. */
#include "log/group.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "log/group_members.h"
#include "net/loop.h"

static const struct timespec question_pause = {.tv_nsec = 200 * 1000000L}; /* before the next query for a group that was not
									    * found */

struct group_question {
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

static void *question_run(void *context)
{
	struct group_question *question = context;
	const size_t count = (size_t)question->wanted->cnt;
	while ((question->found = group_members_cover(question->client, question->group, question->topics, count)) ==
		       MEMBERS_UNSEEN &&
	       !atomic_load(&question->stopping))
		nanosleep(&question_pause, NULL);
	atomic_store(&question->answered, true);
	bell_ring(question->bell);
	return NULL;
}

static void question_free(struct group_question *question)
{
	rd_kafka_topic_partition_list_destroy(question->wanted);
	memory_give(question->topics);
	memory_give(question);
}

struct group_question *group_ask(rd_kafka_t *client, const char *group, int bell)
{
	assert(client && group && bell >= 0);
	rd_kafka_topic_partition_list_t *wanted = topics_wanted(client);
	struct group_question *question = wanted ? memory_take(1, sizeof *question) : NULL;
	if (!question) {
		if (wanted)
			rd_kafka_topic_partition_list_destroy(wanted);
		return NULL;
	}
	question->client = client;
	question->group = group;
	question->bell = bell;
	question->wanted = wanted;
	question->topics = memory_take((size_t)wanted->cnt, sizeof *question->topics);
	for (int i = 0; question->topics && i < wanted->cnt; i++)
		question->topics[i] = wanted->elems[i].topic;
	if (question->topics && pthread_create(&question->thread, NULL, question_run, question) == 0)
		return question;
	question_free(question);
	return NULL;
}

rd_kafka_resp_err_t group_join_again(rd_kafka_t *client)
{
	rd_kafka_topic_partition_list_t *topics = NULL;
	rd_kafka_resp_err_t code = rd_kafka_subscription(client, &topics);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return code;
	code = rd_kafka_unsubscribe(client);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = rd_kafka_subscribe(client, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return code;
}

bool group_hear(const struct group_question *question, rd_kafka_resp_err_t *code)
{
	*code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (!atomic_load(&question->answered))
		return false;
	if (question->found == MEMBERS_NONE)
		*code = group_join_again(question->client);
	return true;
}

void group_forget(struct group_question *question)
{
	if (!question)
		return;
	atomic_store(&question->stopping, true);
	pthread_join(question->thread, NULL);
	question_free(question);
}
