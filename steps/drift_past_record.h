/* drift_past_record.h: Form in which the past of a stream is stored. The list of its blocks, the names of its features, and the
 * rows of each block have keys of their own.
 *
 * For the observer that writes it (steps/drift_past.h), and for what reads it from a changelog (steps/drift_rebase.h). Pure.
 */
#ifndef SLUICE_STEPS_DRIFT_PAST_RECORD_H
#define SLUICE_STEPS_DRIFT_PAST_RECORD_H

#include "base/option.h"
#include "drift/past.h"

#define PAST_LIST_VERSION 3
#define PAST_LIST_KEY "past/list"
#define PAST_FEATURES_KEY "past/features" /* each name with a NUL behind it */
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

/* The key of a block. */
struct text past_block_key(uint64_t number, char bytes[PAST_KEY_BYTES]);

/* The hash of the tensors that a step watches, and what identifies the features that are stored of them. */
uint64_t past_watched(const struct name_list *tensors);
uint64_t past_identity(uint64_t watched, struct text features);

/* Splits the stored names, of which there are DRIFT_FEATURES_MAX at most, and returns how many there are. They end with a NUL. */
size_t past_names_split(struct text stored, struct text *names);

#endif
