/* backlog.h: Backlog of a group: how many records of some topics it has not committed yet. `sluice top` shows it as
 * lag. It reads offsets from Kafka and does not join the group.
 *
 * Not every offset is a record: the end of a transaction takes one, and records of aborted transactions are never
 * read. So a partition is read from the group's offset to the first record after it. If there is no record, the group
 * has nothing left to read there. After that record each offset counts as a record. All offsets count as records
 * where more than BACKLOG_READ_MOST of them are left and the group makes progress.
 */
#ifndef SLUICE_LOG_BACKLOG_H
#define SLUICE_LOG_BACKLOG_H

#include "log/record.h"

#define BACKLOG_READ_MOST 1000

struct backlog;

/* Borrows all arguments as long as it lives. NULL: `error` has the reason. */
struct backlog *backlog_open(const char *brokers, struct properties properties, const char *group, struct error *error);
void backlog_close(struct backlog *backlog); /* NULL is fine */

/* Records over all partitions of `topics`, names with a space between. Each request to Kafka may take
 * `timeout_ms`. -1: Kafka does not answer. */
int64_t backlog_measure(struct backlog *backlog, struct text topics, int timeout_ms);

/* Records that wait for a group. */
struct backlog_state {
	int64_t records;   /* as backlog_measure() returns them */
	int64_t oldest_ms; /* time of the oldest of these records, in ms since 1970; 0: there is none, or it is not known */
	int64_t ends;	   /* sum of the ends of all partitions */
	size_t busy;	   /* partitions that have such records, or whose end has moved since the last survey */
};

/* As backlog_measure(), with more results: the oldest record of each partition is read. False: Kafka does not answer. */
bool backlog_survey(struct backlog *backlog, struct text topics, int timeout_ms, struct backlog_state *state);

/* Notes the ends of the topics now, including records of transactions that are still open. False: Kafka does not
 * answer. */
bool backlog_mark(struct backlog *backlog, struct text topics, int timeout_ms);

/* As backlog_measure(), but only up to the ends that backlog_mark() noted. 0: the group has passed all of it. */
int64_t backlog_left(struct backlog *backlog, struct text topics, int timeout_ms);

#endif
