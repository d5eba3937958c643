/* feedback_value.h: Feedback value: the value of a declared metric by the feedback on an answer. The engine that
 * joins outcomes computes it (engine/learn/outcome_metrics.h), and commands compute it from the topics. Pure. */
#pragma once

#include "experiments/outcomes/metric_value.h"
#include "message/records/feedback.h"

/* A value of the metric that the feedback has by itself, which counts; NULL: none. */
const double *feedback_value_given(const struct feedback *feedback, const struct pipeline_metric *metric);

/* Whether the feedback has what the metric needs of it: truth or reward, or a value. The first one that has it counts. */
bool feedback_value_is_due(const struct feedback *feedback, const struct pipeline_metric *metric);

/* Evaluates the metric for the answer, whose truth, reward and given value are set to those of the feedback. False: as
 * metric_evaluate(). */
bool feedback_value_evaluate(const struct pipeline_metric *metric, struct judged_answer *judged, const struct feedback *feedback,
			     struct arena *arena, struct judged_value *value);

/* What the feedback topic has of a value of several elements: their mean. It may be infinite or NaN, which counts nowhere. */
double feedback_value_mean(const struct judged_value *value);
