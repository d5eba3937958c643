/* overload.h: what becomes of calls with a deadline when more come than their model can do.
 *
 * A line that just grows has everybody wait until it is nearly too late: the model works,
 * and nobody has anything of it. So whoever comes to a line that would take half of its
 * time is refused at once: those in it are answered in time, whatever is left to do for
 * them afterwards, and what is refused costs next to nothing. What is cut short by its
 * deadline all the same is not held against the model.
 *
 * Pure: the clock is handed in.
 */
#ifndef SLUICE_SERVING_OVERLOAD_H
#define SLUICE_SERVING_OVERLOAD_H

#include "serving/queued_call.h"

/* Whether `wait_us` in line are more than it has to give. */
bool overload_is_too_long(const struct queued_call *queued_call, int64_t wait_us, int64_t now_us);

/* Whether its deadline comes before an answer can, which takes `least_us`. */
bool overload_is_late(const struct queued_call *queued_call, int64_t least_us, int64_t now_us);

/* Whether its deadline leaves a call less time than it may well take, where it takes
 * `usual_us` (0: not known). */
bool overload_is_hurried(const struct queued_call *queued_call, int64_t usual_us, int64_t now_us);

/* Whether a hasty one has ended with its deadline: that says nothing of the model. */
bool overload_cut_short(const struct queued_call *queued_call, int64_t now_us);

#endif
