/* policy_topics.h: Policies of bandits as the policy topics of a namespace have them, for commands: the newest one of each pipeline
 * and experiment. Each pipeline that an experiment is in learns by itself.
 *
 * Reading waits for Kafka.
 */
#ifndef SLUICE_CLIENT_POLICY_TOPICS_H
#define SLUICE_CLIENT_POLICY_TOPICS_H

#include "client/kafka.h"
#include "view/bandit_view.h"

/* Reads the policies of one pipeline, and adds them to those that were read. A topic that does not exist has none. Memory is the
 * arena's. False: CONFIG or SYSTEM, as pipeline_target_give(). */
bool policy_topic_read(const struct pipeline_target *target, const char *pipeline, struct arena *arena,
		       struct published_policies *policies, struct error *error);

/* Reads the policies of all pipelines. Memory is the arena's. False: CONFIG or SYSTEM, as topic_list_read() and topic_give_all().
 */
bool policy_topics_read(const struct kafka *kafka, const char *prefix, const char *namespace, struct arena *arena,
			struct published_policies *policies, struct error *error);

#endif
