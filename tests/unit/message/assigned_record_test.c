/* assigned_record_test.c: Tests of assignments in dead letters: what is recorded of a failed request, and what its replay is
 * given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/number/random.h"
#include "tests/unit/flow_scene.h"
#include "message/records/assigned_line.h"
#include "message/records/assigned_record.h"
#include "message/records/dead_letter.h"
#include "tests/unit/planning.h"
#include "tests/unit/worker_stand.h"

#include <cmocka.h>

#define EXPERIMENT(shares)                                                                                                         \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  default: old\n  exposures: full\n" shares "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\n"                 \
	"metadata: {name: p}\nspec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define SHARES "  candidates: [{name: old, weight: 70}, {name: new, weight: 30}]\n"
#define OLD_ONLY "  candidates: [{name: old, weight: 100}, {name: new, weight: 0}]\n"
#define GONE "  candidates: [{name: old, weight: 70}, {name: newer, weight: 30}]\n"

static struct planning planning;

static void replay_open(const char *yaml)
{
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	scene_open(&scene, planning.graph, scene_arena, false);
}

static void replay_close(void)
{
	scene_close(&scene);
	scene = (struct scene){0};
	planning_close(&planning);
}

static struct assigned assigned_of(const char *experiment, const char *variant, const char *unit)
{
	return (struct assigned){.experiment = text_of(experiment),
				 .variant = text_of(variant),
				 .unit = text_of(unit),
				 .probability = 0.25,
				 .table = 0x0123456789abcdef};
}

/* The headers of a dead letter of a request whose children have these assignments. */
static struct headers recorded(const struct assigned *assigned, size_t count, struct headers own)
{
	struct message message = {.arena = scene_arena, .headers = own};
	struct assigned_record record = {0};
	struct headers headers;
	for (size_t i = 0; i < count; i++) {
		struct message child = {.arena = scene_arena};
		assert_non_null(assigned_add(&child, &assigned[i]));
		assigned_record_add(&record, &child);
	}
	assert_true(assigned_record_write(&record, &message, &headers));
	return headers;
}

static struct headers recorded_one(const char *variant, const char *unit)
{
	const struct assigned one = assigned_of("e", variant, unit);
	return recorded(&one, 1, (struct headers){0});
}

static const char *variant_of(struct headers headers, const char *experiment, const char *unit)
{
	struct assigned found;
	return assigned_record_find(headers, text_of(experiment), text_of(unit), &found)
		       ? arena_copy(scene_arena, found.variant.bytes, found.variant.length)
		       : "none";
}

/* ---- records ---- */

static void a_record_is_found_by_experiment_and_unit(void **state)
{
	const struct header own[] = {{TEXT("note"), TEXT("kept")}};
	const struct assigned all[] = {assigned_of("e", "new", "k1"), assigned_of("f", "old", "k1"), assigned_of("g", "old", "")};
	struct assigned found;
	(void)state;
	const struct headers headers = recorded(all, 3, (struct headers){1, own});
	assert_int_equal(headers.count, 2);
	assert_true(text_is(headers.items[0].value, "kept"));
	assert_true(text_is(headers.items[1].name, "sluice-assigned"));
	assert_string_equal(variant_of(headers, "e", "k1"), "new");
	assert_string_equal(variant_of(headers, "f", "k1"), "old");
	assert_string_equal(variant_of(headers, "g", ""), "old"); /* drawn by its origin, of which a replay has another */
	assert_string_equal(variant_of(headers, "e", "k2"), "none");
	assert_string_equal(variant_of(headers, "e", ""), "none");
	assert_string_equal(variant_of(headers, "h", "k1"), "none");
	assert_true(assigned_record_find(headers, TEXT("e"), TEXT("k1"), &found));
	assert_true(found.probability == 0.25 && found.table == 0x0123456789abcdef);
	assert_int_equal(recorded(NULL, 0, (struct headers){1, own}).count, 1);
}

/* A request that fails again, before it reaches each experiment, has still what it had. */
static void what_is_not_reached_again_stays_recorded(void **state)
{
	const struct assigned before[] = {assigned_of("e", "new", "k"), assigned_of("f", "new", "k")};
	const struct assigned after[] = {assigned_of("e", "old", "k")};
	(void)state;
	struct headers headers = recorded(before, 2, (struct headers){0});
	headers = recorded(NULL, 0, headers);
	assert_string_equal(variant_of(headers, "e", "k"), "new");
	headers = recorded(after, 1, headers);
	assert_int_equal(headers.count, 1);
	assert_string_equal(variant_of(headers, "e", "k"), "old"); /* with --reassign */
	assert_string_equal(variant_of(headers, "f", "k"), "new");
}

/* Policies may choose twice for one unit, by other features. */
static void two_candidates_of_one_unit_are_no_record(void **state)
{
	const struct assigned both[] = {assigned_of("e", "new", "k"), assigned_of("e", "old", "k"), assigned_of("e", "old", "l")};
	(void)state;
	const struct headers headers = recorded(both, 3, (struct headers){0});
	assert_string_equal(variant_of(headers, "e", "k"), "none");
	assert_string_equal(variant_of(headers, "e", "l"), "old");
}

static void a_record_that_is_none_chooses_nothing(void **state)
{
	static const char *const lines[] = {"",
					    "\n\n",
					    "e\tnew",
					    "e\tnew\t0.25\t0\t1\t1234567890abcdef0\n",
					    "e\tnew\tNaN\t0\t1\t0\n",
					    "e\tnew\t7\t0\t1\t0\n",
					    "e\tnew\t0\t0\t1\t0\n",
					    "e\tnew\t-1\t9\t1\tx\n"};
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		const struct header header = {TEXT("sluice-assigned"), text_of(lines[i])};
		if (i != 3)
			assert_string_equal(variant_of((struct headers){1, &header}, "e", ""), "none");
		assert_string_equal(variant_of((struct headers){1, &header}, "e", "k"), "none");
	}
	const char *longer = arena_print(scene_arena, "e\tnew\t1\t0\t1\tf%016llx\n", (unsigned long long)unit_hash(TEXT("k")));
	const struct header header = {TEXT("sluice-assigned"), text_of(longer)};
	assert_string_equal(variant_of((struct headers){1, &header}, "e", "k"), "none");
}

#define ODD_BYTES 64

/* The header comes from a topic. Whatever it has, what is read of a line is written as a line that is read alike. */
static void any_bytes_are_lines(void **state)
{
	static const char alphabet[] = "\t\t\t\n\0m019afAF.-+eNn ";
	struct random random = {11};
	(void)state;
	for (int run = 0; run < 20000; run++) {
		char bytes[ODD_BYTES];
		struct text lines = {bytes, random_below(&random, ODD_BYTES + 1)};
		for (size_t i = 0; i < lines.length; i++)
			bytes[i] = alphabet[random_below(&random, sizeof alphabet - 1)];
		while (lines.length > 0) {
			const size_t before = lines.length;
			const struct assigned entry = assigned_line_take(&lines);
			assert_true(lines.length < before);
			const struct assigned *const one = &entry;
			struct text again = assigned_lines_write(&one, 1, scene_arena);
			assert_non_null(again.bytes);
			const struct assigned read = assigned_line_take(&again);
			assert_int_equal(again.length, 0);
			assert_true(text_equal(read.experiment, entry.experiment) && text_equal(read.variant, entry.variant));
			assert_true(read.table == entry.table && read.unit_hash == entry.unit_hash);
			assert_true(read.reason == entry.reason && read.mirrored == entry.mirrored);
		}
		arena_reset(scene_arena);
	}
}

/* Names of headers have no case, so a caller's header in another spelling is another value of the same. */
static void a_header_that_is_put_is_the_only_one_of_its_name(void **state)
{
	const struct header before[] = {
		{TEXT("a"), TEXT("1")}, {TEXT("B"), TEXT("2")}, {TEXT("b"), TEXT("3")}, {TEXT("bc"), TEXT("4")}};
	struct headers headers = {4, before};
	(void)state;
	assert_true(headers_put(&headers, (struct header){TEXT("b"), TEXT("5")}, scene_arena));
	assert_int_equal(headers.count, 3);
	assert_true(text_is(headers.items[0].value, "1") && text_is(headers.items[1].value, "4"));
	assert_true(text_is(headers.items[2].name, "b") && text_is(headers.items[2].value, "5"));
	headers = (struct headers){0};
	assert_true(headers_put(&headers, before[0], scene_arena));
	assert_int_equal(headers.count, 1);
}

static void a_record_has_a_limit(void **state)
{
	struct message message = {.arena = scene_arena};
	struct assigned_record record = {0};
	struct headers headers;
	(void)state;
	for (size_t child = 0; child < 2 * ASSIGNED_MAX; child++) {
		const struct assigned one = assigned_of("e", "new", arena_print(scene_arena, "k%zu", child));
		message.assigned = NULL;
		assert_non_null(assigned_add(&message, &one));
		assigned_record_add(&record, &message);
	}
	assert_true(assigned_record_write(&record, &message, &headers));
	assert_string_equal(variant_of(headers, "e", "k63"), "new");
	assert_string_equal(variant_of(headers, "e", "k64"), "none");
	assert_int_equal(recorded(NULL, 0, headers).count, 1);
}

/* A later stage knows no unit any more, and its dead letter needs the table. */
static void tables_and_units_pass_between_stages(void **state)
{
	const struct assigned one = assigned_of("e", "new", "k");
	struct message message = {.arena = scene_arena}, later = {.arena = scene_arena}, last = {.arena = scene_arena};
	struct assigned_record record = {0};
	struct headers headers;
	(void)state;
	assigned_add(&message, &one)->mirrored = true;
	assert_true(assigned_write(&message, &later.headers) && assigned_read(&later));
	assert_true(assigned_write(&later, &last.headers) && assigned_read(&last));
	assert_true(last.assigned->mirrored && last.assigned->table == one.table);
	assigned_record_add(&record, &last);
	assert_true(assigned_record_write(&record, &last, &headers));
	assert_string_equal(variant_of(headers, "e", "k"), "new");
	const struct header former = {TEXT(":assigned"), TEXT("e\tnew\t0.25\t0\tm\nf\told\t1.0\t6\n")}; /* of 0.1.0's successors */
	last = (struct message){.arena = scene_arena, .headers = {1, &former}};
	assert_true(assigned_read(&last));
	assert_true(last.assigned->reason == ASSIGNED_FALLBACK && !last.assigned->mirrored && last.assigned->table == 0);
	assert_true(last.assigned->next->mirrored && last.assigned->next->table == 0);
}

/* ---- replays ---- */

static struct message *message_replayed(const char *key, struct headers headers)
{
	struct message *message = scene_message(&scene, arena_print(scene_arena, "m%zu", scene.message_count), "x=1");
	message->origin = (struct origin){TEXT("t"), 3, 1};
	message->key = text_of(key);
	message->headers = headers;
	return message;
}

static struct assigned chosen;

static const char *candidate_of(struct message *message)
{
	scene_enter(&scene, message);
	const char *name = scene.calls[scene.call_count - 1]->name;
	assert_non_null(message->assigned);
	chosen = *message->assigned;
	scene_reply(&scene, name, "y=1");
	return name;
}

static void a_replay_gets_the_candidate_of_its_record_by_the_table_of_then(void **state)
{
	(void)state;
	replay_open(EXPERIMENT(OLD_ONLY));
	assert_string_equal(candidate_of(message_replayed("k", (struct headers){0})), "old");
	assert_true(chosen.exposed && chosen.reason == ASSIGNED_WEIGHT);
	assert_string_equal(candidate_of(message_replayed("k", recorded_one("new", "k"))), "new");
	assert_true(chosen.reason == ASSIGNED_REPLAY && chosen.probability == 0.25 && chosen.table == 0x0123456789abcdef);
	assert_false(chosen.exposed);								       /* it was before it failed */
	assert_string_equal(candidate_of(message_replayed("other", recorded_one("new", "k"))), "old"); /* edited */
	assert_true(chosen.exposed && chosen.reason == ASSIGNED_WEIGHT);
	replay_close();
}

static void a_record_comes_before_headers_and_overrides(void **state)
{
	(void)state;
	replay_open(EXPERIMENT("  overrides: {k: old}\n" SHARES));
	struct headers headers = recorded_one("new", "k");
	struct header both[2] = {headers.items[0], {TEXT(ROUTE_HEADER), TEXT(":old_1:")}};
	assert_string_equal(candidate_of(message_replayed("k", (struct headers){2, both})), "new");
	replay_close();
}

static void a_candidate_that_is_gone_is_named(void **state)
{
	(void)state;
	replay_open(EXPERIMENT(GONE));
	scene_enter(&scene, message_replayed("k", recorded_one("new", "k")));
	expect_error("m0", ERROR_INPUT,
		     "experiment `e` has no candidate `new`, which this request had before it failed; deploy that candidate again, "
		     "or replay the request with --reassign");
	replay_close();
}

/* The record has the predictor's name, and what is called that of its node's model. */
static void a_way_of_predictors_is_replayed_too(void **state)
{
	const struct assigned one = assigned_of("d", "canary", "k");
	(void)state;
	replay_open("apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\n"
		    "metadata: {name: d, annotations: {sluice.io/exposures: full}}\nspec:\n  predictors:\n"
		    "  - {name: main, traffic: 100, graph: {name: old, type: MODEL}}\n"
		    "  - {name: canary, traffic: 0, graph: {name: new, type: MODEL}}\n");
	assert_string_equal(candidate_of(message_replayed("k", (struct headers){0})), "d/old");
	assert_string_equal(candidate_of(message_replayed("k", recorded(&one, 1, (struct headers){0}))), "d/new");
	assert_true(chosen.reason == ASSIGNED_REPLAY && !chosen.exposed && chosen.table == one.table);
	replay_close();
}

/* ---- a worker ---- */

#define AWAY                                                                                                                       \
	"  - {name: s, experiment: {name: e, exposures: full, candidates: [{name: away, weight: 1}, {name: near, weight: 0}]}}\n"  \
	"  output: {steps: [s]}\n"

/* Reads the dead letter, and what else leaves with it: the exposure of a request that was not replayed, and the answer. */
static struct headers letter_read(struct stand *stand, struct arena *arena, size_t others)
{
	struct dead_letter letter;
	struct error error = {0};
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	const char *bytes = arena_copy(arena, record->payload, record->len);
	const struct text value = {bytes, record->len};
	assert_true(dead_letter_decode(value, arena, &letter, &error));
	for (size_t i = 0; i < others; i++)
		(void)mock_read(&stand->mock);
	return letter.headers;
}

static void a_dead_letter_has_what_its_replay_is_given(void **state)
{
	struct stand *stand = *state;
	static const struct model_address nowhere = {.url = "http://127.0.0.1:1"};
	static const struct model_config models[] = {{.name = "away", .addresses = {1, &nowhere}},
						     {.name = "near", .addresses = {1, &nowhere}}};
	struct arena *arena = arena_open(1 << 20);
	stand_configure(stand, AWAY);
	stand->stages[0].exposes = true;
	stand->stages[0].dead_letters = 0;
	stand->caller.model_count = 2;
	stand->caller.models = models;
	stand->caller.outage_deadletter = true;
	stand_start(stand);
	stand_ask(stand, "r-1", 1, "note", "kept");
	struct headers headers = letter_read(stand, arena, 2);
	const struct header *note = headers_find(headers, TEXT("note")),
			    *lines = headers_find(headers, TEXT(ASSIGNED_RECORD_HEADER));
	assert_true(note && text_is(note->value, "kept"));
	assert_non_null(lines);
	struct text rest = lines->value;
	const struct assigned entry = assigned_line_take(&rest);
	assert_true(text_is(entry.experiment, "e") && text_is(entry.variant, "away") && entry.probability == 1);
	assert_true(entry.table != 0 && entry.unit_hash == unit_hash(TEXT("key")) && rest.length == 0);
	/* The record of a request that had the other candidate, which has no weight any more. */
	const char *other =
		arena_print(arena, "e\tnear\t0.5\t0\t00000000000000ab\t%016llx\n", (unsigned long long)unit_hash(TEXT("key")));
	stand_ask(stand, "r-2", 2, ASSIGNED_RECORD_HEADER, other);
	headers = letter_read(stand, arena, 1);
	rest = headers_find(headers, TEXT(ASSIGNED_RECORD_HEADER))->value;
	const struct assigned again = assigned_line_take(&rest);
	assert_true(text_is(again.variant, "near") && again.probability == 0.5 && again.table == 0xab);
	assert_int_equal(rest.length, 0);
	assert_int_equal(stand_stop(stand).dead_letters, 2);
	arena_close(arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_is_found_by_experiment_and_unit),
		TEST(what_is_not_reached_again_stays_recorded),
		TEST(two_candidates_of_one_unit_are_no_record),
		TEST(a_record_that_is_none_chooses_nothing),
		TEST(any_bytes_are_lines),
		TEST(a_header_that_is_put_is_the_only_one_of_its_name),
		TEST(a_record_has_a_limit),
		TEST(tables_and_units_pass_between_stages),
		TEST(a_replay_gets_the_candidate_of_its_record_by_the_table_of_then),
		TEST(a_record_comes_before_headers_and_overrides),
		TEST(a_candidate_that_is_gone_is_named),
		TEST(a_way_of_predictors_is_replayed_too),
		STORY(a_dead_letter_has_what_its_replay_is_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
