/* notifier_mail_test.c: Tests of mails of alerts with a mail server in the process, which answers for each recipient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "monitor/alerts/notice_queue.h"
#include "base/clock.h"
#include "net/http/post.h"
#include "monitor/alerts/notifier.h"
#include "tests/unit/web_receiver.h"

#define LINE_BYTES 1000
#define AWAIT_MS 20000 /* far more than anything takes */

/* Takes mails for all but the mailboxes whose names begin with `full`, and not for these until they are emptied. */
struct mail_server {
	int listener, port;
	pthread_t thread;
	atomic_bool is_emptied;
	const char *sender_answer;	     /* to MAIL; NULL: it is taken */
	_Atomic uint64_t for_good, for_full; /* mails that each has */
	char good_subjects[LINE_BYTES], full_subjects[LINE_BYTES];
};

static bool line_read(FILE *stream, char *line)
{
	return fgets(line, LINE_BYTES, stream) != NULL;
}

static void subject_keep(char *subjects, const char *subject)
{
	const size_t length = strlen(subjects);
	(void)snprintf(subjects + length, LINE_BYTES - length, "%s", subject);
}

static void mail_take(struct mail_server *server, FILE *stream, bool good, bool full)
{
	char line[LINE_BYTES];
	while (line_read(stream, line) && strcmp(line, ".\r\n") != 0) {
		if (strncmp(line, "Subject: ", 9) != 0)
			continue;
		if (good)
			subject_keep(server->good_subjects, line);
		if (full)
			subject_keep(server->full_subjects, line);
	}
	server->for_good += good;
	server->for_full += full;
}

static void mails_hear(struct mail_server *server, FILE *stream)
{
	char line[LINE_BYTES];
	bool good = false, full = false;
	(void)fputs("220 here\r\n", stream);
	while (fflush(stream) == 0 && line_read(stream, line)) {
		const char *answer = "250 fine\r\n";
		if (strncmp(line, "RCPT TO:<full", 13) == 0 && !atomic_load(&server->is_emptied))
			answer = "450 4.2.2 mailbox full\r\n";
		else if (strncmp(line, "RCPT TO:<full", 13) == 0)
			full = true;
		else if (strncmp(line, "RCPT ", 5) == 0)
			good = true;
		if (strncmp(line, "MAIL ", 5) == 0 && server->sender_answer)
			answer = server->sender_answer;
		if (strncmp(line, "DATA", 4) == 0) {
			(void)fputs("354 go on\r\n", stream);
			(void)fflush(stream);
			mail_take(server, stream, good, full);
			good = full = false;
		}
		(void)fputs(answer, stream);
	}
}

static void *server_run(void *context)
{
	struct mail_server *server = context;
	for (int socket; (socket = accept(server->listener, NULL, NULL)) >= 0;) {
		FILE *stream = fdopen(socket, "r+");
		assert_non_null(stream);
		mails_hear(server, stream);
		(void)fclose(stream);
	}
	return NULL;
}

static void server_open(struct mail_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(server->listener, 16), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static void server_close(struct mail_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static void count_await(const _Atomic uint64_t *count, uint64_t expected)
{
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	for (int64_t until_ms = clock_ms() + AWAIT_MS; atomic_load(count) < expected; nanosleep(&pause, NULL))
		if (clock_ms() > until_ms)
			fail_msg("%d of %d came", (int)atomic_load(count), (int)expected);
}

static void mail_send_to(struct notifier *notifier, size_t recipient_count, const char *alert, struct notice_counts *counts)
{
	struct name recipients[] = {{.text = "full@x.com"}, {.text = "good@x.com"}};
	const struct alert_action action = {.type = ALERT_EMAIL, .recipients = {recipient_count, recipients}};
	const struct alert_message message = {.status = "firing",
					      .namespace = TEXT("default"),
					      .pipeline = TEXT("p"),
					      .alert = text_of(alert),
					      .condition = TEXT("x > 1"),
					      .engine = TEXT("e")};
	struct error error = {0};
	if (!notifier_notify(notifier, &action, &message, counts, NULL, &error))
		fail_msg("%s", error.text);
}

static void mail_send(struct notifier *notifier, const char *alert, struct notice_counts *counts)
{
	mail_send_to(notifier, 2, alert, counts);
}

static _Atomic uint64_t lines_of_left_out;

static void left_out_count(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	lines_of_left_out += strstr(line->message, "p: a notice of the alert further was not delivered to the mailbox full@x.com "
						   "by the mail server 127.0.0.1:") != NULL;
}

static void a_mailbox_that_stays_full_is_left_out_of_further_mails(void **state)
{
	(void)state;
	static struct mail_server server;
	static const struct log_sink sink = {left_out_count};
	char url[64];
	struct error error = {0};
	struct notice_counts counts = {0};
	server_open(&server);
	(void)snprintf(url, sizeof url, "smtp://127.0.0.1:%d", server.port);
	const struct notifier_settings settings = {.smtp = url, .from = "sluice@x.com"};
	struct notifier *notifier = notifier_open(&settings, NULL, &sink, &error);
	assert_non_null(notifier);
	for (size_t i = 0; i < NOTICES_OF_RECEIVER_MAX; i++)
		mail_send_to(notifier, 1, "a", &counts);
	mail_send(notifier, "further", &counts);
	assert_int_equal(lines_of_left_out, 1);
	count_await(&server.for_good, 1);
	assert_string_equal(server.good_subjects, "Subject: [firing] p: further\r\n");
	atomic_store(&server.is_emptied, true);
	count_await(&server.for_full, NOTICES_OF_RECEIVER_MAX);
	notifier_close(notifier);
	server_close(&server);
	assert_int_equal(server.for_full, NOTICES_OF_RECEIVER_MAX);
	assert_int_equal(server.for_good, 1);
	assert_int_equal(count_read(&counts.sent), NOTICES_OF_RECEIVER_MAX);
	assert_int_equal(count_read(&counts.failed), 1);
	assert_int_equal(count_read(&counts.dropped), 0);
}

static void a_mailbox_that_is_full_delays_no_mail_to_the_other_recipients(void **state)
{
	(void)state;
	static struct mail_server server;
	static const char subjects[] = "Subject: [firing] p: a\r\nSubject: [firing] p: b\r\nSubject: [firing] p: c\r\n";
	char url[64];
	struct error error = {0};
	struct notice_counts counts = {0};
	server_open(&server);
	(void)snprintf(url, sizeof url, "smtp://127.0.0.1:%d", server.port);
	const struct notifier_settings settings = {.smtp = url, .from = "sluice@x.com"};
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	assert_non_null(notifier);
	mail_send(notifier, "a", &counts);
	mail_send(notifier, "b", &counts);
	mail_send(notifier, "c", &counts);
	count_await(&server.for_good, 3);
	assert_string_equal(server.good_subjects, subjects);
	assert_int_equal(server.for_full, 0);
	assert_int_equal(count_read(&counts.sent), 0); /* a notice is sent when all have it */
	atomic_store(&server.is_emptied, true);
	count_await(&server.for_full, 3);
	notifier_close(notifier);
	server_close(&server);
	assert_string_equal(server.full_subjects, subjects);
	assert_int_equal(server.for_good, 3); /* each once */
	assert_int_equal(count_read(&counts.sent), 3);
	assert_int_equal(count_read(&counts.failed), 0);
}

/* The server begins in clear text, and offers no TLS. */
static void expect_mail_advice(const char *url, const char *login, enum post_outcome outcome, const char *advice)
{
	struct post_recipient recipient = {.address = "a@x.com"};
	const struct post_request request = {
		.url = url, .login = login, .from = "sluice@x.com", .body = TEXT("x\r\n"), .recipients = {1, &recipient}};
	struct error error = {0};
	assert_int_equal(post(&request, &error), outcome);
	if (!strstr(error.text, advice))
		fail_msg("%s", error.text);
}

static void it_is_said_how_tls_of_a_mail_server_begins(void **state)
{
	(void)state;
	static struct mail_server server;
	char clear[64], secure[64];
	server_open(&server);
	(void)snprintf(clear, sizeof clear, "smtp://127.0.0.1:%d", server.port);
	(void)snprintf(secure, sizeof secure, "smtps://127.0.0.1:%d", server.port);
	expect_mail_advice(secure, NULL, POST_UNREACHABLE,
			   "; if the server begins in clear text at this port, write smtp:// in --smtp");
	expect_mail_advice(clear, "user:word", POST_UNREACHABLE,
			   "; a login is sent by TLS alone: if the server has it at a port of its own");
	server_close(&server);
}

/* It accepts connections and says nothing: five mailboxes are more than the threads that send. */
static void a_mail_server_that_hangs_delays_no_webhook(void **state)
{
	(void)state;
	struct network loopback;
	struct error error = {0};
	struct notice_counts mails = {0}, hooks = {0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	char smtp[64], url[64];
	const int hangs = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(hangs, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(hangs, 16), 0);
	assert_int_equal(getsockname(hangs, (struct sockaddr *)&address, &length), 0);
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	(void)snprintf(smtp, sizeof smtp, "smtp://127.0.0.1:%d", ntohs(address.sin_port));
	const struct notifier_settings settings = {.smtp = smtp, .from = "sluice@x.com", .allowed = &loopback, .allowed_count = 1};
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	struct notifier *notifier = notifier_open(&settings, NULL, NULL, &error);
	assert_non_null(notifier);
	for (int i = 0; i < 5; i++) {
		struct name recipient = {.text = (const char *[]){"a@x.com", "b@x.com", "c@x.com", "d@x.com", "e@x.com"}[i]};
		const struct alert_action action = {.type = ALERT_EMAIL, .recipients = {1, &recipient}};
		const struct alert_message message = {.status = "firing", .pipeline = TEXT("p"), .alert = TEXT("a")};
		assert_true(notifier_notify(notifier, &action, &message, &mails, NULL, &error));
	}
	for (int i = 0; i < 5; i++) /* until no more of them connects */
		nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", receiver->port);
	const struct ready_notice notice = {.subject = "a notice", .id = "1", .body = TEXT("{}"), .url = url};
	assert_true(notifier_post(notifier, &notice, &hooks, NULL, &error));
	web_receiver_await(receiver, 1);
	notifier_close(notifier);
	assert_int_equal(count_read(&mails.sent), 0);
	web_receiver_close(receiver);
	close(hangs);
}

static void expect_reply_advice(const char *answer, enum post_outcome outcome, const char *words)
{
	static struct mail_server server;
	char url[64];
	server = (struct mail_server){.sender_answer = answer};
	server_open(&server);
	(void)snprintf(url, sizeof url, "smtp://127.0.0.1:%d", server.port);
	expect_mail_advice(url, NULL, outcome, words);
	server_close(&server);
}

static void an_answer_to_a_sender_has_a_next_step(void **state)
{
	(void)state;
	expect_reply_advice("530 5.7.0 Authentication required\r\n", POST_REFUSED,
			    "530 5.7.0 Authentication required; does it want a login? Name one with --smtp-login");
	expect_reply_advice("553 5.7.1 not yours\r\n", POST_REFUSED,
			    "553 5.7.1 not yours; may the sender that --mail-from names send by this server?");
	expect_reply_advice("451 4.3.0 later\r\n", POST_UNREACHABLE, "the mail server answers: 451 4.3.0 later");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mailbox_that_is_full_delays_no_mail_to_the_other_recipients),
		cmocka_unit_test(a_mailbox_that_stays_full_is_left_out_of_further_mails),
		cmocka_unit_test(it_is_said_how_tls_of_a_mail_server_begins),
		cmocka_unit_test(an_answer_to_a_sender_has_a_next_step),
		cmocka_unit_test(a_mail_server_that_hangs_delays_no_webhook),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
