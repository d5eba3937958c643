/* move_receivers_test.c: Tests of notices with receivers on sockets: a keeper tells moves of a rollout to webhooks and to a topic,
 * and a receiver that is away, refuses, or never answers holds up neither the keeper nor the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/engine/applier.h"
#include "control/keeper/keeper_service.h"
#include "kafka/consume/reader.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/web_receiver.h"

#define ABSENT_MS 1200
#define BODY "{\"a\": 1}"

/* ---- the notifier ---- */

static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};

static void count_await(const uint64_t *count, uint64_t expected)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; count_read(count) < expected; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("not counted");
}

static void notice_post(struct notifier *notifier, const struct web_receiver *receiver, const char *secret,
			struct notice_counts *counts)
{
	char url[64];
	struct error error = {0};
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hook", receiver->port);
	const struct ready_notice notice = {.subject = "a notice", .id = "id-7", .body = TEXT(BODY), .url = url, .secret = secret};
	if (!notifier_post(notifier, &notice, counts, NULL, &error))
		fail_msg("%s", error.text);
}

static void a_notice_that_is_not_taken_is_sent_again_with_its_id_and_its_signature(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	char signature[NOTICE_SIGNATURE_BYTES];
	struct web_receiver *receiver = web_receiver_open(IS_BUSY_ONCE);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	setenv("SLUICE_SECRET_MOVE", "key", 1);
	notice_post(notifier, receiver, "env:SLUICE_SECRET_MOVE", &counts);
	count_await(&counts.sent, 1);
	assert_int_equal(receiver->count, 2);
	notice_sign(TEXT(BODY), "key", signature);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(web_receiver_id(receiver, i), "Idempotency-Key: id-7");
		assert_non_null(strstr(web_receiver_header(receiver, i, "X-Sluice-Signature: "), signature));
		assert_non_null(strstr(receiver->heard[i], "\r\n\r\n" BODY));
		assert_int_equal(strncmp(receiver->heard[i], "POST /hook ", 11), 0);
	}
	notifier_close(notifier);
	web_receiver_close(receiver);
}

/* As from another server that has the port while the receiver starts. */
static void an_answer_that_is_not_http_is_none(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	struct web_receiver *receiver = web_receiver_open(GARBLES_ONCE);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	notice_post(notifier, receiver, NULL, &counts);
	web_receiver_await(receiver, 2);
	count_await(&counts.sent, 1);
	assert_int_equal(count_read(&counts.failed), 0);
	notifier_close(notifier);
	web_receiver_close(receiver);
}

/* Its status says that it has the notice: to send that again, for a day, would repeat it. */
static void a_receiver_whose_body_breaks_off_has_the_notice(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	struct web_receiver *receiver = web_receiver_open(BREAKS_OFF);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	notice_post(notifier, receiver, NULL, &counts);
	count_await(&counts.sent, 1);
	assert_int_equal(receiver->count, 1);
	notifier_close(notifier);
	web_receiver_close(receiver);
}

static void a_redirection_to_another_protocol_is_given_up(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	struct web_receiver *receiver = web_receiver_open(REDIRECTS_AWAY);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	notice_post(notifier, receiver, NULL, &counts);
	count_await(&counts.failed, 1);
	assert_int_equal(receiver->count, 1);
	notifier_close(notifier);
	web_receiver_close(receiver);
}

static void a_notice_that_is_refused_is_given_up(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	struct web_receiver *receiver = web_receiver_open(REFUSES);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	notice_post(notifier, receiver, NULL, &counts);
	count_await(&counts.failed, 1);
	assert_int_equal(receiver->count, 1);
	assert_null(strstr(receiver->heard[0], "X-Sluice-Signature"));
	notifier_close(notifier);
	web_receiver_close(receiver);
}

static void a_secret_that_is_not_there_leaves_the_notice_with_its_sender(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	const struct ready_notice notice = {.subject = "a notice",
					    .id = "id-7",
					    .body = TEXT(BODY),
					    .url = "http://127.0.0.1:9/",
					    .secret = "env:SLUICE_SECRET_NOT_SET"};
	assert_false(notifier_post(notifier, &notice, &counts, NULL, &error));
	assert_non_null(strstr(error.text, "SLUICE_SECRET_NOT_SET is not set"));
	assert_int_equal(count_read(&counts.dropped), 1);
	notifier_close(notifier);
}

static void receivers_that_hang_delay_no_other_while_a_thread_is_free(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	struct web_receiver *hanging[NOTIFIER_POSTERS - 1], *good = web_receiver_open(ANSWERS);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	for (size_t i = 0; i < NOTIFIER_POSTERS - 1; i++) {
		hanging[i] = web_receiver_open(HANGS_ONCE);
		notice_post(notifier, hanging[i], NULL, &counts);
		notice_post(notifier, hanging[i], NULL, &counts); /* waits for the first one */
	}
	for (size_t i = 0; i < NOTIFIER_POSTERS - 1; i++)
		web_receiver_await(hanging[i], 1);
	const int64_t posted_ms = clock_ms();
	notice_post(notifier, good, NULL, &counts);
	notice_post(notifier, good, NULL, &counts);
	count_await(&counts.sent, 2);
	assert_true(clock_ms() - posted_ms < POST_MS / 2);
	for (size_t i = 0; i < NOTIFIER_POSTERS - 1; i++) {
		assert_int_equal(hanging[i]->count, 1);
		atomic_store(&hanging[i]->released, true);
	}
	count_await(&counts.sent, 2 + 2 * (NOTIFIER_POSTERS - 1));
	notifier_close(notifier);
	web_receiver_close(good);
	for (size_t i = 0; i < NOTIFIER_POSTERS - 1; i++)
		web_receiver_close(hanging[i]);
}

/* ---- the keeper ---- */

static struct mock mock;
static struct arena *arena;
static struct control_topics topics;
static struct notifier *notifier;
static struct notice_topic_config notifier_kafka;
#define MOVES "sluice.default.pipeline.e.moves"

static int broker_setup(void **state)
{
	(void)state;
	struct error error = {0};
	mock_open(&mock);
	arena = arena_open((size_t)1 << 20);
	assert_true(control_topics_name(&topics, "sluice", "default", arena, &error));
	const char *const names[] = {topics.control, topics.proposals, topics.status, topics.feed, MOVES};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		rd_kafka_mock_topic_create(mock.cluster, names[i], 1, 1);
	notifier_kafka = (struct notice_topic_config){mock.brokers, mock_quick};
	notifier = notifier_open(&settings, &notifier_kafka, NULL, &error);
	assert_non_null(notifier);
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
	notifier_close(notifier);
	mock_close(&mock);
	arena_close(arena);
	return 0;
}

static const struct control_verdict *propose(struct applier *applier, const struct proposal_item *items, size_t count)
{
	struct proposal proposal = {.author = TEXT("ann"), .items = {count, items}};
	static char id[APPLIER_ID_BYTES + 1];
	const struct control_verdict *verdict = NULL;
	struct error error = {0};
	if (!applier_send(applier, &proposal, id, &error) || !applier_wait(applier, proposal.id, MOCK_WAIT_MS, &verdict, &error))
		fail_msg("%s", error.text);
	assert_non_null(verdict);
	if (verdict->outcome != VERDICT_ACCEPTED)
		fail_msg(TEXT_FORMAT, TEXT_ARGUMENTS(verdict->why));
	return verdict;
}

#define MODEL(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://echo'}\n"

static void model_apply(struct applier *applier, const char *name, const char *document)
{
	const struct proposal_item item = {.kind = TEXT("Model"), .name = text_of(name), .document = text_of(document)};
	propose(applier, &item, 1);
}

static void experiment_apply(struct applier *applier, const char *rollout, const char *actions)
{
	const char *document = arena_print(arena,
					   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
					   "  default: a\n  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"
					   "  progressiveDeployment: %s\n  actions: [%s]\n",
					   rollout, actions);
	const struct proposal_item items[] = {
		{.kind = TEXT("Model"), .name = TEXT("a"), .document = TEXT(MODEL("a"))},
		{.kind = TEXT("Model"), .name = TEXT("b"), .document = TEXT(MODEL("b"))},
		{.kind = TEXT("Experiment"), .name = TEXT("e"), .document = text_of(document)},
	};
	propose(applier, items, sizeof items / sizeof *items);
}

static void rollout_command_give(struct applier *applier, const char *words)
{
	const struct proposal_item item = {
		.kind = ROLLOUT_COMMAND_KIND, .name = TEXT("e"), .document = text_of(words), .expected = PROPOSAL_EXPECTS_ANY};
	propose(applier, &item, 1);
}

/* Reads the record of a move from its topic. */
static void move_await(size_t index, int64_t number)
{
	struct error error = {0};
	struct record record = {0};
	struct control_move move;
	const struct reader_config config = {
		.brokers = mock.brokers, .topic = MOVES, .from_beginning = true, .properties = mock_quick};
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !record.held || (size_t)record.offset < index;) {
		record_release(&record);
		assert_true(clock_ms() < until_ms && reader_next(reader, 50, &record, &error));
	}
	assert_true(text_is(record.key, "e"));
	assert_true(record_decode(&move_form, record.value, arena, &move, &error));
	assert_true(text_is(move.experiment, "e") && move.number == number && move.evidence.length > 0);
	record_release(&record);
	reader_close(reader);
}

static const struct keeper_service_config *service_config(void)
{
	static struct keeper_service_config config;
	config = (struct keeper_service_config){.brokers = mock.brokers,
						.consumer = mock_quick,
						.producer = mock_quick,
						.topics = topics,
						.namespace = "default",
						.engine = "one",
						.kinds = step_kinds,
						.notices = &settings,
						.notifier = notifier,
						.absent_ms = ABSENT_MS};
	return &config;
}

static struct applier *applier_started(void)
{
	static struct applier_config config;
	struct error error = {0};
	config = (struct applier_config){
		.brokers = mock.brokers, .consumer = mock_quick, .producer = mock_quick, .topics = topics, .namespace = "default"};
	struct applier *applier = applier_open(&config, &error);
	assert_non_null(applier);
	return applier;
}

static struct keeper_service *service_started(void)
{
	struct error error = {0};
	struct keeper_service *service = keeper_service_open(service_config(), &error);
	assert_non_null(service);
	return service;
}

static const char *action_of(const struct web_receiver *receiver)
{
	setenv("SLUICE_SECRET_MOVE", "key", 1);
	return arena_print(arena, "{url: 'http://127.0.0.1:%d/', secret: 'env:SLUICE_SECRET_MOVE'}", receiver->port);
}

static void receivers_that_are_away_or_hang_hold_up_neither_the_keeper_nor_the_others(void **state)
{
	(void)state;
	struct web_receiver *good = web_receiver_open(ANSWERS), *away = web_receiver_open(ANSWERS);
	struct web_receiver *hanging = web_receiver_open(HANGS_ONCE);
	struct keeper_service *service = service_started();
	struct applier *applier = applier_started();
	const char *actions = arena_print(arena, "%s, {type: topic}, %s, %s", action_of(good), action_of(away), action_of(hanging));
	web_receiver_close(away);
	experiment_apply(applier, "{enabled: true, schedule: [10, 50], every: 1h}", actions);
	web_receiver_await(good, 1);
	assert_non_null(web_receiver_header(good, 0, "X-Sluice-Signature: sha256="));
	assert_non_null(strstr(good->heard[0], "\"number\": 1, \"sentence\": \"Stage 1 begins at 10%"));
	move_await(0, 1);
	web_receiver_await(hanging, 1);
	const int64_t asked_ms = clock_ms();
	model_apply(applier, "c", MODEL("c"));
	rollout_command_give(applier, "pause");
	assert_true(clock_ms() - asked_ms < POST_MS / 2);
	move_await(1, 2); /* a record for a topic waits for no webhook */
	web_receiver_await(good, 2); /* and no webhook waits for another */
	assert_true(clock_ms() - asked_ms < POST_MS * 3 / 4);
	assert_int_equal(hanging->count, 1);
	atomic_store(&hanging->released, true);
	assert_non_null(strstr(good->heard[1], "\"number\": 2, "));
	assert_non_null(strstr(good->heard[1], "\"author\": \"ann\""));
	web_receiver_await(hanging, 3); /* the first one again, and the second */
	assert_string_equal(web_receiver_id(hanging, 0), web_receiver_id(hanging, 1));
	assert_string_equal(web_receiver_id(good, 0), web_receiver_id(hanging, 0));
	keeper_service_close(service);
	service = service_started();
	web_receiver_await(good, 4); /* the next keeper repeats them */
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(web_receiver_id(good, i), web_receiver_id(good, i + 2));
	assert_string_not_equal(web_receiver_id(good, 0), web_receiver_id(good, 1));
	applier_close(applier);
	keeper_service_close(service);
	web_receiver_close(good);
	web_receiver_close(hanging);
}

/* An engine tells so many calls without an error of each choice, by the table in force, and that it has counted all truths. */
static void calls_tell(struct applier *applier, int64_t sequence, int64_t calls)
{
	const struct ledger *ledger = applier_ledger(applier);
	const struct ledger_choice *choice = ledger_choice_find(ledger, TEXT("e"));
	const struct slower_count slower = {200000, 0};
	const struct pipeline_truth current = {.pipeline = TEXT("p")};
	const struct variant_count variants[] = {{.name = TEXT("a"), .calls = calls, .slower = {1, &slower}},
						 {.name = TEXT("b"), .calls = calls, .slower = {1, &slower}}};
	struct error error = {0};
	struct buffer value;
	assert_non_null(choice);
	const struct experiment_tally tally = {
		TEXT("e"), choice->tables[choice->count - 1]->record.version, {2, variants}, {1, &current}};
	const struct engine_tallies record = {.namespace = TEXT("default"),
					      .engine = TEXT("x"),
					      .started_ms = 1,
					      .sequence = sequence,
					      .experiments = {1, &tally}};
	buffer_open(&value, 10000);
	assert_true(record_encode(&tally_form, &record, &value, &error));
	mock_append(&mock, topics.status, TEXT("x"), buffer_view(&value));
	buffer_close(&value);
}

static size_t moves_recorded(const struct applier *applier)
{
	const struct ledger_rollout *rollout = ledger_rollout_find(applier_ledger(applier), TEXT("e"));
	return rollout ? rollout->count : 0;
}

static void a_keeper_asks_the_webhook_of_a_stage_and_goes_on_by_its_yes(void **state)
{
	(void)state;
	struct error error = {0};
	struct web_receiver *good = web_receiver_open(ANSWERS), *asked = web_receiver_open(ANSWERS);
	struct keeper_service *service = service_started();
	struct applier *applier = applier_started();
	experiment_apply(applier,
			 arena_print(arena,
				     "{checkEvery: 1s, stages: [{weight: 10, duration: 1s, confirm: 'http://127.0.0.1:%d/'}, "
				     "{weight: 50, duration: 1h}]}",
				     asked->port),
			 action_of(good));
	web_receiver_await(good, 1);
	for (int64_t i = 1; atomic_load(&asked->count) == 0; i++) {
		const struct control_verdict *none;
		assert_true(i < 100 && applier_wait(applier, TEXT("none"), 100, &none, &error)); /* reads `control` */
		calls_tell(applier, i, i * 1000);
	}
	web_receiver_await(good, 3);
	assert_non_null(strstr(good->heard[1], "it waits for an approval"));
	assert_non_null(strstr(good->heard[2], "Stage 2 begins at 50%: the webhook of stage 1 confirms it."));
	assert_string_equal(web_receiver_id(good, 1), web_receiver_id(asked, 0));
	assert_int_equal(asked->count, 1);
	keeper_service_close(service); /* what was told is committed */
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; moves_recorded(applier) < 3;)
		assert_true(clock_ms() < until_ms && applier_follow(applier, 100, &error));
	applier_close(applier);
	web_receiver_close(good);
	web_receiver_close(asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_that_is_not_taken_is_sent_again_with_its_id_and_its_signature),
		cmocka_unit_test(an_answer_that_is_not_http_is_none),
		cmocka_unit_test(a_receiver_whose_body_breaks_off_has_the_notice),
		cmocka_unit_test(a_redirection_to_another_protocol_is_given_up),
		cmocka_unit_test(a_notice_that_is_refused_is_given_up),
		cmocka_unit_test(a_secret_that_is_not_there_leaves_the_notice_with_its_sender),
		cmocka_unit_test(receivers_that_hang_delay_no_other_while_a_thread_is_free),
		cmocka_unit_test_setup_teardown(receivers_that_are_away_or_hang_hold_up_neither_the_keeper_nor_the_others,
						broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_keeper_asks_the_webhook_of_a_stage_and_goes_on_by_its_yes, broker_setup,
						broker_teardown),
	};
	if (!network_read(TEXT("127.0.0.1"), &loopback))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
