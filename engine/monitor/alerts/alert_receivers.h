/* alert_receivers.h: Receivers of an alert that change while it fires, by a new revision of the files: one that is not among the
 * actions any more gets the end, with the reason, and one that is new gets the firing.
 *
 * Of a former receiver the outline of the revision that had it is kept, as of a removed alert (alert_outline.h). With shared alerts
 * each engine keeps it for ALERT_UNCLAIMED_MS, because another engine may become the one that sends: what waits in the feed is sent
 * by it. What the engine that sends may have sent already is owed by the others for ALERT_KEPT_MS only.
 *
 * Private to alerts of the runtime.
 */
#ifndef SLUICE_MONITOR_ALERTS_ALERT_RECEIVERS_H
#define SLUICE_MONITOR_ALERTS_ALERT_RECEIVERS_H

#include "monitor/alerts/alert_outline.h"

/* The alert has another outline now: `before` is that of the revision before. */
void alert_receivers_change(struct alert_watch *watch, struct judged_alert *alert, const struct alert_outline *before,
			    int64_t now_ms);

/* Sends the ends to former receivers. */
void alert_receivers_send(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms);

void alert_receivers_drop(struct judged_alert *alert);

#endif
