/* absent_topics.c: see absent_topics.h. */
#include "kafka/topics/absent_topics.h"

#include <assert.h>

#include "base/memory.h"

void absent_topics_close(struct absent_topics *absent)
{
	memory_give(absent->items);
	*absent = (struct absent_topics){0};
}

const struct absent_topic *absent_topics_find(const struct absent_topics *absent, uint32_t topic)
{
	for (size_t i = 0; i < absent->count; i++)
		if (absent->items[i].topic == topic)
			return &absent->items[i];
	return NULL;
}

bool absent_topics_note(struct absent_topics *absent, struct absent_topic topic)
{
	assert(!absent_topics_find(absent, topic.topic));
	struct absent_topic *items = memory_resize(absent->items, absent->count + 1, sizeof *items);
	if (!items)
		return false;
	items[absent->count++] = topic;
	absent->items = items;
	return true;
}

void absent_topics_forget(struct absent_topics *absent, uint32_t topic)
{
	for (size_t i = 0; i < absent->count; i++)
		if (absent->items[i].topic == topic) {
			absent->items[i] = absent->items[--absent->count];
			return;
		}
}

bool absent_topics_wait_to_begin(const struct absent_topics *absent, const struct absent_topics *found)
{
	for (size_t i = 0; i < absent->count; i++)
		if (absent->items[i].not_begun && !absent_topics_find(found, absent->items[i].topic))
			return true;
	return false;
}

void absent_topics_begin(struct absent_topics *absent)
{
	for (size_t i = 0; i < absent->count; i++)
		absent->items[i].not_begun = false;
}

bool absent_topics_replace(struct absent_topics *absent, struct absent_topics *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct absent_topic *before = absent_topics_find(absent, found->items[i].topic);
		found->items[i].not_begun = before && before->not_begun;
	}
	for (size_t i = 0; i < absent->count; i++)
		if (absent->items[i].is_shown && !absent_topics_find(found, absent->items[i].topic) &&
		    !absent_topics_note(found, absent->items[i]))
			return false;
	absent_topics_close(absent);
	*absent = *found;
	*found = (struct absent_topics){0};
	return true;
}
