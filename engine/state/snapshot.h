/* snapshot.h: a whole store as bytes, for a file that spares reading a changelog from its
 * beginning.
 *
 *   sluice-state, version     13 bytes
 *   blocks                    type, length, checksum; then that many bytes:
 *     1 head                  which changelog, up to which offset, when, the steps' names
 *     2 entries               step, key, value; as many as there are keys, or more
 *     3 end                   how many
 *
 * Numbers are little-endian. A block's checksum is the hash of its bytes; the seed is the
 * hash of its type, with the checksum before it as seed (at first 0), plus its length. So
 * a block that is missing, changed or from another snapshot is found, and the end says
 * that nothing is cut off.
 *
 * A snapshot need not be of one moment. It holds at least what the changelog says before
 * its offset, and nothing newer than what is committed when it is used; reading the
 * changelog on from that offset to its end makes it right.
 *
 * Pure: where the bytes go to and come from is the caller's. Of one thread at a time.
 */
#ifndef SLUICE_STATE_SNAPSHOT_H
#define SLUICE_STATE_SNAPSHOT_H

#include "state/store.h"

#define SNAPSHOT_TOPIC_MAX 250		      /* bytes of a topic's name, with a NUL: Kafka takes 249 */
#define SNAPSHOT_BLOCK_MAX ((size_t)64 << 20) /* bytes of a block that is read; no writer makes one near it */

struct snapshot_head {
	char topic[SNAPSHOT_TOPIC_MAX]; /* the changelog */
	int32_t partition;
	int64_t offset; /* from which the changelog is to be read on */
	int64_t time_ms;
};

/* ---- writing ---- */

/* Begins as {0}. Each call writes behind what `out` holds; its failure says that memory
 * ran out. */
struct snapshot_writer {
	struct store_walk walk;
	uint64_t chain;
	uint64_t count;
};

void snapshot_write_head(struct snapshot_writer *writer, const struct snapshot_head *head, struct scopes scopes,
			 struct buffer *out);

/* A block of about so many bytes; false: it was the last, and the end is written too, or
 * `out` has failed. */
bool snapshot_write_block(struct snapshot_writer *writer, const struct store *store, size_t bytes, struct buffer *out);

/* ---- reading ---- */

/* Begins as {0}. It asks for its bytes piece by piece. */
struct snapshot_reader {
	struct snapshot_head head; /* known when `headed` */
	bool headed;
	bool whole; /* the end was read, and all was as it should be */
	/* Its own: */
	bool begun;
	bool in_block;
	unsigned char type;
	size_t length;
	uint64_t checksum, chain, count;
	uint32_t scopes[256]; /* of its steps: those of the store */
	size_t scope_count;
};

/* How many bytes it takes next; 0: it is whole. */
size_t snapshot_wants(const struct snapshot_reader *reader);

/* Takes just so many and puts what they say into the store. False (SYSTEM): it is damaged,
 * of another version, or of a stage whose steps were others: the store then holds a part
 * of it, and the caller begins with an empty one. */
bool snapshot_take(struct snapshot_reader *reader, struct text bytes, struct store *store, struct error *error);

#endif
