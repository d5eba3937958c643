/* case_origins.c: see case_origins.h. */
#include "tools/test/case_origins.h"

#define ORIGINS_MAX 256 /* stages of pipelines that read each other, one after the other */

/* A topic of a pipeline, with the requests that were sent to it in the order of their offsets. */
struct case_topic {
	struct simulated_topic *topic;
	const struct case_reads *writer; /* NULL: only requests stand there */
	size_t sent_count;
	struct case_sent {
		const struct case_send *send;
		int64_t offset;
	} * sent;
};

bool case_origins_open(struct case_origins *origins, size_t topics, struct arena *arena)
{
	*origins = (struct case_origins){
		.arena = arena, .capacity = topics, .topics = ARENA_ARRAY(arena, struct case_topic, topics + 1)};
	return origins->topics;
}

static struct case_topic *topic_find(const struct case_origins *origins, const struct simulated_topic *topic)
{
	for (size_t i = 0; i < origins->count; i++)
		if (origins->topics[i].topic == topic)
			return &origins->topics[i];
	return NULL;
}

static struct case_topic *topic_of(struct case_origins *origins, struct simulated_topic *topic)
{
	struct case_topic *its = topic_find(origins, topic);
	if (its)
		return its;
	assert(origins->count < origins->capacity); /* topics of the plan, each once */
	its = &origins->topics[origins->count++];
	*its = (struct case_topic){.topic = topic};
	return its;
}

void case_origins_written(struct case_origins *origins, struct simulated_topic *topic, const struct case_reads *writer)
{
	topic_of(origins, topic)->writer = writer;
}

bool case_origins_sent(struct case_origins *origins, struct simulated_topic *topic, int64_t offset, const struct case_send *send,
		       size_t most)
{
	struct case_topic *its = topic_of(origins, topic);
	if (!its->sent)
		its->sent = ARENA_ARRAY(origins->arena, struct case_sent, most);
	if (!its->sent)
		return false;
	assert(its->sent_count < most && (its->sent_count == 0 || its->sent[its->sent_count - 1].offset < offset));
	its->sent[its->sent_count++] = (struct case_sent){send, offset};
	return true;
}

static const struct case_send *sent_at(const struct case_topic *its, int64_t offset)
{
	size_t low = 0, high = its->sent_count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (its->sent[middle].offset == offset)
			return its->sent[middle].send;
		*(its->sent[middle].offset < offset ? &low : &high) = its->sent[middle].offset < offset ? middle + 1 : middle;
	}
	return NULL;
}

/* Follows what a record answers back to a request. NULL: there is none. */
const struct case_send *case_origins_find(const struct case_origins *origins, const struct simulated_topic *topic, int64_t offset)
{
	for (int depth = 0; topic && depth < ORIGINS_MAX; depth++) {
		const struct case_topic *its = topic_find(origins, topic);
		const struct case_send *found = its ? sent_at(its, offset) : NULL;
		if (found || !its || !its->writer)
			return found;
		const struct position origin = simulated_origin(topic, 0, offset);
		if (origin.offset < 0 || origin.topic >= its->writer->count)
			return NULL;
		topic = its->writer->topics[origin.topic];
		offset = origin.offset;
	}
	return NULL;
}
