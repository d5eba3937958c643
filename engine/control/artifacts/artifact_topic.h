/* artifact_topic.h: The topic of artifacts of a namespace: what it contains, and how it is fetched and swept
 * (artifact_writer.h writes it).
 *
 * The topic has one partition. All of it is read for each of these, but an engine with an index begins where what it lacks was
 * written. Waits for Kafka; belongs to one thread.
 */
#pragma once

#include <stdatomic.h>

#include "base/list.h"
#include "control/artifacts/artifact.h"
#include "control/records/ledger.h"
#include "kafka/record.h"

/* Collector of artifacts from the records of their topic.
 *
 * The caller says which artifacts it wants, and passes the records in their order. A later record of a chunk replaces
 * the earlier one, and a tombstone removes it. The collector keeps no bytes: it passes those of a chunk on, and knows
 * which chunks are there. A record that cannot be a chunk of its artifact counts as if it were not there.
 *
 * Pure; belongs to one thread.
 */
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

/* Index of the artifacts in a topic, in memory: where each was written last, as far as the topic was read.
 *
 * It is a hint of where to begin to read. A reader that does not find all chunks from there on reads everything. Pure; belongs
 * to one thread.
 */
struct artifact_index { /* starts as {0} */
	struct list entries;
	int64_t end;	  /* of the topic, when it was read last */
	uint64_t records; /* that were read so far */
};

void artifact_index_close(struct artifact_index *index);

#define ARTIFACT_RECORD_BYTES_MAX ((size_t)1 << 20) /* of a chunk with its framing */
#define ARTIFACT_FETCH_BATCH 256		    /* the topic is read once for each */
#define ARTIFACT_SWEEP_BATCH 64

struct artifact_topic {
	const char *brokers;
	struct properties consumer, producer;
	const char *name;
	struct artifact_index *index; /* of artifact_topic_fetch(); NULL: it reads everything each time */
	const atomic_bool *stopping;  /* once it is set, what waits fails within a second. NULL: never */
};

/* ---- for the applier ---- */

/* Whether the topic has each artifact, with all chunks as they must be. It is read from offset `*end` on, which becomes its end;
 * 0 is the beginning. So a second survey tells whether what was written after the first one is still there. SYSTEM. */
bool artifact_topic_survey(const struct artifact_topic *topic, const struct artifact_outline *outlines, size_t count, bool *has,
			   int64_t *end, struct error *error);

/* Removes the artifacts that no version of the ledger names and that nobody has written after `before_ms`: the proposal of
 * one that was just written is still on its way. `removed` and `kept` are how many. What was written meanwhile is looked for
 * before each ARTIFACT_SWEEP_BATCH of them. SYSTEM. */
bool artifact_topic_sweep(const struct artifact_topic *topic, const struct ledger *ledger, int64_t before_ms, size_t *removed,
			  size_t *kept, struct error *error);

/* ---- for an engine ---- */

/* Fetches the artifacts that the folder lacks (artifact_cache.h), ARTIFACT_FETCH_BATCH at a time: each has a file open. False: the
 * first reason, with the index of the artifact in `lacking`; the others were fetched nevertheless. */
bool artifact_topic_fetch(const struct artifact_topic *topic, const char *folder, const struct artifact *artifacts, size_t count,
			  size_t *lacking, struct error *error);
