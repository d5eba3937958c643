/* case_print.c: Printer of records as JSON lines. */
#include "tools/test/case_judge.h"
#include "message/formats/format.h"
#include "message/json/json_write.h"
#include "message/rows.h"
#include "compiler/graph/model_name.h"

#define RESPONSE_BYTES_MAX ((size_t)1 << 30)

/* A reply is shown as it was received, if that is JSON; anything else as OIP. */
static bool response_print(const struct arrival *record, struct arena *arena, struct buffer *out)
{
	const struct message message = {.arena = arena, .format = &format_oip_json, .payload_id = record->body_id};
	const struct answer answer = {.payload = record->payload};
	struct error error = {0};
	if (record->body.bytes)
		buffer_text(out, record->body);
	else if (!answer_encode(&message, &answer, message.format, NULL, out, &error))
		return false;
	return !buffer_failed(out);
}

struct text record_response(const struct arrival *record, struct arena *arena)
{
	struct buffer out;
	struct text json = {0};
	buffer_open(&out, RESPONSE_BYTES_MAX);
	if (record->body.bytes)
		json = record->body;
	else if (record->payload && response_print(record, arena, &out))
		json = text_copied(arena, buffer_view(&out));
	buffer_close(&out);
	return json;
}

static void error_print(const struct error *error, struct buffer *out)
{
	json_write_string_after(out, TEXT("\"error\": {\"kind\": "), text_of(error_kind_name(error->kind)));
	json_write_string_after(out, TEXT(", \"message\": "), text_of(error->text));
	buffer_byte(out, '}');
}

void record_print(const struct arrival *record, struct arena *arena, struct buffer *out)
{
	json_write_string_after(out, TEXT("{\"id\": "), record->id);
	if (record->at)
		json_write_string_after(out, TEXT(", \"at\": "), text_of(record->at));
	buffer_string(out, ", ");
	size_t begun = out->length;
	if (record->payload) {
		buffer_string(out, "\"response\": ");
		if (!response_print(record, arena, out)) {
			struct error error = {0};
			error_set(&error, ERROR_INPUT, PLACE_NONE, "the answer cannot be written as JSON");
			out->length = begun;
			error_print(&error, out);
		}
	} else {
		error_print(record->error, out);
	}
	buffer_string(out, "}\n");
}

int64_t calls_of(const struct case_results *results, struct text name)
{
	int64_t calls = 0;
	for (const struct model_calls *model = results->models; model; model = model->next)
		if (text_is(name, model_served_name(model->name)))
			calls += model->calls;
	return calls;
}

/* Models of several predictors may be called by one name: they are printed as one. */
static bool is_printed(const struct case_results *results, const struct model_calls *until, const char *name)
{
	for (const struct model_calls *model = results->models; model != until; model = model->next)
		if (model->calls > 0 && strcmp(model_served_name(model->name), name) == 0)
			return true;
	return false;
}

void calls_print(const struct case_results *results, struct buffer *out)
{
	const char *between = "";
	buffer_string(out, "{\"calls\": {");
	for (const struct model_calls *model = results->models; model; model = model->next) {
		const char *name = model_served_name(model->name);
		if (model->calls == 0 || is_printed(results, model, name))
			continue;
		json_write_string_after(out, text_of(between), text_of(name));
		buffer_string(out, ": ");
		json_write_int64(out, calls_of(results, text_of(name)));
		between = ", ";
	}
	buffer_string(out, "}}\n");
}
