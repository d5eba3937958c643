/* control_documents.c: see control_documents.h. */
#include "control/control_documents.h"

#include <inttypes.h>

#include "control/kept_versions.h"
#include "message/rows.h"
#include "state/table.h"

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
	if (documents->file_count == documents->file_room) {
		size_t room = 2 * documents->file_room + 16;
		struct document_file *files = ARENA_ARRAY(documents->arena, struct document_file, room);
		if (!files)
			return false;
		if (documents->file_count > 0)
			memcpy(files, documents->files, documents->file_count * sizeof *files);
		documents->files = files;
		documents->file_room = room;
	}
	documents->files[documents->file_count++] =
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
	documents->versions[documents->count] =
		(struct resource_version){text_copied(arena, version->kind), text_copied(arena, name), version->version};
	const char *file = document_name(names, arena, version);
	documents->documents[documents->count++] = (struct spec_document){
		file, text_copied(arena, version->document), text_equal(name, version->name) ? 0 : version->version};
	return file && files_add(documents, file, version) &&
	       state_labels_collect(&version->labels, arena, &documents->formers);
}

static const struct control_version *version_wanted(const struct control_reader *reader, const struct ledger_resource *resource,
						    int64_t change)
{
	return change == CONTROL_IN_FORCE ? control_reader_in_force(reader, resource)
					  : control_reader_prepared(reader, resource, change);
}

/* At most so many: those of the resources, and those that their labels name. */
static size_t documents_most(const struct control_reader *reader, int64_t change)
{
	const struct ledger_resource *resource;
	size_t most = 1;
	LIST_EACH_RESOURCE(&reader->ledger, resource)
	{
		const struct control_version *version = version_wanted(reader, resource, change);
		most += version ? 1 + version->labels.count : 0;
	}
	return most;
}

static bool document_is_there(const struct control_documents *documents, size_t from, struct text name)
{
	for (size_t i = from; i < documents->count; i++)
		if (text_equal(documents->versions[i].name, name))
			return true;
	return false;
}

/* Adds the versions of Models that a version names, unless one before did; those are from `from` on. */
static bool kept_add(struct control_documents *documents, const struct control_reader *reader, size_t from,
		     const struct control_version *version, struct document_names *names)
{
	const struct control_label *labels = version->labels.items;
	for (size_t i = 0; i < version->labels.count; i++) {
		struct text name;
		const struct ledger_version *kept = kept_version_of(&reader->ledger, &labels[i], &name);
		if (kept && !document_is_there(documents, from, name) && !document_add(documents, &kept->record, name, names))
			return false;
	}
	return true;
}

static bool documents_copy(struct control_documents *documents, const struct control_reader *reader, int64_t change,
			   struct document_names *names)
{
	const struct ledger_resource *resource;
	const struct control_version *version;
	LIST_EACH_RESOURCE(&reader->ledger, resource)
	{
		version = version_wanted(reader, resource, change);
		if (version && !document_add(documents, version, version->name, names))
			return false;
	}
	const size_t from = documents->count;
	LIST_EACH_RESOURCE(&reader->ledger, resource)
	{
		version = version_wanted(reader, resource, change);
		if (version && !kept_add(documents, reader, from, version, names))
			return false;
	}
	return true;
}

bool control_documents_open(struct control_documents *documents, const struct control_reader *reader, int64_t change,
			    struct document_names *names, struct error *error)
{
	const size_t most = documents_most(reader, change);
	*documents = (struct control_documents){.change = change, .arena = arena_open(DOCUMENTS_BYTES_MAX)};
	if (documents->arena) {
		documents->documents = ARENA_ARRAY(documents->arena, struct spec_document, most);
		documents->versions = ARENA_ARRAY(documents->arena, struct resource_version, most);
	}
	const bool good = documents->documents && documents->versions && documents_copy(documents, reader, change, names) &&
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
