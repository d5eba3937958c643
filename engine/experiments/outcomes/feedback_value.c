/* feedback_value.c: see feedback_value.h. */
#include "experiments/outcomes/feedback_value.h"

#include <math.h>

const double *feedback_value_given(const struct feedback *feedback, const struct pipeline_metric *metric)
{
	const struct feedback_metric *given = feedback_metric_find(feedback, text_of(metric->spec.name.text));
	return given ? &given->value : NULL;
}

bool feedback_value_is_due(const struct feedback *feedback, const struct pipeline_metric *metric)
{
	if (feedback_value_given(feedback, metric))
		return true;
	return (!metric->of_truth || feedback->truth.count > 0) && (!metric->of_reward || feedback->has_reward);
}

bool feedback_value_evaluate(const struct pipeline_metric *metric, struct judged_answer *judged, const struct feedback *feedback,
			     struct arena *arena, struct judged_value *value)
{
	judged->truth = &feedback->truth;
	judged->reward = feedback->has_reward ? feedback->reward : (double)NAN;
	judged->given = feedback_value_given(feedback, metric);
	return metric_evaluate(metric, judged, arena, value);
}

double feedback_value_mean(const struct judged_value *value)
{
	double sum = 0;
	for (size_t i = 0; i < value->value->count; i++)
		sum += tensor_number(value->value, i);
	return sum / (double)value->value->count;
}
