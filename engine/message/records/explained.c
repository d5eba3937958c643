/* explained.c: see explained.h. */
#include "message/records/explained.h"

#include <math.h>

#include "message/json/json_write.h"

#define RECORD_BYTES_MAX ((size_t)64 << 20) /* of the arena of a record: many more features than an explanation can have */

bool explained_is_wanted(const struct message *message)
{
	const struct header *header = message_header(message, HEADER_EXPLAIN);
	if (explained_is_awaited(message))
		return true;
	return header && !text_equal_caseless(header->value, TEXT("no")) && !text_equal_caseless(header->value, TEXT("false")) &&
	       !text_is(header->value, "0");
}

bool explained_is_awaited(const struct message *message)
{
	return message_header(message, HEADER_REPLY_EXPLANATION) != NULL;
}

const struct explained *explained_any(const struct explained *first)
{
	while (first && first->failure)
		first = first->next;
	return first;
}

const char *explained_method(const struct explanation *explanation)
{
	static const char *const names[] = {
		[EXPLANATION_PATHS] = "tree",	 [EXPLANATION_INTERVENTION] = "tree",	[EXPLANATION_LINEAR] = "linear",
		[EXPLANATION_GRADIENTS] = "gradients", [EXPLANATION_EXACT] = "exact", [EXPLANATION_SAMPLED] = "sample",
		[EXPLANATION_ANCHORS] = "anchors",	 [EXPLANATION_PERMUTATION] = "permutation",
	};
	return names[explanation->method];
}

const char *explained_scale(const struct explanation *explanation)
{
	static const char *const names[] = {
		[SCALE_ANSWER] = "", [SCALE_LOG_ODDS] = "log-odds", [SCALE_LOG] = "log", [SCALE_SCORE] = "score"};
	return names[explanation->scale];
}

/* Whether all that the method asks for was answered. */
static bool explained_is_complete(const struct explanation *explanation)
{
	return explanation->answered >= explanation->asked;
}

/* ---- the record ---- */

struct attribution {
	struct text feature;
	double value, contribution, error;
};

static const struct record_field attribution_fields[] = {
	RECORD_ROW(TEXT, struct attribution, feature),
	RECORD_ROW(REAL, struct attribution, value),
	RECORD_ROW(REAL, struct attribution, contribution),
	RECORD_ROW(REAL, struct attribution, error),
	RECORD_END,
};

static const struct record_field record_fields[] = {
	RECORD_ROW(TEXT, struct explained_record, id),
	RECORD_ROW(ORIGIN, struct explained_record, origin),
	RECORD_ROW(TEXT, struct explained_record, pipeline),
	RECORD_ROW(TEXT, struct explained_record, step),
	RECORD_ROW(TEXT, struct explained_record, method),
	RECORD_ROW(TEXT, struct explained_record, output),
	RECORD_ROW(REAL, struct explained_record, base),
	RECORD_ROW(REAL, struct explained_record, answer),
	RECORD_LIST(struct explained_record, attribution_count, attributions, attribution_fields, struct attribution),
	RECORD_ROW(REAL, struct explained_record, residual),
	RECORD_ROW(NUMBER, struct explained_record, calls),
	RECORD_ROW(FLAG, struct explained_record, complete),
	RECORD_TEXTS(struct explained_record, rule_count, rules),
	RECORD_ROW(FINITE, struct explained_record, precision),
	RECORD_ROW(FINITE, struct explained_record, coverage),
	RECORD_VERSIONS(struct explained_record, versions),
	RECORD_ADDED(2, TEXT, struct explained_record, scale),
	RECORD_END,
};

static _Atomic uint64_t schema_name;
static const struct record_form explained_form = {.schema = "explanation",
						  .called = "record of an explanation",
						  .fields = record_fields,
						  .bytes = sizeof(struct explained_record),
						  .schema_name = &schema_name,
						  .formers = {UINT64_C(0x4c6522433b0197d1)}};

static const struct attribution *attributions_make(const struct explanation *data, size_t output, struct arena *arena)
{
	struct attribution *made = ARENA_ARRAY(arena, struct attribution, data->features + 1);
	for (size_t i = 0; made && i < data->features; i++)
		made[i] = (struct attribution){data->names[i], data->row[i], data->contributions[output * data->features + i],
					       data->errors[output * data->features + i]};
	return made;
}

/* False: the arena is full. */
static bool record_make(const struct explained *explained, size_t output, const struct message *message, const char *pipeline,
			struct arena *arena, struct explained_record *made)
{
	const struct explanation *data = &explained->data;
	const struct explanation_rule *rule = data->rule;
	const struct attribution *attributions = attributions_make(data, output, arena);
	if (!attributions)
		return false;
	*made = (struct explained_record){
		.id = message->id,
		.origin = message->origin,
		.pipeline = text_of(pipeline),
		.step = text_of(explained->step),
		.method = text_of(explained_method(data)),
		.output = text_of(arena_print(arena, TEXT_FORMAT "[%zu]", TEXT_ARGUMENTS(explained->output),
					      explained->row * data->outputs + output)),
		.base = data->base[output],
		.answer = data->prediction[output],
		.attribution_count = data->features,
		.attributions = attributions,
		.residual = data->residual[output],
		.calls = explained->calls,
		.complete = explained_is_complete(data),
		.rule_count = rule ? rule->count : 0,
		.rules = rule ? rule->conditions : NULL,
		.precision = rule ? rule->precision : (double)NAN,
		.coverage = rule ? rule->coverage : (double)NAN,
		.scale = text_of(explained_scale(data)),
	};
	return !arena_failed(arena);
}

bool explained_encode(const struct explained *explained, size_t output, const struct message *message, const char *pipeline,
		      struct buffer *out, struct error *error)
{
	struct explained_record record;
	struct arena *arena = arena_open(RECORD_BYTES_MAX);
	const bool made = arena && record_make(explained, output, message, pipeline, arena, &record);
	const bool good = made ? record_encode(&explained_form, &record, out, error)
			       : error_memory(error, ERROR_LIMIT, "writing an explanation");
	arena_close(arena);
	return good;
}

bool explained_read(struct text bytes, struct arena *arena, struct explained_record *read)
{
	struct error none = {0};
	return record_decode(&explained_form, bytes, arena, read, &none);
}

/* ---- JSON ---- */

static void attributions_write(const struct explained_record *record, struct buffer *out)
{
	buffer_string(out, ",\"attributions\":[");
	for (size_t i = 0; i < record->attribution_count; i++) {
		const struct attribution *one = &record->attributions[i];
		json_write_string_after(out, i ? TEXT(",{\"feature\":") : TEXT("{\"feature\":"), one->feature);
		json_write_finite_after(out, ",\"value\":", one->value);
		json_write_finite_after(out, ",\"contribution\":", one->contribution);
		json_write_finite_after(out, ",\"error\":", one->error);
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
}

static void rules_write(const struct explained_record *record, struct buffer *out)
{
	buffer_string(out, ",\"rules\":[");
	for (size_t i = 0; i < record->rule_count; i++)
		json_write_string_after(out, i ? TEXT(",") : TEXT(""), record->rules[i]);
	json_write_finite_after(out, "],\"precision\":", record->precision);
	json_write_finite_after(out, ",\"coverage\":", record->coverage);
}

void explained_record_write_json(const struct explained_record *record, struct buffer *out)
{
	json_write_string_after(out, TEXT("{\"step\":"), record->step);
	json_write_string_after(out, TEXT(",\"method\":"), record->method);
	json_write_string_after(out, TEXT(",\"output\":"), record->output);
	json_write_finite_after(out, ",\"base_value\":", record->base);
	json_write_finite_after(out, ",\"answer\":", record->answer);
	attributions_write(record, out);
	json_write_finite_after(out, ",\"residual\":", record->residual);
	if (!isnan(record->precision)) /* a rule has one */
		rules_write(record, out);
	buffer_print(out, ",\"calls\":%zu,\"complete\":%s", record->calls, record->complete ? "true" : "false");
	if (record->scale.length > 0)
		json_write_string_after(out, TEXT(",\"scale\":"), record->scale);
	buffer_byte(out, '}');
}

bool explained_write_json(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			  struct error *error)
{
	buffer_byte(out, '{');
	return explained_write_fields(first, message, pipeline, out, error);
}

bool explained_write_fields(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			    struct error *error)
{
	struct explained_record record;
	struct arena *arena = arena_open(RECORD_BYTES_MAX);
	bool any = false, good = arena;
	json_write_string_after(out, TEXT("\"id\":"), message->id);
	json_write_string_after(out, TEXT(",\"pipeline\":"), text_of(pipeline));
	buffer_string(out, ",\"explanations\":[");
	for (const struct explained *one = first; one; one = one->next)
		for (size_t output = 0; good && !one->failure && output < one->data.outputs; output++, any = true) {
			arena_reset(arena);
			good = record_make(one, output, message, pipeline, arena, &record);
			if (any)
				buffer_byte(out, ',');
			if (good)
				explained_record_write_json(&record, out);
		}
	buffer_string(out, "]}");
	arena_close(arena);
	return good ? json_written(out, error) : error_memory(error, ERROR_LIMIT, "writing explanations");
}
