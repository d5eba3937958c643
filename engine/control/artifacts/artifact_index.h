/* artifact_index.h: Index of the artifacts in a topic, in memory: where each was written last, as far as the topic was read.
 *
 * It is a hint of where to begin to read. A reader that does not find all chunks from there on reads everything. Pure; belongs
 * to one thread.
 */
#ifndef SLUICE_CONTROL_ARTIFACTS_ARTIFACT_INDEX_H
#define SLUICE_CONTROL_ARTIFACTS_ARTIFACT_INDEX_H

#include "base/list.h"
#include "control/artifacts/artifact.h"

struct artifact_index { /* starts as {0} */
	struct list entries;
	int64_t end;	  /* of the topic, when it was read last */
	uint64_t records; /* that were read so far */
};

void artifact_index_close(struct artifact_index *index);

/* Notes a record that was read, in their order. Without memory, it is not noted. */
void artifact_index_note(struct artifact_index *index, int64_t offset, struct text key, struct text value);

/* The offset from which the topic is to be read for an artifact: 0 before the first reading. */
int64_t artifact_index_begin(const struct artifact_index *index, const struct artifact *artifact);

#endif
