/* topic_difference.h: Differences between a topic in Kafka and the plan: partitions that were added, another retention,
 * compaction that was switched off, a topic that is gone. Pure.
 *
 * Only what the plan states is compared. A number of partitions that the broker chose, and a setting that Kafka does not
 * show, are no difference.
 */
#pragma once

#include "base/arena.h"
#include "kafka/topics/topic_facts.h"
#include "compiler/plan/plan.h"

/* The worse, the later. */
enum topic_difference {
	TOPIC_AS_PLANNED,
	TOPIC_KEEPS_OTHERWISE, /* its retention is another */
	TOPIC_PARTITIONS_DIFFER,
	TOPIC_POLICY_DIFFERS, /* its cleanup.policy is another: Kafka may delete state */
	TOPIC_IS_GONE,	      /* it was there before */
};

/* What the plan states of a topic that belongs to sluice. */
struct planned_topic {
	int64_t partitions;   /* 0: as many as the broker chooses */
	bool is_ordered;      /* all its records have one order: more partitions cannot be planned */
	int64_t retention_ms; /* 0: the plan states none; -1: for ever */
	const char *policy;   /* cleanup.policy; NULL: the plan states none */
};

/* `settings` are those with which topics are created; they override the plan's retention. The policy is borrowed of them. */
struct planned_topic planned_topic_of(const struct topic *topic, struct properties settings);

/* Compares them. `input` has the facts about the topic whose changelog it is; NULL: it is no changelog. With a difference,
 * `words` is set, in the arena: it ends with the command that removes the difference. NULL: memory ran out. */
enum topic_difference topic_difference_find(const struct planned_topic *planned, const struct topic_facts *facts,
					    const struct topic_facts *input, struct arena *arena, const char **words);

/* Words about a topic that was there before, and is not; they take its name. */
#define TOPIC_GONE_WORDS                                                                                                           \
	"topic %s is gone: it was deleted, or this engine may not see it any more. Create it, or start an engine again: it "       \
	"creates topics of sluice's own that are missing"

/* The same in the arena. NULL: memory ran out. */
const char *topic_gone_words(const struct topic_facts *facts, struct arena *arena);
