/* history_topic.h: A topic of which a command reads all that there is, and says what retention has deleted of it. */
#pragma once

#include "tools/client/kafka.h"

struct history_topic {
	const struct workspace *workspace; /* where it says so; NULL: it does not */
	const struct kafka *kafka;
	const char *name;
	bool may_be_absent;
	bool absent; /* it may be, and is: the error says so */
};

/* Gives all records of the topic. False: an error, of `take` too; or it is absent. */
bool history_topic_give(struct history_topic *topic, bool (*take)(void *context, const struct record *record, struct error *error),
			void *context, struct error *error);
