/* drift_open_rows.h: Open window of a segment in a report, while the monitor has that of another: its position, its rows, and
 * the state of its online methods.
 *
 * All functions take a monitor of `width` features. What it has is owned; open_rows_close() gives it back.
 */
#pragma once

#include "methods/drift/monitor.h"

struct drift_open_rows {
	struct monitor_position position;
	double *rows;
	struct monitor_moment *moments; /* of the rows */
	size_t room;			/* of both, in rows */
	char *detectors;
	size_t detector_bytes; /* 0: its online methods have seen nothing */
};

void open_rows_close(struct drift_open_rows *window);

/* Brings the monitor to the window. `filled`: with its rows, and the state before them. */
void open_rows_enter(const struct drift_open_rows *window, struct monitor *monitor, size_t width, bool filled);

/* Adds the row that the monitor was given last; it may have closed the window before it. SYSTEM: memory. */
bool open_rows_add(struct drift_open_rows *window, const struct monitor *monitor, const double *row, size_t width, int64_t time_ms,
		   bool closed, struct error *error);
