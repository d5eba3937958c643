/* epoch_view.h: View of what an experiment's report found in each epoch: parts of its text, of its JSON and of its page. */
#pragma once

#include "experiments/analysis/report.h"

#define EPOCH_VIEW_MOST 32 /* last epochs that a text or a page shows; JSON has all */

/* Whether there is more than one, so that a table of them says more than the pair does. */
bool epoch_view_has(const struct report *report, const struct pair_analysis *pair);

void epoch_view_print_text(const struct report *report, const struct report_metric *metric, const struct pair_analysis *pair,
			   struct buffer *out);

/* A member of the pair. */
void epoch_view_print_json(const struct report *report, const struct pair_analysis *pair, struct buffer *out);

/* The tables of all its metrics, if it has several epochs. */
void epoch_view_print_html(const struct report *report, struct buffer *out);

/* Where a policy chose: ", a candidate since 2026-02-01 10:00:00", or until then, of a variant that was not one all the time; else
 * nothing. */
void epoch_view_print_candidate(const struct joined *joined, size_t arm, struct buffer *out);
