/* change_results.h: Results of an engine for the changes that it prepares: whether each is prepared, and else why not. In the
 * follower (control/follower.h), which reports them. */
#ifndef SLUICE_CONTROL_CHANGE_RESULTS_H
#define SLUICE_CONTROL_CHANGE_RESULTS_H

#include "control/ledger.h"

/* The result of the preparation of an ACCEPTED change. */
struct change_result {
	struct list_node node;
	int64_t change;
	int64_t begun_ms; /* of the loop's clock: when it was first prepared */
	enum { CHANGE_IS_PREPARED, CHANGE_CANNOT_RUN, CHANGE_WAITS } state; /* it waits for a model or a file */
	int64_t again_ms; /* of the loop's clock: it is prepared again then */
	char why[ERROR_TEXT_MAX * 2];
};

/* NULL: there is none. `results` has struct change_result. */
struct change_result *change_result_find(const struct list *results, int64_t change);
void change_result_drop(struct change_result *result);

/* The result of that change, which is made if there is none. NULL: no memory; the change is prepared again. */
struct change_result *change_result_take(struct list *results, int64_t change, int64_t now_ms);

/* Drops the results of changes that are decided. */
void change_results_sweep(struct list *results, const struct ledger *ledger);

/* Why the first change that is not prepared is not; "": all are. Borrowed until its result changes. */
const char *change_results_waiting(const struct list *results);

#endif
