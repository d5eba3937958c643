/* drift_past_record.h: Form in which the past of a stream is stored. The list of its blocks, the names of its features, and the
 * rows of each block have keys of their own.
 *
 * For the observer that writes it (steps/drift/state/drift_past.h), and for what reads it from a changelog
  * (steps/drift/drift_rebase.h). Pure.
 */
#ifndef SLUICE_STEPS_DRIFT_STATE_DRIFT_PAST_RECORD_H
#define SLUICE_STEPS_DRIFT_STATE_DRIFT_PAST_RECORD_H

#include "base/option.h"
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

/* The stored list. One of the version 2 is read as one of this: windows are distinguished by their times, and none is
 * known to be in alarm. NULL: it is not whole, or the arena is full. */
const struct past_list *past_list_read(struct text stored, struct arena *arena);

/* The keys of a block, and of the commonest texts of a feature, as struct past_text: when the reference was made, and until the
 * last window; and those of windows in alarm. */
struct text past_block_key(uint64_t number, char bytes[PAST_KEY_BYTES]);
struct text past_texts_key(size_t feature, char bytes[PAST_KEY_BYTES]);
struct text past_counted_key(size_t feature, char bytes[PAST_KEY_BYTES]);
struct text past_aside_key(size_t feature, char bytes[PAST_KEY_BYTES]);

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

#endif
