/* rollout_preview_view.h: Preview of a rollout's next move, as text or JSON: the sentence, the shares, the buckets that would move.
 */
#ifndef SLUICE_TOOLS_VIEW_REPORT_ROLLOUT_PREVIEW_VIEW_H
#define SLUICE_TOOLS_VIEW_REPORT_ROLLOUT_PREVIEW_VIEW_H

#include "control/keeper/rollout_preview.h"

void rollout_preview_print(const struct rollout_preview *preview, struct arena *arena, struct buffer *out);
void rollout_preview_print_json(const struct rollout_preview *preview, struct buffer *out);

#endif
