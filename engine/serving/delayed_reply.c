/* delayed_reply.c: see delayed_reply.h. */
#include "serving/delayed_reply.h"

#include "base/memory.h"

#define LOOK_MS 1000 /* interval of checks whether waiting callers are still connected */

struct later_waiting {
	struct later_waiting *next, *previous;
	struct later *later;
	struct loop_timer timer; /* time of its answer, or of the next check */
	int64_t due_ms;
	void *request;
	struct model_service_answer answer;
	char bytes[]; /* the words and the body */
};

struct later {
	struct loop *loop;
	struct later_config config;
	struct later_waiting *first;
};

struct later *later_open(struct loop *loop, const struct later_config *config, struct error *error)
{
	struct later *later = memory_take(1, sizeof *later);
	if (later)
		*later = (struct later){.loop = loop, .config = *config};
	else
		error_memory(error, ERROR_SYSTEM, "opening a model server");
	return later;
}

static void waiting_end(struct later_waiting *waiting)
{
	if (waiting->next)
		waiting->next->previous = waiting->previous;
	*(waiting->previous ? &waiting->previous->next : &waiting->later->first) = waiting->next;
	loop_timer_stop(waiting->later->loop, &waiting->timer);
	memory_give(waiting);
}

void later_close(struct later *later)
{
	if (!later)
		return;
	while (later->first)
		waiting_end(later->first);
	memory_give(later);
}

void later_send_now(struct later *later, void *request, const struct model_service_answer *answer)
{
	later->config.send(request, answer);
}

static void send_waiting(struct later_waiting *waiting)
{
	later_send_now(waiting->later, waiting->request, &waiting->answer);
	waiting_end(waiting);
}

/* Waits on. For a caller that has disconnected, the answer sends nothing and frees the request. */
static void wait_on(struct later_waiting *waiting)
{
	struct later *later = waiting->later;
	struct error error = {0};
	int64_t now_ms = loop_now_ms(later->loop), look_ms = now_ms + LOOK_MS;
	if (waiting->due_ms <= now_ms || later->config.is_over(waiting->request) ||
	    !loop_timer_set(later->loop, &waiting->timer, waiting->due_ms < look_ms ? waiting->due_ms : look_ms, &error))
		send_waiting(waiting);
}

static void on_due(void *context)
{
	wait_on(context);
}

void later_send(struct later *later, void *request, const struct model_service_answer *answer, int64_t delay_ms)
{
	struct later_waiting *waiting = memory_take_raw(sizeof *waiting + answer->words.length + answer->body.length);
	if (!waiting) {
		later_send_now(later, request, answer);
		return;
	}
	int64_t now_ms = loop_now_ms(later->loop);
	*waiting = (struct later_waiting){.next = later->first,
					  .later = later,
					  .timer = {.due = on_due, .context = waiting},
					  .due_ms = delay_ms < LATER_NEVER - now_ms ? now_ms + delay_ms : LATER_NEVER,
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
