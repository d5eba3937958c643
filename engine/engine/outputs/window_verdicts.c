/* window_verdicts.c: see window_verdicts.h. */
#include "engine/outputs/window_verdicts.h"

#include "message/records/feed_record.h"
#include "message/records/importance_report.h"
#include "engine/worker/parts.h"

/* The verdict of that number; the last one is listed first. */
static const struct drift_score *score_at(const struct inflight *inflight, size_t count, size_t number)
{
	const struct drift_score *score = inflight->message.scores;
	for (size_t i = number + 1; i < count; i++)
		score = score->next;
	return score;
}

static enum produce_verdict value_produce(const struct verdict_outlet *outlet, uint32_t topic, struct text key, struct error *error)
{
	const struct text value = buffer_view(outlet->value);
	const struct outgoing outgoing = {
		.topic = topic, .origin = outlet->origin, .key = key, .value = value.length ? value : (struct text){0}};
	return output_produce(outlet->output, &outgoing, error);
}

/* A state that begins anew is nothing to the drift topic. */
static enum produce_verdict score_leave(const struct verdict_outlet *outlet, const struct stage_config *config,
					const struct drift_score *score, struct error *error)
{
	buffer_clear(outlet->value);
	if (score->begins)
		return PRODUCED;
	return drift_score_encode(score, outlet->value, error) ? value_produce(outlet, config->drift, text_of(score->step), error)
							       : PRODUCE_REFUSED;
}

/* What judges nothing leaves the verdict before in force, and its figures; so does a window that has not ended with these. */
static enum produce_verdict score_feed(const struct verdict_outlet *outlet, const struct stage_config *config,
				       const struct drift_score *score, bool figures, struct error *error)
{
	buffer_clear(outlet->value);
	buffer_clear(outlet->key);
	if (!feed_score_is_due(score) || (figures && score->early))
		return PRODUCED;
	return (figures ? feed_figures_encode : feed_score_encode)(score, outlet->key, outlet->value, error)
		       ? value_produce(outlet, config->feed, buffer_view(outlet->key), error)
		       : PRODUCE_REFUSED;
}

enum produce_verdict window_verdicts_leave(const struct verdict_outlet *outlet, struct inflight *inflight, struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	size_t count = 0;
	if (inflight->unfit || config->drift == TOPIC_NOWHERE)
		return PRODUCED;
	for (const struct drift_score *one = inflight->message.scores; one; one = one->next)
		count++;
	const size_t records = config->feed == TOPIC_NOWHERE ? count : 3 * count; /* to the feed two of each: verdict and figures */
	for (; inflight->scored < records; inflight->scored++) {
		const struct drift_score *score = score_at(inflight, count, inflight->scored % count);
		const size_t turn = inflight->scored / count;
		const enum produce_verdict verdict = turn == 0 ? score_leave(outlet, config, score, error)
							       : score_feed(outlet, config, score, turn == 2, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}

/* ---- importance of features ---- */

/* The report of that number; the last one is listed first. */
static const struct importance_report *report_at(const struct inflight *inflight, size_t count, size_t number)
{
	const struct importance_report *report = inflight->message.importances;
	for (size_t i = number + 1; i < count; i++)
		report = report->next;
	return report;
}

static enum produce_verdict report_leave(const struct verdict_outlet *outlet, uint32_t topic,
					 const struct importance_report *report, struct error *error)
{
	buffer_clear(outlet->value);
	return importance_report_encode(report, outlet->value, error) ? value_produce(outlet, topic, report->step, error)
								      : PRODUCE_REFUSED;
}

enum produce_verdict window_importances_leave(const struct verdict_outlet *outlet, struct inflight *inflight, struct error *error)
{
	const uint32_t topic = inflight->stage->config->importances;
	size_t count = 0;
	if (inflight->unfit || topic == TOPIC_NOWHERE)
		return PRODUCED;
	for (const struct importance_report *one = inflight->message.importances; one; one = one->next)
		count++;
	for (; inflight->weighed < count; inflight->weighed++) {
		const enum produce_verdict verdict =
			report_leave(outlet, topic, report_at(inflight, count, inflight->weighed), error);
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}

/* ---- what is learnt of outliers ---- */

/* The record of that number; the last one is listed first. */
static const struct outlier_learnt *learnt_at(const struct inflight *inflight, size_t count, size_t number)
{
	const struct outlier_learnt *learnt = inflight->message.learnt;
	for (size_t i = number + 1; i < count; i++)
		learnt = learnt->next;
	return learnt;
}

enum produce_verdict learnt_leave(const struct verdict_outlet *outlet, struct inflight *inflight, struct error *error)
{
	const uint32_t feed = inflight->stage->config->feed;
	size_t count = 0;
	if (inflight->unfit || feed == TOPIC_NOWHERE)
		return PRODUCED;
	for (const struct outlier_learnt *one = inflight->message.learnt; one; one = one->next)
		count++;
	for (; inflight->taught < count; inflight->taught++) {
		buffer_clear(outlet->value);
		buffer_clear(outlet->key);
		if (!feed_outliers_encode(learnt_at(inflight, count, inflight->taught), outlet->key, outlet->value, error))
			return PRODUCE_REFUSED;
		const enum produce_verdict verdict = value_produce(outlet, feed, buffer_view(outlet->key), error);
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}
