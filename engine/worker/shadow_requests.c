/* shadow_requests.c: Shadow requests: copies of messages in arenas of their own, whose replies change no answer.
 *
 * Nothing waits for them: no answer, no commit, no handover. If many are outstanding because the target is slow, or
 * if they hold too much memory, further ones are not sent and counted. So a slow shadow costs no memory either.
 *
 * What a mirror of an experiment replies is written to the shadow topic, best effort, and so is which copies were not sent.
 */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "message/mirror_reply.h"
#include "worker/parts.h"
#include "worker/submitted.h"

#define COPIES_MAX 512
#define COPIES_BYTES_MAX ((size_t)32 << 20) /* for all copies of a worker */
#define COPY_BYTES_MAX ((size_t)16 << 20)   /* of one copy: as much as a model is sent */

struct shadow_request {	  /* in its own arena */
	struct call call; /* first: the flow returns it by its address */
	struct arena *arena;
	struct flow_owner *flow_owner; /* the flow owner that sent it */
	struct shadow_request *next, *previous;
	size_t bytes; /* size when it was made */
	int64_t sent_ms;
};

static void shadow_request_drop(struct worker *worker, struct shadow_request *copy)
{
	if (copy->next)
		copy->next->previous = copy->previous;
	*(copy->previous ? &copy->previous->next : &worker->copies) = copy->next;
	worker->copy_count--;
	worker->copy_bytes -= copy->bytes;
	arena_close(copy->arena);
}

static struct shadow_request *shadow_request_make(const struct call *call)
{
	struct arena *arena = arena_open(COPY_BYTES_MAX);
	struct shadow_request *copy = arena ? ARENA_NEW(arena, struct shadow_request) : NULL;
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

/* ---- replies of mirrors ---- */

/* Writes how the copy of a mirror ended. */
static void mirror_tell(struct worker_stage *stage, const struct call *call, const struct answer *answer, bool left_out,
			int64_t latency_ms)
{
	static const char *const type = "application/avro";
	struct outbox *outbox = &stage->worker->outbox;
	const struct message *message = call->message;
	const struct mirror_reply reply = {text_of(call->mirrors), text_of(call->name), left_out, latency_ms,
					   message->written_ms > 0 ? message->written_ms : message->time_ms};
	char origin[REPLY_ORIGIN_BYTES_MAX], words[MIRROR_HEADER_BYTES_MAX];
	const struct header headers[] = {{TEXT("content-type"), text_of(type)},
					 {TEXT(REPLY_ID_HEADER), message->id},
					 origin_header(message, origin),
					 {TEXT(MIRROR_HEADER), mirror_header_write(&reply, words)}};
	struct error error = {0};
	buffer_clear(&outbox->encoded);
	const bool written = answer_encode(message, answer, &format_avro, NULL, &outbox->encoded, &error);
	const struct outgoing record = {.topic = stage->config->shadow,
					.origin = {.partition = message->origin.partition, .offset = OFFSET_NONE},
					.key = message->id,
					.value = buffer_view(&outbox->encoded),
					.headers = {sizeof headers / sizeof *headers, headers}};
	if (!written || !best_effort_produce(outbox->side, &record))
		count_add(&outbox->counts->taps_lost, 1);
}

static bool mirror_is_compared(const struct worker_stage *stage, const struct call *call)
{
	return call->mirrors && stage->config->mirrors;
}

/* ---- copies ---- */

/* A copy whose reply does not come: it is not sent, or nobody waits for it any more. */
static void shadow_request_leave_out(struct worker_stage *stage, const struct call *call, const char *why)
{
	struct error error = {0};
	const struct answer answer = {.error = &error};
	count_add(&stage->worker->counts.copies_lost, 1);
	if (!mirror_is_compared(stage, call))
		return;
	error_set(&error, ERROR_LIMIT, PLACE_NONE, "there is no reply of `%s`: %s", call->name, why);
	mirror_tell(stage, call, &answer, true, 0);
}

void flow_owner_copy(void *context, const struct call *call)
{
	struct flow_owner *flow_owner = context;
	struct worker *worker = flow_owner->stage->worker;
	bool room = worker->copy_count < COPIES_MAX && worker->copy_bytes < COPIES_BYTES_MAX;
	struct shadow_request *copy = room ? shadow_request_make(call) : NULL;
	if (!copy) {
		shadow_request_leave_out(flow_owner->stage, call,
					 room ? "the copy was not sent, since it is larger than 16 MiB or memory ran out"
					      : "the copy was not sent, since too many wait; check whether it is slow");
		return;
	}
	copy->flow_owner = flow_owner;
	copy->sent_ms = loop_now_ms(worker->loop);
	copy->next = worker->copies;
	if (copy->next)
		copy->next->previous = copy;
	worker->copies = copy;
	worker->copy_count++;
	worker->copy_bytes += copy->bytes;
	count_add(&worker->counts.copies, 1);
	flow_owner_call(flow_owner, &copy->call);
}

void shadow_request_answered(struct worker *worker, struct call *call)
{
	assert(call->reply || call->error.kind != ERROR_NONE);
	struct shadow_request *copy = (struct shadow_request *)call;
	struct worker_stage *stage = copy->flow_owner->stage;
	const struct answer answer = {.payload = call->reply, .error = call->error.kind == ERROR_NONE ? NULL : &call->error};
	if (mirror_is_compared(stage, call))
		mirror_tell(stage, call, &answer, false, loop_now_ms(worker->loop) - copy->sent_ms);
	shadow_request_drop(worker, copy);
}

void shadow_requests_close(struct worker_stage *stage)
{
	struct worker *worker = stage->worker;
	for (struct shadow_request *copy = worker->copies, *next; copy; copy = next) {
		next = copy->next;
		if (copy->flow_owner->stage != stage)
			continue;
		shadow_request_leave_out(stage, &copy->call, "its stage ended before; check whether it is slow");
		flow_owner_forget(copy->flow_owner, &copy->call);
		shadow_request_drop(worker, copy);
	}
}
