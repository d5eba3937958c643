/* drift_kept.h: Stored window of a segment, by the observer of a step `drift`: where the window is, and chunks of its rows. */
#ifndef SLUICE_STEPS_DRIFT_STATE_DRIFT_KEPT_H
#define SLUICE_STEPS_DRIFT_STATE_DRIFT_KEPT_H

#include "methods/drift/monitor.h"
#include "observe/verdict_board.h"
#include "compiler/step/step.h"
#include "steps/drift/drift_estimates.h"

#define DRIFT_KEPT_VERSION 4
#define DRIFT_NUMBER_BYTES 24
#define DRIFT_KEY_BYTES (16 + DRIFT_SEGMENT_BYTES_MAX + DRIFT_NUMBER_BYTES)

/* Alarms of a stream whose past is kept, by windows that have closed. */
struct drift_alarms {
	uint64_t windows; /* in alarm one after the other, until now */
	uint64_t ended;	  /* alarms of two windows or more, since windows in alarm were learnt, or nothing could be judged */
};

/* What is stored of a segment under `window/SEGMENT`, and without groupBy under `window/`. */
struct drift_kept {
	uint64_t version;
	uint64_t identity; /* of the reference, the window and groupBy */
	uint64_t chain;	   /* hash of all rows so far, in their order */
	uint64_t chunks;   /* of the open window */
	struct monitor_position position;
	struct performance performance; /* of the open window */
	struct last_verdict last;	/* former forms end before its messages a minute, its AUC, or mistyped, and are read */
	uint64_t resets;		/* of the stream's clock (methods/drift/watermarks.h); former forms end before it, too */
	int64_t arrived_ms; /* when the record of the window's last row was written; 0: not known; the form before ends before it */
	struct drift_alarms alarms; /* of a past; the form before ends before it */
};

/* What is stored: the struct without the cause of `last`, which is behind it; the form before ends before that. */
#define DRIFT_KEPT_BYTES sizeof(struct drift_kept)
void drift_kept_store(const struct drift_kept *kept, char stored[DRIFT_KEPT_BYTES]);

/* What is stored of some rows of the open window under `rows/SEGMENT/NUMBER`, before their numbers. With online methods, a row's
 * time and partition are behind its numbers, as a struct monitor_moment. */
struct drift_chunk {
	uint64_t first; /* number of the first row in the window */
	uint64_t count;
};

/* How rows are stored: so many numbers, and with online methods where they are in the order. */
struct drift_row_form {
	size_t numbers;
	bool ordered;
};
size_t drift_row_bytes(struct drift_row_form form);
void drift_row_store(struct drift_row_form form, const double *row, struct monitor_moment moment, char *stored);

/* Puts the rows of a chunk back into the monitor. False: it is not whole. */
bool drift_chunk_put_back(struct visit *visit, struct text segment, uint64_t number, struct drift_row_form form,
			  struct monitor *monitor);

/* The keys of both, of the state of online methods, and of sums for estimates; a name may have any bytes. */
struct text drift_window_key(struct text segment, char bytes[DRIFT_KEY_BYTES]);
struct text drift_chunk_key(struct text segment, uint64_t number, char bytes[DRIFT_KEY_BYTES]);
struct text drift_detectors_key(struct text segment, uint64_t number, char bytes[DRIFT_KEY_BYTES]);
struct text drift_sums_key(struct text segment, char bytes[DRIFT_KEY_BYTES]);

/* A segment that begins with the window of that number. */
struct drift_kept drift_kept_begin(uint64_t identity, uint64_t window);

/* Reads what is stored of a segment. False: nothing that belongs to this reference and window. Then it begins anew, and its
 * number goes on. */
bool drift_kept_read(struct visit *visit, struct text segment, uint64_t identity, struct drift_kept *kept);

/* Forgets a segment, after its rows; each of their records takes one from `most`. `gone`: all is forgotten, and not only as many as
 * that. */
bool drift_kept_forget(struct visit *visit, struct text segment, size_t *most, bool *gone, struct error *error);

#endif
