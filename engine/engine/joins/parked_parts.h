/* parked_parts.h: Parked parts and tombstones of joins, which survive a crash. Private to the join state.
 *
 * Each has the offset of its record as its identity. Its bytes are in the partition's store, and are written and
 * deleted like a step's state. A write is visible at once, and it is kept when the message that wrote it is released.
 */
#pragma once

#include "message/message.h"
#include "flow/state/store.h"

struct parked_part;

struct parked_parts {
	struct store *store; /* borrowed */
	uint32_t scope;
	struct parked_part *first;
};

void parked_parts_close(struct parked_parts *parked_parts); /* what is in the store stays there */

enum parked_kind { PARKED_PART, PARKED_TOMBSTONE };

/* Makes a handle for the record at that offset; nothing is written yet. NULL: memory. */
struct parked_part *parked_part_make(struct parked_parts *parked_parts, enum parked_kind kind, int64_t offset);
void parked_part_give(struct parked_parts *parked_parts, struct parked_part *parked_part); /* its bytes stay in the store */

enum parked_kind parked_kind(const struct parked_part *parked_part);
int64_t parked_part_offset(const struct parked_part *parked_part);

/* Key by which a later record may refer to it; valid as long as the handle. */
#define PARKED_PART_KEY_BYTES 8
struct text parked_part_key(const struct parked_part *parked_part);

/* Its bytes, valid until it is written or deleted. False: nothing is written. */
bool parked_part_read(const struct parked_parts *parked_parts, const struct parked_part *parked_part, struct text *bytes);

/* Whether its bytes fit into the store; otherwise a LIMIT. */
bool parked_part_fits(const struct parked_parts *parked_parts, const struct parked_part *parked_part, struct text bytes,
		      struct error *error);

/* Writes its bytes, which must be in the message's arena or live as long. NULL bytes: deletes them. */
bool parked_part_write(struct parked_parts *parked_parts, const struct parked_part *parked_part, struct message *message,
		       struct text bytes, struct error *error);

/* Deletes its bytes and frees the handle, also on failure. */
bool parked_part_forget(struct parked_parts *parked_parts, struct parked_part *parked_part, struct message *message,
			struct error *error);

/* Deletes its bytes at once, independent of any message, and frees the handle, also on failure (SYSTEM). No in-flight
 * message may have written it or still need it. */
bool parked_part_drop(struct parked_parts *parked_parts, struct parked_part *parked_part, struct error *error);

/* List of all parts and tombstones in the store, each once, in the order of their records. The tombstone that a
 * record caused comes before the part that it brought. Starts as {0}. */
struct parked_part_list {
	size_t count;
	struct parked_part **items;
};

bool parked_parts_list(struct parked_parts *parked_parts, struct parked_part_list *list, struct error *error);
void parked_part_list_close(struct parked_part_list *list);

/* Next entry that was not taken out; *next begins as 0. NULL: no more. */
struct parked_part *parked_part_list_next(const struct parked_part_list *list, size_t *next);

/* Takes the part of that key out of the list. NULL: it is not in the list. */
struct parked_part *parked_part_list_take(struct parked_part_list *list, struct text key);
