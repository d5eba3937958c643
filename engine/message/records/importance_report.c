/* importance_report.c: see importance_report.h. */
#include "message/records/importance_report.h"

#include "message/record_form.h"

static const struct record_field feature_fields[] = {
	RECORD_ROW(TEXT, struct importance_feature, name),
	RECORD_ROW(REAL, struct importance_feature, mean),
	RECORD_END,
};

static const struct record_field report_fields[] = {
	RECORD_ROW(TEXT, struct importance_report, pipeline),
	RECORD_ROW(TEXT, struct importance_report, step),
	RECORD_ROW(TEXT, struct importance_report, explained),
	RECORD_ROW(TEXT, struct importance_report, method),
	RECORD_ROW(TEXT, struct importance_report, output),
	RECORD_ROW(NUMBER, struct importance_report, slice),
	RECORD_ROW(NUMBER, struct importance_report, window),
	RECORD_ROW(NUMBER, struct importance_report, begin_ms),
	RECORD_ROW(NUMBER, struct importance_report, end_ms),
	RECORD_ROW(NUMBER, struct importance_report, explanations),
	RECORD_ROW(NUMBER, struct importance_report, late),
	RECORD_ROW(NUMBER, struct importance_report, left_out),
	RECORD_ROW(REAL, struct importance_report, total),
	RECORD_LIST(struct importance_report, feature_count, features, feature_fields, struct importance_feature),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form report_form = {.schema = "importance",
					       .called = "record of the importance of features",
					       .fields = report_fields,
					       .bytes = sizeof(struct importance_report),
					       .schema_name = &schema_name};

bool importance_report_encode(const struct importance_report *report, struct buffer *out, struct error *error)
{
	if (record_encode(&report_form, report, out, error))
		return true;
	return error->kind == ERROR_LIMIT &&
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "the importance of the features of step `" TEXT_FORMAT "` does not fit into the %zu bytes that a "
			 "record may have; give its features shorter names",
			 TEXT_ARGUMENTS(report->step), out->ceiling_bytes);
}

bool importance_report_decode(struct text bytes, struct arena *arena, struct importance_report *report, struct error *error)
{
	*report = (struct importance_report){0};
	if (!record_is_of(&report_form, record_schema(bytes)))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "it is no record of schemas/importance.avsc");
	return record_decode(&report_form, bytes, arena, report, error);
}
