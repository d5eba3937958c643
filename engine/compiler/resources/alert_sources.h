/* alert_sources.h: Figures that conditions of a pipeline's alerts may use, by the steps and metrics in its file. */
#pragma once

#include "compiler/conditions/alert_condition.h"
#include "compiler/resources/resource.h"

/* A step of the reference dialect counts as the built-in step that it is where nothing offers its model: which it is, the graph
 * knows (graph_figures()). Borrows from the pipeline. */
struct alert_sources alert_sources_of(const struct pipeline_spec *pipeline);

/* Whether a figure of the condition is of the time of `over`. Gauges and some figures are the latest values, those of drift are of
 * the window of their step, and a condition of messages judges each. */
bool alert_reads_time(const struct pipeline_spec *pipeline, const struct alert_condition *condition);

/* Adds the fault of a condition that uses values of messages together with figures, if this one does. */
void alert_mixed_tell(const struct alert_condition *condition, struct faults *faults);
