/* slice.h: Slice: the rows of several messages, sent to an observer as one message.
 *
 * Rows that follow one another are gathered if all else about them is the same: the stage that they come from, and of each
 * tensor its name, datatype, columns and parameters. A tensor that was [1, columns] in each message is [rows, columns] in the
 * slice. The result that goes on is that of the watched step's inputs, as without a slice. Beside it stands one more under the
 * observer's own name: the messages' times, by which the observer knows a slice. No step before the observer has that name, so
 * a request cannot bring it, and an engine that does not know slices reads the rows of one message.
 *
 * Nothing else of the messages is in a slice but the id and the origin of its first one. So it is only for observers that use
 * nothing else (step_slices()). Messages with texts, or with several rows, go alone.
 *
 * Not for several threads.
 */
#ifndef SLUICE_MESSAGE_SLICE_H
#define SLUICE_MESSAGE_SLICE_H

#include "message/stage_link.h"

#define SLICE_ROWS_MAX 256
#define SLICE_BYTES_MAX 65536 /* of the rows' numbers, so that a slice fits a record of any topic */
#define SLICE_TENSORS_MAX 8

struct slice {
	size_t rows;
	size_t row_bytes; /* of one row, with its time */
	size_t tensor_count;
	struct buffer times;
	struct buffer numbers[SLICE_TENSORS_MAX];
	/* Of the first message; the texts are in `kept`. */
	struct arena *kept;
	struct arena *scratch; /* of one encoding */
	struct stage_link link;
	struct text id, step, observer;
	struct origin origin;
	const struct format *format;
	bool answered;
	struct tensor tensors[SLICE_TENSORS_MAX];
};

/* False: SYSTEM. It is to be closed also then. */
bool slice_open(struct slice *slice, struct error *error);
void slice_close(struct slice *slice);
void slice_clear(struct slice *slice); /* forgets its rows */

/* The only result that the message carries to that stage (a bit of carried->next), if it is one that a slice can hold. NULL: the
 * message goes alone. */
const struct given *slice_given(const struct message *message, uint64_t next);

/* Whether the message can be the next row: it is of the slice's form, and there is room. An empty slice takes any. `row` is from
 * slice_given(). */
bool slice_takes(const struct slice *slice, const struct message *message, const struct given *row, const struct stage_link *link);

/* Adds the message. LIMIT: memory; nothing was added. */
bool slice_add(struct slice *slice, const struct message *message, const struct given *row, const struct stage_link *link,
	       const char *observer, struct error *error);

/* Appends a record of `count` of its rows from `first` on. LIMIT: as stage_link_encode(). */
bool slice_encode(struct slice *slice, size_t first, size_t count, struct buffer *out, struct error *error);

/* At the observer: the time of each row, if the message is a slice, and their number; else NULL. */
const int64_t *slice_times(const struct message *message, const char *observer, size_t *rows);

#endif
