/* artifact_index.c: see artifact_index.h. */
#include "control/artifacts/artifact_index.h"

#include "base/memory.h"

struct indexed_artifact {
	struct list_node node;
	char digest[ARTIFACT_DIGITS + 1];
	int64_t offset; /* of its first chunk */
};

static struct indexed_artifact *indexed_find(const struct artifact_index *index, struct text digest)
{
	for (struct list_node *node = index->entries.first; node; node = node->next)
		if (text_is(digest, LIST_OWNER(node, struct indexed_artifact, node)->digest))
			return LIST_OWNER(node, struct indexed_artifact, node);
	return NULL;
}

void artifact_index_close(struct artifact_index *index)
{
	while (index->entries.first) {
		struct indexed_artifact *entry = LIST_OWNER(index->entries.first, struct indexed_artifact, node);
		list_remove(&entry->node);
		memory_give(entry);
	}
	*index = (struct artifact_index){0};
}

/* Chunks are written in their order, so the others come after the first one. */
void artifact_index_note(struct artifact_index *index, int64_t offset, struct text key, struct text value)
{
	struct text digest;
	size_t chunk;
	index->records++;
	if (!key.bytes || !value.bytes || !artifact_key_read(key, &digest, &chunk) || chunk != 0)
		return;
	struct indexed_artifact *entry = indexed_find(index, digest);
	if (!entry && (entry = memory_take(1, sizeof *entry))) {
		memcpy(entry->digest, digest.bytes, ARTIFACT_DIGITS);
		list_add(&index->entries, &entry->node);
	}
	if (entry)
		entry->offset = offset;
}

int64_t artifact_index_begin(const struct artifact_index *index, const struct artifact *artifact)
{
	const struct indexed_artifact *entry = indexed_find(index, text_of(artifact->digest));
	return entry && entry->offset < index->end ? entry->offset : index->end;
}
