/* carrier.h: calls of one model that go together: how long they wait for each other, who goes
 * along, and what each has of what came of it. Private to serving.
 *
 * A carrier is an errand whose call is made of those of its members (merge.h), which stand
 * in no list while it is sent. What one of them may have caused is told by each going alone.
 *
 * Pure: the clock is handed in.
 */
#ifndef SLUICE_SERVING_CARRIER_H
#define SLUICE_SERVING_CARRIER_H

#include "serving/caller.h"
#include "serving/roster.h"
#include "serving/window.h"

/* How the calls of a model are merged. Both pointers are borrowed. */
struct carriers {
	struct roster *roster;
	const struct model_batching *batching;
	struct window window;
	bool whole;	 /* a reply had not the rows of its call: nothing is merged any more */
	uint64_t merged; /* calls that went as part of another */
};

/* So many rows go together at most; 1: nothing is merged. */
size_t carriers_rows_most(const struct carriers *carriers);

/* Until when the first in line waits for others; 0: it does not. There is a first. */
int64_t carriers_due_us(const struct carriers *carriers, int64_t now_us);

/* The first out of the line: by itself, or a carrier of it and those that go along. */
struct errand *carriers_take(struct carriers *carriers);

/* A carrier that is not sent is taken apart: its members go alone, before all in line. */
void carrier_unload(struct roster *roster, struct errand *carrier);

/* So is one that is taken from its server, but its members may go together once more. */
void carrier_recalled(struct roster *roster, struct errand *carrier);

/* The call of a member is forgotten. True: nobody waits for its carrier any more. */
bool carrier_forgets(struct errand *member);

/* What came of a carrier, for its members. */
struct outcome {
	struct roster *roster;
	struct errand *carrier, *next;
	const struct payload *reply; /* of all; NULL: it failed, for all */
	size_t row;		     /* of the reply, where the next member's begin */
	struct attempt attempt;	     /* what came of the member's call */
	struct error fault;
};

/* False: it cannot be told apart, and each goes alone. What the attempt points to is borrowed
 * until the last member has its part. */
bool outcome_split(struct outcome *outcome, struct carriers *carriers, struct errand *carrier, const struct attempt *attempt);

/* The next member that is waited for, with `attempt` as its own; NULL: that was the last, and
 * the carrier is given back. */
struct errand *outcome_next(struct outcome *outcome);

#endif
