/* drift_past_reference.h: Reference that the stored past of a stream gives: of its blocks, and of the commonest texts of a feature.
 *
 * Features of numbers are those of the blocks. A feature of texts has fingerprints there: they become categories. Those that are
 * common among them are a category each, and all others one (steps/drift/drift_texts.h); if no other came, a text that is none of
  * them is one never seen.
 *
 * For the observer that keeps the past (steps/drift/state/drift_past.h), and for `sluice drift rebase`.
 */
#ifndef SLUICE_STEPS_DRIFT_STATE_DRIFT_PAST_REFERENCE_H
#define SLUICE_STEPS_DRIFT_STATE_DRIFT_PAST_REFERENCE_H

#include "steps/drift/state/drift_past_record.h"

/* What the state has. */
struct past_stored {
	const struct past *past;
	const struct past_features *features;
	const struct past_values *const *values; /* of each block of the reference, those of each feature */
	const struct text *texts;		 /* of each feature: struct past_text, as many as there are; empty of numbers */
};

/* How many commonest texts are stored. */
size_t past_texts_count(struct text stored);

/* Makes it in the arena; names are borrowed. Without blocks its features have their kinds alone. False: the arena is full. */
bool drift_past_reference(const struct past_stored *stored, struct arena *arena, struct drift_reference *reference);

#endif
