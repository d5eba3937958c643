/* artifact_collector.h: Collector of artifacts from the records of their topic.
 *
 * The caller says which artifacts it wants, and passes the records in their order. A later record of a chunk replaces
 * the earlier one, and a tombstone removes it. The collector keeps no bytes: it passes those of a chunk on, and knows
 * which chunks are there. A record that cannot be a chunk of its artifact counts as if it were not there.
 *
 * Pure; belongs to one thread.
 */
#ifndef SLUICE_CONTROL_ARTIFACTS_ARTIFACT_COLLECTOR_H
#define SLUICE_CONTROL_ARTIFACTS_ARTIFACT_COLLECTOR_H

#include "control/artifacts/artifact.h"

#define ARTIFACT_WORD_BITS 64

struct collected_artifact {
	struct artifact artifact;
	uint64_t chunks[ARTIFACT_CHUNKS_MAX / ARTIFACT_WORD_BITS]; /* bits of those that are there; starts as 0 */
};

struct artifact_collector {
	size_t count;
	struct collected_artifact *wanted; /* each digest once */
	/* Takes the bytes of a chunk. `is_good` false: they are not those of the file, and the chunk is missing. False: the
	 * collection ends with the error. */
	bool (*place)(void *context, size_t wanted, size_t chunk, struct text bytes, bool *is_good, struct error *error);
	void *context;
	struct arena *arena; /* reset for each record */
};

/* Takes a record; `value` with NULL bytes: a tombstone. False: as `place`. */
bool artifact_collect(struct artifact_collector *collector, struct text key, struct text value, struct error *error);

/* Whether all chunks are there; `missing` (NULL is fine) is the first that is not. */
bool artifact_is_whole(const struct collected_artifact *collected, size_t *missing);

#endif
