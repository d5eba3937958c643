/* simulated_faults.h: Faults of the simulated Kafka and of its processes, its broker's losses, and counts of what happened.
 *
 * They reach into its private structs; tools/test/simulated/simulated_kafka.h has the contract of the rest.
 */
#pragma once

#include "tools/test/simulated/simulated_kafka.h"

/* Stops all faults from now on; those under way run to their end. */
void simulated_calm(struct simulated_kafka *kafka);

/* Injects a fault into the next request of that kind. */
void simulated_inject(struct simulated_kafka *kafka, enum simulated_request_kind kind, enum simulated_mishap mishap,
		      int64_t late_us);

/* ---- processes ---- */

void simulated_host_kill(struct simulated_host *host); /* at once: requests that were sent still arrive, and no reply comes back */
void simulated_host_freeze(struct simulated_host *host, int64_t until_us); /* the process does nothing until then */
void simulated_host_cut(struct simulated_host *host, int64_t until_us);	   /* no request or reply reaches or leaves it until then */

/* ---- topics ---- */

/* Losses of a broker or an operator, while no client uses it: so many committed records at the end of a partition, with
 * all that is behind them; and the metadata of all commits. False: there was no committed record. */
bool simulated_cut(struct simulated_topic *topic, int32_t partition, size_t records);
void simulated_forget_references(struct simulated_kafka *kafka);

/* Makes a topic unavailable until then: brokers refuse what is produced to it as a temporary error. Whoever reads it by
 * simulated_read() is to ask when it is there again. */
void simulated_hide(struct simulated_topic *topic, int64_t until_us);
int64_t simulated_hidden_until_us(const struct simulated_topic *topic);

/* Deletes the records of a partition below an offset, as retention or an operator does, while clients may use it. Consumers
 * that ask for one of them go on behind them, and report the gap (consumer_gap()). */
void simulated_delete(struct simulated_topic *topic, int32_t partition, int64_t before);

/* Whether a consumer has reported a gap with that offset; and the records of all such reports, each time they were made. */
bool simulated_is_skipped(const struct simulated_topic *topic, int32_t partition, int64_t offset);
uint64_t simulated_skipped(const struct simulated_kafka *kafka);
uint64_t simulated_gaps(const struct simulated_kafka *kafka); /* reports */

int32_t simulated_topic_partitions(const struct simulated_topic *topic);
uint64_t simulated_topic_changes(const struct simulated_topic *topic); /* as simulated_change_count(), of one topic */

/* The offset that a group has committed; OFFSET_NONE: none. */
int64_t simulated_committed(const struct simulated_kafka *kafka, const char *group, const struct simulated_topic *topic,
			    int32_t partition);

/* ---- counts so far ---- */

uint64_t simulated_mishaps(const struct simulated_kafka *kafka, enum simulated_mishap mishap);
uint64_t simulated_rebalances(const struct simulated_kafka *kafka);
uint64_t simulated_fences(const struct simulated_kafka *kafka);		 /* requests refused because of a newer producer */
uint64_t simulated_timeouts(const struct simulated_kafka *kafka);	 /* transactions that timed out */
uint64_t simulated_batches_refused(const struct simulated_kafka *kafka); /* because of their size */
uint64_t simulated_taps_lost(const struct simulated_kafka *kafka);	 /* records of best-effort producers that did not arrive */
