/* backlog.h: how many records a group has not yet committed of topics: what `sluice top`
 * shows as lag. It reads what Kafka knows and joins nothing.
 */
#ifndef SLUICE_LOG_BACKLOG_H
#define SLUICE_LOG_BACKLOG_H

#include "log/record.h"

struct backlog;

/* NULL: `error` says why. */
struct backlog *backlog_open(const char *brokers, struct properties properties, const char *group, struct error *error);
void backlog_close(struct backlog *backlog); /* NULL is fine */

/* Over all partitions of `topics`, names with a blank between; each question to Kafka may take
 * `timeout_ms`. -1: Kafka does not say. */
int64_t backlog_measure(struct backlog *backlog, struct text topics, int timeout_ms);

#endif
