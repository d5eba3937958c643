/* artifact_collector.c: see artifact_collector.h. */
#include "control/artifacts/artifact_collector.h"

static struct collected_artifact *wanted_find(const struct artifact_collector *collector, struct text digest)
{
	for (size_t i = 0; i < collector->count; i++)
		if (memcmp(collector->wanted[i].artifact.digest, digest.bytes, ARTIFACT_DIGITS) == 0)
			return &collector->wanted[i];
	return NULL;
}

/* Whether the record is that chunk of the artifact, as far as its numbers say. */
static bool chunk_fits(const struct artifact_chunk *chunk, const struct artifact *artifact, size_t number)
{
	size_t begin = number * ARTIFACT_CHUNK_BYTES, left = artifact->size_bytes > begin ? artifact->size_bytes - begin : 0;
	return number < artifact_chunk_count(artifact) && text_is(chunk->digest, artifact->digest) &&
	       chunk->chunk == (int64_t)number && chunk->size_bytes == (int64_t)artifact->size_bytes &&
	       chunk->bytes.length == (left < ARTIFACT_CHUNK_BYTES ? left : ARTIFACT_CHUNK_BYTES);
}

static bool chunk_place(struct artifact_collector *collector, struct collected_artifact *wanted, size_t number, struct text value,
			bool *is_good, struct error *error)
{
	struct artifact_chunk chunk;
	struct error broken = {0};
	*is_good = false;
	arena_reset(collector->arena);
	if (!value.bytes || !record_decode(&artifact_form, value, collector->arena, &chunk, &broken) ||
	    !chunk_fits(&chunk, &wanted->artifact, number))
		return true;
	*is_good = true;
	return collector->place(collector->context, (size_t)(wanted - collector->wanted), number, chunk.bytes, is_good, error);
}

bool artifact_collect(struct artifact_collector *collector, struct text key, struct text value, struct error *error)
{
	struct text digest;
	size_t number;
	bool is_good;
	struct collected_artifact *wanted = NULL;
	if (key.bytes && artifact_key_read(key, &digest, &number))
		wanted = wanted_find(collector, digest);
	if (!wanted)
		return true;
	if (!chunk_place(collector, wanted, number, value, &is_good, error))
		return false;
	const uint64_t bit = UINT64_C(1) << (number % ARTIFACT_WORD_BITS);
	wanted->chunks[number / ARTIFACT_WORD_BITS] &= ~bit;
	if (is_good)
		wanted->chunks[number / ARTIFACT_WORD_BITS] |= bit;
	return true;
}

bool artifact_is_whole(const struct collected_artifact *collected, size_t *missing)
{
	const size_t count = artifact_chunk_count(&collected->artifact);
	size_t i = 0;
	while (i < count && collected->chunks[i / ARTIFACT_WORD_BITS] >> (i % ARTIFACT_WORD_BITS) & 1)
		i++;
	if (missing)
		*missing = i;
	return i == count;
}
