/* absent_topics.h: Topics of a consumer of which nothing is read, and why: the list that denials and looks at Kafka's metadata
 * keep. Pure.
 *
 * Kafka refuses a topic in two ways. It does not show the topic to a login without any right to it; a look finds that, and that
 * the right is given back. Or it shows the topic and refuses its records: a record of it, or the registry of topics
 * (kafka/topics/topic_registry.h), says that it may be read again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum absence {
	TOPIC_GONE,   /* it was deleted */
	TOPIC_DENIED, /* the login may not read it */
	ABSENCES
};

struct absent_topic {
	uint32_t topic; /* its number */
	enum absence absence;
	bool is_shown;	/* denied: Kafka shows it, and refuses its records */
	bool not_begun; /* denied: the offset to begin at, of a partition; the client does not ask for it again */
};

struct absent_topics { /* starts as {0} */
	size_t count;
	struct absent_topic *items;
};

void absent_topics_close(struct absent_topics *absent);

/* The entry of that topic; NULL: it is not absent. */
const struct absent_topic *absent_topics_find(const struct absent_topics *absent, uint32_t topic);

/* Notes one that was not absent. False: memory ran out, and it is not noted. */
bool absent_topics_note(struct absent_topics *absent, struct absent_topic topic);

/* The topic is there, or is not read any more. */
void absent_topics_forget(struct absent_topics *absent, uint32_t topic);

/* Whether a topic that is not begun is there again, of those that a look did not find absent. */
bool absent_topics_wait_to_begin(const struct absent_topics *absent, const struct absent_topics *found);

/* Notes that all topics are begun anew. */
void absent_topics_begin(struct absent_topics *absent);

/* Takes over what a look found, which is empty then. Topics that Kafka shows stay denied. What is not begun stays so. False: memory
 * ran out, and nothing has changed. */
bool absent_topics_replace(struct absent_topics *absent, struct absent_topics *found);
