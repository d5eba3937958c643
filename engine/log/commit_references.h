/* commit_references.h: references to state that commits of a consumer's partitions have in their
 * metadata (state/identity.h), partition by partition. The consumer's own.
 *
 * They are set by the worker when it ends what is to be committed, and read when that is
 * committed; no second end begins before. So no lock is needed.
 */
#ifndef SLUICE_LOG_COMMIT_REFERENCES_H
#define SLUICE_LOG_COMMIT_REFERENCES_H

#include "log/record.h"
#include "state/identity.h"

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

/* From now on; id 0: none. False: memory ran out (SYSTEM). */
bool commit_references_set(struct commit_references *references, const struct position *position,
			   const struct state_reference *reference, struct error *error);

/* NULL: none. */
const struct state_reference *commit_references_find(const struct commit_references *references, const struct position *position);

#endif
