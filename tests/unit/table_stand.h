/* table_stand.h: Keeper with the document checker, for tests of recorded bucket tables; and an engine's view of them. */
#pragma once

#include "control/engine/control_documents.h"
#include "tests/unit/control_stand.h"

/* Document of a Pipeline whose step splits between `a` and `b`. */
#define TABLE_PIPELINE(name, a, b)												   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"				   \
	"  steps: [{name: by, traffic: {shares: [{weight: " a ", call: a}, {weight: " b ", call: b}]}}]\n"			   \
	"  output: {steps: [by]}\n"

/* The owners of all buckets, by name. */
struct table_owners {
	struct text names[ASSIGNMENT_BUCKETS];
	struct text first; /* of the candidates, as they are written */
};

extern struct control_stand table_stand;

int table_stand_open(void **state);
int table_stand_close(void **state);

/* An item that applies the document; NULL: that deletes the resource. */
struct proposal_item table_item(const char *kind, const char *name, const char *yaml);
void table_propose(const char *kind, const char *name, const char *yaml); /* it is accepted */

/* Reports of an engine that prepares nothing of its own accord: changes wait for it. */
void table_report(const int64_t *prepared, size_t count, const struct failed_change *failed, size_t failed_count);

/* What is recorded; NULL: there is none. */
const struct control_table *table_recorded(const char *choice, int64_t change);
const struct control_table *table_in_force(const char *choice);

struct table_owners *table_owners_of(const struct control_table *table);
size_t table_owners_differ(const struct table_owners *a, const struct table_owners *b);
size_t table_owned(const struct table_owners *owners, struct text name);

/* What an engine has that reads `control` at a change, CONTROL_IN_FORCE or another: the documents, and the revision that is made of
 * them, without a fault. `built_in`: address of a built-in server of all models; NULL: each has its own. */
struct engine_view {
	struct control_documents documents;
	struct document_names names;
	struct revision *revision;
};
void engine_view_open(struct engine_view *view, int64_t change, const char *built_in);
void engine_view_close(struct engine_view *view);

/* An engine starts with what `control` holds, and has the table of each choice in force: no bucket differs. Returns how
 * many choices those are, and adds the versions of its pipelines; `versions` may be NULL. */
size_t table_engine_check(uint64_t *versions);
