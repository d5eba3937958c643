/* consumer.h: taking records, as a member of a group or from partitions by name.
 *
 * Nothing here waits for Kafka. The consumer's bell rings when there is something to
 * take; it rings once for a queue that was empty, so after a bell take until nothing
 * comes.
 *
 * In a group, partitions come and go by changes that the worker accepts when it is
 * ready: until then the group waits for this member, so a worker finishes or drops what
 * is in flight and accepts soon. Partitions given start at the group's committed
 * offsets, read when the change is accepted: a worker that restarts accepts only when
 * its producer has ended what its predecessor left open.
 *
 * A consumer belongs to one thread. What is said of the committer (transaction.h) is
 * the only exception.
 */
#ifndef SLUICE_LOG_CONSUMER_H
#define SLUICE_LOG_CONSUMER_H

#include "log/record.h"

struct consumer;

struct consumer_config {
	const char *brokers;
	const char *group;
	const char *instance; /* group.instance.id: stable over restarts; NULL: a member without a memory */
	const char *const *topics;
	size_t topic_count;
	/* Count 0: a member of the group. Else these partitions and no others, from these
	 * offsets; OFFSET_NONE: from where the group committed. They too come as a change. */
	struct positions assigned;
	struct properties properties;
};

/* Everything in the configuration is borrowed as long as the consumer lives. */
struct consumer *consumer_open(const struct consumer_config *config, struct error *error);

/* Leaves the group (a member with an instance id keeps its place until its session
 * ends). Records taken must be released before. NULL is fine. */
void consumer_close(struct consumer *consumer);

int consumer_bell(const struct consumer *consumer);

/* Up to `room` records, without waiting. False: a SYSTEM error, the client is beyond
 * help (fenced by a newer instance, not authorised, ...). */
bool consumer_take(struct consumer *consumer, struct record *records, size_t room, size_t *count, struct error *error);

/* Says that the worker is alive though it takes nothing: without this or
 * consumer_take() for max.poll.interval.ms the group drops the member. */
void consumer_stay(struct consumer *consumer);

enum assignment_change {
	ASSIGNMENT_SAME,
	ASSIGNMENT_GIVEN, /* these partitions are to be read from now on */
	ASSIGNMENT_TAKEN, /* these are to be given up: what is finished may still be committed */
	ASSIGNMENT_LOST,  /* these are another's already: what is not committed is void */
};

/* What the group wants, found by consumer_take(): the same until it is accepted. The
 * positions are the consumer's, without offsets. */
enum assignment_change consumer_change(const struct consumer *consumer, struct positions *positions);
bool consumer_accept(struct consumer *consumer, struct error *error);

/* Reads on from these offsets; what was fetched before is dropped. OFFSET_NONE: that
 * partition stays where it is. */
bool consumer_seek(struct consumer *consumer, struct positions positions, struct error *error);

#endif
