/* move_receivers_test.c: Tests of notices with receivers on sockets: a keeper tells moves of a rollout to webhooks and to a topic,
 * and a receiver that is away, refuses, or never answers holds up neither the keeper nor, for long, the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "control/applier.h"
#include "control/keeper_service.h"
#include "log/reader.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"

#define ABSENT_MS 1200
#define HEARD_MAX 16
#define HEARD_BYTES 8192
#define BODY "{\"a\": 1}"

/* ---- a receiver ---- */

enum manner { ANSWERS, IS_BUSY_ONCE, REFUSES, HANGS_ONCE };

struct web_receiver {
	int listener, port;
	enum manner manner;
	pthread_t thread;
	atomic_bool released; /* it hangs no longer */
	_Atomic size_t count;
	char heard[HEARD_MAX][HEARD_BYTES];
};

/* Reads a request with its body. */
static void request_hear(int socket, char *heard)
{
	size_t length = 0, needed = HEARD_BYTES - 1;
	ssize_t got = 1;
	while (got > 0 && length < needed) {
		got = read(socket, heard + length, needed - length);
		length += got > 0 ? (size_t)got : 0;
		heard[length] = '\0';
		const char *end = strstr(heard, "\r\n\r\n"), *says = strstr(heard, "Content-Length: ");
		if (end && says)
			needed = (size_t)(end + 4 - heard) + strtoul(says + 16, NULL, 10);
	}
}

static const char *answer_of(struct web_receiver *receiver)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const bool is_first = receiver->count == 1;
	if (receiver->manner == REFUSES)
		return "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
	if (receiver->manner == IS_BUSY_ONCE && is_first)
		return "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n";
	while (receiver->manner == HANGS_ONCE && is_first && !atomic_load(&receiver->released))
		nanosleep(&pause, NULL);
	return receiver->manner == HANGS_ONCE && is_first ? "" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
}

static void *receiver_run(void *context)
{
	struct web_receiver *receiver = context;
	for (int socket; (socket = accept(receiver->listener, NULL, NULL)) >= 0; close(socket)) {
		assert_true(receiver->count < HEARD_MAX);
		request_hear(socket, receiver->heard[receiver->count]);
		atomic_fetch_add(&receiver->count, 1);
		const char *answer = answer_of(receiver);
		const ssize_t sent = write(socket, answer, strlen(answer));
		(void)sent;
	}
	return NULL;
}

static struct web_receiver *receiver_open(enum manner manner)
{
	struct web_receiver *receiver = memory_take(1, sizeof *receiver);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof address;
	receiver->manner = manner;
	receiver->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(receiver->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(receiver->listener, HEARD_MAX), 0);
	assert_int_equal(getsockname(receiver->listener, (struct sockaddr *)&address, &length), 0);
	receiver->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&receiver->thread, NULL, receiver_run, receiver), 0);
	return receiver;
}

static void receiver_close(struct web_receiver *receiver)
{
	atomic_store(&receiver->released, true);
	shutdown(receiver->listener, SHUT_RDWR);
	pthread_join(receiver->thread, NULL);
	close(receiver->listener);
	memory_give(receiver);
}

static void receiver_await(struct web_receiver *receiver, size_t count)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&receiver->count) < count; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("it has heard %zu notices, not %zu", atomic_load(&receiver->count), count);
}

/* The value of a header; lasts until the next call. */
static const char *header_of(const struct web_receiver *receiver, size_t number, const char *name)
{
	static char values[2][128];
	static size_t turn;
	const char *line = strstr(receiver->heard[number], name);
	char *value = values[turn++ % 2];
	assert_non_null(line);
	(void)snprintf(value, sizeof values[0], "%.*s", (int)strcspn(line, "\r"), line);
	return value;
}

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
	if (!notifier_post(notifier, &notice, counts, &error))
		fail_msg("%s", error.text);
}

static void a_notice_that_is_not_taken_is_sent_again_with_its_id_and_its_signature(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	char signature[NOTICE_SIGNATURE_BYTES];
	struct web_receiver *receiver = receiver_open(IS_BUSY_ONCE);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	setenv("MOVE_SECRET", "key", 1);
	notice_post(notifier, receiver, "env:MOVE_SECRET", &counts);
	count_await(&counts.sent, 1);
	assert_int_equal(receiver->count, 2);
	notice_sign(TEXT(BODY), "key", signature);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(header_of(receiver, i, "Idempotency-Key: "), "Idempotency-Key: id-7");
		assert_non_null(strstr(header_of(receiver, i, "X-Sluice-Signature: "), signature));
		assert_non_null(strstr(receiver->heard[i], "\r\n\r\n" BODY));
		assert_int_equal(strncmp(receiver->heard[i], "POST /hook ", 11), 0);
	}
	notifier_close(notifier);
	receiver_close(receiver);
}

static void a_notice_that_is_refused_is_given_up(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	struct web_receiver *receiver = receiver_open(REFUSES);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	notice_post(notifier, receiver, NULL, &counts);
	count_await(&counts.failed, 1);
	assert_int_equal(receiver->count, 1);
	assert_null(strstr(receiver->heard[0], "X-Sluice-Signature"));
	notifier_close(notifier);
	receiver_close(receiver);
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
					    .secret = "env:NOT_SET_AT_ALL"};
	assert_false(notifier_post(notifier, &notice, &counts, &error));
	assert_non_null(strstr(error.text, "NOT_SET_AT_ALL is not set"));
	assert_int_equal(count_read(&counts.dropped), 1);
	notifier_close(notifier);
}

/* ---- the keeper ---- */

static struct mock mock;
static struct arena *arena;
static struct control_topics topics;
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
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
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

static void experiment_apply(struct applier *applier, const char *actions)
{
	const char *document = arena_print(arena,
					   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
					   "  default: a\n  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"
					   "  progressiveDeployment: {enabled: true, schedule: [10, 50], every: 1h}\n"
					   "  actions: [%s]\n",
					   actions);
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
	return arena_print(arena, "{url: 'http://127.0.0.1:%d/'}", receiver->port);
}

static void receivers_that_are_away_or_hang_hold_up_neither_the_keeper_nor_the_others(void **state)
{
	(void)state;
	struct web_receiver *good = receiver_open(ANSWERS), *away = receiver_open(ANSWERS), *hanging = receiver_open(HANGS_ONCE);
	struct keeper_service *service = service_started();
	struct applier *applier = applier_started();
	const char *actions = arena_print(arena, "%s, {type: topic}, %s, %s", action_of(good), action_of(away), action_of(hanging));
	receiver_close(away);
	experiment_apply(applier, actions);
	receiver_await(good, 1);
	assert_non_null(strstr(good->heard[0], "\"number\": 1, \"sentence\": \"Stage 1 begins at 10%"));
	move_await(0, 1);
	receiver_await(hanging, 1); /* and the notifier waits for it */
	const int64_t asked_ms = clock_ms();
	model_apply(applier, "c", MODEL("c"));
	rollout_command_give(applier, "pause");
	assert_true(clock_ms() - asked_ms < POST_MS / 2);
	assert_int_equal(good->count, 1);
	atomic_store(&hanging->released, true);
	receiver_await(good, 2);
	assert_non_null(strstr(good->heard[1], "\"number\": 2, "));
	assert_non_null(strstr(good->heard[1], "\"author\": \"ann\""));
	move_await(1, 2);
	receiver_await(hanging, 3); /* the first one again, and the second */
	assert_string_equal(header_of(hanging, 0, "Idempotency-Key: "), header_of(hanging, 1, "Idempotency-Key: "));
	assert_string_equal(header_of(good, 0, "Idempotency-Key: "), header_of(hanging, 0, "Idempotency-Key: "));
	keeper_service_close(service);
	service = service_started();
	receiver_await(good, 4); /* the next keeper repeats them */
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(header_of(good, i, "Idempotency-Key: "), header_of(good, i + 2, "Idempotency-Key: "));
	assert_string_not_equal(header_of(good, 0, "Idempotency-Key: "), header_of(good, 1, "Idempotency-Key: "));
	applier_close(applier);
	keeper_service_close(service);
	receiver_close(good);
	receiver_close(hanging);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notice_that_is_not_taken_is_sent_again_with_its_id_and_its_signature),
		cmocka_unit_test(a_notice_that_is_refused_is_given_up),
		cmocka_unit_test(a_secret_that_is_not_there_leaves_the_notice_with_its_sender),
		cmocka_unit_test_setup_teardown(receivers_that_are_away_or_hang_hold_up_neither_the_keeper_nor_the_others,
						broker_setup, broker_teardown),
	};
	if (!network_read(TEXT("127.0.0.1"), &loopback))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
