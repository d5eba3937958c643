/* case_print.c: Printer of records as JSON lines. */
#include "simulation/case_judge.h"
#include "message/format.h"
#include "message/json_write.h"
#include "message/rows.h"
#include "plan/address.h"

#define RESPONSE_BYTES_MAX ((size_t)1 << 30)

/* What stands on a topic, and what leaves in no JSON, is shown as OIP. */
static bool response_encode_oip(const struct arrival *record, struct buffer *out)
{
	struct message message = *record->message;
	struct error error = {0};
	const struct answer answer = {.payload = record->payload};
	message.format = &format_oip_json;
	if (record->at) {
		message.wanted.count = 0;
		message.payload_id = (struct text){0};
	}
	return answer_encode(&message, &answer, message.format, NULL, out, &error) && !buffer_failed(out);
}

/* A reply leaves in the format of its pipeline, or of its request; it has to fit that, also where its bytes are not shown. */
static bool response_encode(const struct arrival *record, struct buffer *out)
{
	const struct format *format = record->format ? record->format : record->message->format;
	const struct answer answer = {.payload = record->payload};
	struct error error = {0};
	size_t begun = out->length;
	if (record->at)
		return response_encode_oip(record, out);
	if (!answer_encode(record->message, &answer, format, NULL, out, &error) || buffer_failed(out))
		return false;
	if (!format || !format->binary)
		return true;
	out->length = begun;
	return response_encode_oip(record, out);
}

struct text record_response(const struct arrival *record, struct arena *arena)
{
	struct buffer out;
	struct text json = record->body;
	buffer_open(&out, RESPONSE_BYTES_MAX);
	if (!json.bytes && record->payload && response_encode(record, &out))
		json = text_copied(arena, buffer_view(&out));
	buffer_close(&out);
	return json;
}

static void error_print(const struct error *error, struct buffer *out)
{
	buffer_string(out, "\"error\": {\"kind\": ");
	json_write_string(out, text_of(error_kind_name(error->kind)));
	buffer_string(out, ", \"message\": ");
	json_write_string(out, text_of(error->text));
	buffer_byte(out, '}');
}

void record_print(const struct arrival *record, struct buffer *out)
{
	buffer_string(out, "{\"id\": ");
	json_write_string(out, record->id);
	if (record->at) {
		buffer_string(out, ", \"at\": ");
		json_write_string(out, text_of(record->at));
	}
	buffer_string(out, ", ");
	size_t begun = out->length;
	if (record->payload) {
		buffer_string(out, "\"response\": ");
		if (!response_encode(record, out)) {
			struct error error = {0};
			error_set(&error, ERROR_INPUT, PLACE_NONE, "the answer does not fit the format of its request");
			out->length = begun;
			error_print(&error, out);
		}
	} else {
		error_print(record->error, out);
	}
	buffer_string(out, "}\n");
}

int64_t calls_of(const struct case_world *world, struct text name)
{
	int64_t calls = 0;
	for (const struct model *model = world->models; model; model = model->next)
		if (text_is(name, model_served_name(model->name)))
			calls += model->calls;
	return calls;
}

/* Models of several predictors may be called by one name: they are told as one. */
static bool is_printed(const struct case_world *world, const struct model *until, const char *name)
{
	for (const struct model *model = world->models; model != until; model = model->next)
		if (model->calls > 0 && strcmp(model_served_name(model->name), name) == 0)
			return true;
	return false;
}

void calls_print(const struct case_world *world, struct buffer *out)
{
	const char *between = "";
	buffer_string(out, "{\"calls\": {");
	for (const struct model *model = world->models; model; model = model->next) {
		const char *name = model_served_name(model->name);
		if (model->calls == 0 || is_printed(world, model, name))
			continue;
		buffer_string(out, between);
		json_write_string(out, text_of(name));
		buffer_string(out, ": ");
		json_write_int64(out, calls_of(world, text_of(name)));
		between = ", ";
	}
	buffer_string(out, "}}\n");
}
