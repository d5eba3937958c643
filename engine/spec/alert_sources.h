/* alert_sources.h: Figures that conditions of a pipeline's alerts may use, by the steps and metrics in its file. */
#ifndef SLUICE_SPEC_ALERT_SOURCES_H
#define SLUICE_SPEC_ALERT_SOURCES_H

#include "alerts/alert_condition.h"
#include "spec/resource.h"

/* Borrows from the pipeline. */
struct alert_sources alert_sources_of(const struct pipeline_spec *pipeline);

#endif
