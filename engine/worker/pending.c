/* pending.c: see pending.h. */
#include "worker/pending.h"

#include "base/memory.h"

#define MEETING_BYTES 256 /* that a meeting takes beside its parts, about */

void pendings_open(struct pendings *pendings, size_t *bytes)
{
	*pendings = (struct pendings){.bytes = bytes};
}

static struct pending *first_take(struct pendings *pendings)
{
	struct pending *first = pendings->first;
	pendings->first = first->next;
	if (!pendings->first)
		pendings->last = NULL;
	*pendings->bytes -= first->bytes;
	return first;
}

void pendings_close(struct pendings *pendings)
{
	while (pendings->first)
		pending_give(first_take(pendings));
}

/* What Kafka refused is taken again behind what came after it. */
static void insert(struct pendings *pendings, struct pending *pending)
{
	struct pending **link = &pendings->first;
	if (pendings->last && pendings->last->offset <= pending->offset)
		link = &pendings->last->next;
	while (*link && (*link)->offset <= pending->offset)
		link = &(*link)->next;
	pending->next = *link;
	*link = pending;
	if (!pending->next)
		pendings->last = pending;
}

struct pending *pending_add(struct pendings *pendings, int64_t offset, size_t part_count, size_t part_bytes)
{
	struct pending *pending = memory_take(1, sizeof *pending + part_count * sizeof(struct keepsake *));
	if (!pending)
		return NULL;
	pending->offset = offset;
	pending->part_count = part_count;
	pending->bytes = MEETING_BYTES + part_bytes;
	*pendings->bytes += pending->bytes;
	insert(pendings, pending);
	return pending;
}

struct pending *pending_reach(struct pending *from, int64_t offset)
{
	while (from && from->offset < offset)
		from = from->next;
	return from;
}

struct pending *pending_find(const struct pendings *pendings, int64_t offset)
{
	struct pending *pending = pending_reach(pendings->first, offset);
	return pending && pending->offset == offset ? pending : NULL;
}

struct pending *pendings_committed(struct pendings *pendings, int64_t committed)
{
	return pendings->first && pendings->first->offset < committed ? first_take(pendings) : NULL;
}

void pending_give(struct pending *pending)
{
	memory_give(pending);
}
