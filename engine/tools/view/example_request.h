/* example_request.h: Example of a request to a pipeline: an event with what its `input.tensors` name, of their datatypes and
 * shapes, which are what `plan` knows of a request. */
#ifndef SLUICE_TOOLS_VIEW_EXAMPLE_REQUEST_H
#define SLUICE_TOOLS_VIEW_EXAMPLE_REQUEST_H

#include "compiler/plan/plan.h"

/* Appends it as JSON. Each number is 1, and each size that may be any. NULL: the pipeline takes it. Else it is only the form of a
 * request of the Open Inference Protocol, and why. */
const char *example_request_write(const struct pipeline_plan *plan, struct buffer *out);

#endif
