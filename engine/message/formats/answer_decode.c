/* answer_decode.c: see answer_decode.h. */
#include "message/formats/answer_decode.h"

#include "base/number/number.h"
#include "message/records/answer_tensors.h"
#include "message/avro/avro.h"
#include "message/json/json_form.h"
#include "message/formats/oip_json.h"
#include "message/formats/oip_protobuf.h"
#include "message/formats/protobuf_wire.h"
#include "message/records/reply.h"
#include "message/formats/seldon_protobuf.h"
#include "message/formats/v1_json.h"

enum { STATUS_MESSAGE = 2 }; /* field of a google.rpc.Status, which an error is */

struct answer_reading {
	struct headers headers;
	struct text bytes;
	const struct schema_source *schemas;
	struct arena *arena;
	struct decoded_answer *answer;
};

static void name_answer(struct decoded_answer *answer, struct text id)
{
	if (!answer->id.bytes)
		answer->id = id;
}

static void read_avro(const struct answer_reading *reading)
{
	struct decoded_answer *answer = reading->answer;
	struct avro_answer found;
	struct error wrong = {0};
	if (!avro_answer_decode(reading->bytes, reading->schemas, reading->arena, &found, &wrong))
		return;
	name_answer(answer, found.id);
	answer->readable = !found.failed;
	answer->payload = found.payload;
	answer->origin = found.origin;
	answer->lists = found.lists;
	if (!found.failed)
		return;
	answer->failed = true;
	answer->kind = text_of(error_kind_name(found.error.kind));
	answer->words = text_of(arena_copy(reading->arena, found.error.text, strlen(found.error.text)));
}

static void read_protobuf(const struct answer_reading *reading)
{
	struct decoded_answer *answer = reading->answer;
	struct error wrong = {0};
	struct text id = {0};
	if (answer->failed) {
		const struct text words = protobuf_read_text(reading->bytes, STATUS_MESSAGE);
		answer->words = words.length > 0 ? words : answer->words;
		return;
	}
	answer->readable = oip_response_decode(reading->bytes, reading->arena, &answer->payload, &id, &wrong);
	if (answer->readable)
		name_answer(answer, id);
}

/* ---- JSON, of one of three forms ---- */

/* The words of a SeldonMessage that failed: {"status": {"info": "…"}}. The scan is at its status. */
static void status_read(struct json_scan *scan, struct text *words)
{
	struct text key;
	json_enter(scan);
	while (json_key(scan, &key)) {
		if (text_is(key, "info") && json_peek(scan) == JSON_STRING)
			json_text(scan, words);
		else
			json_skip(scan);
	}
}

/* What the names in an object say of its form; and the words of an error: {"error": "…"}, or a status. */
static const struct format *form_of(const struct answer_reading *reading, struct text *words)
{
	struct json_scan scan;
	struct error wrong = {0};
	struct text key;
	const struct format *form = &format_oip_json;
	json_begin(&scan, reading->bytes, "the answer", reading->arena, &wrong);
	if (json_peek(&scan) != JSON_OBJECT)
		return form;
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		if (text_is(key, "predictions") || (text_is(key, "outputs") && json_form_of_tensors(scan) == JSON_FORM_V1))
			form = &format_v1;
		else if (text_is(key, "data") || text_is(key, "strData") || text_is(key, "binData") || text_is(key, "jsonData"))
			form = &format_seldon;
		if (text_is(key, "error") && json_peek(&scan) == JSON_STRING)
			json_text(&scan, words);
		else if (text_is(key, "status") && json_peek(&scan) == JSON_OBJECT && reading->answer->failed)
			status_read(&scan, words);
		else
			json_skip(&scan);
	}
	return form;
}

static bool read_oip(const struct answer_reading *reading)
{
	const struct header *length = headers_find(reading->headers, TEXT(OIP_LENGTH_HEADER));
	uint64_t header_length = 0;
	struct oip_reply reply;
	struct error wrong = {0};
	if (length)
		(void)number_read_uint64(length->value, &header_length);
	if (!oip_json_decode_reply(reading->arena, reading->bytes, (size_t)header_length, &reply, &wrong))
		return false;
	reading->answer->payload = reply.payload;
	name_answer(reading->answer, reply.id);
	return true;
}

static bool read_seldon(const struct answer_reading *reading)
{
	struct message message = {.arena = reading->arena};
	struct error wrong = {0};
	if (!format_seldon.decode(&message, reading->bytes, NULL, &wrong))
		return false;
	reading->answer->payload = message.payload;
	name_answer(reading->answer, message.payload_id);
	return true;
}

static void read_json(const struct answer_reading *reading)
{
	struct decoded_answer *answer = reading->answer;
	struct error wrong = {0};
	struct text words = {0};
	answer->format = &format_oip_json;
	if (read_oip(reading)) {
		answer->readable = true;
		return;
	}
	const struct format *form = form_of(reading, &words);
	if (form == &format_v1)
		answer->readable = v1_decode_reply(reading->arena, reading->bytes, &answer->payload, &wrong);
	else if (form == &format_seldon)
		answer->readable = read_seldon(reading);
	answer->format = form;
	if (words.bytes && !answer->readable) {
		answer->failed = true;
		answer->words = words;
	}
}

/* An error may be JSON all the same. */
static void read_seldon_protobuf(const struct answer_reading *reading)
{
	struct answer_reading converted = *reading;
	struct error wrong = {0};
	if (!seldon_protobuf_to_json(reading->bytes, reading->arena, &converted.bytes, &wrong))
		converted.bytes = reading->bytes;
	read_json(&converted);
	converted.answer->format = &format_seldon_protobuf;
}

/* ---- which format ---- */

static const struct format *format_of(const struct answer_reading *reading)
{
	const struct header *type = headers_find(reading->headers, TEXT("content-type"));
	const struct format *declared = type ? format_of_content_type(type->value) : NULL;
	const struct message envelope = {.headers = reading->headers};
	if (declared)
		return declared;
	if (format_avro.sniff(&envelope, reading->bytes))
		return &format_avro;
	size_t blanks = 0;
	while (blanks < reading->bytes.length && strchr(" \t\r\n", reading->bytes.bytes[blanks]))
		blanks++;
	return blanks < reading->bytes.length && reading->bytes.bytes[blanks] == '{' ? &format_oip_json : &format_oip_protobuf;
}

bool answer_decode(struct headers headers, struct text bytes, const struct schema_source *schemas, struct arena *arena,
		   struct decoded_answer *answer, struct error *error)
{
	const struct header *id = headers_find(headers, TEXT("x-request-id"));
	const struct header *kind = headers_find(headers, TEXT("sluice-error"));
	const struct answer_reading reading = {headers, bytes, schemas, arena, answer};
	*answer = (struct decoded_answer){.failed = kind != NULL, .words = bytes};
	if (id)
		answer->id = id->value;
	if (kind)
		answer->kind = kind->value;
	if (!bytes.bytes) { /* a tombstone, or the end of a submitted request */
		const struct header *outcome = headers_find(headers, TEXT(REPLY_OUTCOME_HEADER));
		answer->ended = outcome ? outcome->value : (struct text){0};
		answer->format = &format_oip_json;
		return true;
	}
	const struct format *format = answer->format = format_of(&reading);
	if (format == &format_avro)
		read_avro(&reading);
	else if (format == &format_oip_protobuf)
		read_protobuf(&reading);
	else if (format == &format_seldon_protobuf)
		read_seldon_protobuf(&reading);
	else
		read_json(&reading);
	answer->unnamed = answer->readable && !answer_tensors_restore(headers, answer->format, arena, &answer->payload);
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "reading an answer");
}

struct text answer_request_id(const struct decoded_answer *answer, struct headers headers, struct arena *arena)
{
	const struct header *given = headers_find(headers, TEXT(REPLY_DEFAULT_ID_HEADER));
	const struct header *origin = headers_find(headers, TEXT(REPLY_ORIGIN_HEADER));
	if (answer->id.length > 0 || (!given && !origin))
		return answer->id;
	if (given && given->value.length > 0)
		return given->value;
	char *id = origin ? arena_copy(arena, origin->value.bytes, origin->value.length) : NULL;
	for (size_t i = 0; id && i < origin->value.length; i++)
		id[i] = id[i] == '/' ? '-' : id[i]; /* a topic's name has none */
	return (struct text){id, id ? origin->value.length : 0};
}
