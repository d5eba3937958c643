/* status_writer.h: Writer of an engine's records on `status`, for the follower (control/engine/follower.h): its reports about
 * changes, the conditions of its resources, and its counts of rollouts.
 *
 * Each record replaces the one before, and the next one follows soon. So records are sent best effort. Belongs to one thread.
 */
#pragma once

#include "base/list.h"
#include "message/record_form.h"
#include "control/records/records.h"
#include "control/engine/rollout_relay.h"
#include "kafka/topics/batch_limit.h"
#include "observe/log_sink.h"

struct status_writer_config {
	const char *brokers;
	struct properties producer;
	const struct batch_limit *batches;
	const char *topic; /* which exists */
	const struct log_sink *log;
};

struct status_writer {
	const struct status_writer_config *config;
	struct best_effort *side;
	struct arena *lists; /* of a record that is written */
	struct buffer key, value;
};

/* The configuration is borrowed. False: `error` has the reason; it is to be closed. */
bool status_writer_open(struct status_writer *writer, const struct status_writer_config *config, struct error *error);
void status_writer_close(struct status_writer *writer); /* a zeroed one is fine */

/* Writes the report, with the results: struct change_result. */
void status_writer_report(struct status_writer *writer, struct engine_report report, const struct list *results);
void status_writer_conditions(struct status_writer *writer, const struct engine_conditions *conditions);

/* Writes the counts of the tables in force, if there are any. Totals: a lost record loses nothing. */
void status_writer_tally(struct status_writer *writer, struct rollout_relay *relay, struct rollout_board *rollouts,
			 struct engine_tallies tally);
