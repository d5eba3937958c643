/* committer.c: see committer.h, and transaction.h for why it is so.
 *
 * The order of calls below is the exactly-once of sluice: begin - produce - offsets -
 * commit, and when anything in between is in doubt, a new producer under the same id.
 */
#include "log/committer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop.h"

#define RETRY_PAUSE_MS 100 /* between attempts to get a producer while Kafka is away */
#define REASON_MAX 256

enum request { REQUEST_NONE, REQUEST_START, REQUEST_END, REQUEST_STOP };

struct committer {
	const struct transaction_config *config;
	const struct consumer *consumer;
	int timeout_ms;
	int bell;
	pthread_t thread;
	bool running;
	atomic_bool stopping;
	atomic_uint closed_sockets; /* of this producer and those before it; librdkafka's threads count */

	pthread_mutex_t lock; /* of the five below */
	pthread_cond_t asked;
	enum request request;
	enum transaction_news answer;
	struct error answer_error;
	rd_kafka_queue_t *queue; /* the producer's events */

	/* The thread's while it is at a request, else the worker's: */
	rd_kafka_t *producer;
	rd_kafka_topic_t **topics;
	unsigned closed_at_begin;
	struct positions positions;
	char reason[REASON_MAX];
};

/* ---- the producer ---- */

static int on_close_socket(int socket, void *context)
{
	struct committer *committer = context;
	atomic_fetch_add(&committer->closed_sockets, 1);
	return close(socket);
}

static rd_kafka_conf_t *configuration_of(struct committer *committer, struct error *error)
{
	char timeout[16], socket_timeout[16];
	snprintf(timeout, sizeof timeout, "%d", committer->timeout_ms);
	/* A request that is answered later than this is sent again: rather not before the
	 * transaction itself is over. */
	snprintf(socket_timeout, sizeof socket_timeout, "%d", committer->timeout_ms - 100);
	const struct property own[] = {
		{"bootstrap.servers", committer->config->brokers},
		{"transactional.id", committer->config->id},
		{"transaction.timeout.ms", timeout},
		{"socket.timeout.ms", socket_timeout},
		{"linger.ms", "5"},
		{"partitioner", "murmur2_random"},
		/* Of records that arrive, nobody wants to hear: the commit says it for all. */
		{"delivery.report.only.error", "true"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, committer->config->properties, error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_opaque(configuration, committer);
	rd_kafka_conf_set_closesocket_cb(configuration, on_close_socket);
	/* As events, because a commit then waits for the count of unsent records alone,
	 * instead of looking for callbacks to run every 10 ms. */
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
	return configuration;
}

static void producer_close(struct committer *committer)
{
	if (!committer->producer)
		return;
	pthread_mutex_lock(&committer->lock);
	rd_kafka_queue_t *queue = committer->queue;
	committer->queue = NULL;
	pthread_mutex_unlock(&committer->lock);
	rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
	rd_kafka_queue_destroy(queue);
	for (size_t i = 0; i < committer->config->topic_count; i++)
		if (committer->topics[i])
			rd_kafka_topic_destroy(committer->topics[i]);
	memset(committer->topics, 0, committer->config->topic_count * sizeof(rd_kafka_topic_t *));
	rd_kafka_destroy(committer->producer);
	committer->producer = NULL;
}

static bool producer_open(struct committer *committer, struct error *error)
{
	static const uint64_t one = 1;
	rd_kafka_conf_t *configuration = configuration_of(committer, error);
	committer->producer = configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
	if (!committer->producer)
		return false;
	rd_kafka_queue_t *queue = rd_kafka_queue_get_main(committer->producer);
	rd_kafka_queue_io_event_enable(queue, committer->bell, &one, sizeof one);
	pthread_mutex_lock(&committer->lock);
	committer->queue = queue;
	pthread_mutex_unlock(&committer->lock);
	for (size_t i = 0; i < committer->config->topic_count; i++) {
		committer->topics[i] = rd_kafka_topic_new(committer->producer, committer->config->topics[i], NULL);
		if (!committer->topics[i])
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "cannot produce to %s: %s", committer->config->topics[i],
					 rd_kafka_err2str(rd_kafka_last_error()));
	}
	return true;
}

/* Notes the first reason of a doubt; true when the call went well. */
static bool went_well(struct committer *committer, const char *doing, rd_kafka_error_t *failure)
{
	if (!failure)
		return true;
	if (!committer->reason[0])
		snprintf(committer->reason, sizeof committer->reason, "%s: %s", doing, rd_kafka_error_string(failure));
	rd_kafka_error_destroy(failure);
	return false;
}

/* ---- a new producer, when there is none yet or the old one is in doubt ---- */

static bool pause_before_retry(const struct committer *committer)
{
	struct timespec pause = {.tv_nsec = RETRY_PAUSE_MS * 1000000L};
	nanosleep(&pause, NULL);
	return !atomic_load(&committer->stopping);
}

static bool begin(struct committer *committer)
{
	committer->closed_at_begin = atomic_load(&committer->closed_sockets);
	return went_well(committer, "beginning a transaction", rd_kafka_begin_transaction(committer->producer));
}

static bool is_hopeless(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED ||
	       code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
	       code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT;
}

/* False and no error: to be tried again. */
static bool try_start(struct committer *committer, struct error *error)
{
	producer_close(committer);
	if (!producer_open(committer, error))
		return false;
	rd_kafka_error_t *failure = rd_kafka_init_transactions(committer->producer, committer->timeout_ms);
	if (!failure)
		return begin(committer);
	if (is_hopeless(rd_kafka_error_code(failure)))
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka gives no transactions to %s: %s", committer->config->id,
			  rd_kafka_error_string(failure));
	rd_kafka_error_destroy(failure);
	return false;
}

static bool start(struct committer *committer, struct error *error)
{
	while (!try_start(committer, error))
		if (error->kind != ERROR_NONE || !pause_before_retry(committer))
			return false;
	return true;
}

/* ---- the end of a transaction ---- */

static bool is_in_doubt(struct committer *committer)
{
	unsigned closed = atomic_load(&committer->closed_sockets) - committer->closed_at_begin;
	if (closed > 0 && !committer->reason[0])
		snprintf(committer->reason, sizeof committer->reason, "%u connections closed during the transaction", closed);
	return closed > 0;
}

static struct positions positions_to_commit(struct positions all, struct position *room)
{
	struct positions some = {.items = room};
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i].offset != OFFSET_NONE)
			room[some.count++] = all.items[i];
	return some;
}

static bool send_offsets(struct committer *committer)
{
	struct position *room = memory_take(committer->positions.count + 1, sizeof(struct position));
	if (!room)
		return false;
	struct positions some = positions_to_commit(committer->positions, room);
	bool sent = true;
	if (some.count > 0) {
		rd_kafka_topic_partition_list_t *list = consumer_list(committer->consumer, some);
		const rd_kafka_consumer_group_metadata_t *membership = consumer_membership(committer->consumer);
		rd_kafka_error_t *failure =
			rd_kafka_send_offsets_to_transaction(committer->producer, list, membership, committer->timeout_ms);
		sent = went_well(committer, "sending offsets", failure);
		rd_kafka_topic_partition_list_destroy(list);
	}
	memory_give(room);
	return sent;
}

/* True when it is committed beyond doubt and the next one is open. The sockets are
 * looked at last too: a commit that was sent twice also reports success. */
static bool commit(struct committer *committer)
{
	return !is_in_doubt(committer) && send_offsets(committer) &&
	       went_well(committer, "committing", rd_kafka_commit_transaction(committer->producer, committer->timeout_ms)) &&
	       !is_in_doubt(committer) && begin(committer);
}

static bool try_read_committed(struct committer *committer)
{
	rd_kafka_topic_partition_list_t *list = consumer_list(committer->consumer, committer->positions);
	bool read = rd_kafka_committed(consumer_client(committer->consumer), list, committer->timeout_ms) ==
		    RD_KAFKA_RESP_ERR_NO_ERROR;
	for (int i = 0; read && i < list->cnt; i++) {
		int64_t offset = list->elems[i].offset;
		committer->positions.items[i].offset = offset < 0 ? OFFSET_NONE : offset;
		read = list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
	}
	rd_kafka_topic_partition_list_destroy(list);
	return read;
}

static bool read_committed(struct committer *committer)
{
	while (committer->positions.count > 0 && !try_read_committed(committer))
		if (!pause_before_retry(committer))
			return false;
	return true;
}

static enum transaction_news end(struct committer *committer, struct error *error)
{
	committer->reason[0] = '\0';
	if (commit(committer))
		return NEWS_COMMITTED;
	return start(committer, error) && read_committed(committer) ? NEWS_RESET : NEWS_BROKEN;
}

/* ---- the thread ---- */

static enum request next_request(struct committer *committer)
{
	pthread_mutex_lock(&committer->lock);
	while (committer->request == REQUEST_NONE)
		pthread_cond_wait(&committer->asked, &committer->lock);
	enum request request = committer->request;
	committer->request = REQUEST_NONE;
	pthread_mutex_unlock(&committer->lock);
	return request;
}

static void give_answer(struct committer *committer, enum transaction_news news, const struct error *error)
{
	pthread_mutex_lock(&committer->lock);
	committer->answer = news;
	committer->answer_error = *error;
	pthread_mutex_unlock(&committer->lock);
	bell_ring(committer->bell);
}

static void *run(void *context)
{
	struct committer *committer = context;
	for (;;) {
		struct error error = {0};
		switch (next_request(committer)) {
		case REQUEST_START:
			give_answer(committer, start(committer, &error) ? NEWS_STARTED : NEWS_BROKEN, &error);
			break;
		case REQUEST_END:
			give_answer(committer, end(committer, &error), &error);
			break;
		case REQUEST_STOP:
		case REQUEST_NONE:
			return NULL;
		}
	}
}

static void ask(struct committer *committer, enum request request)
{
	pthread_mutex_lock(&committer->lock);
	committer->request = request;
	pthread_cond_signal(&committer->asked);
	pthread_mutex_unlock(&committer->lock);
}

/* ---- for the worker ---- */

struct committer *committer_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	struct committer *committer = memory_take(1, sizeof *committer);
	if (!committer) {
		error_memory(error, ERROR_SYSTEM, "opening a committer");
		return NULL;
	}
	committer->config = config;
	committer->consumer = consumer;
	committer->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : TRANSACTION_TIMEOUT_MS;
	pthread_mutex_init(&committer->lock, NULL);
	pthread_cond_init(&committer->asked, NULL);
	committer->bell = bell_open(error);
	committer->topics = memory_take(config->topic_count, sizeof(rd_kafka_topic_t *));
	if (!committer->topics)
		error_memory(error, ERROR_SYSTEM, "opening a committer");
	committer->running =
		committer->bell >= 0 && committer->topics && pthread_create(&committer->thread, NULL, run, committer) == 0;
	if (committer->running) {
		ask(committer, REQUEST_START);
		return committer;
	}
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "the committer's thread could not be started; raise the limit on threads");
	committer_close(committer);
	return NULL;
}

void committer_close(struct committer *committer)
{
	if (committer->running) {
		atomic_store(&committer->stopping, true);
		ask(committer, REQUEST_STOP);
		pthread_join(committer->thread, NULL);
	}
	if (committer->topics)
		producer_close(committer);
	if (committer->bell >= 0)
		close(committer->bell);
	memory_give(committer->topics);
	pthread_cond_destroy(&committer->asked);
	pthread_mutex_destroy(&committer->lock);
	memory_give(committer);
}

int committer_bell(const struct committer *committer)
{
	return committer->bell;
}

/* Failed records are part of the count that a commit waits for, until they are taken
 * from the queue. What they say, the commit will say too. */
static void drain_events(struct committer *committer)
{
	rd_kafka_event_t *event;
	while (committer->queue && (event = rd_kafka_queue_poll(committer->queue, 0)))
		rd_kafka_event_destroy(event);
}

enum transaction_news committer_answer(struct committer *committer, struct error *error)
{
	bell_quiet(committer->bell);
	pthread_mutex_lock(&committer->lock);
	drain_events(committer);
	enum transaction_news news = committer->answer;
	committer->answer = NEWS_NONE;
	if (news == NEWS_BROKEN)
		*error = committer->answer_error;
	pthread_mutex_unlock(&committer->lock);
	return news;
}

void committer_end(struct committer *committer, struct positions positions)
{
	committer->positions = positions;
	ask(committer, REQUEST_END);
}

rd_kafka_t *committer_producer(struct committer *committer, uint32_t topic, rd_kafka_topic_t **handle)
{
	*handle = committer->topics[topic];
	return committer->producer;
}

const char *committer_reason(const struct committer *committer)
{
	return committer->reason;
}
