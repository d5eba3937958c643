/* eval.c: `sluice eval`: evaluates an expression against one request. */
#include "base/clock.h"
#include "base/file.h"
#include "base/suggest.h"
#include "tools/cli/command.h"
#include "message/formats/format.h"
#include "message/json/json_write.h"
#include "message/json/tensor_json.h"

#define VALUE_BYTES_MAX ((size_t)256 << 20)
#define REQUEST_BYTES_MAX ((size_t)256 << 20)

struct eval_options {
	const char *file;
	struct name_list headers;
	const char *key;
	int form;
};

static const struct option options[] = {
	ROW("file", TEXT, struct eval_options, file, .letter = 'f',
	    .help = "A request in any format that a pipeline accepts (`-`: from standard input). The names in the expression are "
		    "its tensors, params and id."),
	ROW("header", NAMES, struct eval_options, headers, .word = "NAME=VALUE", .help = "A header of the message."),
	ROW("key", TEXT, struct eval_options, key, .help = "The key of the message."),
	COMMAND_FORM(eval_options, form, "text json"),
	{.type = OPTION_END},
};

/* ---- the message ---- */

static bool read_headers(const struct name_list *given, struct arena *arena, struct headers *headers, struct error *error)
{
	struct header *items = ARENA_ARRAY(arena, struct header, given->count);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "reading headers");
	for (size_t i = 0; i < given->count; i++) {
		const char *equals = strchr(given->items[i].text, '=');
		if (!equals || equals == given->items[i].text)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "--header takes NAME=VALUE, not `%s`",
					 given->items[i].text);
		items[i] = (struct header){{given->items[i].text, (size_t)(equals - given->items[i].text)}, text_of(equals + 1)};
	}
	*headers = (struct headers){given->count, items};
	return true;
}

static bool read_message(const struct eval_options *self, struct arena *arena, struct message *message, struct error *error)
{
	struct text bytes;
	*message = (struct message){.arena = arena, .time_ms = time_of_day_ms()};
	if (self->key)
		message->key = text_of(self->key);
	if (!read_headers(&self->headers, arena, &message->headers, error))
		return false;
	if (!self->file)
		return true;
	if (!file_read(self->file, REQUEST_BYTES_MAX + 1, arena, &bytes, error))
		return false;
	if (bytes.length > REQUEST_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that a request may have", self->file,
				 REQUEST_BYTES_MAX >> 20);
	if (!message_decode(message, bytes, NULL, error))
		return false;
	message->id = message->payload_id;
	return true;
}

/* ---- static checks ---- */

static bool type_of_tensor(const struct tensor *tensor, struct value_type *type)
{
	type->datatype_known = true;
	type->datatype = tensor->datatype;
	type->shape_known = true;
	type->rank = tensor->rank;
	memcpy(type->shape, tensor->shape, tensor->rank * sizeof *type->shape);
	return true;
}

static bool type_of(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	const struct message *message = context;
	const struct tensor *tensor = tensors_find(message->payload.tensors, name->name);
	if (tensor && (name->owner.length == 0 || text_is(name->owner, "request")))
		return type_of_tensor(tensor, type);
	if (name->optional || text_is(name->owner, "request") || text_is(name->owner, "params"))
		return true;
	if (name->owner.length > 0)
		return false;
	struct suggestion suggestion = suggest_begin(name->name);
	for (size_t i = 0; i < message->payload.tensors.count; i++)
		suggest_offer(&suggestion, message->payload.tensors.items[i]->name);
	if (suggestion.nearest.bytes)
		*suggest = arena_copy(message->arena, suggestion.nearest.bytes, suggestion.nearest.length);
	return false;
}

/* ---- the value ---- */

static void print_json(const struct tensor *value, struct buffer *out)
{
	json_write_string_after(out, TEXT("{\"datatype\": "), text_of(datatype_rows[value->datatype].name));
	buffer_string(out, ", \"shape\": ");
	tensor_json_write_shape(out, value);
	buffer_string(out, ", \"data\": ");
	tensor_json_write_flat(out, value, BYTES_AS_EITHER);
	buffer_string(out, "}\n");
}

static void print_text(const struct tensor *value, struct arena *arena, struct buffer *out)
{
	buffer_print(out, "%s  ", tensor_type_text(arena, value));
	if (value->rank == 0)
		tensor_json_write_element(out, value, 0, BYTES_AS_EITHER);
	else
		tensor_json_write_nested(out, value, BYTES_AS_EITHER);
	buffer_byte(out, '\n');
}

/* The error, and below it the expression with a caret where it is wrong. */
static int eval_refuse(struct session *session, const char *source, const struct error *error)
{
	int code = command_failed(session, error);
	if (error->place.line == 1 && session->form == OUTPUT_TEXT)
		fprintf(session->err, "    1 | %s\n      | %*s^\n", source, (int)error->place.column - 1, "");
	return code;
}

static int eval_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct eval_options *self = filled;
	struct error error = {0};
	struct message message;
	struct value_type type;
	struct buffer out;
	(void)count;
	if (!read_message(self, session->arena, &message, &error))
		return command_refused(session, &error);
	const struct expression_types types = {&message, type_of};
	const struct scope scope = {.message = &message, .payload = &message.payload};
	const struct expression *expression =
		expression_compile(session->arena, text_of(arguments[0]), (struct place){"expression", 1, 1}, USE_MESSAGE, &error);
	if (!expression || !expression_check(expression, &types, session->arena, &type, &error))
		return eval_refuse(session, arguments[0], &error);
	const struct tensor *value = expression_evaluate(expression, &scope, session->arena, &error);
	if (!value)
		return eval_refuse(session, arguments[0], &error);
	buffer_open(&out, VALUE_BYTES_MAX);
	if (self->form == OUTPUT_JSON)
		print_json(value, &out);
	else
		print_text(value, session->arena, &out);
	out.failed |= arena_failed(session->arena); /* the words for the type come from there */
	return command_write(session, &out);
}

const struct command command_eval = {
	.name = "eval",
	.arguments = "EXPRESSION",
	.summary = "Evaluates an expression against one request.",
	.help = "Prints the value with its datatype and shape. Without a request there are no tensors, only literals, headers "
		"and the time. `sluice help expressions` describes the language.\n\n"
		"  sluice eval 'mean(x) > 0.5' -f request.json\n"
		"  sluice eval 'header(\"x-tier\") == \"fast\"' --header x-tier=fast\n"
		"  sluice eval -o json 'quantile([1, 2, 3, 4], 90%)'\n",
	.options = options,
	.options_size = sizeof(struct eval_options),
	.group = "run",
	.run = eval_run,
};
