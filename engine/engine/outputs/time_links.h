/* time_links.h: Records that bring nothing but time (message/records/truth_link.h), which a stage of observers sends to itself
 * where something waits for a time that no other record brings: as windows that wait for truths, on a stream that stops. Private to
 * worker.
 *
 * For an observer, time is that at which its records were written. So what it does when a time has come belongs to a record, in the
 * transaction of its offset; and it comes behind all that was written to the partition before.
 *
 * The worker that owns the partition looks at the state a moment after it was restored or has changed. It sends the record when as
 * much time has passed by its own clock as the state still waits by the clock of its records, and a moment more, in which another
 * record may bring it. If that does not settle what waits, the next record comes when the time of day has reached what is waited
 * for, as with clocks that differ, or after a minute: an open transaction of an answering worker may hide the first for so long.
 * While nothing waits, nothing is sent. A record that comes twice, or from a worker that has lost the partition meanwhile, only
 * says again what time it is.
 */
#pragma once

#include "engine/worker/parts.h"

/* Notes that the state has changed, or was restored. */
void time_wait_look_soon(const struct worker *worker, struct partition_state *partition_state);

/* Called once a turn: looks at the states whose time has come, and sends what is due. The second returns when the next call is
 * due. */
bool time_links_advance(struct worker *worker, struct error *error);
int64_t time_links_due_ms(const struct worker *worker);
