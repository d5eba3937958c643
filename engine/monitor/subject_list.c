/* subject_list.c: see subject_list.h. */
#include "monitor/subject_list.h"

void subject_list_add(struct subject_list *list, struct metric_subject subject)
{
	if (list->items && list->count < list->capacity)
		list->items[list->count++] = subject;
}

bool subject_list_open(struct subject_list *list, size_t capacity, struct arena *arena)
{
	*list = (struct subject_list){.items = ARENA_ARRAY(arena, struct metric_subject, capacity + 1), .capacity = capacity};
	return list->items;
}

void *workers_sum(const void *counts, size_t workers, size_t size_bytes, size_t words, void *sum, struct arena *arena)
{
	sum = sum ? sum : arena_take(arena, 1, size_bytes);
	for (size_t i = 0; sum && i < workers; i++)
		counts_add(sum, (const char *)counts + i * size_bytes, words);
	return sum;
}

struct metric_subject *subject_list_find(struct subject_list *list, size_t label, const char *name)
{
	assert(label < METRIC_LABELS_MAX);
	for (size_t i = 0; i < list->count; i++)
		if (text_is(list->items[i].labels[label], name))
			return &list->items[i];
	if (!list->items || list->count == list->capacity)
		return NULL;
	struct metric_subject *subject = &list->items[list->count++];
	*subject = (struct metric_subject){0};
	subject->labels[label] = text_of(name);
	return subject;
}
