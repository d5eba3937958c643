/* snapshot.h: Snapshot of a store, as bytes of a file. With it a restore need not read the changelog from its
 * beginning.
 *
 *   sluice-state, version     13 bytes
 *   blocks                    type, length, checksum; then that many bytes:
 *     1 head                  which changelog, up to which offset, when, the steps' names
 *     2 entries               step, key, value; as many as there are keys, or more
 *     3 end                   how many
 *
 * Numbers are little-endian. A block's checksum is the hash of its bytes. The seed is the hash of its type, with the
 * checksum before it as seed (at first 0), plus its length. So a block that is missing, changed or from another
 * snapshot is detected, and the end block shows that nothing is cut off.
 *
 * A snapshot need not be of one moment. It contains at least what the changelog has before its offset, and nothing
 * newer than what is committed when it is used. Reading the changelog from that offset to its end completes it.
 *
 * Pure: the caller stores and loads the bytes. Used by one thread at a time.
 */
#pragma once

#include "flow/state/store.h"

#define SNAPSHOT_TOPIC_MAX 250		      /* bytes of a topic's name, with a NUL: Kafka takes 249 */
#define SNAPSHOT_BLOCK_MAX ((size_t)64 << 20) /* bytes of a block that is read; no writer makes one nearly as large */

struct snapshot_head {
	char topic[SNAPSHOT_TOPIC_MAX]; /* topic of the changelog */
	int32_t partition;
	int64_t offset; /* from which the changelog is read after a restore */
	int64_t time_ms;
};

/* ---- writing ---- */

/* Writer of a snapshot. Starts as {0}. Each call appends to `out`; buffer_failed(out): memory ran out. */
struct snapshot_writer {
	struct store_walk walk;
	uint64_t chain;
	uint64_t count;
};

void snapshot_write_head(struct snapshot_writer *writer, const struct snapshot_head *head, struct store_scopes scopes,
			 struct buffer *out);

/* Writes a block of about so many bytes. False: it was the last, and the end block is written too, or `out` has
 * failed. */
bool snapshot_write_block(struct snapshot_writer *writer, const struct store *store, size_t bytes, struct buffer *out);

/* ---- reading ---- */

/* Reader of a snapshot. Starts as {0}. It requests its bytes piece by piece. */
struct snapshot_reader {
	struct snapshot_head head; /* valid when `headed` */
	bool headed;
	bool whole; /* the end block was read, and no check failed */
	/* Private: */
	bool begun;
	bool in_block;
	unsigned char type;
	size_t length;
	uint64_t checksum, chain, count;
	uint32_t scopes[256]; /* number in the store of each of its steps */
	size_t scope_count;
};

/* Bytes that it reads next; 0: it is whole. */
size_t snapshot_wants(const struct snapshot_reader *reader);

/* Reads exactly so many bytes into the store. False (SYSTEM): the snapshot is damaged, of another version, or of a
 * stage with other steps. The store then has a part of it, and the caller must start again with an empty one. */
bool snapshot_take(struct snapshot_reader *reader, struct text bytes, struct store *store, struct error *error);
