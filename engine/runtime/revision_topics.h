/* revision_topics.h: the topics that a revision needs, as log/topics.h wants them. */
#ifndef SLUICE_RUNTIME_REVISION_TOPICS_H
#define SLUICE_RUNTIME_REVISION_TOPICS_H

#include "log/topics.h"
#include "runtime/revision.h"

/* Those of its pipelines, and with `status` the ones in which engines say how they are; of pipelines
 * among `new_state` the loss of state is accepted. In the revision's arena. SYSTEM: memory ran out. */
bool revision_topics(const struct revision *revision, struct properties settings, bool status, struct name_list new_state,
		     struct wanted_topics *wanted, struct error *error);

#endif
