/* committer.c: Calls on librdkafka that settle a transaction, in the order of settlement.c. See committer.h, and
 * transaction.h for the reasons. */
#include "kafka/produce/committer_parts.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/pause.h"
#include "net/loop.h"

#define DENIED_PAUSES 10   /* so many times as long between two questions for a right as otherwise: each opens a client */
#define CLOSE_WAIT_S 5		/* for the thread, at the end of a worker */
#define READ_COMMITTED_MS 4000 /* less, since it is a call of the consumer's client, which is closed then */
#define RIGHTS_PAUSE_MS 250 /* after rights were asked for in vain for the first time; then twice as long, up to: */
#define RIGHTS_PAUSE_MAX_MS 16000
#define RESETS_APART_MS 60000 /* a reset so long after another one has nothing to do with it */

static const char *const call_words[] = {
	[SETTLEMENT_OVER] = "ending a transaction",
	[SETTLEMENT_OPEN] = "opening a transactional producer",
	[SETTLEMENT_BEGIN] = "beginning a transaction",
	[SETTLEMENT_SEND_OFFSETS] = "sending offsets",
	[SETTLEMENT_COMMIT] = "committing",
	[SETTLEMENT_READ_COMMITTED] = "reading what the group has committed",
	[SETTLEMENT_PAUSE] = "ending a transaction",
};

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
	char line[COMMITTER_REASON_MAX + 160];
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
	committer_producer_close(committer);
	refusals_pause(committer);
	if (atomic_load(&committer->abandoned) || !committer_producer_open(committer, error))
		return SETTLEMENT_HOPELESS;
	rd_kafka_error_t *failure = rd_kafka_init_transactions(committer->producer.client, committer->timeout_ms);
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
	rd_kafka_error_t *failure = rd_kafka_begin_transaction(committer->producer.client);
	const enum settlement_outcome outcome = outcome_of(committer, doing, failure);
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
		rd_kafka_send_offsets_to_transaction(committer->producer.client, list, membership, committer->timeout_ms);
	rd_kafka_topic_partition_list_destroy(list);
	memory_give(room);
	return outcome_of(committer, call_words[SETTLEMENT_SEND_OFFSETS], failure);
}

/* Of a topic that the login may not see any more the group tells nothing. */
static rd_kafka_resp_err_t committed_take(const rd_kafka_topic_partition_t *entry, struct committed_offset *committed)
{
	committed->is_denied = entry->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
	committed->offset = entry->offset < 0 ? OFFSET_NONE : entry->offset;
	return committed->is_denied ? RD_KAFKA_RESP_ERR_NO_ERROR : entry->err;
}

static rd_kafka_resp_err_t committed_resolve(const rd_kafka_topic_partition_list_t *list, struct settlement *settlement,
					     bool *is_told)
{
	struct committed_offset *committed = memory_take((size_t)list->cnt, sizeof *committed);
	rd_kafka_resp_err_t code = committed ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__FAIL;
	for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
		code = committed_take(&list->elems[i], &committed[i]);
	*is_told = code == RD_KAFKA_RESP_ERR_NO_ERROR && settlement_resolve(settlement, committed);
	memory_give(committed);
	return code;
}

/* Asks the group, and waits so long for its answer. `is_told` is false where the answer leaves open whether the transaction was
 * committed, as settlement_resolve() has it; the positions are then as before, as they are after an error. */
static rd_kafka_resp_err_t committed_ask(const struct consumer *consumer, struct settlement *settlement, int timeout_ms,
					 bool *is_told)
{
	*is_told = false;
	rd_kafka_topic_partition_list_t *list = consumer_list(consumer, settlement->positions);
	rd_kafka_resp_err_t code = rd_kafka_committed(consumer_client(consumer), list, timeout_ms);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = committed_resolve(list, settlement, is_told);
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

static enum settlement_outcome read_committed(struct committer *committer, struct error *error)
{
	bool is_told;
	committer->lacks_group = committer->lacks_topic = false;
	if (consumer_has_failed(committer->consumer)) { /* the next owner of the positions reads what is committed */
		for (size_t i = 0; i < committer->settlement.positions.count; i++)
			committer->settlement.positions.items[i].offset = OFFSET_UNKNOWN;
		return SETTLEMENT_DONE;
	}
	const int timeout_ms = committer->timeout_ms < READ_COMMITTED_MS ? committer->timeout_ms : READ_COMMITTED_MS;
	const rd_kafka_resp_err_t code = committed_ask(committer->consumer, &committer->settlement, timeout_ms, &is_told);
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
				  rd_kafka_commit_transaction(committer->producer.client, committer->timeout_ms));
	case SETTLEMENT_READ_COMMITTED:
		return read_committed(committer, error);
	case SETTLEMENT_PAUSE:
		return pause_before_retry(committer);
	case SETTLEMENT_OVER:
		break;
	}
	return SETTLEMENT_DONE;
}

/* Asks which topics the login may not write any more, after a transaction was lost for want of a right: librdkafka does not name a
 * topic that could not be added to a transaction. The answers come while another producer is opened. */
static void rights_ask(struct committer *committer)
{
	const struct topic_member_config config = {
		.brokers = committer->config->brokers, .properties = committer->config->properties, .bell = -1};
	struct error error = {0};
	if (committer->rights || clock_ms() < committer->rights_due_ms)
		return;
	committer->rights = topic_member_open(&config, &error); /* without memory it is asked after the next loss */
	for (size_t i = 0; committer->rights && i < committer->name_count; i++)
		(void)topic_member_right(committer->rights, RIGHT_TO_WRITE, committer->names[i]);
}

static void rights_drop(struct committer *committer)
{
	topic_member_close(committer->rights);
	committer->rights = NULL;
}

/* A question that was in vain, since what fails again and again has another reason, is asked less and less often. */
static void rights_take(struct committer *committer)
{
	bool in_vain = true;
	topic_member_await(committer->rights, committer->timeout_ms, &committer->stopping);
	pthread_mutex_lock(&committer->lock);
	for (uint32_t i = 0; i < committer->name_count; i++) {
		const enum topic_right_answer answer =
			topic_member_right(committer->rights, RIGHT_TO_WRITE, committer->names[i]);
		if (answer == RIGHT_MISSING)
			refusals_deny(&committer->refusals, i, false);
		in_vain = in_vain && answer == RIGHT_GIVEN;
	}
	pthread_mutex_unlock(&committer->lock);
	rights_drop(committer);
	committer->rights_pause_ms =
		in_vain ? pause_next(committer->rights_pause_ms, RIGHTS_PAUSE_MS, RIGHTS_PAUSE_MAX_MS) : 0;
	committer->rights_due_ms = clock_ms() + committer->rights_pause_ms;
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
	char line[COMMITTER_REASON_MAX];
	if (!atomic_exchange(&committer->notes.warned, false))
		return;
	(void)snprintf(line, sizeof line, "Kafka: %s commits again", committer->config->id);
	kafka_log_say(LOG_LEVEL_INFO, line);
}

/* Takes the result of a call. False: another committer has taken over the settlement as it was before the call. */
static bool settlement_goes_on(struct committer *committer, enum settlement_outcome outcome)
{
	pthread_mutex_lock(&committer->lock);
	const bool goes_on = !atomic_load(&committer->abandoned);
	if (goes_on)
		settlement_took(&committer->settlement, outcome, atomic_load(&committer->notes.closed_sockets));
	pthread_mutex_unlock(&committer->lock);
	return goes_on;
}

static enum transaction_news committer_settle(struct committer *committer, struct error *error)
{
	struct settlement *settlement = &committer->settlement;
	committer->hindrance = (struct hindrance){0};
	while (settlement->call != SETTLEMENT_OVER) {
		enum settlement_outcome outcome = make_call(committer, error);
		if (!settlement_goes_on(committer, outcome))
			return NEWS_BROKEN;
		if (committer->doubts_rights)
			rights_ask(committer);
	}
	committer->has_begun = committer->has_begun || settlement->news == NEWS_STARTED;
	if (committer->rights && settlement->news == NEWS_RESET)
		rights_take(committer);
	else
		rights_drop(committer);
	committer->doubts_rights = false;
	if (settlement->news == NEWS_COMMITTED) {
		committer->rights_pause_ms = committer->rights_due_ms = 0;
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
				committer_producer_close(committer);
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

/* Without its thread. `bell` -1: none could be had. */
static struct committer *committer_make(const struct transaction_config *config, const struct consumer *consumer, int bell,
					struct error *error)
{
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
	committer->bell = bell;
	committer->names = config->topics;
	committer->producer.topics.awaited = config->observes;
	committer->name_count = config->topic_count;
	return committer;
}

/* Starts the thread with a request; NULL: it was closed. */
static struct committer *committer_begin(struct committer *committer, enum committer_request request, struct error *error)
{
	committer->running = committer->bell >= 0 && pthread_create(&committer->thread, NULL, committer_run, committer) == 0;
	if (committer->running) {
		committer_ask(committer, request);
		return committer;
	}
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "the committer's thread could not be started; raise the limit on threads");
	(void)committer_close(committer);
	return NULL;
}

struct committer *committer_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	assert(config->brokers && config->id && consumer);
	struct committer *committer = committer_make(config, consumer, bell_open(error), error);
	return committer ? committer_begin(committer, REQUEST_START, error) : NULL;
}

struct committer *committer_replace(struct committer *hung, struct positions positions, struct error *error)
{
	pthread_mutex_lock(&hung->lock);
	const struct settlement settlement = hung->settlement;
	const bool is_over = settlement.call == SETTLEMENT_OVER; /* it has just returned */
	if (!is_over && settlement.call != SETTLEMENT_READ_COMMITTED)
		atomic_store(&hung->abandoned, true);
	pthread_mutex_unlock(&hung->lock);
	if (is_over || settlement.call == SETTLEMENT_READ_COMMITTED)
		return NULL;
	struct committer *committer = committer_make(hung->config, hung->consumer, dup(hung->bell), error);
	if (!committer)
		return NULL;
	committer->names = hung->names;
	committer->name_count = hung->name_count;
	committer->has_begun = hung->has_begun;
	committer->settlement = settlement;
	committer->settlement.positions = positions;
	committer->settlement.closed_at_begin = 0;
	settlement_took(&committer->settlement, SETTLEMENT_FAILED, 0);
	committer->explained = true;
	(void)snprintf(committer->reason, sizeof committer->reason, "%s has not returned", call_words[settlement.call]);
	return committer_begin(committer, REQUEST_END, error);
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
	rights_drop(committer);
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
	committer_events_drain(committer);
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
	unsigned closed = atomic_load(&committer->notes.closed_sockets);
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
	*topics = &committer->producer.topics;
	return committer->producer.client;
}

bool committer_topics(struct committer *committer, const char *const *names, size_t count, struct error *error)
{
	committer->names = names;
	committer->name_count = count;
	return producer_topics(&committer->producer, names, count, error);
}

bool committer_refused(struct committer *committer, struct refusal *refusal)
{
	pthread_mutex_lock(&committer->lock);
	committer_events_drain(committer);
	bool refused = refusals_take(&committer->refusals, refusal);
	pthread_mutex_unlock(&committer->lock);
	return refused;
}

const char *committer_reason(const struct committer *committer)
{
	return committer->reason;
}
