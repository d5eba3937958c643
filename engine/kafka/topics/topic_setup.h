/* topic_setup.h: Topics that a plan needs: checks that they exist, and creates them, by the admin API.
 *
 * For commands, before any worker starts: these calls wait for Kafka.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/record.h"

#define TOPICS_WAIT_MS 15000  /* for Kafka to answer, or to show what was created */
#define TOPICS_APPEAR_MS 2000 /* for a topic that another program may just have created */

/* What to do about a topic that is gone. */
#define TOPIC_GONE_STEP "create it, or start an engine again, which creates topics of sluice's own"

struct wanted_topic {
	const char *name;
	bool bound;		    /* the user's own: it must exist, and is never created */
	bool written;		    /* by an engine */
	int64_t partitions;	    /* 0: the broker's default */
	int64_t replication;	    /* 0: the broker's default */
	int64_t retention_ms;	    /* 0: the broker's default */
	/* Of a changelog: the topic whose partitions it belongs to. It is compacted, and has as many partitions.
	 * NULL: no changelog. */
	const char *changelog_of;
	/* Of a changelog: its pipeline and group, and whether the loss of state is accepted. `family` is the
	 * prefix of the names of all changelogs of that pipeline; they end as its own does. */
	const char *pipeline;
	const char *group; /* the group that reads its input */
	const char *family;
	bool new_state;
	bool observes;	/* of a changelog: of observers, which wait for it, so nothing else does */
	bool versioned; /* of a changelog: a control plane names it, and others of the family are of other versions */
	bool compacted;	 /* no changelog, but Kafka must not delete records of it either */
	bool ordered;	 /* it has exactly one partition, because all its records have one order */
	/* The topic with which it is created. If that one exists and this does not, this one was deleted, and is not
	 * created again. NULL: none. */
	const char *created_with;
	struct properties settings; /* Kafka's settings by name; they override the fields above, and `own` */
	struct properties own;	    /* settings that this topic needs */
};

struct wanted_topics {
	size_t count;
	const struct wanted_topic *items;
};

/* End of the name of each changelog. */
#define CHANGELOG_NAME_END ".state"

/* Ensures that all topics exist. With `create`, missing topics that are not bound are created first; `made` (may
 * be NULL) is their number. A topic that another program created meanwhile is as good. A topic that is not created
 * here is waited for, and that is logged.
 *
 * Nothing is asked of an existing changelog of observers, nor that it exists without `create`: their worker looks at it, and waits
 * (engine/worker/observer_outage.h).
 *
 * CONFIG: a topic is missing, or cannot be created as wanted, or state is lost. State is lost if a changelog is to
 * be created while its pipeline's state is in another one, or if Kafka would delete it (kafka/state/changelog_settings.h).
 * So are the records of a compacted topic.
 * REMOTE: Kafka does not answer. */
bool topics_ensure(const char *brokers, struct properties properties, struct wanted_topics wanted, bool create, size_t *made,
		   struct error *error);

/* The same without creating any. Once `stopping` is set, it waits some seconds only. NULL: it never is. */
bool topics_check(const char *brokers, struct properties properties, struct wanted_topics wanted, const atomic_bool *stopping,
		  struct error *error);

/* Removes the topics; a topic that does not exist is fine. SYSTEM: Kafka refuses, or does not answer. */
bool topics_remove(const char *brokers, struct properties properties, const char *const *names, size_t count, struct error *error);
