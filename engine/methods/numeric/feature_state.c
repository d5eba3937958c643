/* feature_state.c: State of one key; see feature_state.h. */
#include "methods/numeric/feature_state.h"

#include <string.h>

struct state_head {
	uint8_t version;
	uint8_t unused;
	uint16_t count;
	uint32_t newest_ms[2]; /* an int64_t, not aligned as one: a million keys have it */
};

struct slot_head {
	uint32_t keeps;
	uint32_t size_bytes;
	uint16_t elements;
	uint16_t capacity;
};

/* Where the slots' bytes begin. */
static size_t heads_bytes(size_t count)
{
	return (sizeof(struct state_head) + count * sizeof(struct slot_head) + 7) & ~(size_t)7;
}

static const struct slot_head *slot_heads(const char *value)
{
	return (const struct slot_head *)(const void *)(value + sizeof(struct state_head));
}

bool feature_state_read(const void *value, size_t length, struct feature_state *state)
{
	const struct state_head *head = value;
	*state = (struct feature_state){.newest_ms = INT64_MIN};
	if (!value)
		return true;
	if (length < sizeof *head || head->version != FEATURE_STATE_VERSION || length < heads_bytes(head->count))
		return false;
	*state = (struct feature_state){.count = head->count, .value = value, .length = length};
	memcpy(&state->newest_ms, head->newest_ms, sizeof state->newest_ms);
	size_t end = heads_bytes(head->count);
	for (size_t i = 0; i < state->count; i++)
		end += slot_heads(state->value)[i].size_bytes;
	return end == length;
}

struct feature_slot feature_state_slot(const struct feature_state *state, size_t nth)
{
	const struct slot_head *heads = slot_heads(state->value);
	size_t before = heads_bytes(state->count);
	for (size_t i = 0; i < nth; i++)
		before += heads[i].size_bytes;
	return (struct feature_slot){.keeps = heads[nth].keeps,
				     .size_bytes = heads[nth].size_bytes,
				     .elements = heads[nth].elements,
				     .capacity = heads[nth].capacity,
				     .bytes = state->value + before};
}

bool feature_state_find(const struct feature_state *state, uint32_t keeps, size_t likely, struct feature_slot *slot)
{
	if (!state->count)
		return false;
	const struct slot_head *heads = slot_heads(state->value);
	size_t at = likely;
	if (at >= state->count || heads[at].keeps != keeps)
		for (at = 0; at < state->count && heads[at].keeps != keeps;)
			at++;
	if (at < state->count)
		*slot = feature_state_slot(state, at);
	return at < state->count;
}

size_t feature_state_bytes(const struct feature_slot *slots, size_t count)
{
	size_t bytes = heads_bytes(count);
	for (size_t i = 0; i < count; i++)
		bytes += slots[i].size_bytes;
	return bytes;
}

void feature_state_write(void *to, int64_t newest_ms, const struct feature_slot *slots, size_t count)
{
	struct state_head *head = to;
	struct slot_head *heads = (struct slot_head *)(void *)(head + 1);
	char *bytes = (char *)to + heads_bytes(count);
	memset(to, 0, heads_bytes(count));
	*head = (struct state_head){.version = FEATURE_STATE_VERSION, .count = (uint16_t)count};
	feature_state_date(to, newest_ms);
	for (size_t i = 0; i < count; i++) {
		heads[i] = (struct slot_head){slots[i].keeps, slots[i].size_bytes, slots[i].elements, slots[i].capacity};
		memcpy(bytes, slots[i].bytes, slots[i].size_bytes);
		bytes += slots[i].size_bytes;
	}
}

void feature_state_date(void *value, int64_t newest_ms)
{
	memcpy(((struct state_head *)value)->newest_ms, &newest_ms, sizeof newest_ms);
}
