/* rows.h: the rows of several payloads put behind one another, and cut apart again.
 *
 * A row is one place of dimension 0, which the tensors of a payload must share. What is
 * made here borrows nothing from what it was made of: it lives in the arena alone.
 */
#ifndef SLUICE_MESSAGE_ROWS_H
#define SLUICE_MESSAGE_ROWS_H

#include "message/message.h"

/* Dimension 0 of the tensors; 0: they do not share one, and can only go alone. */
size_t payload_row_count(const struct payload *payload);

/* Whether they can go together: the same names, datatypes and further dimensions. Both
 * have rows. */
bool payloads_agree(const struct payload *a, const struct payload *b);

/* The tensors of `count` payloads that agree, which have `rows` in all. */
struct tensors payloads_joined(struct arena *arena, const struct payload *const *parts, size_t count, size_t rows);

/* `rows` rows from `first` on, of a payload that was made of `of` rows; a tensor whose
 * dimension 0 is not `of` is there whole. NULL when the arena is full. */
const struct payload *payload_rows(struct arena *arena, const struct payload *payload, size_t first, size_t rows, size_t of);

/* Of nothing, and when the arena is full, nothing: bytes NULL and length 0, which nobody reads beyond. */
struct text text_copied(struct arena *arena, struct text text);
struct parameters parameters_copied(struct arena *arena, struct parameters parameters);
struct headers headers_copied(struct arena *arena, struct headers headers);

#endif
