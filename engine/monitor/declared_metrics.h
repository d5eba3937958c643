/* declared_metrics.h: Metrics that pipelines declare, in `/metrics` of an engine.
 *
 * Series of one name are a family, over all pipelines; each has the labels `namespace` and `pipeline` before its own. What the
 * workers count is added up. Beyond the series of a metric, further combinations of labels are SERIES_OTHER, and counted.
 */
#pragma once

#include "compiler/conditions/figure_window.h"
#include "observe/exposition.h"
#include "engine/setup/group_setup.h"

/* Lists work in the arena, which fails if there is no memory. */
void declared_metrics_write(const struct plan *plan, const struct group *groups, struct arena *arena,
			    struct exposition *exposition);

/* What all workers have counted of the pipeline's metric of that name, over all its series, as an alert judges by it. The name
 * is borrowed. */
struct figure_metric declared_metric_sum(const struct pipeline_plan *plan, const struct group *groups, struct text name);
