/* answer_view.c: see answer_view.h. */
#include "tools/view/answer_view.h"

#include "base/quote.h"
#include "message/json/json_write.h"
#include "message/avro/schemas.h"
#include "message/json/tensor_json.h"

#define ELEMENTS_WHOLE 64 /* a tensor of more is shown to a person by its first elements */
#define ELEMENTS_FIRST 16
#define WORDS_SHOWN_MAX 2000

/* A number that a schema registry gave, which is not known here: in a topic of answers it is that of our answers. */
static const char *schema_by_id(void *context, uint32_t id, struct error *error)
{
	(void)context, (void)id, (void)error;
	return schema_json("response");
}

static const char *schema_by_fingerprint(void *context, uint64_t fingerprint, struct error *error)
{
	(void)context;
	return error_null(error_set(error, ERROR_INPUT, PLACE_NONE, "the schema %016llx is not known here",
				    (unsigned long long)fingerprint));
}

static const struct schema_source answer_schemas = {.by_id = schema_by_id, .by_fingerprint = schema_by_fingerprint};

static bool read_once(const struct record *record, const struct schema_source *schemas, struct arena *arena,
		      struct answer_view *view, struct error *error)
{
	*view = (struct answer_view){.record = record};
	view->message = (struct message){.arena = arena, .key = record->key, .time_ms = record->time_ms};
	if (!record_headers(record, arena, &view->message.headers, error) ||
	    !answer_decode(view->message.headers, record->value, schemas, arena, &view->answer, error))
		return false;
	view->message.id = view->answer.id;
	return true;
}

bool answer_view_read(const struct record *record, struct schema_lookup *asker, struct arena *arena, struct answer_view *view,
		      struct error *error)
{
	const struct schema_source *schemas = schema_lookup_source(asker);
	bool read;
	do {
		arena_reset(arena);
		read = read_once(record, schemas ? schemas : &answer_schemas, arena, view, error);
	} while (read && schema_lookup_again(asker, error));
	return read && error->kind == ERROR_NONE;
}

struct text answer_view_request_id(const struct answer_view *view, struct arena *arena)
{
	return answer_request_id(&view->answer, view->message.headers, arena);
}

/* ---- showing ---- */

static void print_tensor(const struct tensor *tensor, struct arena *arena, struct buffer *out)
{
	const char *type = tensor_type_text(arena, tensor);
	buffer_print(out, "  %s  %s  ", text_shown(tensor->name, arena), type ? type : "");
	if (tensor->count <= ELEMENTS_WHOLE) {
		tensor_json_write_nested(out, tensor, BYTES_AS_EITHER);
	} else {
		for (size_t i = 0; i < ELEMENTS_FIRST; i++) {
			buffer_string(out, i == 0 ? "" : ", ");
			tensor_json_write_element(out, tensor, i, BYTES_AS_EITHER);
		}
		buffer_print(out, ", ... of %zu", (size_t)tensor->count);
	}
	buffer_byte(out, '\n');
}

static void print_words(struct text words, struct buffer *out)
{
	size_t length = words.length < WORDS_SHOWN_MAX ? words.length : WORDS_SHOWN_MAX;
	if (!text_is_utf8(words))
		buffer_print(out, "%zu bytes that are not an answer in a known format", words.length);
	else
		json_write_string(out, (struct text){words.bytes, length});
}

static void print_lines(const struct answer_view *view, struct buffer *out)
{
	buffer_shown(out, view->message.id);
	buffer_print(out, "  %d:%lld\n", (int)view->record->partition, (long long)view->record->offset);
	for (size_t i = 0; view->answer.readable && i < view->answer.payload.tensors.count; i++)
		print_tensor(view->answer.payload.tensors.items[i], view->message.arena, out);
	if (view->answer.readable)
		return;
	if (view->answer.ended.length > 0) {
		buffer_print(out, "  %s, without an answer\n", text_shown(view->answer.ended, view->message.arena));
		return;
	}
	buffer_print(out, "  %s%s%s", view->answer.failed ? "error " : "", text_shown(view->answer.kind, view->message.arena),
		     view->answer.kind.length ? " " : "");
	print_words(view->answer.words, out);
	buffer_byte(out, '\n');
}

void answer_view_print_text(const struct answer_view *view, struct buffer *out)
{
	struct buffer lines;
	buffer_open(&lines, out->ceiling_bytes);
	print_lines(view, &lines);
	buffer_shown_lines(out, buffer_view(&lines));
	out->failed = out->failed || buffer_failed(&lines);
	buffer_close(&lines);
}

static bool print_response(const struct answer_view *view, struct buffer *out)
{
	const struct message message = {.arena = view->message.arena, .format = &format_oip_json};
	const struct answer answer = {.payload = &view->answer.payload};
	struct error wrong = {0};
	return answer_encode(&message, &answer, &format_oip_json, NULL, out, &wrong);
}

void answer_view_print_json(const struct answer_view *view, struct buffer *out)
{
	json_write_string_after(out, TEXT("{\"id\": "), view->message.id);
	buffer_print(out, ", \"partition\": %d, \"offset\": %lld, \"time_ms\": %lld, ", (int)view->record->partition,
		     (long long)view->record->offset, (long long)view->record->time_ms);
	if (view->answer.readable) {
		buffer_string(out, "\"response\": ");
		out->failed |= !print_response(view, out);
	} else if (view->answer.ended.length > 0) {
		json_write_string_after(out, TEXT("\"outcome\": "), view->answer.ended);
	} else if (view->answer.failed) {
		json_write_string_after(out, TEXT("\"error\": {\"kind\": "), view->answer.kind);
		json_write_string_after(out, TEXT(", \"message\": "), view->answer.words);
		buffer_byte(out, '}');
	} else {
		json_write_string_after(out, TEXT("\"body\": "), view->answer.words);
	}
	buffer_string(out, "}\n");
}
