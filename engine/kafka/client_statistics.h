/* client_statistics.h: Reader of the statistics that librdkafka writes about a client, as JSON, at regular intervals.
 *
 * Of the hundreds of values, those are read that show whether Kafka or the way to it is slow, or whether records wait. Values
 * of topics and partitions are skipped, but for their leaders: the engine counts its own. Pure, except for the memory of one call.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"
#include "observe/counts.h"

/* Time between two statistics of a client. librdkafka writes them in a thread of its own, about 600 bytes for each partition,
 * and reading them takes about 1 us for each kilobyte. */
#define CLIENT_STATISTICS_MS "10000"

/* Sets all counts. False: INPUT, the JSON is not valid, and the counts are unchanged; or SYSTEM, memory ran out. */
bool client_statistics_read(struct text json, struct client_counts *counts, struct error *error);

/* Names each topic of which a partition that the client reads has no leader, as far as the client knows. False: the JSON is not
 * valid, or memory ran out. */
bool client_statistics_leaders(struct text json, void (*leaderless)(void *context, struct text topic), void *context);
