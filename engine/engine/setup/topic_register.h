/* topic_register.h: Register of the topics of a group by number. A name keeps its number for the engine's lifetime, and a list that
 * was handed out does not change. */
#pragma once

#include "base/arena.h"
#include "engine/worker/stage.h"

#define TOPIC_LISTS 1024 /* of topics: thousands are found as fast as ten */

/* Starts as {.arena}; names are copied into the arena. */
struct topic_register {
	struct arena *arena;
	const char **names;
	size_t count, capacity;
	struct numbered_topic **lists; /* by hashes of the names, TOPIC_LISTS of them; NULL: there is no topic yet */
};

/* The number of the topic, which is new if it was not known. TOPIC_NOWHERE: memory ran out. */
uint32_t topic_register_number(struct topic_register *topics, const char *name);

/* All topics so far, by their numbers. */
struct topic_list topic_register_list(const struct topic_register *topics);
