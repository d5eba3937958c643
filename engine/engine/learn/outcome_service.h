/* outcome_service.h: Outcome service: one thread of an engine for all its pipelines of a namespace. It follows the policies of all
 * of them, and leads some (engine/learn/outcome_lead.h): those whose outcomes topic Kafka assigned to this engine among all that
 * may lead (kafka/consume/lead_group.h).
 *
 * It has three clients, whatever the number of pipelines: a member of the group, a reader of all topics, and a transactional
 * producer. All leads share its transactions, of which each has the positions of those that wrote, by the membership of the group.
 * So Kafka refuses all of a transaction of an engine that does not lead any more. When pipelines are assigned anew, or the end of a
 * transaction is not known, all leads end, and begin again where positions are committed. So they do with another plan.
 *
 * Who may not join the group, or write, logs why, leads nothing, and tries again, after a minute at most. Policies are followed all
 * the same, and workers do not wait for the service.
 */
#pragma once

#include "compiler/plan/plan.h"
#include "experiments/rollouts/rollout_board.h"
#include "kafka/record.h"
#include "observe/log_sink.h"
#include "observe/policy_board.h"

#define OUTCOME_MEMORY_BYTES ((size_t)128 << 20) /* beside JOIN_MEMORY_LEAST of each join */

struct outcome_service;

struct outcome_service_config {
	const char *brokers;
	struct properties consumer, producer;
	const char *group;    /* of the engines that may lead (plan_outcomes_group()) */
	const char *instance; /* name of this engine, the same after a restart */
	bool alone;	      /* no other engine runs: it leads all, without a group */
	const char *namespace;
	size_t memory_bytes; /* of all joins; 0 or beyond OUTCOME_MEMORY_BYTES: that */
	int64_t hold_ms;     /* feedback waits so long for its exposure; 0: FEED_HOLD_MS */
	struct policy_board *policies;
	struct rollout_board *rollouts;
	struct metric_series *series;
	const struct log_sink *log; /* NULL: nothing is logged */
};

/* Starts the thread. The configuration is copied; what it points to is borrowed. NULL: SYSTEM. */
struct outcome_service *outcome_service_open(const struct outcome_service_config *config, struct error *error);

/* From now on the pipelines of that plan. NULL: none. */
void outcome_service_follow(struct outcome_service *service, const struct plan *plan);

/* Whether the thread still uses that plan. */
bool outcome_service_holds(const struct outcome_service *service, const struct plan *plan);

/* Asks the thread to stop, and does not wait: so that several stop at the same time. */
void outcome_service_stop(struct outcome_service *service);

/* Stops the thread, and waits for its present transaction. NULL is fine. */
void outcome_service_close(struct outcome_service *service);
