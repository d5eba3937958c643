/* policy_draw_test.c: Tests of choices by a policy of bandits: its record, the board on which it is in force, the context of
 * a message, and the draw. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/file.h"
#include "tests/unit/flow_scene.h"
#include "tests/unit/letters.h"
#include "message/records/assigned.h"
#include "message/rows.h"
#include "observe/policy_board.h"
#include "tests/unit/planning.h"

#include <cmocka.h>

#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                        \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define EXPERIMENT "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
#define TWO "  candidates: [{name: old, weight: 0}, {name: new, weight: 0}]\n"
#define UNITS 20000

static struct planning planning;
static const struct text two[] = {{"old", 3}, {"new", 3}};

static void draw_open(const char *yaml)
{
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	scene_policies = policy_board_open();
	assert_non_null(scene_policies);
	scene_open(&scene, planning.graph, scene_arena, false);
}

static void draw_close(void)
{
	scene_close(&scene);
	scene = (struct scene){0};
	policy_board_close(scene_policies);
	scene_policies = NULL;
	planning_close(&planning);
}

static struct text policy_bytes(const struct policy *policy)
{
	struct buffer out;
	buffer_open(&out, 1 << 16);
	policy_write(policy, &out);
	const struct text bytes = text_copied(scene_arena, buffer_view(&out));
	buffer_close(&out);
	return bytes;
}

static struct policy_record record_of(const struct policy *policy, const struct text *arms)
{
	return (struct policy_record){.experiment = TEXT("e"),
				      .version = (int64_t)policy->version,
				      .arm_count = policy->arms,
				      .arms = arms,
				      .policy = policy_bytes(policy)};
}

static bool record_set(const struct policy_record *record, struct error *error)
{
	return policy_entry_set(policy_board_entry(scene_policies, "p", "e"), record, 1, error);
}

/* A policy without a context that gives the second candidate that share. */
static void share_set(double share, uint64_t version)
{
	double chances[] = {1 - share, share};
	struct error error = {0};
	const struct policy policy = {.seed = 5, .version = version, .arms = 2, .chances = chances};
	const struct policy_record record = record_of(&policy, two);
	assert_true(record_set(&record, &error));
}

struct drawn {
	bool second;
	enum assigned_reason reason;
	double probability;
	uint64_t table;
	size_t features;
	struct exposure_feature feature[4];
};

static struct drawn draw_of(const char *key, const char *tensors, struct header header)
{
	struct message *message = scene_message(&scene, arena_print(scene_arena, "m%zu", scene.message_count), tensors);
	struct header *headers = ARENA_NEW(message->arena, struct header);
	*headers = header;
	message->origin = (struct origin){TEXT("t"), 3, 7};
	message->key = key ? text_of(key) : (struct text){0};
	message->time_ms = INT64_C(1767225600000) + 6 * 3600000; /* 6:00 UTC */
	message->headers = (struct headers){header.name.length > 0, headers};
	scene_enter(&scene, message);
	const struct assigned *assigned = message->assigned;
	const char *name = scene.calls[scene.call_count - 1]->name;
	struct drawn drawn = {strcmp(name, "new") == 0, assigned->reason, assigned->probability, assigned->table,
			      assigned->feature_count, {{{0}, 0}}};
	assert_true(text_is(assigned->variant, name));
	for (size_t i = 0; i < drawn.features; i++)
		drawn.feature[i] = (struct exposure_feature){text_copied(scene_arena, assigned->features[i].name),
							     assigned->features[i].value};
	scene_reply(&scene, name, "y=1");
	return drawn;
}

static struct drawn draw_keyed(const char *key)
{
	return draw_of(key, "x=1", (struct header){0});
}

/* ---- the draw ---- */

static void without_a_policy_the_weights_choose(void **state)
{
	(void)state;
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE);
	const struct drawn drawn = draw_keyed("k");
	assert_int_equal(drawn.reason, ASSIGNED_WEIGHT);
	assert_true(drawn.probability == 0.5);
	assert_true(drawn.table == planning.graph->experiments[0]->assignment->version);
	draw_close();
}

/* Of a pipeline that is called: its exposures and its feedback are those of its caller. */
static void a_called_pipeline_chooses_by_the_policy_of_its_caller(void **state)
{
	double chances[] = {0, 1};
	struct error error = {0};
	(void)state;
	scene_learns_as = "caller";
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE);
	share_set(0, 16);
	assert_int_equal(draw_keyed("k").reason, ASSIGNED_WEIGHT);
	const struct policy policy = {.seed = 5, .version = 17, .arms = 2, .chances = chances};
	const struct policy_record record = record_of(&policy, two);
	assert_true(policy_entry_set(policy_board_entry(scene_policies, "caller", "e"), &record, 1, &error));
	const struct drawn drawn = draw_keyed("k");
	assert_true(drawn.reason == ASSIGNED_POLICY && drawn.table == 17 && drawn.second);
	draw_close();
	scene_learns_as = NULL;
}

static void a_policy_gives_its_shares_and_each_choice_names_probability_and_version(void **state)
{
	(void)state;
	char key[32];
	const struct policy_in_force *force;
	size_t seconds = 0;
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE);
	share_set(0.9, 17);
	const struct drawn drawn = draw_keyed("k"), again = draw_keyed("k");
	assert_int_equal(drawn.reason, ASSIGNED_POLICY);
	assert_true(drawn.table == 17 && drawn.probability == (drawn.second ? 0.9 : 1 - 0.9));
	assert_true(again.second == drawn.second);
	struct policy_entry *entry = policy_board_entry(scene_policies, "p", "e");
	force = policy_entry_hold(entry);
	for (size_t i = 0; i < UNITS; i++) {
		const int length = snprintf(key, sizeof key, "customer-%zu", i);
		seconds += policy_choose(force->policy, (struct text){key, (size_t)length}, NULL).arm;
	}
	policy_entry_release(entry);
	const double error = ((double)seconds / UNITS - 0.9) / sqrt(0.9 * 0.1 / UNITS);
	assert_true(fabs(error) < 4);
	draw_close();
}

static void a_unit_stays_until_the_version_changes(void **state)
{
	(void)state;
	char key[32];
	size_t moved = 0;
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE);
	for (size_t i = 0; i < 20; i++) { /* a scene has 64 messages */
		(void)snprintf(key, sizeof key, "customer-%zu", i);
		share_set(0.5, 1);
		const bool first = draw_keyed(key).second;
		assert_true(draw_keyed(key).second == first);
		share_set(0.5, 2);
		moved += draw_keyed(key).second != first;
	}
	assert_true(moved > 3 && moved < 17);
	assert_true(draw_keyed(NULL).second == draw_keyed(NULL).second); /* by the origin */
	draw_close();
}

/* A reload may put them in another order before the learner has. */
static void candidates_of_a_policy_are_known_by_their_names(void **state)
{
	static const struct text turned[] = {{"new", 3}, {"old", 3}};
	double chances[] = {0.9, 0.1};
	struct error error = {0};
	size_t second = 0;
	(void)state;
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE);
	const struct policy policy = {.seed = 5, .version = 3, .arms = 2, .chances = chances};
	const struct policy_record record = record_of(&policy, turned);
	assert_true(record_set(&record, &error));
	for (size_t i = 0; i < 40; i++) {
		const struct drawn drawn = draw_keyed(arena_print(scene_arena, "k%zu", i));
		assert_int_equal(drawn.reason, ASSIGNED_POLICY);
		assert_true(drawn.probability == (drawn.second ? 0.9 : 0.1));
		second += drawn.second;
	}
	assert_true(second > 28); /* 36 expected, of deviation 2 */
	draw_close();
}

static void a_policy_of_other_candidates_does_not_choose(void **state)
{
	(void)state;
	static const struct text others[] = {{"newer", 5}, {"old", 3}};
	double chances[] = {0, 1};
	struct error error = {0};
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: ucb1}\n" PIPELINE);
	const struct policy policy = {.seed = 5, .version = 3, .arms = 2, .chances = chances};
	struct policy_record record = record_of(&policy, others);
	assert_true(record_set(&record, &error));
	assert_int_equal(draw_keyed("k").reason, ASSIGNED_WEIGHT);
	record.arm_count = 1;
	assert_false(record_set(&record, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	record = record_of(&policy, two);
	record.policy.length--;
	assert_false(record_set(&record, &error));
	record.policy.length++;
	assert_true(record_set(&record, &error));
	assert_int_equal(draw_keyed("k").reason, ASSIGNED_POLICY);
	draw_close();
}

/* ---- context ---- */

static void context_set(const struct policy_feature *features, size_t count, size_t length, double *theta, uint64_t version)
{
	struct error error = {0};
	const struct policy policy = {.seed = 5, .version = version, .arms = 2, .features = length, .greedy = 1, .theta = theta};
	struct policy_record record = record_of(&policy, two);
	record.feature_count = count;
	record.features = features;
	if (!record_set(&record, &error))
		fail_msg("%s", error.text);
}

static void a_context_is_of_tensors_headers_and_the_time(void **state)
{
	(void)state;
	/* x = 1, (price - 100) / 10, age / 2, sin, cos: the second candidate where they sum to more than 0 */
	double theta[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 0};
	static const struct policy_feature features[] = {{.name = {"price", 5}, .center = 100, .width = 10},
							 {.name = {"age", 3}, .width = 2},
							 {.name = {"time_of_day", 11}, .width = 1}};
	const struct header age = {TEXT("age"), TEXT("4")};
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: epsilon-greedy, contextFeatures: [price, age, time_of_day]}\n" PIPELINE);
	struct drawn drawn = draw_of("k", "price=130", age);
	assert_int_equal(drawn.reason, ASSIGNED_WEIGHT);
	assert_int_equal(drawn.features, 3); /* what a learner begins with */
	context_set(features, 3, 5, theta, 1);
	drawn = draw_of("k", "price=130", age);
	assert_true(drawn.second && drawn.probability == 1 && drawn.features == 3);
	assert_true(text_is(drawn.feature[0].name, "price") && drawn.feature[0].value == 130);
	assert_true(text_is(drawn.feature[1].name, "age") && drawn.feature[1].value == 4);
	assert_true(text_is(drawn.feature[2].name, "time_of_day") && drawn.feature[2].value == 6);
	assert_false(draw_of("k", "price=65", age).second); /* -3.5 + 2 + 1 */
	assert_true(draw_of("k", "price=75", age).second);  /* -2.5 + 2 + 1 */
	drawn = draw_of("k", "price=85", (struct header){TEXT("age"), TEXT("old")}); /* -1.5 + 0 + 1 */
	assert_false(drawn.second);
	assert_int_equal(drawn.features, 2); /* one is missing */
	assert_true(draw_of("k", "price=95", (struct header){0}).second); /* -0.5 + 0 + 1 */
	draw_close();
}

/* x = 1, (price - 100) / 10, and whether the region is north, south or the far east. */
static void a_text_of_the_context_is_one_of_its_classes_or_none(void **state)
{
	(void)state;
	double theta[] = {0, 0, 0, 0, 0, -1, 1, 0.5, 3, 2};
	static const struct text regions[] = {{"north", 5}, {"south", 5}, {"far east", 8}};
	static const struct policy_feature features[] = {{.name = {"price", 5}, .center = 100, .width = 10},
							 {.name = {"region", 6}, .width = 1, .class_count = 3, .classes = regions}};
	const struct header south = {TEXT("region"), TEXT("south")};
	struct error error = {0};
	draw_open(EXPERIMENT TWO "  bandits: {algorithm: epsilon-greedy, contextFeatures: [price, region]}\n" PIPELINE);
	context_set(features, 2, 5, theta, 1);
	struct drawn drawn = draw_of("k", "price=85", south); /* -1 - 1.5 + 3 */
	assert_true(drawn.second && drawn.features == 1);
	assert_false(draw_of("k", "price=85", (struct header){TEXT("region"), TEXT("north")}).second);	  /* -1 - 1.5 + .5 */
	assert_true(draw_of("k", "price=95", (struct header){TEXT("region"), TEXT("far east")}).second);  /* -1 - .5 + 2 */
	assert_false(draw_of("k", "price=85", (struct header){TEXT("region"), TEXT("far east")}).second); /* -1 - 1.5 + 2 */
	assert_false(draw_of("k", "price=105", (struct header){TEXT("region"), TEXT("souths")}).second);  /* -1 + .5 */
	assert_false(draw_of("k", "price=105", (struct header){TEXT("region"), TEXT("7")}).second);	  /* a number: none */
	assert_false(draw_of("k", "price=105", (struct header){0}).second);
	assert_true(draw_of("k", "price=115", (struct header){0}).second);
	const struct policy policy = {.seed = 5, .version = 2, .arms = 2, .features = 4, .greedy = 1, .theta = theta};
	struct policy_record record = record_of(&policy, two);
	record.feature_count = 2;
	record.features = features;
	assert_false(record_set(&record, &error)); /* the policy has a number less than its names */
	draw_close();
}

/* ---- the record ---- */

/* Numbers that others add to, or take memory for. */
static void expect_read(int32_t partition, int64_t version, int64_t rewards, int64_t through_ms, bool good)
{
	const struct origin positions[] = {{TEXT("t"), partition, 9}};
	const struct policy_record made = {.experiment = TEXT("e"), .version = version, .rewards = rewards, .arm_count = 2,
					   .arms = two, .position_count = 1, .positions = positions, .through_ms = through_ms};
	struct policy_record read;
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, 1 << 10);
	assert_true(policy_record_encode(&made, &out, &error));
	assert_false(policy_record_is_foreign(buffer_view(&out)));
	assert_int_equal(policy_record_decode(buffer_view(&out), scene_arena, &read, &error), good);
	assert_int_equal(error.kind, good ? ERROR_NONE : ERROR_INPUT);
	out.bytes[5] ^= 1; /* of the schema's fingerprint */
	assert_true(policy_record_is_foreign(buffer_view(&out)));
	assert_false(policy_record_is_foreign((struct text){out.bytes, 9}));
	out.bytes[0] = 'x';
	assert_false(policy_record_is_foreign(buffer_view(&out)));
	buffer_close(&out);
}

static void expect_classes(const char *name, size_t count, const char *refusal)
{
	struct text classes[CONTEXT_CLASSES_MAX + 1];
	for (size_t i = 0; i < CONTEXT_CLASSES_MAX + 1; i++)
		classes[i] = TEXT("class");
	const struct policy_feature feature = {.name = text_of(name), .width = 1, .class_count = count, .classes = classes};
	const struct policy_record made = {.arm_count = 2, .arms = two, .feature_count = 1, .features = &feature};
	struct policy_record read;
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, 1 << 10);
	assert_true(policy_record_encode(&made, &out, &error));
	assert_int_equal(policy_record_decode(buffer_view(&out), scene_arena, &read, &error), !refusal);
	if (refusal)
		assert_string_equal(error.text, refusal);
	buffer_close(&out);
}

/* An hour has an angle: its texts would be counted in the length of x, and nobody writes them there. */
static void a_record_with_classes_that_a_context_cannot_have_is_refused(void **state)
{
	(void)state;
	expect_classes("f", CONTEXT_CLASSES_MAX, NULL);
	expect_classes("f", CONTEXT_CLASSES_MAX + 1, "the record is a broken policy: its feature `f` lists too many texts");
	expect_classes("time_of_day", 0, NULL);
	expect_classes("time_of_day", 1, "the record is a broken policy: its feature `time_of_day` is an hour and lists texts");
}

/* Old and new engines run side by side during an upgrade, and a topic keeps what the former ones wrote. */
static void records_of_the_former_schemas_are_read(void **state)
{
	struct error error = {0};
	struct policy_record read;
	struct text record;
	(void)state;
	assert_true(file_read("tests/data/avro/policy-1.bin", 1 << 12, scene_arena, &record, &error));
	assert_false(policy_record_is_foreign(record));
	assert_true(policy_record_decode(record, scene_arena, &read, &error));
	assert_true(text_is(read.experiment, "e") && read.version == 7 && read.rewards == 6 && read.arm_count == 2);
	assert_true(text_is(read.arms[0], "old") && text_is(read.arms[1], "new") && read.candidates_count == 0);
	assert_true(read.position_count == 1 && read.positions[0].offset == 6 && read.through_ms == INT64_C(1800000000000));
	assert_non_null(policy_read(scene_arena, read.policy, &error));
	assert_true(file_read("tests/data/avro/policy-2.bin", 1 << 12, scene_arena, &record, &error));
	assert_true(policy_record_decode(record, scene_arena, &read, &error));
	assert_true(read.candidates_count == 2 && read.position_count == 2 && read.positions[1].offset == 4 && read.outcomes == 0);
}

/* Among whom a version chose; a list that is of a version to come, or before the one before it, is broken. */
static void a_record_has_the_candidates_of_its_versions(void **state)
{
	static const struct text three[] = {{"old", 3}, {"new", 3}, {"odd", 3}};
	struct policy_candidates lists[] = {{2, 3, three}, {5, 2, two}};
	const struct policy_record made = {
		.experiment = TEXT("e"), .version = 9, .arm_count = 2, .arms = two, .candidates_count = 2, .candidates = lists,
		.outcomes = 12};
	struct policy_record read;
	struct buffer out;
	struct error error = {0};
	(void)state;
	buffer_open(&out, 1 << 10);
	assert_true(policy_record_encode(&made, &out, &error));
	assert_true(policy_record_decode(buffer_view(&out), scene_arena, &read, &error));
	assert_int_equal(read.outcomes, 12);
	assert_null(policy_candidates_of(read.candidates, read.candidates_count, 1));
	for (int64_t version = 2; version < 5; version++)
		assert_true(text_is(policy_candidates_of(read.candidates, read.candidates_count, version)->names[2], "odd"));
	assert_int_equal(policy_candidates_of(read.candidates, read.candidates_count, 5)->count, 2);
	assert_int_equal(policy_candidates_of(read.candidates, read.candidates_count, 900)->count, 2);
	for (int64_t since = 2; since < 12; since += 8) {
		lists[1].since = since;
		buffer_clear(&out);
		assert_true(policy_record_encode(&made, &out, &error));
		assert_false(policy_record_decode(buffer_view(&out), scene_arena, &read, &error));
	}
	buffer_close(&out);
}

static void a_record_has_all_that_its_schema_names(void **state)
{
	(void)state;
	const struct policy_feature features[] = {{TEXT("f"), 1.5, 2.5, 7, 3.5, 4.5, 0, NULL}, {TEXT("g"), 0, 1, 0, 0, 0, 2, two}};
	const struct origin positions[] = {{TEXT("t"), 2, 9}};
	const struct policy_record made = {.experiment = TEXT("e"), .version = 5, .time_ms = 77, .rewards = 11, .arm_count = 2,
					   .arms = two, .feature_count = 2, .features = features, .policy = TEXT("POL"),
					   .learner = TEXT("LEARN"), .position_count = 1, .positions = positions, .through_ms = 66};
	struct policy_record read;
	struct buffer out;
	struct letter letter;
	struct error error = {0};
	buffer_open(&out, 1 << 10);
	assert_true(policy_record_encode(&made, &out, &error));
	letter_open_as(&letter, "policy", buffer_view(&out)); /* by avro-c */
	assert_true(text_is(letter_text(&letter, "experiment"), "e"));
	assert_int_equal(letter_number(&letter, "version"), 5);
	assert_int_equal(letter_number(&letter, "time_ms"), 77);
	assert_int_equal(letter_number(&letter, "rewards"), 11);
	assert_int_equal(letter_number(&letter, "through_ms"), 66);
	letter_close(&letter);
	assert_true(policy_record_decode(buffer_view(&out), scene_arena, &read, &error));
	assert_true(text_is(read.experiment, "e") && read.arm_count == 2 && text_is(read.arms[1], "new"));
	assert_true(read.feature_count == 2 && text_is(read.features[0].name, "f") && read.features[0].center == 1.5 &&
		    read.features[0].width == 2.5 && read.features[0].count == 7 && read.features[0].squares == 4.5);
	assert_true(read.features[0].class_count == 0 && read.features[1].class_count == 2);
	assert_true(text_is(read.features[1].classes[0], "old") && text_is(read.features[1].classes[1], "new"));
	assert_true(text_is(read.policy, "POL") && text_is(read.learner, "LEARN") && read.through_ms == 66);
	assert_true(read.position_count == 1 && read.positions[0].partition == 2 && read.positions[0].offset == 9);
	for (size_t length = 0; length < out.length; length++)
		assert_false(policy_record_decode((struct text){out.bytes, length}, scene_arena, &read, &error));
	buffer_close(&out);
	expect_read(INT32_MAX, 1, 1, 1, false);
	expect_read(POLICY_PARTITIONS_MAX, 1, 1, 1, false);
	expect_read(POLICY_PARTITIONS_MAX - 1, INT64_MAX / 2, INT64_MAX / 2, INT64_MAX / 2, true);
	expect_read(1, INT64_MAX, 1, 1, false);
	expect_read(1, 1, INT64_MAX, 1, false);
	expect_read(1, 1, 1, INT64_MAX, false);
	expect_read(1, INT64_MAX / 2 + 1, 1, 1, false);
	expect_read(1, 1, 1, INT64_MIN, false);
	expect_read(1, 1, 1, -1, false);
	buffer_open(&out, 64);
	error = (struct error){0};
	assert_false(policy_record_encode(&made, &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
}

/* ---- threads ---- */

static atomic_bool over;
static atomic_size_t choices;

static void *choose_all_the_time(void *context)
{
	struct policy_entry *entry = context;
	while (!atomic_load(&over)) {
		const struct policy_in_force *force = policy_entry_hold(entry);
		if (force)
			atomic_fetch_add(&choices, policy_choose(force->policy, TEXT("k"), NULL).probability > 0);
		policy_entry_release(entry);
	}
	return NULL;
}

static void a_policy_is_replaced_while_others_choose(void **state)
{
	(void)state;
	pthread_t threads[2];
	scene_policies = policy_board_open();
	struct policy_entry *entry = policy_board_entry(scene_policies, "p", "e");
	atomic_store(&over, false);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, choose_all_the_time, entry), 0);
	for (uint64_t i = 0; i < 2000 || atomic_load(&choices) < 1000; i++)
		share_set(0.5, i);
	assert_true(policy_entry_state(entry).version >= 1999);
	atomic_store(&over, true);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	policy_board_close(scene_policies);
	scene_policies = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_policy_the_weights_choose),
		TEST(a_called_pipeline_chooses_by_the_policy_of_its_caller),
		TEST(a_policy_gives_its_shares_and_each_choice_names_probability_and_version),
		TEST(a_unit_stays_until_the_version_changes),
		TEST(candidates_of_a_policy_are_known_by_their_names),
		TEST(a_policy_of_other_candidates_does_not_choose),
		TEST(a_context_is_of_tensors_headers_and_the_time),
		TEST(a_text_of_the_context_is_one_of_its_classes_or_none),
		TEST(a_record_with_classes_that_a_context_cannot_have_is_refused),
		TEST(records_of_the_former_schemas_are_read),
		TEST(a_record_has_the_candidates_of_its_versions),
		TEST(a_record_has_all_that_its_schema_names),
		TEST(a_policy_is_replaced_while_others_choose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
