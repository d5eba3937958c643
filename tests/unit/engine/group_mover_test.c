/* group_mover_test.c: Tests of a pipeline whose consumer group changes while its engine runs. The engine follows a control
 * plane, on the embedded broker, which knows no members of groups: that question to librdkafka is answered here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/keeper/document_check.h"
#include "engine/run/group_migration.h"
#include "engine/run/group_mover.h"
#include "engine/setup/group_setup.h"
#include "steps/kinds.h"
#include "tests/unit/follow_stand.h"

#define PIPELINE(name, delivery)                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\n"                                       \
	"spec:\n  delivery: " delivery "\n  steps: [{name: s, expression: {set: {y: x * 2}}}]\n  output: {steps: [s]}\n"
#define REQUEST "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[21]}]}"
#define INPUTS "sluice.default.pipeline.p.inputs"
#define WAITS_FOR(group)                                                                                                           \
	"its consumer group changes: group sluice.default." group " waits for group sluice.default."
#define PAUSE_MS 1500 /* for an answer that must not come */

/* ---- members of groups ---- */

static atomic_bool has_member; /* another engine reads the inputs of `p`, by `members_of` */
static const char *members_of;

static char assignment[64];
static int assignment_size;

/* Partition 0 of the inputs, as Kafka's assignors write it. */
static void assignment_write(void)
{
	static const char head[] = "\0\1\0\0\0\1\0", tail[] = "\0\0\0\1\0\0\0\0\0\0\0\0";
	memcpy(assignment, head, 7);
	assignment[7] = (char)strlen(INPUTS);
	memcpy(assignment + 8, INPUTS, strlen(INPUTS));
	memcpy(assignment + 8 + strlen(INPUTS), tail, 12);
	assignment_size = 8 + (int)strlen(INPUTS) + 12;
}

/* In place of librdkafka's. */
rd_kafka_resp_err_t rd_kafka_list_groups(rd_kafka_t *rk, const char *group, const struct rd_kafka_group_list **grplistp,
					 int timeout_ms)
{
	static _Thread_local struct rd_kafka_group_member_info member = {.member_id = "two.0", .client_host = "/10.0.0.2"};
	static _Thread_local struct rd_kafka_group_info described;
	static _Thread_local struct rd_kafka_group_list one = {.group_cnt = 1};
	(void)rk, (void)timeout_ms;
	member.member_assignment = assignment;
	member.member_assignment_size = assignment_size;
	described = (struct rd_kafka_group_info){.group = (char *)(uintptr_t)group, .state = (char *)(uintptr_t)"Stable"};
	described.members = &member;
	described.member_cnt = atomic_load(&has_member) && strcmp(group, members_of) == 0;
	one.groups = &described;
	*grplistp = &one;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_group_list_destroy(const struct rd_kafka_group_list *grplist)
{
	(void)grplist;
}

/* ---- the engine: as `sluice run --control` activates revisions ---- */

static struct group_mover *mover;
static struct revision *(*compile_plainly)(void *context, const struct control_documents *documents, struct error *error);

static struct revision *compile(void *context, const struct control_documents *documents, struct error *error)
{
	struct revision *revision = compile_plainly(context, documents, error);
	if (!revision ||
	    group_migration_prepare(&follow_stand.config, &engine_revision(follow_stand.engine)->plan, revision, error))
		return revision;
	revision_close(revision);
	return NULL;
}

static bool activate(void *context, struct revision *revision, struct error *error)
{
	(void)context;
	if (!mover)
		follow_stand.follower_config.mover = mover = group_mover_open(&follow_stand.config, follow_stand.engine, error);
	assert_non_null(mover);
	assert_true(group_migration_hold(engine_revision(follow_stand.engine), revision, error));
	if (!engine_reload(follow_stand.engine, revision, error))
		return false;
	group_mover_follow(mover);
	return true;
}

static int mover_stand_open(void **state)
{
	int status = follow_open(state);
	compile_plainly = follow_stand.follower_config.work.compile;
	follow_stand.follower_config.work.compile = compile;
	follow_stand.follower_config.work.activate = activate;
	assignment_write();
	atomic_store(&has_member, false);
	members_of = "sluice.default.at-least-once";
	return status;
}

static void mover_end(void)
{
	group_mover_close(mover);
	mover = NULL;
}

static void play(const struct scene *scenes)
{
	follow_stand.closing = mover_end;
	follow_play(scenes);
}

/* ---- what is looked for ---- */

static const struct engine_condition *condition_of(const char *name)
{
	const struct engine_condition *conditions = follow_stand.conditions.conditions.items;
	for (size_t i = 0; i < follow_stand.conditions.conditions.count; i++)
		if (text_is(conditions[i].kind, "Pipeline") && text_is(conditions[i].name, name))
			return &conditions[i];
	return NULL;
}

static bool is_ready_at(const char *name, int64_t version)
{
	const struct engine_condition *found = condition_of(name);
	return found && found->ready && found->version == version;
}

static bool p_is_ready_at_1(void)
{
	return is_ready_at("p", 1);
}

static bool p_is_ready_at_2(void)
{
	return is_ready_at("p", 2);
}

static bool p_is_ready_at_3(void)
{
	return is_ready_at("p", 3);
}

static bool p_waits_as(const char *why, int64_t version)
{
	const struct engine_condition *found = condition_of("p");
	return found && !found->ready && found->version == version && text_is(found->what, "Waiting") &&
	       text_starts_with(found->why, text_of(why));
}

static bool p_waits_for_another_engine(void)
{
	return p_waits_as(WAITS_FOR("exactly-once") "at-least-once: two.0 at /10.0.0.2 reads " INPUTS, 2);
}

static uint64_t answers(const char *name)
{
	struct engine_counts counts;
	return engine_counts(follow_stand.engine, name, &counts) ? counts.sums.ended : 0;
}

static bool p_has_answered_once(void)
{
	return answers("p") == 1;
}

static int64_t paused_ms;

/* Nothing is answered for so long that it would have been. */
static bool p_answers_nothing(void)
{
	assert_int_equal(answers("p"), 0);
	if (paused_ms == 0)
		paused_ms = clock_ms();
	return p_waits_for_another_engine() && clock_ms() - paused_ms > PAUSE_MS;
}

/* ---- what is done ---- */

static void p_is_at_least_once(void)
{
	follow_apply("p", 0, PIPELINE("p", "at-least-once"));
}

static void p_becomes_exactly_once(void)
{
	atomic_store(&has_member, true);
	follow_apply("p", 1, PIPELINE("p", "exactly-once"));
}

static void p_is_asked(void)
{
	paused_ms = 0;
	follow_produce(INPUTS, TEXT("k"), TEXT(REQUEST));
}

static void the_other_engine_leaves(void)
{
	atomic_store(&has_member, false);
}

static void p_goes_back(void)
{
	follow_apply("p", 2, PIPELINE("p", "at-least-once"));
}

/* ---- stories ---- */

static void q_is_exactly_once(void)
{
	follow_apply("q", 0, PIPELINE("q", "exactly-once"));
}

static bool q_is_ready(void)
{
	return is_ready_at("q", 1);
}

/* The engine has the new group already, for another pipeline. */
static void a_pipeline_waits_until_nobody_reads_with_its_former_group(void **state)
{
	static const struct scene scenes[] = {
		{"another pipeline", q_is_exactly_once, q_is_ready},
		{"version 1", p_is_at_least_once, p_is_ready_at_1},
		{"a wait", p_becomes_exactly_once, p_waits_for_another_engine},
		{"no answer", p_is_asked, p_answers_nothing},
		{"version 2", the_other_engine_leaves, p_is_ready_at_2},
		{"an answer", NULL, p_has_answered_once},
		{0},
	};
	(void)state;
	play(scenes);
	assert_true(follow_was_said("p: pauses until group sluice.default.exactly-once can continue where group "
				    "sluice.default.at-least-once ended"));
	assert_true(follow_was_said("p: reads " INPUTS));
}

/* The task that waits for the first change must not release the second one, nor be waited for. */
static void a_change_back_ends_the_wait(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_at_least_once, p_is_ready_at_1},
		{"a wait", p_becomes_exactly_once, p_waits_for_another_engine},
		{"version 3", p_goes_back, p_is_ready_at_3},
		{"an answer", p_is_asked, p_has_answered_once},
		{0},
	};
	(void)state;
	play(scenes);
	assert_false(follow_was_said("in group sluice.default.exactly-once as one"));
	assert_false(follow_was_said("were not moved")); /* that would be tried again after a while */
}

static void q_comes(void)
{
	follow_apply("q", 0, PIPELINE("q", "at-least-once"));
}

static bool q_is_ready_while_p_waits(void)
{
	return is_ready_at("q", 1) && p_waits_for_another_engine();
}

static void other_pipelines_change_while_one_waits(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_at_least_once, p_is_ready_at_1},
		{"a wait", p_becomes_exactly_once, p_waits_for_another_engine},
		{"another pipeline", q_comes, q_is_ready_while_p_waits},
		{"version 2", the_other_engine_leaves, p_is_ready_at_2},
		{0},
	};
	(void)state;
	play(scenes);
}

static void p_comes_while_another_engine_has_it(void)
{
	atomic_store(&has_member, true);
	follow_apply("p", 0, PIPELINE("p", "exactly-once"));
}

static bool p_waits_at_1(void)
{
	return p_waits_as(WAITS_FOR("exactly-once") "at-least-once: two.0", 1);
}

/* As for an engine that starts while another one, which is frozen, still has the former version. */
static void a_new_pipeline_waits_too(void **state)
{
	static const struct scene scenes[] = {
		{"a wait", p_comes_while_another_engine_has_it, p_waits_at_1},
		{"version 1", the_other_engine_leaves, p_is_ready_at_1},
		{0},
	};
	(void)state;
	play(scenes);
}

static void p_reads_q(void)
{
	follow_apply("q", 0, PIPELINE("q", "exactly-once"));
	follow_apply("p", 0,
		     "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		     "spec:\n  delivery: exactly-once\n  input: {externalInputs: [q.outputs]}\n"
		     "  steps: [{name: s, expression: {set: {z: y}}}]\n  output: {steps: [s]}\n");
}

static void p_ceases_to_read_q(void)
{
	follow_apply("p", 1, PIPELINE("p", "exactly-once"));
}

static bool the_change_has_failed(void)
{
	const struct ledger_change *change = ledger_change_find(keeper_ledger(follow_stand.control.keeper), 3);
	return change && change->record.phase == CHANGE_FAILED && p_is_ready_at_1();
}

/* Without labels (control/keeper/state_labels.h), as of a version of an earlier release: the group of `p` alone is none of those
 * for whose members engines look. */
static void a_pipeline_that_ceases_to_read_others_is_refused(void **state)
{
	static const struct scene scenes[] = {
		{"both", p_reads_q, p_is_ready_at_1},
		{"a failure", p_ceases_to_read_q, the_change_has_failed},
		{0},
	};
	(void)state;
	play(scenes);
	assert_true(follow_was_said("is read by group sluice.default.exactly-once.p, and would be read by "
				    "sluice.default.exactly-once, which does not continue where that one is"));
}

static int checked_stand_open(void **state)
{
	static struct document_checker checker = {.kinds = step_kinds, .namespace = "default", .prefix = "sluice"};
	int status = mover_stand_open(state);
	follow_stand.control.options.checker = document_check_of(&checker);
	control_keeper_start(&follow_stand.control);
	members_of = "sluice.default.exactly-once.p";
	return status;
}

static void p_ceases_while_another_engine_reads(void)
{
	atomic_store(&has_member, true);
	p_ceases_to_read_q();
}

static bool p_waits_for_its_own_group(void)
{
	return p_waits_as(WAITS_FOR("exactly-once") "exactly-once.p: two.0 at /10.0.0.2 reads " INPUTS, 2);
}

static void a_pipeline_that_ceases_to_read_others_goes_on_where_its_own_group_is(void **state)
{
	static const struct scene scenes[] = {
		{"both", p_reads_q, p_is_ready_at_1},
		{"a wait", p_ceases_while_another_engine_reads, p_waits_for_its_own_group},
		{"a wait", p_is_asked, p_waits_for_its_own_group},
		{"version 2", the_other_engine_leaves, p_is_ready_at_2},
		{"an answer", NULL, p_has_answered_once},
		{0},
	};
	(void)state;
	play(scenes);
	assert_true(follow_was_said("p: pauses until group sluice.default.exactly-once can continue where group "
				    "sluice.default.exactly-once.p ended"));
}

static void p_joins_q(void)
{
	follow_apply("q", 0, PIPELINE("q", "exactly-once"));
	follow_apply("r", 0, PIPELINE("r", "exactly-once"));
	follow_apply("p", 0,
		     "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		     "spec:\n  delivery: exactly-once\n  input: {externalInputs: [q.outputs, r.outputs]}\n"
		     "  steps: [{name: s, expression: {set: {z: y}}}]\n  output: {steps: [s]}\n");
}

static bool the_fourth_change_has_failed(void)
{
	const struct ledger_change *change = ledger_change_find(keeper_ledger(follow_stand.control.keeper), 4);
	return change && change->record.phase == CHANGE_FAILED && p_is_ready_at_1();
}

/* What waits in the join for its other parts would never be answered. */
static void a_pipeline_that_ceases_to_join_others_is_refused(void **state)
{
	static const struct scene scenes[] = {
		{"both", p_joins_q, p_is_ready_at_1},
		{"a failure", p_ceases_to_read_q, the_fourth_change_has_failed},
		{0},
	};
	(void)state;
	play(scenes);
	assert_true(follow_was_said("what waits there for its other parts would never be answered. Apply the new one"));
}

static bool the_wait_is_logged(void)
{
	return p_waits_for_another_engine() && follow_was_said("pipelines pause meanwhile. Stop that engine if it does not follow");
}

static void an_engine_stops_while_it_waits(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_at_least_once, p_is_ready_at_1},
		{"a log line", p_becomes_exactly_once, the_wait_is_logged},
		{0},
	};
	(void)state;
	play(scenes);
	assert_false(follow_was_said("in group sluice.default.exactly-once as one"));
}

/* ---- observers, which were once read by the group of their pipeline ---- */

#define OBSERVED "sluice.default.pipeline.p.stage.watch.observer"
#define REFERENCE "tests/cases-own/drift-marks-what-is-known/usual.json"
#define OBSERVED_SO_FAR 7

static rd_kafka_t *asker_open(const char *group)
{
	char text[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", follow_stand.config.brokers, text, sizeof text);
	rd_kafka_conf_set(conf, "group.id", group, text, sizeof text);
	rd_kafka_t *asker = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	assert_non_null(asker);
	return asker;
}

static void p_was_observed(void)
{
	rd_kafka_t *asker = asker_open("sluice.default.at-least-once");
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, OBSERVED, 0)->offset = OBSERVED_SO_FAR;
	assert_int_equal(rd_kafka_mock_topic_create(follow_stand.mock.cluster, OBSERVED, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	for (int i = 0; i < OBSERVED_SO_FAR; i++)
		follow_produce(OBSERVED, TEXT("k"), TEXT(REQUEST));
	assert_int_equal(rd_kafka_commit(asker, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(asker);
}

static void p_watches(void)
{
	static char document[1024];
	char *reference = realpath(REFERENCE, NULL);
	assert_non_null(reference);
	snprintf(document, sizeof document,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		 "  - {name: watch, drift: {tensors: [x], reference: %s}}\n  output: {steps: [watch]}\n",
		 reference);
	free(reference);
	p_was_observed();
	follow_apply("p", 0, document);
}

static bool observers_are_a_group(void)
{
	const struct group *group = engine_groups(follow_stand.engine);
	while (group && strcmp(group->name, "sluice.default.observers") != 0)
		group = group->next;
	return group && group->observes && group->worker_count == 1 && group->setup->stage_count == 1;
}

static bool observers_go_on(void)
{
	rd_kafka_t *asker = asker_open("sluice.default.observers");
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, OBSERVED, 0);
	assert_int_equal(rd_kafka_committed(asker, list, 5000), RD_KAFKA_RESP_ERR_NO_ERROR);
	const int64_t offset = list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(asker);
	return offset == OBSERVED_SO_FAR;
}

static void observers_go_on_where_the_group_of_their_pipeline_ended(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_watches, p_is_ready_at_1},
		{"their group", NULL, observers_are_a_group},
		{"the offset", NULL, observers_go_on},
		{0},
	};
	(void)state;
	play(scenes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pipeline_waits_until_nobody_reads_with_its_former_group, mover_stand_open,
						follow_close),
		cmocka_unit_test_setup_teardown(a_change_back_ends_the_wait, mover_stand_open, follow_close),
		cmocka_unit_test_setup_teardown(other_pipelines_change_while_one_waits, mover_stand_open, follow_close),
		cmocka_unit_test_setup_teardown(a_new_pipeline_waits_too, mover_stand_open, follow_close),
		cmocka_unit_test_setup_teardown(a_pipeline_that_ceases_to_read_others_is_refused, mover_stand_open, follow_close),
		cmocka_unit_test_setup_teardown(a_pipeline_that_ceases_to_read_others_goes_on_where_its_own_group_is,
						checked_stand_open, follow_close),
		cmocka_unit_test_setup_teardown(a_pipeline_that_ceases_to_join_others_is_refused, checked_stand_open, follow_close),
		cmocka_unit_test_setup_teardown(an_engine_stops_while_it_waits, mover_stand_open, follow_close),
		cmocka_unit_test_setup_teardown(observers_go_on_where_the_group_of_their_pipeline_ended, mover_stand_open,
						follow_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
