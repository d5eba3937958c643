/* drift_parked.h: Window of a segment in a report, parked while the monitor has that of another: its position, its rows, and the
 * state of its online methods.
 *
 * All functions take a monitor of `width` features. What it has is owned; drift_parked_close() gives it back.
 */
#ifndef SLUICE_STEPS_DRIFT_STATE_DRIFT_PARKED_H
#define SLUICE_STEPS_DRIFT_STATE_DRIFT_PARKED_H

#include "methods/drift/monitor.h"

struct drift_parked {
	struct monitor_position position;
	double *rows;
	struct monitor_moment *moments; /* of the rows */
	size_t room;			/* of both, in rows */
	char *detectors;
	size_t detector_bytes; /* 0: its online methods have seen nothing */
};

void drift_parked_close(struct drift_parked *parked);

/* Brings the monitor to the window. `filled`: with its rows, and the state before them. */
void drift_parked_enter(const struct drift_parked *parked, struct monitor *monitor, size_t width, bool filled);

/* Parks the row that the monitor was given last; it may have closed the window before it. SYSTEM: memory. */
bool drift_parked_keep(struct drift_parked *parked, const struct monitor *monitor, const double *row, size_t width, int64_t time_ms,
		       bool closed, struct error *error);

#endif
