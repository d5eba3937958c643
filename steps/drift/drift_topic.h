/* drift_topic.h: Reference of a step `drift` with `topic:`: what the engine learns from a topic's records as it starts
 * (engine/learn/reference_service.h), and the board has (observe/verdict_board.h).
 *
 * Until it is there, messages are compared with nothing: they are counted, under the key `waiting`, and are `unusable` in the
 * records of the step, whose verdict is `learning`. What is stored of windows and segments stays as it is: it goes on if the same
 * reference is learnt again, and begins anew if another is.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_TOPIC_H
#define SLUICE_STEPS_DRIFT_DRIFT_TOPIC_H

#include "steps/drift/drift_comparison.h"

struct verdict_entry;

struct drift_topic {
	struct drift_comparison *comparison;
	struct verdict_entry *entry; /* NULL: nothing learns, as without an engine */
	const char *topic;
	bool known; /* the comparison has its reference and its monitor */
	const char *unfit; /* why nothing can be compared with what was learnt; NULL: it can, or nothing was */
};

/* The comparison is that of an observer, and its settings are read by this. CONFIG: one cannot be used. */
bool drift_topic_open(struct drift_topic *topic, struct drift_comparison *comparison, const struct step *step,
		      struct verdict_entry *entry, struct error *error);

/* Opens the comparison, once the reference was learnt; `learnt`: by this call. False: it is not there yet, or nothing can be
 * compared with it. */
bool drift_topic_bring(struct drift_topic *topic, bool *learnt);

/* How many messages wait since the last record, in the state of the step. */
uint64_t drift_topic_waiting(struct visit *visit);
bool drift_topic_wait(struct visit *visit, uint64_t messages, struct error *error);

#endif
