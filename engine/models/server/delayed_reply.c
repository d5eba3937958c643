/* delayed_reply.c: see delayed_reply.h. */
#include "models/server/delayed_reply.h"

#include <assert.h>

#include "base/memory.h"

#define LOOK_MS 1000 /* interval of checks whether waiting callers are still connected */

struct delayed_replies_waiting {
	struct delayed_replies_waiting *next, *previous;
	struct delayed_replies *later;
	struct loop_timer timer; /* time of its answer, or of the next check */
	int64_t due_ms;
	void *request;
	struct model_service_answer answer;
	char bytes[]; /* the words and the body */
};

struct delayed_replies {
	struct loop *loop;
	struct delayed_replies_config config;
	struct delayed_replies_waiting *first;
};

struct delayed_replies *delayed_replies_open(struct loop *loop, const struct delayed_replies_config *config, struct error *error)
{
	assert(loop && config->send && config->is_over);
	struct delayed_replies *later = memory_take(1, sizeof *later);
	if (later)
		*later = (struct delayed_replies){.loop = loop, .config = *config};
	else
		error_memory(error, ERROR_SYSTEM, "opening a model server");
	return later;
}

static void waiting_end(struct delayed_replies_waiting *waiting)
{
	if (waiting->next)
		waiting->next->previous = waiting->previous;
	*(waiting->previous ? &waiting->previous->next : &waiting->later->first) = waiting->next;
	loop_timer_stop(waiting->later->loop, &waiting->timer);
	memory_give(waiting);
}

void delayed_replies_close(struct delayed_replies *later)
{
	if (!later)
		return;
	while (later->first)
		waiting_end(later->first);
	memory_give(later);
}

void delayed_replies_send_now(struct delayed_replies *later, void *request, const struct model_service_answer *answer)
{
	later->config.send(request, answer);
}

static void send_waiting(struct delayed_replies_waiting *waiting)
{
	delayed_replies_send_now(waiting->later, waiting->request, &waiting->answer);
	waiting_end(waiting);
}

/* Waits on. For a caller that has disconnected, the answer sends nothing and frees the request. */
static void wait_on(struct delayed_replies_waiting *waiting)
{
	struct delayed_replies *later = waiting->later;
	struct error error = {0};
	int64_t now_ms = loop_now_ms(later->loop), look_ms = now_ms + LOOK_MS;
	if (waiting->due_ms <= now_ms || later->config.is_over(waiting->request) ||
	    !loop_timer_set(later->loop, &waiting->timer, waiting->due_ms < look_ms ? waiting->due_ms : look_ms, &error))
		send_waiting(waiting);
}

static void delayed_reply_on_due(void *context)
{
	wait_on(context);
}

void delayed_replies_send(struct delayed_replies *later, void *request, const struct model_service_answer *answer, int64_t delay_ms)
{
	assert(request);
	struct delayed_replies_waiting *waiting = memory_take_raw(sizeof *waiting + answer->words.length + answer->body.length);
	if (!waiting) {
		delayed_replies_send_now(later, request, answer);
		return;
	}
	int64_t now_ms = loop_now_ms(later->loop);
	*waiting = (struct delayed_replies_waiting){.next = later->first,
						    .later = later,
						    .timer = {.due = delayed_reply_on_due, .context = waiting},
						    .due_ms = delay_ms < DELAY_NEVER - now_ms ? now_ms + delay_ms : DELAY_NEVER,
						    .request = request,
						    .answer = *answer};
	if (waiting->next)
		waiting->next->previous = waiting;
	later->first = waiting;
	char *body = waiting->bytes + answer->words.length;
	if (answer->words.length)
		memcpy(waiting->bytes, answer->words.bytes, answer->words.length);
	if (answer->body.length)
		memcpy(body, answer->body.bytes, answer->body.length);
	waiting->answer.words.bytes = waiting->bytes;
	waiting->answer.body.bytes = body;
	wait_on(waiting);
}
