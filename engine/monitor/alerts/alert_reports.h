/* alert_reports.h: Reports of the engines of a namespace on one alert: which of its groups fire, in which engine.
 *
 * An engine reports when a group begins to fire, every ALERT_REPORT_MS while it does, and when it resolves. A report that is not
 * repeated, because its engine has ended, counts until the alert's `resolveAfter` has passed, and for ALERT_SILENT_MS at least.
 * The state of a group over all engines is that some report counts: it fires with the first of them, and resolves with the last.
 * A report whose end comes before the next look counts at that look, so that each firing is seen. While the end of the group's
 * former firing is not announced, the report waits for that.
 *
 * The time of a firing is in the ids of its notices, so all engines must have the same: that of the report which came first in the
 * topic. Repeated reports have it, too, for an engine that comes later and may not find the first one.
 *
 * Pure, but for its memory. Belongs to one thread.
 */
#ifndef SLUICE_MONITOR_ALERTS_ALERT_REPORTS_H
#define SLUICE_MONITOR_ALERTS_ALERT_REPORTS_H

#include "compiler/conditions/kept_alerts.h"
#include "monitor/alerts/alert_groups.h"

#define ALERT_REPORT_MS 5000
#define ALERT_SILENT_MS (3 * ALERT_REPORT_MS)
#define ALERT_REPORTS_MAX 8000 /* of an alert: groups of engines */

struct alert_report;

/* The record of a message that began a firing, which the engine that sends is to end in the feed. */
struct alert_beginning {
	struct alert_beginning *next;
	char key[KEPT_KEY_BYTES];
	struct text group; /* in the same piece of memory */
};

struct alert_reports { /* starts as `{0}` */
	struct alert_report *first;
	size_t count;
	struct alert_beginning *begun;
};

/* Takes the report of an engine; `now_ms` is monotonic. Without memory, or with too many, it is left out: it is repeated. */
void alert_reports_take(struct alert_reports *reports, const struct alert_read *report, int64_t now_ms);

/* Takes the record of a message that began a firing (compiler/conditions/kept_alerts.h): as the report of its engine, if there is
 * none. `sends`: it is one of `begun` from now on. */
void alert_reports_take_beginning(struct alert_reports *reports, const struct alert_read *read, bool sends, int64_t now_ms);

/* The first beginning whose group has been judged since it came, and whose notice is due or was: it is the caller's to give back.
 * NULL: there is none. */
struct alert_beginning *alert_beginning_judged(struct alert_reports *reports, const struct alert_groups *groups);
void alert_beginnings_forget(struct alert_reports *reports);

/* Moves the states of the groups by the reports that count now. A group that begins to fire has the `fired_at_ms` and the figures
 * of the report that was taken first. */
void alert_reports_judge(struct alert_reports *reports, struct alert_groups *groups, int64_t resolve_after_ms,
			 struct alert_time time);

void alert_reports_clear(struct alert_reports *reports);

#endif
