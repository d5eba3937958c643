/* state_check.h: Check of a reload: the stages must keep their state. For `sluice run`. */
#pragma once

#include "base/list.h"
#include "kafka/topics/topic_setup.h"
#include "engine/run/engine.h"

/* Steps with state of pipelines that this engine ran and that are gone, by their changelogs. Starts as {0}. */
struct state_history {
	struct list changelogs;
};

void state_history_close(struct state_history *history);

/* Called after a reload: adds what `before` had and `now` has not, and removes what is back. SYSTEM: memory ran out. */
bool state_history_note(struct state_history *history, const struct plan *before, const struct plan *now, struct error *error);

/* Whether each stage keeps the state of its steps. A worker that began without it would detect that
 * (flow/state/changelog_identity.h), and end. CONFIG: the stage keeps its changelog, but its steps with state have other names. Or
 * its input was read with another changelog, because the pipeline has another name. Pipelines among `new_state` are
 * not checked. A pipeline that comes back is compared with what it was when it went. `versioned`: a control plane names the
 * changelogs (compiler/plan/state_forms.h). Then a stage may leave its changelog for another one, unless that has parts of
  * requests. */
bool state_check_reload(const struct plan *before, const struct plan *now, const struct state_history *history,
			struct name_list new_state, bool versioned, struct error *error);

/* Whether the state of new changelogs, which `before` does not have, exists as far as Kafka reports. The changelog of
 * a pipeline that comes back may have been deleted. Waits for Kafka. CONFIG: it is lost. SYSTEM: Kafka does not
 * answer. */
bool state_check_changelogs(const struct engine_config *config, const struct plan *before, struct wanted_topics wanted,
			    struct error *error);
