/* settled_windows.h: Windows of a step `drift` that have settled, as the records of its pipeline's drift topic say, for `sluice
 * drift report`.
 *
 * They are read whole before the messages, so it does not matter when they came. A record that came twice counts once.
 */
#ifndef SLUICE_TOOLS_SOURCE_SETTLED_WINDOWS_H
#define SLUICE_TOOLS_SOURCE_SETTLED_WINDOWS_H

#include "kafka/record.h"
#include "message/records/drift_score.h"

struct settled_entry;

/* Starts as {.arena, .pipeline, .step}, and must be closed. */
struct settled_windows {
	struct arena *arena; /* of the records' bytes */
	struct text pipeline, step;
	struct settled_entry *items; /* after settled_windows_sort() by time, then segment, then number, each once */
	size_t count, room;
	size_t found; /* windows that were found */
};

void settled_windows_close(struct settled_windows *windows);

/* Takes a record of the topic; `windows` is a struct settled_windows. Others than settled ones of the step are left out. SYSTEM:
 * memory ran out. */
bool settled_windows_take(void *windows, const struct record *record, struct error *error);

/* To be called when all is read. */
void settled_windows_sort(struct settled_windows *windows);

/* The settled record of a segment's window with messages of these times, and so many rows. Of several the one with the least
 * number, which is not found again. NULL: there is none. The `settled` of a source. */
const struct settled_score *settled_windows_find(void *windows, struct text segment, int64_t begin_ms, int64_t end_ms,
						 uint64_t rows);

#endif
