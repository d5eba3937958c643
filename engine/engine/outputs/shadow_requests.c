/* shadow_requests.c: Shadow requests: copies of messages in arenas of their own, whose replies change no answer.
 *
 * Nothing waits for them: no answer, no commit, no handover. If many are outstanding because the target is slow, or
 * if they hold too much memory, further ones are not sent and counted. So a slow shadow costs no memory either.
 */
#include <assert.h>

#include "engine/outputs/mirror_pairs.h"

#define COPIES_MAX 512
#define COPY_BYTES_MAX ((size_t)16 << 20) /* of one copy: as much as a model is sent */

static struct shadow_request *shadow_request_make(struct flow_owner *flow_owner, const struct call *call)
{
	struct arena *arena = arena_open(COPY_BYTES_MAX);
	struct shadow_request *copy = arena ? ARENA_NEW(arena, struct shadow_request) : NULL;
	struct message *message = copy ? message_copy(arena, call->message, call->request) : NULL;
	if (!message) {
		arena_close(arena);
		return NULL;
	}
	copy->arena = arena;
	copy->flow_owner = flow_owner;
	copy->call = *call;
	copy->call.message = message;
	copy->call.request = &message->payload;
	copy->sent_ms = loop_now_ms(flow_owner->stage->worker->loop);
	shadow_request_measure(copy);
	return copy;
}

void flow_owner_copy(void *context, const struct call *call, const struct mirrored_result *of)
{
	struct flow_owner *flow_owner = context;
	struct worker *worker = flow_owner->stage->worker;
	mirror_pairs_make_room(worker);
	const bool room = worker->copy_count < COPIES_MAX && worker->copy_bytes < COPIES_BYTES_MAX;
	struct shadow_request *copy = room ? shadow_request_make(flow_owner, call) : NULL;
	if (!copy) {
		count_add(&worker->counts.copies_lost, 1);
		if (of)
			mirror_leave_out(flow_owner->stage, call, of,
					 room ? "the copy was not sent, since it is larger than 16 MiB or memory ran out"
					      : "the copy was not sent, since too many wait; check whether it is slow");
		return;
	}
	list_add(&worker->copies, &copy->node);
	worker->copy_count++;
	count_add(&worker->counts.copies, 1);
	if (of)
		mirror_pair_begin(copy, of);
	flow_owner_call(flow_owner, &copy->call);
}

void shadow_request_answered(struct worker *worker, struct call *call)
{
	assert(call->reply || call->error.kind != ERROR_NONE);
	struct shadow_request *copy = (struct shadow_request *)call;
	if (!copy->of.experiment) {
		shadow_request_drop(copy);
		return;
	}
	list_remove(&copy->node);
	worker->copy_count--;
	mirror_pair_replied(copy);
}

void shadow_requests_close(struct worker_stage *stage)
{
	struct worker *worker = stage->worker;
	mirror_pairs_close(stage);
	for (struct list_node *node = worker->copies.first, *next; node; node = next) {
		struct shadow_request *copy = LIST_OWNER(node, struct shadow_request, node);
		next = node->next;
		if (copy->flow_owner->stage != stage)
			continue;
		count_add(&worker->counts.copies_lost, 1);
		if (copy->of.experiment)
			mirror_leave_out(stage, &copy->call, &copy->of, "its stage ended before; check whether it is slow");
		flow_owner_forget(copy->flow_owner, &copy->call);
		shadow_request_drop(copy);
	}
}
