/* select.h: what references take of payloads, and how several become one.
 *
 * References to one producer are one source: its tensors keep its order, and each goes
 * once, by the first reference that takes it, under the name that this one gives it.
 */
#ifndef SLUICE_FLOW_SELECT_H
#define SLUICE_FLOW_SELECT_H

#include "plan/graph.h"

/* Of each source the first that names the same producer. */
void sources_lead(const struct source *sources, size_t count, size_t *leader);

/* Whether anything that it selects is there. */
static inline bool source_finds(struct text tensor, const struct payload *payload)
{
	return tensor.length ? tensors_find(payload->tensors, tensor) != NULL : payload->tensors.count > 0;
}

/* What one source selects of a payload; NULL: the arena is full. */
const struct payload *source_select(struct arena *arena, const struct source *source, const struct payload *payload);

/* What came of each source (NULL: nothing), joined: tensors in the order of the sources,
 * parameters of the leftmost, every mark once. NULL: the arena is full. */
const struct payload *sources_join(struct arena *arena, const struct source *sources, const size_t *leader, size_t count,
				   const struct payload *const *came);

#endif
