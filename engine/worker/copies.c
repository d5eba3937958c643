/* copies.c: Shadow requests: copies of messages in arenas of their own, whose replies are ignored.
 *
 * Nothing waits for them: no answer, no commit, no handover. If many are outstanding because the target is slow, or
 * if they hold too much memory, further ones are not sent and counted. So a slow shadow costs no memory either.
 */
#include "base/memory.h"
#include "worker/parts.h"

#define COPIES_MAX 512
#define COPIES_BYTES_MAX ((size_t)32 << 20) /* for all copies of a worker */
#define COPY_BYTES_MAX ((size_t)16 << 20)   /* of one copy: as much as a model is sent */

struct copy {		  /* in its own arena */
	struct call call; /* first: the flow returns it by its address */
	struct arena *arena;
	struct host *host; /* the flow owner that sent it */
	struct copy *next, *previous;
	size_t bytes; /* size when it was made */
};

static void copy_drop(struct worker *worker, struct copy *copy)
{
	if (copy->next)
		copy->next->previous = copy->previous;
	*(copy->previous ? &copy->previous->next : &worker->copies) = copy->next;
	worker->copy_count--;
	worker->copy_bytes -= copy->bytes;
	arena_close(copy->arena);
}

static struct copy *copy_make(const struct call *call)
{
	struct arena *arena = arena_open(COPY_BYTES_MAX);
	struct copy *copy = arena ? ARENA_NEW(arena, struct copy) : NULL;
	struct message *message = copy ? message_copy(arena, call->message, call->request) : NULL;
	if (!message) {
		arena_close(arena);
		return NULL;
	}
	copy->arena = arena;
	copy->call = *call;
	copy->call.message = message;
	copy->call.request = &message->payload;
	copy->bytes = arena->held_bytes;
	return copy;
}

void host_copy(void *context, const struct call *call)
{
	struct host *host = context;
	struct worker *worker = host->stage->worker;
	bool room = worker->copy_count < COPIES_MAX && worker->copy_bytes < COPIES_BYTES_MAX;
	struct copy *copy = room ? copy_make(call) : NULL;
	if (!copy) {
		count_add(&worker->counts.copies_lost, 1);
		return;
	}
	copy->host = host;
	copy->next = worker->copies;
	if (copy->next)
		copy->next->previous = copy;
	worker->copies = copy;
	worker->copy_count++;
	worker->copy_bytes += copy->bytes;
	count_add(&worker->counts.copies, 1);
	host_call(host, &copy->call);
}

void copy_answered(struct worker *worker, struct call *call)
{
	copy_drop(worker, (struct copy *)call);
}

void copies_close(struct worker_stage *stage)
{
	struct worker *worker = stage->worker;
	for (struct copy *copy = worker->copies, *next; copy; copy = next) {
		next = copy->next;
		if (copy->host->stage != stage)
			continue;
		host_forget(copy->host, &copy->call);
		copy_drop(worker, copy);
	}
}
