/* table_stand.c: see table_stand.h. */
#include "tests/unit/table_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/keeper/rollout_document.h"
#include "message/rows.h"
#include "engine/setup/revision.h"
#include "steps/kinds.h"

struct control_stand table_stand;
static struct document_checker checker = {.kinds = step_kinds, .namespace = "default"};

int table_stand_open(void **state)
{
	(void)state;
	control_open(&table_stand);
	table_stand.options.checker = document_check_of(&checker);
	table_stand.options.rollouts = rollout_document_of(&checker);
	control_keeper_start(&table_stand);
	control_pass(&table_stand, KEEPER_SILENT_MS);
	return 0;
}

int table_stand_close(void **state)
{
	(void)state;
	control_close(&table_stand);
	return 0;
}

/* ---- proposals ---- */

struct proposal_item table_item(const char *kind, const char *name, const char *yaml)
{
	return (struct proposal_item){.kind = text_of(kind),
				      .name = text_of(name),
				      .action = yaml ? PROPOSAL_APPLY : PROPOSAL_DELETE,
				      .document = text_of(yaml),
				      .expected = PROPOSAL_EXPECTS_ANY};
}

void table_propose(const char *kind, const char *name, const char *yaml)
{
	const struct proposal_item item = table_item(kind, name, yaml);
	const struct control_verdict *verdict = control_ask(&table_stand, (struct proposal){.items = {1, &item}});
	const struct verdict_fault *faults = verdict->faults.items;
	if (verdict->outcome != VERDICT_ACCEPTED)
		fail_msg("%.*s: %.*s", TEXT_ARGUMENTS(verdict->why), TEXT_ARGUMENTS(faults ? faults->text : TEXT("")));
}

void table_report(const int64_t *prepared, size_t count, const struct failed_change *failed, size_t failed_count)
{
	static int64_t sequence;
	sequence++;
	control_report(&table_stand, (struct engine_report){.engine = TEXT("one"),
							    .started_ms = 1,
							    .sequence = sequence,
							    .prepared = {count, prepared},
							    .failed = {failed_count, failed}});
}

/* ---- what is recorded, and what an engine has ---- */

const struct control_table *table_recorded(const char *choice, int64_t change)
{
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	const struct ledger_choice *found = ledger_choice_find(ledger, text_of(choice));
	const struct ledger_table *table = found ? control_table_at(ledger, found, change) : NULL;
	return table ? &table->record : NULL;
}

const struct control_table *table_in_force(const char *choice)
{
	return table_recorded(choice, CONTROL_IN_FORCE);
}

struct table_owners *table_owners_of(const struct control_table *table)
{
	unsigned char ways[ASSIGNMENT_BUCKETS];
	const struct table_share *shares = table->shares.items;
	struct table_owners *owners = ARENA_NEW(table_stand.arena, struct table_owners);
	assert_true(owners && assignment_unpack(table->buckets, table->shares.count, ways));
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		owners->names[i] = text_copied(table_stand.arena, shares[ways[i]].name);
	owners->first = text_copied(table_stand.arena, shares[0].name);
	return owners;
}

size_t table_owners_differ(const struct table_owners *a, const struct table_owners *b)
{
	size_t count = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		count += !text_equal(a->names[i], b->names[i]);
	return count;
}

size_t table_owned(const struct table_owners *owners, struct text name)
{
	size_t count = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		count += text_equal(owners->names[i], name);
	return count;
}

/* The assignment of that choice in a plan, and its shares. NULL: the plan has none. */
static const struct assignment *planned(const struct plan *plan, struct text choice, struct share *shares)
{
	size_t buckets[ASSIGNMENT_WAYS_MAX];
	for (size_t i = 0; i < plan->count; i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->experiment_count; j++)
			if (text_is(choice, graph->experiments[j]->name)) {
				memcpy(shares, graph->experiments[j]->shares, graph->experiments[j]->count * sizeof *shares);
				return graph->experiments[j]->assignment;
			}
		for (size_t j = 0; j < graph->count; j++)
			if (graph->steps[j].assignment &&
			    text_is(choice, arena_print(table_stand.arena, "%s/%s", graph->name, graph->steps[j].name))) {
				(void)graph_shares(graph, j, shares, buckets);
				return graph->steps[j].assignment;
			}
	}
	return NULL;
}

/* ---- what an engine has ---- */

static void expect_no_error(void *context, const struct faults *faults)
{
	(void)context;
	for (size_t i = 0; i < faults_total(faults); i++)
		if (faults_at(faults, i)->code->severity == SEVERITY_ERROR)
			fail_msg("%s: %s", faults_at(faults, i)->place.file, faults_at(faults, i)->message);
}

void engine_view_open(struct engine_view *view, int64_t change, const char *built_in)
{
	struct control_reader reader;
	struct error error = {0};
	assert_true(document_names_open(&view->names, table_stand.arena, &error));
	control_reader(&table_stand, &reader);
	assert_true(control_documents_open(&view->documents, &reader, change, &view->names, &error));
	control_reader_close(&reader);
	const struct revision_options options = {.kinds = step_kinds,
						 .namespace = "default",
						 .documents = view->documents.documents,
						 .document_count = view->documents.count,
						 .tables = &view->documents.tables,
						 .may_be_empty = true,
						 .insecure = true,
						 .built_in = built_in,
						 .built_in_only = built_in != NULL,
						 .report = {.faults = expect_no_error}};
	view->revision = revision_open(&options, &error);
	if (!view->revision)
		fail_msg("%s", error.text);
}

void engine_view_close(struct engine_view *view)
{
	revision_close(view->revision);
	control_documents_close(&view->documents);
	document_names_close(&view->names);
}

size_t table_engine_check(uint64_t *versions)
{
	struct control_reader reader;
	struct engine_view view;
	const struct ledger_choice *choice;
	size_t count = 0;
	engine_view_open(&view, CONTROL_IN_FORCE, "http://127.0.0.1:9");
	control_reader(&table_stand, &reader);
	LIST_EACH_CHOICE(&reader.ledger, choice)
	{
		const struct ledger_table *table = control_table_at(&reader.ledger, choice, CONTROL_IN_FORCE);
		struct share shares[ASSIGNMENT_WAYS_MAX];
		const struct assignment *assignment = planned(&view.revision->plan, choice->name, shares);
		if (!table || table->record.shares.count == 0) {
			assert_null(assignment);
			continue;
		}
		assert_non_null(assignment);
		const struct table_owners *owners = table_owners_of(&table->record);
		for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
			assert_true(text_is(owners->names[i], shares[assignment->ways[i]].name));
		char version[17];
		(void)snprintf(version, sizeof version, "%016llx", (unsigned long long)assignment->version);
		assert_true(text_is(table->record.table, version));
		count++;
	}
	for (size_t i = 0; versions && i < view.revision->plan.count; i++)
		*versions += revision_version(view.revision, &view.revision->plan.pipelines[i], step_kinds);
	control_reader_close(&reader);
	engine_view_close(&view);
	return count;
}
