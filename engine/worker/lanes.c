/* lanes.c: queues of flights, and the pool they come from; see lanes.h. */
#include "worker/lanes.h"

#include "base/memory.h"

void lanes_open(struct lanes *lanes, size_t message_bytes)
{
	*lanes = (struct lanes){.message_bytes = message_bytes};
}

/* ---- flights ---- */

static struct flight *flight_take(struct lanes *lanes)
{
	struct flight *flight = lanes->pool;
	if (flight) {
		lanes->pool = flight->next;
		return flight;
	}
	flight = memory_take(1, sizeof *flight);
	if (!flight)
		return NULL;
	flight->message.arena = arena_open(lanes->message_bytes);
	if (!flight->message.arena) {
		memory_give(flight);
		return NULL;
	}
	flight->made = lanes->made;
	lanes->made = flight;
	return flight;
}

static void flight_give(struct lanes *lanes, struct flight *flight)
{
	lanes->held_bytes -= flight->record.value.length + (flight->finished ? flight->message.arena->held_bytes : 0);
	lanes->in_flight--;
	record_release(&flight->record);
	arena_reset(flight->message.arena);
	flight->next = lanes->pool;
	lanes->pool = flight;
}

struct flight *lane_enter(struct lanes *lanes, struct lane *lane, const struct record *record, struct error *error)
{
	struct flight *flight = flight_take(lanes);
	if (!flight) {
		error_memory(error, ERROR_SYSTEM, "taking a message");
		return NULL;
	}
	flight->message = (struct message){.arena = flight->message.arena};
	flight->record = *record;
	flight->lane = lane;
	flight->next = NULL;
	flight->finished = flight->lettered = false;
	if (lane->last)
		lane->last->next = flight;
	else
		lane->first = flight;
	lane->last = flight;
	if (lane->began == OFFSET_NONE)
		lane->began = record->offset;
	lanes->in_flight++;
	lanes->held_bytes += record->value.length;
	return flight;
}

void flight_finish(struct lanes *lanes, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct flight *flight = (struct flight *)message;
	flight->finished = true;
	lanes->held_bytes += message->arena->held_bytes;
	if (!flight->lane) {
		flight_give(lanes, flight);
		return;
	}
	flight->outcome = outcome;
	flight->answer = answer ? *answer : (struct answer){0};
	if (flight->answer.error) {
		flight->error = *flight->answer.error;
		flight->answer.error = &flight->error;
	}
}

void lane_leave(struct lanes *lanes, struct lane *lane)
{
	struct flight *flight = lane->first;
	lane->first = flight->next;
	if (!lane->first)
		lane->last = NULL;
	lane->released = flight->record.offset + 1;
	flight_give(lanes, flight);
}

/* Those that the flow still has are given back when they finish. */
static void lane_drop(struct lanes *lanes, struct lane *lane)
{
	while (lane->first) {
		struct flight *flight = lane->first;
		lane->first = flight->next;
		flight->lane = NULL;
		if (flight->finished)
			flight_give(lanes, flight);
	}
	lane->last = NULL;
	lane->released = OFFSET_NONE;
}

/* ---- lanes ---- */

void lanes_close(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		memory_give(lanes->items[i]);
	memory_give(lanes->items);
	while (lanes->made) {
		struct flight *flight = lanes->made;
		lanes->made = flight->made;
		record_release(&flight->record);
		arena_close(flight->message.arena);
		memory_give(flight);
	}
}

bool lanes_add(struct lanes *lanes, struct positions positions, struct error *error)
{
	struct lane **items = memory_resize(lanes->items, lanes->count + positions.count + 1, sizeof(struct lane *));
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "taking over partitions");
	lanes->items = items;
	for (size_t i = 0; i < positions.count; i++) {
		struct lane *lane = memory_take(1, sizeof *lane);
		if (!lane)
			return error_memory(error, ERROR_SYSTEM, "taking over partitions");
		*lane = (struct lane){.topic = positions.items[i].topic,
				      .partition = positions.items[i].partition,
				      .released = OFFSET_NONE,
				      .began = OFFSET_NONE};
		lanes->items[lanes->count++] = lane;
	}
	return true;
}

void lanes_remove(struct lanes *lanes, struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++) {
		struct lane *lane = lanes_find(lanes, positions.items[i].topic, positions.items[i].partition);
		if (!lane)
			continue;
		lane_drop(lanes, lane);
		for (size_t at = 0; at < lanes->count; at++)
			if (lanes->items[at] == lane)
				lanes->items[at] = lanes->items[--lanes->count];
		memory_give(lane);
	}
}

struct lane *lanes_find(const struct lanes *lanes, uint32_t topic, int32_t partition)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (lanes->items[i]->partition == partition && lanes->items[i]->topic == topic)
			return lanes->items[i];
	return NULL;
}

struct positions lanes_released(const struct lanes *lanes, struct position *items)
{
	for (size_t i = 0; i < lanes->count; i++)
		items[i] = (struct position){lanes->items[i]->topic, lanes->items[i]->partition, lanes->items[i]->released};
	return (struct positions){lanes->count, items};
}

void lanes_committed(struct lanes *lanes, struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++) {
		struct lane *lane = lanes_find(lanes, positions.items[i].topic, positions.items[i].partition);
		if (lane && lane->released == positions.items[i].offset)
			lane->released = OFFSET_NONE;
	}
}

bool lanes_have_released(const struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++)
		if (lanes->items[i]->released != OFFSET_NONE)
			return true;
	return false;
}

void lanes_reset(struct lanes *lanes, struct positions committed)
{
	for (size_t i = 0; i < committed.count; i++) {
		struct position *position = &committed.items[i];
		struct lane *lane = lanes_find(lanes, position->topic, position->partition);
		if (!lane)
			continue;
		lane_drop(lanes, lane);
		if (position->offset == OFFSET_NONE)
			position->offset = lane->began;
	}
}
