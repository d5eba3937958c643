/* topics.h: the topics that a plan needs, looked for and made, by the admin API.
 *
 * For commands, before any worker starts: these calls wait for Kafka.
 */
#ifndef SLUICE_LOG_TOPICS_H
#define SLUICE_LOG_TOPICS_H

#include "log/record.h"

#define TOPICS_WAIT_MS 15000  /* for Kafka to answer, or to show what was made */
#define TOPICS_APPEAR_MS 2000 /* for a topic that somebody else may just have made */

struct wanted_topic {
	const char *name;
	bool bound;		    /* the user's own: it must be there, and is never made */
	bool written;		    /* by an engine */
	int64_t partitions;	    /* 0: the broker's default */
	int64_t replication;	    /* 0: the broker's default */
	int64_t retention_ms;	    /* 0: the broker's default */
	/* The topic of whose partitions it keeps a changelog: it is compacted, and has as many.
	 * NULL: of none. */
	const char *changelog_of;
	/* Of a changelog: its pipeline and group, how the names of all of that pipeline's begin (they end as its own
	 * does), and whether the loss of state is accepted. */
	const char *pipeline;
	const char *group; /* that reads its input */
	const char *family;
	bool new_state;
	struct properties settings; /* Kafka's, by their names; before the above */
};

struct wanted_topics {
	size_t count;
	const struct wanted_topic *items;
};

/* How the name of each changelog ends. */
#define CHANGELOG_NAME_END ".state"

/* Sees that all of them are there. With `create` those that are missing, and not
 * bound, are made first; `made` (NULL: nobody asks) says how many. One that somebody
 * else made meanwhile is as good; what is not made here is waited for, and that is said.
 * CONFIG: one is missing, or cannot be made as it is wanted, or state is lost: by a changelog
 * that is to be made while its pipeline's state stands in another, or that Kafka would delete
 * (log/changelog_settings.h); SYSTEM: Kafka does not answer. */
bool topics_ensure(const char *brokers, struct properties properties, struct wanted_topics wanted, bool create, size_t *made,
		   struct error *error);

/* Removes them; one that is not there is as good. SYSTEM: Kafka does not, or does not
 * answer. */
bool topics_remove(const char *brokers, struct properties properties, const char *const *names, size_t count, struct error *error);

#endif
