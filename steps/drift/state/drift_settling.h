/* drift_settling.h: Settling of windows: rows that wait for the truth after their window has closed, by the observer of a step
 * `drift` whose `estimate` has an `outcomeWindow`. When that has passed, a later record of the same window has the realised
 * numbers.
 *
 * The state has the rows in chunks, each of which names the one before of its window; the windows that have closed, and the truths,
 * in the order in which they came. The first truth of a request counts. A truth and its row may come in either order: they meet
 * when the window settles. So a kill or another engine changes nothing, and each window is settled once.
 *
 * Time is that at which records to the observer were written, and never goes back. A window settles with the first record after its
 * time: of a request, of feedback, or where neither comes, of time alone (engine/outputs/time_links.h). A large one settles in
  * parts, of SETTLING_TURN_ROWS or twice the rows that came; meanwhile the state has 8 bytes of each row that was counted, so that
   * the realised AUC is exact. If more than SETTLING_ROWS_MAX rows wait, the oldest closed window settles at once; rows beyond
 * SETTLING_ROWS_MOST are not kept, and the record of their window has their number.
 *
 * A truth is forgotten when the window after the one that was open at its arrival has settled. With `groupBy`, where several are
 * open, that is when the `outcomeWindow` and SETTLING_OPEN_MS have passed since its arrival. Before that, the oldest ones are
 * forgotten if more than SETTLING_TRUTHS_MAX wait, or they have more than SETTLING_TRUTH_BYTES_MAX. If the state has no space for a
 * truth, it is not kept, and the older half of them is forgotten.
 */
#pragma once

#include "message/records/drift_score.h"
#include "message/records/truth_link.h"
#include "steps/drift/drift_estimates.h"
#include "steps/drift/state/drift_row_order.h"

#define SETTLING_ROWS_MAX 65536		/* 2 MiB */
#define SETTLING_ROWS_MOST 73728	/* until the oldest windows have settled */
#define SETTLING_CLASSES_MAX UINT16_MAX /* rows of more are not kept */
#define SETTLING_TRUTHS_MAX 65536	/* requests */
#define SETTLING_TRUTH_BYTES_MAX ((uint64_t)8 << 20)
#define SETTLING_TRUTH_BYTES 64	  /* of a truth, beside 8 for each of its numbers */
#define SETTLING_OPEN_MS 86400000 /* windows of a segment that are open for longer may lose truths of their first rows */
#define SETTLING_TURN_ROWS 2048	  /* of one visit */

/* Stored under `settling`. */
struct settling_head {
	uint64_t version;
	int64_t clock_ms;
	uint64_t rows;			  /* that wait */
	uint64_t chunks;		  /* the number of the next one, from 1 */
	uint64_t first_closed, closed;	  /* numbers of windows */
	uint64_t first_arrival, arrivals; /* of truths */
	uint64_t truth_bytes;
};

/* Stored under `awaited/SEGMENT`: the rows of an open window. */
struct settling_open {
	uint64_t identity, window;
	uint64_t last;	   /* its newest chunk; 0: there is none */
	uint64_t reserved; /* 0 */
	uint64_t unkept;   /* rows of the estimate that do not wait */
};

/* A row as it is stored. */
struct settling_row {
	uint64_t request;
	uint32_t row;
	uint16_t class, classes; /* the one that is predicted, of so many; of a regressor 0 */
	double first, second;	 /* its chance; of a regressor the expected error, and the number */
};

/* What a visit has of it. Starts with drift_settling_begin(). */
struct drift_settling {
	const struct drift_estimate_options *options;
	int64_t wait_ms; /* 0: nothing waits */
	bool is_removed; /* the `outcomeWindow`, and the state still has what waited */
	bool segmented;
	struct settling_head head;
	bool changed;		   /* the head */
	struct settling_open open; /* of the segment at hand */
	bool open_changed;
	struct settling_row *rows; /* of the open window, that are not stored yet */
	size_t count;
	size_t added;	    /* rows that came in this visit */
	uint64_t forgotten; /* truths that it has forgotten before their time, since too many wait */
	uint64_t cut_short; /* windows that it began to settle before their time, since too many rows wait */
};

/* A window that has settled. It lives in the visit's arena. */
struct settled_window {
	struct text segment;
	uint64_t identity, window, messages;
	int64_t begin_ms, end_ms;
	uint64_t truths, unkept, unfit;
	struct drift_realised realised;
};

/* All of these that return bool: false is LIMIT. */

/* Reads what is stored. Without an `outcomeWindow` nothing is, and all others do nothing. If it was removed, they drop what waited:
 * truths and closed windows in parts, and the rows of each segment when it comes again or is forgotten. */
void drift_settling_begin(struct drift_settling *settling, struct visit *visit, const struct drift_estimate_options *options,
			  bool segmented);

/* Turns to the open window of a segment; what waits of another window that was open there is dropped. */
bool drift_settling_enter(struct drift_settling *settling, struct visit *visit, struct text segment, uint64_t identity,
			  uint64_t window, struct error *error);

/* Adds a row to it. */
bool drift_settling_add(struct drift_settling *settling, struct visit *visit, const struct drift_chances *chances, size_t row,
			const struct drift_request *request, struct error *error);

/* The window has closed: its rows wait for their truths. The next one has the next number. */
bool drift_settling_close(struct drift_settling *settling, struct visit *visit, const struct drift_score *score,
			  struct error *error);

/* Its rows are dropped, as it begins anew; and those of a segment that is forgotten, which is not at hand. */
bool drift_settling_drop(struct drift_settling *settling, struct visit *visit, struct text segment, struct error *error);
bool drift_settling_forget(struct drift_settling *settling, struct visit *visit, struct text segment, struct error *error);

/* Stores what waits of the segment at hand. */
bool drift_settling_leave(struct drift_settling *settling, struct visit *visit, struct text segment, struct error *error);

/* Keeps a truth that came, unless the state has no space for it; or it is one of time alone. */
bool drift_settling_truth_add(struct drift_settling *settling, struct visit *visit, const struct truth_link *truth,
			      struct error *error);

/* Whether a closed window waits, and for which time: the first, as windows settle in their order. The visit has no message. */
bool drift_settling_awaits(struct visit *visit, const struct drift_estimate_options *options, struct awaited_time *awaited);

/* How many rows the visit may settle: more than came in it, so that what waits becomes less. */
size_t drift_settling_budget(const struct drift_settling *settling);

/* Settles the next window whose time has come. NULL: there is none, or `error` is set. `budget`: rows that the visit may still
 * settle. */
const struct settled_window *drift_settling_next(struct drift_settling *settling, struct visit *visit, size_t *budget,
						 struct error *error);

/* Forgets truths that nothing waits for, and stores the rest: at the end of a visit. */
bool drift_settling_end(struct drift_settling *settling, struct visit *visit, struct error *error);
