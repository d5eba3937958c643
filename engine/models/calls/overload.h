/* overload.h: Overload of one model: refuses calls that would wait too long in its queue.
 *
 * A queue that grows without a limit delays every call until just before its deadline, so the model works and
 * no caller gains. A call that would spend half of its remaining time in the queue is refused at once. A
 * refusal costs almost nothing, and the calls in the queue are answered in time. A call that its own deadline
 * cuts short does not count against the model, unless its server is silent (replica_is_silent()): Envoy's outlier
 * detection, resilience4j and Finagle count every timeout.
 *
 * Pure: the clock is an argument.
 */
#pragma once

#include "models/calls/queued_call.h"

/* Whether `wait_us` in the queue are more than half of the time that the call has left. */
bool overload_is_too_long(const struct queued_call *queued_call, int64_t wait_us, int64_t now_us);

/* Whether the call's deadline comes before an answer can, which takes at least `least_us`. */
bool overload_is_late(const struct queued_call *queued_call, int64_t least_us, int64_t now_us);

/* Whether the deadline leaves a call less time than it may take, if calls usually take `usual_us` (0: unknown). */
bool overload_is_hurried(const struct queued_call *queued_call, int64_t usual_us, int64_t now_us);

/* Whether a hurried call ended with its deadline: that does not count against the model. */
bool overload_cut_short(const struct queued_call *queued_call, int64_t now_us);
