/* takeover.h: a group goes on where another one stood.
 *
 * What reads a pipeline is a group whose name says its delivery, and whether it reads topics of
 * others. Where that changes from one start to the next, the new group would begin where its topics
 * do, and all that is kept in them would be answered again; or where it stood itself when that was
 * its delivery last. So before it is joined, each partition in which a former group has committed more
 * is committed so far for the new one: in one transaction, and after a look behind the fence, so that of
 * engines that start together one does it and nothing is moved back.
 *
 * An engine that still reads by the former group goes on so: what comes meanwhile is answered by both.
 * Whoever sets offsets back, to have requests answered again, sets those of the former group back too.
 *
 * For commands, before any worker starts: this waits for Kafka.
 */
#ifndef SLUICE_LOG_TAKEOVER_H
#define SLUICE_LOG_TAKEOVER_H

#include "log/record.h"

#define TAKEOVER_FORMERS_MAX 3
#define TAKEOVER_WAIT_MS 20000 /* for each answer: longer than a transaction that its engine left open */

struct takeover_topic {
	const char *name;
	const char *formers[TAKEOVER_FORMERS_MAX]; /* groups that may have read it for the pipeline; NULL: no more */
};

struct takeover_config {
	const char *brokers;
	struct properties consumer, producer;
	const char *group;
};

/* `moved`: in how many partitions the group goes on where a former one stood. Which groups there were, Kafka may not let
 * us see: those are taken for none. SYSTEM: Kafka does not, or does not answer. */
bool takeover_carry_out(const struct takeover_config *config, const struct takeover_topic *topics, size_t count, size_t *moved,
			struct error *error);

#endif
