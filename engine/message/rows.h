/* rows.h: Rows of several payloads, joined into one payload and split again.
 *
 * A row is one index of dimension 0, which must be the same size in all tensors of a payload. What is created
 * here borrows nothing from its sources: it lives only in the arena.
 */
#pragma once

#include "message/message.h"

/* Size of dimension 0; 0: the tensors do not share one, and the payload cannot be joined. */
size_t payload_row_count(const struct payload *payload);

/* Whether two payloads can be joined: same names, datatypes and further dimensions. Both must have rows. */
bool payloads_agree(const struct payload *a, const struct payload *b);

/* Joins the tensors of `count` payloads that agree, which have `rows` in all. */
struct tensors payloads_joined(struct arena *arena, const struct payload *const *parts, size_t count, size_t rows);

/* Returns `rows` rows from `first` on, of a payload that was made of `of` rows. A tensor whose dimension 0 is
 * not `of` is included whole. NULL: the arena is full. */
const struct payload *payload_rows(struct arena *arena, const struct payload *payload, size_t first, size_t rows, size_t of);

/* Copies into the arena. If the source is empty or the arena is full, the copy is empty: bytes NULL and length
 * 0. */
struct text text_copied(struct arena *arena, struct text text);
struct text buffer_kept(struct arena *arena, struct buffer *buffer); /* and closes the buffer; empty too if that has failed */
struct parameters parameters_copied(struct arena *arena, struct parameters parameters);
struct headers headers_copied(struct arena *arena, struct headers headers);
