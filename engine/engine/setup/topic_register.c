/* topic_register.c: see topic_register.h. */
#include "engine/setup/topic_register.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

#define TOPICS_AT_FIRST 16

struct numbered_topic {
	uint32_t number;
	struct numbered_topic *next;
};

uint32_t topic_register_number(struct topic_register *topics, const char *name)
{
	assert(topics->arena && name);
	if (!topics->lists && !(topics->lists = ARENA_ARRAY(topics->arena, struct numbered_topic *, TOPIC_LISTS)))
		return TOPIC_NOWHERE;
	struct numbered_topic **list = &topics->lists[hash_key(text_of(name)) % TOPIC_LISTS];
	for (const struct numbered_topic *topic = *list; topic; topic = topic->next)
		if (strcmp(topics->names[topic->number], name) == 0)
			return topic->number;
	const char **names =
		arena_grow(topics->arena, topics->names, topics->count, &topics->capacity, TOPICS_AT_FIRST, sizeof *names);
	if (!names)
		return TOPIC_NOWHERE;
	topics->names = names;
	const char *copy = arena_copy(topics->arena, name, strlen(name));
	struct numbered_topic *topic = ARENA_NEW(topics->arena, struct numbered_topic);
	if (!copy || !topic)
		return TOPIC_NOWHERE;
	*topic = (struct numbered_topic){(uint32_t)topics->count, *list};
	*list = topic;
	topics->names[topics->count] = copy;
	return (uint32_t)topics->count++;
}

struct topic_list topic_register_list(const struct topic_register *topics)
{
	return (struct topic_list){topics->count, topics->names};
}
