/* moved_partitions.c: see moved_partitions.h. The thread writes the marks before it sets `answered`, and does not change
 * them after that; the rest that both threads use are flags. */
#include "kafka/consume/moved_partitions.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "kafka/client.h"
#include "kafka/consume/commit_mark.h"
#include "net/loop.h"

#define WAIT_FIRST_MS 500	   /* of the first call; then twice as long, up to MOVED_PARTITIONS_WAIT_MS */
#define HINDRANCE_TIMEOUT_MS 10000 /* three times as long without an answer is logged */
#define NAP_MS 100 /* between two looks whether the question ends; before a call that failed is made again */

struct moved_question {
	rd_kafka_t *client;
	const char *group;
	int bell;
	rd_kafka_topic_partition_list_t *list; /* after the answer: with the metadata of the commits */
	size_t marked;				/* partitions of the list */
	pthread_t thread;
	atomic_bool answered, over, stopping;
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

/* False: the question ends. */
static bool take_nap(const struct moved_question *question, int duration_ms)
{
	const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
	for (int slept_ms = 0; slept_ms < duration_ms && !atomic_load(&question->stopping); slept_ms += NAP_MS)
		nanosleep(&nap, NULL);
	return !atomic_load(&question->stopping);
}

/* Asks until there is an answer, which a busy Kafka gives late. NULL: the question ends. */
static rd_kafka_topic_partition_list_t *read_marks(const struct moved_question *question)
{
	struct hindrance hindrance = {0};
	for (int wait_ms = WAIT_FIRST_MS;; wait_ms = wait_ms < MOVED_PARTITIONS_WAIT_MS ? 2 * wait_ms : wait_ms) {
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(question->list);
		rd_kafka_resp_err_t code = rd_kafka_committed(question->client, list, wait_ms);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR || failure_is_lasting(code))
			return list;
		rd_kafka_topic_partition_list_destroy(list);
		hindrance_meet(&hindrance, HINDRANCE_TIMEOUT_MS, question->group, "reading what the group has committed",
			       rd_kafka_err2str(code));
		if (!take_nap(question, NAP_MS))
			return NULL;
	}
}

/* One line, of however many there are. */
static void say_marked(const struct moved_question *question)
{
	const rd_kafka_topic_partition_t *entry = question->list->elems;
	char line[ERROR_TEXT_MAX];
	while (!is_marked(entry))
		entry++;
	const struct text to = commit_mark_group(metadata_of(entry));
	(void)snprintf(line, sizeof line,
		       "%s-%d is not read by group %s, nor are %zu more partitions: group %.*s reads on since a change of the "
		       "pipeline, which this engine does not run yet; stop this engine if it does not follow the control plane",
		       entry->topic, entry->partition, question->group, question->marked - 1, (int)to.length, to.bytes);
	kafka_log_say(LOG_LEVEL_WARN, line);
}

static void *question_run(void *context)
{
	struct moved_question *question = context;
	rd_kafka_topic_partition_list_t *now = read_marks(question);
	if (!now)
		return NULL;
	rd_kafka_topic_partition_list_destroy(question->list);
	question->list = now;
	question->marked = count_marked(now);
	if (question->marked > 0)
		say_marked(question);
	atomic_store(&question->answered, true);
	bell_ring(question->bell);
	while (question->marked > 0 && take_nap(question, MOVED_PARTITIONS_LOOK_MS) && (now = read_marks(question))) {
		const bool over = count_marked(now) < question->marked;
		rd_kafka_topic_partition_list_destroy(now);
		if (!over)
			continue;
		atomic_store(&question->over, true);
		bell_ring(question->bell);
		break;
	}
	return NULL;
}

struct moved_question *moved_ask(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list, int bell)
{
	assert(group && list && bell >= 0);
	struct moved_question *question = memory_take(1, sizeof *question);
	if (!question) {
		rd_kafka_topic_partition_list_destroy(list);
		return NULL;
	}
	question->client = client;
	question->group = group;
	question->bell = bell;
	question->list = list;
	if (pthread_create(&question->thread, NULL, question_run, question) == 0)
		return question;
	rd_kafka_topic_partition_list_destroy(list);
	memory_give(question);
	return NULL;
}

bool moved_is_answered(const struct moved_question *question)
{
	return atomic_load(&question->answered);
}

bool moved_has(const struct moved_question *question, const char *topic, int32_t partition)
{
	const rd_kafka_topic_partition_t *entry =
		question->marked > 0 ? rd_kafka_topic_partition_list_find(question->list, topic, partition) : NULL;
	return entry && is_marked(entry);
}

bool moved_is_over(const struct moved_question *question)
{
	return atomic_load(&question->over);
}

void moved_forget(struct moved_question *question)
{
	if (!question)
		return;
	atomic_store(&question->stopping, true);
	pthread_join(question->thread, NULL);
	rd_kafka_topic_partition_list_destroy(question->list);
	memory_give(question);
}
