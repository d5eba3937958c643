/* control_view.c: see control_view.h. */
#include "control/engine/control_view.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "net/loop.h"

bool control_view_take(void *context, const struct record *record, struct error *error)
{
	struct control_view *view = context;
	if (record->offset < view->next_offset)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "topic %s was deleted and created again: its records begin again at offset %" PRId64,
				 view->control_config.topic, record->offset);
	view->next_offset = record->offset + 1;
	return control_reader_take(&view->reader, record->key, record->value, time_of_day_ms(), error);
}

/* Takes a record of `status`: beats of the keeper, and reports on alerts; others are ignored. */
static bool control_view_take_status(void *context, const struct record *record, struct error *error)
{
	struct control_view *view = context;
	struct alert_read report;
	struct error damaged = {0};
	if (view->config->take_alert_report && alert_record_is(record->value)) {
		if (alert_record_decode(record->value, &report, &damaged))
			view->config->take_alert_report(view->config->alerts, &report);
		return true;
	}
	return !record->value.bytes || record_schema(record->value) != record_fingerprint(&keeper_form) ||
	       control_reader_beat(&view->reader, record->value, clock_ms(), error);
}

static bool readers_open(struct control_view *view, const struct control_view_config *config, struct error *error)
{
	view->control_config = (struct reader_config){
		.brokers = config->brokers,
		.topic = config->control,
		.from_beginning = true,
		.continues = true,
		.was_there = true,
		.properties = config->consumer,
	};
	view->status_config = (struct reader_config){
		.brokers = config->brokers, .topic = config->status, .was_there = true, .properties = config->consumer};
	return (view->status = reader_open(&view->status_config, error)) &&
	       (view->control = reader_open(&view->control_config, error)) &&
	       reader_give_all(view->control, control_view_take, view, error);
}

struct control_view *control_view_open(const struct control_view_config *config, struct error *error)
{
	assert(config->brokers && config->namespace && config->control && config->status);
	struct control_view *view = memory_take(1, sizeof *view);
	if (!view) {
		error_memory(error, ERROR_SYSTEM, "following the control plane");
		return NULL;
	}
	view->config = config;
	if (control_reader_open(&view->reader, config->namespace, clock_ms(), error) && readers_open(view, config, error))
		return view;
	control_view_close(view);
	return NULL;
}

void control_view_close(struct control_view *view)
{
	if (!view)
		return;
	reader_close(view->control);
	reader_close(view->status);
	control_reader_close(&view->reader);
	memory_give(view);
}

static bool records_take(struct control_view *view, struct reader *reader, int bell,
			 bool (*take)(void *context, const struct record *record, struct error *error), struct error *error)
{
	for (size_t i = 0; i < CONTROL_VIEW_TURN; i++) {
		struct record record;
		if (!reader_next(reader, 0, &record, error))
			return false;
		if (!record.held)
			return true;
		bool good = take(view, &record, error);
		record_release(&record);
		if (!good)
			return false;
	}
	bell_ring(bell);
	return true;
}

bool control_view_read(struct control_view *view, int bell, struct error *error)
{
	return records_take(view, view->control, bell, control_view_take, error) &&
	       records_take(view, view->status, bell, control_view_take_status, error);
}
