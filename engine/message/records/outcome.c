/* outcome.c: see outcome.h. */
#include "message/records/outcome.h"

#include <assert.h>

/* An outcome as its record has it. */
struct outcome_record_rows {
	struct outcome outcome;
	struct exposure_record exposure;
};

static const struct record_field metric_fields[] = {
	RECORD_ROW(TEXT, struct outcome_metric, name),
	RECORD_ROW(REAL, struct outcome_metric, value),
	RECORD_CHOICE(struct outcome_metric, how, OUTCOME_HOWS),
	RECORD_END,
};

static const struct record_field observed_fields[] = {
	RECORD_ROW(TEXT, struct observed_row, step),
	RECORD_ROW(TEXT, struct observed_row, segment),
	RECORD_ROW(NUMBER, struct observed_row, window),
	RECORD_ROW(NUMBER, struct observed_row, identity),
	RECORD_ROW(INT, struct observed_row, row),
	RECORD_ROW(INT, struct observed_row, class),
	RECORD_ROW(INT, struct observed_row, classes),
	RECORD_ROW(REAL, struct observed_row, first),
	RECORD_ROW(REAL, struct observed_row, second),
	RECORD_END,
};

static const struct record_field sample_fields[] = {
	RECORD_ROW(TEXT, struct outcome_sample, metric),
	RECORD_ROW(REAL, struct outcome_sample, value),
	RECORD_TEXTS(struct outcome_sample, label_count, labels),
	RECORD_END,
};

static const struct record_field outcome_fields[] = {
	RECORD_CHOICE(struct outcome_record_rows, outcome.kind, OUTCOME_KINDS),
	RECORD_WITHIN(struct outcome_record_rows, exposure, exposure_fields, EXPOSURE_SCHEMA),
	RECORD_ROW(NUMBER, struct outcome_record_rows, outcome.happened_ms),
	RECORD_ROW(NUMBER, struct outcome_record_rows, outcome.written_ms),
	RECORD_ROW(ORIGIN, struct outcome_record_rows, outcome.source),
	RECORD_ROW(TEXT, struct outcome_record_rows, outcome.feedback_id),
	RECORD_ROW(FLAG, struct outcome_record_rows, outcome.by_unit),
	RECORD_LIST(struct outcome_record_rows, outcome.metric_count, outcome.metrics, metric_fields, struct outcome_metric),
	RECORD_ROW(NUMBER, struct outcome_record_rows, outcome.weight),
	RECORD_ROW(TENSORS, struct outcome_record_rows, outcome.truth),
	RECORD_ROW(TENSORS, struct outcome_record_rows, outcome.answer),
	RECORD_ROW(TENSORS, struct outcome_record_rows, outcome.request),
	RECORD_LIST(struct outcome_record_rows, outcome.observed_count, outcome.observed, observed_fields, struct observed_row),
	RECORD_ROW(FLAG, struct outcome_record_rows, outcome.unjudged),
	RECORD_LIST(struct outcome_record_rows, outcome.sample_count, outcome.samples, sample_fields, struct outcome_sample),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form outcome_form = {.schema = "outcome",
						.called = "outcome",
						.fields = outcome_fields,
						.bytes = sizeof(struct outcome_record_rows),
						.schema_name = &schema_name};

bool outcome_encode(const struct outcome *outcome, struct arena *arena, struct buffer *out, struct error *error)
{
	const struct outcome_record_rows record = {*outcome, exposure_record_of(&outcome->exposure, arena)};
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "writing an outcome");
	return record_encode(&outcome_form, &record, out, error);
}

bool outcome_decode(struct text bytes, struct arena *arena, struct outcome *outcome, struct error *error)
{
	struct outcome_record_rows record;
	if (!record_decode(&outcome_form, bytes, arena, &record, error))
		return false;
	*outcome = record.outcome;
	return exposure_record_take(&record.exposure, arena, &outcome->exposure, error) &&
	       (!arena_failed(arena) || error_memory(error, ERROR_LIMIT, "reading an outcome"));
}

const char *outcome_kind_name(enum outcome_kind kind)
{
	static const char *const names[OUTCOME_KINDS] = {"joined", "late", "ended", "forgotten"};
	assert((unsigned)kind < OUTCOME_KINDS);
	return names[kind];
}

const char *outcome_how_name(enum outcome_how how)
{
	static const char *const names[OUTCOME_HOWS] = {"sent", "judged", "computed"};
	assert((unsigned)how < OUTCOME_HOWS);
	return names[how];
}

const struct outcome_metric *outcome_metric_find(const struct outcome *outcome, struct text name)
{
	for (size_t i = 0; i < outcome->metric_count; i++)
		if (text_equal(outcome->metrics[i].name, name))
			return &outcome->metrics[i];
	return NULL;
}
