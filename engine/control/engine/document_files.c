/* document_files.c: see document_files.h. */
#include "control/engine/document_files.h"

#include <stdlib.h>
#include <unistd.h>

#include "control/artifacts/artifact_cache.h"

const char *document_files_folder(const char *chosen, const char *state_folder, const char *namespace, struct arena *arena)
{
	const char *temporary = getenv("TMPDIR");
	if (chosen)
		return arena_print(arena, "%s/%s", chosen, namespace);
	if (state_folder)
		return arena_print(arena, "%s/artifacts/%s", state_folder, namespace);
	return arena_print(arena, "%s/sluice-%lu/artifacts/%s", temporary && temporary[0] ? temporary : "/tmp",
			   (unsigned long)getuid(), namespace);
}

static bool fetch_failed(const struct document_file *file, const struct error *why, struct error *error)
{
	const char *next = why->kind == ERROR_INPUT ? "; apply the document again from a folder that has the file" : "";
	return error_set(error, ERROR_REMOTE, PLACE_NONE, "%s names the file %s, which is not here: %s%s", file->document,
			 file->name, why->text, next);
}

bool document_files_fetch(const struct control_documents *documents, const struct artifact_topic *topic, const char *folder,
			  struct arena *arena, struct file_alias **aliases, struct error *error)
{
	size_t lacking;
	struct error why = {0};
	struct artifact *artifacts = ARENA_ARRAY(arena, struct artifact, documents->file_count + 1);
	*aliases = ARENA_ARRAY(arena, struct file_alias, documents->file_count + 1);
	if (!artifacts || !*aliases)
		return error_memory(error, ERROR_SYSTEM, "fetching files of documents");
	for (size_t i = 0; i < documents->file_count; i++) {
		const struct document_file *file = &documents->files[i];
		artifacts[i] = file->artifact;
		(*aliases)[i] = (struct file_alias){file->document, file->name, artifact_path(folder, &file->artifact, arena),
						    file->artifact.digest};
	}
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "fetching files of documents");
	if (documents->file_count == 0)
		return true;
	if (artifact_folder_make(folder, &why) &&
	    artifact_topic_fetch(topic, folder, artifacts, documents->file_count, &lacking, &why))
		return true;
	return why.kind == ERROR_CONFIG ? error_set(error, ERROR_REMOTE, PLACE_NONE, "%s", why.text)
					: fetch_failed(&documents->files[lacking], &why, error);
}

static bool file_is_kept(void *context, const char *digest)
{
	const struct control_documents *documents = context;
	for (size_t i = 0; i < documents->kept_count; i++)
		if (strcmp(documents->kept[i].digest, digest) == 0)
			return true;
	return false;
}

void document_files_sweep(const struct control_documents *documents, const char *folder)
{
	(void)artifact_cache_sweep(folder, file_is_kept, (void *)(uintptr_t)documents);
}
