/* follower_test.c: Tests of an engine that follows the control plane: its preparations, its pipelines and its reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/records/control_topics.h"
#include "engine/run/readiness.h"
#include "tests/unit/follow_stand.h"

#define PIPELINE(name, factor)                                                                                                     \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\n"                                       \
	"spec:\n  steps: [{name: s, expression: {set: {y: x * " factor "}}}]\n  output: {steps: [s]}\n"
#define REQUEST "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[21]}]}"

/* ---- what is looked for ---- */

static const struct engine_condition *condition(const char *kind, const char *name)
{
	const struct engine_condition *conditions = follow_stand.conditions.conditions.items;
	for (size_t i = 0; i < follow_stand.conditions.conditions.count; i++)
		if (text_is(conditions[i].kind, kind) && text_is(conditions[i].name, name))
			return &conditions[i];
	return NULL;
}

static bool is_ready_at(const char *name, int64_t version)
{
	const struct engine_condition *found = condition("Pipeline", name);
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

static bool p_has_answered(void)
{
	struct engine_counts counts;
	return engine_counts(follow_stand.engine, "p", &counts) && counts.sums.succeeded == 1 && counts.sums.ended == 1;
}

static void p_is_asked(void)
{
	follow_produce("sluice.default.pipeline.p.inputs", TEXT("k"), TEXT(REQUEST));
}

static bool is_waiting_empty(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return follow_stand.report.sequence > 0 && engine && engine->ready && follow_stand.conditions.conditions.count == 1;
}

/* ---- stories ---- */

static void p_is_applied(void)
{
	follow_apply("p", 0, PIPELINE("p", "2"));
}

static void p_is_changed(void)
{
	follow_apply("p", 1, PIPELINE("p", "3"));
}

static void a_change_is_prepared_then_active_and_answers(void **state)
{
	static const struct scene scenes[] = {
		{"an engine without pipelines", NULL, is_waiting_empty},
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"an answer", p_is_asked, p_has_answered},
		{"version 2", p_is_changed, p_is_ready_at_2},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said("change 1 is prepared"));
	assert_true(follow_was_said("change 2 is prepared"));
	assert_true(follow_stand.report.started_ms > 0);
	for (int64_t end_ms = clock_ms() + WAIT_MS; !follow_stand.conditions.stopped && clock_ms() < end_ms;)
		follow_read_status();
	assert_true(follow_stand.report.stopped && follow_stand.conditions.stopped);
	assert_int_equal(follow_stand.report.prepared.count, 0);   /* changes that are decided are not reported */
	assert_int_equal(atomic_load(&follow_stand.compiles), 3); /* no documents, and each change once */
	assert_false(condition("Pipeline", "p") && condition("Engine", "one")->ready);
}

static bool change_2_is_prepared(void)
{
	const int64_t *prepared = follow_stand.report.prepared.items;
	return follow_stand.report.prepared.count == 1 && prepared[0] == 2;
}

static void reports_are_held_back(void)
{
	follow_stand.is_reporting = false;
	p_is_changed();
}

static void what_is_prepared_does_not_run_before_it_is_active(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"a prepared change", reports_are_held_back, change_2_is_prepared},
		{"conditions", NULL, p_is_ready_at_1},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_int_equal(follow_stand.report.failed.count, 0);
}

static void p_is_broken(void)
{
	follow_apply("p", 1, PIPELINE("p", "nothing(") );
}

static bool change_2_has_failed(void)
{
	struct ledger_change *change = ledger_change_find(keeper_ledger(follow_stand.control.keeper), 2);
	return change && change->record.phase == CHANGE_FAILED &&
	       text_starts_with(change->record.why, TEXT("engine `one`: Pipeline/p@2:5:55: `y`: the expression ends here"));
}

static void a_change_that_cannot_run_fails_with_its_place(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"a failed change", p_is_broken, change_2_has_failed},
		{"version 1 as before", NULL, p_is_ready_at_1},
		{"an answer", p_is_asked, p_has_answered},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said("change 2 cannot run here: Pipeline/p@2:"));
}

static bool p_is_ready_and_current(void)
{
	const struct control_state *state = &follow_stand.state;
	return p_is_ready_at_1() && state->is_behind == 0 && state->resources == 1 && state->unready == 0;
}

/* The keeper has gone, and what it decided is on the topic. */
static void what_is_in_force_runs_at_the_start_without_a_keeper(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", NULL, p_is_ready_and_current},
		{"an answer", p_is_asked, p_has_answered},
		{0},
	};
	(void)state;
	p_is_applied();
	control_pass(&follow_stand.control, KEEPER_SILENT_MS);
	follow_carry();
	follow_stand.is_reporting = false;
	follow_play(scenes);
}

/* `q` reads a step of `p` that the change before it adds. */
static void two_changes_come_at_once(void)
{
	follow_apply("p", 1,
		     "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		     "spec:\n  steps:\n  - {name: s, expression: {set: {y: x * 2}}}\n"
		     "  - {name: t, inputs: [s], expression: {set: {z: y}}}\n"
		     "  output: {steps: [t]}\n");
	follow_apply("q", 0,
		     "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\n"
		     "spec:\n  input: {externalInputs: [p.step.t.outputs]}\n  steps: [{name: s, expression: {set: {w: z}}}]\n"
		     "  output: {steps: [s]}\n");
}

/* What conditions are made of is the same as the counts of each pipeline. */
static bool readiness_agrees(void)
{
	const struct engine *engine = follow_stand.engine;
	const struct plan *plan = &engine_revision(engine)->plan;
	const struct pipeline_readiness *readiness = readiness_of_pipelines(engine, follow_stand.arena);
	assert_non_null(readiness);
	for (size_t i = 0; i < plan->count; i++) {
		struct engine_counts counts;
		assert_true(engine_counts(engine, plan->pipelines[i].graph->name, &counts));
		assert_int_equal(readiness[i].version, counts.version);
		assert_int_equal(readiness[i].models_away, counts.models_away);
		assert_int_equal(readiness[i].has_followed, engine_has_followed(engine, plan->pipelines[i].group));
		assert_int_equal(readiness[i].has_partitions, engine_has_partitions(engine, plan->pipelines[i].group));
	}
	return plan->count == 2 && readiness[0].version != 0 && readiness[0].version != readiness[1].version;
}

static bool both_run(void)
{
	return is_ready_at("p", 2) && is_ready_at("q", 1) && readiness_agrees();
}

static void a_change_is_prepared_with_those_before_it(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"both", two_changes_come_at_once, both_run},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_false(follow_was_said("cannot run here"));
}

static bool is_refused(void)
{
	return follow_stand.state.refused == 2;
}

static void bad_records_come(void)
{
	follow_produce(CONTROL, TEXT("change@7"), TEXT("nothing of ours"));
	follow_produce(CONTROL, TEXT("Pipeline/p@9"), TEXT(""));
	follow_produce(STATUS, KEEPER_KEY, TEXT("no beat"));
}

static void bad_records_are_refused_and_nothing_changes(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"refused records", bad_records_come, is_refused},
		{"version 2", p_is_changed, p_is_ready_at_2},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said(CONTROL ": "));
}

static bool is_stale(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return follow_stand.state.is_stale == 1 && engine && engine->ready && text_is(engine->what, "Stale");
}

static bool is_heard(void)
{
	return follow_stand.state.is_stale == 0 && follow_was_said("the keeper reports again");
}

static void without_beats_it_is_stale_and_goes_on(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"staleness", NULL, is_stale},
		{"an answer", p_is_asked, p_has_answered},
		{"the keeper", follow_beat, is_heard},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said("the keeper has not reported for 5 s"));
}

static void control_is_away(void)
{
	follow_deny_reading(12); /* each of four consumers meets one or more */
}

static bool is_cut_off(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return engine && !engine->ready && text_is(engine->what, "Failed") && follow_stand.report.stopped &&
	       text_starts_with(engine->why, TEXT("the control plane cannot be read: topic sluice.default.")) &&
	       text_ends_with(engine->why, TEXT("; give its login the right that `sluice plan --acls` lists"));
}

static bool is_reading(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return follow_was_said("the control plane is read again") && !follow_stand.report.stopped && engine->ready;
}

/* Meanwhile the keeper does not wait for it. */
static void an_engine_that_cannot_read_stops_to_report_and_reads_again(void **state)
{
	static const struct scene scenes[] = {
		{"an engine without pipelines", NULL, is_waiting_empty}, /* their consumers would fail too */
		{"a report that it stopped", control_is_away, is_cut_off},
		{"the control plane", NULL, is_reading},
		{"version 1", p_is_applied, p_is_ready_at_1},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said("change 1 is prepared"));
}

static void activation_fails(void)
{
	error_set(&follow_stand.failure, ERROR_CONFIG, PLACE_NONE, "the port is in use");
	p_is_changed();
}

static bool failure_is_a_condition(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return engine && !engine->ready && text_is(engine->what, "Failed") &&
	       text_is(engine->why, "the documents in force cannot run: the port is in use") && is_ready_at("p", 1) &&
	       condition("Pipeline", "p")->since_ms < engine->since_ms && follow_stand.state.is_behind == 1 &&
	       follow_stand.state.unready == 1;
}

static void activation_succeeds(void)
{
	follow_stand.failure = (struct error){0};
}

/* The stand has no topic of proposals, until one is made. */
static void proposals_are_missing(void)
{
	follow_beat();
}

static bool it_says_that_proposals_are_gone(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return engine && !engine->ready && text_is(engine->what, "Failed") &&
	       text_starts_with(engine->why,
				TEXT("the control plane cannot be read: topic sluice.default.proposals was deleted")) &&
	       is_ready_at("p", 1);
}

static void proposals_are_made(void)
{
	rd_kafka_mock_topic_create(follow_stand.mock.cluster, "sluice.default.proposals", 1, 1);
}

static bool it_reads_again(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return engine && engine->ready && follow_was_said("the control plane is read again") && is_ready_at("p", 1);
}

static int lost_count;

static void lost_note(void *context)
{
	(void)context;
	lost_count++;
}

static void a_topic_of_the_control_plane_that_is_gone_is_a_condition(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"the topic is gone", proposals_are_missing, it_says_that_proposals_are_gone},
		{"the topic is there", proposals_are_made, it_reads_again},
		{"version 2", p_is_changed, p_is_ready_at_2},
		{0},
	};
	static struct control_topics topics;
	struct error error = {0};
	(void)state;
	assert_true(control_topics_name(&topics, "sluice", "default", follow_stand.arena, &error));
	follow_stand.follower_config.topics_of_control = &topics;
	follow_stand.follower_config.watch_ms = 1500; /* later than the first version is ready */
	follow_stand.follower_config.work.lost = lost_note;
	lost_count = 0;
	follow_play(scenes);
	assert_int_equal(lost_count, 1); /* the keeper of the process reads again too */
}

static void what_is_in_force_and_cannot_run_is_tried_again(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"a failure", activation_fails, failure_is_a_condition},
		{"version 2", activation_succeeds, p_is_ready_at_2},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

static void the_gateway_fails(void)
{
	error_set(&follow_stand.unserved, ERROR_SYSTEM, PLACE_NONE, "the port is in use");
	p_is_changed();
}

static bool the_gateway_is_a_condition(void)
{
	const struct engine_condition *engine = condition("Engine", "one");
	return p_is_ready_at_2() && follow_stand.state.is_behind == 0 && engine && !engine->ready &&
	       text_is(engine->why, "the gateway does not serve: the port is in use");
}

static void the_gateway_can_listen(void)
{
	follow_stand.unserved = (struct error){0};
}

static bool the_engine_is_ready(void)
{
	return condition("Engine", "one")->ready;
}

/* The documents run, and are not compiled again and again. */
static void a_gateway_that_fails_is_tried_again_alone(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"version 2", the_gateway_fails, the_gateway_is_a_condition},
		{"the gateway", the_gateway_can_listen, the_engine_is_ready},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_int_equal(atomic_load(&follow_stand.compiles), 3); /* no documents, and each change once */
}

static void a_slow_change(void)
{
	follow_stand.is_slow = true;
	follow_stand.turns = 0;
	p_is_changed();
}

static void the_loop_goes_on_while_documents_are_compiled(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"version 2", a_slow_change, p_is_ready_at_2},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_stand.turns > SLOW_MS / TICK_MS / 4);
}

static void the_pipeline_goes(void)
{
	follow_propose((struct proposal_item){
		.kind = TEXT("Pipeline"), .name = TEXT("p"), .action = PROPOSAL_DELETE, .expected = 1});
}

static bool nothing_is_left(void)
{
	return engine_revision(follow_stand.engine)->plan.count == 0 && follow_stand.conditions.conditions.count == 1;
}

static void all_may_be_deleted(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"an empty engine", the_pipeline_goes, nothing_is_left},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

#define CALLS                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                             \
	"spec:\n  steps: [{name: m}]\n  output: {steps: [m]}\n"
#define MODEL                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: 'http://127.0.0.1:1'}\n"

static void a_model_is_applied(void)
{
	follow_propose((struct proposal_item){.kind = TEXT("Model"), .name = TEXT("m"), .document = TEXT(MODEL)});
	follow_apply("p", 0, CALLS);
}

static bool both_are_ready(void)
{
	const struct engine_condition *model = condition("Model", "m");
	return p_is_ready_at_1() && model && model->ready;
}

static bool neither_is_ready(void)
{
	const struct engine_condition *model = condition("Model", "m"), *pipeline = condition("Pipeline", "p");
	return model && pipeline && !model->ready && !pipeline->ready && text_is(model->what, "Waiting") &&
	       text_starts_with(model->why, TEXT("it is unreachable: ")) &&
	       text_starts_with(pipeline->why, TEXT("a model that it calls is unreachable: m: "));
}

static void another_is_applied(void)
{
	follow_apply("q", 0, PIPELINE("q", "2"));
}

/* It calls no model, and shares its client with the one that does. */
static bool only_the_other_is_ready(void)
{
	return is_ready_at("q", 1) && condition("Pipeline", "q")->why.length == 0 && neither_is_ready();
}

static void a_model_that_is_away_is_a_condition(void **state)
{
	static const struct scene scenes[] = {
		{"both", a_model_is_applied, both_are_ready},
		{"the outage", p_is_asked, neither_is_ready},
		{"another pipeline", another_is_applied, only_the_other_is_ready},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

static void the_model_is_away(void)
{
	atomic_store(&follow_stand.refusals, 2);
	p_is_changed();
}

static void a_change_waits_for_its_model(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"version 2", the_model_is_away, p_is_ready_at_2},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said("change 2 waits: model `m` is not ready"));
	assert_int_equal(atomic_load(&follow_stand.refusals), 0);
}

/* The model does not come in time. */
static void the_model_is_away_for_long(void)
{
	atomic_store(&follow_stand.refusals, 1000000);
	follow_stand.follower_config.patience_ms = 1;
	p_is_changed();
}

static bool change_2_was_given_up(void)
{
	const struct ledger_change *change = ledger_change_find(keeper_ledger(follow_stand.control.keeper), 2);
	return change && change->record.phase == CHANGE_FAILED &&
	       text_starts_with(change->record.why, TEXT("engine `one`: model `m` is not ready"));
}

/* The keeper's clock is an hour behind: how long the change may wait is not read from its record. */
static void the_keeper_is_an_hour_behind(void)
{
	atomic_store(&follow_stand.refusals, 2);
	follow_stand.behind_ms = 3600000;
	keeper_shift(follow_stand.control.keeper, -follow_stand.behind_ms);
	p_is_changed();
}

static void a_change_waits_by_the_engines_own_clock(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"version 2", the_keeper_is_an_hour_behind, p_is_ready_at_2},
		{0},
	};
	(void)state;
	follow_play(scenes);
	assert_true(follow_was_said("change 2 waits: model `m` is not ready"));
}

static void a_change_does_not_wait_for_ever(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"a failed change", the_model_is_away_for_long, change_2_was_given_up},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

static void files_are_read_again(void)
{
	follow_stand.turns = 0;
	follow_stand.is_slow = true;
	follower_reread(follow_stand.follower);
}

static bool was_compiled(void)
{
	bool is_behind = follow_stand.state.is_behind > 0;
	return follow_stand.turns > 1 && !atomic_load(&follow_stand.is_compiling) && !is_behind;
}

static void what_is_in_force_is_compiled_again_when_asked(void **state)
{
	static const struct scene scenes[] = {
		{"version 1", p_is_applied, p_is_ready_at_1},
		{"a compile", files_are_read_again, was_compiled},
		{"version 1 as before", NULL, p_is_ready_at_1},
		{0},
	};
	(void)state;
	follow_play(scenes);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, follow_open, follow_close)
	const struct CMUnitTest tests[] = {
		STORY(a_change_is_prepared_then_active_and_answers),
		STORY(what_is_prepared_does_not_run_before_it_is_active),
		STORY(a_change_that_cannot_run_fails_with_its_place),
		STORY(a_change_is_prepared_with_those_before_it),
		STORY(what_is_in_force_runs_at_the_start_without_a_keeper),
		STORY(bad_records_are_refused_and_nothing_changes),
		STORY(without_beats_it_is_stale_and_goes_on),
		STORY(an_engine_that_cannot_read_stops_to_report_and_reads_again),
		STORY(a_topic_of_the_control_plane_that_is_gone_is_a_condition),
		STORY(what_is_in_force_and_cannot_run_is_tried_again),
		STORY(a_gateway_that_fails_is_tried_again_alone),
		STORY(the_loop_goes_on_while_documents_are_compiled),
		STORY(a_model_that_is_away_is_a_condition),
		STORY(a_change_waits_for_its_model),
		STORY(a_change_does_not_wait_for_ever),
		STORY(a_change_waits_by_the_engines_own_clock),
		STORY(all_may_be_deleted),
		STORY(what_is_in_force_is_compiled_again_when_asked),
	};
	engine_block_signals(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
