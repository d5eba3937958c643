/* schema.c: Conversion of rows to JSON Schema. A row's schema describes its value alone. Further checks of lint
 * (references, sums) cannot be expressed in a schema. */
#include "compiler/resources/schema.h"

#include "base/quote.h"
#include "compiler/resources/rows.h"

#define DRAFT "https://json-schema.org/draft/2020-12/schema"
#define DURATION_PATTERN "^([0-9]*\\\\.?[0-9]+(ms|s|m|min|h|hour|hours|d))+$"
#define THRESHOLD_PATTERN "^(<|<=|>|>=|==|!=) *[0-9.]+(%|ms|s|m|min|h|hour|hours|d)?$"
#define NESTED_MAX 32 /* rows that contain themselves are referred to, so nothing is deeper than the rows are written */

/* The rows around the place where we print, to find those that contain themselves. */
struct schema_level {
	const struct option *rows;
	size_t path_length;
};

struct printer {
	struct buffer *out;
	const struct step_kind *const *kinds;
	struct buffer path; /* JSON pointer of the schema being printed */
	struct schema_level levels[NESTED_MAX];
	size_t depth;
};

static void print_value(struct printer *printer, const struct option *row);
static void print_rows(struct printer *printer, const struct option *rows, bool may_be_empty);

static void schema_quoted(struct printer *printer, const char *text)
{
	buffer_quoted(printer->out, text_of(text));
}

static bool is_bare(const struct option *row)
{
	return row->type == OPTION_INTEGER || row->type == OPTION_NUMBER || row->type == OPTION_FLAG;
}

static void print_about(struct printer *printer, const struct option *row)
{
	static const char *const effects[] = {
		[EFFECT_LATER] = "not supported yet",
		[EFFECT_REFUSED] = "refused by a run",
		[EFFECT_NONE] = "no effect",
		[EFFECT_PROTECTS] = "not in force yet",
		[EFFECT_KEEPER] = "carried out by the keeper",
		[EFFECT_GATEWAY] = "in force at the gateway",
	};
	if (row->help) {
		buffer_string(printer->out, ",\"description\":");
		schema_quoted(printer, row->help);
	}
	if (row->effect != EFFECT_HONOURED) {
		buffer_string(printer->out, ",\"$comment\":");
		schema_quoted(printer, effects[row->effect]);
	}
	if (!row->fallback || row->type == OPTION_MAP)
		return;
	buffer_string(printer->out, ",\"default\":");
	if (is_bare(row))
		buffer_string(printer->out, row->fallback);
	else
		schema_quoted(printer, row->fallback);
}

static void print_words(struct printer *printer, const char *words)
{
	while (*words) {
		size_t length = strcspn(words, " ");
		buffer_quoted(printer->out, (struct text){words, length});
		words += length + (words[length] == ' ');
		buffer_string(printer->out, *words ? "," : "");
	}
}

static void print_choices(struct printer *printer, const char *choices)
{
	buffer_string(printer->out, "\"enum\":[");
	print_words(printer, choices);
	buffer_byte(printer->out, ']');
}

static void print_range(struct printer *printer, const struct option *row)
{
	if (row->least < row->most)
		buffer_print(printer->out, ",\"minimum\":%.17g,\"maximum\":%.17g", row->least, row->most);
}

/* ---- maps ---- */

static void enter(struct printer *printer, const char *format, const char *name)
{
	buffer_byte(&printer->path, '/');
	buffer_print(&printer->path, format, name);
}

static void schema_path_leave(struct printer *printer, size_t length)
{
	printer->path.length = length;
}

static void print_property(struct printer *printer, const struct option *row, bool first, bool may_be_empty)
{
	size_t length = printer->path.length;
	buffer_string(printer->out, first ? "" : ",");
	schema_quoted(printer, row->name);
	buffer_string(printer->out, ":{");
	enter(printer, "properties/%s", row->name);
	if (row->type == OPTION_MAP)
		print_rows(printer, row->rows, may_be_empty);
	else
		print_value(printer, row);
	schema_path_leave(printer, length);
	print_about(printer, row);
	buffer_byte(printer->out, '}');
}

static void print_kinds(struct printer *printer, bool first)
{
	static const struct option nothing[] = {{.type = OPTION_END}};
	for (size_t i = 0; printer->kinds && printer->kinds[i]; i++) {
		const struct step_kind *kind = printer->kinds[i];
		const struct option row = {.name = kind->name,
					   .type = OPTION_MAP,
					   .rows = kind->options ? kind->options : nothing,
					   .help = kind->summary};
		print_property(printer, &row, first && i == 0, true);
	}
}

static void print_required(struct printer *printer, const struct option *rows)
{
	bool first = true;
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		if (!row->required || !row->name)
			continue;
		buffer_string(printer->out, first ? ",\"required\":[" : ",");
		schema_quoted(printer, row->name);
		first = false;
	}
	buffer_string(printer->out, first ? "" : "]");
}

static const struct option *free_keys(const struct option *rows)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->type == OPTION_TABLE && !row->name && !row->short_form)
			return row;
	return NULL;
}

static void print_object(struct printer *printer, const struct option *rows, bool may_be_empty)
{
	bool first = true;
	buffer_print(printer->out, "\"type\":%s,\"properties\":{", may_be_empty ? "[\"object\",\"null\"]" : "\"object\"");
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		if (row->type == OPTION_KIND)
			print_kinds(printer, first);
		if (!row->name)
			continue;
		print_property(printer, row, first, false);
		first = false;
	}
	buffer_string(printer->out, free_keys(rows) ? "}" : "},\"additionalProperties\":false");
	print_required(printer, rows);
}

/* The schema of a map's rows, short forms included; a reference where they contain themselves. `may_be_empty`: a key
 * without a value counts as a map without keys. */
static void print_rows(struct printer *printer, const struct option *rows, bool may_be_empty)
{
	for (size_t i = 0; i < printer->depth; i++)
		if (printer->levels[i].rows == rows) {
			buffer_print(printer->out, "\"$ref\":\"#%.*s\"", (int)printer->levels[i].path_length, printer->path.bytes);
			return;
		}
	if (printer->depth == NESTED_MAX)
		return;
	printer->levels[printer->depth++] = (struct schema_level){rows, printer->path.length};
	bool named = false, brief = false;
	for (const struct option *row = rows; row->type != OPTION_END; row++) {
		named = named || row->name || row->type == OPTION_KIND;
		brief = brief || row->short_form;
	}
	size_t length = printer->path.length;
	if (!brief) {
		print_object(printer, rows, may_be_empty);
	} else {
		const char *before = "\"anyOf\":[";
		for (const struct option *row = rows; row->type != OPTION_END; row++) {
			if (!row->short_form)
				continue;
			buffer_print(printer->out, "%s{", before);
			enter(printer, "anyOf/%s", "0");
			print_value(printer, row);
			schema_path_leave(printer, length);
			buffer_byte(printer->out, '}');
			before = ",";
		}
		if (named) {
			buffer_string(printer->out, ",{");
			print_object(printer, rows, may_be_empty);
			buffer_byte(printer->out, '}');
		}
		buffer_byte(printer->out, ']');
	}
	printer->depth--;
}

static void print_inner(struct printer *printer, const char *before, const char *step, const struct option *rows,
			const char *behind)
{
	size_t length = printer->path.length;
	buffer_string(printer->out, before);
	enter(printer, "%s", step);
	print_rows(printer, rows, false);
	schema_path_leave(printer, length);
	buffer_string(printer->out, behind);
}

/* ---- values ---- */

static void print_scalar(struct printer *printer, const struct option *row)
{
	switch (row->type) {
	case OPTION_FLAG:
		buffer_string(printer->out, row->choices ? "\"anyOf\":[{\"type\":\"boolean\"},{" : "\"type\":\"boolean\"");
		if (row->choices) {
			print_choices(printer, row->choices);
			buffer_string(printer->out, "}]");
		}
		return;
	case OPTION_INTEGER:
		buffer_string(printer->out, row->quotable ? "\"type\":[\"integer\",\"string\"]" : "\"type\":\"integer\"");
		print_range(printer, row);
		return;
	case OPTION_NUMBER:
		buffer_string(printer->out, "\"anyOf\":[{\"type\":\"number\"");
		print_range(printer, row);
		buffer_string(printer->out, "},{\"type\":\"string\",\"pattern\":\"^[0-9.]+%$\"}]");
		return;
	case OPTION_DURATION:
		buffer_string(printer->out, "\"type\":\"string\",\"pattern\":\"" DURATION_PATTERN "\"");
		return;
	case OPTION_THRESHOLD:
		buffer_string(printer->out, "\"type\":\"string\",\"pattern\":\"" THRESHOLD_PATTERN "\"");
		return;
	case OPTION_QUANTITY:
	case OPTION_EXTENT:
		buffer_string(printer->out, "\"type\":[\"string\",\"number\"]");
		return;
	case OPTION_SCALAR:
	case OPTION_EXPRESSION:
		buffer_string(printer->out, "\"type\":[\"string\",\"number\",\"boolean\"]");
		return;
	default:
		buffer_string(printer->out, row->choices ? "" : "\"type\":\"string\"");
		if (row->choices)
			print_choices(printer, row->choices);
		else if (row->type == OPTION_TEXT && row->least > 0)
			buffer_string(printer->out, ",\"minLength\":1");
	}
}

static void print_value(struct printer *printer, const struct option *row)
{
	const char *least = row->least > 0 ? ",\"minItems\":1" : "";
	switch (row->type) {
	case OPTION_NAMES:
		buffer_print(printer->out, "\"type\":\"array\",\"items\":{\"type\":\"string\"}%s", least);
		return;
	case OPTION_REFERENCES:
		buffer_print(printer->out, "\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}%s", least);
		return;
	case OPTION_NUMBERS:
		buffer_print(printer->out, "\"type\":\"array\",\"items\":{\"type\":%s}",
			     row->whole ? "\"integer\"" : "[\"number\",\"string\"]");
		return;
	case OPTION_MAP:
		print_rows(printer, row->rows, false);
		return;
	case OPTION_LIST:
		print_inner(printer, "\"type\":\"array\",\"items\":{", "items", row->rows, "}");
		buffer_string(printer->out, least);
		return;
	case OPTION_TABLE:
		print_inner(printer, "\"type\":\"object\",\"additionalProperties\":{", "additionalProperties", row->rows, "}");
		buffer_string(printer->out, row->least > 0 ? ",\"minProperties\":1" : "");
		return;
	case OPTION_OPERATIONS:
		print_inner(printer, "\"type\":\"array\",\"items\":{", "items", row->rows,
			    ",\"minProperties\":1,\"maxProperties\":1}");
		return;
	case OPTION_NODE:
		buffer_string(printer->out, "\"type\":[\"object\",\"array\",\"string\",\"number\",\"boolean\",\"null\"]");
		return;
	default:
		print_scalar(printer, row);
	}
}

/* ---- documents ---- */

static void print_document(struct printer *printer, const struct resource_kind *kind)
{
	size_t length = printer->path.length;
	buffer_string(printer->out, "\"title\":");
	schema_quoted(printer, kind->name);
	buffer_string(printer->out, ",\"description\":");
	schema_quoted(printer, kind->help);
	buffer_byte(printer->out, ',');
	if (!kind->api_version) {
		print_rows(printer, kind->rows, false);
		return;
	}
	const bool spec_needed = resource_kind_needs_spec(kind);
	buffer_string(printer->out, "\"type\":\"object\",\"properties\":{\"apiVersion\":{\"enum\":[");
	print_words(printer, kind->api_version);
	if (kind->former_versions) {
		buffer_byte(printer->out, ',');
		print_words(printer, kind->former_versions);
	}
	buffer_string(printer->out, "]},\"kind\":{\"const\":");
	schema_quoted(printer, kind->name);
	print_inner(printer, "},\"metadata\":{", "properties/metadata", metadata_rows, "},\"status\":{},\"spec\":{");
	enter(printer, "%s", "properties/spec");
	print_rows(printer, kind->rows, !spec_needed);
	schema_path_leave(printer, length);
	buffer_print(printer->out, "}},\"additionalProperties\":false,\"required\":[\"apiVersion\",\"kind\"%s%s]",
		     spec_needed ? ",\"spec\"" : "", kind->nameless ? "" : ",\"metadata\"");
}

#define PATH_BYTES_MAX 65536

void schema_print(const struct resource_kind *kind, const struct step_kind *const *kinds, struct buffer *out)
{
	struct printer printer = {.out = out, .kinds = kinds};
	buffer_open(&printer.path, PATH_BYTES_MAX);
	buffer_string(out, "{\"$schema\":\"" DRAFT "\",");
	print_document(&printer, kind);
	buffer_string(out, "}\n");
	out->failed = out->failed || buffer_failed(&printer.path);
	buffer_close(&printer.path);
}

/* A document is judged by the schema of its own kind alone, so that an editor says what is wrong, not that none of
 * the kinds fits. */
static void print_choice_of_kind(struct buffer *out)
{
	const char *before = "\"type\":\"object\",\"required\":[\"kind\"],\"properties\":{\"kind\":{\"enum\":[";
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		if (!kind->api_version)
			continue;
		buffer_print(out, "%s\"%s\"", before, kind->name);
		before = ",";
	}
	before = "]}},\"allOf\":[";
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		if (!kind->api_version)
			continue;
		buffer_print(out,
			     "%s{\"if\":{\"required\":[\"kind\"],\"properties\":{\"kind\":{\"const\":\"%s\"}}},"
			     "\"then\":{\"$ref\":\"#/$defs/%s\"}}",
			     before, kind->name, kind->name);
		before = ",\n";
	}
}

void schema_print_all(const struct step_kind *const *kinds, struct buffer *out)
{
	struct printer printer = {.out = out, .kinds = kinds};
	buffer_open(&printer.path, PATH_BYTES_MAX);
	buffer_string(out, "{\"$schema\":\"" DRAFT "\",");
	print_choice_of_kind(out);
	buffer_string(out, "],\"$defs\":{");
	const char *before = "";
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		if (!kind->api_version)
			continue;
		buffer_print(out, "%s\"%s\":{", before, kind->name);
		enter(&printer, "$defs/%s", kind->name);
		print_document(&printer, kind);
		schema_path_leave(&printer, 0);
		buffer_byte(out, '}');
		before = ",\n";
	}
	buffer_string(out, "}}\n");
	out->failed = out->failed || buffer_failed(&printer.path);
	buffer_close(&printer.path);
}
