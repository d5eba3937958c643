/* explained_write.c: Explanations as records of schemas/explanation.avsc, and as the JSON that a gateway answers. */
#include "message/records/explained.h"

#include <math.h>

#include "message/avro/avro.h"
#include "message/avro/avro_parts.h"
#include "message/avro/avro_wire.h"
#include "message/json/json_write.h"

#define NUMBERS 24 /* of a record beside its attributions, at most */

static struct text output_name(const struct explained *explained, size_t output, struct buffer *name)
{
	buffer_clear(name);
	buffer_print(name, TEXT_FORMAT "[%zu]", TEXT_ARGUMENTS(explained->output),
		     explained->row * explained->data.outputs + output);
	return buffer_view(name);
}

/* ---- Avro ---- */

static size_t record_room(const struct message *message, const char *pipeline, const struct explained *explained)
{
	const struct explanation *data = &explained->data;
	size_t room = AVRO_SINGLE_OBJECT_BYTES + NUMBERS * AVRO_LONG_BYTES_MAX + avro_text_room(message->id) +
		      avro_text_room(message->origin.topic) + avro_text_room(text_of(pipeline)) +
		      avro_text_room(text_of(explained->step)) + avro_text_room(explained->output) +
		      avro_text_room(text_of(explained_scale(data)));
	for (size_t i = 0; i < data->features; i++)
		room += avro_text_room(data->names[i]) + 3 * sizeof(double);
	for (size_t i = 0; data->rule && i < data->rule->count; i++)
		room += avro_text_room(data->rule->conditions[i]);
	return room;
}

static char *put_attributions(char *to, const struct explanation *data, size_t output)
{
	const double *contributions = data->contributions + output * data->features,
		     *errors = data->errors + output * data->features;
	if (data->features > 0)
		to = avro_put_small(to, data->features);
	for (size_t i = 0; i < data->features; i++) {
		to = avro_put_bytes(to, data->names[i]);
		to = avro_put_double(to, data->row[i]);
		to = avro_put_double(to, contributions[i]);
		to = avro_put_double(to, errors[i]);
	}
	return avro_put_small(to, 0);
}

static char *put_rule(char *to, const struct explanation_rule *rule)
{
	if (!rule) { /* no conditions, no precision, no coverage */
		to = avro_put_small(to, 0);
		to = avro_put_small(to, 0);
		return avro_put_small(to, 0);
	}
	if (rule->count > 0)
		to = avro_put_small(to, rule->count);
	for (size_t i = 0; i < rule->count; i++)
		to = avro_put_bytes(to, rule->conditions[i]);
	to = avro_put_small(to, 0);
	to = avro_put_small(to, 1);
	to = avro_put_double(to, rule->precision);
	to = avro_put_small(to, 1);
	return avro_put_double(to, rule->coverage);
}

bool explained_encode(const struct explained *explained, size_t output, const struct message *message, const char *pipeline,
		      struct buffer *out, struct error *error)
{
	const struct explanation *data = &explained->data;
	const uint64_t fingerprint = avro_explanation_fingerprint();
	struct buffer name;
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	buffer_open(&name, explained->output.length + NUMBERS);
	const struct text output_text = output_name(explained, output, &name);
	char *begin = buffer_failed(&name) ? NULL : buffer_room(out, record_room(message, pipeline, explained));
	if (!begin) {
		buffer_close(&name);
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "an explanation does not fit into %zu bytes", out->ceiling_bytes);
	}
	char *to = avro_put_single_object(begin, fingerprint);
	to = avro_put_bytes(to, message->id);
	to = avro_put_origin(to, &message->origin);
	to = avro_put_bytes(to, text_of(pipeline));
	to = avro_put_bytes(to, text_of(explained->step));
	to = avro_put_bytes(to, text_of(explained_method(data)));
	to = avro_put_bytes(to, output_text);
	to = avro_put_double(to, data->base[output]);
	to = avro_put_double(to, data->prediction[output]);
	to = put_attributions(to, data, output);
	to = avro_put_double(to, data->residual[output]);
	to = avro_put_long(to, (int64_t)explained->calls);
	*to++ = explained_is_complete(data);
	to = put_rule(to, data->rule);
	to = avro_put_small(to, 0); /* versions */
	to = avro_put_bytes(to, text_of(explained_scale(data)));
	buffer_grown(out, (size_t)(to - begin));
	buffer_close(&name);
	return true;
}

/* ---- JSON ---- */

static void write_attributions(struct buffer *out, const struct explanation *data, size_t output)
{
	buffer_string(out, ",\"attributions\":[");
	for (size_t i = 0; i < data->features; i++) {
		json_write_string_after(out, i ? TEXT(",{\"feature\":") : TEXT("{\"feature\":"), data->names[i]);
		json_write_finite_after(out, ",\"value\":", data->row[i]);
		json_write_finite_after(out, ",\"contribution\":", data->contributions[output * data->features + i]);
		json_write_finite_after(out, ",\"error\":", data->errors[output * data->features + i]);
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
}

static void write_rule(struct buffer *out, const struct explanation_rule *rule)
{
	buffer_string(out, ",\"rules\":[");
	for (size_t i = 0; i < rule->count; i++)
		json_write_string_after(out, i ? TEXT(",") : TEXT(""), rule->conditions[i]);
	json_write_finite_after(out, "],\"precision\":", rule->precision);
	json_write_finite_after(out, ",\"coverage\":", rule->coverage);
}

static void write_one(struct buffer *out, const struct explained *explained, size_t output, struct buffer *name)
{
	const struct explanation *data = &explained->data;
	json_write_string_after(out, TEXT("{\"step\":"), text_of(explained->step));
	json_write_string_after(out, TEXT(",\"method\":"), text_of(explained_method(data)));
	json_write_string_after(out, TEXT(",\"output\":"), output_name(explained, output, name));
	json_write_finite_after(out, ",\"base_value\":", data->base[output]);
	json_write_finite_after(out, ",\"answer\":", data->prediction[output]);
	write_attributions(out, data, output);
	json_write_finite_after(out, ",\"residual\":", data->residual[output]);
	if (data->rule)
		write_rule(out, data->rule);
	buffer_print(out, ",\"calls\":%zu,\"complete\":%s", explained->calls, explained_is_complete(data) ? "true" : "false");
	if (data->scale != SCALE_ANSWER)
		json_write_string_after(out, TEXT(",\"scale\":"), text_of(explained_scale(data)));
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
	bool any = false;
	struct buffer name;
	buffer_open(&name, EXPLAINED_NAME_BYTES_MAX);
	json_write_string_after(out, TEXT("\"id\":"), message->id);
	json_write_string_after(out, TEXT(",\"pipeline\":"), text_of(pipeline));
	buffer_string(out, ",\"explanations\":[");
	for (const struct explained *one = first; one; one = one->next)
		for (size_t output = 0; !one->failure && output < one->data.outputs; output++) {
			if (any)
				buffer_byte(out, ',');
			write_one(out, one, output, &name);
			any = true;
		}
	buffer_string(out, "]}");
	buffer_close(&name);
	return json_written(out, error);
}
