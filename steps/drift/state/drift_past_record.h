/* drift_past_record.h: Stored past of a stream, by the observer of a step `drift` with `past:`: the list of its blocks, the names
 * of its features, the rows of each block, and the commonest texts of a feature; and the reference that these give.
 *
 * Features of numbers are those of the blocks. A feature of texts has fingerprints there: they become categories. Those that are
 * common among them are a category each, and all others one (steps/drift/drift_texts.h); if no other came, a text that is none of
 * them is one never seen.
 *
 * For the observer that writes it (steps/drift/state/drift_past.h), and for what reads it from a changelog
 * (steps/drift/drift_rebase.h). Pure.
 */
#pragma once

#include "base/option.h"
#include "flow/state/keyed_log.h"
#include "methods/drift/past.h"
#include "methods/drift/past_texts.h"

#define PAST_LIST_VERSION 3
#define PAST_LIST_KEY "past/list"
#define PAST_FEATURES_KEY "past/features" /* of struct past_features: the features, as past_feature_write() writes them */
#define PAST_KEY_BYTES 40

/* What is stored under PAST_LIST_KEY, without the blocks that are not there. */
struct past_list {
	uint64_t version;
	uint64_t identity; /* past_identity() */
	struct past past;
};

size_t past_list_bytes(uint64_t blocks);

/* The stored list. NULL: it is not whole. */
const struct past_list *past_list_read(struct text stored);

/* The blocks; and by the number of a feature its commonest texts, as struct past_text: when the reference was made, and until the
 * last window; and those of windows in alarm. */
extern const struct keyed_log past_blocks, past_texts_fitted, past_texts_counted, past_texts_aside;

/* The hash of the tensors that a step watches, and what identifies the features that are stored of them. */
uint64_t past_watched(const struct name_list *tensors);
uint64_t past_identity(uint64_t watched, struct text features);

/* Features of a past. Names end with a NUL. A feature of texts has that of their lengths behind it. */
struct past_features {
	size_t count;
	struct text names[DRIFT_FEATURES_MAX];
	bool texts[DRIFT_FEATURES_MAX]; /* whether it has texts */
	size_t widths[DRIFT_FEATURES_MAX]; /* of a direction: that of its tensor; else 0 */
};

/* How many bytes the stored name of a feature has, and these: the name with a NUL behind it; of texts also one before it; and of a
 * direction two NUL, the width in decimal digits and a NUL before it. `to`: NULL, or where they are written. */
size_t past_feature_write(const char *name, bool texts, size_t width, char *to);

/* Splits the stored names, which are borrowed. */
void past_features_split(struct text stored, struct past_features *features);

#define PAST_PROFILE_BYTES 4096 /* of each feature, in all that a window adds to a changelog but the list */

/* How many blocks remember a window at most: as many as fit in the bytes of all features, beside the commonest texts. The keys,
 * which have the step's name, count too. */
size_t past_window_blocks(const struct past_features *features, const char *step_name);

/* ---- the reference ---- */

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
