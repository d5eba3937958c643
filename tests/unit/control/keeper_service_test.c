/* keeper_service_test.c: Tests of keepers and appliers on a broker: succession of keepers, and decisions about proposals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "control/engine/applier.h"
#include "control/keeper/keeper_service.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"

#define ABSENT_MS 400

static struct mock mock;
static struct arena *arena;
static struct control_topics topics;

static int broker_setup(void **state)
{
	(void)state;
	struct error error = {0};
	mock_open(&mock);
	arena = arena_open((size_t)1 << 20);
	assert_true(control_topics_name(&topics, "sluice", "default", arena, &error));
	const char *const names[] = {topics.control, topics.proposals, topics.status, topics.feed};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		rd_kafka_mock_topic_create(mock.cluster, names[i], 1, 1);
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
	mock_close(&mock);
	arena_close(arena);
	return 0;
}

static struct keeper_service_config service_config(const char *engine)
{
	return (struct keeper_service_config){.brokers = mock.brokers,
					      .consumer = mock_quick,
					      .producer = mock_quick,
					      .topics = topics,
					      .namespace = "default",
					      .engine = engine,
					      .kinds = step_kinds,
					      .absent_ms = ABSENT_MS};
}

static struct applier_config applier_config(void)
{
	return (struct applier_config){.brokers = mock.brokers,
				       .consumer = mock_quick,
				       .producer = mock_quick,
				       .topics = topics,
				       .namespace = "default"};
}

static struct keeper_service *service_started(const struct keeper_service_config *config)
{
	struct error error = {0};
	struct keeper_service *service = keeper_service_open(config, &error);
	assert_string_equal(error.text, "");
	assert_non_null(service);
	return service;
}

static struct applier *applier_started(const struct applier_config *config)
{
	struct error error = {0};
	struct applier *applier = applier_open(config, &error);
	assert_string_equal(error.text, "");
	assert_non_null(applier);
	return applier;
}

static int64_t wait_for_keeper(const struct keeper_service *service)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; keeper_service_epoch(service) == 0; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("it does not become the keeper");
	return keeper_service_epoch(service);
}

#define MODEL(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://echo'}\n"

static const struct control_verdict *ask(struct applier *applier, const char *name, const char *yaml, int64_t expected)
{
	const struct proposal_item item = {
		.kind = TEXT("Model"), .name = text_of(name), .document = text_of(yaml), .expected = expected};
	struct proposal proposal = {.author = TEXT("ann"), .items = {1, &item}};
	static char id[APPLIER_ID_BYTES + 1];
	const struct control_verdict *verdict = NULL;
	struct error error = {0};
	if (!applier_send(applier, &proposal, id, &error) || !applier_wait(applier, proposal.id, MOCK_WAIT_MS, &verdict, &error))
		fail_msg("%s", error.text);
	assert_non_null(verdict);
	return verdict;
}

static void a_candidate_becomes_the_keeper_and_decides(void **state)
{
	(void)state;
	const struct keeper_service_config one = service_config("engine-1");
	const struct applier_config config = applier_config();
	struct keeper_service *service = service_started(&one);
	struct applier *applier = applier_started(&config);
	assert_true(wait_for_keeper(service) > 0);
	const struct control_verdict *verdict = ask(applier, "p", MODEL("p"), 0);
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
	assert_int_equal(((const struct resource_version *)verdict->versions.items)[0].version, 1);
	verdict = ask(applier, "p", MODEL("p"), 0);
	assert_int_equal(verdict->outcome, VERDICT_CONFLICT);
	assert_true(text_is(verdict->other, "ann"));
	verdict = ask(applier, "q",
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: q}\n"
		      "spec: {storageUri: 'stub://echo', unknown: 1}\n",
		      0);
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_true(verdict->faults.count > 0);
	applier_close(applier);
	keeper_service_close(service);
}

static atomic_int ignored; /* lines that say so */

static void sink_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	if (strstr(line->message, "the keeper ignored a record"))
		atomic_fetch_add(&ignored, 1);
}

/* Without so many bytes of its end. */
static void report_cut(const char *engine, const char *namespace, size_t cut)
{
	const struct engine_report report = {.namespace = text_of(namespace), .engine = text_of(engine), .started_ms = 1};
	struct error error = {0};
	struct buffer value;
	buffer_open(&value, 1000);
	assert_true(record_encode(&report_form, &report, &value, &error));
	const struct text whole = buffer_view(&value);
	mock_append(&mock, topics.status, text_of(engine), (struct text){whole.bytes, whole.length - cut});
	buffer_close(&value);
}

static void report_of(const char *engine, const char *namespace)
{
	report_cut(engine, namespace, 0);
}

static void wait_for_ignored(int count)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&ignored) < count; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("nothing is said of what was ignored");
}

/* It has nobody to answer, so the log is the only place. */
static void a_report_that_is_ignored_is_logged_at_once_and_once(void **state)
{
	static const struct log_sink sink = {sink_write};
	struct keeper_service_config config = service_config("one");
	(void)state;
	config.log = &sink;
	config.absent_ms = KEEPER_ABSENT_MS; /* a report that comes when there is no keeper is not ignored by one */
	struct keeper_service *service = service_started(&config);
	wait_for_keeper(service);
	report_of("a", "other");
	wait_for_ignored(1);
	report_of("b", "other");
	report_of("", "default");
	wait_for_ignored(2);
	for (int i = 0; i < 3; i++) {
		report_of("a", "other");
		report_of("", "default");
	}
	report_cut("c", "default", 1);
	wait_for_ignored(3);
	assert_int_equal(atomic_load(&ignored), 3);
	keeper_service_close(service);
}

static void a_keeper_that_stops_is_followed_at_once_and_nothing_is_decided_twice(void **state)
{
	(void)state;
	struct keeper_service_config one = service_config("engine-1"), two = service_config("engine-2");
	const struct applier_config config = applier_config();
	one.absent_ms = KEEPER_ABSENT_MS; /* one whose term a busy machine has ended says nothing when it stops */
	two.absent_ms = 10000;
	struct keeper_service *first = service_started(&one);
	struct applier *applier = applier_started(&config);
	wait_for_keeper(first);
	struct keeper_service *second = service_started(&two);
	assert_int_equal(ask(applier, "p", MODEL("p"), 0)->outcome, VERDICT_ACCEPTED);
	assert_int_equal(keeper_service_epoch(second), 0);
	int64_t begin_ms = clock_ms();
	keeper_service_close(first);
	int64_t epoch = wait_for_keeper(second); /* not 2 if a busy machine ended a term of the first */
	assert_true(epoch > 1);
	assert_true(clock_ms() - begin_ms < two.absent_ms / 2);
	const struct control_verdict *verdict = ask(applier, "p", MODEL("p"), 1);
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
	assert_true(verdict->epoch >= epoch);
	assert_int_equal(verdict->change, 2);
	assert_int_equal(applier_ledger(applier)->verdict_count, 2);
	applier_close(applier);
	keeper_service_close(second);
}

static void a_candidate_that_starts_after_the_keeper_has_stopped_follows_at_once(void **state)
{
	(void)state;
	struct keeper_service_config one = service_config("engine-1"), two = service_config("engine-2");
	one.absent_ms = KEEPER_ABSENT_MS;
	two.absent_ms = MOCK_WAIT_MS;
	struct keeper_service *service = service_started(&one);
	wait_for_keeper(service);
	keeper_service_close(service);
	for (int i = 0; i < 50; i++)
		report_of("a", "default");
	const int64_t begin_ms = clock_ms();
	service = service_started(&two);
	assert_true(wait_for_keeper(service) > 1);
	assert_true(clock_ms() - begin_ms < two.absent_ms / 2);
	keeper_service_close(service);
}

static void proposals_that_were_sent_without_a_keeper_are_decided_later(void **state)
{
	(void)state;
	const struct applier_config config = applier_config();
	struct applier *applier = applier_started(&config);
	const struct proposal_item item = {.kind = TEXT("Model"), .name = TEXT("p"), .document = TEXT(MODEL("p"))};
	struct proposal proposal = {.author = TEXT("ann"), .items = {1, &item}};
	char id[APPLIER_ID_BYTES + 1];
	struct error error = {0};
	const struct control_verdict *verdict;
	assert_true(applier_send(applier, &proposal, id, &error));
	assert_true(applier_wait(applier, proposal.id, 100, &verdict, &error));
	assert_null(verdict);
	const struct keeper_service_config one = service_config("engine-1");
	struct keeper_service *service = service_started(&one);
	assert_true(applier_wait(applier, proposal.id, MOCK_WAIT_MS, &verdict, &error));
	assert_non_null(verdict);
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
	applier_close(applier);
	keeper_service_close(service);
}

/* The mock cannot delete a topic, so the keeper finds on `control` what it decided of a topic that had more records. */
static void proposals_that_begin_anew_are_decided(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer key, bytes;
	const struct control_verdict former = {.id = TEXT("former"),
					       .namespace = TEXT("default"),
					       .outcome = VERDICT_REFUSED,
					       .why = TEXT("no"),
					       .resume = 1000,
					       .epoch = 1};
	buffer_open(&key, 100);
	buffer_open(&bytes, 1000);
	verdict_key(former.id, &key);
	assert_true(record_encode(&verdict_form, &former, &bytes, &error));
	mock_append(&mock, topics.control, buffer_view(&key), buffer_view(&bytes));
	buffer_close(&key);
	buffer_close(&bytes);
	const struct keeper_service_config one = service_config("engine-1");
	const struct applier_config config = applier_config();
	struct keeper_service *service = service_started(&one);
	struct applier *applier = applier_started(&config);
	assert_int_equal(applier_ledger(applier)->resume, 1000);
	const struct control_verdict *verdict = ask(applier, "p", MODEL("p"), 0);
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
	assert_int_equal(applier_ledger(applier)->resume, 1);
	keeper_service_close(service);
	service = service_started(&one);
	assert_int_equal(ask(applier, "p", MODEL("p"), 1)->outcome, VERDICT_ACCEPTED);
	assert_int_equal(applier_ledger(applier)->verdict_count, 3);
	applier_close(applier);
	keeper_service_close(service);
}

static void a_large_proposal_goes_in_parts(void **state)
{
	(void)state;
	const struct keeper_service_config one = service_config("engine-1");
	const struct applier_config config = applier_config();
	struct keeper_service *service = service_started(&one);
	struct applier *applier = applier_started(&config);
	wait_for_keeper(service);
	struct proposal_item items[3];
	struct arena *documents = arena_open((size_t)8 << 20);
	for (size_t i = 0; i < 3; i++) {
		char *comment = arena_take(documents, 1, 700001);
		memset(comment, 'x', 700000);
		const char *name = arena_print(documents, "p%zu", i);
		const char *yaml = arena_print(documents,
					       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: %s}\n"
					       "spec: {storageUri: 'stub://echo'}\n# %s\n",
					       name, comment);
		items[i] = (struct proposal_item){.kind = TEXT("Model"), .name = text_of(name), .document = text_of(yaml)};
	}
	struct proposal proposal = {.author = TEXT("ann"), .items = {3, items}};
	char id[APPLIER_ID_BYTES + 1];
	struct error error = {0};
	const struct control_verdict *verdict = NULL;
	if (!applier_send(applier, &proposal, id, &error) || !applier_wait(applier, proposal.id, MOCK_WAIT_MS, &verdict, &error))
		fail_msg("%s", error.text);
	assert_int_equal(proposal.parts, 3);
	assert_non_null(verdict);
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
	assert_int_equal(verdict->versions.count, 3);
	arena_close(documents);
	applier_close(applier);
	keeper_service_close(service);
}

static void a_document_beyond_a_record_is_not_sent(void **state)
{
	(void)state;
	const struct applier_config config = applier_config();
	struct applier *applier = applier_started(&config);
	char id[APPLIER_ID_BYTES + 1];
	struct error error = {0};
	struct buffer document;
	buffer_open(&document, (size_t)4 << 20);
	while (document.length < PROPOSAL_BYTES_MAX)
		buffer_string(&document, "# a comment that fills a line of some length\n");
	const struct proposal_item item = {.kind = TEXT("Model"), .name = TEXT("p"), .document = buffer_view(&document)};
	struct proposal proposal = {.author = TEXT("ann"), .items = {1, &item}};
	assert_false(applier_send(applier, &proposal, id, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "`Model/p` has"));
	buffer_close(&document);
	applier_close(applier);
}

static void a_namespace_has_the_name_of_one(void **state)
{
	(void)state;
	struct control_topics named;
	const char *const wrong[] = {"", "../x", "a.b", "A", "-a", "a-", "a b", "a/b"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct error error = {0};
		assert_false(control_topics_name(&named, "sluice", wrong[i], arena, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, "` is not the name of a namespace; a name is at most "));
	}
	struct error error = {0};
	assert_true(control_topics_name(&named, "sluice", "team-a", arena, &error));
	assert_string_equal(named.control, "sluice.team-a.control");
	assert_string_equal(named.keeper, "sluice.team-a.keeper");
}

#define SILENCE_MS 60000
#define STOP_MOST_MS 9000 /* the longest round of a question is 4 s, and its clients have to end */

/* Closed while it asks something. */
static void expect_end_within_seconds(struct keeper_service *service)
{
	const struct timespec pause = {.tv_sec = 1, .tv_nsec = 500 * NS_PER_MS};
	nanosleep(&pause, NULL);
	const int64_t begun_ms = clock_ms();
	keeper_service_close(service);
	assert_in_range(clock_ms() - begun_ms, 0, STOP_MOST_MS);
	rd_kafka_mock_broker_set_rtt(mock.cluster, 1, 0);
}

static void a_service_that_starts_stops_within_seconds_though_no_broker_answers(void **state)
{
	(void)state;
	const struct keeper_service_config config = service_config("one");
	rd_kafka_mock_broker_set_rtt(mock.cluster, 1, SILENCE_MS);
	expect_end_within_seconds(service_started(&config));
}

static void a_candidate_stops_within_seconds_though_no_broker_answers(void **state)
{
	(void)state;
	const struct keeper_service_config config = service_config("one");
	struct keeper_service *service = service_started(&config);
	(void)wait_for_keeper(service);
	rd_kafka_mock_broker_set_rtt(mock.cluster, 1, SILENCE_MS);
	keeper_service_end_term(service); /* the next one begins with a look at the topics */
	expect_end_within_seconds(service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_candidate_becomes_the_keeper_and_decides, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_report_that_is_ignored_is_logged_at_once_and_once, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_keeper_that_stops_is_followed_at_once_and_nothing_is_decided_twice, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(a_candidate_that_starts_after_the_keeper_has_stopped_follows_at_once, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(proposals_that_were_sent_without_a_keeper_are_decided_later, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(proposals_that_begin_anew_are_decided, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_large_proposal_goes_in_parts, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_document_beyond_a_record_is_not_sent, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_namespace_has_the_name_of_one, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_service_that_starts_stops_within_seconds_though_no_broker_answers, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(a_candidate_stops_within_seconds_though_no_broker_answers, broker_setup,
						broker_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
