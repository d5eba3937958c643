/* body_coder.h: Compression and decompression of the bodies of a server, in portions between which the loop serves others
 * (net/http/body_coder.h).
 *
 * A short body is done at once. Long bodies that are decompressed take turns, so that a bomb delays no other. Bodies are compressed
 * one after the other, since a compressor takes much memory.
 *
 * A part of its server's struct; belongs to its loop's thread.
 */
#pragma once

#include "base/list.h"
#include "net/http/gzip.h"
#include "net/loop.h"

/* Queue of work on bytes that a loop does in portions, so that it serves others between them.
 *
 * A turn of the loop has WORK_TURN_BYTES for all of it. Work that ends within what is left of them is done at once. What does not
 * waits: it takes turns with the others that wait, or they are done in order.
 *
 * A part of its owner's struct; belongs to its loop's thread.
 */
#define WORK_TURN_BYTES ((size_t)32 << 10) /* zlib compresses them in about 4 million instructions */

struct queued_work;

/* Works on about `*bytes` bytes at most, and subtracts those that it worked on. True: it has ended, and may have been freed. */
typedef bool work_go(struct queued_work *work, size_t *bytes);

/* A part of its owner's struct, which sets `go`. */
struct queued_work {
	work_go *go;
	struct list_node node; /* in the list of those that wait */
};

struct work_queue {
	struct loop *loop;
	bool in_turns;	   /* those that wait take turns; else the first is done before the next one begins */
	size_t left_bytes; /* of this turn */
	struct list waiting;
	struct loop_timer timer;
};

bool work_queue_open(struct work_queue *queue, struct loop *loop, bool in_turns, struct error *error); /* false: no memory */
void work_queue_close(struct work_queue *queue); /* nothing waits; fine when it was never open */

/* Begins work. True: it has ended already. Else `go` will be called from the loop. */
bool work_queue_begin(struct work_queue *queue, struct queued_work *work);

/* Whether work on so many bytes would end at once. */
bool work_queue_has(const struct work_queue *queue, size_t bytes);

static inline void queued_work_stop(struct queued_work *work) /* fine when it does not wait */
{
	list_remove(&work->node);
}

struct body_packing;

struct body_coder {
	struct work_queue packing, unpacking;
	struct gzip *gzip; /* NULL: it does not compress */
	struct buffer packed;
	const struct body_packing *active; /* which is compressed in part; NULL: none */
};

bool body_coder_open(struct body_coder *coder, struct loop *loop, bool packs, struct error *error); /* false: no memory */
void body_coder_close(struct body_coder *coder); /* nothing waits; fine when it was never open */

/* ---- decompression ---- */

/* A part of its owner's struct, which sets the functions. */
struct body_unpacking {
	struct buffer plain; /* the body, if the outcome is GZIP_WHOLE: its owner may take it */
	enum gzip_outcome outcome;
	/* Whether to go on, after each portion: the owner charges its budget for `plain`. False: the outcome is GZIP_NO_MEMORY. */
	bool (*allowed)(struct body_unpacking *unpacking);
	void (*done)(struct body_unpacking *unpacking); /* it has an outcome. Not called from within body_unpack() */
	/* Its own: */
	struct queued_work work;
	struct gunzip *gunzip;
};

/* `packed` is borrowed until `done`, or the stop. GZIP_MORE: `done` will be called; else it has that outcome already. */
enum gzip_outcome body_unpack(struct body_coder *coder, struct body_unpacking *unpacking, enum gzip_form form, struct text packed,
			      size_t bytes_max);

static inline bool body_unpack_is_running(const struct body_unpacking *unpacking)
{
	return unpacking->work.node.list != NULL;
}

/* Ends it, and frees its memory. Fine when it was never begun, or when it is done. */
void body_unpack_stop(struct body_unpacking *unpacking);

/* ---- compression ---- */

/* A part of its owner's struct, which sets `done`. */
struct body_packing {
	/* `coded` is compressed, or the plain body if that is not longer; until the next body. */
	void (*done)(struct body_packing *packing, struct text coded, bool is_packed);
	/* Its own: */
	struct body_coder *coder;
	struct queued_work work;
	struct buffer plain; /* what waits */
};

/* Whether a body of that length is compressed. */
static inline bool body_is_packed(const struct body_coder *coder, size_t bytes)
{
	return coder->gzip && bytes >= GZIP_BYTES_LEAST && bytes <= GZIP_BYTES_MAX;
}

/* Compresses a body at once, if the turn has the time for it. The text is that of `done`. */
struct text body_pack_at_once(struct body_coder *coder, struct text body, bool *is_packed);

/* Whether body_pack_at_once() would compress it. */
static inline bool body_packs_at_once(const struct body_coder *coder, size_t bytes)
{
	return body_is_packed(coder, bytes) && work_queue_has(&coder->packing, bytes);
}

/* Compresses a copy of the body in portions. False: no memory, and `done` will not be called. It may be called from within. */
bool body_pack(struct body_coder *coder, struct body_packing *packing, struct text body);
void body_pack_stop(struct body_packing *packing); /* fine when it was never begun, or when it is done */

static inline bool body_pack_is_running(const struct body_packing *packing)
{
	return packing->work.node.list != NULL;
}
