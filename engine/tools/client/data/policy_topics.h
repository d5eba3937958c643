/* policy_topics.h: Policies of bandits as policy topics have them, for commands: the newest one of each pipeline and experiment.
 * Each pipeline that an experiment is in learns by itself.
 *
 * Reading waits for Kafka. A topic may be long, so only those are read whose policies are asked for.
 */
#pragma once

#include "tools/client/control/control_session.h"
#include "tools/view/report/bandit_view.h"

/* Reads the policies of one pipeline, and adds them to those that were read. Of a topic that cannot be read, as one that nobody has
 * made, there are none, and the workspace notes why; NULL: nobody notes it. Memory is the arena's. False: SYSTEM. */
bool policy_topic_read(const struct workspace *workspace, const struct pipeline_target *target, const char *pipeline,
		       struct arena *arena, struct published_policies *policies, struct error *error);

/* Reads the policies of the pipelines in force that learn an experiment: that of the name, those inside a pipeline of the name, or
 * all of the namespace (NULL). Else as above. */
bool policy_topics_read(const struct workspace *workspace, const struct control_session *control, const char *experiment,
			struct arena *arena, struct published_policies *policies, struct error *error);
