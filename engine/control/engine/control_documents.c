/* control_documents.c: see control_documents.h. */
#include "control/engine/control_documents.h"

#include <inttypes.h>

#include "base/arena_list.h"
#include "base/table.h"
#include "control/keeper/kept_versions.h"
#include "engine/setup/revision.h"
#include "message/rows.h"

#define DOCUMENTS_BYTES_MAX ((size_t)1 << 30) /* as for a spec: thousands of documents */

bool document_names_open(struct document_names *names, struct arena *arena, struct error *error)
{
	*names = (struct document_names){arena, table_open()};
	return names->table || error_memory(error, ERROR_SYSTEM, "copying the documents in force");
}

void document_names_close(struct document_names *names)
{
	table_close(names->table);
}

/* NULL: memory ran out. */
static const char *document_name(struct document_names *names, struct arena *arena, const struct control_version *version)
{
	struct text value;
	const char *name = arena_print(arena, TEXT_FORMAT "/" TEXT_FORMAT "@%" PRId64, TEXT_ARGUMENTS(version->kind),
				       TEXT_ARGUMENTS(version->name), version->version);
	if (!name)
		return NULL;
	if (!table_read(names->table, text_of(name), &value)) {
		const char *kept = arena_copy(names->arena, name, strlen(name));
		const struct text pointer = {(const char *)&kept, sizeof kept};
		return kept && table_put(names->table, text_of(name), pointer, false) ? kept : NULL;
	}
	memcpy(&name, value.bytes, sizeof name);
	return name;
}

/* False: memory ran out. */
static bool file_add(struct control_documents *documents, const char *document, struct text name, const struct artifact *artifact)
{
	struct document_file *files = arena_list_grow(documents->arena, documents->files, documents->file_count, sizeof *files);
	if (!files)
		return false;
	documents->files = files;
	files[documents->file_count++] =
		(struct document_file){document, arena_copy(documents->arena, name.bytes, name.length), *artifact};
	return true;
}

static bool files_add(struct control_documents *documents, const char *document, const struct control_version *version)
{
	const struct control_label *labels = version->labels.items;
	struct artifact artifact;
	struct text name;
	for (size_t i = 0; i < version->labels.count; i++)
		if (artifact_label_read(&labels[i], &name, &artifact) && !file_add(documents, document, name, &artifact))
			return false;
	return true;
}

/* `name` is that by which others name it. */
static bool document_add(struct control_documents *documents, const struct control_version *version, struct text name,
			 struct document_names *names)
{
	struct arena *arena = documents->arena;
	const char *file = document_name(names, arena, version);
	struct spec_document *all = arena_list_grow(arena, documents->documents, documents->count, sizeof *all);
	struct resource_version *versions = arena_list_grow(arena, documents->versions, documents->count, sizeof *versions);
	if (!file || !all || !versions)
		return false;
	all[documents->count] = (struct spec_document){.file = file,
						       .text = text_copied(arena, version->document),
						       .version = version->version,
						       .is_named_version = !text_equal(name, version->name)};
	versions[documents->count] =
		(struct resource_version){text_copied(arena, version->kind), text_copied(arena, name), version->version};
	documents->documents = all;
	documents->versions = versions;
	documents->count++;
	return files_add(documents, file, version) && state_labels_collect(&version->labels, arena, &documents->formers);
}

static const struct control_version *version_wanted(const struct control_reader *reader, const struct ledger_resource *resource,
						    int64_t change)
{
	return change == CONTROL_IN_FORCE ? control_reader_in_force(reader, resource)
					  : control_reader_prepared(reader, resource, change);
}

static bool kept_is_there(const struct control_documents *documents, struct text name)
{
	for (size_t i = 0; i < documents->count; i++)
		if (text_equal(documents->versions[i].name, name)) /* no other resource has the name of a version */
			return true;
	return false;
}

/* Adds the versions of Models that a version names, unless one before did. */
static bool kept_add(struct control_documents *documents, const struct control_reader *reader,
		     const struct control_version *version, struct document_names *names)
{
	const struct control_label *labels = version->labels.items;
	for (size_t i = 0; i < version->labels.count; i++) {
		struct text name;
		const struct ledger_version *kept = kept_version_of(&reader->ledger, &labels[i], &name);
		if (kept && !kept_is_there(documents, name) && !document_add(documents, &kept->record, name, names))
			return false;
	}
	return true;
}

static bool documents_copy(struct control_documents *documents, const struct control_reader *reader, int64_t change,
			   struct document_names *names)
{
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(&reader->ledger, resource)
	{
		const struct control_version *version = version_wanted(reader, resource, change);
		if (version && !(document_add(documents, version, version->name, names) &&
				 kept_add(documents, reader, version, names)))
			return false;
	}
	return true;
}

bool control_documents_open(struct control_documents *documents, const struct control_reader *reader, int64_t change,
			    struct document_names *names, struct error *error)
{
	*documents = (struct control_documents){.change = change, .arena = arena_open(DOCUMENTS_BYTES_MAX)};
	const bool good = documents->arena && documents_copy(documents, reader, change, names) &&
			  control_tables_open(&documents->tables, &reader->ledger, change, documents->arena) &&
			  artifacts_named(&reader->ledger, documents->arena, &documents->kept, &documents->kept_count);
	if (good && !arena_failed(documents->arena))
		return true;
	control_documents_close(documents);
	return error_memory(error, ERROR_SYSTEM, "copying the documents in force");
}

void control_documents_close(struct control_documents *documents)
{
	arena_close(documents->arena);
	*documents = (struct control_documents){0};
}

/* Both are in the order of the ledger, which changes only by resources that come or go. */
void control_documents_want(const struct control_documents *documents, struct revision_options *options)
{
	options->documents = documents->documents;
	options->document_count = documents->count;
	options->tables = &documents->tables;
	options->forms = &documents->formers.forms;
	options->apart = (struct name_list){documents->formers.apart_count, documents->formers.apart};
}

bool control_documents_equal(const struct control_documents *a, const struct control_documents *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->versions[i].version != b->versions[i].version || !text_equal(a->versions[i].name, b->versions[i].name) ||
		    !text_equal(a->versions[i].kind, b->versions[i].kind) ||
		    !text_equal(a->documents[i].text, b->documents[i].text)) /* numbers begin anew if `control` was created again */
			return false;
	return assignment_tables_equal(&a->tables, &b->tables);
}
