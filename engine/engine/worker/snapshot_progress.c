/* snapshot_progress.c: see snapshot_progress.h. */
#include "engine/worker/snapshot_progress.h"

#include <assert.h>

#define SNAPSHOT_BLOCK_BYTES ((size_t)256 << 10)
#define SNAPSHOT_BUFFER_BYTES ((size_t)64 << 20)

void snapshot_progress_open(struct snapshot_progress *progress)
{
	*progress = (struct snapshot_progress){.store = NULL};
	buffer_open(&progress->block, SNAPSHOT_BUFFER_BYTES);
}

void snapshot_progress_close(struct snapshot_progress *progress)
{
	assert(!progress->store);
	buffer_close(&progress->block);
}

void snapshot_progress_give_up(struct snapshot_progress *progress, struct archive *archive)
{
	if (progress->store && archive)
		archive_forget(archive, progress->ticket);
	progress->store = NULL;
}

bool snapshot_progress_begin(struct snapshot_progress *progress, struct archive *archive, uint64_t ticket,
			     const struct store *store, const struct archive_place *place, int64_t offset, struct error *error)
{
	assert(!progress->store && store && archive_has_snapshots(archive));
	progress->store = store;
	progress->ticket = ticket;
	progress->writer = (struct snapshot_writer){0};
	progress->stage = SNAPSHOT_BEGUN;
	return archive_begin(archive, ticket, place, offset, error);
}

static bool block_write(struct snapshot_progress *progress, struct archive *archive, const struct archive_place *place,
			const struct snapshot_head *head, struct error *error)
{
	if (progress->stage == SNAPSHOT_BEGUN)
		snapshot_write_head(&progress->writer, head, store_scopes(progress->store), &progress->block);
	bool more = snapshot_write_block(&progress->writer, progress->store, SNAPSHOT_BLOCK_BYTES, &progress->block);
	if (buffer_failed(&progress->block))
		return error_memory(error, ERROR_SYSTEM, "writing a snapshot");
	progress->stage = more ? SNAPSHOT_BLOCKS : SNAPSHOT_LAST_BLOCK;
	return archive_write(archive, progress->ticket, place, &progress->block, error);
}

bool snapshot_progress_go_on(struct snapshot_progress *progress, struct archive *archive, const struct archive_place *place,
			     const struct snapshot_head *head, uint64_t ends, struct error *error)
{
	assert(progress->store && progress->stage <= SNAPSHOT_LAST_BLOCK); /* what is written gets no block more */
	if (progress->stage != SNAPSHOT_LAST_BLOCK)
		return block_write(progress, archive, place, head, error);
	/* A commit that begins from here on and succeeds also proves that the partition was this worker's all the
	 * time. If it belonged to another one meanwhile, the snapshot would be older than it claims. */
	progress->stage = SNAPSHOT_WRITTEN;
	progress->written_with = ends + 1;
	return true;
}

bool snapshot_progress_keep(struct snapshot_progress *progress, struct archive *archive, const struct archive_place *place,
			    struct error *error)
{
	assert(progress->store && progress->stage == SNAPSHOT_WRITTEN);
	progress->stage = SNAPSHOT_KEPT;
	return archive_keep(archive, progress->ticket, place, error);
}
