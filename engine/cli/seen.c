/* seen.c: see seen.h. */
#include "cli/seen.h"

#include "base/number.h"
#include "message/avro.h"
#include "message/json_scan.h"
#include "message/json_write.h"
#include "message/oip_json.h"
#include "message/oip_protobuf.h"
#include "message/tensor_json.h"

#define ELEMENTS_WHOLE 64 /* a tensor of more is shown to a person by its first elements */
#define ELEMENTS_FIRST 16
#define WORDS_SHOWN_MAX 2000

/* ---- reading ---- */

static const struct format *format_of(const struct seen *seen)
{
	const struct text value = seen->record->value;
	const struct header *type = headers_find(seen->message.headers, TEXT("content-type"));
	const struct format *said = type ? format_of_content_type(type->value) : NULL;
	if (said)
		return said;
	if (format_avro.sniff(&seen->message, value))
		return &format_avro;
	size_t blanks = 0;
	while (blanks < value.length && strchr(" \t\r\n", value.bytes[blanks]))
		blanks++;
	return blanks < value.length && value.bytes[blanks] == '{' ? &format_oip_json : &format_oip_protobuf;
}

/* {"error": "…"}: the words, or nothing. */
static struct text error_words(struct text body, struct arena *arena)
{
	struct json_scan scan;
	struct error wrong = {0};
	struct text key, words = {0};
	json_begin(&scan, body, "the answer", arena, &wrong);
	if (json_peek(&scan) != JSON_OBJECT)
		return words;
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		if (text_is(key, "error") && json_peek(&scan) == JSON_STRING)
			json_string(&scan, &words);
		else
			json_skip(&scan);
	}
	return words;
}

static void read_avro(struct seen *seen, struct arena *arena)
{
	struct avro_answer answer;
	struct error wrong = {0};
	if (!avro_answer_decode(seen->record->value, NULL, arena, &answer, &wrong))
		return;
	if (!seen->message.id.bytes)
		seen->message.id = answer.id;
	seen->readable = !answer.failed;
	seen->payload = answer.payload;
	if (!answer.failed)
		return;
	seen->failed = true;
	seen->kind = text_of(error_kind_name(answer.error.kind));
	seen->words = text_of(arena_copy(arena, answer.error.text, strlen(answer.error.text)));
}

static void read_json(struct seen *seen, struct arena *arena)
{
	const struct header *length = headers_find(seen->message.headers, TEXT("Inference-Header-Content-Length"));
	uint64_t header_length = 0;
	struct oip_reply reply;
	struct error wrong = {0};
	if (length)
		(void)number_read_uint64(length->value, &header_length);
	seen->readable = oip_json_decode_reply(arena, seen->record->value, (size_t)header_length, &reply, &wrong);
	if (seen->readable) {
		seen->payload = reply.payload;
		if (!seen->message.id.bytes)
			seen->message.id = reply.id;
		return;
	}
	struct text words = error_words(seen->record->value, arena);
	if (words.bytes) {
		seen->failed = true;
		seen->words = words;
	}
}

static void read_protobuf(struct seen *seen, struct arena *arena)
{
	struct error wrong = {0};
	struct text id = {0};
	if (seen->failed)
		return; /* a status, whose words stand among its bytes */
	seen->readable = oip_response_decode(seen->record->value, arena, &seen->payload, &id, &wrong);
	if (seen->readable && !seen->message.id.bytes)
		seen->message.id = id;
}

bool seen_read(const struct record *record, struct arena *arena, struct seen *seen, struct error *error)
{
	*seen = (struct seen){.record = record, .words = record->value};
	seen->message = (struct message){.arena = arena, .key = record->key, .time_ms = record->time_ms};
	if (!record_headers(record, arena, &seen->message.headers, error))
		return false;
	const struct header *id = headers_find(seen->message.headers, TEXT("x-request-id"));
	const struct header *kind = headers_find(seen->message.headers, TEXT("sluice-error"));
	if (id)
		seen->message.id = id->value;
	seen->failed = kind != NULL;
	if (kind)
		seen->kind = kind->value;
	const struct format *format = format_of(seen);
	if (format == &format_avro)
		read_avro(seen, arena);
	else if (format == &format_oip_protobuf)
		read_protobuf(seen, arena);
	else
		read_json(seen, arena);
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "reading an answer");
}

/* ---- showing ---- */

static void print_tensor(const struct tensor *tensor, struct arena *arena, struct buffer *out)
{
	const char *type = tensor_type_text(arena, tensor);
	buffer_print(out, "  " TEXT_FORMAT "  %s  ", TEXT_ARGUMENTS(tensor->name), type ? type : "");
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
		buffer_print(out, "%zu bytes that are no answer in a format known here", words.length);
	else
		json_write_string(out, (struct text){words.bytes, length});
}

void seen_print_text(const struct seen *seen, struct buffer *out)
{
	buffer_print(out, "" TEXT_FORMAT "  %d:%lld\n", TEXT_ARGUMENTS(seen->message.id), (int)seen->record->partition,
		     (long long)seen->record->offset);
	for (size_t i = 0; seen->readable && i < seen->payload.tensors.count; i++)
		print_tensor(seen->payload.tensors.items[i], seen->message.arena, out);
	if (seen->readable)
		return;
	buffer_print(out, "  %s" TEXT_FORMAT "%s", seen->failed ? "error " : "", TEXT_ARGUMENTS(seen->kind),
		     seen->kind.length ? " " : "");
	print_words(seen->words, out);
	buffer_byte(out, '\n');
}

static bool print_response(const struct seen *seen, struct buffer *out)
{
	const struct message message = {.arena = seen->message.arena, .format = &format_oip_json};
	const struct answer answer = {.payload = &seen->payload};
	struct error wrong = {0};
	return answer_encode(&message, &answer, &format_oip_json, NULL, out, &wrong);
}

void seen_print_json(const struct seen *seen, struct buffer *out)
{
	buffer_string(out, "{\"id\": ");
	json_write_string(out, seen->message.id);
	buffer_print(out, ", \"partition\": %d, \"offset\": %lld, \"time_ms\": %lld, ", (int)seen->record->partition,
		     (long long)seen->record->offset, (long long)seen->record->time_ms);
	if (seen->readable) {
		buffer_string(out, "\"response\": ");
		out->failed |= !print_response(seen, out);
	} else if (seen->failed) {
		buffer_string(out, "\"error\": {\"kind\": ");
		json_write_string(out, seen->kind);
		buffer_string(out, ", \"message\": ");
		json_write_string(out, seen->words);
		buffer_byte(out, '}');
	} else {
		buffer_string(out, "\"body\": ");
		json_write_string(out, seen->words);
	}
	buffer_string(out, "}\n");
}
