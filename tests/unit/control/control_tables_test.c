/* control_tables_test.c: Tests of recorded bucket tables: a change of weights moves as few buckets as it must from the
 * recorded table, and every engine has that table, also after restarts, takeovers and compaction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "message/rows.h"
#include "tests/unit/table_stand.h"

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
#define MODEL(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://echo'}\n"

/* The candidates of the experiment. */
static void models_propose(void)
{
	table_propose("Model", "a", MODEL("a"));
	table_propose("Model", "b", MODEL("b"));
	table_propose("Model", "c", MODEL("c"));
}

/* ---- weights that change ---- */

/* 90/10, 75/25, 50/50; then another keeper, from a compacted topic. */
static void weights_walk(const char *kind, const char *name, const char *const documents[3], const char *choice)
{
	static const size_t moved[] = {0, 1500, 2500};
	static const size_t first_has[] = {9000, 7500, 5000};
	struct table_owners *before = NULL;
	for (size_t i = 0; i < 3; i++) {
		table_propose(kind, name, documents[i]);
		const struct control_table *table = table_in_force(choice);
		assert_non_null(table);
		assert_int_equal(table->version, i + 1);
		assert_int_equal(table->moved, moved[i]);
		assert_true(text_is(table->kind, kind) && text_is(table->name, name));
		const struct table_share *shares = table->shares.items;
		struct table_owners *owners = table_owners_of(table);
		assert_int_equal(table_owned(owners, owners->first), first_has[i]);
		assert_int_equal(shares[0].buckets, first_has[i]);
		assert_int_equal(before ? table_owners_differ(before, owners) : 0, moved[i]);
		assert_int_equal(table_engine_check(NULL), 1);
		before = owners;
	}
	control_compact(&table_stand);
	table_stand.options.engine = "engine-2";
	control_keeper_start(&table_stand);
	assert_int_equal(table_owners_differ(before, table_owners_of(table_in_force(choice))), 0);
	assert_int_equal(table_engine_check(NULL), 1);
}

static void a_traffic_step_keeps_its_table(void **state)
{
	static const char *const documents[] = {TABLE_PIPELINE("p", "90", "10"), TABLE_PIPELINE("p", "75", "25"),
						TABLE_PIPELINE("p", "50", "50")};
	(void)state;
	weights_walk("Pipeline", "p", documents, "p/by");
}

static const char *only_choice(void)
{
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	assert_int_equal(list_length(&ledger->choices), 1);
	const struct ledger_choice *choice = LIST_OWNER(ledger->choices.first, const struct ledger_choice, node);
	return arena_copy(table_stand.arena, choice->name.bytes, choice->name.length);
}

static void a_deployment_keeps_its_table(void **state)
{
	static const char *const documents[] = {DEPLOYMENT("90", "10"), DEPLOYMENT("75", "25"), DEPLOYMENT("50", "50")};
	(void)state;
	table_propose("SeldonDeployment", "d", DEPLOYMENT("90", "10"));
	const char *choice = only_choice();
	weights_walk("SeldonDeployment", "d", documents, choice);
}

static void a_random_test_keeps_its_table(void **state)
{
	static const char *const documents[] = {ABTEST("0.9"), ABTEST("0.75"), ABTEST("0.5")};
	(void)state;
	table_propose("SeldonDeployment", "d", ABTEST("0.9"));
	const char *choice = only_choice();
	weights_walk("SeldonDeployment", "d", documents, choice);
}

/* Of three candidates: the table of the weights alone would move more. */
static void an_experiment_keeps_its_table(void **state)
{
	(void)state;
	models_propose();
	table_propose("Experiment", "e", EXPERIMENT("50", "30", "20"));
	const struct table_owners *first = table_owners_of(table_in_force("e"));
	table_propose("Experiment", "e", EXPERIMENT("20", "30", "50"));
	assert_int_equal(table_in_force("e")->moved, 3000);
	assert_int_equal(table_owners_differ(first, table_owners_of(table_in_force("e"))), 3000);
	assert_true(text_is(table_in_force("e")->kind, "Experiment"));
	assert_int_equal(table_engine_check(NULL), 1);
	control_keeper_start(&table_stand);
	control_pass(&table_stand, KEEPER_SILENT_MS);
	table_propose("Experiment", "e", EXPERIMENT("21", "30", "49"));
	assert_int_equal(table_in_force("e")->moved, 100);
	assert_int_equal(table_engine_check(NULL), 1);
}

/* The first table is that of an engine without a control plane. */
static void a_first_table_follows_from_the_weights(void **state)
{
	static const struct share shares[] = {{"a", 90}, {"b", 10}};
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	const struct assignment *alone = assignment_make(table_stand.arena, "p/by", shares, 2);
	const struct table_owners *owners = table_owners_of(table_in_force("p/by"));
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		assert_true(text_is(owners->names[i], shares[alone->ways[i]].name));
}

/* ---- versions ---- */

static void what_leaves_the_weights_writes_no_table(void **state)
{
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10") "  # the same\n");
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "9", "1"));
	table_propose("Pipeline", "q", TABLE_PIPELINE("q", "1", "1"));
	assert_int_equal(table_in_force("p/by")->version, 1);
	assert_int_equal(table_in_force("p/by")->change, 1);
	assert_int_equal(table_in_force("q/by")->version, 1);
	assert_int_equal(ledger_choice_find(keeper_ledger(table_stand.keeper), TEXT("p/by"))->count, 1);
}

/* The new one has nothing of the one before, except that versions go on. */
static void a_choice_that_is_deleted_starts_anew(void **state)
{
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	const struct table_owners *first = table_owners_of(table_in_force("p/by"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	assert_true(table_owners_differ(first, table_owners_of(table_in_force("p/by"))) > 0);
	table_propose("Pipeline", "p", NULL);
	assert_int_equal(table_in_force("p/by")->version, 4);
	assert_int_equal(table_in_force("p/by")->shares.count, 0);
	assert_int_equal(table_engine_check(NULL), 0);
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	control_pass(&table_stand, KEEPER_SILENT_MS);
	assert_int_equal(table_in_force("p/by")->version, 5);
	assert_int_equal(table_in_force("p/by")->moved, 0);
	assert_int_equal(table_owners_differ(first, table_owners_of(table_in_force("p/by"))), 0);
	assert_int_equal(table_engine_check(NULL), 1);
}

/* The version whose table it is, and its change, have long been removed. */
static void a_table_outlives_the_versions_that_are_kept(void **state)
{
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	const struct table_owners *owners = table_owners_of(table_in_force("p/by"));
	for (int i = 0; i < KEEPER_VERSIONS + 10; i++)
		table_propose("Pipeline", "p", arena_print(table_stand.arena, TABLE_PIPELINE("p", "10", "90") "# %d\n", i));
	assert_null(ledger_version_find(ledger_resource_find(keeper_ledger(table_stand.keeper), TEXT("Pipeline"), TEXT("p")), 2));
	control_compact(&table_stand);
	control_keeper_start(&table_stand);
	assert_int_equal(table_in_force("p/by")->version, 2);
	assert_int_equal(table_owners_differ(owners, table_owners_of(table_in_force("p/by"))), 0);
	assert_int_equal(table_engine_check(NULL), 1);
}

static void so_many_tables_of_a_choice_are_kept(void **state)
{
	(void)state;
	for (int i = 1; i <= 2 * KEEPER_TABLES; i++)
		table_propose("Pipeline", "p", arena_print(table_stand.arena, TABLE_PIPELINE("p", "%d", "1"), i));
	const struct ledger_choice *choice = ledger_choice_find(keeper_ledger(table_stand.keeper), TEXT("p/by"));
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
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	const struct table_owners *first = table_owners_of(table_in_force("p/by"));
	table_report(NULL, 0, NULL, 0);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	assert_int_equal(table_recorded("p/by", 2)->version, 2);
	assert_int_equal(table_in_force("p/by")->version, 1);
	table_report(NULL, 0, &failed, 1);
	assert_int_equal(table_recorded("p/by", CONTROL_ACCEPTED)->version, 1);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "89", "11"));
	table_report(&prepared, 1, NULL, 0);
	assert_int_equal(table_in_force("p/by")->version, 3);
	assert_int_equal(table_in_force("p/by")->moved, 100);
	assert_int_equal(table_owners_differ(first, table_owners_of(table_in_force("p/by"))), 100);
	assert_int_equal(table_engine_check(NULL), 1);
}

/* The third version was made of the second one's table, which then never comes into force: its own is made again, under
 * the same version. */
static void a_table_is_made_again_when_the_one_before_it_fails(void **state)
{
	static const int64_t prepared = 3;
	struct proposal_item both[] = {table_item("Pipeline", "p", TABLE_PIPELINE("p", "10", "90")),
				       table_item("Pipeline", "q", TABLE_PIPELINE("q", "10", "90"))};
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	const struct table_owners *first = table_owners_of(table_in_force("p/by"));
	table_report(NULL, 0, NULL, 0);
	assert_int_equal(control_ask(&table_stand, (struct proposal){.items = {2, both}})->outcome, VERDICT_ACCEPTED);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "80", "20"));
	assert_int_equal(table_recorded("p/by", 3)->moved, 7000);
	const struct failed_change failed = {2, TEXT("it cannot")};
	table_report(NULL, 0, &failed, 1);
	assert_int_equal(table_recorded("p/by", 3)->version, 3);
	assert_int_equal(table_recorded("p/by", 3)->moved, 1000);
	table_report(&prepared, 1, NULL, 0);
	assert_int_equal(table_owners_differ(first, table_owners_of(table_in_force("p/by"))), 1000);
	control_compact(&table_stand);
	assert_int_equal(table_engine_check(NULL), 1);
}

static void documents_open(struct control_documents *documents, int64_t change, struct document_names *names)
{
	struct control_reader reader;
	struct error error = {0};
	control_reader(&table_stand, &reader);
	assert_true(control_documents_open(documents, &reader, change, names, &error));
	control_reader_close(&reader);
}

/* What an engine prepared with the former table is not what comes into force, though the documents are the same. */
static void documents_with_another_table_are_others(void **state)
{
	const struct failed_change failed = {2, TEXT("it cannot")};
	struct proposal_item both[] = {table_item("Pipeline", "p", TABLE_PIPELINE("p", "10", "90")),
				       table_item("Pipeline", "q", TABLE_PIPELINE("q", "10", "90"))};
	struct control_documents before, again, after;
	struct document_names names;
	struct error error = {0};
	(void)state;
	assert_true(document_names_open(&names, table_stand.arena, &error));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	table_report(NULL, 0, NULL, 0);
	assert_int_equal(control_ask(&table_stand, (struct proposal){.items = {2, both}})->outcome, VERDICT_ACCEPTED);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "80", "20"));
	documents_open(&before, 3, &names);
	documents_open(&again, 3, &names);
	table_report(NULL, 0, &failed, 1);
	documents_open(&after, 3, &names);
	assert_true(control_documents_equal(&before, &again));
	assert_false(control_documents_equal(&before, &after));
	control_documents_close(&before);
	control_documents_close(&again);
	control_documents_close(&after);
	document_names_close(&names);
}

/* The third version has the weights of the second, which never comes into force: it has a table of its own. */
static void the_same_weights_again_need_a_table_while_the_former_waits(void **state)
{
	static const int64_t prepared = 3;
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	table_report(NULL, 0, NULL, 0);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	table_propose("Pipeline", "q", TABLE_PIPELINE("q", "1", "1"));
	table_report(&prepared, 1, NULL, 0);
	assert_int_equal(table_in_force("p/by")->version, 3);
	assert_int_equal(table_in_force("p/by")->moved, 8000);
	assert_int_equal(table_recorded("p/by", CONTROL_ACCEPTED)->version, 3);
	assert_int_equal(table_engine_check(NULL), 1);
}

/* A proposal that replaces the one that is being prepared. */
static void a_table_is_made_again_when_its_change_replaces_another(void **state)
{
	static const int64_t prepared = 3;
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	table_report(NULL, 0, NULL, 0);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "88", "12"));
	table_report(&prepared, 1, NULL, 0);
	assert_int_equal(table_in_force("p/by")->version, 3);
	assert_int_equal(table_in_force("p/by")->moved, 200);
	assert_int_equal(table_engine_check(NULL), 1);
}

/* As after an upgrade: the checker is stricter than the one that accepted the document. Its choices are not gone. */
static void an_error_in_an_accepted_document_leaves_its_tables(void **state)
{
	const struct keeper_checker strict = table_stand.options.checker;
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	table_stand.options.checker = (struct keeper_checker){0};
	control_keeper_start(&table_stand);
	table_propose("Pipeline", "p",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec: {steps: 5}\n");
	table_stand.options.checker = strict;
	control_keeper_start(&table_stand);
	control_pass(&table_stand, KEEPER_SILENT_MS);
	table_propose("Pipeline", "q", TABLE_PIPELINE("q", "1", "1"));
	assert_int_equal(table_in_force("q/by")->version, 1);
	assert_int_equal(table_in_force("p/by")->version, 2);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	assert_int_equal(table_in_force("p/by")->version, 2);
	assert_int_equal(table_engine_check(NULL), 2);
}

/* ---- engines ---- */

/* The same document with another table is another version of the pipeline: its stages start anew. */
static void a_table_is_part_of_what_an_engine_runs(void **state)
{
	uint64_t first = 0, same = 0, other = 0;
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	(void)table_engine_check(&first);
	(void)table_engine_check(&same);
	assert_true(first == same);
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "10", "90"));
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "90", "10"));
	(void)table_engine_check(&other);
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
	const struct assignment *made = assignment_make(table_stand.arena, "p/by", shares, 2);
	assert_true(control_table_fill(&table, made, shares, NULL, table_stand.arena));
	const struct text bytes = control_encode(&table_stand, &table_form, &table);
	assert_true(ledger_open(&ledger, "default", &error));
	assert_true(ledger_fold(&ledger, TEXT("table@p/by@1"), bytes, table_stand.now_ms, &error));
	const struct ledger_choice *choice = ledger_choice_find(&ledger, TEXT("p/by"));
	assert_null(control_table_at(&ledger, choice, CONTROL_IN_FORCE));
	assert_null(control_table_at(&ledger, choice, CONTROL_ACCEPTED));
	assert_non_null(control_table_at(&ledger, choice, 7));
	assert_true(ledger_fold(&ledger, TEXT("table@p/by@1"), (struct text){0}, table_stand.now_ms, &error));
	assert_null(ledger_choice_find(&ledger, TEXT("p/by")));
	ledger_close(&ledger);
}

/* ---- bad records ---- */

static void refused_record(const struct control_table *table, const char *key, const char *words)
{
	struct ledger ledger;
	struct error error = {0};
	assert_true(ledger_open(&ledger, "default", &error));
	const struct text bytes = control_encode(&table_stand, &table_form, table);
	assert_false(ledger_fold(&ledger, text_of(key), bytes, table_stand.now_ms, &error));
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
#define STORY(name) cmocka_unit_test_setup_teardown(name, table_stand_open, table_stand_close)
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
		STORY(the_same_weights_again_need_a_table_while_the_former_waits),
		STORY(documents_with_another_table_are_others),
		STORY(an_error_in_an_accepted_document_leaves_its_tables),
		STORY(a_table_without_its_change_is_not_in_force),
		STORY(a_table_is_part_of_what_an_engine_runs),
		STORY(a_record_without_a_table_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
