/* policy_follow.h: Follower of the policies of a pipeline's bandits: it puts the records of the policy topic into force in this
 * process (observe/policy_board.h), whoever writes them, and keeps the latest of each experiment for whoever begins to lead.
 *
 * A policy that is not renewed for LEARNER_STALE_INTERVALS intervals stays in force, and a warning is logged. A record may take
 * LEARNER_PACE_MS to come: of an interval that is shorter no policy is old because of that.
 *
 * Belongs to the thread of the outcome service. Private to engine/learn.
 */
#pragma once

#include <stdatomic.h>

#include "compiler/plan/plan.h"
#include "kafka/consume/stream_reader.h"
#include "observe/log_sink.h"
#include "observe/policy_board.h"

#define LEARNER_STALE_INTERVALS 3
#define LEARNER_PACE_MS 1000 /* an update is a transaction of the leader's */

struct policy_follow;

struct policy_follow_config {
	const struct pipeline_plan *pipeline; /* with a policy topic */
	struct policy_board *board;
	struct arena *arena; /* of one record */
	const struct log_sink *log;
	const atomic_bool *stopping;
};

/* The configuration is copied, and what it points to is borrowed. NULL: SYSTEM. */
struct policy_follow *policy_follow_open(const struct policy_follow_config *config, struct error *error);
void policy_follow_close(struct policy_follow *follow); /* NULL is fine; before its reader is closed */

/* Reads what has come, from the topic's beginning on, and puts the newest policies into force. It waits for Kafka at the first
 * call, and after a failure. False: REMOTE, CONFIG or SYSTEM; the topic is read anew at the next call. */
bool policy_follow_turn(struct policy_follow *follow, struct stream_reader *reader, struct error *error);

/* Whether the topic is read to its end. */
bool policy_follow_is_current(const struct policy_follow *follow);

/* The latest record of an experiment; bytes NULL: there is none. It lives until the next turn. */
struct text policy_follow_latest(const struct policy_follow *follow, const char *experiment);
