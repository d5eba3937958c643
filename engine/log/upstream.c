/* upstream.c: see upstream.h. What crosses threads are questions, under one lock; each belongs to the thread while it
 * asks it, and to the owner otherwise. */
#include "log/upstream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/memory.h"
#include "log/backlog.h"
#include "net/loop.h"

#define QUESTION_MS 1000 /* of one question to Kafka; a stop waits for it */

enum question_state { QUESTION_IDLE, QUESTION_WAITS, QUESTION_ASKED, QUESTION_ANSWERED };

struct question {
	struct question *next;
	uint64_t ticket;
	const struct upstream_chain *chain;
	enum question_state state;
	enum upstream_progress progress;
	size_t reached; /* the link whose turn it is */
	bool marked;	/* where its topics ended is noted */
	struct backlog **backlogs; /* of each link; NULL: not needed yet */
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
	struct question *questions;
};

struct upstream *upstream_open(const char *brokers, struct properties properties, struct error *error)
{
	struct upstream *upstream = memory_take(1, sizeof *upstream);
	if (!upstream) {
		error_memory(error, ERROR_SYSTEM, "asking for the progress of groups");
		return NULL;
	}
	upstream->brokers = brokers;
	upstream->properties = properties;
	pthread_mutex_init(&upstream->lock, NULL);
	pthread_cond_init(&upstream->changed, NULL);
	upstream->bell = bell_open(error);
	if (upstream->bell >= 0)
		return upstream;
	upstream_close(upstream);
	return NULL;
}

static void question_close(struct question *question)
{
	for (size_t i = 0; question->backlogs && i < question->chain->count; i++)
		backlog_close(question->backlogs[i]);
	memory_give(question->backlogs);
	memory_give(question);
}

void upstream_close(struct upstream *upstream)
{
	if (!upstream)
		return;
	if (upstream->running) {
		pthread_mutex_lock(&upstream->lock);
		atomic_store(&upstream->stopping, true);
		pthread_cond_broadcast(&upstream->changed);
		pthread_mutex_unlock(&upstream->lock);
		pthread_join(upstream->thread, NULL);
	}
	while (upstream->questions) {
		struct question *question = upstream->questions;
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

static struct backlog *backlog_of(const struct upstream *upstream, struct question *question)
{
	struct error error = {0};
	struct backlog **backlog = &question->backlogs[question->reached];
	if (!*backlog)
		*backlog = backlog_open(upstream->brokers, upstream->properties, question->chain->links[question->reached].group,
					&error);
	return *backlog;
}

/* Whether that link has passed. */
static bool link_passed(const struct upstream *upstream, struct question *question)
{
	struct text topics = text_of(question->chain->links[question->reached].topics);
	struct backlog *backlog = backlog_of(upstream, question);
	if (!backlog)
		return false;
	if (!question->marked)
		question->marked = backlog_mark(backlog, topics, QUESTION_MS);
	return question->marked && backlog_left(backlog, topics, QUESTION_MS) == 0;
}

static enum upstream_progress ask(const struct upstream *upstream, struct question *question)
{
	while (question->reached < question->chain->count) {
		if (atomic_load(&upstream->stopping) || !link_passed(upstream, question))
			return UPSTREAM_BEHIND;
		question->reached++;
		question->marked = false;
	}
	question->reached = 0;
	return UPSTREAM_PASSED;
}

static struct question *next_waiting(const struct upstream *upstream)
{
	struct question *question = upstream->questions;
	while (question && question->state != QUESTION_WAITS)
		question = question->next;
	return question;
}

static void *run(void *context)
{
	struct upstream *upstream = context;
	pthread_mutex_lock(&upstream->lock);
	while (!atomic_load(&upstream->stopping)) {
		struct question *question = next_waiting(upstream);
		if (!question) {
			pthread_cond_wait(&upstream->changed, &upstream->lock);
			continue;
		}
		question->state = QUESTION_ASKED;
		pthread_mutex_unlock(&upstream->lock);
		enum upstream_progress progress = ask(upstream, question);
		pthread_mutex_lock(&upstream->lock);
		question->progress = progress;
		question->state = QUESTION_ANSWERED;
		pthread_cond_broadcast(&upstream->changed);
		bell_ring(upstream->bell);
	}
	pthread_mutex_unlock(&upstream->lock);
	return NULL;
}

/* ---- for the owner ---- */

static struct question *question_of(struct upstream *upstream, uint64_t ticket, const struct upstream_chain *chain)
{
	struct question *question = upstream->questions;
	while (question && question->ticket != ticket)
		question = question->next;
	if (question || !(question = memory_take(1, sizeof *question)))
		return question;
	*question = (struct question){.next = upstream->questions, .ticket = ticket, .chain = chain};
	question->backlogs = memory_take(chain->count, sizeof(struct backlog *));
	if (question->backlogs)
		return upstream->questions = question;
	memory_give(question);
	return NULL;
}

bool upstream_ask(struct upstream *upstream, uint64_t ticket, const struct upstream_chain *chain, struct error *error)
{
	pthread_mutex_lock(&upstream->lock);
	struct question *question = question_of(upstream, ticket, chain);
	if (question)
		question->state = QUESTION_WAITS;
	pthread_cond_broadcast(&upstream->changed);
	pthread_mutex_unlock(&upstream->lock);
	if (!question)
		return error_memory(error, ERROR_SYSTEM, "asking for the progress of groups");
	if (!upstream->running)
		upstream->running = pthread_create(&upstream->thread, NULL, run, upstream) == 0;
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
	struct question *question = upstream->questions;
	while (question && question->state != QUESTION_ANSWERED)
		question = question->next;
	if (question) {
		question->state = QUESTION_IDLE;
		progress = question->progress;
		*ticket = question->ticket;
	}
	pthread_mutex_unlock(&upstream->lock);
	return progress;
}

void upstream_forget(struct upstream *upstream, uint64_t ticket)
{
	pthread_mutex_lock(&upstream->lock);
	struct question **at = &upstream->questions;
	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	struct question *question = *at;
	while (question && question->state == QUESTION_ASKED)
		pthread_cond_wait(&upstream->changed, &upstream->lock);
	for (at = &upstream->questions; *at && *at != question; at = &(*at)->next)
		;
	if (question)
		*at = question->next;
	pthread_mutex_unlock(&upstream->lock);
	if (question)
		question_close(question);
}
