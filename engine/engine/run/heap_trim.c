/* heap_trim.c: see heap_trim.h. */
#include "engine/run/heap_trim.h"

#include "base/memory.h"
#include "engine/run/process_usage.h"

void heap_trim_look(struct heap_trim *trim)
{
	const double before = process_resident_bytes();
	const bool was_needed = trim->kept_bytes > 0 && before > trim->kept_bytes + HEAP_TRIM_BYTES;
	allocator_trim();
	const double after = process_resident_bytes();
	const bool is_little = !(before - after >= HEAP_TRIM_BYTES);
	trim->wait_ms = was_needed || is_little ? trim->wait_ms * 2 : HEAP_TRIM_FIRST_MS;
	if (trim->wait_ms > HEAP_TRIM_MOST_MS)
		trim->wait_ms = HEAP_TRIM_MOST_MS;
	trim->kept_bytes = is_little ? 0 : after;
}

static void heap_trim_on_due(void *context)
{
	struct heap_trim *trim = context;
	struct error ignored = {0};
	heap_trim_look(trim);
	/* The timer's slot in the heap is free again, so this needs no memory. */
	(void)loop_timer_set(trim->loop, &trim->timer, loop_now_ms(trim->loop) + trim->wait_ms, &ignored);
}

bool heap_trim_start(struct heap_trim *trim, struct loop *loop, struct error *error)
{
	trim->loop = loop;
	trim->timer = (struct loop_timer){.due = heap_trim_on_due, .context = trim};
	trim->wait_ms = HEAP_TRIM_FIRST_MS;
	trim->kept_bytes = 0;
	return loop_timer_set(loop, &trim->timer, loop_now_ms(loop) + trim->wait_ms, error);
}

void heap_trim_stop(struct heap_trim *trim)
{
	if (trim->loop)
		loop_timer_stop(trim->loop, &trim->timer);
	trim->loop = NULL;
}
