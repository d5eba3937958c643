/* listed_records.c: see listed_records.h. */
#include "engine/outputs/listed_records.h"

#include <stddef.h>

#include "message/records/feed_record.h"
#include "message/records/importance_report.h"
#include "engine/worker/parts.h"

/* Encodes a record. Without a value it is a tombstone. False: it is not to be written there, or an error is set. */
typedef bool record_encode(const struct listed_record *record, struct buffer *key, struct buffer *value, struct error *error);

/* A state that begins anew is nothing to the pipeline's topic. */
static bool verdict_encode(const struct listed_record *record, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct drift_score *score = (const void *)record;
	buffer_string(key, score->step);
	return !score->begins && drift_score_encode(score, value, error);
}

/* What judges nothing leaves the verdict before in force, and its figures; so does a window that has not ended with these. */
static bool verdict_feed(const struct listed_record *record, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct drift_score *score = (const void *)record;
	return feed_score_is_due(score) && feed_score_encode(score, key, value, error);
}

static bool figures_feed(const struct listed_record *record, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct drift_score *score = (const void *)record;
	return feed_score_is_due(score) && !score->early && feed_figures_encode(score, key, value, error);
}

static bool importance_encode(const struct listed_record *record, struct buffer *key, struct buffer *value, struct error *error)
{
	const struct importance_report *report = (const void *)record;
	buffer_text(key, report->step);
	return importance_report_encode(report, value, error);
}

static bool learnt_feed(const struct listed_record *record, struct buffer *key, struct buffer *value, struct error *error)
{
	return feed_outliers_encode((const void *)record, key, value, error);
}

/* Where records leave to: the topic is a member of struct stage_config. */
static const struct record_way {
	enum listed_kind kind;
	size_t topic;
	record_encode *encode;
} ways[] = {
	{LISTED_VERDICT, offsetof(struct stage_config, verdicts), verdict_encode},
	{LISTED_VERDICT, offsetof(struct stage_config, feed), verdict_feed},
	{LISTED_VERDICT, offsetof(struct stage_config, feed), figures_feed},
	{LISTED_IMPORTANCE, offsetof(struct stage_config, importances), importance_encode},
	{LISTED_LEARNT, offsetof(struct stage_config, feed), learnt_feed},
};
#define WAYS (sizeof ways / sizeof *ways)

static enum produce_verdict record_leave(const struct record_outlet *outlet, const struct stage_config *config,
					 const struct listed_record *record, const struct record_way *way, struct error *error)
{
	const uint32_t topic = *(const uint32_t *)(const void *)((const char *)config + way->topic);
	if (record->kind != way->kind || topic == TOPIC_NOWHERE)
		return PRODUCED;
	buffer_clear(outlet->key);
	buffer_clear(outlet->value);
	error->kind = ERROR_NONE;
	if (!way->encode(record, outlet->key, outlet->value, error))
		return error->kind == ERROR_NONE ? PRODUCED : PRODUCE_REFUSED;
	const struct text value = buffer_view(outlet->value);
	const struct outgoing outgoing = {.topic = topic,
					  .origin = outlet->origin,
					  .key = buffer_view(outlet->key),
					  .value = value.length ? value : (struct text){0}};
	return output_produce(outlet->output, &outgoing, error);
}

enum produce_verdict listed_records_leave(const struct record_outlet *outlet, struct inflight *inflight, struct error *error)
{
	size_t number = 0;
	for (const struct listed_record *record = inflight->message.listed; record && !inflight->unfit; record = record->next)
		for (size_t way = 0; way < WAYS; way++, number++) {
			if (number < inflight->listed)
				continue;
			const enum produce_verdict verdict =
				record_leave(outlet, inflight->stage->config, record, &ways[way], error);
			if (verdict != PRODUCED)
				return verdict;
			inflight->listed++;
		}
	return PRODUCED;
}
