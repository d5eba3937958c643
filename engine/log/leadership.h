/* leadership.h: Leader election among engines by a Kafka group: the member that has the first partition of a topic leads. So
 * at most one leads, but for the moment in which Kafka takes the partition from one that stopped answering: what a leader
 * writes is fenced by its transactional id (log/fenced_writer.h).
 *
 * A leader that is closed leaves the group, and another leads in about a second; after a crash, when its session is over.
 *
 * Belongs to one thread. It reads no records.
 */
#ifndef SLUICE_LOG_LEADERSHIP_H
#define SLUICE_LOG_LEADERSHIP_H

#include "log/record.h"

#define LEADERSHIP_SESSION_MS 6000

struct leadership;

struct leadership_config {
	const char *brokers;
	const char *group;
	const char *topic;
	struct properties properties;
};

/* Joins the group. The configuration is borrowed. NULL: CONFIG or SYSTEM. */
struct leadership *leadership_open(const struct leadership_config *config, struct error *error);
void leadership_close(struct leadership *leadership); /* NULL is fine */

/* Whether this member leads. To be called every second; never waits. False: SYSTEM, the group cannot be joined, for want of a
 * right for example; it is to be closed, and may be opened again. */
bool leadership_look(struct leadership *leadership, bool *held, struct error *error);

/* The same for a member that joins the group at the first call, and again after a failure. `*leadership` is NULL while it has not
 * joined. */
bool leadership_seek(struct leadership **leadership, const struct leadership_config *config, bool *held, struct error *error);

#endif
