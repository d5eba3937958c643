/* document_files.h: Files of documents in an engine: fetched into its folder, and found there by the files that steps
 * read.
 *
 * For the task that compiles documents; it waits for Kafka if the folder lacks a file.
 */
#pragma once

#include "control/artifacts/artifact_topic.h"
#include "control/engine/control_documents.h"
#include "models/files.h"

/* Fetches the files that the folder lacks, and makes the aliases by which all are read, in the arena. REMOTE: a file
 * cannot be fetched; the error names it, with its document and the reason. It may be there later. */
bool document_files_fetch(const struct control_documents *documents, const struct artifact_topic *topic, const char *folder,
			  struct arena *arena, struct file_alias **aliases, struct error *error);

/* Removes from the folder what no kept version names any more (artifact_cache_sweep()). */
void document_files_sweep(const struct control_documents *documents, const char *folder);

/* The folder for files of a namespace: in that of the option, else in the state folder, else in the folder for temporary
 * files, where it has the user's number. NULL: memory ran out. */
const char *document_files_folder(const char *chosen, const char *state_folder, const char *namespace, struct arena *arena);
