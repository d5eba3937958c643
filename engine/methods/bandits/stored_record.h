/* stored_record.h: Encoding of this module's stored records: a version mark, numbers of 8 bytes, and last a hash of all before.
 *
 * A reader asks and goes on; past the end, or at a number that is none, it gets 0 and the record is no longer sound.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* ---- writing ---- */

void stored_put(struct buffer *out, uint64_t number);
void stored_put_numbers(struct buffer *out, const double *numbers, size_t count);

/* The hash of what stands behind `begin`. */
void stored_end(struct buffer *out, size_t begin);

/* ---- reading ---- */

struct stored {
	const char *name; /* of what it is, for errors */
	uint64_t mark;	  /* its last two bytes are the version's */
	unsigned version; /* the last one that is known */
	struct text bytes;
	size_t at;
	bool sound;
	const char *remedy; /* what to do when it is damaged; NULL: to learn again */
};

/* Checks mark, version and hash: INPUT. */
bool stored_begin(struct stored *record, struct error *error);

/* The version of a record that has begun. */
unsigned stored_version(const struct stored *record);

/* Whether so many numbers follow. */
bool stored_has(const struct stored *record, size_t numbers);

uint64_t stored_take(struct stored *record);
double stored_take_number(struct stored *record); /* a finite one */
void stored_take_numbers(struct stored *record, double *numbers, size_t count);

/* Whether all was sound, and all was taken. */
bool stored_ended(const struct stored *record);

/* Says that the bytes are no such record; false. */
bool stored_damaged(const struct stored *record, struct error *error);
