/* control_documents.h: Copy of a namespace's documents: those in force, or those that a change would bring into force.
 *
 * With them are the bucket tables of their choices. The reader of `control` belongs to the loop's thread. Another thread
 * compiles the documents, so it gets a copy.
 */
#pragma once

#include "control/artifacts/artifact.h"
#include "control/engine/control_reader.h"
#include "control/records/control_tables.h"
#include "control/keeper/state_labels.h"
#include "compiler/resources/resource.h"

struct revision_options; /* engine/setup/revision.h */

/* Names of documents, KIND/NAME@VERSION, for the places of faults and errors. Each is kept once, in an arena that
 * outlives all revisions and errors. */
struct document_names {
	struct arena *arena;
	struct state_table *table;
};

/* The arena is borrowed. False: SYSTEM. */
bool document_names_open(struct document_names *names, struct arena *arena, struct error *error);
void document_names_close(struct document_names *names); /* the names stay in the arena */

/* A file of a document, as its label has it. */
struct document_file {
	const char *document, *name;
	struct artifact artifact;
};

/* Starts as {0}, which has no documents. */
struct control_documents {
	int64_t change; /* or CONTROL_IN_FORCE */
	struct arena *arena;
	size_t count;
	struct spec_document *documents;
	struct resource_version *versions; /* of each document */
	struct assignment_tables tables; /* bucket tables of their choices */
	struct former_facts formers;	 /* of earlier versions */
	size_t file_count;
	struct document_file *files; /* that were applied with them */
	size_t kept_count;
	struct artifact *kept; /* those that any kept version names */
};

/* Copies the documents that are in force, or those that will be when that change is active. SYSTEM: memory ran out. */
bool control_documents_open(struct control_documents *documents, const struct control_reader *reader, int64_t change,
			    struct document_names *names, struct error *error);
void control_documents_close(struct control_documents *documents); /* leaves it without documents */

/* Sets what a revision of the documents is compiled from; both are borrowed from them. */
void control_documents_want(const struct control_documents *documents, struct revision_options *options);

/* Whether both have the same versions of the same resources, and the same bucket tables. A version number is never used
 * again, so the texts are the same too. */
bool control_documents_equal(const struct control_documents *a, const struct control_documents *b);
