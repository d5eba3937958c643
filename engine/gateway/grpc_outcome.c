/* grpc_outcome.c: see grpc_outcome.h. */
#include "gateway/grpc_outcome.h"

#include <jansson.h>
#include <stdio.h>

#include "gateway/calls/seldon_errors.h"
#include "gateway/calls/seldon_puid.h"
#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_wire.h"

enum { ID = 3 };				/* field of inference responses */
enum { SELDON_META = 2, SELDON_META_PUID = 1 }; /* fields of a SeldonMessage, and of its Meta */

static void failure_note(const struct outcome_notes *notes, const json_t *body, const char *key, const char *name)
{
	const json_t *value = json_object_get(body, key);
	char number[24];
	if (json_is_string(value)) {
		notes->add(notes->context, text_of(name), text_of(json_string_value(value)));
	} else if (json_is_integer(value)) {
		(void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
		notes->add(notes->context, text_of(name), text_of(number));
	}
}

bool grpc_outcome_explain(const struct call_outcome *outcome, bool has_seldon_errors, const struct outcome_notes *notes,
			  struct buffer *words)
{
	static const char *const fields[][2] = {{"kind", REPLY_ERROR_HEADER},
						{"place", REPLY_PLACE_HEADER},
						{"step", REPLY_STEP_HEADER},
						{"attempts", REPLY_ATTEMPTS_HEADER}};
	struct call_outcome seldon = *outcome;
	json_t *body = json_loadb(outcome->body.bytes ? outcome->body.bytes : "", outcome->body.length, 0, NULL);
	const char *reason = json_string_value(json_object_get(body, "error"));
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		failure_note(notes, body, fields[i][0], fields[i][1]);
	const bool in_seldons_form = has_seldon_errors && seldon_outcome_write(&seldon, false, words);
	if (!in_seldons_form)
		buffer_string(words, reason ? reason : "the request failed");
	json_decref(body);
	return in_seldons_form;
}

void grpc_outcome_note(const struct call_outcome *outcome, const struct outcome_notes *notes)
{
	char retry[24];
	if (call_id_is_header(outcome->id))
		notes->add(notes->context, TEXT(REPLY_ID_HEADER), outcome->id);
	if (outcome->retry_after_s > 0) {
		(void)snprintf(retry, sizeof retry, "%d", outcome->retry_after_s);
		notes->add(notes->context, TEXT("retry-after"), text_of(retry));
	}
	for (size_t i = 0; i < outcome->headers.count; i++)
		notes->add(notes->context, outcome->headers.items[i].name, outcome->headers.items[i].value);
}

/* ---- answers to unary calls ---- */

static void metadata_add(void *context, struct text name, struct text value)
{
	grpc_request_add_field(context, name, value);
}

static void answer_failed(struct grpc_request *request, const struct call_outcome *outcome, bool has_seldon_errors)
{
	const struct outcome_notes notes = {metadata_add, request};
	struct buffer words;
	buffer_open(&words, CALL_ERROR_BYTES_MAX);
	const bool is_unknown = grpc_outcome_explain(outcome, has_seldon_errors, &notes, &words);
	grpc_server_answer(request, is_unknown ? GRPC_UNKNOWN : call_grpc_status(outcome), buffer_view(&words), (struct text){0});
	buffer_close(&words);
}

/* A SeldonMessage without data has no field. */
static void answer_empty(struct grpc_request *request, const struct call_outcome *outcome, bool is_seldon, const char *word)
{
	char bytes[CALL_ID_BYTES_MAX + 8];
	struct text id = outcome->id;
	char *end = bytes;
	if (!is_seldon && id.length > 0 && id.length <= CALL_ID_BYTES_MAX)
		end = protobuf_put_bytes(bytes, ID, id);
	grpc_request_add_field(request, TEXT(REPLY_OUTCOME_HEADER), text_of(word));
	grpc_server_answer(request, GRPC_OK, (struct text){0}, (struct text){bytes, (size_t)(end - bytes)});
}

static void answer_with_puid(struct grpc_request *request, const struct call_outcome *outcome)
{
	struct buffer body;
	buffer_open(&body, outcome->body.length + 2 * CALL_ID_BYTES_MAX);
	const bool is_written = seldon_puid_encode(outcome->body, outcome->id, &body) && !buffer_failed(&body);
	grpc_server_answer(request, GRPC_OK, (struct text){0}, is_written ? buffer_view(&body) : outcome->body);
	buffer_close(&body);
}

void grpc_outcome_answer(struct grpc_request *request, const struct call_outcome *outcome, const struct grpc_outcome_form *form)
{
	const struct outcome_notes notes = {metadata_add, request};
	grpc_outcome_note(outcome, &notes);
	if (form->is_seldon && call_id_is_header(outcome->id))
		metadata_add(request, TEXT(SELDON_PUID_HEADER), outcome->id);
	switch (outcome->end) {
	case CALL_ANSWERED:
		if (form->is_seldon && form->has_seldon_errors && outcome->id.length > 0 && outcome->id.length <= CALL_ID_BYTES_MAX)
			answer_with_puid(request, outcome);
		else
			grpc_server_answer(request, GRPC_OK, (struct text){0}, outcome->body);
		break;
	case CALL_FILTERED:
		answer_empty(request, outcome, form->is_seldon, REPLY_FILTERED);
		break;
	case CALL_ACCEPTED:
		answer_empty(request, outcome, form->is_seldon, "accepted");
		break;
	case CALL_FAILED:
		answer_failed(request, outcome, form->has_seldon_errors);
		break;
	}
}

void grpc_outcome_answer_feedback(struct grpc_request *request, const struct call_outcome *outcome,
				  const struct grpc_outcome_form *form)
{
	char meta[CALL_ID_BYTES_MAX + 8], bytes[CALL_ID_BYTES_MAX + 16];
	if (outcome->end != CALL_ACCEPTED || outcome->id.length > CALL_ID_BYTES_MAX) {
		grpc_outcome_answer(request, outcome, form);
		return;
	}
	const char *meta_end = protobuf_put_bytes(meta, SELDON_META_PUID, outcome->id);
	const char *end = protobuf_put_bytes(bytes, SELDON_META, (struct text){meta, (size_t)(meta_end - meta)});
	grpc_server_answer(request, GRPC_OK, (struct text){0}, (struct text){bytes, (size_t)(end - bytes)});
}
