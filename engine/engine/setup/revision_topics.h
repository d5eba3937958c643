/* revision_topics.h: Topics that a revision needs, in the form of kafka/topics/topic_setup.h. */
#pragma once

#include "kafka/topics/topic_setup.h"
#include "engine/setup/revision.h"

/* Lists the topics of its pipelines, and with `status` those for the status of engines. For pipelines among
 * `new_state` the loss of state is accepted; `versioned`: a control plane names the changelogs. In the revision's arena. SYSTEM:
 * memory ran out. */
bool revision_topics(const struct revision *revision, struct properties settings, bool status, struct name_list new_state,
		     bool versioned, struct wanted_topics *wanted, struct error *error);
