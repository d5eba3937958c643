/* compute_cases.c: Cases of `sluice compute`: read from a file, run by a family, their results written as lines of JSON. */
#include "compute/compute_cases.h"

#include <string.h>

#include "base/file.h"
#include "base/suggest.h"
#include "message/json/json_write.h"

#define CASES_BYTES_MAX ((size_t)256 << 20)
#define CASE_ARENA_BYTES ((size_t)1 << 30)
#define RESULT_BYTES_MAX ((size_t)256 << 20)

/* ---- results ---- */

static void value_write(struct buffer *out, const json_t *value);

static void object_write(struct buffer *out, json_t *object)
{
	const char *key, *between = "";
	json_t *value;
	buffer_byte(out, '{');
	json_object_foreach(object, key, value)
	{
		buffer_string(out, between);
		json_write_string(out, text_of(key));
		buffer_byte(out, ':');
		value_write(out, value);
		between = ",";
	}
	buffer_byte(out, '}');
}

/* As deep as a family makes it. */
static void value_write(struct buffer *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		object_write(out, (json_t *)(uintptr_t)value); /* foreach takes no const, and changes nothing */
		break;
	case JSON_ARRAY:
		for (size_t i = 0; i < json_array_size(value); i++) {
			buffer_byte(out, i == 0 ? '[' : ',');
			value_write(out, json_array_get(value, i));
		}
		buffer_string(out, json_array_size(value) ? "]" : "[]");
		break;
	case JSON_STRING:
		json_write_string(out, (struct text){json_string_value(value), json_string_length(value)});
		break;
	case JSON_INTEGER:
		json_write_int64(out, json_integer_value(value));
		break;
	case JSON_REAL:
		json_write_double(out, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		json_write_bool(out, json_is_true(value));
		break;
	case JSON_NULL:
		buffer_string(out, "null");
		break;
	}
}

static bool result_write(struct compute_cases *self, const struct compute_case *one, const json_t *result, struct error *error)
{
	buffer_clear(&self->line);
	buffer_string(&self->line, "{\"name\":");
	json_write_string(&self->line, text_of(one->name));
	buffer_string(&self->line, ",\"result\":");
	value_write(&self->line, result);
	buffer_string(&self->line, "}\n");
	if (!json_written(&self->line, error))
		return false;
	(void)fwrite(self->line.bytes, 1, self->line.length, self->out);
	return true;
}

/* ---- cases ---- */

static void case_fail(struct compute_cases *self, const char *where, const struct error *error)
{
	workspace_note(self->workspace, "sluice: %s: %s", where, error->text);
	self->failed++;
}

static bool case_object(const json_t *value, const char *key, const json_t **object, struct error *error)
{
	*object = json_object_get(value, key);
	if (!*object || json_is_object(*object))
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is not an object of names and values; write `{...}`", key);
}

/* A key that is like a parameter of the family was meant as that one. Any other is a note of whoever made the case. */
static bool case_parameters(const struct compute_case *one, const struct compute_family *family, struct error *error)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)one->params, key, value) /* foreach takes no const, and changes nothing */
	{
		struct suggestion suggestion = suggest_begin(text_of(key));
		const bool known = !family->parameters || choice_find(family->parameters, text_of(key), &suggestion) >= 0;
		if (!known && suggestion.nearest.bytes)
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "no parameter of %s is called `%s`; did you mean `" TEXT_FORMAT "`?", family->name, key,
					 TEXT_ARGUMENTS(suggestion.nearest));
	}
	return true;
}

static bool case_read(const struct compute_family *family, const json_t *value, struct compute_case *one, struct error *error)
{
	if (!json_is_object(value))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "a case is an object with `name`, `input` and `params`, and this is not one");
	return case_object(value, "input", &one->input, error) && case_object(value, "params", &one->params, error) &&
	       case_parameters(one, family, error);
}

/* `number` is the position of the case, for one without a name; `document` is NULL if the case is alone. */
static void case_run(struct compute_cases *self, const json_t *document, const json_t *value, size_t number)
{
	struct error error = {0};
	const char *name = json_string_value(json_object_get(value, "name"));
	char nameless[48];
	(void)snprintf(nameless, sizeof nameless, "case %zu", number);
	struct compute_case one = {
		.name = name ? name : nameless, .document = document, .directory = self->directory, .arena = self->arena};
	arena_reset(self->arena);
	json_t *result = case_read(self->family, value, &one, &error) ? self->family->run(&one, &error) : NULL;
	if (!result || !result_write(self, &one, result, &error))
		case_fail(self, one.name, &error);
	json_decref(result);
}

/* A document of cases, or one case. */
static void document_run(struct compute_cases *self, const json_t *document, size_t number)
{
	const json_t *cases = json_object_get(document, "cases");
	if (!json_is_array(cases)) {
		case_run(self, NULL, document, number);
		return;
	}
	for (size_t i = 0; i < json_array_size(cases); i++)
		case_run(self, document, json_array_get(cases, i), i + 1);
}

static bool document_read(struct compute_cases *self, struct text text, size_t line, json_t **document)
{
	json_error_t fault;
	*document = json_loadb(text.bytes, text.length, JSON_ALLOW_NUL, &fault);
	if (*document)
		return true;
	struct error error = {0};
	char where[256];
	if (text.length == 0)
		error_set(&error, ERROR_INPUT, PLACE_NONE, "there are no cases; give them as JSON, one in each line");
	else if (json_error_code(&fault) == json_error_numeric_overflow)
		error_set(&error, ERROR_INPUT, PLACE_NONE,
			  "a number is out of range; write an integer of more than 64 bits as a float, as in 1e19, and at most "
			  "1e308");
	else
		error_set(&error, ERROR_INPUT, PLACE_NONE, "no JSON: %s", fault.text);
	(void)snprintf(where, sizeof where, "%s:%zu:%d", self->file, line + (size_t)(fault.line > 0 ? fault.line - 1 : 0),
		       fault.column);
	case_fail(self, where, &error);
	return false;
}

static void text_run(struct compute_cases *self, struct text text, size_t line)
{
	json_t *document;
	if (!document_read(self, text, line, &document))
		return;
	document_run(self, document, line);
	json_decref(document);
}

static bool is_blank(struct text line)
{
	return text_trimmed(line, " \t\r").length == 0;
}

/* Cases stand one a line where the first line is one whole by itself; or where most are, though the first is none. */
static bool is_lines(struct text text)
{
	size_t whole = 0, broken = 0;
	while (text.length > 0) {
		struct text line = text_take_until(&text, '\n');
		if (is_blank(line))
			continue;
		json_t *value = json_loadb(line.bytes, line.length, JSON_ALLOW_NUL, NULL);
		if (value && whole + broken == 0) {
			json_decref(value);
			return true;
		}
		*(json_is_object(value) ? &whole : &broken) += 1;
		json_decref(value);
	}
	return whole > 0 && whole >= broken;
}

static void cases_run(struct compute_cases *self, struct text text)
{
	if (!is_lines(text)) {
		text_run(self, text, 1);
		return;
	}
	for (size_t number = 1; text.length > 0; number++) {
		struct text line = text_take_until(&text, '\n');
		if (!is_blank(line))
			text_run(self, line, number);
	}
}

/* ---- the file ---- */

static const char *directory_of(const char *file, struct arena *arena)
{
	const char *slash = strrchr(file, '/');
	if (!slash)
		return ".";
	return arena_copy(arena, file, slash == file ? 1 : (size_t)(slash - file));
}

bool compute_cases_run(struct compute_cases *self, struct error *error)
{
	struct text text;
	if (!file_read(self->file, CASES_BYTES_MAX + 1, self->workspace->arena, &text, error))
		return false;
	if (text.length > CASES_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that are read; compute it in parts",
				 self->file, CASES_BYTES_MAX >> 20);
	self->directory = directory_of(self->file, self->workspace->arena);
	self->arena = arena_open(CASE_ARENA_BYTES);
	const bool good = (self->directory && self->arena) || error_memory(error, ERROR_SYSTEM, "reading cases");
	buffer_open(&self->line, RESULT_BYTES_MAX);
	if (good)
		cases_run(self, text);
	buffer_close(&self->line);
	arena_close(self->arena);
	return good;
}
