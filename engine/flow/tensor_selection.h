/* tensor_selection.h: Selection of tensors by references, and the merge of several payloads into one.
 *
 * References to the same producer count as one source: its tensors keep their order, and each is taken once. The
 * first reference that selects a tensor decides its name.
 */
#pragma once

#include "compiler/graph/graph.h"

/* Sets for each source the first one that names the same producer. */
void sources_lead(const struct source *sources, size_t count, size_t *leader);

/* Whether the payload has a tensor that the source selects. */
static inline bool source_finds(struct text tensor, const struct payload *payload)
{
	return tensor.length ? tensors_find(payload->tensors, tensor) != NULL : payload->tensors.count > 0;
}

/* The part of a payload that a source selects; NULL: the arena is full. */
const struct payload *source_select(struct arena *arena, const struct source *source, const struct payload *payload);

/* Merges the payloads of all sources (NULL: nothing came): tensors in the order of the sources, parameters of the
 * leftmost, every mark once. NULL: the arena is full. */
const struct payload *sources_join(struct arena *arena, const struct source *sources, const size_t *leader, size_t count,
				   const struct payload *const *came);
