/* notifier_reminder_test.c: Tests of how often the log says that a receiver of notices cannot be reached, on a clock that leaps. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "monitor/alerts/notifier.h"
#include "tests/unit/web_receiver.h"

#define AWAIT_MS 20000 /* far more than anything takes */
#define AWAY "http://127.0.0.1:9/hidden"

static atomic_int leapt_s;

/* The system's clock, and so many seconds more. */
__attribute__((used)) static int clock_read(clockid_t clock, struct timespec *now)
{
	const long code = syscall(SYS_clock_gettime, clock, now);
	now->tv_sec += leapt_s;
	return (int)code;
}

extern __typeof__(clock_gettime) clock_gettime __attribute__((alias("clock_read")));

static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};
static atomic_int first_lines, reminders, refusals, counted_lines, sums;
static char reminder[LOG_MESSAGE_BYTES], sum[LOG_MESSAGE_BYTES];

static void line_take(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	if (strstr(line->message, "is sent again:"))
		atomic_fetch_add(&first_lines, 1);
	if (strstr(line->message, "is given up:"))
		atomic_fetch_add(line->level == LOG_LEVEL_WARN ? &refusals : &counted_lines, 1);
	if (strstr(line->message, "further lines were not written")) {
		(void)snprintf(sum, sizeof sum, "%s", line->message);
		atomic_fetch_add(&sums, 1);
	}
	if (!strstr(line->message, "has taken no notice since"))
		return;
	(void)snprintf(reminder, sizeof reminder, "%s", line->message);
	atomic_fetch_add(&reminders, 1);
}

static const struct log_sink sink = {line_take};

static void notice_queue_to(struct notifier *notifier, const char *url, struct notice_counts *counts)
{
	struct error error = {0};
	const struct ready_notice notice = {.subject = "a notice", .id = "1", .body = TEXT("{}"), .url = url};
	if (!notifier_post(notifier, &notice, counts, NULL, &error))
		fail_msg("%s", error.text);
}

static void notice_queue_up(struct notifier *notifier, struct notice_counts *counts)
{
	notice_queue_to(notifier, AWAY, counts);
}

static uint64_t failures_of(struct notifier *notifier)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	const struct receiver_reports reports = notifier_receivers(notifier, arena);
	const uint64_t failures = reports.count > 0 ? reports.items[0].failures : 0;
	arena_close(arena);
	return failures;
}

/* Lets time pass, and has an attempt made by then: what is queued wakes the sender. */
static void leap(struct notifier *notifier, int seconds, struct notice_counts *counts)
{
	const uint64_t before = failures_of(notifier);
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	atomic_fetch_add(&leapt_s, seconds);
	notice_queue_up(notifier, counts);
	for (int64_t until_ms = clock_ms() + AWAIT_MS; failures_of(notifier) == before; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("no attempt is made");
}

static void an_outage_is_said_again_every_five_minutes_and_not_with_each_attempt(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	struct notifier *notifier = notifier_open(&settings, NULL, &sink, &error);
	assert_non_null(notifier);
	leap(notifier, 0, &counts);
	for (int i = 0; i < 9; i++)
		leap(notifier, 31, &counts);
	assert_int_equal(reminders, 0);
	leap(notifier, 31, &counts); /* 310 s after the first attempt */
	assert_int_equal(reminders, 1);
	assert_non_null(strstr(reminder, "the webhook at 127.0.0.1:9 has taken no notice since 20"));
	assert_non_null(strstr(reminder, "11 of its notices wait"));
	assert_null(strstr(reminder, "hidden"));
	leap(notifier, 31, &counts);
	assert_int_equal(reminders, 1);
	leap(notifier, 300, &counts);
	assert_int_equal(reminders, 2);
	assert_int_equal(first_lines, 1);
	leapt_s = 0;
	notifier_close(notifier);
}

static void await(atomic_int *count, int wanted)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + AWAIT_MS; atomic_load(count) < wanted; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("there are %d, not %d", atomic_load(count), wanted);
}

/* Forty segments fire together, and the receiver refuses each of their notices. */
static void a_receiver_that_refuses_many_notices_has_ten_lines_and_a_sum(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	char url[64], name[64];
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	struct web_receiver *refuses = web_receiver_open(REFUSES);
	struct notifier *notifier = notifier_open(&settings, NULL, &sink, &error);
	assert_non_null(notifier);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hidden", refuses->port);
	(void)snprintf(name, sizeof name, "the webhook at 127.0.0.1:%d: 30 further lines", refuses->port);
	for (int i = 0; i < 40; i++)
		notice_queue_to(notifier, url, &counts);
	await(&counted_lines, 30);
	assert_int_equal(refusals, 10);
	assert_int_equal(sums, 0);
	atomic_fetch_add(&leapt_s, 301);
	notice_queue_to(notifier, url, &counts);
	await(&sums, 1);
	assert_non_null(strstr(sum, name));
	assert_non_null(
		strstr(sum, "40 attempts failed, and 0 notices were delivered; the last failure: the receiver answers 404;"));
	assert_null(strstr(sum, "hidden"));
	await(&refusals, 11);
	for (int i = 0; i < 12; i++)
		notice_queue_to(notifier, url, &counts);
	await(&counted_lines, 33);
	assert_int_equal(sums, 1);
	notifier_close(notifier); /* with what was counted since */
	assert_int_equal(refusals, 20);
	assert_int_equal(sums, 2);
	assert_int_equal(count_read(&counts.failed), 53);
	web_receiver_close(refuses);
	leapt_s = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receiver_that_refuses_many_notices_has_ten_lines_and_a_sum),
		cmocka_unit_test(an_outage_is_said_again_every_five_minutes_and_not_with_each_attempt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
