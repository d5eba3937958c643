/* alert_record.c: see alert_record.h. The size of a record is computed first, so writing needs no checks. */
#include "compiler/conditions/alert_record.h"

#include <math.h>
#include <stdio.h>

#include "base/number/moment.h"
#include "message/avro/avro.h"
#include "message/avro/avro_wire.h"

#define FORMER_SCHEMA 0xf2df65639a5bdd37  /* without `reason` and `drift` */
#define FORMER_SCHEMA_2 0xd394ffc199cccaf2 /* without `drift` */
#define NUMBERS 4	 /* of the record beside its texts, with the ends of its map */
#define FIGURE_NUMBERS 1 /* of one value of the map */

static bool figure_next(const struct alert_message *message, size_t *at, struct text *name, double *value)
{
	return message->figures_of && alert_condition_next(message->figures_of, &message->values, at, name, value);
}

static size_t record_bytes(const struct alert_message *message, struct text id, struct text notice, size_t *figures)
{
	struct text name;
	double value;
	size_t bytes = AVRO_SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(id) + avro_text_room(notice) +
		       avro_text_room(text_of(message->status)) + avro_text_room(message->namespace) +
		       avro_text_room(message->pipeline) + avro_text_room(message->alert) + avro_text_room(message->engine) +
		       avro_text_room(message->condition) + avro_text_room(message->group) + avro_text_room(message->reason) +
		       avro_text_room(text_of(notice_drift(message)));
	*figures = 0;
	for (size_t at = 0; figure_next(message, &at, &name, &value); (*figures)++)
		bytes += avro_text_room(name) + FIGURE_NUMBERS * AVRO_LONG_BYTES_MAX;
	return bytes;
}

static char *put_figures(char *to, const struct alert_message *message, size_t figures)
{
	struct text name;
	double value;
	if (figures)
		to = avro_put_small(to, figures);
	for (size_t at = 0; figure_next(message, &at, &name, &value);) {
		to = avro_put_bytes(to, name);
		to = avro_put_double(to, value);
	}
	return avro_put_small(to, 0);
}

bool alert_record_encode(const struct alert_message *message, struct buffer *out, struct error *error)
{
	const uint64_t fingerprint = avro_alert_fingerprint();
	char notice[NOTICE_ID_BYTES];
	size_t figures;
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	notice_id(message, notice);
	const struct text id = {notice, strlen(notice) - strlen(message->status) - 1};
	char *begin = buffer_room(out, record_bytes(message, id, text_of(notice), &figures));
	if (!begin)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "a notice of the alert `" TEXT_FORMAT "` does not fit into the %zu bytes that it may have; "
				 "write a shorter condition",
				 TEXT_ARGUMENTS(message->alert), out->ceiling_bytes);
	char *to = avro_put_single_object(begin, fingerprint);
	const struct text texts[] = {id,		text_of(notice), text_of(message->status), message->namespace,
				     message->pipeline, message->alert,	 message->engine,	   message->condition};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		to = avro_put_bytes(to, texts[i]);
	to = avro_put_long(to, message->fired_at_ms);
	to = avro_put_long(to, message->at_ms);
	to = put_figures(to, message, figures);
	to = avro_put_bytes(to, message->group);
	to = avro_put_bytes(to, message->reason);
	to = avro_put_bytes(to, text_of(notice_drift(message)));
	buffer_grown(out, (size_t)(to - begin));
	return true;
}

/* ---- reading ---- */

static void figures_read(struct avro_cursor *cursor, struct alert_values *values)
{
	*values = alert_values_unknown();
	for (size_t left = avro_read_block(cursor); left > 0 && !avro_failed(cursor); left = avro_read_block(cursor))
		for (; left > 0 && !avro_failed(cursor); left--) {
			const struct text name = avro_read_bytes(cursor);
			alert_value_set(values, name, avro_read_double(cursor));
		}
}

static bool record_lacks_reason(struct text bytes)
{
	return avro_is_single_object(bytes, FORMER_SCHEMA);
}

static bool record_lacks_drift(struct text bytes)
{
	return record_lacks_reason(bytes) || avro_is_single_object(bytes, FORMER_SCHEMA_2);
}

bool alert_record_is(struct text bytes)
{
	return bytes.bytes && (avro_is_single_object(bytes, avro_alert_fingerprint()) || record_lacks_drift(bytes));
}

bool alert_record_decode(struct text bytes, struct alert_read *read, struct error *error)
{
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(bytes));
	*read = (struct alert_read){0};
	(void)avro_read_bytes(&cursor); /* the ids */
	(void)avro_read_bytes(&cursor);
	const struct text status = avro_read_bytes(&cursor);
	read->fires = text_is(status, "firing");
	read->is_present = text_is(status, ALERT_PRESENT);
	read->namespace = avro_read_bytes(&cursor);
	read->pipeline = avro_read_bytes(&cursor);
	read->alert = avro_read_bytes(&cursor);
	read->engine = avro_read_bytes(&cursor);
	read->condition = avro_read_bytes(&cursor);
	read->fired_at_ms = avro_read_long(&cursor);
	read->at_ms = avro_read_long(&cursor);
	figures_read(&cursor, &read->values);
	read->group = avro_read_bytes(&cursor);
	read->reason = record_lacks_reason(bytes) ? TEXT("") : avro_read_bytes(&cursor);
	const struct text drift = record_lacks_drift(bytes) ? TEXT("") : avro_read_bytes(&cursor);
	if (!avro_failed(&cursor))
		(void)snprintf(read->values.drift, sizeof read->values.drift, TEXT_FORMAT, TEXT_ARGUMENTS(drift));
	return (!avro_failed(&cursor) && moment_is_known(read->fired_at_ms) && moment_is_known(read->at_ms)) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the report of an alert is damaged");
}
