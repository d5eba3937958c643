/* artifact.h: Artifact of the control plane: a file that a document names, which `sluice apply` sends with the document.
 *
 * Its bytes are records of the topic `artifacts`, which is compacted:
 *
 *   DIGEST/CHUNK   a chunk of ARTIFACT_CHUNK_BYTES, the last one shorter; a tombstone removes it
 *
 * The digest is the SHA-256 of the file. So a file is there once, whatever it is called and however many documents name
 * it. Two appliers that send the same file at once write the same records.
 *
 * A document has a label for each of its files: the file's name as written in the document, its digest and its size.
 * Documents that were applied before there were artifacts have none, and engines read their files where they are.
 *
 * Pure.
 */
#pragma once

#include "control/records/ledger.h"

#define ARTIFACT_CHUNK_BYTES ((size_t)512 << 10) /* half of what Kafka takes by default */
#define ARTIFACT_BYTES_MAX ((size_t)64 << 20)	 /* Kafka is no store of large files: https: and s3: are */
#define ARTIFACT_CHUNKS_MAX (ARTIFACT_BYTES_MAX / ARTIFACT_CHUNK_BYTES)
#define ARTIFACT_DIGITS 64 /* of a digest, in lower-case letters */

struct artifact {
	char digest[ARTIFACT_DIGITS + 1];
	size_t size_bytes;
};

/* A chunk, as its record has it. */
struct artifact_chunk {
	struct text digest;
	int64_t chunk;
	int64_t size_bytes; /* of the whole file */
	struct text bytes;
};

extern const struct record_form artifact_form;

/* The artifact with that content. */
struct artifact artifact_of(struct text content);

/* An artifact with a hash of each of its chunks (base/hash.h), by which its owner knows them again. */
struct artifact_outline {
	struct artifact artifact;
	uint64_t chunks[ARTIFACT_CHUNKS_MAX];
};

/* The outline of content of at most ARTIFACT_BYTES_MAX. */
void artifact_outline_make(struct text content, struct artifact_outline *outline);

/* Whether a version of the ledger names that artifact. */
bool artifact_is_named(const struct ledger *ledger, struct text digest);

/* The artifacts that versions of the ledger name, in the arena; one that several name is there several times. False: memory
 * ran out. */
bool artifacts_named(const struct ledger *ledger, struct arena *arena, struct artifact **artifacts, size_t *count);

/* Number of its chunks; an empty file has one, which is empty. */
size_t artifact_chunk_count(const struct artifact *artifact);

/* The bytes of a chunk of the content. */
struct text artifact_slice(struct text content, size_t chunk);

/* Appends the key of a chunk's record. */
void artifact_key(const char *digest, size_t chunk, struct buffer *out);

/* Reads such a key. False: it is none. The digest borrows from the key. */
bool artifact_key_read(struct text key, struct text *digest, size_t *chunk);

/* ---- labels of documents ---- */

#define ARTIFACT_LABEL "sluice.io/file/" /* before the name of the file */

/* Makes the label of a file, in the arena. False: memory ran out. */
bool artifact_label_make(const char *name, const struct artifact *artifact, struct arena *arena, struct control_label *label);

/* Reads the label of a file. False: it is another label. The name borrows from the label. */
bool artifact_label_read(const struct control_label *label, struct text *name, struct artifact *artifact);
