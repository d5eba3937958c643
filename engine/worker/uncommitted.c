/* uncommitted.c: see uncommitted.h. */
#include "worker/uncommitted.h"

#include "base/memory.h"

#define JOIN_BYTES 256 /* that a join takes beside its parts, about */

void uncommitted_open(struct uncommitted_list *list, size_t *bytes)
{
	*list = (struct uncommitted_list){.bytes = bytes};
}

static struct uncommitted *first_take(struct uncommitted_list *list)
{
	struct uncommitted *first = list->first;
	list->first = first->next;
	if (!list->first)
		list->last = NULL;
	*list->bytes -= first->bytes;
	return first;
}

void uncommitted_close(struct uncommitted_list *list)
{
	while (list->first)
		uncommitted_give(first_take(list));
}

/* What Kafka refused is taken again behind what came after it. */
static void insert(struct uncommitted_list *list, struct uncommitted *uncommitted)
{
	struct uncommitted **link = &list->first;
	if (list->last && list->last->offset <= uncommitted->offset)
		link = &list->last->next;
	while (*link && (*link)->offset <= uncommitted->offset)
		link = &(*link)->next;
	uncommitted->next = *link;
	*link = uncommitted;
	if (!uncommitted->next)
		list->last = uncommitted;
}

struct uncommitted *uncommitted_add(struct uncommitted_list *list, int64_t offset, size_t part_count, size_t part_bytes)
{
	struct uncommitted *uncommitted = memory_take(1, sizeof *uncommitted + part_count * sizeof(struct parked_part *));
	if (!uncommitted)
		return NULL;
	uncommitted->offset = offset;
	uncommitted->part_count = part_count;
	uncommitted->bytes = JOIN_BYTES + part_bytes;
	*list->bytes += uncommitted->bytes;
	insert(list, uncommitted);
	return uncommitted;
}

struct uncommitted *uncommitted_reach(struct uncommitted *from, int64_t offset)
{
	while (from && from->offset < offset)
		from = from->next;
	return from;
}

struct uncommitted *uncommitted_find(const struct uncommitted_list *list, int64_t offset)
{
	struct uncommitted *uncommitted = uncommitted_reach(list->first, offset);
	return uncommitted && uncommitted->offset == offset ? uncommitted : NULL;
}

struct uncommitted *uncommitted_take(struct uncommitted_list *list, int64_t committed)
{
	return list->first && list->first->offset < committed ? first_take(list) : NULL;
}

void uncommitted_give(struct uncommitted *uncommitted)
{
	memory_give(uncommitted);
}
