/* learner_service_test.c: Tests of the learner service with a mock broker: it learns from exposures and feedback, whatever times
 * their clients gave, and puts the newest policy into force. */
#include "tests/unit/learner_stand.h"

#include <stdatomic.h>

#include "experiments/outcomes/outcome_join.h"
#include "engine/learn/learners.h"

#define HOUR_MS INT64_C(3600000)

/* The pipeline that learns calls the one with the experiment. */
static int stand_open_called(void **state)
{
	const bool good = stand_open(state) == 0;
	planning.graph = planning_linked(&planning, "caller");
	entry = policy_board_entry(board, "caller", "e");
	return good && entry ? 0 : -1;
}

/* ---- policies ---- */

static void a_record_is_kept_in_place_of_the_one_before(void **state)
{
	struct buffer kept = {0};
	struct error error = {0};
	(void)state;
	char *bytes = test_malloc(POLICY_RECORD_BYTES_MAX + 1);
	memset(bytes, 'x', POLICY_RECORD_BYTES_MAX + 1);
	for (int i = 0; i < 100; i++) /* more than a term's arena takes */
		assert_true(policy_keep(&kept, (struct text){bytes, POLICY_RECORD_BYTES_MAX}, &error));
	assert_int_equal(kept.length, POLICY_RECORD_BYTES_MAX);
	assert_true(policy_keep(&kept, TEXT("last"), &error));
	assert_true(text_is(buffer_view(&kept), "last"));
	assert_false(policy_keep(&kept, (struct text){bytes, POLICY_RECORD_BYTES_MAX + 1}, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "update sluice"));
	test_free(bytes);
	buffer_close(&kept);
}

static void after_a_reload_the_newest_policy_alone_is_put_into_force(void **state)
{
	(void)state;
	char id[8];
	service_start();
	for (int i = 1; i <= 3; i++) {
		(void)snprintf(id, sizeof id, "r%d", i);
		earn(id, i);
	}
	learner_service_close(service);
	assert_int_equal(policy_entry_state(entry).version, 3);
	said[0] = '\0';
	service_start();
	earn("r4", 4);
	learner_service_close(service);
	assert_int_equal(said_times("chooses by version 4"), 1);
	assert_int_equal(said_times("chooses by"), 1);
}

static void a_pipeline_that_calls_the_one_with_the_experiment_learns_by_itself(void **state)
{
	(void)state;
	service_start();
	earn("r1", 1);
	learner_service_close(service);
	assert_int_equal(policy_entry_state(policy_board_entry(board, "p", "e")).version, -1);
}

/* ---- what is left out ---- */

static void expect_losses(uint64_t refused, uint64_t late, uint64_t unknown, uint64_t repeated)
{
	struct policy_losses losses = policy_entry_losses(entry);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	     losses.refused + losses.late + losses.unknown + losses.repeated < refused + late + unknown + repeated; nap()) {
		if (clock_ms() > until_ms)
			fail_msg("losses are not counted; %s", said);
		losses = policy_entry_losses(entry);
	}
	assert_true(losses.refused == refused && losses.late == late && losses.unknown == unknown && losses.repeated == repeated);
}

/* Another term reads the same window again, and counts none of it a second time. */
static void what_is_not_learnt_is_counted_and_said_once(void **state)
{
	(void)state;
	const int64_t now_ms = time_of_day_ms();
	service_start();
	expose("a", 0, now_ms);
	expose("b", 0, now_ms);
	append("feedback", 0, now_ms, "{\"id\":\"a\",\"reward\":1e308}");
	reward("b", now_ms);
	reward("b", now_ms);
	reward("nobody", now_ms);
	reward("nobody", now_ms);
	expect_losses(1, 0, 2, 1);
	expect_rewards(1);
	learner_service_close(service);
	assert_int_equal(said_times("the bandits of `e` leave out feedback that is refused: A reward is 1e+308"), 1);
	assert_int_equal(said_times("leave out feedback of requests and units to which the experiment gave no candidate"), 1);
	service_start();
	reward("nobody else", time_of_day_ms());
	earn("d", 2);
	expect_losses(1, 0, 3, 1);
	learner_service_close(service);
	expect_losses(1, 0, 3, 1);
	assert_int_equal(said_times("leave out feedback of requests and units to which the experiment gave no candidate"), 1);
}

/* Whoever writes to the topics by itself is told, and not only whoever asks a gateway. */
static void records_that_cannot_be_read_are_counted_and_said_once(void **state)
{
	static const char *const broken[] = {"{\"id\":\"a\",\"reward\":1",    "{\"id\":\"a\",\"reward\":\"high\"}",
					     "{\"id\":\"a\",\"rewrd\":1}",    "{\"id\":7,\"reward\":1}",
					     "[{\"id\":\"a\",\"reward\":1}]", "hello"};
	(void)state;
	service_start();
	expose("a", 0, time_of_day_ms());
	append("exposures", 0, time_of_day_ms(), "hello");
	append("exposures", 0, time_of_day_ms(), "{\"id\":");
	reward("nobody", time_of_day_ms());
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		append("feedback", 0, time_of_day_ms(), broken[i]);
	expect_losses(6, 0, 1, 0);
	reward("a", time_of_day_ms());
	expect_rewards(1);
	learner_service_close(service);
	assert_int_equal(policy_entry_losses(entry).refused, 6);
	assert_int_equal(said_times("feedback: partition 0, offset 1: "), 1); /* that of `nobody` is before it */
	assert_int_equal(said_times("exposures: partition 0, offset 1: "), 1);
	assert_int_equal(said_times("nothing is learnt from it"), 2);
	assert_int_equal(said_times("the bandits of `e` leave out feedback that is refused: "), 1);
}

static void feedback_by_unit_is_counted_and_said_once_if_it_finds_none(void **state)
{
	(void)state;
	service_start();
	expose("a", 0, time_of_day_ms());
	append("feedback", 0, time_of_day_ms(), "{\"unit\":\"u\",\"reward\":1}");
	append("feedback", 0, time_of_day_ms(), "{\"unit\":\"v\",\"reward\":1}");
	reward("a", time_of_day_ms());
	expect_rewards(1);
	learner_service_close(service);
	assert_int_equal(policy_entry_losses(entry).by_unit, 2);
	assert_int_equal(policy_entry_losses(entry).unknown, 2);
	assert_int_equal(said_times("leave out feedback of requests and units to which the experiment gave no candidate"), 1);
}

/* Its time is before all requests of a unit that has more of them than are looked through. */
static void feedback_beyond_a_limit_of_the_join_is_said_once(void **state)
{
	char line[LINE_BYTES];
	(void)state;
	service_start();
	const int64_t now_ms = time_of_day_ms();
	for (int i = 0; i <= OUTCOME_WALK_MOST; i++) {
		(void)snprintf(line, sizeof line,
			       "{\"id\":\"b%d\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"new\",\"probability\":0.5,"
			       "\"unit\":\"busy\"}",
			       i, (long long)now_ms);
		put("exposures", 0, now_ms, line);
	}
	expose("a", 0, now_ms);
	reward("a", now_ms);
	expect_rewards(1);
	(void)snprintf(line, sizeof line, "{\"unit\":\"busy\",\"reward\":1,\"time_ms\":%lld}", (long long)now_ms - 5000);
	append("feedback", 0, now_ms, line);
	append("feedback", 0, now_ms, line);
	reward("b1", now_ms);
	expect_rewards(2);
	learner_service_close(service);
	assert_int_equal(policy_entry_losses(entry).feedback_dropped, 2);
	assert_int_equal(policy_entry_losses(entry).unknown, 0);
	assert_int_equal(said_times("leave out feedback of units beyond a limit, 1048576 with a feedback_id"), 1);
}

/* ---- times ---- */

static void feedback_of_the_future_does_not_hold_up_the_rest(void **state)
{
	(void)state;
	service_start();
	expose("a", 0, time_of_day_ms());
	expose("b", 0, time_of_day_ms());
	reward("a", time_of_day_ms() + HOUR_MS);
	reward("b", time_of_day_ms());
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; policy_entry_state(entry).rewards < 2; nap()) {
		if (clock_ms() > until_ms)
			fail_msg("nothing is learnt while exposures come; %s", said);
		expose("other", 0, time_of_day_ms()); /* so the service is never idle */
	}
	learner_service_close(service);
}

static void an_exposure_of_the_future_does_not_make_others_late(void **state)
{
	(void)state;
	service_start();
	expose("ahead", 0, time_of_day_ms() + 2 * OUTCOME_AHEAD_MS);
	expose("far", 0, INT64_MAX);
	expose("before", 0, -1);
	expose("soon", 0, time_of_day_ms() + OUTCOME_AHEAD_MS - 5000);
	expose("now", 0, time_of_day_ms());
	reward("ahead", time_of_day_ms());
	reward("now", time_of_day_ms());
	expect_rewards(1);
	learner_service_close(service);
	assert_int_equal(said_times("check the clock of whoever sends requests"), 1);
}

static void expect_said(const char *words)
{
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; said_times(words) == 0; nap())
		if (clock_ms() > until_ms)
			fail_msg("not said: %s; %s", words, said);
}

/* ---- a leader that is behind ---- */

#define BEHIND 4000 /* in each partition: more than one turn takes */
#define BEHIND_BATCH 40 /* records of one partition come in many small batches, those of the other in few */

static void group_lag_append(const char *topic, int32_t partition, int64_t time_ms, const char *value)
{
	rd_kafka_resp_err_t code;
	while ((code = rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
					 RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
					 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(time_ms),
					 RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(mock.writer, 10);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void group_lag_expose(int32_t partition, int i, int64_t time_ms)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line,
		       "{\"id\":\"%d-%d\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"new\",\"probability\":0.5}",
		       (int)partition, i, (long long)time_ms);
	group_lag_append("exposures", partition, time_ms, line);
}

static void group_lag_reward(int32_t partition, int i, int64_t time_ms)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "{\"id\":\"%d-%d\",\"reward\":1}", (int)partition, i);
	group_lag_append("feedback", 0, time_ms + 1, line);
}

/* Two partitions of the same times, one of which comes in larger fetches. */
static void no_reward_is_lost_to_a_leader_that_is_behind(void **state)
{
	const int64_t begin_ms = time_of_day_ms() - 50 * INT64_C(1000);
	(void)state;
	for (int i = 0; i < BEHIND; i++) {
		group_lag_expose(1, i, begin_ms + i * 10);
		if (i % BEHIND_BATCH == 0)
			assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	}
	for (int i = 0; i < BEHIND; i++)
		group_lag_expose(0, i, begin_ms + i * 10);
	for (int i = 0; i < 2 * BEHIND; i++)
		group_lag_reward(i % 2, i / 2, begin_ms + i / 2 * 10);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	service_start();
	expect_rewards(2 * BEHIND);
	learner_service_close(service);
}

/* ---- what other leaders left ---- */

static bool last_take(void *context, const struct record *record, struct error *error)
{
	return policy_keep(context, record->value, error);
}

/* The last record of the policy topic; the end of that topic. */
static int64_t policy_last(struct buffer *last)
{
	struct error error = {0};
	const struct reader_config config = {
		.brokers = mock.brokers, .topic = "policy", .from_beginning = true, .properties = mock_quick};
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	assert_true(reader_give_all(reader, last_take, last, &error));
	const int64_t end = reader_end(reader);
	reader_close(reader);
	return end;
}

static void a_topic_that_was_made_anew_is_noticed(void **state)
{
	(void)state;
	struct buffer last = {0};
	const int64_t begin_ms = time_of_day_ms();
	service_start();
	expose("a", 0, begin_ms);
	expose("b", 0, begin_ms);
	reward("a", begin_ms);
	reward("b", begin_ms);
	expect_rewards(2);
	learner_service_close(service);
	(void)policy_last(&last);
	assert_int_equal(said_times("was made anew"), 0);
	stand_close(NULL);
	stand_open(NULL);
	mock_append(&mock, "policy", TEXT("e"), buffer_view(&last));
	expose("a", 0, begin_ms); /* of before: it has been learnt from */
	reward("a", begin_ms + 1);
	service_start();
	expect_said("this engine learns");
	expose("c", 0, begin_ms + 1);
	reward("c", time_of_day_ms());
	expect_rewards(3);
	nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
	expect_rewards(3);
	learner_service_close(service);
	assert_int_equal(said_times("partition 0 of exposures ends at 1, and was read up to 2: the topic was made again"), 1);
	assert_int_equal(said_times("partition 0 of feedback ends at 1, and was read up to 2"), 1);
	buffer_close(&last);
}

static void the_record_of_another_version_is_not_overwritten(void **state)
{
	(void)state;
	struct buffer last = {0};
	mock_append(&mock, "policy", TEXT("e"), TEXT("\xC3\x01" "12345678 and what follows"));
	service_start();
	expect_said("update sluice on this engine");
	expose("a", 0, time_of_day_ms());
	reward("a", time_of_day_ms());
	nanosleep(&(struct timespec){.tv_sec = 2}, NULL); /* as long as a reward takes elsewhere */
	learner_service_close(service);
	assert_int_equal(policy_last(&last), 1);
	assert_int_equal(said_times("are not learnt here"), 1);
	assert_int_equal(said_times("this engine learns"), 0);
	buffer_close(&last);
}

/* ---- the end ---- */

#define SLOW_MS 3000

static void wait_for_end(const struct learners *learners)
{
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !learner_service_has_ended(learners->items[0]); nap())
		assert_true(clock_ms() < until_ms);
}

/* A reload goes on while Kafka does not answer the learners of before. */
static void nothing_waits_for_a_learner_that_is_asked_to_stop(void **state)
{
	struct learner_service *items[1];
	struct learners learners = {.items = items, .count = 1};
	(void)state;
	assert_int_equal(rd_kafka_mock_broker_set_rtt(mock.cluster, -1, SLOW_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	service_start();
	items[0] = service;
	nap();
	const int64_t begin_ms = clock_ms();
	learners_stop(&learners);
	assert_false(learners_free_ended(&learners));
	assert_int_equal(learners.count, 1);
	assert_true(clock_ms() - begin_ms < SLOW_MS / 2);
	assert_int_equal(rd_kafka_mock_broker_set_rtt(mock.cluster, -1, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
	wait_for_end(&learners);
	assert_true(learners_free_ended(&learners));
	assert_int_equal(learners.count, 0);
}

/* An engine that has a policy, and no exposures to learn another one from. */
static void a_policy_that_is_not_renewed_stays_in_force_and_is_reported(void **state)
{
	(void)state;
	if (mock_error_of_topic_crashes())
		skip();
	service_start();
	earn("a", 1);
	learner_service_close(service);
	const int64_t version = policy_entry_state(entry).version;
	rd_kafka_mock_topic_set_error(mock.cluster, "exposures", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	service_start();
	expect_said("was not renewed for 3 s; it stays in force: check that an engine can read exposures and feedback");
	assert_int_equal(policy_entry_state(entry).version, version);
	learner_service_close(service);
}

static void wait_ms(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / MS_PER_S, .tv_nsec = ms % MS_PER_S * NS_PER_MS}, NULL);
}

/* No record can come that often: each is a transaction, and a turn of the leader waits for exposures. */
static void a_policy_that_comes_more_slowly_than_its_interval_is_not_reported(void **state)
{
	static const char *const ids[] = {"r1", "r2", "r3", "r4", "r5"};
	(void)state;
	planning_close(&planning);
	planning_open(&planning, YAML_OF("1ms"));
	service_start();
	for (int i = 0; i < 5; i++)
		earn(ids[i], i + 1);
	learner_service_close(service);
	assert_int_equal(said_times("was not renewed"), 0);
}

#define STALE_MS 3500
#define CONTEXTUAL                                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  candidates: [{name: old, weight: 0}, {name: new, weight: 0}]\n"                                                         \
	"  bandits: {algorithm: linucb, contextFeatures: [age], updateInterval: 1s, outcomeWindow: 1m}\n"                          \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"

/* After a reload with other features the weights choose until there is a policy of these: nothing is to be renewed. */
static void a_policy_of_other_features_is_not_reported_as_in_force(void **state)
{
	(void)state;
	service_start();
	earn("a", 1);
	learner_service_close(service);
	assert_true(policy_entry_state(entry).version >= 0);
	planning_close(&planning);
	planning_open(&planning, CONTEXTUAL);
	service_start();
	expect_said("is of other candidates or features; it is learned again");
	wait_ms(STALE_MS);
	assert_int_equal(said_times("was not renewed"), 0);
	learner_service_close(service);
}

#define HELD_LONG_MS 4000
#define HELD_SHORT_MS 200

/* The two are read from different topics, and neither says that the other has nothing before it. */
static void feedback_waits_for_its_exposure(void **state)
{
	(void)state;
	service_start_holding(HELD_LONG_MS);
	const int64_t asked_ms = time_of_day_ms(); /* when both were requested */
	reward("before", asked_ms);
	wait_ms(HELD_SHORT_MS); /* in which it is read, unless the machine is busy */
	expose("before", 0, asked_ms);
	expect_rewards(1);
	learner_service_close(service);
}

static void feedback_waits_no_longer_for_its_exposure(void **state)
{
	(void)state;
	service_start_holding(HELD_SHORT_MS);
	const int64_t asked_ms = time_of_day_ms();
	expose("first", 0, asked_ms);
	reward("first", asked_ms);
	expect_rewards(1);
	reward("too early", time_of_day_ms());
	wait_ms(2 * HELD_SHORT_MS);
	expose("too early", 0, asked_ms);
	const int64_t began_ms = clock_ms();
	earn("after", 2);
	assert_true(clock_ms() - began_ms >= HELD_SHORT_MS / 2); /* no later exposure has said that none is missing */
	learner_service_close(service);
}

/* As with a leader that changes more often than the policy is updated. */
static void an_interval_goes_on_when_another_leader_begins(void **state)
{
	(void)state;
	planning_close(&planning);
	planning_open(&planning, YAML_OF("2s"));
	service_start();
	earn("a", 1);
	expose("b", 0, time_of_day_ms());
	reward("b", time_of_day_ms());
	expose("later", 0, time_of_day_ms() + 2 * OUTCOME_HOLD_MS); /* so the reward is not held */
	for (int terms = 0; terms < 4; terms++) {
		learner_service_close(service);
		service_start();
		nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 300 * NS_PER_MS}, NULL);
	}
	assert_int_equal(policy_entry_state(entry).rewards, 2);
	learner_service_close(service);
}

/* Kafka refuses what a learner writes: its transaction, the records in it, and at the next start the right to begin any. */
static void a_learner_whose_producer_is_refused_reports_its_policy(void **state)
{
	enum { PRODUCE = 0, INIT_PRODUCER_ID = 22, ADD_PARTITIONS = 24, REFUSALS = 1000 };
	static const int16_t requests[] = {ADD_PARTITIONS, PRODUCE, INIT_PRODUCER_ID};
	static rd_kafka_resp_err_t refusals[REFUSALS];
	(void)state;
	service_start();
	earn("a", 1);
	const int64_t version = policy_entry_state(entry).version;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		for (size_t j = 0; j < REFUSALS; j++)
			refusals[j] = requests[i] == PRODUCE ? RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
							     : RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
		rd_kafka_mock_push_request_errors_array(mock.cluster, requests[i], REFUSALS, refusals);
		if (requests[i] == INIT_PRODUCER_ID) {
			learner_service_close(service);
			service_start();
		}
		expect_said("was not renewed for 3 s; it stays in force: check that an engine can read exposures and feedback, "
			    "and write policy");
		expect_said("; give its login the right that `sluice plan --acls` lists; it tries again");
		assert_int_equal(policy_entry_state(entry).version, version);
		rd_kafka_mock_clear_request_errors(mock.cluster, requests[i]);
		expect_said("the policy of experiment `e` is renewed again");
		said[0] = '\0';
	}
	learner_service_close(service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_kept_in_place_of_the_one_before),
		cmocka_unit_test_setup_teardown(after_a_reload_the_newest_policy_alone_is_put_into_force, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_pipeline_that_calls_the_one_with_the_experiment_learns_by_itself,
						stand_open_called, stand_close),
		cmocka_unit_test_setup_teardown(what_is_not_learnt_is_counted_and_said_once, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(feedback_beyond_a_limit_of_the_join_is_said_once, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(records_that_cannot_be_read_are_counted_and_said_once, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(feedback_by_unit_is_counted_and_said_once_if_it_finds_none, stand_open,
						stand_close),
		cmocka_unit_test_setup_teardown(feedback_of_the_future_does_not_hold_up_the_rest, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(no_reward_is_lost_to_a_leader_that_is_behind, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(nothing_waits_for_a_learner_that_is_asked_to_stop, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_topic_that_was_made_anew_is_noticed, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(the_record_of_another_version_is_not_overwritten, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(an_exposure_of_the_future_does_not_make_others_late, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_policy_that_is_not_renewed_stays_in_force_and_is_reported, stand_open,
						stand_close),
		cmocka_unit_test_setup_teardown(feedback_waits_for_its_exposure, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(feedback_waits_no_longer_for_its_exposure, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_policy_of_other_features_is_not_reported_as_in_force, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_policy_that_comes_more_slowly_than_its_interval_is_not_reported, stand_open,
						stand_close),
		cmocka_unit_test_setup_teardown(an_interval_goes_on_when_another_leader_begins, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_learner_whose_producer_is_refused_reports_its_policy, stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
