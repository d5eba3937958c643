/* group_lag.h: Backlog of a group: how many records of some topics it has not committed yet. `sluice top` shows it as
 * lag. It reads offsets from Kafka and does not join the group. Each group has a client that asks for its offsets, and all
 * share one that reads. A client takes two threads, and librdkafka 2.0 spins for a millisecond of each second in one that
 * has nothing to do.
 *
 * Not every offset is a record: the end of a transaction takes one, and records of aborted transactions are never
 * read. So a partition is read from the group's offset to the first record after it. If there is no record, the group
 * has nothing left to read there. After that record each offset counts as a record. All offsets count as records
 * where more than GROUP_LAG_READ_MOST of them are left and the group makes progress.
 */
#pragma once

#include "kafka/consume/offsets.h"
#include "kafka/record.h"

#define GROUP_LAG_READ_MOST 1000

struct group_lag;

/* Shares the reader of `other`, which must be on the same Kafka and of the same thread, and may be closed before; NULL: it opens
 * one. Borrows the other arguments as long as one of them lives. NULL: `error` has the reason. */
struct group_lag *group_lag_open(struct group_lag *other, const char *brokers, struct properties properties, const char *group,
				 struct error *error);
void group_lag_close(struct group_lag *backlog); /* NULL is fine */

/* Records over all partitions of `topics`, names with a space between. Each request to Kafka may take
 * `timeout_ms`. -1: Kafka does not answer. */
int64_t group_lag_measure(struct group_lag *backlog, struct text topics, int timeout_ms);

#define LAG_AGE_NONE (-1)

/* Records that wait for a group. */
struct group_lag_state {
	int64_t records;   /* as group_lag_measure() returns them */
	int64_t age_ms; /* of the oldest of these records, when Kafka was asked; LAG_AGE_NONE: there is none, or it is not known */
	int64_t ends;	   /* sum of the ends of all partitions */
	size_t busy;	   /* partitions that have such records, or whose end has moved since the last survey */
};

/* As group_lag_measure(), with more results: the oldest record of each partition is read. False: Kafka does not answer. */
bool group_lag_survey(struct group_lag *backlog, struct text topics, int timeout_ms, struct group_lag_state *state);

/* Notes the ends of the topics now, including records of transactions that are still open. False: Kafka does not
 * answer. */
bool group_lag_mark(struct group_lag *backlog, struct text topics, int timeout_ms);

/* As group_lag_measure(), but only up to the ends that group_lag_mark() noted. 0: the group has passed all of it. */
int64_t group_lag_left(struct group_lag *backlog, struct text topics, int timeout_ms);

/* Whether readers of committed records can read all that was written before group_lag_mark(): no transaction that was open then
 * holds it back. False also if Kafka does not answer. */
bool group_lag_is_settled(struct group_lag *backlog, struct text topics, int timeout_ms);

/* What the group has committed in the topic; to be closed by offsets_close(), also when it fails. False: Kafka does not answer, or
 * memory ran out. */
bool group_lag_committed(struct group_lag *backlog, const char *topic, int timeout_ms, struct offsets *offsets);
