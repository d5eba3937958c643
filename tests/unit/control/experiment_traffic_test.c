/* experiment_traffic_test.c: Tests of the commands of an experiment without stages, an Experiment or the predictors of a
 * SeldonDeployment: a promotion and a rollback are versions of its document with other traffic, and all else of the document stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/keeper/experiment_traffic.h"
#include "message/rows.h"
#include "steps/kinds.h"
#include "tests/unit/apply_stand.h"
#include "tests/unit/session.h"
#include "tests/unit/table_stand.h"

#define HEAD "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n  predictors:\n"
#define MODEL_GRAPH "graph: {name: m, type: MODEL}"
#define TWO(main, canary)                                                                                                          \
	HEAD "  # the one that is known\n  - {name: main, traffic: " main ", " MODEL_GRAPH "}\n  - name: canary # new\n"           \
	     "    traffic: " canary "   # its share\n    " MODEL_GRAPH "\n"
#define SHARE(name, traffic) "  - {name: " name ", traffic: " traffic ", " MODEL_GRAPH "}\n"

static const struct document_checker checker = {.kinds = step_kinds, .namespace = "default"};
static struct arena *arena;

static int arena_begin(void **state)
{
	(void)state;
	arena = arena_open((size_t)4 << 20);
	return arena ? 0 : 1;
}

static int arena_end(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static struct experiment_traffic traffic_of(const char *document)
{
	struct experiment_traffic traffic;
	struct error error = {0};
	if (!experiment_traffic_read(&checker, text_of(document), arena, &traffic, &error))
		fail_msg("%s", error.text);
	return traffic;
}

/* The document after a move; NULL: it is refused. */
static const char *moved(const char *document, enum traffic_move move, struct error *error)
{
	const struct experiment_traffic from = traffic_of(document), to = experiment_traffic_moved(&from, move);
	struct text written;
	if (!experiment_traffic_write(text_of(document), &from, &to, arena, &written, error))
		return NULL;
	return arena_print(arena, TEXT_FORMAT, TEXT_ARGUMENTS(written));
}

static void expect_moved(const char *document, enum traffic_move move, const char *expected)
{
	struct error error = {0};
	const char *written = moved(document, move, &error);
	if (!written)
		fail_msg("%s", error.text);
	assert_string_equal(written, expected);
}

/* ---- documents ---- */

static void a_move_changes_the_numbers_alone(void **state)
{
	(void)state;
	const struct experiment_traffic traffic = traffic_of(TWO("80", "20"));
	assert_int_equal(traffic.count, 2);
	assert_string_equal(traffic.shares[1].name, "canary");
	assert_int_equal(traffic.shares[1].weight, 20);
	expect_moved(TWO("80", "20"), TRAFFIC_PROMOTE, TWO("0", "100"));
	expect_moved(TWO("80", "20"), TRAFFIC_ROLLBACK, TWO("100", "0"));
	expect_moved(TWO("0", "100"), TRAFFIC_ROLLBACK, TWO("100", "0"));
	expect_moved(TWO("100", "0"), TRAFFIC_PROMOTE, TWO("0", "100"));
}

static void others_keep_their_proportions(void **state)
{
	(void)state;
	expect_moved(HEAD SHARE("a", "50") SHARE("b", "30") SHARE("c", "20"), TRAFFIC_PROMOTE,
		     HEAD SHARE("a", "0") SHARE("b", "60") SHARE("c", "40"));
	expect_moved(HEAD SHARE("a", "97") SHARE("b", "1") SHARE("c", "1") SHARE("d", "1"), TRAFFIC_PROMOTE,
		     HEAD SHARE("a", "0") SHARE("b", "33") SHARE("c", "33") SHARE("d", "34"));
	expect_moved(HEAD SHARE("a", "100") SHARE("b", "0") SHARE("c", "0"), TRAFFIC_PROMOTE,
		     HEAD SHARE("a", "0") SHARE("b", "50") SHARE("c", "50"));
}

static void a_shadow_has_no_share(void **state)
{
	(void)state;
#define SHADOW "  - {name: copy, shadow: true, " MODEL_GRAPH "}\n"
	assert_int_equal(traffic_of(HEAD SHADOW SHARE("a", "60") SHARE("b", "40")).count, 2);
	expect_moved(HEAD SHADOW SHARE("a", "60") SHARE("b", "40"), TRAFFIC_PROMOTE, HEAD SHADOW SHARE("a", "0") SHARE("b", "100"));
}

/* Columns count characters, and these have several bytes. */
static void characters_before_a_number_are_no_bytes(void **state)
{
	(void)state;
#define LABELLED(a, b) HEAD "  - {labels: {of: \"Ångström, 名前\"}, name: a, traffic: " a ", " MODEL_GRAPH "}\n" SHARE("b", b)
	expect_moved(LABELLED("60", "40"), TRAFFIC_ROLLBACK, LABELLED("100", "0"));
}

static void numbers_that_are_not_written_are_not_changed(void **state)
{
	static const struct {
		const char *document;
		enum traffic_move move;
	} rows[] = {
		{HEAD SHARE("a", "100") "  - {name: b, " MODEL_GRAPH "}\n", TRAFFIC_PROMOTE},
		{HEAD SHARE("a", "&half 50") SHARE("b", "*half"), TRAFFIC_PROMOTE},
		{HEAD SHARE("a", "20") SHARE("b", "&most 80") SHARE("c", "0"), TRAFFIC_PROMOTE},
		{HEAD "  - &half {name: a, traffic: 50, " MODEL_GRAPH "}\n  - {<<: *half, name: b}\n", TRAFFIC_PROMOTE},
		{HEAD "  - &none {name: a, traffic: 0, " MODEL_GRAPH "}\n" SHARE("b", "100") "  - {<<: *none, name: c}\n",
		 TRAFFIC_ROLLBACK},
		/* The number of b stays at 33, and that of d becomes 34. */
		{HEAD SHARE("a", "1") "  - &part {name: b, traffic: 33, " MODEL_GRAPH
				      "}\n" SHARE("c", "33") "  - {<<: *part, name: d}\n",
		 TRAFFIC_PROMOTE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error error = {0};
		assert_null(moved(rows[i].document, rows[i].move, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, "has no number of its own as its `traffic`; write one for each"));
	}
}

static void one_predictor_has_no_traffic_to_move(void **state)
{
	static const char *const documents[] = {HEAD SHARE("a", "100"), HEAD SHARE("a", "100") SHADOW};
	struct experiment_traffic traffic;
	(void)state;
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		struct error error = {0};
		assert_false(experiment_traffic_read(&checker, text_of(documents[i]), arena, &traffic, &error));
		assert_non_null(strstr(error.text, "has one predictor that answers, so there is no traffic to move"));
	}
}

/* ---- documents of Experiments ---- */

#define EXPERIMENT "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
#define CANDIDATE(name, weight) "  - {name: " name ", weight: " weight "} # of ours\n"
#define PLAIN(old, new) EXPERIMENT "  default: old\n  candidates:\n" CANDIDATE("old", old) CANDIDATE("new", new)

static void candidates_share_by_weights_that_are_no_percents(void **state)
{
	(void)state;
	const struct experiment_traffic traffic = traffic_of(PLAIN("3", "1"));
	assert_true(traffic.count == 2 && traffic.given == 0 && !traffic.are_predictors);
	assert_true(experiment_traffic_percent(&traffic, 0) == 75 && experiment_traffic_percent(&traffic, 1) == 25);
	expect_moved(PLAIN("3", "1"), TRAFFIC_PROMOTE, PLAIN("0", "1"));
	expect_moved(PLAIN("3", "1"), TRAFFIC_ROLLBACK, PLAIN("3", "0"));
}

static void the_default_may_be_any_candidate(void **state)
{
#define THREE(a, b, c) EXPERIMENT "  default: b\n  candidates:\n" CANDIDATE("a", a) CANDIDATE("b", b) CANDIDATE("c", c)
	(void)state;
	assert_int_equal(traffic_of(THREE("1", "6", "3")).given, 1);
	expect_moved(THREE("1", "6", "3"), TRAFFIC_PROMOTE, THREE("1", "0", "3"));
	expect_moved(THREE("1", "0", "3"), TRAFFIC_ROLLBACK, THREE("0", "3", "0"));
	expect_moved(THREE("0", "6", "0"), TRAFFIC_PROMOTE, THREE("6", "0", "6"));
}

/* No percent has them. */
static void weights_of_any_proportion_are_kept(void **state)
{
#define MOST "4294967295"
	(void)state;
	expect_moved(PLAIN("999", "1"), TRAFFIC_PROMOTE, PLAIN("0", "1"));
	expect_moved(PLAIN("1", "999"), TRAFFIC_PROMOTE, PLAIN("0", "999"));
	expect_moved(THREE("1", "5", "999"), TRAFFIC_PROMOTE, THREE("1", "0", "999"));
	expect_moved(THREE("1", "5", "999"), TRAFFIC_ROLLBACK, THREE("0", "5", "0"));
	expect_moved(THREE("1", "0", MOST), TRAFFIC_PROMOTE, THREE("1", "0", MOST));
	expect_moved(THREE("1", "0", MOST), TRAFFIC_ROLLBACK, THREE("0", MOST, "0"));
	expect_moved(THREE(MOST, MOST, MOST), TRAFFIC_ROLLBACK, THREE("0", MOST, "0"));
	const struct experiment_traffic before = traffic_of(THREE("1", "5", "999"));
	const struct experiment_traffic after = experiment_traffic_moved(&before, TRAFFIC_PROMOTE);
	assert_true(experiment_traffic_percent(&after, 0) == 0.1 && experiment_traffic_percent(&after, 2) == 99.9);
}

static void without_a_default_there_is_nothing_to_return_to(void **state)
{
	(void)state;
	const struct experiment_traffic traffic =
		traffic_of(EXPERIMENT "  candidates:\n" CANDIDATE("old", "1") CANDIDATE("new", "1"));
	assert_true(traffic.count == 2 && traffic.given == 2);
}

/* A default that is no candidate is called by its name alone, and has no weight that could be written. */
static void a_default_that_is_no_candidate_gets_no_traffic(void **state)
{
	static const char document[] = EXPERIMENT "  default: old\n  candidates:\n" CANDIDATE("a", "1") CANDIDATE("b", "3");
	struct error error = {0};
	(void)state;
	const struct experiment_traffic traffic = traffic_of(document);
	assert_true(traffic.count == 3 && traffic.given == 2 && experiment_traffic_percent(&traffic, 1) == 75);
	assert_null(moved(document, TRAFFIC_ROLLBACK, &error));
	assert_non_null(strstr(error.text, "a candidate of the Experiment has no number of its own as its `weight`; write one for "
					   "each, also for the default"));
}

static void an_experiment_without_shares_has_no_traffic_to_move(void **state)
{
	static const struct {
		const char *document, *words;
	} rows[] = {
		{EXPERIMENT "  candidates:\n" CANDIDATE("old", "1"), "the Experiment has one candidate that answers"},
		{EXPERIMENT "  bandits: {algorithm: ucb1}\n  candidates:\n" CANDIDATE("old", "1") CANDIDATE("new", "1"),
		 "bandits choose the candidates of the Experiment, so it has no traffic to move; apply it without `bandits`"},
		{"nothing", "there is no traffic to move"},
		{"", "there is no traffic to move"},
	};
	struct experiment_traffic traffic;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error error = {0};
		assert_false(experiment_traffic_read(&checker, text_of(rows[i].document), arena, &traffic, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		if (!strstr(error.text, rows[i].words))
			fail_msg("%s", error.text);
	}
}

/* ---- with a keeper ---- */

/* The keeper makes the table that the preview shows. */
static void a_preview_shows_the_table_that_the_keeper_makes(void **state)
{
	static const struct {
		enum traffic_move move;
		int64_t canary, buckets_moved;
	} rows[] = {{TRAFFIC_PROMOTE, 10000, 8000}, {TRAFFIC_ROLLBACK, 0, 10000}, {TRAFFIC_PROMOTE, 10000, 10000}};
	const char *document = TWO("80", "20");
	struct rollout_preview preview;
	struct error error = {0};
	(void)state;
	arena = table_stand.arena;
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	assert_null(experiment_traffic_find(ledger, "d"));
	table_propose("SeldonDeployment", "d", document);
	const struct ledger_resource *resource = experiment_traffic_find(ledger, "d");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct experiment_traffic from = traffic_of(document), to = experiment_traffic_moved(&from, rows[i].move);
		if (!experiment_traffic_preview(ledger, resource, &to, arena, &preview, &error))
			fail_msg("%s", error.text);
		const struct table_share *after = preview.after.shares.items;
		assert_true(text_is(after[1].name, "canary") && after[1].buckets == rows[i].canary);
		assert_int_equal(preview.after.moved, rows[i].buckets_moved);
		document = moved(document, rows[i].move, &error);
		table_propose("SeldonDeployment", "d", document);
		const struct control_table *table = experiment_traffic_table(ledger, resource);
		assert_ptr_equal(table, table_in_force("d/traffic"));
		assert_int_equal(((const struct table_share *)table->shares.items)[1].buckets, rows[i].canary);
		assert_int_equal(table->moved, rows[i].buckets_moved);
	}
	assert_ptr_equal(experiment_traffic_version(ledger, resource),
			 &ledger_newest(ledger_resource_find(ledger, TEXT("SeldonDeployment"), TEXT("d")))->record);
	table_propose("SeldonDeployment", "d", NULL);
	assert_null(experiment_traffic_find(ledger, "d"));
	assert_null(experiment_traffic_table(ledger, resource));
	assert_false(
		experiment_traffic_preview(ledger, resource, &(struct experiment_traffic){.count = 2}, arena, &preview, &error));
	assert_non_null(strstr(error.text, "no shares of SeldonDeployment `d` are in force"));
}

static void a_move_begins_with_the_version_that_has_not_failed(void **state)
{
	const struct failed_change failed = {2, TEXT("it cannot")};
	(void)state;
	table_propose("SeldonDeployment", "d", TWO("80", "20"));
	table_report(NULL, 0, NULL, 0);
	table_propose("SeldonDeployment", "d", TWO("70", "30"));
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	assert_int_equal(experiment_traffic_version(ledger, experiment_traffic_find(ledger, "d"))->version, 2);
	table_report(NULL, 0, &failed, 1);
	assert_int_equal(experiment_traffic_version(ledger, experiment_traffic_find(ledger, "d"))->version, 1);
}

/* Its keeper moves the weights of an Experiment with stages, also before the rollout begins, and where none can. */
static void an_experiment_with_fields_of_a_rollout_is_left_to_its_keeper(void **state)
{
	(void)state;
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	table_propose("Experiment", "e", PLAIN("3", "1"));
	assert_non_null(experiment_traffic_find(ledger, "e"));
	table_propose("Experiment", "e",
		      PLAIN("3", "1") "  progressiveDeployment: {enabled: false, schedule: [10, 50], every: 10s}\n");
	assert_null(experiment_traffic_find(ledger, "e"));
}

/* ---- commands ---- */

static void commands_move_the_traffic_by_versions(void **state)
{
	(void)state;
	apply_file("d.yaml", TWO("80", "20"));
	apply_runs(EXIT_GOOD, "SeldonDeployment/d version 1 accepted", "apply %s --author ann --reason begin", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait seldondeployment/d --for active");
	apply_runs(EXIT_GOOD, "d: predictors of a SeldonDeployment, version 1 since ", "experiments status d");
	apply_runs(EXIT_GOOD,
		   "  main                               80.00% (default)\n  canary                             20.00%\n",
		   "experiments status d");
	apply_runs(EXIT_GOOD, "{\"experiment\": \"d\", \"kind\": \"SeldonDeployment\", \"version\": 1, \"in_force\": true, ",
		   "experiments status d -o json");
	apply_runs(EXIT_GOOD, "  canary                             20.00%    2000 buckets\n", "experiments weights d");
	apply_runs(EXIT_GOOD, "\"predictor\": \"canary\", \"buckets\": 2000", "experiments weights d -o json");
	apply_runs(EXIT_GOOD,
		   "dry run, nothing is changed: The next version of SeldonDeployment `d` would have the traffic main 0%, "
		   "canary 100%.\n  main                               80.00% ->    0.00%\n",
		   "experiments promote d --dry-run");
	apply_runs(EXIT_GOOD, "  8000 of 10000 buckets would move\n", "experiments promote d --dry-run");
	apply_runs(EXIT_GOOD, "{\"dry_run\": true, \"sentence\": ", "experiments promote d --dry-run -o json");
	apply_runs(EXIT_GOOD, "SeldonDeployment/d version 2 accepted", "experiments promote d --author ann --reason good");
	apply_runs(EXIT_GOOD, "is active", "wait seldondeployment/d --for active");
	apply_runs(EXIT_GOOD, TWO("0", "100"), "get seldondeployment/d -o yaml");
	apply_runs(EXIT_FAULTS, "version 2 of the SeldonDeployment has this traffic already: `main` has 0%",
		   "experiments promote d");
	apply_runs(EXIT_GOOD, "SeldonDeployment/d version 3 accepted", "experiments rollback d --author bob");
	apply_runs(EXIT_GOOD, "is active", "wait seldondeployment/d --for active");
	apply_runs(EXIT_GOOD, " main 100%, canary 0% (active) by bob (as stated)\n", "experiments history d");
	apply_runs(EXIT_GOOD, " main 0%, canary 100% (active) by ann (as stated): good\n", "experiments history d");
	apply_runs(EXIT_GOOD, "\"why\": \"begin\", \"traffic\": {\"main\": 80, \"canary\": 20}}\n",
		   "experiments history d -o json");
	apply_runs(EXIT_GOOD, "d: main 100%, canary 0%, version 3 of a SeldonDeployment\n", "experiments list");
	apply_runs(EXIT_FAULTS,
		   "the SeldonDeployment `d` has no stages, so there is nothing to pause: its traffic moves only by "
		   "`sluice experiments promote d`, `rollback` or `sluice apply`",
		   "experiments pause d");
	apply_runs(EXIT_FAULTS, "so there is nothing to resume: its traffic moves only by `sluice experiments promote d`",
		   "experiments resume d");
}

static void commands_move_the_weights_of_an_experiment_without_stages(void **state)
{
	(void)state;
	apply_file("e.yaml", PLAIN("3", "1"));
	apply_runs(EXIT_GOOD, "Experiment/e version 1 accepted", "apply %s --author ann --reason begin", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, "e: candidates of an Experiment, version 1 since ", "experiments status e");
	apply_runs(EXIT_GOOD,
		   "  old                                75.00% (default)\n  new                                25.00%\n",
		   "experiments status e");
	apply_runs(EXIT_GOOD,
		   "dry run, nothing is changed: The next version of Experiment `e` would have the traffic old 0%, new 100%.\n"
		   "  old                                75.00% ->    0.00%\n",
		   "experiments promote e --dry-run");
	apply_runs(EXIT_GOOD, "  7500 of 10000 buckets would move\n", "experiments promote e --dry-run");
	apply_runs(EXIT_GOOD, "Experiment/e version 2 accepted", "experiments promote e --author ann --reason good");
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, PLAIN("0", "1"), "get experiment/e -o yaml");
	apply_runs(EXIT_FAULTS, "version 2 of the Experiment has this traffic already: `old` has 0%", "experiments promote e");
	apply_runs(EXIT_GOOD, "Experiment/e version 3 accepted", "experiments rollback e --author bob");
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, " old 100%, new 0% (active) by bob (as stated)\n", "experiments history e");
	apply_runs(EXIT_GOOD, "\"why\": \"begin\", \"traffic\": {\"old\": 3, \"new\": 1}}\n", "experiments history e -o json");
	apply_runs(EXIT_GOOD, "e: old 100%, new 0%, version 3 of an Experiment\n", "experiments list");
	apply_runs(EXIT_FAULTS, "the Experiment `e` has no stages, so there is nothing to pause", "experiments pause e");
	apply_runs(EXIT_FAULTS, "the Experiment `e` has no stages, so there is nothing to resume", "experiments resume e");
	apply_file("e.yaml", EXPERIMENT "  candidates:\n" CANDIDATE("old", "1") CANDIDATE("new", "1"));
	apply_runs(EXIT_GOOD, "Experiment/e version 4 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_FAULTS, "the Experiment has no `default`, so it does not say which candidate the traffic is to leave",
		   "experiments promote e");
	apply_runs(EXIT_GOOD, "e: old 50%, new 50%, version 4 of an Experiment\n", "experiments list");
}

/* What `sluice rollback` restores is the version before the promotion, number by number. */
static void a_promotion_of_relative_weights_can_be_taken_back(void **state)
{
	(void)state;
	apply_file("e.yaml", THREE("1", "5", "999"));
	apply_runs(EXIT_GOOD, "Experiment/e version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, "Experiment/e version 2 accepted", "experiments promote e");
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, THREE("1", "0", "999"), "get experiment/e -o yaml");
	apply_runs(EXIT_GOOD, "e: a 0.1%, b 0%, c 99.9%, version 2 of an Experiment\n", "experiments list");
	apply_runs(EXIT_GOOD, "Experiment/e version 3 accepted", "rollback experiment/e --to 1");
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, THREE("1", "5", "999"), "get experiment/e -o yaml");
}

static void an_experiment_in_each_state_has_its_words(void **state)
{
	(void)state;
	apply_runs(EXIT_GOOD, "no rollouts\n", "experiments list");
	apply_runs(EXIT_GOOD, "", "experiments list -o json");
	apply_runs(EXIT_MISUSE, "namespace `default` has no rollout of `d`: apply an Experiment of that name",
		   "experiments status d");
	apply_runs(EXIT_MISUSE, "namespace `default` has no rollout of `d`", "experiments history d -o json");
	apply_file("d.yaml", HEAD SHARE("a", "100"));
	apply_runs(EXIT_GOOD, "SeldonDeployment/d version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait seldondeployment/d --for active");
	apply_runs(EXIT_FAULTS, "has one predictor that answers, so there is no traffic to move", "experiments status d");
	apply_runs(EXIT_FAULTS, "has one predictor that answers", "experiments promote d");
	apply_runs(EXIT_GOOD, "no rollouts\n", "experiments list");
	apply_runs(EXIT_GOOD, "  no shares (active)", "experiments history d");
}

int main(void)
{
#define DOCUMENT(test) cmocka_unit_test_setup_teardown(test, arena_begin, arena_end)
	const struct CMUnitTest tests[] = {
		DOCUMENT(a_move_changes_the_numbers_alone),
		DOCUMENT(others_keep_their_proportions),
		DOCUMENT(a_shadow_has_no_share),
		DOCUMENT(characters_before_a_number_are_no_bytes),
		DOCUMENT(numbers_that_are_not_written_are_not_changed),
		DOCUMENT(one_predictor_has_no_traffic_to_move),
		DOCUMENT(candidates_share_by_weights_that_are_no_percents),
		DOCUMENT(the_default_may_be_any_candidate),
		DOCUMENT(weights_of_any_proportion_are_kept),
		DOCUMENT(without_a_default_there_is_nothing_to_return_to),
		DOCUMENT(a_default_that_is_no_candidate_gets_no_traffic),
		DOCUMENT(an_experiment_without_shares_has_no_traffic_to_move),
		cmocka_unit_test_setup_teardown(a_preview_shows_the_table_that_the_keeper_makes, table_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(a_move_begins_with_the_version_that_has_not_failed, table_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(an_experiment_with_fields_of_a_rollout_is_left_to_its_keeper, table_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(commands_move_the_traffic_by_versions, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(commands_move_the_weights_of_an_experiment_without_stages, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(a_promotion_of_relative_weights_can_be_taken_back, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(an_experiment_in_each_state_has_its_words, apply_keeper_setup, apply_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
