/* drift_past.h: Reference of a step `drift` with `past:`: the past of its own stream, in the state of its observer.
 *
 * The state has the list of blocks under `past/list` (methods/drift/past.h), their rows under `past/block/NUMBER`, and the names of
  * the features under `past/features`. So an engine that takes over has the same reference, and what a window adds is in the
 * transaction of the message that closed it. The features are the columns of the watched tensors of the first message. Where
 * `tensors` is another, the past begins anew.
 *
 * A column of texts is two features: its texts, of which rows have the fingerprints, and their lengths. The commonest texts of a
 * feature are known in memory (methods/drift/past_texts.h). When a window closes, its rows are counted, by the fingerprints that
  * the state has of them: so a message that is processed again counts once. Those of a reference are stored under
   * `past/texts/FEATURE`. Until the next reference, they are stored under `past/counted/FEATURE` after a window with a text that
    * could be a category and is not stored; most windows store none. Where the state has other windows than those that were
     * counted, as after a takeover or a failed transaction, counting continues from what is stored: the counts since are missing,
      * and those of texts that are not among the stored ones.
 *
 * Windows in alarm stay in the list, for `sluice drift rebase --alarms keep`, and are set aside when the reference is made, until
 * they are accepted (methods/drift/past.h). Their commonest texts are stored under `past/aside/FEATURE`. If the other windows
  * become too old, too few rows are left: nothing is judged until there are enough again.
 *
 * The comparison's reference and monitor are made from the state, and anew when the reference is.
 */
#pragma once

#include "methods/drift/past_texts.h"
#include "steps/drift/drift_comparison.h"
#include "steps/drift/state/drift_past_record.h"

#define PAST_NAME_BYTES 80

struct drift_past {
	struct drift_comparison *comparison;
	int64_t past_ms;
	uint64_t watched;  /* hash of `tensors` */
	uint64_t identity; /* of that and of the features; 0: none are known */
	uint64_t fit;	   /* of the reference that the monitor has */
	uint64_t counted;  /* the chain (methods/drift/past.h) of the windows whose texts are counted */
	char name[PAST_NAME_BYTES]; /* "past 7d", and how many of its windows are set aside */
	const struct past_features *features;
	double *fingerprints;	/* of the rows of a window; NULL: no feature has texts */
	struct arena *arena;	/* of the features, their texts, and the layout of messages */
	struct arena *fitted;	/* the reference and the monitor */
	const char
		*uncompared; /* why nothing, or a set of `joint`, cannot be compared; NULL: all can, or the past is too short yet */
	struct error why; /* the text of that */
};

/* The comparison is that of an observer, and opened by this. */
bool drift_past_open(struct drift_past *past, struct drift_comparison *comparison, const struct step *step, struct error *error);
void drift_past_close(struct drift_past *past);

/* Brings the comparison to what the state has. Where that has no features, or those of other tensors, they are learnt from the
 * message of the stream; NULL: none comes, and the state stays as it is. `renewed`: the monitor is another, without rows. INPUT:
 * the message has no features, or there is none to learn them from; nothing is known then, and the monitor is NULL. */
bool drift_past_bring(struct drift_past *past, struct visit *visit, const struct payload *message, bool *renewed,
		      struct error *error);

/* A window that has closed. */
struct past_window {
	int64_t time_ms;
	bool alarmed; /* its verdict is drift, or it has an alarm of quality */
	bool returned; /* the alarm before it has ended for the PAST_RETURNS-th time, or more */
};

/* What became of the past by a window. */
struct past_change {
	bool renewed;  /* the monitor is another, without rows */
	bool accepted; /* windows in alarm are in its reference now */
};

/* Adds the window that the monitor has just closed. */
bool drift_past_add(struct drift_past *past, struct visit *visit, const struct past_window *window, struct past_change *change,
		    struct error *error);

/* Whether a message that fits has numeric tensors that the past does not know, though all are to be watched. */
bool drift_past_lacks(const struct drift_past *past, const struct payload *payload);

/* Whether the features of the message could be those of a past. */
bool drift_past_could_be(const struct drift_past *past, struct visit *visit);

/* Begins anew: the features are those of the next message. */
bool drift_past_forget(struct drift_past *past, struct visit *visit, struct error *error);
