/* drift_page.h: Report of drift as a page of HTML in one file.
 *
 * It has a map of effects by feature and time, the features that moved most with their distributions, example requests, and the
 * alarms beside the declared false ones.
 *
 * Its size is bounded: what is beyond these numbers is merged or counted. The data are in a link, with all of it, unless they are
 * larger than DRIFT_PAGE_DATA_BYTES. Names come from messages, and are escaped.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define DRIFT_PAGE_SEGMENTS 12 /* with a map: those with the largest scores */
#define DRIFT_PAGE_FEATURES 30 /* lines of a map: those that moved most */
#define DRIFT_PAGE_COLUMNS 60  /* of a map; more windows are merged with their neighbours */
#define DRIFT_PAGE_MOVERS 10
#define DRIFT_PAGE_DATA_BYTES ((size_t)32 << 20)

/* Writes the page of the lines that the report has as JSON. SYSTEM: memory ran out. */
bool drift_page_write(struct text lines, const char *pipeline, const char *step, struct arena *arena, struct buffer *out,
		      struct error *error);
