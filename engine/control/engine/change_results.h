/* change_results.h: Results of an engine for the changes that it prepares: whether each is prepared, and else why not. In the
 * follower (control/engine/follower.h), which reports them. */
#pragma once

#include "control/records/control_tables.h"
#include "control/records/ledger.h"

#define CHANGE_AGAIN_MS 1000 /* a change that waits is prepared again so often */

/* The result of the preparation of an ACCEPTED change. */
struct change_result {
	struct list_node node;
	int64_t change;
	int64_t begun_ms; /* of the loop's clock: when it was first prepared */
	enum { CHANGE_IS_PREPARED, CHANGE_CANNOT_RUN, CHANGE_WAITS } state; /* it waits for a model or a file */
	int64_t again_ms; /* of the loop's clock: it is prepared again then */
	char why[ERROR_TEXT_MAX * 2];
};

void change_result_drop(struct change_result *result);

/* The result of that change, which is made if there is none. `results` has struct change_result. NULL: no memory; the change is
 * prepared again. */
struct change_result *change_result_take(struct list *results, int64_t change, int64_t now_ms);

/* Notes why its preparation has failed. A model or file that cannot be reached (REMOTE) is waited for until `patience_ms` after
 * the first time; then, and after any other failure, the change cannot run here. Whether that is news: it is not if the change
 * waited before, and still waits. */
bool change_result_fail(struct change_result *result, const struct error *error, int64_t now_ms, int64_t patience_ms);

/* Prints an error with its place, if that is known. */
void change_reason_print(const struct error *error, char *words, size_t size);

/* The ACCEPTED change that is to be prepared now: the first one that waits for no earlier one, and is not prepared. So it is
 * compiled with all that it needs of the documents with which it will run. CONTROL_IN_FORCE: there is none. */
int64_t change_results_next(const struct list *results, const struct ledger *ledger, int64_t now_ms);

/* Drops the results of changes that are decided. */
void change_results_sweep(struct list *results, const struct ledger *ledger);

/* Why the first change that is not prepared is not; "": all are. Borrowed until its result changes. */
const char *change_results_waiting(const struct list *results);
