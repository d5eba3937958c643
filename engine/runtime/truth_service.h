/* truth_service.h: Truth service: a thread for a pipeline with experiments that are rolled out. In one of the engines, which leads
 * (log/leadership.h), it joins the pipeline's exposures and feedback (runtime/outcome_feed.h), counts the accuracy and the other
 * metrics of each variant under the table in force (experiments/truth_tally.h), and puts the counts on the board of rollouts. The
 * follower sends them to the keeper with the counts of calls.
 *
 * Counts are of the pipeline since its table came into force, not of an engine: whoever leads reads the topics from that time, so
 * a new leader has the counts of the one before, and none counts twice. A new table is counted from its own time.
 *
 * Requests of earlier stages, whose truths may come yet, are known to the engine that has led since then, and not to one that
 * begins to lead, or leads again: it reads from the present table on. So if no truth at all has come before the lead changes, those
 * that take longer than a stage are unknown until the present stage has some. A keeper that has had one remembers that there are
 * truths.
 *
 * Without a table that is judged it is in no group, and reads nothing.
 */
#ifndef SLUICE_RUNTIME_TRUTH_SERVICE_H
#define SLUICE_RUNTIME_TRUTH_SERVICE_H

#include "experiments/rollout_board.h"
#include "log/record.h"
#include "observe/log_sink.h"
#include "plan/graph.h"

struct truth_service;

struct truth_service_config {
	const char *brokers;
	struct properties consumer;
	const char *id; /* group of the engines that may lead */
	bool alone;	/* no other engine runs: it leads without a group */
	const char *exposures, *feedback; /* topics, which exist */
	const struct graph *graph; /* its experiments that are rolled out */
	struct rollout_board *board;
	const struct log_sink *log; /* NULL: nothing is logged */
};

/* Starts the thread. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct truth_service *truth_service_open(const struct truth_service_config *config, struct error *error);

/* Asks the thread to stop, and does not wait: so that several stop at the same time. */
void truth_service_stop(struct truth_service *service);

/* Whether the thread has ended: then a close does not wait. */
bool truth_service_has_ended(const struct truth_service *service);

/* Stops the thread, and waits for it. NULL is fine. */
void truth_service_close(struct truth_service *service);

#endif
