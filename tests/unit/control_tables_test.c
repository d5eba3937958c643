/* control_tables_test.c: Tests of recorded bucket tables: a change of weights moves as few buckets as it must from the
 * recorded table, and every engine has that table, also after restarts, takeovers and compaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/control_documents.h"
#include "control/document_check.h"
#include "message/rows.h"
#include "runtime/revision.h"
#include "steps/kinds.h"
#include "tests/unit/control_stand.h"

#define PIPELINE(name, a, b)                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"                               \
	"  steps: [{name: by, traffic: {shares: [{weight: " a ", call: a}, {weight: " b ", call: b}]}}]\n"                        \
	"  output: {steps: [by]}\n"
#define DEPLOYMENT(a, b)                                                                                                           \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n  predictors:\n"           \
	"  - {name: a, traffic: " a ", graph: {name: m, type: MODEL}}\n"                                                          \
	"  - {name: b, traffic: " b ", graph: {name: m, type: MODEL}}\n"
#define ABTEST(ratio)                                                                                                              \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n  predictors:\n"           \
	"  - name: only\n    graph:\n      name: test\n      implementation: RANDOM_ABTEST\n"                                      \
	"      parameters: [{name: ratioA, value: '" ratio "', type: FLOAT}]\n      children: [{name: a}, {name: b}]\n"
#define EXPERIMENT(a, b, c)                                                                                                        \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                      \
	"  candidates: [{name: a, weight: " a "}, {name: b, weight: " b "}, {name: c, weight: " c "}]\n"
#define MODEL                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: a}\nspec: {storageUri: 'stub://echo'}\n"

static struct control_stand stand;
static struct document_checker checker = {.kinds = step_kinds, .namespace = "default"};

static int tables_setup(void **state)
{
	(void)state;
	control_open(&stand);
	stand.options.checker = document_check_of(&checker);
	control_keeper_start(&stand);
	control_pass(&stand, KEEPER_SILENT_MS);
	return 0;
}

static int tables_teardown(void **state)
{
	(void)state;
	control_close(&stand);
	return 0;
}

/* ---- proposals ---- */

static struct proposal_item item_of(const char *kind, const char *name, const char *yaml)
{
	return (struct proposal_item){.kind = text_of(kind),
				      .name = text_of(name),
				      .action = yaml ? PROPOSAL_APPLY : PROPOSAL_DELETE,
				      .document = text_of(yaml),
				      .expected = PROPOSAL_EXPECTS_ANY};
}

static void propose(const char *kind, const char *name, const char *yaml)
{
	const struct proposal_item item = item_of(kind, name, yaml);
	const struct control_verdict *verdict = control_ask(&stand, (struct proposal){.items = {1, &item}});
	const struct verdict_fault *faults = verdict->faults.items;
	if (verdict->outcome != VERDICT_ACCEPTED)
		fail_msg("%.*s: %.*s", TEXT_ARGUMENTS(verdict->why), TEXT_ARGUMENTS(faults ? faults->text : TEXT("")));
}

/* An engine that prepares nothing of its own accord: changes wait for it. */
static void engine_reports(const int64_t *prepared, size_t count, const struct failed_change *failed, size_t failed_count)
{
	static int64_t sequence;
	control_report(&stand, (struct engine_report){.engine = TEXT("one"),
						      .started_ms = 1,
						      .sequence = ++sequence,
						      .prepared = {count, prepared},
						      .failed = {failed_count, failed}});
}

/* ---- what is recorded, and what an engine has ---- */

static const struct control_table *table_at(const char *choice, int64_t change)
{
	const struct ledger *ledger = keeper_ledger(stand.keeper);
	const struct ledger_choice *found = ledger_choice_find(ledger, text_of(choice));
	const struct ledger_table *table = found ? control_table_at(ledger, found, change) : NULL;
	return table ? &table->record : NULL;
}

static const struct control_table *table_in_force(const char *choice)
{
	return table_at(choice, CONTROL_IN_FORCE);
}

/* The owners of all buckets, by name. */
struct owners {
	struct text names[ASSIGNMENT_BUCKETS];
	struct text first; /* of the candidates, as they are written */
};

static struct owners *owners_of(const struct control_table *table)
{
	unsigned char ways[ASSIGNMENT_BUCKETS];
	const struct table_share *shares = table->shares.items;
	struct owners *owners = ARENA_NEW(stand.arena, struct owners);
	assert_true(owners && assignment_unpack(table->buckets, table->shares.count, ways));
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		owners->names[i] = text_copied(stand.arena, shares[ways[i]].name);
	owners->first = text_copied(stand.arena, shares[0].name);
	return owners;
}

static size_t owners_differ(const struct owners *a, const struct owners *b)
{
	size_t count = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		count += !text_equal(a->names[i], b->names[i]);
	return count;
}

static size_t owned(const struct owners *owners, struct text name)
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
			    text_is(choice, arena_print(stand.arena, "%s/%s", graph->name, graph->steps[j].name))) {
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

/* An engine starts with what `control` holds, and has the table of each choice in force: 0 buckets differ. Returns how many
 * choices those are, and adds the versions of its pipelines. */
static size_t engine_has_tables(uint64_t *versions)
{
	struct control_reader reader;
	struct control_documents documents;
	struct document_names names;
	struct error error = {0};
	const struct ledger_choice *choice;
	size_t count = 0;
	control_reader(&stand, &reader);
	assert_true(document_names_open(&names, stand.arena, &error));
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
		const struct owners *owners = owners_of(&table->record);
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

/* ---- weights that change ---- */

/* 90/10, 75/25, 50/50; then another keeper, from a compacted topic. */
static void weights_walk(const char *kind, const char *name, const char *const documents[3], const char *choice)
{
	static const size_t moved[] = {0, 1500, 2500};
	static const size_t first_has[] = {9000, 7500, 5000};
	struct owners *before = NULL;
	for (size_t i = 0; i < 3; i++) {
		propose(kind, name, documents[i]);
		const struct control_table *table = table_in_force(choice);
		assert_non_null(table);
		assert_int_equal(table->version, i + 1);
		assert_int_equal(table->moved, moved[i]);
		assert_true(text_is(table->kind, kind) && text_is(table->name, name));
		const struct table_share *shares = table->shares.items;
		struct owners *owners = owners_of(table);
		assert_int_equal(owned(owners, owners->first), first_has[i]);
		assert_int_equal(shares[0].buckets, first_has[i]);
		assert_int_equal(before ? owners_differ(before, owners) : 0, moved[i]);
		assert_int_equal(engine_has_tables(NULL), 1);
		before = owners;
	}
	control_compact(&stand);
	stand.options.engine = "engine-2";
	control_keeper_start(&stand);
	assert_int_equal(owners_differ(before, owners_of(table_in_force(choice))), 0);
	assert_int_equal(engine_has_tables(NULL), 1);
}

static void a_traffic_step_keeps_its_table(void **state)
{
	static const char *const documents[] = {PIPELINE("p", "90", "10"), PIPELINE("p", "75", "25"), PIPELINE("p", "50", "50")};
	(void)state;
	weights_walk("Pipeline", "p", documents, "p/by");
}

static const char *only_choice(void)
{
	const struct ledger *ledger = keeper_ledger(stand.keeper);
	assert_int_equal(list_length(&ledger->choices), 1);
	const struct ledger_choice *choice = LIST_OWNER(ledger->choices.first, const struct ledger_choice, node);
	return arena_copy(stand.arena, choice->name.bytes, choice->name.length);
}

static void a_deployment_keeps_its_table(void **state)
{
	static const char *const documents[] = {DEPLOYMENT("90", "10"), DEPLOYMENT("75", "25"), DEPLOYMENT("50", "50")};
	(void)state;
	propose("SeldonDeployment", "d", DEPLOYMENT("90", "10"));
	const char *choice = only_choice();
	weights_walk("SeldonDeployment", "d", documents, choice);
}

static void a_random_test_keeps_its_table(void **state)
{
	static const char *const documents[] = {ABTEST("0.9"), ABTEST("0.75"), ABTEST("0.5")};
	(void)state;
	propose("SeldonDeployment", "d", ABTEST("0.9"));
	const char *choice = only_choice();
	weights_walk("SeldonDeployment", "d", documents, choice);
}

/* Of three candidates: the table of the weights alone would move more. */
static void an_experiment_keeps_its_table(void **state)
{
	(void)state;
	propose("Model", "a", MODEL);
	propose("Experiment", "e", EXPERIMENT("50", "30", "20"));
	const struct owners *first = owners_of(table_in_force("e"));
	propose("Experiment", "e", EXPERIMENT("20", "30", "50"));
	assert_int_equal(table_in_force("e")->moved, 3000);
	assert_int_equal(owners_differ(first, owners_of(table_in_force("e"))), 3000);
	assert_true(text_is(table_in_force("e")->kind, "Experiment"));
	assert_int_equal(engine_has_tables(NULL), 1);
	control_keeper_start(&stand);
	control_pass(&stand, KEEPER_SILENT_MS);
	propose("Experiment", "e", EXPERIMENT("21", "30", "49"));
	assert_int_equal(table_in_force("e")->moved, 100);
	assert_int_equal(engine_has_tables(NULL), 1);
}

/* The first table is that of an engine without a control plane. */
static void a_first_table_follows_from_the_weights(void **state)
{
	static const struct share shares[] = {{"a", 90}, {"b", 10}};
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	const struct assignment *alone = assignment_make(stand.arena, "p/by", shares, 2);
	const struct owners *owners = owners_of(table_in_force("p/by"));
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		assert_true(text_is(owners->names[i], shares[alone->ways[i]].name));
}

/* ---- versions ---- */

static void what_leaves_the_weights_writes_no_table(void **state)
{
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	propose("Pipeline", "p", PIPELINE("p", "90", "10") "  # the same\n");
	propose("Pipeline", "p", PIPELINE("p", "9", "1"));
	propose("Pipeline", "q", PIPELINE("q", "1", "1"));
	assert_int_equal(table_in_force("p/by")->version, 1);
	assert_int_equal(table_in_force("p/by")->change, 1);
	assert_int_equal(table_in_force("q/by")->version, 1);
	assert_int_equal(ledger_choice_find(keeper_ledger(stand.keeper), TEXT("p/by"))->count, 1);
}

/* The new one has nothing of the one before, except that versions go on. */
static void a_choice_that_is_deleted_starts_anew(void **state)
{
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	const struct owners *first = owners_of(table_in_force("p/by"));
	propose("Pipeline", "p", PIPELINE("p", "10", "90"));
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	assert_true(owners_differ(first, owners_of(table_in_force("p/by"))) > 0);
	propose("Pipeline", "p", NULL);
	assert_int_equal(table_in_force("p/by")->version, 4);
	assert_int_equal(table_in_force("p/by")->shares.count, 0);
	assert_int_equal(engine_has_tables(NULL), 0);
	control_compact(&stand);
	control_keeper_start(&stand);
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	control_pass(&stand, KEEPER_SILENT_MS);
	assert_int_equal(table_in_force("p/by")->version, 5);
	assert_int_equal(table_in_force("p/by")->moved, 0);
	assert_int_equal(owners_differ(first, owners_of(table_in_force("p/by"))), 0);
	assert_int_equal(engine_has_tables(NULL), 1);
}

/* The version whose table it is, and its change, have long been removed. */
static void a_table_outlives_the_versions_that_are_kept(void **state)
{
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	propose("Pipeline", "p", PIPELINE("p", "10", "90"));
	const struct owners *owners = owners_of(table_in_force("p/by"));
	for (int i = 0; i < KEEPER_VERSIONS + 10; i++)
		propose("Pipeline", "p", arena_print(stand.arena, PIPELINE("p", "10", "90") "# %d\n", i));
	assert_null(ledger_version_find(ledger_resource_find(keeper_ledger(stand.keeper), TEXT("Pipeline"), TEXT("p")), 2));
	control_compact(&stand);
	control_keeper_start(&stand);
	assert_int_equal(table_in_force("p/by")->version, 2);
	assert_int_equal(owners_differ(owners, owners_of(table_in_force("p/by"))), 0);
	assert_int_equal(engine_has_tables(NULL), 1);
}

static void so_many_tables_of_a_choice_are_kept(void **state)
{
	(void)state;
	for (int i = 1; i <= 2 * KEEPER_TABLES; i++)
		propose("Pipeline", "p", arena_print(stand.arena, PIPELINE("p", "%d", "1"), i));
	const struct ledger_choice *choice = ledger_choice_find(keeper_ledger(stand.keeper), TEXT("p/by"));
	assert_int_equal(choice->count, KEEPER_TABLES);
	assert_int_equal(choice->tables[choice->count - 1]->record.version, 2 * KEEPER_TABLES);
}

/* ---- changes that fail ---- */

/* An engine cannot run the second version: the table of the first stays, and the third is made of that. */
static void a_change_that_fails_leaves_the_table(void **state)
{
	const struct failed_change failed = {2, TEXT("it cannot")};
	static const int64_t prepared = 3;
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	const struct owners *first = owners_of(table_in_force("p/by"));
	engine_reports(NULL, 0, NULL, 0);
	propose("Pipeline", "p", PIPELINE("p", "10", "90"));
	assert_int_equal(table_at("p/by", 2)->version, 2);
	assert_int_equal(table_in_force("p/by")->version, 1);
	engine_reports(NULL, 0, &failed, 1);
	assert_int_equal(table_at("p/by", CONTROL_ACCEPTED)->version, 1);
	propose("Pipeline", "p", PIPELINE("p", "89", "11"));
	engine_reports(&prepared, 1, NULL, 0);
	assert_int_equal(table_in_force("p/by")->version, 3);
	assert_int_equal(table_in_force("p/by")->moved, 100);
	assert_int_equal(owners_differ(first, owners_of(table_in_force("p/by"))), 100);
	assert_int_equal(engine_has_tables(NULL), 1);
}

/* The third version was made of the second one's table, which then never comes into force: its own is made again, under
 * the same version. */
static void a_table_is_made_again_when_the_one_before_it_fails(void **state)
{
	static const int64_t prepared = 3;
	struct proposal_item both[] = {item_of("Pipeline", "p", PIPELINE("p", "10", "90")),
				       item_of("Pipeline", "q", PIPELINE("q", "10", "90"))};
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	const struct owners *first = owners_of(table_in_force("p/by"));
	engine_reports(NULL, 0, NULL, 0);
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {2, both}})->outcome, VERDICT_ACCEPTED);
	propose("Pipeline", "p", PIPELINE("p", "80", "20"));
	assert_int_equal(table_at("p/by", 3)->moved, 7000);
	const struct failed_change failed = {2, TEXT("it cannot")};
	engine_reports(NULL, 0, &failed, 1);
	assert_int_equal(table_at("p/by", 3)->version, 3);
	assert_int_equal(table_at("p/by", 3)->moved, 1000);
	engine_reports(&prepared, 1, NULL, 0);
	assert_int_equal(owners_differ(first, owners_of(table_in_force("p/by"))), 1000);
	control_compact(&stand);
	assert_int_equal(engine_has_tables(NULL), 1);
}

static void documents_open(struct control_documents *documents, int64_t change, struct document_names *names)
{
	struct control_reader reader;
	struct error error = {0};
	control_reader(&stand, &reader);
	assert_true(control_documents_open(documents, &reader, change, names, &error));
	control_reader_close(&reader);
}

/* What an engine prepared with the former table is not what comes into force, though the documents are the same. */
static void documents_with_another_table_are_others(void **state)
{
	const struct failed_change failed = {2, TEXT("it cannot")};
	struct proposal_item both[] = {item_of("Pipeline", "p", PIPELINE("p", "10", "90")),
				       item_of("Pipeline", "q", PIPELINE("q", "10", "90"))};
	struct control_documents before, again, after;
	struct document_names names;
	struct error error = {0};
	(void)state;
	assert_true(document_names_open(&names, stand.arena, &error));
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	engine_reports(NULL, 0, NULL, 0);
	assert_int_equal(control_ask(&stand, (struct proposal){.items = {2, both}})->outcome, VERDICT_ACCEPTED);
	propose("Pipeline", "p", PIPELINE("p", "80", "20"));
	documents_open(&before, 3, &names);
	documents_open(&again, 3, &names);
	engine_reports(NULL, 0, &failed, 1);
	documents_open(&after, 3, &names);
	assert_true(control_documents_equal(&before, &again));
	assert_false(control_documents_equal(&before, &after));
	control_documents_close(&before);
	control_documents_close(&again);
	control_documents_close(&after);
	document_names_close(&names);
}

/* A proposal that replaces the one that is being prepared. */
static void a_table_is_made_again_when_its_change_replaces_another(void **state)
{
	static const int64_t prepared = 3;
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	engine_reports(NULL, 0, NULL, 0);
	propose("Pipeline", "p", PIPELINE("p", "10", "90"));
	propose("Pipeline", "p", PIPELINE("p", "88", "12"));
	engine_reports(&prepared, 1, NULL, 0);
	assert_int_equal(table_in_force("p/by")->version, 3);
	assert_int_equal(table_in_force("p/by")->moved, 200);
	assert_int_equal(engine_has_tables(NULL), 1);
}

/* As after an upgrade: the checker is stricter than the one that accepted the document. Its choices are not gone. */
static void an_error_in_an_accepted_document_leaves_its_tables(void **state)
{
	const struct keeper_checker strict = stand.options.checker;
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	propose("Pipeline", "p", PIPELINE("p", "10", "90"));
	stand.options.checker = (struct keeper_checker){0};
	control_keeper_start(&stand);
	propose("Pipeline", "p", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec: {steps: 5}\n");
	stand.options.checker = strict;
	control_keeper_start(&stand);
	control_pass(&stand, KEEPER_SILENT_MS);
	propose("Pipeline", "q", PIPELINE("q", "1", "1"));
	assert_int_equal(table_in_force("q/by")->version, 1);
	assert_int_equal(table_in_force("p/by")->version, 2);
	propose("Pipeline", "p", PIPELINE("p", "10", "90"));
	assert_int_equal(table_in_force("p/by")->version, 2);
	assert_int_equal(engine_has_tables(NULL), 2);
}

/* ---- engines ---- */

/* The same document with another table is another version of the pipeline: its stages start anew. */
static void a_table_is_part_of_what_an_engine_runs(void **state)
{
	uint64_t first = 0, same = 0, other = 0;
	(void)state;
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	(void)engine_has_tables(&first);
	(void)engine_has_tables(&same);
	assert_true(first == same);
	propose("Pipeline", "p", PIPELINE("p", "10", "90"));
	propose("Pipeline", "p", PIPELINE("p", "90", "10"));
	(void)engine_has_tables(&other);
	assert_true(first != other);
}

/* A reader has the table before the change that it belongs to. */
static void a_table_without_its_change_is_not_in_force(void **state)
{
	static const struct share shares[] = {{"a", 1}, {"b", 1}};
	struct control_table table = {.choice = TEXT("p/by"), .namespace = TEXT("default"), .version = 1, .change = 7};
	struct ledger ledger;
	struct error error = {0};
	(void)state;
	assert_true(control_table_fill(&table, assignment_make(stand.arena, "p/by", shares, 2), shares, NULL, stand.arena));
	assert_true(ledger_open(&ledger, "default", &error));
	assert_true(ledger_fold(&ledger, TEXT("table@p/by@1"), control_encode(&stand, &table_form, &table), stand.now_ms, &error));
	const struct ledger_choice *choice = ledger_choice_find(&ledger, TEXT("p/by"));
	assert_null(control_table_at(&ledger, choice, CONTROL_IN_FORCE));
	assert_null(control_table_at(&ledger, choice, CONTROL_ACCEPTED));
	assert_non_null(control_table_at(&ledger, choice, 7));
	assert_true(ledger_fold(&ledger, TEXT("table@p/by@1"), (struct text){0}, stand.now_ms, &error));
	assert_null(ledger_choice_find(&ledger, TEXT("p/by")));
	ledger_close(&ledger);
}

/* ---- bad records ---- */

static void refused_record(const struct control_table *table, const char *key, const char *words)
{
	struct ledger ledger;
	struct error error = {0};
	assert_true(ledger_open(&ledger, "default", &error));
	assert_false(ledger_fold(&ledger, text_of(key), control_encode(&stand, &table_form, table), stand.now_ms, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_string_equal(error.text, words);
	assert_null(ledger.choices.first);
	ledger_close(&ledger);
}

static void a_record_without_a_table_is_refused(void **state)
{
	const struct table_share shares[] = {{TEXT("a"), 5000}, {TEXT("b"), 5000}, {TEXT("c"), 0}};
	char bytes[2500] = {0};
	struct control_table table = {.choice = TEXT("p/by"), .namespace = TEXT("default"), .version = 1, .shares = {3, shares}};
	(void)state;
	refused_record(&table, "table@p/by@1", "record `table@p/by@1` has no table");
	table.buckets = (struct text){bytes, sizeof bytes - 1};
	refused_record(&table, "table@p/by@1", "record `table@p/by@1` has no table");
	bytes[1000] = 3; /* there is no fourth candidate */
	table.buckets.length = sizeof bytes;
	refused_record(&table, "table@p/by@1", "record `table@p/by@1` has no table");
	bytes[1000] = 2;
	refused_record(&table, "table@q/by@1",
		       "record `table@q/by@1` holds `table@p/by@1`; only the keeper may write to this topic");
	table.version = 0;
	refused_record(&table, "table@p/by@0", "record `table@p/by@0` has no table");
	table.version = 1;
	table.shares.count = 0;
	refused_record(&table, "table@p/by@1", "record `table@p/by@1` has no table");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, tables_setup, tables_teardown)
	const struct CMUnitTest tests[] = {
		STORY(a_traffic_step_keeps_its_table),
		STORY(a_deployment_keeps_its_table),
		STORY(a_random_test_keeps_its_table),
		STORY(an_experiment_keeps_its_table),
		STORY(a_first_table_follows_from_the_weights),
		STORY(what_leaves_the_weights_writes_no_table),
		STORY(a_choice_that_is_deleted_starts_anew),
		STORY(a_table_outlives_the_versions_that_are_kept),
		STORY(so_many_tables_of_a_choice_are_kept),
		STORY(a_change_that_fails_leaves_the_table),
		STORY(a_table_is_made_again_when_the_one_before_it_fails),
		STORY(a_table_is_made_again_when_its_change_replaces_another),
		STORY(documents_with_another_table_are_others),
		STORY(an_error_in_an_accepted_document_leaves_its_tables),
		STORY(a_table_without_its_change_is_not_in_force),
		STORY(a_table_is_part_of_what_an_engine_runs),
		STORY(a_record_without_a_table_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
