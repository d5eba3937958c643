/* topics_files.c: Topics of `sluice help` for the user's files: step kinds, operations, resources, fields, and faults. */
#include <stdio.h>

#include "base/option.h"
#include "tools/help/help_topic.h"
#include "message/records/failure.h"
#include "compiler/resources/resource.h"
#include "compiler/step/step.h"

/* ---- fields ----
 *
 * Walk over the fields of all kinds of YAML documents and of all step kinds, each with its path.
 *
 * It walks the rows that parse the files; rows that contain themselves are walked once.
 */

struct field {
	const char *path;	/* "spec.steps[].batch.size"; a free key is `*` */
	const char *owner;	/* "Pipeline"; "" if every kind has it */
	const struct option *row;
	bool operation; /* an operation of preprocess or postprocess */
};

/* The path and owner live until `see` returns. */
struct field_walk {
	void (*see)(struct field_walk *walk, const struct field *field);
};

#define PATH_MAX_BYTES 256 /* the longest path of the tables has some eighty */

/* The rows that a row stands in, so that rows which contain themselves end. */
struct walk_chain {
	const struct walk_chain *outer;
	const struct option *rows;
};

struct rows_walk {
	struct field_walk *walk;
	const struct step_kind *const *kinds;
	const char *owner;
	char path[PATH_MAX_BYTES];
};

static void rows_visit(struct rows_walk *self, const struct option *rows, size_t length, bool operations,
		       const struct walk_chain *outer);

static bool chain_has(const struct walk_chain *chain, const struct option *rows)
{
	for (; chain; chain = chain->outer)
		if (chain->rows == rows)
			return true;
	return false;
}

/* Writes a part behind the first `length` bytes of the path; returns the new length. */
static size_t path_add(struct rows_walk *self, size_t length, const char *part, const char *more)
{
	const char *point = length > 0 && *part ? "." : "";
	int added = snprintf(self->path + length, sizeof self->path - length, "%s%s%s", point, part, more);
	size_t end = length + (added > 0 ? (size_t)added : 0);
	return end < sizeof self->path ? end : sizeof self->path - 1;
}

/* The kind key of a step. */
static void kinds_visit(struct rows_walk *self, size_t length, const struct walk_chain *chain)
{
	for (const struct step_kind *const *kind = self->kinds; kind && *kind; kind++)
		if ((*kind)->options)
			rows_visit(self, (*kind)->options, path_add(self, length, (*kind)->name, ""), false, chain);
}

static void row_visit(struct rows_walk *self, const struct option *row, size_t length, bool operation,
		      const struct walk_chain *chain)
{
	size_t end = row->name ? path_add(self, length, row->name, "") : length;
	if (row->name) {
		const struct field field = {self->path, self->owner, row, operation};
		self->walk->see(self->walk, &field);
	}
	if (row->type == OPTION_KIND)
		kinds_visit(self, length, chain);
	if (!row->rows || chain_has(chain, row->rows))
		return;
	if (row->type == OPTION_TABLE)
		end = path_add(self, end, "*", "");
	else if (row->type == OPTION_LIST || row->type == OPTION_OPERATIONS)
		end = path_add(self, end, "", "[]");
	rows_visit(self, row->rows, end, row->type == OPTION_OPERATIONS, chain);
}

static void rows_visit(struct rows_walk *self, const struct option *rows, size_t length, bool operations,
		       const struct walk_chain *outer)
{
	const struct walk_chain chain = {outer, rows};
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		row_visit(self, row, length, operations, &chain);
}

static void fields_walk(struct field_walk *walk, const struct step_kind *const *kinds)
{
	struct rows_walk self = {.walk = walk, .kinds = kinds, .owner = ""};
	rows_visit(&self, resource_rows, 0, false, NULL);
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		self.owner = kind->name;
		rows_visit(&self, kind->rows, kind->api_version ? path_add(&self, 0, "spec", "") : 0, false, NULL);
	}
}

/* ---- step kinds ---- */

static void step_body(struct help_page *page, const struct step_kind *kind)
{
	help_page_text(page, kind->summary);
	if (kind->example)
		help_page_code(page, "yaml", kind->example);
	if (kind->options)
		help_page_options(page, kind->options);
}

static void steps_print(struct help_page *page)
{
	help_page_heading(page, 1, "Step kinds");
	help_page_text(page,
		       "A step has one of these keys. Without one, it calls the model with the same name as the step. Every "
		       "step also has the fields of `spec.steps[]` of a Pipeline (`sluice help resources`).");
	for (const struct step_kind *const *kind = page->workspace->kinds; *kind; kind++) {
		help_page_heading(page, 2, "%s", (*kind)->name);
		step_body(page, *kind);
	}
}

static void steps_visit(struct help_visit *visit)
{
	for (const struct step_kind *const *kind = visit->workspace->kinds; *kind; kind++)
		help_see(visit, (*kind)->name, "", (*kind)->summary, *kind);
}

static void steps_print_entry(struct help_page *page, const struct help_entry *entry)
{
	step_body(page, entry->item);
}

const struct help_topic topic_steps = {
	.name = "steps",
	.one = "step kind",
	.summary = "The step kinds and their options.",
	.print = steps_print,
	.visit = steps_visit,
	.print_entry = steps_print_entry,
};

/* ---- resources ---- */

static const char *resource_text(const struct resource_kind *kind)
{
	return kind->help ? kind->help : "";
}

static void resource_body(struct help_page *page, const struct resource_kind *kind)
{
	if (kind->help)
		help_page_text(page, kind->help);
	help_page_options(page, kind->rows);
}

static void resources_print(struct help_page *page)
{
	help_page_heading(page, 1, "Resources");
	help_page_text(page,
		       "A resource is one YAML document: `apiVersion`, `kind`, `metadata` with a name, and `spec`, whose "
		       "fields these are. An unknown field is an error. A known field that is not supported yet is a warning.");
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		help_page_heading(page, 2, "%s", kind->name);
		resource_body(page, kind);
	}
}

static void resources_visit(struct help_visit *visit)
{
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		help_see(visit, kind->name, "", resource_text(kind), kind);
}

static void resources_print_entry(struct help_page *page, const struct help_entry *entry)
{
	resource_body(page, entry->item);
}

const struct help_topic topic_resources = {
	.name = "resources",
	.one = "kind of resource",
	.summary = "The kinds of YAML documents and their fields.",
	.print = resources_print,
	.visit = resources_visit,
	.print_entry = resources_print_entry,
	.caseless = true,
};

static void kinds_print(struct help_page *page)
{
	help_page_heading(page, 1, "Kinds");
	help_page_heading(page, 2, "Kinds of YAML documents: `kind`");
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		help_page_item(page, 0, resource_text(kind), "%s", kind->name);
	help_page_heading(page, 2, "Kinds of steps: the key of a step");
	for (const struct step_kind *const *kind = page->workspace->kinds; *kind; kind++)
		help_page_item(page, 0, (*kind)->summary, "%s", (*kind)->name);
	help_page_heading(page, 2, "Of errors");
	for (const struct failure_row *row = failure_rows; row->name; row++)
		help_page_item(page, 0, row->when, "%s", row->name);
}

const struct help_topic topic_kinds = {
	.name = "kinds",
	.summary = "The kinds of documents, steps and errors, with one line each.",
	.print = kinds_print,
};

/* ---- fields, operations, and the words that fields take ---- */

#define DESCRIPTION_BYTES_MAX 4096 /* of one row; the longest has some five hundred */

struct field_visit {
	struct field_walk walk;
	struct help_visit *visit;
	struct buffer text;
};

static void field_describe(struct field_visit *self, const struct option *row)
{
	buffer_clear(&self->text);
	help_page_describe(&self->text, row);
	buffer_byte(&self->text, '\0');
}

/* A field with its owner before the path, unless every kind of document has it. */
static void field_see(struct help_visit *visit, const char *name, const struct field *field, const char *text)
{
	char where[DESCRIPTION_BYTES_MAX];
	(void)snprintf(where, sizeof where, "%s%s%s", field->owner, *field->owner ? " " : "", field->path);
	help_see(visit, name, where, text, field->row);
}

static void fields_see_field(struct field_walk *walk, const struct field *field)
{
	struct field_visit *self = (struct field_visit *)walk;
	if (field->operation)
		return;
	field_describe(self, field->row);
	if (!buffer_failed(&self->text))
		field_see(self->visit, field->row->name, field, self->text.bytes);
}

static void fields_see_operation(struct field_walk *walk, const struct field *field)
{
	struct field_visit *self = (struct field_visit *)walk;
	if (field->operation)
		field_see(self->visit, field->row->name, field, field->row->help);
}

static void fields_see_words(struct field_walk *walk, const struct field *field)
{
	struct field_visit *self = (struct field_visit *)walk;
	const char *words = field->operation || !field->row->choices ? "" : field->row->choices;
	if (*words)
		field_describe(self, field->row);
	for (size_t length; *words && !buffer_failed(&self->text); words += length + (words[length] == ' ')) {
		length = strcspn(words, " ");
		const char *word = arena_copy(self->visit->workspace->arena, words, length);
		if (word)
			field_see(self->visit, word, field, self->text.bytes);
	}
}

static void fields_visit_by(struct help_visit *visit, void (*see)(struct field_walk *walk, const struct field *field))
{
	struct field_visit self = {.walk = {see}, .visit = visit};
	buffer_open(&self.text, DESCRIPTION_BYTES_MAX);
	fields_walk(&self.walk, visit->workspace->kinds);
	buffer_close(&self.text);
}

static void fields_visit(struct help_visit *visit)
{
	fields_visit_by(visit, fields_see_field);
}

static void operations_visit(struct help_visit *visit)
{
	fields_visit_by(visit, fields_see_operation);
}

static void words_visit(struct help_visit *visit)
{
	fields_visit_by(visit, fields_see_words);
}

/* The places of a match, then what is said of them, then all that stands below such a field. */
static void fields_print_entry(struct help_page *page, const struct help_entry *entry)
{
	const struct option *row = entry->item;
	help_page_text(page, entry->where);
	help_page_text(page, entry->text);
	if (row->rows)
		help_page_options(page, row->rows);
}

static void words_print_entry(struct help_page *page, const struct help_entry *entry)
{
	help_page_text(page, entry->where);
	help_page_text(page, entry->text);
}

static void operations_print(struct help_page *page)
{
	help_page_heading(page, 1, "Operations");
	help_page_text(page,
		       "Operations in the lists of `preprocess` and `postprocess`. `sluice help NAME` shows the options of one.");
	for (const struct step_kind *const *kind = page->workspace->kinds; *kind; kind++) {
		const struct option *rows = (*kind)->options;
		if (!rows || rows->type != OPTION_OPERATIONS)
			continue;
		help_page_heading(page, 2, "Of %s", (*kind)->name);
		for (const struct option *row = rows->rows; row->type != OPTION_END; row++)
			help_page_item(page, 0, row->help, "%s", row->name);
	}
}

const struct help_topic topic_fields = {
	.name = "fields",
	.one = "field",
	.summary = "Every field of every kind of YAML document and of step, by its path.",
	.visit = fields_visit,
	.print_entry = fields_print_entry,
	.by_place = true,
};

const struct help_topic topic_operations = {
	.name = "operations",
	.one = "operation",
	.summary = "The operations of `preprocess` and `postprocess` steps on tensors.",
	.print = operations_print,
	.visit = operations_visit,
	.print_entry = fields_print_entry,
};

const struct help_topic topic_words = {
	.name = "words",
	.one = "value of a field",
	.summary = "The values of fields that accept words, such as delivery modes.",
	.visit = words_visit,
	.print_entry = words_print_entry,
};

/* ---- faults ---- */

static void fault_body(struct help_page *page, const struct fault_code *code)
{
	help_page_text(page, code->help);
	help_page_item(page, 0, fault_kind_name(code->kind), "kind");
	help_page_item(page, 0, severity_name(code->severity), "severity");
	if (code->example)
		help_page_code(page, "yaml", code->example);
}

static void faults_print(struct help_page *page)
{
	help_page_heading(page, 1, "Faults");
	help_page_text(page,
		       "The faults that `sluice lint` can find: the code, its meaning, what to do, and an example with its "
		       "correction.");
	for (const struct fault_code *code = fault_codes; code->code; code++) {
		help_page_heading(page, 2, "%s: %s", code->code, code->title);
		fault_body(page, code);
	}
}

static void faults_visit(struct help_visit *visit)
{
	for (const struct fault_code *code = fault_codes; code->code; code++)
		help_see(visit, code->code, "", code->title, code);
}

static void faults_print_entry(struct help_page *page, const struct help_entry *entry)
{
	help_page_text(page, entry->text);
	fault_body(page, entry->item);
}

const struct help_topic topic_faults = {
	.name = "faults",
	.one = "fault",
	.summary = "The faults that `sluice lint` can find, by code.",
	.print = faults_print,
	.visit = faults_visit,
	.print_entry = faults_print_entry,
	.caseless = true,
};
