/* upstream.c: Questions about upstream groups, and the thread that asks Kafka; see upstream.h. Threads share
 * questions, under one lock. A question belongs to the thread while it is being asked, and to the owner otherwise. */
#include "kafka/consume/upstream.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/memory.h"
#include "kafka/consume/group_lag.h"
#include "net/loop.h"

#define QUESTION_MS 1000 /* time limit of one query to Kafka; a stop waits for it */
#define CHAIN_BYTES ((size_t)64 << 20) /* names of groups and topics: some KiB */

enum upstream_question_state { QUESTION_IDLE, QUESTION_WAITS, QUESTION_ASKED, QUESTION_ANSWERED, QUESTION_FORGOTTEN };

struct upstream_question {
	struct upstream_question *next;	    /* in the owner's list */
	struct upstream_question *next_due; /* in the queue of the thread */
	struct arena *arena;
	uint64_t ticket;
	uint64_t turn; /* number of the turn in which it was asked */
	struct upstream_chain chain;
	enum upstream_question_state state;
	enum upstream_progress progress;
	size_t reached; /* the link to be queried next */
	bool marked;	/* the ends of its topics were noted */
	struct group_lag **backlogs; /* of each link; NULL: not needed yet */
};

struct upstream {
	const char *brokers;
	struct properties properties;
	int bell;
	pthread_t thread;
	bool running;
	atomic_bool stopping;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct upstream_question *questions; /* that are not cancelled */
	uint64_t turns;
	struct upstream_question *due, **due_end; /* to be asked or closed by the thread, in the order of arrival */
};

/* ---- questions ---- */

/* Copies the chain, because a question can be cancelled while it is being asked. */
static bool question_keep_chain(struct upstream_question *question, const struct upstream_chain *chain)
{
	struct upstream_link *links = ARENA_ARRAY(question->arena, struct upstream_link, chain->count + 1);
	for (size_t i = 0; links && i < chain->count; i++) {
		const struct upstream_link *link = &chain->links[i];
		links[i].group = arena_copy(question->arena, link->group, strlen(link->group));
		links[i].topics = arena_copy(question->arena, link->topics, strlen(link->topics));
	}
	question->chain = (struct upstream_chain){chain->count, links};
	question->backlogs = ARENA_ARRAY(question->arena, struct group_lag *, chain->count + 1);
	return !arena_failed(question->arena);
}

static struct upstream_question *question_open(uint64_t ticket, const struct upstream_chain *chain)
{
	struct arena *arena = arena_open(CHAIN_BYTES);
	struct upstream_question *question = arena ? ARENA_NEW(arena, struct upstream_question) : NULL;
	if (question) {
		question->arena = arena;
		question->ticket = ticket;
		if (question_keep_chain(question, chain))
			return question;
	}
	arena_close(arena);
	return NULL;
}

static void question_close(struct upstream_question *question)
{
	for (size_t i = 0; i < question->chain.count; i++)
		group_lag_close(question->backlogs[i]);
	arena_close(question->arena);
}

/* Appends to the queue. */
static void question_enqueue(struct upstream *upstream, struct upstream_question *question, enum upstream_question_state state)
{
	question->state = state;
	question->turn = ++upstream->turns;
	question->next_due = NULL;
	*upstream->due_end = question;
	upstream->due_end = &question->next_due;
	pthread_cond_broadcast(&upstream->changed);
}

static struct upstream_question *question_dequeue(struct upstream *upstream)
{
	struct upstream_question *question = upstream->due;
	upstream->due = question->next_due;
	if (!upstream->due)
		upstream->due_end = &upstream->due;
	return question;
}

static struct upstream_question **question_find(struct upstream *upstream, uint64_t ticket)
{
	struct upstream_question **at = &upstream->questions;
	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	return at;
}

/* ---- opening and closing ---- */

struct upstream *upstream_open(const char *brokers, struct properties properties, struct error *error)
{
	struct upstream *upstream = memory_take(1, sizeof *upstream);
	if (!upstream) {
		error_memory(error, ERROR_SYSTEM, "asking for the progress of groups");
		return NULL;
	}
	upstream->brokers = brokers;
	upstream->properties = properties;
	upstream->due_end = &upstream->due;
	pthread_mutex_init(&upstream->lock, NULL);
	pthread_cond_init(&upstream->changed, NULL);
	upstream->bell = bell_open(error);
	if (upstream->bell >= 0)
		return upstream;
	upstream_close(upstream);
	return NULL;
}

static void upstream_stop(struct upstream *upstream)
{
	pthread_mutex_lock(&upstream->lock);
	atomic_store(&upstream->stopping, true);
	pthread_cond_broadcast(&upstream->changed);
	pthread_mutex_unlock(&upstream->lock);
	pthread_join(upstream->thread, NULL);
}

void upstream_close(struct upstream *upstream)
{
	if (!upstream)
		return;
	if (upstream->running)
		upstream_stop(upstream);
	while (upstream->due) {
		struct upstream_question *question = question_dequeue(upstream);
		if (question->state == QUESTION_FORGOTTEN)
			question_close(question);
	}
	while (upstream->questions) {
		struct upstream_question *question = upstream->questions;
		upstream->questions = question->next;
		question_close(question);
	}
	if (upstream->bell >= 0)
		close(upstream->bell);
	pthread_cond_destroy(&upstream->changed);
	pthread_mutex_destroy(&upstream->lock);
	memory_give(upstream);
}

int upstream_bell(const struct upstream *upstream)
{
	return upstream->bell;
}

/* ---- the thread ---- */

static struct group_lag *link_backlog(const struct upstream *upstream, struct upstream_question *question)
{
	struct error error = {0};
	struct group_lag **backlog = &question->backlogs[question->reached];
	if (!*backlog)
		*backlog = group_lag_open(question->backlogs[0], upstream->brokers, upstream->properties,
					  question->chain.links[question->reached].group, &error);
	return *backlog;
}

static bool link_passed(const struct upstream *upstream, struct upstream_question *question)
{
	struct text topics = text_of(question->chain.links[question->reached].topics);
	struct group_lag *backlog = link_backlog(upstream, question);
	if (!backlog)
		return false;
	if (!question->marked)
		question->marked = group_lag_mark(backlog, topics, QUESTION_MS);
	return question->marked && group_lag_left(backlog, topics, QUESTION_MS) == 0;
}

static enum upstream_progress question_ask(const struct upstream *upstream, struct upstream_question *question)
{
	while (question->reached < question->chain.count) {
		if (atomic_load(&upstream->stopping) || !link_passed(upstream, question))
			return UPSTREAM_BEHIND;
		question->reached++;
		question->marked = false;
	}
	question->reached = 0;
	return UPSTREAM_PASSED;
}

/* Called with the lock, which is released while Kafka is asked or a client is closed. */
static void question_serve(struct upstream *upstream, struct upstream_question *question)
{
	bool asked = question->state == QUESTION_WAITS;
	if (asked)
		question->state = QUESTION_ASKED;
	pthread_mutex_unlock(&upstream->lock);
	enum upstream_progress progress = asked ? question_ask(upstream, question) : UPSTREAM_NONE;
	pthread_mutex_lock(&upstream->lock);
	if (question->state != QUESTION_FORGOTTEN) {
		question->progress = progress;
		question->state = QUESTION_ANSWERED;
		bell_ring(upstream->bell);
		return;
	}
	pthread_mutex_unlock(&upstream->lock);
	question_close(question);
	pthread_mutex_lock(&upstream->lock);
}

static void *upstream_serve(void *context)
{
	struct upstream *upstream = context;
	pthread_mutex_lock(&upstream->lock);
	while (!atomic_load(&upstream->stopping)) {
		if (upstream->due)
			question_serve(upstream, question_dequeue(upstream));
		else
			pthread_cond_wait(&upstream->changed, &upstream->lock);
	}
	pthread_mutex_unlock(&upstream->lock);
	return NULL;
}

/* ---- for the owner ---- */

bool upstream_ask(struct upstream *upstream, uint64_t ticket, const struct upstream_chain *chain, struct error *error)
{
	assert(chain->count == 0 || chain->links);
	pthread_mutex_lock(&upstream->lock);
	struct upstream_question *question = *question_find(upstream, ticket);
	if (!question && (question = question_open(ticket, chain))) {
		question->next = upstream->questions;
		upstream->questions = question;
	}
	if (question)
		question_enqueue(upstream, question, QUESTION_WAITS);
	pthread_mutex_unlock(&upstream->lock);
	if (!question)
		return error_memory(error, ERROR_SYSTEM, "asking for the progress of groups");
	if (!upstream->running)
		upstream->running = pthread_create(&upstream->thread, NULL, upstream_serve, upstream) == 0;
	if (upstream->running)
		return true;
	return error_set(error, ERROR_SYSTEM, PLACE_NONE,
			 "the thread that asks for the progress of groups could not be started; raise the limit on threads");
}

enum upstream_progress upstream_answer(struct upstream *upstream, uint64_t *ticket)
{
	enum upstream_progress progress = UPSTREAM_NONE;
	bell_quiet(upstream->bell);
	pthread_mutex_lock(&upstream->lock);
	struct upstream_question *first = NULL;
	for (struct upstream_question *question = upstream->questions; question; question = question->next)
		if (question->state == QUESTION_ANSWERED && (!first || question->turn < first->turn))
			first = question;
	if (first) {
		first->state = QUESTION_IDLE;
		progress = first->progress;
		*ticket = first->ticket;
	}
	pthread_mutex_unlock(&upstream->lock);
	return progress;
}

/* Cancels a question. If it is queued or being asked, the thread closes it, because closing a client may take long. */
void upstream_forget(struct upstream *upstream, uint64_t ticket)
{
	pthread_mutex_lock(&upstream->lock);
	struct upstream_question **at = question_find(upstream, ticket), *question = *at;
	if (question) {
		*at = question->next;
		if (question->state == QUESTION_ASKED || question->state == QUESTION_WAITS)
			question->state = QUESTION_FORGOTTEN;
		else
			question_enqueue(upstream, question, QUESTION_FORGOTTEN);
	}
	pthread_mutex_unlock(&upstream->lock);
}
