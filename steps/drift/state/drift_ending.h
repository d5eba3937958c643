/* drift_ending.h: Ends of what waits on a stream that stops, by the observer of a step `drift`: a record of time alone
 * (engine/outputs/time_links.h) brings what no message brings.
 *
 * Rows that are held back for another partition go on when no message has come for WATERMARKS_PATIENCE_MS, and close the windows
 * by count that they fill: ROW_ORDER_RELEASED_MOST with a record of time, and the next one, which is due at once, brings more. An
 * engine that takes the partition over meanwhile waits once more before it sends that. Older rows that come later go on as they
 * come. A window by time, in which no row waits any more, closes
 * when as much time has passed since its segment's last row came as it had left after that row's own time, and
 * ENDING_SLACK_MS more. So a window of rows that come as they happen closes that long after its end; and clocks that differ, or a
 * past that is read again, close none before its time. All times are those of records, so every engine finds the same. Rows that
 * come later, with times of such a window, are in the next one, and late.
 *
 * Part of the observer (steps/drift/drift_observer_parts.h).
 */
#ifndef SLUICE_STEPS_DRIFT_STATE_DRIFT_ENDING_H
#define SLUICE_STEPS_DRIFT_STATE_DRIFT_ENDING_H

#include "steps/drift/drift_observer_parts.h"

#define ENDING_SLACK_MS 2000  /* in which a row of the window may be on its way */
#define ENDING_WINDOWS_MAX 64 /* of one record; the next one closes the rest */

/* Whether rows are held back or a window by time is open, and for which time; the tally is read. */
bool drift_ending_awaits(const struct drift_visit *at, struct awaited_time *awaited);

/* Lets go what is held back, and closes windows by time, as the time of the record says. False: LIMIT. */
bool drift_ending_take(struct drift_visit *at);

#endif
