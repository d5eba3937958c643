/* alert_record.c: see alert_record.h. */
#include "compiler/conditions/alert_record.h"

#include <stdio.h>

#include "base/number/moment.h"
#include "message/record_form.h"

struct alert_figure {
	struct text name;
	double value;
};

/* A notice as its record has it. */
struct alert_record {
	struct text id, notice, status, drift;
	struct alert_read read;
	size_t figure_count;
	struct alert_figure figures[CONDITION_NAMES_MAX];
};

static const struct record_field figure_fields[] = {
	RECORD_ROW(TEXT, struct alert_figure, name),
	RECORD_ROW(REAL, struct alert_figure, value),
	RECORD_END,
};

static const struct record_field alert_fields[] = {
	RECORD_ROW(TEXT, struct alert_record, id),
	RECORD_ROW(TEXT, struct alert_record, notice),
	RECORD_ROW(TEXT, struct alert_record, status),
	RECORD_ROW(TEXT, struct alert_record, read.namespace),
	RECORD_ROW(TEXT, struct alert_record, read.pipeline),
	RECORD_ROW(TEXT, struct alert_record, read.alert),
	RECORD_ROW(TEXT, struct alert_record, read.engine),
	RECORD_ROW(TEXT, struct alert_record, read.condition),
	RECORD_ROW(NUMBER, struct alert_record, read.fired_at_ms),
	RECORD_ROW(NUMBER, struct alert_record, read.at_ms),
	RECORD_ARRAY(struct alert_record, figure_count, figures, figure_fields),
	RECORD_ROW(TEXT, struct alert_record, read.group),
	RECORD_ADDED(2, TEXT, struct alert_record, read.reason),
	RECORD_ADDED(3, TEXT, struct alert_record, drift),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form alert_form = {.schema = "alert",
					      .called = "report of an alert",
					      .fields = alert_fields,
					      .bytes = sizeof(struct alert_record),
					      .schema_name = &schema_name,
					      .formers = {UINT64_C(0xf2df65639a5bdd37), UINT64_C(0xd394ffc199cccaf2)}};

bool alert_record_encode(const struct alert_message *message, struct buffer *out, struct error *error)
{
	char notice[NOTICE_ID_BYTES];
	notice_id(message, notice);
	struct alert_record record = {.id = {notice, strlen(notice) - strlen(message->status) - 1},
				      .notice = text_of(notice),
				      .status = text_of(message->status),
				      .drift = text_of(notice_drift(message)),
				      .read = {.namespace = message->namespace,
					       .pipeline = message->pipeline,
					       .alert = message->alert,
					       .engine = message->engine,
					       .condition = message->condition,
					       .group = message->group,
					       .reason = message->reason,
					       .fired_at_ms = message->fired_at_ms,
					       .at_ms = message->at_ms}};
	struct alert_figure figure;
	for (size_t at = 0; message->figures_of && alert_condition_next(message->figures_of, &message->values, &at, &figure.name,
									&figure.value);)
		record.figures[record.figure_count++] = figure;
	if (record_encode(&alert_form, &record, out, error))
		return true;
	return error->kind == ERROR_LIMIT &&
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "a notice of the alert `" TEXT_FORMAT "` does not fit into the %zu bytes that it may have; "
			 "write a shorter condition",
			 TEXT_ARGUMENTS(message->alert), out->ceiling_bytes);
}

bool alert_record_is(struct text bytes)
{
	return record_is_of(&alert_form, record_schema(bytes));
}

static bool record_read(struct text bytes, struct alert_record *record, struct error *error)
{
	if (!record_decode(&alert_form, bytes, NULL, record, error) || !moment_is_known(record->read.fired_at_ms) ||
	    !moment_is_known(record->read.at_ms))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the report of an alert is damaged");
	struct alert_read *read = &record->read;
	read->fires = text_is(record->status, "firing");
	read->is_present = text_is(record->status, ALERT_PRESENT);
	read->values = alert_values_unknown();
	for (size_t i = 0; i < record->figure_count; i++)
		alert_value_set(&read->values, record->figures[i].name, record->figures[i].value);
	(void)snprintf(read->values.drift, sizeof read->values.drift, TEXT_FORMAT, TEXT_ARGUMENTS(record->drift));
	return true;
}

bool alert_record_decode(struct text bytes, struct alert_read *read, struct error *error)
{
	struct alert_record record;
	if (!record_read(bytes, &record, error))
		return false;
	*read = record.read;
	return true;
}

bool alert_record_message(struct text bytes, struct alert_message *message, struct alert_condition *figures, struct error *error)
{
	struct alert_record record;
	if (!record_read(bytes, &record, error))
		return false;
	const struct alert_read *read = &record.read;
	*figures = (struct alert_condition){.of_figures = true, .name_count = record.figure_count};
	for (size_t i = 0; i < record.figure_count; i++)
		figures->names[i] = record.figures[i].name;
	*message = (struct alert_message){.status = read->fires ? "firing" : "resolved",
					  .namespace = read->namespace,
					  .pipeline = read->pipeline,
					  .alert = read->alert,
					  .condition = read->condition,
					  .engine = read->engine,
					  .group = read->group,
					  .reason = read->reason,
					  .fired_at_ms = read->fired_at_ms,
					  .at_ms = read->at_ms,
					  .figures_of = record.figure_count > 0 ? figures : NULL,
					  .values = read->values};
	return true;
}
