/* accuracy_chart.h: Chart of the accuracy of a classifier by window: the estimate with its band, and the realised number of the
 * windows whose rows have feedback. Part of the page of a drift report. */
#ifndef SLUICE_VIEW_ACCURACY_CHART_H
#define SLUICE_VIEW_ACCURACY_CHART_H

#include "view/drift_windows.h"

#define ACCURACY_CHART_WINDOWS 240 /* the last ones */

#define ACCURACY_CHART_STYLE                                                                                                       \
	".band{fill:var(--Up);fill-opacity:.18}.guess{fill:none;stroke:var(--Up);stroke-width:1.5}.held{fill:var(--Ink)}"          \
	".left{fill:var(--Down)}.few{fill:var(--Line)}"

/* Whether a window has an estimate. */
bool accuracy_is_known(const struct drift_windows *data);

/* How often the realised number was within its band, over all windows; nothing without feedback. */
void accuracy_write_sums(const struct drift_windows *data, struct buffer *out);

/* The chart of these windows, by their places in `data`. Nothing, if none of them has an estimate. */
void accuracy_chart_write(const struct drift_windows *data, const size_t *windows, size_t count, struct buffer *out);

#endif
