/* waiting_records.c: Records in hand of a full stage, in the order in which they came. */
#include <string.h>

#include "base/memory.h"
#include "engine/worker/parts.h"

void waiting_records_close(struct waiting_records *waiting)
{
	for (size_t i = 0; i < waiting->count; i++)
		record_release(&waiting->items[waiting->first + i]);
	memory_give(waiting->items);
	*waiting = (struct waiting_records){0};
}

bool waiting_records_add(struct worker_stage *stage, struct record *record)
{
	struct waiting_records *waiting = &stage->waiting;
	if (waiting->first + waiting->count == waiting->capacity && waiting->first > 0) {
		memmove(waiting->items, &waiting->items[waiting->first], waiting->count * sizeof(struct record));
		waiting->first = 0;
	}
	struct record *items = memory_grow(waiting->items, waiting->count, &waiting->capacity, TAKE_AT_ONCE, sizeof *items);
	if (!items)
		return error_memory(&stage->worker->failure, ERROR_SYSTEM, "keeping records of a full stage");
	waiting->items = items;
	items[waiting->first + waiting->count++] = *record;
	waiting->bytes += record->value.length;
	return true;
}

struct record *waiting_records_first(struct waiting_records *waiting)
{
	return waiting->count > 0 ? &waiting->items[waiting->first] : NULL;
}

void waiting_records_drop_first(struct waiting_records *waiting)
{
	waiting->bytes -= waiting->items[waiting->first].value.length;
	waiting->count--;
	waiting->first = waiting->count > 0 ? waiting->first + 1 : 0;
}

void waiting_records_drop(struct worker *worker, struct positions positions)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		struct waiting_records *waiting = &stage->waiting;
		size_t kept = 0;
		for (size_t i = 0; i < waiting->count; i++) {
			struct record *record = &waiting->items[waiting->first + i];
			if (!positions_have(positions, record->topic, record->partition)) {
				waiting->items[kept++] = *record;
				continue;
			}
			waiting->bytes -= record->value.length;
			/* If nothing is committed yet, the first record received is the offset to return to. */
			struct partition_queue *queue = partition_queues_find(&worker->queues, record->topic, record->partition);
			if (queue && queue->began == OFFSET_NONE)
				queue->began = record->offset;
			record_release(record);
		}
		waiting->first = 0;
		waiting->count = kept;
	}
}
