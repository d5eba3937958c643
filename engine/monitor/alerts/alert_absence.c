/* alert_absence.c: see alert_absence.h. */
#include "monitor/alerts/alert_absence.h"

#include "monitor/alerts/alert_states.h"
#include "monitor/alerts/alert_watch.h"

bool alert_absence_look(struct alert_absence *absence, uint64_t ended, bool is_shared, int64_t now_ms)
{
	const int64_t late_ms = is_shared ? 2 * ALERT_EVERY_MS : 0, slept_ms = now_ms - absence->looked_ms;
	if (is_shared && absence->looked_ms > 0 && slept_ms > ALERT_SLEPT_MS)
		absence->ended_ms += slept_ms;
	absence->looked_ms = now_ms;
	if (ended != absence->ended) {
		absence->ended_ms = now_ms;
		absence->is_present = true;
	}
	absence->ended = ended;
	return now_ms - absence->ended_ms >= absence->duration_ms + late_ms;
}

bool alert_absence_report_is_due(const struct alert_absence *absence, int64_t now_ms)
{
	const int64_t half_ms = absence->duration_ms / 2;
	return absence->is_present && now_ms - absence->present_ms >= (half_ms < ALERT_REPORT_MS ? half_ms : ALERT_REPORT_MS);
}

void alert_absence_reported(struct alert_absence *absence, int64_t now_ms)
{
	absence->present_ms = now_ms;
	absence->is_present = false;
}

void alert_absence_take_report(struct alert_absence *absence, int64_t now_ms)
{
	absence->ended_ms = now_ms;
}
