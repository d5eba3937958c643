/* seldon_errors.c: see seldon_errors.h. */
#include "gateway/calls/seldon_errors.h"

#include <jansson.h>

#include "message/json/json_write.h"

#define SOURCE_END TEXT(" : ")

void seldon_failure_write(struct buffer *out, int status, enum error_kind kind, struct text words)
{
	buffer_print(out, "{\"status\":{\"code\":%d,", status);
	json_write_string_after(out, TEXT("\"info\":"), words);
	buffer_print(out, ",\"reason\":\"%s\",\"status\":\"FAILURE\"}}", error_kind_name(kind));
}

static struct text text_of_json(const json_t *value)
{
	const char *text = json_string_value(value);
	return (struct text){text, text ? json_string_length(value) : 0};
}

/* Whether the words of an engine begin with the step already. */
static bool words_name(struct text words, struct text source)
{
	return text_starts_with(words, source) && text_starts_with(text_from(words, source.length), SOURCE_END);
}

bool seldon_outcome_write(struct call_outcome *outcome, bool is_v1, struct buffer *body)
{
	const bool fits =
		outcome->end == CALL_FAILED && outcome->body.bytes && (is_v1 || call_status_is_of_pipeline(outcome->status));
	json_t *failure = fits ? json_loadb(outcome->body.bytes, outcome->body.length, 0, NULL) : NULL;
	const struct text words = text_of_json(json_object_get(failure, "error"));
	const struct text step = text_of_json(json_object_get(failure, "step"));
	if (words.bytes) {
		buffer_clear(body);
		outcome->content_type = is_v1 ? TEXT("application/json") : TEXT("text/plain; charset=utf-8");
		if (is_v1) {
			const struct text kind = text_of_json(json_object_get(failure, "kind"));
			seldon_failure_write(body, outcome->status, error_kind_find(kind.bytes, kind.length), words);
		} else {
			outcome->status = SELDON_STATUS;
			const struct text source = step.length > 0 ? step : outcome->target;
			if (source.length > 0 && !words_name(words, source)) {
				buffer_text(body, source);
				buffer_text(body, SOURCE_END);
			}
			buffer_text(body, words);
		}
		outcome->body = buffer_view(body);
	}
	json_decref(failure);
	return words.bytes != NULL;
}
