/* applied_files.c: see applied_files.h. */
#include "tools/client/control/applied_files.h"

#include "compiler/plan/plan.h"
#include "compiler/resources/normal_form.h"

#define DOCUMENT_BYTES_MAX YAML_BYTES_MAX
#define OWN_LABELS "sluice.io/" /* the beginning of the keys of labels that commands and the keeper give */

/* ---- documents ---- */

static bool line_is_separator(struct text line)
{
	return line.length >= 3 && (memcmp(line.bytes, "---", 3) == 0 || memcmp(line.bytes, "...", 3) == 0) &&
	       (line.length == 3 || line.bytes[3] == ' ');
}

/* Reads a line of the file. False: it has no such line, or the line separates documents. */
static bool line_of_document(const struct spec *spec, const char *file, uint32_t number, struct text *line)
{
	const struct place place = {.file = file, .line = number};
	*line = faults_line(spec->faults, place);
	return line->bytes && !line_is_separator(*line);
}

/* The lines of the file between the separators around a place, without the separators. */
static struct text document_slice(const struct spec *spec, struct place place, uint32_t *first)
{
	struct text begin = {0}, end = {0}, line = {0};
	*first = place.line;
	if (!line_of_document(spec, place.file, place.line, &begin))
		return begin;
	end = begin;
	for (uint32_t i = place.line; i > 1 && line_of_document(spec, place.file, i - 1, &line); i--) {
		begin = line;
		*first = i - 1;
	}
	for (uint32_t i = place.line + 1; line_of_document(spec, place.file, i, &line); i++)
		end = line;
	begin.length = (size_t)(end.bytes + end.length - begin.bytes);
	return begin;
}

/* Whether the text is that resource, and nothing else. */
static bool document_is(const struct workspace *workspace, struct text text, const struct resource *resource)
{
	const struct spec_options options = {.kinds = workspace->kinds};
	struct spec spec;
	struct error error = {0};
	if (!text.bytes || !spec_open(&spec, &error))
		return false;
	const struct resource *read = NULL;
	size_t count = 0;
	bool good = spec_read_text(&spec, "document", text, &options, &error) && faults_count(spec.faults, SEVERITY_ERROR) == 0;
	for (size_t i = 0; good && i < spec.count; i++) {
		if (spec.resources[i]->made_of)
			continue;
		read = spec.resources[i];
		count++;
	}
	good = good && count == 1 && read->kind == resource->kind && strings_equal(read->name.text, resource->name.text);
	spec_close(&spec);
	return good;
}

/* The document as written, or, if its text has other resources too or refers to them, the resource printed as YAML. */
static bool document_make(const struct workspace *workspace, struct applied_files *files, const struct resource *resource,
			  struct proposal_item *item, struct document_place *place)
{
	struct text slice = document_slice(&files->spec, resource->place, &place->line);
	place->file = resource->place.file;
	item->document = slice;
	if (document_is(workspace, slice, resource))
		return true;
	struct buffer printed;
	buffer_open(&printed, DOCUMENT_BYTES_MAX);
	node_print_yaml(resource->node, &printed);
	const char *kept = buffer_failed(&printed) ? NULL : arena_copy(workspace->arena, printed.bytes, printed.length);
	item->document = (struct text){kept, printed.length};
	place->line = resource->place.line;
	buffer_close(&printed);
	return kept != NULL;
}

/* A document is kept in Kafka for its next 50 versions, and everybody who may read the topic can print it. */
static bool refuse_secret(const struct workspace *workspace, const struct resource *resource, struct error *error)
{
	const struct node *secret = resource_secret(resource, workspace->kinds, workspace->arena);
	return !secret || error_set(error, ERROR_CONFIG, secret->place,
				    "a secret would be stored in Kafka in clear, with each version of this document; write "
				    "`env:SLUICE_SECRET_NAME` or `file:NAME`, and give the engines that variable or file");
}

/* The labels of its metadata. Keys of our own say what the control plane knows of a version. */
static bool labels_take(const struct workspace *workspace, const struct resource *resource, struct proposal_item *item)
{
	const struct annotation *written = resource->labels.items;
	struct control_label *labels = ARENA_ARRAY(workspace->arena, struct control_label, resource->labels.count + 1);
	size_t count = 0;
	for (size_t i = 0; labels && i < resource->labels.count; i++)
		if (written[i].value && !text_starts_with(text_of(written[i].key.text), TEXT(OWN_LABELS)))
			labels[count++] = (struct control_label){text_of(written[i].key.text), text_of(written[i].value)};
	item->labels = (struct record_list){count, labels};
	return labels;
}

static bool items_make(const struct workspace *workspace, struct applied_files *files, struct error *error)
{
	files->items = ARENA_ARRAY(workspace->arena, struct proposal_item, files->spec.count);
	files->places = ARENA_ARRAY(workspace->arena, struct document_place, files->spec.count);
	bool good = files->items && files->places;
	for (size_t i = 0; good && i < files->spec.count; i++) {
		const struct resource *resource = files->spec.resources[i];
		struct proposal_item *item = &files->items[files->count];
		struct document_place *place = &files->places[files->count];
		if (resource->made_of || !resource->name.text)
			continue;
		if (!refuse_secret(workspace, resource, error))
			return false;
		item->kind = place->kind = text_of(resource->kind->name);
		item->name = place->name = text_of(resource->name.text);
		good = labels_take(workspace, resource, item) && document_make(workspace, files, resource, item, place);
		files->count++;
	}
	return good || error_memory(error, ERROR_SYSTEM, "reading documents");
}

/* ---- the namespace ---- */

static bool namespace_find(struct applied_files *files, const char *namespace, const char *ambient, struct error *error)
{
	const struct resource *first = NULL;
	files->namespace = namespace;
	for (size_t i = 0; i < files->spec.count; i++) {
		const struct resource *resource = files->spec.resources[i];
		if (!resource->namespace)
			continue;
		if (files->namespace && strcmp(files->namespace, resource->namespace) != 0)
			return error_set(error, ERROR_CONFIG, resource->place,
					 "`%s/%s` is of the namespace `%s`, and %s is applied to `%s`; apply each namespace apart",
					 resource->kind->name, resource->name.text ? resource->name.text : "", resource->namespace,
					 first ? first->name.text : "the rest", files->namespace);
		first = first ? first : resource;
		files->namespace = resource->namespace;
	}
	if (!files->namespace)
		files->namespace = namespace_or_default(ambient);
	return true;
}

bool applied_files_read(const struct workspace *workspace, const char *const *paths, size_t count, const char *namespace,
			const char *ambient, struct applied_files *files, struct error *error)
{
	const struct spec_options options = {.kinds = workspace->kinds};
	*files = (struct applied_files){0};
	if (!spec_open(&files->spec, error) || !spec_read(&files->spec, paths, count, &options, error))
		return false;
	if (faults_count(files->spec.faults, SEVERITY_ERROR) > 0)
		return false;
	const struct resource *runtime = spec_first(&files->spec, RESOURCE_RUNTIME);
	files->runtime = runtime ? runtime->spec : NULL;
	return namespace_find(files, namespace, ambient, error) && items_make(workspace, files, error);
}

void applied_files_close(struct applied_files *files)
{
	if (files->spec.arena)
		spec_close(&files->spec);
}

/* ---- what is accepted ---- */

void applied_files_expect(struct applied_files *files, const struct ledger *ledger)
{
	for (size_t i = 0; i < files->count; i++)
		files->items[i].expected =
			resource_expected(ledger, ledger_resource_find(ledger, files->items[i].kind, files->items[i].name));
}

/* A resource that moved to another folder belongs to that one, and is not to be pruned with the former. */
static bool version_has_labels(const struct control_version *version, const struct record_list *list)
{
	const struct control_label *labels = list->items;
	for (size_t i = 0; i < list->count; i++)
		if (!version_has_label(version, labels[i].key, labels[i].value))
			return false;
	return true;
}

bool applied_item_is_accepted(const struct proposal_item *item, const struct ledger *ledger)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, item->kind, item->name);
	const struct ledger_version *newest = resource ? ledger_newest(resource) : NULL;
	return newest && newest->record.action == CONTROL_APPLY && text_equal(newest->record.document, item->document) &&
	       version_has_labels(&newest->record, &item->labels) && ledger_phase(ledger, newest) != CHANGE_FAILED;
}
