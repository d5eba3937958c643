/* held_feedback.c: see held_feedback.h. */
#include "engine/learn/held_feedback.h"

#include <assert.h>

#include "base/memory.h"

/* ---- offsets ---- */

int64_t offsets_of(const struct offsets *offsets, int32_t partition)
{
	return (size_t)partition < offsets->count ? offsets->items[partition] : 0;
}

bool offsets_set(struct offsets *offsets, int32_t partition, int64_t offset, struct error *error)
{
	assert(partition >= 0);
	const size_t wanted = (size_t)partition + 1;
	if (wanted > offsets->count) {
		int64_t *items = memory_resize(offsets->items, wanted, sizeof *items);
		if (!items)
			return error_memory(error, ERROR_SYSTEM, "reading a topic");
		offsets->items = items;
		while (offsets->count < wanted)
			items[offsets->count++] = 0;
	}
	offsets->items[partition] = offset;
	return true;
}

bool offsets_lower(struct offsets *offsets, const struct offsets *other, bool first, struct error *error)
{
	const size_t count = offsets->count > other->count ? offsets->count : other->count;
	for (size_t i = 0; i < count; i++) {
		const int64_t one = offsets_of(offsets, (int32_t)i), two = offsets_of(other, (int32_t)i);
		if (!offsets_set(offsets, (int32_t)i, first || two < one ? two : one, error))
			return false;
	}
	return true;
}

bool offsets_raise(struct offsets *offsets, const struct offsets *other, struct error *error)
{
	for (size_t i = 0; i < other->count; i++)
		if (offsets_of(offsets, (int32_t)i) <= other->items[i] && !offsets_set(offsets, (int32_t)i, other->items[i], error))
			return false;
	return true;
}

void offsets_close(struct offsets *offsets)
{
	memory_give(offsets->items);
	*offsets = (struct offsets){0};
}

/* ---- records ---- */

struct held_feedback {
	struct held_record *ring;
	size_t most, first, count;
	size_t bytes, bytes_most; /* of values */
	int64_t latest_ms;
};

struct held_feedback *held_open(size_t most, size_t bytes_most, struct error *error)
{
	assert(most > 0 && bytes_most > 0);
	struct held_feedback *feedback = memory_take(1, sizeof *feedback);
	if (feedback) {
		feedback->most = most;
		feedback->bytes_most = bytes_most;
		feedback->ring = memory_take(most, sizeof *feedback->ring);
	}
	if (feedback && feedback->ring)
		return feedback;
	held_close(feedback);
	error_memory(error, ERROR_SYSTEM, "reading feedback");
	return NULL;
}

void held_close(struct held_feedback *feedback)
{
	if (!feedback)
		return;
	while (feedback->count > 0)
		held_drop_first(feedback);
	memory_give(feedback->ring);
	memory_give(feedback);
}

bool held_add(struct held_feedback *feedback, const struct record *record, int64_t now_ms, struct error *error)
{
	assert(feedback->count < feedback->most);
	char *value = memory_take_raw(record->value.length + 1);
	if (!value)
		return error_memory(error, ERROR_SYSTEM, "reading feedback");
	if (record->value.length > 0)
		memcpy(value, record->value.bytes, record->value.length);
	feedback->ring[(feedback->first + feedback->count++) % feedback->most] =
		(struct held_record){record->partition, record->offset, record->time_ms, now_ms, {value, record->value.length}};
	feedback->bytes += record->value.length;
	if (record->time_ms > feedback->latest_ms)
		feedback->latest_ms = record->time_ms;
	return true;
}

size_t held_space(const struct held_feedback *feedback)
{
	return feedback->bytes < feedback->bytes_most ? feedback->most - feedback->count : 0;
}

const struct held_record *held_first(const struct held_feedback *feedback)
{
	return feedback->count > 0 ? &feedback->ring[feedback->first] : NULL;
}

void held_drop_first(struct held_feedback *feedback)
{
	assert(feedback->count > 0);
	const struct text value = feedback->ring[feedback->first].value;
	feedback->bytes -= value.length;
	memory_give((char *)(uintptr_t)value.bytes); /* taken in held_add() */
	feedback->first = (feedback->first + 1) % feedback->most;
	feedback->count--;
}

int64_t held_latest_ms(const struct held_feedback *feedback)
{
	return feedback->latest_ms;
}

bool held_needs_exposures(const struct held_feedback *feedback, bool none_left, int64_t exposed_ms)
{
	return none_left || held_space(feedback) == 0 || feedback->latest_ms > exposed_ms;
}
