/* slice.h: Slice: the rows of several messages, sent to the observers of a stage as one message.
 *
 * Rows that follow one another are gathered if all else about them is the same: the stage that they come from, and of each
 * tensor its name, datatype, columns and parameters. A tensor that was [1, columns] in each message is [rows, columns] in the
 * slice. The results that go on are those of the watched steps' inputs, one for each observer, as without a slice. Beside each
 * stands one more under the observer's own name: the messages' times, by which the observer knows a slice. No step before the
 * observer has that name, so a request cannot bring it, and an engine that does not know slices reads the rows of one message.
 * If the messages came from several partitions, these stand there, too; and for observers that wait for truths, the hash of each
 * request's id (message/records/truth_link.h).
 *
 * A tensor that several observers read is in the slice once. An observer whose share lacks rows that others get finds beside the
 * times which rows are its own; slice_draw() leaves it those.
 *
 * Nothing else of the messages is in a slice but the id and the origin of its first one. So it is only for observers that use
 * nothing else (step_facts.slices). Messages with texts, or with several rows, go alone.
 *
 * Not for several threads.
 */
#pragma once

#include "message/records/stage_link.h"

#define SLICE_ROWS_MAX 256
#define SLICE_BYTES_MAX 65536 /* of the rows' numbers, so that a slice fits a record of any topic */
#define SLICE_TENSORS_MAX 16  /* of a row, each once */
#define SLICE_OBSERVERS_MAX 8 /* of a stage: a bit each */

/* Shape of a row: which of its tensors each observer gets. */
struct slice_form {
	size_t observers;
	size_t tensor_count;
	size_t place_count;
	unsigned char sizes[SLICE_OBSERVERS_MAX];		       /* tensors of each observer's result */
	unsigned char places[SLICE_OBSERVERS_MAX * SLICE_TENSORS_MAX]; /* these tensors, one result behind the other */
};

/* What a message carries to the observers of a stage. Borrowed from the message. */
struct slice_row {
	struct slice_form form;
	const struct given *results[SLICE_OBSERVERS_MAX];
	const struct tensor *tensors[SLICE_TENSORS_MAX];
	bool requests; /* with the hash of its id */
};

struct slice {
	size_t rows;
	size_t row_bytes; /* of one row, with its time */
	struct buffer times;
	struct buffer partitions; /* of their origins */
	struct buffer requests;	  /* hashes of their ids, if these are wanted */
	struct buffer left_out; /* of several observers, for each row a byte: a bit for each of them whose share lacks it */
	struct buffer numbers[SLICE_TENSORS_MAX];
	/* Of the first message; the texts are in `kept`. */
	struct arena *kept;
	struct arena *scratch; /* of one encoding */
	struct stage_link link;
	struct slice_form form;
	struct text id, steps[SLICE_OBSERVERS_MAX], observers[SLICE_OBSERVERS_MAX];
	struct origin origin;
	const struct format *format;
	bool answered;
	bool has_requests;
	struct tensor tensors[SLICE_TENSORS_MAX];
};

/* False: SYSTEM. It is to be closed also then. */
bool slice_open(struct slice *slice, struct error *error);
void slice_close(struct slice *slice);
void slice_clear(struct slice *slice); /* forgets its rows */

/* Reads the row of a message for a stage of so many observers: the results that it carries there (a bit of carried->next), one for
 * each. The caller may ask for its request. False: it is none that a slice can hold, and the message goes alone. */
bool slice_row_of(const struct message *message, uint64_t next, size_t observers, struct slice_row *row);

/* Whether the message can be the next row: it is of the slice's form, and there is room. An empty slice takes any. */
bool slice_takes(const struct slice *slice, const struct message *message, const struct slice_row *row,
		 const struct stage_link *link);

/* Adds the message; `observers` are the names of those that get its results. LIMIT: memory; nothing was added. */
bool slice_add(struct slice *slice, const struct message *message, const struct slice_row *row, const struct stage_link *link,
	       const char *const *observers, struct error *error);

/* Appends a record of `count` of its rows from `first` on. LIMIT: as stage_link_encode(). */
bool slice_encode(struct slice *slice, size_t first, size_t count, struct buffer *out, struct error *error);

/* In the stage of the observers: leaves the observer of the step `watched` the rows of its own share, if the message is a slice
 * that has others; to be called once for each. If it is no slice of ours, the result has failed (INPUT). The arena remembers that
 * memory ran out. */
void slice_draw(struct message *message, const char *watched, const char *observer);

/* At the observer: the time of each row, if the message is a slice, and their number; else NULL. */
const int64_t *slice_times(const struct message *message, const char *observer, size_t *rows);

/* The partition from which the message of each row of a slice came; NULL: all are that of the slice's origin. */
const int32_t *slice_partitions(const struct message *message, const char *observer);

/* The hash of the id of each row's request; NULL: the slice has none. */
const uint64_t *slice_requests(const struct message *message, const char *observer);
