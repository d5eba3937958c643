/* drift_topic.c: see drift_topic.h. */
#include "steps/drift/drift_topic.h"

#include <string.h>

#include "observe/verdict_board.h"

#define WAITING_KEY "waiting"

bool drift_topic_open(struct drift_topic *topic, struct drift_comparison *comparison, const struct step *step,
		      struct verdict_entry *entry, struct error *error)
{
	const struct drift *options = step->options;
	*topic = (struct drift_topic){.comparison = comparison, .entry = entry, .topic = options->reference.topic};
	return drift_comparison_begin(comparison, step, error);
}

bool drift_topic_bring(struct drift_topic *topic, bool *learnt)
{
	struct error error = {0};
	struct text file;
	*learnt = false;
	if (topic->known || topic->unfit || !topic->entry || !verdict_entry_learnt(topic->entry, topic->topic, &file))
		return topic->known;
	*learnt = topic->known = drift_comparison_learn(topic->comparison, file, &error);
	if (!topic->known)
		topic->unfit = arena_copy(topic->comparison->arena, error.text, strlen(error.text));
	if (!topic->known && !topic->unfit)
		topic->unfit = "memory ran out";
	return topic->known;
}

uint64_t drift_topic_waiting(struct visit *visit)
{
	struct text value;
	uint64_t messages = 0;
	if (visit_recall(visit, TEXT(WAITING_KEY), &value) && value.length == sizeof messages)
		memcpy(&messages, value.bytes, sizeof messages);
	return messages;
}

bool drift_topic_wait(struct visit *visit, uint64_t messages, struct error *error)
{
	if (messages == 0)
		return drift_topic_waiting(visit) == 0 || visit_forget(visit, TEXT(WAITING_KEY), error);
	uint64_t *stored = visit_remember(visit, TEXT(WAITING_KEY), sizeof messages, error);
	if (stored)
		*stored = messages;
	return stored != NULL;
}
