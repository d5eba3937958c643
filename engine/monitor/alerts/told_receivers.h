/* told_receivers.h: Record in the feed of who was given the notices of an alert that fires (schemas/alert_receivers.avsc), for
 * engines that share alerts.
 *
 * The engine that sends writes it when an alert fires, and anew when the receivers have changed and the notices of that are in the
 * feed. An engine that takes over compares it with its own files: receivers may have been replaced while no engine ran, or by an
 * engine that ended before it told them. What such an engine has told is not told again.
 *
 * Private to alerts of the runtime.
 */
#ifndef SLUICE_MONITOR_ALERTS_TOLD_RECEIVERS_H
#define SLUICE_MONITOR_ALERTS_TOLD_RECEIVERS_H

#include "monitor/alerts/alert_parts.h"

/* By the engine that sends: writes the record if it is due, or ends it when nothing fires any more. */
void told_receivers_write(struct alert_watch *watch, const struct pipeline_plan *plan, struct judged_alert *alert,
			  const struct alert_spec *spec);

/* The alert is being taken over, and its groups are those of this engine: if a record was read, that counts, and not what this
 * engine found by itself. */
void told_receivers_begin(const struct alert_watch *watch, struct judged_alert *alert);

/* Its firings are taken over: former receivers are owed the end, and new ones the firing. */
void told_receivers_compare(struct alert_watch *watch, struct judged_alert *alert, int64_t now_ms);

#endif
