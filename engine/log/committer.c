/* committer.c: Calls on librdkafka that settle a transaction, in the order of settlement.c. See committer.h, and
 * transaction.h for the reasons. */
#include "log/committer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/broker_refusals.h"
#include "log/committed_offsets.h"
#include "log/rights_question.h"
#include "log/settlement.h"
#include "net/loop.h"

#define REASON_MAX 256
#define DENIED_PAUSES 10   /* so many times as long between two questions for a right as otherwise: each opens a client */
#define CLOSE_WAIT_S 5		/* for the thread, at the end of a worker */
#define READ_COMMITTED_MS 4000 /* less, since it is a call of the consumer's client, which is closed then */
#define RESETS_APART_MS 60000 /* a reset so long after another one has nothing to do with it */

enum committer_request { REQUEST_NONE, REQUEST_START, REQUEST_END, REQUEST_STOP };

struct committer {
	const struct transaction_config *config;
	const struct consumer *consumer;
	struct batch_limit *batches, own_batches;
	int timeout_ms;
	int bell;
	pthread_t thread;
	bool running;
	atomic_bool stopping, abandoned;
	atomic_uint calls, calling; /* number of calls so far, and the present one (enum settlement_call) */
	atomic_bool warned;	    /* librdkafka has logged that a transaction failed; nothing was committed since */
	atomic_uint closed_sockets; /* of this producer and its predecessors; librdkafka's threads count */

	pthread_mutex_t lock; /* protects the nine fields below */
	pthread_cond_t asked;
	enum committer_request request;
	enum transaction_news answer;
	struct error answer_error;
	struct error lost; /* the reason why another producer would not help: a topic may be gone, or the clock is wrong */
	int64_t lost_at_ms; /* time at which that is reported, unless there is a commit before */
	rd_kafka_queue_t *queue;  /* the producer's events */
	size_t batch_bytes;	  /* of the producer, at most */
	struct refusals refusals; /* the refusals reported */
	struct broker_refusals broker_refusals;

	/* Owned by the thread during a request, otherwise by the worker: */
	rd_kafka_t *producer;
	struct topic_handles topics;
	const char *const *names; /* of the topics */
	size_t name_count;
	struct settlement settlement;
	char reason[REASON_MAX]; /* reason of the last doubt about a transaction */
	bool explained;		 /* the current doubt was reported */
	bool doubts_rights;	 /* perhaps the login may not write a topic any more */
	struct rights_question rights; /* what it then asks */
	bool has_begun;		    /* a transaction was begun, so the login had all rights */
	bool is_denied;		    /* it has lost the right to the transactional id, which was logged */
	bool lacks_group;	    /* or to the group */
	bool lacks_topic;	    /* or to all topics that could tell whether the last commit succeeded */
	struct hindrance hindrance; /* to the next transaction */
	struct hindrance resets;    /* one after the other, without a commit */
	int64_t reset_ms;	    /* the last one */
};

static const char *const call_words[] = {
	[SETTLEMENT_OVER] = "ending a transaction",
	[SETTLEMENT_OPEN] = "opening a transactional producer",
	[SETTLEMENT_BEGIN] = "beginning a transaction",
	[SETTLEMENT_SEND_OFFSETS] = "sending offsets",
	[SETTLEMENT_COMMIT] = "committing",
	[SETTLEMENT_READ_COMMITTED] = "reading what the group has committed",
	[SETTLEMENT_PAUSE] = "ending a transaction",
};

/* ---- the producer ---- */

static int on_close_socket(int socket, void *context)
{
	struct committer *committer = context;
	atomic_fetch_add(&committer->closed_sockets, 1);
	return close(socket);
}

static void committer_on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words)
{
	if (client_tells_transaction(facility))
		atomic_store(&((struct committer *)rd_kafka_opaque(client))->warned, true);
	client_on_log_line(client, level, facility, words);
}

static rd_kafka_conf_t *configuration_of(struct committer *committer, size_t *batch_bytes, struct error *error)
{
	char timeout[16], socket_timeout[16];
	snprintf(timeout, sizeof timeout, "%d", committer->timeout_ms);
	/* A request without an answer after this time is sent again. That should not happen before the transaction
	 * itself times out. */
	snprintf(socket_timeout, sizeof socket_timeout, "%d", committer->timeout_ms - 100);
	const struct property own[] = {
		{"bootstrap.servers", committer->config->brokers},
		{"allow.auto.create.topics", "false"}, /* a topic that Kafka creates by itself has other settings and partitions */
		{"transactional.id", committer->config->id},
		{"transaction.timeout.ms", timeout},
		{"socket.timeout.ms", socket_timeout},
		{"linger.ms", "5"},
		/* A deleted topic must be detected before the transaction times out. */
		{"topic.metadata.propagation.max.ms", "5000"},
		{"partitioner", "murmur2_random"},
		/* Successful records need no report: the commit reports all. */
		{"delivery.report.only.error", "true"},
		{"statistics.interval.ms", committer->config->statistics ? CLIENT_STATISTICS_MS : NULL},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, committer->config->properties, error);
	if (!configuration)
		return NULL;
	client_keep_partitions(configuration, committer->config->properties);
	*batch_bytes = client_limit_batches(configuration, committer->config->properties, committer->batches);
	rd_kafka_conf_set_opaque(configuration, committer);
	rd_kafka_conf_set_log_cb(configuration, committer_on_log_line);
	rd_kafka_conf_set_closesocket_cb(configuration, on_close_socket);
	/* As events, because a commit then waits only for the number of unsent records, instead of polling for
	 * callbacks every 10 ms. */
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS);
	return configuration;
}

static void note_refusal(struct committer *committer, const rd_kafka_message_t *report)
{
	switch (refusal_cause(report, committer->batch_bytes)) {
	case REFUSAL_OF_RECORD:
		refusals_note(&committer->refusals, &committer->topics, report);
		break;
	case REFUSAL_OF_BATCH: /* another producer produces the whole transaction again */
		refusal_lower_batches(committer->batches, committer->batch_bytes, report);
		break;
	case REFUSAL_OF_RIGHT:
		refusals_deny(&committer->refusals, topic_handles_find(&committer->topics, report), false);
		break;
	case REFUSAL_OF_ABSENCE:
		refusals_deny(&committer->refusals, topic_handles_find(&committer->topics, report), true);
		break;
	case REFUSAL_OF_CLOCK:
		refusal_name_clock(report, &committer->lost);
		committer->lost_at_ms = clock_ms();
		break;
	case REFUSAL_OF_BROKER:
		broker_refusals_note(&committer->broker_refusals, report, clock_ms());
		break;
	case REFUSAL_OF_PRODUCER: /* the next call reports it */
		break;
	case REFUSAL_OF_LOSS:
		if (committer->lost.kind == ERROR_NONE && !client_has_topic(report, &committer->lost))
			committer->lost_at_ms = clock_ms() + CLIENT_PATIENCE_MS;
		break;
	}
}

static void note_refused(struct committer *committer, rd_kafka_event_t *event)
{
	const rd_kafka_message_t *message;
	while ((message = rd_kafka_event_message_next(event)))
		if (message->err)
			note_refusal(committer, message);
}

/* Called under the lock. A commit waits for failed records until they are taken from the queue. The commit also
 * reports their failure. */
static void drain_events(struct committer *committer)
{
	rd_kafka_event_t *event;
	while (committer->queue && (event = rd_kafka_queue_poll(committer->queue, 0))) {
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
			note_refused(committer, event);
		else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_STATS)
			client_note_statistics(event, committer->config->statistics);
		rd_kafka_event_destroy(event);
	}
}

static void producer_close(struct committer *committer)
{
	if (!committer->producer)
		return;
	client_quiet_transactions(committer->producer);
	pthread_mutex_lock(&committer->lock);
	drain_events(committer);
	rd_kafka_queue_t *queue = committer->queue;
	committer->queue = NULL;
	pthread_mutex_unlock(&committer->lock);
	client_queue_forget(queue);
	topic_handles_close(&committer->topics);
	rd_kafka_destroy(committer->producer);
	committer->producer = NULL;
}

static bool producer_open(struct committer *committer, struct error *error)
{
	size_t batch_bytes = 0;
	rd_kafka_conf_t *configuration = configuration_of(committer, &batch_bytes, error);
	committer->producer = configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
	if (!committer->producer)
		return false;
	rd_kafka_queue_t *queue = rd_kafka_queue_get_main(committer->producer);
	client_queue_ring(queue, committer->bell);
	pthread_mutex_lock(&committer->lock);
	committer->queue = queue;
	committer->batch_bytes = batch_bytes;
	broker_refusals_renew(&committer->broker_refusals);
	pthread_mutex_unlock(&committer->lock);
	return topic_handles_follow(&committer->topics, committer->producer, committer->names, committer->name_count, error);
}

/* ---- calls; each stores the first reason of a doubt ---- */

static enum settlement_outcome outcome_of(struct committer *committer, const char *doing, rd_kafka_error_t *failure)
{
	if (!failure)
		return SETTLEMENT_DONE;
	if (!committer->explained)
		snprintf(committer->reason, sizeof committer->reason, "%s: %s", doing, rd_kafka_error_string(failure));
	committer->explained = true;
	const bool is_denied = rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
	committer->doubts_rights = committer->doubts_rights || is_denied;
	rd_kafka_error_destroy(failure);
	return is_denied ? SETTLEMENT_REFUSED : SETTLEMENT_FAILED;
}

static enum settlement_outcome hindered(struct committer *committer, const char *doing, const char *why)
{
	hindrance_meet(&committer->hindrance, committer->timeout_ms, committer->config->id, doing, why);
	return SETTLEMENT_FAILED;
}

/* Logs that the login has lost the right to the transactional id, or has it again. */
static void denial_note(struct committer *committer, bool is_denied)
{
	static const char *const words[] = {
		"may have transactions again: its pipelines continue",
		"may not have transactions any more: its pipelines wait, and others continue. Give the login the right that "
		"`sluice plan --acls` lists",
	};
	char line[REASON_MAX + 160];
	if (is_denied == committer->is_denied)
		return;
	committer->is_denied = is_denied;
	(void)snprintf(line, sizeof line, "Kafka: %s %s", committer->config->id, words[is_denied]);
	kafka_log_say(is_denied ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, line);
}

static void committer_sleep(const struct committer *committer, int64_t pause_ms)
{
	while (pause_ms > 0 && !atomic_load(&committer->stopping)) {
		const int64_t slice_ms = pause_ms < SETTLEMENT_PAUSE_MS ? pause_ms : SETTLEMENT_PAUSE_MS;
		const struct timespec slice = {.tv_nsec = slice_ms * 1000000L};
		nanosleep(&slice, NULL);
		pause_ms -= slice_ms;
	}
}

/* Waits before records that a broker refused are produced again. */
static void refusals_pause(struct committer *committer)
{
	pthread_mutex_lock(&committer->lock);
	const int64_t pause_ms = broker_refusals_pause_ms(&committer->broker_refusals);
	pthread_mutex_unlock(&committer->lock);
	committer_sleep(committer, pause_ms);
}

static enum settlement_outcome open_anew(struct committer *committer, struct error *error)
{
	producer_close(committer);
	refusals_pause(committer);
	if (atomic_load(&committer->abandoned) || !producer_open(committer, error))
		return SETTLEMENT_HOPELESS;
	rd_kafka_error_t *failure = rd_kafka_init_transactions(committer->producer, committer->timeout_ms);
	enum settlement_outcome outcome = SETTLEMENT_DONE;
	if (!failure) {
		denial_note(committer, false);
	} else if (committer->has_begun && failure_is_denial(rd_kafka_error_code(failure))) {
		denial_note(committer, true);
		outcome = SETTLEMENT_FAILED;
	} else if (failure_is_lasting(rd_kafka_error_code(failure))) {
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka gives no transactions to %s: %s%s", committer->config->id,
			  rd_kafka_error_string(failure), failure_advice(rd_kafka_error_code(failure)));
		outcome = SETTLEMENT_HOPELESS;
	} else {
		outcome = hindered(committer, call_words[SETTLEMENT_OPEN], rd_kafka_error_string(failure));
	}
	rd_kafka_error_destroy(failure);
	return outcome;
}

static enum settlement_outcome transaction_begin(struct committer *committer)
{
	const char *doing = call_words[SETTLEMENT_BEGIN];
	const enum settlement_outcome outcome = outcome_of(committer, doing, rd_kafka_begin_transaction(committer->producer));
	return outcome == SETTLEMENT_FAILED ? hindered(committer, doing, committer->reason) : outcome;
}

static struct positions positions_to_commit(struct positions all, struct position *room)
{
	struct positions some = {.items = room};
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i].offset != OFFSET_NONE)
			room[some.count++] = all.items[i];
	return some;
}

static enum settlement_outcome send_offsets(struct committer *committer)
{
	struct positions all = committer->settlement.positions;
	struct position *room = memory_take(all.count, sizeof(struct position));
	if (!room)
		return SETTLEMENT_FAILED;
	rd_kafka_topic_partition_list_t *list = consumer_commit_list(committer->consumer, positions_to_commit(all, room));
	if (!list) {
		memory_give(room);
		return SETTLEMENT_FAILED;
	}
	const rd_kafka_consumer_group_metadata_t *membership = consumer_membership(committer->consumer);
	rd_kafka_error_t *failure =
		rd_kafka_send_offsets_to_transaction(committer->producer, list, membership, committer->timeout_ms);
	rd_kafka_topic_partition_list_destroy(list);
	memory_give(room);
	return outcome_of(committer, call_words[SETTLEMENT_SEND_OFFSETS], failure);
}

static enum settlement_outcome read_committed(struct committer *committer, struct error *error)
{
	bool is_told;
	committer->lacks_group = committer->lacks_topic = false;
	if (consumer_has_failed(committer->consumer)) {
		committed_offsets_forget(&committer->settlement);
		return SETTLEMENT_DONE;
	}
	const int timeout_ms = committer->timeout_ms < READ_COMMITTED_MS ? committer->timeout_ms : READ_COMMITTED_MS;
	const rd_kafka_resp_err_t code =
		committed_offsets_read(committer->consumer, &committer->settlement, timeout_ms, &is_told);
	if (atomic_load(&committer->abandoned))
		return SETTLEMENT_HOPELESS;
	committer->lacks_group = code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
	if (committer->lacks_group || code == RD_KAFKA_RESP_ERR_NO_ERROR)
		consumer_note_group(committer->consumer, committer->lacks_group);
	if (committer->lacks_group)
		return SETTLEMENT_FAILED;
	if (failure_is_lasting(code)) {
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not report the committed offsets of the group: %s%s",
			  rd_kafka_err2str(code), failure_advice(code));
		return SETTLEMENT_HOPELESS;
	}
	if (code)
		return hindered(committer, call_words[SETTLEMENT_READ_COMMITTED], rd_kafka_err2str(code));
	committer->lacks_topic = !is_told;
	return is_told ? SETTLEMENT_DONE
		       : hindered(committer, call_words[SETTLEMENT_READ_COMMITTED],
				  "no topic that its login may still see tells whether the last transaction was committed; give it "
				  "the rights that `sluice plan --acls` lists");
}

static enum settlement_outcome pause_before_retry(const struct committer *committer)
{
	const int pauses = committer->is_denied || committer->lacks_group || committer->lacks_topic ? DENIED_PAUSES : 1;
	committer_sleep(committer, (int64_t)pauses * SETTLEMENT_PAUSE_MS);
	return atomic_load(&committer->stopping) ? SETTLEMENT_HOPELESS : SETTLEMENT_DONE;
}

static enum settlement_outcome make_call(struct committer *committer, struct error *error)
{
	atomic_store(&committer->calling, committer->settlement.call);
	atomic_fetch_add(&committer->calls, 1);
	switch (committer->settlement.call) {
	case SETTLEMENT_OPEN:
		return open_anew(committer, error);
	case SETTLEMENT_BEGIN:
		return transaction_begin(committer);
	case SETTLEMENT_SEND_OFFSETS:
		return send_offsets(committer);
	case SETTLEMENT_COMMIT:
		return outcome_of(committer, call_words[SETTLEMENT_COMMIT],
				  rd_kafka_commit_transaction(committer->producer, committer->timeout_ms));
	case SETTLEMENT_READ_COMMITTED:
		return read_committed(committer, error);
	case SETTLEMENT_PAUSE:
		return pause_before_retry(committer);
	case SETTLEMENT_OVER:
		break;
	}
	return SETTLEMENT_DONE;
}

static void rights_take(struct committer *committer)
{
	rights_question_wait(&committer->rights, committer->timeout_ms, &committer->stopping);
	pthread_mutex_lock(&committer->lock);
	for (uint32_t i = 0; i < committer->name_count; i++)
		if (rights_question_lacks(&committer->rights, i))
			refusals_deny(&committer->refusals, i, false);
	pthread_mutex_unlock(&committer->lock);
	rights_question_end(&committer->rights, committer->name_count);
}

/* Logs transactions that fail one after the other, though a producer can be opened for each. */
static void resets_note(struct committer *committer, enum transaction_news news)
{
	const int64_t now_ms = clock_ms();
	if (news != NEWS_RESET || now_ms - committer->reset_ms > RESETS_APART_MS)
		committer->resets = (struct hindrance){0};
	if (news != NEWS_RESET)
		return;
	committer->reset_ms = now_ms;
	hindrance_meet(&committer->resets, committer->timeout_ms, committer->config->id, "each transaction fails",
		       committer->reason);
}

/* Logs that what librdkafka warned of, as after the engine stood still, is over. */
static void recovery_note(struct committer *committer)
{
	char line[REASON_MAX];
	if (!atomic_exchange(&committer->warned, false))
		return;
	(void)snprintf(line, sizeof line, "Kafka: %s commits again", committer->config->id);
	kafka_log_say(LOG_LEVEL_INFO, line);
}

static enum transaction_news committer_settle(struct committer *committer, struct error *error)
{
	struct settlement *settlement = &committer->settlement;
	committer->hindrance = (struct hindrance){0};
	while (settlement->call != SETTLEMENT_OVER) {
		enum settlement_outcome outcome = make_call(committer, error);
		if (atomic_load(&committer->abandoned))
			return NEWS_BROKEN;
		if (committer->doubts_rights)
			rights_question_ask(&committer->rights, committer->config, committer->names, committer->name_count);
		settlement_took(settlement, outcome, atomic_load(&committer->closed_sockets));
	}
	committer->has_begun = committer->has_begun || settlement->news == NEWS_STARTED;
	if (rights_question_waits(&committer->rights) && settlement->news == NEWS_RESET)
		rights_take(committer);
	else
		rights_question_drop(&committer->rights);
	committer->doubts_rights = false;
	if (settlement->news == NEWS_COMMITTED) {
		rights_question_committed(&committer->rights);
		recovery_note(committer);
		pthread_mutex_lock(&committer->lock);
		broker_refusals_committed(&committer->broker_refusals, clock_ms());
		pthread_mutex_unlock(&committer->lock);
	}
	if (settlement->closed > 0 && !committer->explained)
		snprintf(committer->reason, sizeof committer->reason, "%u connections closed during the transaction",
			 settlement->closed);
	resets_note(committer, settlement->news);
	return settlement->news;
}

/* ---- the thread ---- */

static enum committer_request next_request(struct committer *committer)
{
	pthread_mutex_lock(&committer->lock);
	while (committer->request == REQUEST_NONE)
		pthread_cond_wait(&committer->asked, &committer->lock);
	enum committer_request request = committer->request;
	committer->request = REQUEST_NONE;
	pthread_mutex_unlock(&committer->lock);
	return request;
}

static void give_answer(struct committer *committer, enum transaction_news news, const struct error *error)
{
	if (atomic_load(&committer->abandoned))
		return;
	pthread_mutex_lock(&committer->lock);
	committer->answer = news;
	committer->answer_error = *error;
	pthread_mutex_unlock(&committer->lock);
	bell_ring(committer->bell);
}

static void *committer_run(void *context)
{
	struct committer *committer = context;
	for (;;) {
		struct error error = {0};
		switch (next_request(committer)) {
		case REQUEST_START:
			settlement_start(&committer->settlement);
			give_answer(committer, committer_settle(committer, &error), &error);
			break;
		case REQUEST_END:
			give_answer(committer, committer_settle(committer, &error), &error);
			break;
		case REQUEST_STOP:
			if (!atomic_load(&committer->abandoned))
				producer_close(committer);
			return NULL;
		case REQUEST_NONE:
			return NULL;
		}
	}
}

static void committer_ask(struct committer *committer, enum committer_request request)
{
	pthread_mutex_lock(&committer->lock);
	committer->request = request;
	pthread_cond_signal(&committer->asked);
	pthread_mutex_unlock(&committer->lock);
}

/* ---- for the worker ---- */

struct committer *committer_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	assert(config->brokers && config->id && consumer);
	struct committer *committer = memory_take(1, sizeof *committer);
	if (!committer) {
		error_memory(error, ERROR_SYSTEM, "opening a committer");
		return NULL;
	}
	committer->config = config;
	committer->consumer = consumer;
	committer->batches = config->batches ? config->batches : &committer->own_batches;
	committer->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : TRANSACTION_TIMEOUT_MS;
	pthread_mutex_init(&committer->lock, NULL);
	pthread_cond_init(&committer->asked, NULL);
	committer->bell = bell_open(error);
	committer->names = config->topics;
	committer->topics.awaited = config->observes;
	committer->name_count = config->topic_count;
	committer->running = committer->bell >= 0 && pthread_create(&committer->thread, NULL, committer_run, committer) == 0;
	if (committer->running) {
		committer_ask(committer, REQUEST_START);
		return committer;
	}
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "the committer's thread could not be started; raise the limit on threads");
	(void)committer_close(committer);
	return NULL;
}

/* A call lasts as long as a transaction, and librdkafka may need longer for a producer whose broker is silent. */
bool committer_close(struct committer *committer)
{
	if (committer->running) {
		atomic_store(&committer->stopping, true);
		committer_ask(committer, REQUEST_STOP);
		if (!client_thread_ends(committer->thread, CLOSE_WAIT_S)) {
			committer_abandon(committer);
			return false;
		}
	}
	rights_question_drop(&committer->rights);
	refusals_close(&committer->refusals);
	if (committer->bell >= 0)
		close(committer->bell);
	pthread_cond_destroy(&committer->asked);
	pthread_mutex_destroy(&committer->lock);
	memory_give(committer);
	return true;
}

void committer_abandon(struct committer *committer)
{
	assert(committer->running);
	atomic_store(&committer->abandoned, true);
	atomic_store(&committer->stopping, true);
	committer_ask(committer, REQUEST_STOP);
	pthread_detach(committer->thread);
}

unsigned committer_calls(const struct committer *committer, const char **doing)
{
	*doing = call_words[atomic_load(&committer->calling)];
	return atomic_load(&committer->calls);
}

int committer_bell(const struct committer *committer)
{
	return committer->bell;
}

enum transaction_news committer_answer(struct committer *committer, struct error *error)
{
	bell_quiet(committer->bell);
	pthread_mutex_lock(&committer->lock);
	drain_events(committer);
	enum transaction_news news = committer->answer;
	committer->answer = NEWS_NONE;
	if (news == NEWS_COMMITTED)
		committer->lost = (struct error){0};
	if (committer->lost.kind != ERROR_NONE && clock_ms() >= committer->lost_at_ms) {
		news = NEWS_BROKEN;
		*error = committer->lost;
	} else if (news == NEWS_BROKEN) {
		*error = committer->answer_error;
	}
	pthread_mutex_unlock(&committer->lock);
	return news;
}

void committer_end(struct committer *committer, struct positions positions, bool lost, const rd_kafka_message_t *refused)
{
	struct settlement *settlement = &committer->settlement;
	unsigned closed = atomic_load(&committer->closed_sockets);
	committer->explained = committer->doubts_rights = lost;
	if (lost && refused->rkt) /* the thread does nothing now */
		broker_refusals_note(&committer->broker_refusals, refused, clock_ms());
	if (lost)
		snprintf(committer->reason, sizeof committer->reason, "librdkafka did not take all results");
	settlement_end(settlement, positions, closed);
	if (lost && !settlement->doubted)
		settlement_took(settlement, SETTLEMENT_REFUSED, closed);
	committer_ask(committer, REQUEST_END);
}

rd_kafka_t *committer_producer(struct committer *committer, const struct topic_handles **topics)
{
	*topics = &committer->topics;
	return committer->producer;
}

bool committer_topics(struct committer *committer, const char *const *names, size_t count, struct error *error)
{
	committer->names = names;
	committer->name_count = count;
	return topic_handles_follow(&committer->topics, committer->producer, names, count, error);
}

bool committer_refused(struct committer *committer, struct refusal *refusal)
{
	pthread_mutex_lock(&committer->lock);
	drain_events(committer);
	bool refused = refusals_take(&committer->refusals, refusal);
	pthread_mutex_unlock(&committer->lock);
	return refused;
}

const char *committer_reason(const struct committer *committer)
{
	return committer->reason;
}
