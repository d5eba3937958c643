/* state_check.h: Check of files that are read again: that they keep the state of their stages. For `sluice run`.
 */
#ifndef SLUICE_RUNTIME_STATE_CHECK_H
#define SLUICE_RUNTIME_STATE_CHECK_H

#include "base/list.h"
#include "log/topics.h"
#include "runtime/engine.h"

/* Steps with state of pipelines that this engine ran and are gone, by their changelogs. Starts as {0}. */
struct state_history {
	struct list changelogs;
};

void state_history_close(struct state_history *history);

/* Behind a reload: notes what `before` had and `now` has not, and forgets what is back. SYSTEM: memory ran out. */
bool state_history_note(struct state_history *history, const struct plan *before, const struct plan *now, struct error *error);

/* Whether each stage keeps the state of its steps, which a worker that began without it would notice
 * (state/identity.h), and end. CONFIG: the stage keeps its changelog, and its steps with state have other names; or its
 * input was read with another changelog, because the pipeline has another name; and its pipeline is not among `new_state`. A
 * pipeline that comes back is compared with what it was when it went. */
bool state_check_reload(const struct plan *before, const struct plan *now, const struct state_history *history,
			struct name_list new_state, struct error *error);

/* Whether the state is there of changelogs that `before` has not, as far as Kafka tells: that of a pipeline which was there
 * before, and comes back, may be gone. Waits for Kafka. CONFIG: it is lost. SYSTEM: Kafka does not tell. */
bool state_check_changelogs(const struct engine_config *config, const struct plan *before, struct wanted_topics wanted,
			    struct error *error);

#endif
