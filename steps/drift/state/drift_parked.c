/* drift_parked.c: see drift_parked.h. */
#include "steps/drift/state/drift_parked.h"

#include "base/memory.h"

void drift_parked_close(struct drift_parked *parked)
{
	memory_give(parked->rows);
	memory_give(parked->moments);
	memory_give(parked->detectors);
}

void drift_parked_enter(const struct drift_parked *parked, struct monitor *monitor, size_t width, bool filled)
{
	const struct monitor_position *at = &parked->position;
	if (!filled) {
		monitor_resume_blank(monitor, at);
		return;
	}
	monitor_resume(monitor, at);
	(void)monitor_detectors_read(monitor, (struct text){parked->detectors, parked->detector_bytes});
	for (uint64_t number = 0; number < at->rows; number += at->stride)
		monitor_put_back(monitor, number, parked->rows + number / at->stride * width,
				 parked->moments[number / at->stride]);
}

/* Leaves out of the rows what the window does not keep any more. */
static void rows_thin(struct drift_parked *parked, uint64_t stride, size_t width)
{
	const uint64_t times = stride / parked->position.stride, kept = (parked->position.rows + stride - 1) / stride;
	for (uint64_t i = 1; times > 1 && i < kept; i++) {
		memcpy(parked->rows + i * width, parked->rows + i * times * width, width * sizeof *parked->rows);
		parked->moments[i] = parked->moments[i * times];
	}
}

static bool rows_grow(struct drift_parked *parked, size_t width)
{
	const size_t room = parked->room ? 2 * parked->room : 1;
	double *rows = memory_resize(parked->rows, room, width * sizeof *rows);
	if (rows)
		parked->rows = rows;
	struct monitor_moment *moments = rows ? memory_resize(parked->moments, room, sizeof *moments) : NULL;
	if (!moments)
		return false;
	parked->moments = moments;
	parked->room = room;
	return true;
}

static bool detectors_keep(struct drift_parked *parked, const struct monitor *monitor)
{
	const size_t bytes = monitor_detectors_bytes(monitor);
	char *detectors = bytes ? memory_resize(parked->detectors, bytes, 1) : NULL;
	if (!detectors)
		return bytes == 0;
	monitor_detectors_write(monitor, detectors);
	parked->detectors = detectors;
	parked->detector_bytes = bytes;
	return true;
}

bool drift_parked_keep(struct drift_parked *parked, const struct monitor *monitor, const double *row, size_t width, int64_t time_ms,
		       bool closed, struct error *error)
{
	const struct monitor_position position = monitor_position_of(monitor);
	rows_thin(parked, position.stride, width);
	parked->position = position;
	if (closed && !detectors_keep(parked, monitor))
		return error_memory(error, ERROR_SYSTEM, "comparing messages");
	const size_t rows = (size_t)position.rows, at = rows ? (rows - 1) / (size_t)position.stride : 0;
	if (rows == 0 || (rows - 1) % (size_t)position.stride != 0)
		return true;
	if (at >= parked->room && !rows_grow(parked, width))
		return error_memory(error, ERROR_SYSTEM, "comparing messages");
	memcpy(parked->rows + at * width, row, width * sizeof *row);
	parked->moments[at] = (struct monitor_moment){.time_ms = time_ms};
	return true;
}
