/* learner_service.h: Learner service: a thread for a pipeline that has experiments with bandits. It puts the policies of the
 * pipeline's policy topic into force in this process; and in one of the engines, which leads (kafka/consume/lead_group.h), it
  * learns them from the exposures and the feedback.
 *
 * Every `updateInterval` the leader writes a record for each experiment: the policy, the learner, and the positions up to
 * which it has read. That is one record of a transaction whose writer is fenced. So after a crash another leader goes on from
 * it, and each reward counts once.
 *
 * Exposures and feedback come by an outcome feed (engine/learn/outcome_feed.h).
 *
 * If a topic has fewer records than were read, it was made anew: a warning is logged as a leader begins, and what is newer than
 * what was learnt is learnt from. A record by another schema is of another version of sluice: it is not overwritten, so this
 * engine does not lead.
 *
 * Where engines compute the rewards, the leader has the answers read again of which no engine has (engine/learn/answer_recovery.h).
 *
 * A policy that is not renewed for LEARNER_STALE_INTERVALS intervals stays in force, and a warning is logged. A record may take
 * LEARNER_PACE_MS to come: an interval that is shorter is an update as often as the leader can, and no policy is old because of
 * that.
 */
#ifndef SLUICE_ENGINE_LEARN_LEARNER_SERVICE_H
#define SLUICE_ENGINE_LEARN_LEARNER_SERVICE_H

#include "kafka/record.h"
#include "observe/log_sink.h"
#include "observe/policy_board.h"
#include "compiler/graph/graph.h"
#include "engine/learn/answer_recovery.h"

#define LEARNER_STALE_INTERVALS 3
#define LEARNER_PACE_MS 1000 /* an update is a transaction of the leader's, and a turn of its waits for exposures and feedback */

struct learner_service;

struct learner_service_config {
	const char *brokers;
	struct properties consumer, producer;
	const char *id;	   /* group of the engines that may lead, and transactional id of the leader */
	bool alone;	   /* no other engine runs: it leads without a group */
	const char *exposures, *feedback, *policy; /* topics, which exist */
	const struct graph *graph;		   /* the experiments with `learns` that its messages can reach */
	struct policy_board *board;
	const struct log_sink *log; /* NULL: nothing is logged */
	struct shared_recovery *recovery; /* of the metrics that engines compute; NULL: there are none */
	int64_t hold_ms;	    /* feedback waits so long for its exposure; 0: OUTCOME_HOLD_MS */
};

/* Starts the thread. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct learner_service *learner_service_open(const struct learner_service_config *config, struct error *error);

/* Asks the thread to stop, and does not wait: so that several stop at the same time. */
void learner_service_stop(struct learner_service *service);

/* Whether the thread has ended: then a close does not wait. */
bool learner_service_has_ended(const struct learner_service *service);

/* Stops the thread, and waits for its present transaction. NULL is fine. */
void learner_service_close(struct learner_service *service);

#endif
