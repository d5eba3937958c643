/* table_stand.c: see table_stand.h. */
#include "tests/unit/table_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/rollout_document.h"
#include "message/rows.h"
#include "runtime/revision.h"
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

static void report_faults(void *context, const struct faults *faults)
{
	(void)context;
	for (size_t i = 0; i < faults_total(faults); i++)
		if (faults_at(faults, i)->code->severity == SEVERITY_ERROR)
			fail_msg("%s", faults_at(faults, i)->message);
}

size_t table_engine_check(uint64_t *versions)
{
	struct control_reader reader;
	struct control_documents documents;
	struct document_names names;
	struct error error = {0};
	const struct ledger_choice *choice;
	size_t count = 0;
	control_reader(&table_stand, &reader);
	assert_true(document_names_open(&names, table_stand.arena, &error));
	assert_true(control_documents_open(&documents, &reader, CONTROL_IN_FORCE, &names, &error));
	const struct revision_options options = {.kinds = step_kinds,
						 .namespace = "default",
						 .documents = documents.documents,
						 .document_count = documents.count,
						 .tables = &documents.tables,
						 .may_be_empty = true,
						 .insecure = true,
						 .built_in = "http://127.0.0.1:9",
						 .built_in_only = true,
						 .report = {.faults = report_faults}};
	struct revision *revision = revision_open(&options, &error);
	if (!revision)
		fail_msg("%s", error.text);
	LIST_EACH_CHOICE(&reader.ledger, choice)
	{
		const struct ledger_table *table = control_table_at(&reader.ledger, choice, CONTROL_IN_FORCE);
		struct share shares[ASSIGNMENT_WAYS_MAX];
		const struct assignment *assignment = planned(&revision->plan, choice->name, shares);
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
	for (size_t i = 0; versions && i < revision->plan.count; i++)
		*versions += revision_version(revision, &revision->plan.pipelines[i], step_kinds);
	revision_close(revision);
	control_documents_close(&documents);
	document_names_close(&names);
	control_reader_close(&reader);
	return count;
}
