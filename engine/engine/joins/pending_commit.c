/* pending_commit.c: see pending_commit.h. */
#include "engine/joins/pending_commit.h"

#include <assert.h>

#include "base/memory.h"

#define JOIN_BYTES 256 /* of a join in addition to its parts, approximately */

void pending_commit_open(struct pending_commit_list *list, size_t *bytes)
{
	*list = (struct pending_commit_list){.bytes = bytes};
}

static struct pending_commit *first_take(struct pending_commit_list *list)
{
	struct pending_commit *first = list->first;
	list->first = first->next;
	if (!list->first)
		list->last = NULL;
	assert(*list->bytes >= first->bytes);
	*list->bytes -= first->bytes;
	return first;
}

void pending_commit_close(struct pending_commit_list *list)
{
	while (list->first)
		pending_commit_give(first_take(list));
}

/* Inserts in the order of offsets: a refused record is taken again after later ones. */
static void pending_commit_insert(struct pending_commit_list *list, struct pending_commit *pending_commit)
{
	struct pending_commit **link = &list->first;
	if (list->last && list->last->offset <= pending_commit->offset)
		link = &list->last->next;
	while (*link && (*link)->offset <= pending_commit->offset)
		link = &(*link)->next;
	pending_commit->next = *link;
	*link = pending_commit;
	if (!pending_commit->next)
		list->last = pending_commit;
}

struct pending_commit *pending_commit_add(struct pending_commit_list *list, int64_t offset, size_t part_count, size_t part_bytes)
{
	assert(list->bytes && offset >= 0); /* pending_commit_open() has set a counter */
	struct pending_commit *pending_commit = memory_take(1, sizeof *pending_commit + part_count * sizeof(struct parked_part *));
	if (!pending_commit)
		return NULL;
	pending_commit->offset = offset;
	pending_commit->part_count = part_count;
	pending_commit->bytes = JOIN_BYTES + part_bytes;
	*list->bytes += pending_commit->bytes;
	pending_commit_insert(list, pending_commit);
	return pending_commit;
}

struct pending_commit *pending_commit_reach(struct pending_commit *from, int64_t offset)
{
	while (from && from->offset < offset)
		from = from->next;
	return from;
}

struct pending_commit *pending_commit_find(const struct pending_commit_list *list, int64_t offset)
{
	struct pending_commit *pending_commit = pending_commit_reach(list->first, offset);
	return pending_commit && pending_commit->offset == offset ? pending_commit : NULL;
}

struct pending_commit *pending_commit_take(struct pending_commit_list *list, int64_t committed)
{
	return list->first && list->first->offset < committed ? first_take(list) : NULL;
}

void pending_commit_give(struct pending_commit *pending_commit)
{
	memory_give(pending_commit);
}
