/* merge.c: see merge.h. */
#include "models/calls/merge.h"

#include <assert.h>

#include "base/memory.h"
#include "message/rows.h"

#define CARRIAGE_BYTES_MAX ((size_t)256 << 20) /* the limit of a call's bytes comes first */

size_t merge_rows(const struct queued_call *queued_call)
{
	return queued_call->alone || queued_call->attempts.call->once ? 0 : payload_row_count(queued_call->attempts.call->request);
}

static bool parameter_equals(const struct parameter *one, const struct parameter *other)
{
	if (one->type != other->type || !text_equal(one->name, other->name))
		return false;
	switch (one->type) {
	case PARAMETER_FLAG:
		return one->value.flag == other->value.flag;
	case PARAMETER_TEXT:
		return text_equal(one->value.text, other->value.text);
	case PARAMETER_INTEGER:
	case PARAMETER_UNSIGNED:
	case PARAMETER_NUMBER:
		break;
	}
	return one->value.natural == other->value.natural; /* all eight bytes of the union */
}

static bool parameters_equal(struct parameters one, struct parameters other)
{
	if (one.count != other.count)
		return false;
	for (size_t i = 0; i < one.count; i++)
		if (!parameter_equals(&one.items[i], &other.items[i]))
			return false;
	return true;
}

static bool wanted_equal(struct tensors_wanted one, struct tensors_wanted other)
{
	if (one.count != other.count)
		return false;
	for (size_t i = 0; i < one.count; i++)
		if (!text_equal(one.names[i], other.names[i]))
			return false;
	return true;
}

bool merge_fits(const struct queued_call *one, const struct queued_call *other)
{
	const struct payload *a = one->attempts.call->request, *b = other->attempts.call->request;
	if (!wanted_equal(one->attempts.call->outputs, other->attempts.call->outputs))
		return false;
	if (!payloads_agree(a, b) || !parameters_equal(a->parameters, b->parameters))
		return false;
	for (size_t i = 0; i < a->tensors.count; i++)
		if (!parameters_equal(a->tensors.items[i]->parameters, b->tensors.items[i]->parameters))
			return false;
	return true;
}

static struct batch_call *batch_call_ready(struct queued_call *call_batch)
{
	if (!call_batch->batch_call && (call_batch->batch_call = memory_take(1, sizeof *call_batch->batch_call)))
		call_batch->batch_call->arena = arena_open(CARRIAGE_BYTES_MAX);
	if (!call_batch->batch_call || !call_batch->batch_call->arena)
		return NULL;
	arena_reset(call_batch->batch_call->arena);
	return call_batch->batch_call;
}

/* The latest deadline of the members. As long as one of them waits, the call is needed. */
static int64_t latest_deadline_ms(const struct queued_call *call_batch)
{
	int64_t latest_ms = 0;
	for (const struct queued_call *member = call_batch->members; member; member = member->next_member) {
		int64_t deadline_ms = call_deadline_ms(member->attempts.call);
		if (deadline_ms == 0)
			return 0;
		latest_ms = deadline_ms > latest_ms ? deadline_ms : latest_ms;
	}
	return latest_ms;
}

/* Copies the names, because their deployment may end before the call. */
static struct tensors_wanted outputs_copied(struct arena *arena, struct tensors_wanted outputs)
{
	struct text *names = outputs.count ? ARENA_ARRAY(arena, struct text, outputs.count) : NULL;
	for (size_t i = 0; names && i < outputs.count; i++)
		names[i] = text_copied(arena, outputs.names[i]);
	return (struct tensors_wanted){names ? outputs.count : 0, names};
}

bool merge_load(struct queued_call *call_batch)
{
	assert(call_batch->members && call_batch->rows > 0);
	struct batch_call *batch_call = batch_call_ready(call_batch);
	const struct call *first = call_batch->members->attempts.call;
	size_t count = 0;
	if (!batch_call)
		return false;
	for (const struct queued_call *member = call_batch->members; member; member = member->next_member)
		count++;
	const struct payload **parts = ARENA_ARRAY(batch_call->arena, const struct payload *, count);
	count = 0;
	for (const struct queued_call *member = call_batch->members; parts && member; member = member->next_member)
		parts[count++] = member->attempts.call->request;
	if (!parts)
		return false;
	batch_call->payload = (struct payload){.tensors = payloads_joined(batch_call->arena, parts, count, call_batch->rows),
					       .parameters = parameters_copied(batch_call->arena, first->request->parameters)};
	batch_call->message = (struct message){.arena = batch_call->arena,
					       .id = text_copied(batch_call->arena, first->message->id),
					       .deadline_ms = latest_deadline_ms(call_batch)};
	batch_call->call = (struct call){
		.target = first->target, .name = first->name, .request = &batch_call->payload, .message = &batch_call->message};
	batch_call->call.outputs = outputs_copied(batch_call->arena, first->outputs);
	return !arena_failed(batch_call->arena);
}

const struct payload *merge_part(const struct queued_call *member, const struct payload *reply, size_t first)
{
	assert(member->call_batch && first + member->rows <= member->call_batch->rows);
	return payload_rows(member->attempts.call->message->arena, reply, first, member->rows, member->call_batch->rows);
}

bool merge_is_by_rows(const struct payload *reply, size_t rows)
{
	for (size_t i = 0; i < reply->tensors.count; i++) {
		const struct tensor *tensor = reply->tensors.items[i];
		if (tensor->rank == 0 || (size_t)tensor->shape[0] != rows)
			return false;
	}
	return true;
}
