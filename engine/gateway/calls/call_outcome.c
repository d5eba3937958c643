/* call_outcome.c: see call_outcome.h. */
#include "gateway/calls/call_outcome.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "message/formats/answer_decode.h"
#include "message/json/json_write.h"
#include "message/rows.h"
#include "net/grpc/grpc_wire.h"
#include "net/http/http_head.h"

#define RETRY_AFTER_S 1 /* time for an engine to finish its in-flight messages */

int call_status(struct text kind, struct text limit, struct text input)
{
	if (text_is(kind, "INPUT") && text_is(input, REPLY_INPUT_TENSOR))
		return 422;
	if (text_is(limit, "deadline") || text_is(limit, "expiry"))
		return 504;
	if (text_is(limit, "admission"))
		return 429;
	if (text_is(limit, "warmup"))
		return 503;
	if (text_is(limit, REPLY_LIMIT_CANCEL))
		return 410;
	if (text_is(limit, REPLY_LIMIT_ANSWER))
		return 500;
	if (text_is(kind, "INPUT") || text_is(kind, "LIMIT"))
		return 400;
	return text_is(kind, "REMOTE") ? 502 : 500;
}

/* Whether an error with this limit says that no step was run. */
static bool limit_declines(struct text limit)
{
	return text_is(limit, "admission") || text_is(limit, "expiry");
}

int call_grpc_status(const struct call_outcome *outcome)
{
	return outcome->limit ? GRPC_RESOURCE_EXHAUSTED : grpc_status_for_http(outcome->status);
}

bool call_status_is_of_pipeline(int status)
{
	return status == 400 || status == 422 || status == 500 || status == 502;
}

int call_counted_status(enum counted_protocol protocol, bool has_seldon_errors, const struct call_outcome *outcome)
{
	const bool is_seldons = has_seldon_errors && outcome->end == CALL_FAILED && call_status_is_of_pipeline(outcome->status);
	if (protocol == COUNTED_REST)
		return is_seldons ? SELDON_STATUS : outcome->status;
	if (is_seldons)
		return GRPC_UNKNOWN;
	return outcome->end == CALL_FAILED ? call_grpc_status(outcome) : GRPC_OK;
}

static struct text value_of(struct headers headers, struct text name)
{
	const struct header *header = headers_find(headers, name);
	return header ? header->value : (struct text){0};
}

bool call_id_is_header(struct text id)
{
	return id.length > 0 && id.length <= CALL_ID_BYTES_MAX && http_head_is_value(id);
}

struct text call_outcome_type(const struct call_outcome *outcome)
{
	return outcome->header_length.length > 0 ? TEXT("application/octet-stream") : outcome->content_type;
}

/* Headers of a reply that are not passed on as they are. */
struct reply_values {
	struct text kind, outcome, limit, input;
};

/* Where the value of a reply's header belongs; NULL: with the headers that are passed on, unless it is one between engines and
 * gateways. */
static struct text *reply_field(struct call_outcome *outcome, struct reply_values *values, enum header_name name)
{
	switch (name) {
	case HEADER_CONTENT_TYPE:
		return &outcome->content_type;
	case HEADER_OIP_LENGTH:
		return &outcome->header_length;
	case HEADER_REQUEST_ID:
		return &outcome->id;
	case HEADER_ERROR:
		return &values->kind;
	case HEADER_OUTCOME:
		return &values->outcome;
	case HEADER_LIMIT:
		return &values->limit;
	case HEADER_INPUT:
		return &values->input;
	default:
		return NULL;
	}
}

/* Of several headers of a name the last one counts. */
static void reply_headers_read(struct call_outcome *outcome, struct reply_values *values, struct headers headers,
			       struct arena *arena)
{
	struct header *items = ARENA_ARRAY(arena, struct header, headers.count + 1);
	size_t count = 0;
	for (size_t i = 0; i < headers.count; i++) {
		const struct header *header = &headers.items[i];
		const enum header_name name = header_name_find(header->name);
		struct text *field = reply_field(outcome, values, name);
		if (field)
			*field = header->value;
		else if (items && (name == HEADER_EXPERIMENT || !reply_header_is_own(header->name)))
			items[count++] = *header;
	}
	outcome->headers = (struct headers){count, items};
}

bool call_outcome_read(struct call_outcome *outcome, struct text value, struct headers headers, struct arena *arena)
{
	struct reply_values values = {0};
	*outcome = (struct call_outcome){.end = CALL_ANSWERED, .status = 200, .body = value};
	reply_headers_read(outcome, &values, headers, arena);
	if (text_is(values.outcome, REPLY_FILTERED)) {
		outcome->end = CALL_FILTERED;
		outcome->status = 204;
	} else if (values.kind.length > 0) {
		outcome->end = CALL_FAILED;
		outcome->status = call_status(values.kind, values.limit, values.input);
		outcome->declined = limit_declines(values.limit);
		outcome->limit = (outcome->status == 400 || outcome->status == 500) && text_is(values.kind, "LIMIT");
		outcome->retry_after_s = outcome->status == 429 || outcome->status == 503 ? RETRY_AFTER_S : 0;
	}
	return !arena_failed(arena) && (value.bytes || outcome->end == CALL_FILTERED);
}

void call_outcome_keep(struct call_outcome *kept, const struct call_outcome *outcome, struct arena *arena)
{
	*kept = *outcome;
	kept->body = text_copied(arena, outcome->body);
	kept->content_type = text_copied(arena, outcome->content_type);
	kept->header_length = text_copied(arena, outcome->header_length);
	kept->id = text_copied(arena, outcome->id);
	kept->target = text_copied(arena, outcome->target);
	kept->submission = text_copied(arena, outcome->submission);
	kept->headers = headers_copied(arena, outcome->headers);
	kept->arena = arena;
}

static void outcome_fail(struct call_outcome *outcome, int status, const struct reply_failure *failure, struct buffer *body)
{
	buffer_clear(body);
	reply_error_write(body, failure);
	*outcome = (struct call_outcome){
		.end = CALL_FAILED,
		.status = status,
		.body = buffer_view(body),
		.content_type = TEXT("application/json"),
		.retry_after_s = status == 503 || status == 429 ? RETRY_AFTER_S : 0,
	};
}

void call_outcome_refused(struct call_outcome *outcome, int status, enum error_kind kind, const char *words, struct text place,
			  struct text id, struct buffer *body)
{
	struct error error = {0};
	error_set(&error, kind, PLACE_NONE, "%s", words);
	outcome_fail(outcome, status, &(struct reply_failure){.error = &error, .id = id, .where = place}, body);
}

void call_late_write(const struct call_late *late, char words[ERROR_TEXT_MAX])
{
	const char *pipeline = late->pipeline ? late->pipeline : "that was there";
	if (late->is_stopping)
		(void)snprintf(
			words, ERROR_TEXT_MAX,
			"the gateway is stopping, and %s for pipeline %s; the request may be processed all the same, and %s",
			late->taken ? "no answer has come" : "Kafka has not confirmed the request", pipeline,
			late->taken && late->is_keyed ? "its answer comes if it is sent again with its idempotency-key"
						      : "once more if it is sent again");
	else if (!late->taken && late->is_unhurried)
		(void)snprintf(words, ERROR_TEXT_MAX,
			       "Kafka has not confirmed the request within %" PRId64 " ms, for pipeline %s: it may be processed "
			       "all the same. If it is sent again, it may be processed twice; with one idempotency-key, all get "
			       "the answer of one of them",
			       late->allowed_ms, pipeline);
	else if (!late->taken)
		(void)snprintf(words, ERROR_TEXT_MAX,
			       "Kafka did not take the request within %" PRId64 " ms, for pipeline %s; try again later",
			       late->allowed_ms, pipeline);
	else if (late->replies)
		(void)snprintf(words, ERROR_TEXT_MAX, "no answer came within %" PRId64 " ms: " REPLIES_GONE_WORDS, late->allowed_ms,
			       late->replies);
	else if (late->answers)
		(void)snprintf(words, ERROR_TEXT_MAX,
			       "no answer came within %" PRId64 " ms: topic %s, to which pipeline %s answers, %s; " TOPIC_GONE_STEP,
			       late->allowed_ms, late->answers, pipeline, late->absence);
	else
		(void)snprintf(words, ERROR_TEXT_MAX,
			       "no answer came within %" PRId64 " ms; ask for more time by x-timeout-ms, or see whether an engine "
			       "runs pipeline %s",
			       late->allowed_ms, pipeline);
	const size_t length = strlen(words);
	if (late->outputs)
		(void)snprintf(words + length, ERROR_TEXT_MAX - length,
			       ". A later answer is in the topic %s: GET /v2/pipelines/%s/requests/" TEXT_FORMAT, late->outputs,
			       pipeline, TEXT_ARGUMENTS(late->poll));
}

/* The parts of an error that an engine writes beside its words. `place`: its place, if none is written. */
static struct reply_failure failure_read(struct headers headers, const struct error *error, struct text id, struct text place)
{
	const struct text written = value_of(headers, TEXT(REPLY_PLACE_HEADER));
	uint64_t attempts = 0;
	(void)number_read_uint64(value_of(headers, TEXT(REPLY_ATTEMPTS_HEADER)), &attempts);
	return (struct reply_failure){.error = error,
				      .step = value_of(headers, TEXT(REPLY_STEP_HEADER)),
				      .attempts = attempts <= UINT_MAX ? (unsigned)attempts : 0,
				      .id = id,
				      .where = written.length > 0 ? written : place};
}

bool call_outcome_of_end(struct call_outcome *outcome, struct text value, struct headers headers, struct arena *arena,
			 struct buffer *body)
{
	if (!reply_is_end_only(value, headers))
		return false;
	struct error error = {0};
	const struct text id = value_of(headers, TEXT(REPLY_ID_HEADER));
	const struct text kind = value_of(headers, TEXT(REPLY_ERROR_HEADER));
	const struct text limit = value_of(headers, TEXT(REPLY_LIMIT_HEADER));
	const struct text input = value_of(headers, TEXT(REPLY_INPUT_HEADER));
	if (text_is(value_of(headers, TEXT(REPLY_OUTCOME_HEADER)), REPLY_FILTERED))
		return call_outcome_read(outcome, value, headers, arena);
	error_set(&error, error_kind_find(kind.bytes, kind.length), PLACE_NONE,
		  "the request failed, and its pipeline answers no errors; its dead letters say why");
	const struct reply_failure failure = failure_read(headers, &error, id, (struct text){0});
	outcome_fail(outcome, call_status(kind, limit, input), &failure, body);
	outcome->declined = limit_declines(limit);
	outcome->id = id;
	return true;
}

void call_outcome_explain(struct call_outcome *outcome, const struct outcome_record *record, struct buffer *body)
{
	struct decoded_answer answer;
	struct error error = {0};
	char words[ERROR_TEXT_MAX];
	if (outcome->end != CALL_FAILED || !answer_decode(record->headers, outcome->body, NULL, record->arena, &answer, &error) ||
	    answer.words.bytes == outcome->body.bytes)
		return;
	outcome->id = record->id;
	(void)snprintf(words, sizeof words, TEXT_FORMAT, TEXT_ARGUMENTS(answer.words));
	error_set(&error, error_kind_find(answer.kind.bytes, answer.kind.length), PLACE_NONE, "%s", words);
	const struct reply_failure failure = failure_read(record->headers, &error, outcome->id, record->place);
	buffer_clear(body);
	reply_error_write(body, &failure);
	outcome->body = buffer_view(body);
	outcome->content_type = TEXT("application/json");
}

void call_outcome_accepted(struct call_outcome *outcome, struct text id, struct buffer *body)
{
	buffer_clear(body);
	json_write_string_after(body, TEXT("{\"id\":"), id);
	buffer_byte(body, '}');
	*outcome = (struct call_outcome){
		.end = CALL_ACCEPTED, .status = 202, .body = buffer_view(body), .content_type = TEXT("application/json")};
}

void call_outcome_pending(struct call_outcome *outcome, struct text id, struct buffer *body)
{
	buffer_clear(body);
	json_write_string_after(body, TEXT("{\"id\":"), id);
	buffer_string(body, ",\"status\":\"pending\"}");
	*outcome = (struct call_outcome){.end = CALL_ACCEPTED,
					 .status = 202,
					 .body = buffer_view(body),
					 .content_type = TEXT("application/json"),
					 .retry_after_s = RETRY_AFTER_S};
}
