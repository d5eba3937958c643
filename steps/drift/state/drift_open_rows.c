/* drift_open_rows.c: see drift_open_rows.h. */
#include "steps/drift/state/drift_open_rows.h"

#include "base/memory.h"

void open_rows_close(struct drift_open_rows *window)
{
	memory_give(window->rows);
	memory_give(window->moments);
	memory_give(window->detectors);
}

void open_rows_enter(const struct drift_open_rows *window, struct monitor *monitor, size_t width, bool filled)
{
	const struct monitor_position *at = &window->position;
	if (!filled) {
		monitor_resume_blank(monitor, at);
		return;
	}
	monitor_resume(monitor, at);
	(void)monitor_detectors_read(monitor, (struct text){window->detectors, window->detector_bytes});
	for (uint64_t number = 0; number < at->rows; number += at->stride)
		monitor_put_back(monitor, number, window->rows + number / at->stride * width, window->moments[number / at->stride]);
}

/* Leaves out of the rows what the window does not keep any more. */
static void rows_thin(struct drift_open_rows *window, uint64_t stride, size_t width)
{
	const uint64_t times = stride / window->position.stride, kept = (window->position.rows + stride - 1) / stride;
	for (uint64_t i = 1; times > 1 && i < kept; i++) {
		memcpy(window->rows + i * width, window->rows + i * times * width, width * sizeof *window->rows);
		window->moments[i] = window->moments[i * times];
	}
}

static bool rows_grow(struct drift_open_rows *window, size_t width)
{
	const size_t room = window->room ? 2 * window->room : 1;
	double *rows = memory_resize(window->rows, room, width * sizeof *rows);
	if (rows)
		window->rows = rows;
	struct monitor_moment *moments = rows ? memory_resize(window->moments, room, sizeof *moments) : NULL;
	if (!moments)
		return false;
	window->moments = moments;
	window->room = room;
	return true;
}

static bool detectors_keep(struct drift_open_rows *window, const struct monitor *monitor)
{
	const size_t bytes = monitor_detectors_bytes(monitor);
	char *detectors = bytes ? memory_resize(window->detectors, bytes, 1) : NULL;
	if (!detectors)
		return bytes == 0;
	monitor_detectors_write(monitor, detectors);
	window->detectors = detectors;
	window->detector_bytes = bytes;
	return true;
}

bool open_rows_add(struct drift_open_rows *window, const struct monitor *monitor, const double *row, size_t width, int64_t time_ms,
		   bool closed, struct error *error)
{
	const struct monitor_position position = monitor_position_of(monitor);
	rows_thin(window, position.stride, width);
	window->position = position;
	const size_t rows = (size_t)position.rows, at = rows ? (rows - 1) / (size_t)position.stride : 0;
	const bool kept = rows > 0 && (rows - 1) % (size_t)position.stride == 0;
	if ((closed && !detectors_keep(window, monitor)) || (kept && at >= window->room && !rows_grow(window, width)))
		return error_memory(error, ERROR_SYSTEM, "comparing messages");
	if (kept) {
		memcpy(window->rows + at * width, row, width * sizeof *row);
		window->moments[at] = (struct monitor_moment){.time_ms = time_ms};
	}
	return true;
}
