/* commit_references.h: References to state in the metadata of a consumer's commits (flow/state/changelog_identity.h), for each
 * partition. Private to the consumer.
 *
 * The worker sets them when it ends an output, and they are read when that output is committed. No second output ends
 * before that, so no lock is needed.
 */
#pragma once

#include "kafka/record.h"
#include "flow/state/changelog_identity.h"

/* Starts as {0}. */
struct commit_references {
	size_t count, capacity;
	struct commit_reference {
		uint32_t topic;
		int32_t partition;
		struct state_reference reference;
	} * items;
};

void commit_references_close(struct commit_references *references);

/* Sets the reference of a partition's commits from now on; id 0: none. False: memory ran out (SYSTEM). */
bool commit_references_set(struct commit_references *references, const struct position *position,
			   const struct state_reference *reference, struct error *error);

/* NULL: none. */
const struct state_reference *commit_references_find(const struct commit_references *references, const struct position *position);
