/* open_exposures.h: Open exposures in memory: listed by time for each window, and found by request or by unit.
 * Private to the exposure join.
 *
 * What exposures have in common, as the experiment and the variant, is kept once. With an id of 36 bytes, a unit of 10, and both
 * indexes, an exposure takes some 250 bytes.
 *
 * Pure. Belongs to one thread.
 */
#pragma once

#include "base/list.h"
#include "message/records/exposure.h"

#define OPEN_WINDOWS_MAX 64
#define OPEN_MEMORY_LEAST ((size_t)1 << 20)

enum open_key { OPEN_BY_REQUEST, OPEN_BY_UNIT, OPEN_KEYS };

/* What many exposures have in common, packed. */
struct exposure_form {
	struct list_node node;
	size_t users; /* one without users is given back when another one is made */
	uint64_t hash;
	size_t length;
	char bytes[];
};

/* An exposure but for its time. */
struct packed_exposure {
	struct exposure_form *form;
	struct text own;
};

struct held_exposure {
	uint64_t keys[OPEN_KEYS]; /* hashes; of the unit 0: it is not found by it */
	int64_t time_ms, offset;
	struct list_node in_window, in_lane;
	struct held_exposure *newer[OPEN_KEYS], *older[OPEN_KEYS]; /* in the bucket of each key */
	struct exposure_form *form;
	struct text *kept; /* bytes of its request, in one block; NULL: none */
	uint32_t window;
	uint32_t origin; /* part of its hash; 0: unknown */
	uint32_t names;	 /* a bit of each value that it has */
	uint32_t length; /* of the packed bytes */
	char bytes[];
};

/* Where the record of an exposure is. */
struct join_place {
	uint32_t source; /* number of the topic */
	int32_t partition;
	int64_t offset;
};

struct open_exposures;

/* `memory_bytes`: of all that share `used`, beyond OPEN_MEMORY_LEAST of each; SIZE_MAX: no bound. `used` NULL: it shares with none.
 * NULL: memory ran out. */
struct open_exposures *open_exposures_open(size_t memory_bytes, size_t *used);
void open_exposures_close(struct open_exposures *open);		 /* NULL is fine */

/* Packs an exposure; what is packed is valid until the next call. False: it is too large, or memory ran out. */
bool open_exposures_pack(struct open_exposures *open, const struct exposure *exposure, struct packed_exposure *packed);

/* The exposure that was packed. Texts borrow from it, lists live in the arena. */
void packed_exposure_read(const struct packed_exposure *packed, int64_t time_ms, struct arena *arena, struct exposure *exposure);

/* Whether so many bytes more fit into the memory; if not, others have to be removed. And the bytes of what was packed. */
bool open_exposures_fit(const struct open_exposures *open, size_t more);
size_t open_exposures_need(const struct open_exposures *open);

/* Adds the exposure that was packed, with keys, time, window and origin of `head`. NULL: memory ran out. */
struct held_exposure *open_exposures_add(struct open_exposures *open, const struct held_exposure *head, struct join_place place);
void open_exposures_remove(struct open_exposures *open, struct held_exposure *exposure);

struct packed_exposure held_exposure_packed(const struct held_exposure *exposure);

/* The newest exposure of a bucket; those of the key are among it and its `older` ones. NULL: there is none. */
struct held_exposure *open_exposures_first(const struct open_exposures *open, enum open_key by, uint64_t key);

struct held_exposure *open_exposures_oldest(const struct open_exposures *open, size_t window); /* NULL: none is open */

/* A copy of a text in one block. NULL: memory ran out. */
struct text *text_block(struct text text);

/* Keeps a copy of bytes with it. False: memory ran out. */
bool open_exposures_keep(struct open_exposures *open, struct held_exposure *exposure, struct text bytes);

/* As exposure_join_low(). */
bool open_exposures_low(const struct open_exposures *open, uint32_t source, int32_t partition, int64_t *offset);
