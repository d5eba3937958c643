/* notifier_log_test.c: Tests of what the log says of notices that are not delivered: which receiver of the alert did not get them,
 * and nothing of it that may be secret. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/conditions/notice_services.h"
#include "base/clock.h"
#include "monitor/alerts/notice_receiver.h"
#include "monitor/alerts/notifier.h"
#include "tests/unit/web_receiver.h"

#define LINES 16
#define AWAIT_MS 20000 /* far more than anything takes */

static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};

/* What is said, by several threads; a place lasts no longer than its line. */
static struct said_line {
	char message[LOG_MESSAGE_BYTES], file[32];
	uint32_t line;
} lines[LINES];
static size_t line_count;
static pthread_mutex_t lines_lock = PTHREAD_MUTEX_INITIALIZER;

static void line_take(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	pthread_mutex_lock(&lines_lock);
	assert_true(line_count < LINES);
	struct said_line *said = &lines[line_count++];
	(void)snprintf(said->message, sizeof said->message, "%s", line->message);
	(void)snprintf(said->file, sizeof said->file, "%s", line->fields.place.file ? line->fields.place.file : "");
	said->line = line->fields.place.line;
	pthread_mutex_unlock(&lines_lock);
}

static const struct log_sink sink = {line_take};

static const struct said_line *line_find(const char *words)
{
	const struct said_line *found = NULL;
	pthread_mutex_lock(&lines_lock);
	for (size_t i = 0; i < line_count && !found; i++)
		found = strstr(lines[i].message, words) ? &lines[i] : NULL;
	pthread_mutex_unlock(&lines_lock);
	return found;
}

static const struct said_line *line_await(const char *words)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + AWAIT_MS; clock_ms() < until_ms; nanosleep(&pause, NULL)) {
		const struct said_line *found = line_find(words);
		if (found)
			return found;
	}
	fail_msg("no line has `%s`", words);
	return NULL;
}

static void notice_send_to(struct notifier *notifier, const struct web_receiver *receiver, int format, uint32_t line,
			   struct notice_counts *counts)
{
	char url[128];
	struct error error = {0};
	(void)snprintf(url, sizeof url, "http://user:word@127.0.0.1:%d/services/T0/token?key=hidden", receiver->port);
	const struct alert_action action = {
		.type = ALERT_WEBHOOK, .url = url, .format = format, .here = {.file = "p.yaml", .line = line, .column = 7}};
	const struct alert_message message = {.status = "firing", .pipeline = TEXT("p"), .alert = TEXT("a"), .engine = TEXT("e")};
	if (!notifier_notify(notifier, &action, &message, counts, NULL, &error))
		fail_msg("%s", error.text);
}

static void the_log_says_which_receiver_of_an_alert_got_no_notice(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	char wanted[2][256];
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	struct web_receiver *refuses = web_receiver_open(REFUSES), *is_busy = web_receiver_open(IS_BUSY_ONCE);
	struct notifier *notifier = notifier_open(&settings, NULL, &sink, &error);
	assert_non_null(notifier);
	notice_send_to(notifier, refuses, NOTICE_SLACK, 14, &counts);
	notice_send_to(notifier, is_busy, NOTICE_JSON, 15, &counts);
	(void)snprintf(wanted[0], sizeof wanted[0],
		       "p: a notice of the alert a was not delivered to the slack webhook at 127.0.0.1:%d, and is given up: "
		       "the receiver answers 404; is its URL right, and does it still exist there?",
		       refuses->port);
	(void)snprintf(wanted[1], sizeof wanted[1],
		       "p: a notice of the alert a was not delivered to the webhook at 127.0.0.1:%d, and is sent again: "
		       "the receiver answers 503; see its log",
		       is_busy->port);
	for (size_t i = 0; i < 2; i++) {
		const struct said_line *said = line_await(wanted[i]);
		assert_string_equal(said->file, "p.yaml");
		assert_int_equal(said->line, 14 + i);
	}
	notifier_close(notifier);
	web_receiver_close(refuses);
	web_receiver_close(is_busy);
	for (size_t i = 0; i < line_count; i++)
		assert_true(!strstr(lines[i].message, "token") && !strstr(lines[i].message, "word") &&
			    !strstr(lines[i].message, "hidden"));
}

static void notice_queue_to(struct notifier *notifier, const char *url, const struct notice_receipt *receipt,
			    struct notice_counts *counts)
{
	struct error error = {0};
	const struct ready_notice notice = {.subject = "a notice", .id = "1", .body = TEXT("{}"), .url = url};
	if (!notifier_post(notifier, &notice, counts, receipt, &error))
		fail_msg("%s", error.text);
}

/* Ports on which nothing listens. */
#define AWAY "http://127.0.0.1:9/hidden"
#define AWAY_TOO "http://127.0.0.1:19/hidden"

static void the_last_lines_name_receivers_and_what_becomes_of_their_notices(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	const struct notice_receipt kept = {.fate = NOTICE_IS_KEPT}, of_move = {.fate = NOTICE_OF_MOVE};
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	line_count = 0;
	struct notifier *notifier = notifier_open(&settings, NULL, &sink, &error);
	assert_non_null(notifier);
	for (size_t i = 0; i < 3; i++)
		notice_queue_to(notifier, AWAY, i < 2 ? NULL : &kept, &counts);
	notice_queue_to(notifier, AWAY_TOO, NULL, &counts);
	notice_queue_to(notifier, AWAY_TOO, &of_move, &counts);
	line_await("a notice was not delivered to the webhook at 127.0.0.1:9, and is sent again");
	line_await("a notice was not delivered to the webhook at 127.0.0.1:19, and is sent again");
	notifier_close(notifier);
	line_await("3 notices were not delivered (2 for the webhook at 127.0.0.1:9, 1 for the webhook at 127.0.0.1:19): they are "
		   "lost");
	line_await("1 notice was not delivered (1 for the webhook at 127.0.0.1:9): the namespace's feed has them");
	line_await("1 notice was not delivered (1 for the webhook at 127.0.0.1:19): the keeper that decides next sends the moves");
	for (size_t i = 0; i < line_count; i++)
		assert_null(strstr(lines[i].message, "hidden"));
}

static struct receiver_report receiver_known(struct notifier *notifier, const char *name, char why[RECEIVER_WHY_BYTES])
{
	struct arena *arena = arena_open((size_t)1 << 20);
	struct receiver_report found = {0};
	const struct receiver_reports reports = notifier_receivers(notifier, arena);
	for (size_t i = 0; i < reports.count; i++)
		if (strcmp(reports.items[i].name, name) == 0)
			found = reports.items[i];
	(void)snprintf(why, RECEIVER_WHY_BYTES, "%s", found.why ? found.why : "");
	arena_close(arena);
	return found;
}

static void a_receiver_that_is_away_is_known_until_it_takes_notices_again(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	char url[64], name[64], words[128], why[RECEIVER_WHY_BYTES];
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	line_count = 0;
	struct web_receiver *is_busy = web_receiver_open(IS_BUSY_ONCE);
	struct notifier *notifier = notifier_open(&settings, NULL, &sink, &error);
	assert_non_null(notifier);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", is_busy->port);
	(void)snprintf(name, sizeof name, "the webhook at 127.0.0.1:%d", is_busy->port);
	for (size_t i = 0; i < 2; i++)
		notice_queue_to(notifier, url, NULL, &counts);
	line_await("is sent again: the receiver answers 503");
	struct receiver_report report = receiver_known(notifier, name, why);
	assert_int_equal(report.waiting, 2);
	assert_int_equal(report.failures, 1);
	assert_in_range(report.failing_ms, 1, AWAIT_MS);
	assert_in_range(report.oldest_ms, 0, AWAIT_MS);
	assert_non_null(strstr(why, "the receiver answers 503"));
	(void)snprintf(words, sizeof words, "%s takes notices again, after ", name);
	line_await(words);
	web_receiver_await(is_busy, 3);
	notifier_close(notifier);
	assert_int_equal(count_read(&counts.sent), 2);
	web_receiver_close(is_busy);
}

static size_t failing_count(struct notifier *notifier)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	const size_t count = notifier_failing(notifier, arena).count;
	arena_close(arena);
	return count;
}

/* The receiver may be back since long, and only the engine that sends now knows. */
static void an_engine_that_leaves_its_notices_to_another_knows_of_no_outage_any_more(void **state)
{
	(void)state;
	struct error error = {0};
	struct notice_counts counts = {0};
	const struct notice_receipt left = {.owner = state};
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	char url[64];
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	line_count = 0;
	struct web_receiver *refuses = web_receiver_open(REFUSES);
	struct notifier *notifier = notifier_open(&settings, NULL, &sink, &error);
	assert_non_null(notifier);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", refuses->port);
	notice_queue_to(notifier, url, NULL, &counts);
	notice_queue_to(notifier, AWAY, &left, &counts);
	notice_queue_to(notifier, AWAY_TOO, NULL, &counts);
	line_await("is given up: the receiver answers 404");
	line_await("a notice was not delivered to the webhook at 127.0.0.1:9, and is sent again");
	line_await("a notice was not delivered to the webhook at 127.0.0.1:19, and is sent again");
	assert_int_equal(failing_count(notifier), 3);
	for (int64_t until_ms = clock_ms() + AWAIT_MS; failing_count(notifier) != 1; nanosleep(&pause, NULL)) {
		notifier_drop(notifier, state);
		assert_true(clock_ms() < until_ms);
	}
	char why[RECEIVER_WHY_BYTES];
	assert_int_equal(receiver_known(notifier, "the webhook at 127.0.0.1:9", why).waiting, 0);
	assert_true(receiver_known(notifier, "the webhook at 127.0.0.1:19", why).failing_ms > 0); /* its notice waits here */
	notifier_close(notifier);
	web_receiver_close(refuses);
}

static void expect_name(const struct alert_action *action, const char *smtp, const char *name)
{
	struct arena *arena = arena_open((size_t)1 << 16);
	assert_string_equal(notice_receiver_name(action, "prod.p.alerts", smtp, arena), name);
	arena_close(arena);
}

static void a_name_has_no_secret_of_an_address(void **state)
{
	(void)state;
	struct name recipients[] = {{.text = "a@x.com"}, {.text = "b@x.com"}, {.text = "c@x.com"}, {.text = "d@x.com"}};
	const struct alert_action topic = {.type = ALERT_TOPIC}, rollback = {.type = ALERT_ROLLBACK, .experiment.text = "e"},
				  one = {.type = ALERT_EMAIL, .recipients = {1, recipients}},
				  many = {.type = ALERT_EMAIL, .recipients = {4, recipients}};
	static const char *const urls[][2] = {
		{"https://hooks.slack.com/services/T0/B0/token", "the webhook at hooks.slack.com"},
		{"https://user:word@h.example:8443?key=1", "the webhook at h.example:8443"},
		{"https://user:w@rd@h.example#key", "the webhook at h.example"},
		{"http://[::1]:80/x", "the webhook at [::1]:80"},
	};
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
		expect_name(&(struct alert_action){.type = ALERT_WEBHOOK, .url = urls[i][0]}, NULL, urls[i][1]);
	expect_name(&(struct alert_action){.type = ALERT_WEBHOOK, .url = "https://h/v2/enqueue", .format = NOTICE_PAGERDUTY}, NULL,
		    "the pagerduty webhook at h");
	expect_name(&topic, NULL, "the topic prod.p.alerts");
	expect_name(&rollback, NULL, "the rollout of e");
	expect_name(&one, "smtps://mail.x.com:465", "the mailbox a@x.com by the mail server mail.x.com:465");
	expect_name(&many, NULL, "the mailboxes a@x.com, b@x.com, c@x.com and 1 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_says_which_receiver_of_an_alert_got_no_notice),
		cmocka_unit_test(the_last_lines_name_receivers_and_what_becomes_of_their_notices),
		cmocka_unit_test(a_receiver_that_is_away_is_known_until_it_takes_notices_again),
		cmocka_unit_test(an_engine_that_leaves_its_notices_to_another_knows_of_no_outage_any_more),
		cmocka_unit_test(a_name_has_no_secret_of_an_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
