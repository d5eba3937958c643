/* compute.c: `sluice compute`: numeric methods, run on cases from a file, for comparison with other implementations. */
#include "compute/family.h"

#include <string.h>

#include "base/file.h"
#include "base/suggest.h"
#include "cli/command.h"
#include "message/json_write.h"

#define CASES_BYTES_MAX ((size_t)256 << 20)
#define CASE_ARENA_BYTES ((size_t)1 << 30)
#define RESULT_BYTES_MAX ((size_t)256 << 20)

struct compute_options {
	bool list;
	int form;
};

static const struct option options[] = {
	ROW("list", FLAG, struct compute_options, list, .help = "Names the families and their methods, with definitions."),
	{.name = "format",
	 .letter = 'o',
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct compute_options, form),
	 .choices = "text json",
	 .fallback = "text",
	 .help = "The format of the list. Results are always JSON, one in each line."},
	{.type = OPTION_END},
};

extern const struct command command_compute;

/* One run of the command. */
struct computing {
	struct session *session;
	const struct compute_family *family;
	const char *file;
	const char *directory;
	struct arena *arena; /* of one case */
	struct buffer out;
	int code;
};

/* ---- families ---- */

static const struct compute_family *family_find(const char *name)
{
	for (size_t i = 0; compute_families[i]; i++)
		if (strcmp(compute_families[i]->name, name) == 0)
			return compute_families[i];
	return NULL;
}

static int family_unknown(struct session *session, const char *name)
{
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (size_t i = 0; compute_families[i]; i++)
		suggest_offer(&suggestion, text_of(compute_families[i]->name));
	if (suggestion.nearest.bytes)
		return command_misuse(session, &command_compute, "no family is called `%s`; did you mean `" TEXT_FORMAT "`?", name,
				      TEXT_ARGUMENTS(suggestion.nearest));
	return command_misuse(session, &command_compute, "no family is called `%s`; `sluice compute --list` lists them", name);
}

static void list_text(const struct compute_family *family, struct buffer *out)
{
	buffer_print(out, "%s: %s\n", family->name, family->summary);
	for (const struct compute_method *method = family->methods; method->name; method++)
		buffer_print(out, "  %s: %s\n", method->name, method->definition);
}

static void list_json(const struct compute_family *family, struct buffer *out)
{
	buffer_string(out, "{\"family\": ");
	json_write_string(out, text_of(family->name));
	buffer_string(out, ", \"summary\": ");
	json_write_string(out, text_of(family->summary));
	buffer_string(out, ", \"methods\": [");
	for (const struct compute_method *method = family->methods; method->name; method++) {
		buffer_string(out, method == family->methods ? "{\"name\": " : ", {\"name\": ");
		json_write_string(out, text_of(method->name));
		buffer_string(out, ", \"definition\": ");
		json_write_string(out, text_of(method->definition));
		buffer_byte(out, '}');
	}
	buffer_string(out, "]}");
}

static int list(struct session *session, const struct compute_family *only, enum output_form form)
{
	struct buffer out;
	bool first = true;
	buffer_open(&out, RESULT_BYTES_MAX);
	if (form == OUTPUT_JSON)
		buffer_byte(&out, '[');
	for (size_t i = 0; compute_families[i]; i++) {
		if (only && compute_families[i] != only)
			continue;
		if (!first)
			buffer_string(&out, form == OUTPUT_JSON ? ",\n" : "\n");
		first = false;
		if (form == OUTPUT_JSON)
			list_json(compute_families[i], &out);
		else
			list_text(compute_families[i], &out);
	}
	if (form == OUTPUT_JSON)
		buffer_string(&out, "]\n");
	return command_write(session, &out);
}

/* ---- results ---- */

static void write_value(struct buffer *out, const json_t *value);

static void write_object(struct buffer *out, json_t *object)
{
	const char *key, *between = "";
	json_t *value;
	buffer_byte(out, '{');
	json_object_foreach(object, key, value)
	{
		buffer_string(out, between);
		json_write_string(out, text_of(key));
		buffer_byte(out, ':');
		write_value(out, value);
		between = ",";
	}
	buffer_byte(out, '}');
}

/* As deep as a family makes it. */
static void write_value(struct buffer *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(out, (json_t *)(uintptr_t)value); /* foreach takes no const, and changes nothing */
		break;
	case JSON_ARRAY:
		for (size_t i = 0; i < json_array_size(value); i++) {
			buffer_byte(out, i == 0 ? '[' : ',');
			write_value(out, json_array_get(value, i));
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

static bool write_result(struct computing *self, const struct compute_case *one, const json_t *result, struct error *error)
{
	buffer_clear(&self->out);
	buffer_string(&self->out, "{\"name\":");
	json_write_string(&self->out, text_of(one->name));
	buffer_string(&self->out, ",\"result\":");
	write_value(&self->out, result);
	buffer_string(&self->out, "}\n");
	if (!json_written(&self->out, error))
		return false;
	(void)fwrite(self->out.bytes, 1, self->out.length, self->session->out);
	return true;
}

/* ---- cases ---- */

static void fail(struct computing *self, const char *where, const struct error *error)
{
	command_note(self->session, "sluice: %s: %s", where, error->text);
	self->code = EXIT_FAULTS;
}

static bool object_of(const json_t *value, const char *key, const json_t **object, struct error *error)
{
	*object = json_object_get(value, key);
	if (!*object || json_is_object(*object))
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE, "`%s` is not an object of names and values; write `{...}`", key);
}

/* `number` is the position of the case, for one without a name; `document` is NULL if the case is alone. */
static void run_case(struct computing *self, const json_t *document, const json_t *value, size_t number)
{
	struct error error = {0};
	const char *name = json_string_value(json_object_get(value, "name"));
	char nameless[48];
	(void)snprintf(nameless, sizeof nameless, "case %zu", number);
	struct compute_case one = {
		.name = name ? name : nameless, .document = document, .directory = self->directory, .arena = self->arena};
	arena_reset(self->arena);
	bool good = json_is_object(value)
			    ? object_of(value, "input", &one.input, &error) && object_of(value, "params", &one.params, &error)
			    : error_set(&error, ERROR_INPUT, PLACE_NONE,
					"a case is an object with `name`, `input` and `params`, and this is not one");
	json_t *result = good ? self->family->run(&one, &error) : NULL;
	if (!result || !write_result(self, &one, result, &error))
		fail(self, one.name, &error);
	json_decref(result);
}

/* A document of cases, or one case. */
static void run_document(struct computing *self, const json_t *document, size_t number)
{
	const json_t *cases = json_object_get(document, "cases");
	if (!json_is_array(cases)) {
		run_case(self, NULL, document, number);
		return;
	}
	for (size_t i = 0; i < json_array_size(cases); i++)
		run_case(self, document, json_array_get(cases, i), i + 1);
}

static bool read_document(struct computing *self, struct text text, size_t line, json_t **document)
{
	json_error_t fault;
	*document = json_loadb(text.bytes, text.length, JSON_ALLOW_NUL, &fault);
	if (*document)
		return true;
	struct error error = {0};
	char where[256];
	if (text.length == 0)
		error_set(&error, ERROR_INPUT, PLACE_NONE, "there are no cases; give them as JSON, one in each line");
	else
		error_set(&error, ERROR_INPUT, PLACE_NONE, "no JSON: %s", fault.text);
	(void)snprintf(where, sizeof where, "%s:%zu:%d", self->file, line + (size_t)(fault.line > 0 ? fault.line - 1 : 0),
		       fault.column);
	fail(self, where, &error);
	return false;
}

static void run_text(struct computing *self, struct text text, size_t line)
{
	json_t *document;
	if (!read_document(self, text, line, &document))
		return;
	run_document(self, document, line);
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

static void run_cases(struct computing *self, struct text text)
{
	if (!is_lines(text)) {
		run_text(self, text, 1);
		return;
	}
	for (size_t number = 1; text.length > 0; number++) {
		struct text line = text_take_until(&text, '\n');
		if (!is_blank(line))
			run_text(self, line, number);
	}
}

/* ---- the command ---- */

static const char *directory_of(const char *file, struct arena *arena)
{
	const char *slash = strrchr(file, '/');
	if (!slash)
		return ".";
	return arena_copy(arena, file, slash == file ? 1 : (size_t)(slash - file));
}

static int compute_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct compute_options *self = filled;
	struct error error = {0};
	struct text text;
	const struct compute_family *family = count > 0 ? family_find(arguments[0]) : NULL;
	if (count > 0 && !family)
		return family_unknown(session, arguments[0]);
	if (self->list)
		return list(session, family, (enum output_form)self->form);
	if (!family)
		return command_misuse(session, &command_compute, "the family is missing; `sluice compute --list` lists them");
	struct computing computing = {.session = session, .family = family, .file = count > 1 ? arguments[1] : "-"};
	if (!file_read(computing.file, CASES_BYTES_MAX + 1, session->arena, &text, &error))
		return command_refused(session, &command_compute, &error);
	if (text.length > CASES_BYTES_MAX) {
		error_set(&error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that are read; compute it in parts",
			  computing.file, CASES_BYTES_MAX >> 20);
		return command_failed(session, &error);
	}
	computing.directory = directory_of(computing.file, session->arena);
	computing.arena = arena_open(CASE_ARENA_BYTES);
	if (!computing.directory || !computing.arena) {
		error_memory(&error, ERROR_SYSTEM, "reading cases");
		arena_close(computing.arena);
		return command_failed(session, &error);
	}
	buffer_open(&computing.out, RESULT_BYTES_MAX);
	run_cases(&computing, text);
	buffer_close(&computing.out);
	arena_close(computing.arena);
	return computing.code;
}

const struct command command_compute = {
	.name = "compute",
	.arguments = "[FAMILY] [FILE]",
	.summary = "Runs numeric methods on cases from a file, to check their results.",
	.help = "A file has cases with `name`, `input` and `params`: as a list under `cases`, or one in each line. Without a "
		"file, or with `-`, they come from standard input. For each case one line is written: "
		"`{\"name\":...,\"result\":{...}}`. A case that fails has no line: its error is on standard error. A line that is "
		"not JSON is reported by its number. The other cases still run, and the exit code is 1.\n\n"
		"  sluice compute --list\n"
		"  echo '{\"name\": \"five\", \"input\": {\"x\": [3, 1, 4, 1, 5]}, \"params\": {\"q\": [0.5]}}' |\n"
		"      sluice compute sketches\n",
	.options = options,
	.options_size = sizeof(struct compute_options),
	.group = "look",
	.run = compute_run,
};
