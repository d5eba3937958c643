/* truth_service.h: Truth service: a thread for a pipeline with experiments that are rolled out. In one of the engines, which leads
 * (kafka/consume/lead_group.h), it joins the pipeline's exposures and feedback (engine/learn/outcome_feed.h), counts the accuracy
  * and the other metrics of each variant under the table in force (experiments/rollouts/truth_tally.h), and puts the counts on the
   * board of rollouts. The follower sends them to the keeper with the counts of calls.
 *
 * Each rollout reads the topics by itself. So a new table of one leaves the counts of the others as they are: they began at other
 * times, and would have to read all since then again. So the topics are read once for each rollout that runs in the pipeline.
 *
 * Counts are of the pipeline since its table came into force, not of an engine: whoever leads reads the topics again, so a new
 * leader has the counts of the one before, and none counts twice. A new table is counted from its own time.
 *
 * Truths may come for requests of earlier stages (experiments/rollouts/arrival_tally.h). So who begins to lead, or leads again,
  * reads both topics from the beginning of the rollout, which its moves on the control topic name, and knows all requests since
   * then, as far as the topics keep them. Who has led until the table changed has them in memory, and reads only what it had not,
    * and the last TRUTH_AGAIN_MS again, in which records may have been on their way. Earlier stages take no memory but two samples
     * of exposures. A rollout whose moves are no longer kept, after KEEPER_MOVES of them, is read from the oldest one on.
 *
 * It says too whether the counts are current: both topics are read up to TRUTH_BEHIND_MS ago. Who has just begun to lead, or cannot
 * read them, has counts that are not; an engine that does not lead any more says nothing of its own. So the keeper knows when no
 * truth has come, and when nobody looks for any.
 *
 * Where engines compute the metrics, the leader has the answers read again of which no engine has (engine/learn/answer_recovery.h).
 *
 * Without a table that is judged it is in no group, and reads nothing.
 */
#ifndef SLUICE_ENGINE_LEARN_TRUTH_SERVICE_H
#define SLUICE_ENGINE_LEARN_TRUTH_SERVICE_H

#include "experiments/rollouts/rollout_board.h"
#include "kafka/record.h"
#include "observe/log_sink.h"
#include "compiler/graph/graph.h"
#include "engine/learn/answer_recovery.h"

struct truth_service;

struct truth_service_config {
	const char *brokers;
	struct properties consumer;
	const char *id; /* group of the engines that may lead */
	bool alone;	/* no other engine runs: it leads without a group */
	const char *exposures, *feedback; /* topics, which exist */
	const struct graph *graph;	  /* the experiments that are rolled out and that its messages can reach */
	struct rollout_board *board;
	struct shared_recovery *recovery; /* of the metrics that engines compute; NULL: there are none */
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
