/* blame_list.c: see blame_list.h. */
#include "engine/outputs/blame_list.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "kafka/record.h"

static_assert(sizeof((struct blamed *)NULL)->reason == sizeof((struct refusal *)NULL)->reason, "a reason is kept whole");

void blame_list_close(struct blame_list *list)
{
	memory_give(list->items);
	*list = (struct blame_list){0};
}

struct blamed *blame_list_find(const struct blame_list *list, int64_t offset)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].offset == offset)
			return &list->items[i];
	return NULL;
}

bool blame_list_note(struct blame_list *list, int64_t offset, enum blame blame, bool again, const char *reason, struct error *error)
{
	assert(offset >= 0 && (blame == BLAME_ANSWER || blame == BLAME_LETTER || blame == BLAME_EXPOSURES));
	struct blamed *blamed = blame_list_find(list, offset);
	if (blamed && (blamed->replaced & blame))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "Kafka refuses even the error answer in place of a record that it refused: %s. Then start again",
				 reason);
	if (!blamed) {
		struct blamed *items = memory_resize(list->items, list->count + 1, sizeof *items);
		if (!items)
			return error_memory(error, ERROR_SYSTEM, "noting what Kafka refuses");
		list->items = items;
		blamed = &items[list->count++];
		*blamed = (struct blamed){.offset = offset};
	}
	blamed->blame |= blame;
	blamed->open = again;
	const size_t length = strlen(reason);
	assert(length < sizeof blamed->reason);
	memcpy(blamed->reason, reason, length + 1);
	return true;
}

void blame_list_left(struct blame_list *list, int64_t offset, unsigned blame)
{
	struct blamed *blamed = blame_list_find(list, offset);
	if (!blamed)
		return;
	blamed->open = false;
	blamed->replaced |= blame;
}

int64_t blame_list_first(const struct blame_list *list)
{
	int64_t first = OFFSET_NONE;
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].open && (first == OFFSET_NONE || list->items[i].offset < first))
			first = list->items[i].offset;
	return first;
}

void blame_list_forget(struct blame_list *list, int64_t committed)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].offset >= committed)
			list->items[kept++] = list->items[i];
	list->count = kept;
}
