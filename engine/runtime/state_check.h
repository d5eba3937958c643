/* state_check.h: Check of files that are read again: that they keep the state of their stages. For `sluice run`.
 */
#ifndef SLUICE_RUNTIME_STATE_CHECK_H
#define SLUICE_RUNTIME_STATE_CHECK_H

#include "log/topics.h"
#include "runtime/engine.h"

/* Whether each stage keeps the state of its steps, which a worker that began without it would notice
 * (state/identity.h), and end. CONFIG: the stage keeps its changelog, and its steps with state have other names; or its
 * input was read with another changelog, because the pipeline has another name; and its pipeline is not among `new_state`. */
bool state_check_reload(const struct plan *before, const struct plan *now, struct name_list new_state, struct error *error);

/* Whether the state is there of changelogs that `before` has not, as far as Kafka tells: that of a pipeline which was there
 * before, and comes back, may be gone. Waits for Kafka. CONFIG: it is lost. SYSTEM: Kafka does not tell. */
bool state_check_changelogs(const struct engine_config *config, const struct plan *before, struct wanted_topics wanted,
			    struct error *error);

#endif
