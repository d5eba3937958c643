/* backlog.h: how many records a group has not yet committed of topics: what `sluice top`
 * shows as lag. It reads what Kafka knows and joins nothing.
 *
 * Offsets are not all records: the end of a transaction takes one, and records of aborted
 * transactions are never read. So what lies between the group and the end of a partition is read up to
 * its first record; where there is none, nothing is left to do. Behind that record offsets count as
 * records, and so they do all where more than BACKLOG_READ_MOST lie between and the group moves on.
 */
#ifndef SLUICE_LOG_BACKLOG_H
#define SLUICE_LOG_BACKLOG_H

#include "log/record.h"

#define BACKLOG_READ_MOST 1000

struct backlog;

/* Borrows all of it. NULL: `error` says why. */
struct backlog *backlog_open(const char *brokers, struct properties properties, const char *group, struct error *error);
void backlog_close(struct backlog *backlog); /* NULL is fine */

/* Over all partitions of `topics`, names with a blank between; each question to Kafka may take
 * `timeout_ms`. -1: Kafka does not say. */
int64_t backlog_measure(struct backlog *backlog, struct text topics, int timeout_ms);

/* Notes where the topics end now, behind what stands there in transactions that are open. False: Kafka does not say. */
bool backlog_mark(struct backlog *backlog, struct text topics, int timeout_ms);

/* As backlog_measure(), up to where the topics ended when that was noted; 0: the group has passed all of it. */
int64_t backlog_left(struct backlog *backlog, struct text topics, int timeout_ms);

#endif
