/* takeover.h: a group goes on where another one stood.
 *
 * What reads a pipeline is a group whose name says its delivery, and whether it reads topics of
 * others. Where that changes from one start to the next, the new group would begin where its topics
 * do, and all that is kept in them would be answered again; or where it stood itself when that was
 * its delivery last. So before it is joined, each partition in which a former group has committed more
 * is committed so far for the new one: in one transaction, and after a look behind the fence, so that of
 * engines that start together one does it and nothing is moved back.
 *
 * While a member of a former group still reads such a topic, nothing is moved: both would answer what comes, and what
 * steps remember would be counted by both. It is waited for, and that is said. An engine with the former files that is
 * started later waits in its turn. That nobody reads is believed only behind an answer of the group's coordinator: while
 * there is none, nothing is moved.
 *
 * Whoever sets offsets back, to have requests answered again, sets those of the former group back too.
 *
 * For commands, before any worker starts: this waits for Kafka.
 */
#ifndef SLUICE_LOG_TAKEOVER_H
#define SLUICE_LOG_TAKEOVER_H

#include "log/record.h"

#define TAKEOVER_FORMERS_MAX 3
#define TAKEOVER_LOOK_MS 500   /* between two looks whether members of a former group are gone */
#define TAKEOVER_UNKNOWN_MS 5000 /* for a coordinator to say who reads, where members are not waited for */
#define TAKEOVER_WAIT_MS 20000 /* for each answer: longer than a transaction that its engine left open */

struct takeover_topic {
	const char *name;
	const char *formers[TAKEOVER_FORMERS_MAX]; /* groups that may have read it for the pipeline; NULL: no more */
	bool shared; /* one of them reads it still, for another pipeline: who its members are says nothing */
};

struct takeover_config {
	const char *brokers;
	struct properties consumer, producer;
	const char *group;
	/* Told while members of a former group read, or its coordinator does not say: how long that has been so. False: it is
	 * not waited for any longer. NULL: members are not waited for. */
	bool (*waits)(void *context, const char *who, int64_t waited_ms);
	void *context;
};

/* `moved`: in how many partitions the group goes on where a former one stood. Which groups there were, Kafka may not let
 * us see: those are taken for none. SYSTEM: Kafka does not, or does not answer. */
bool takeover_carry_out(const struct takeover_config *config, const struct takeover_topic *topics, size_t count, size_t *moved,
			struct error *error);

#endif
