/* mail_replies_test.c: Tests of the outcome of a mail by the replies of its server: of each recipient, and of all. */
#include "net/http/mail_replies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct post_recipient items[2];
static const struct post_recipients both = {2, items};
static struct error error;

/* A conversation: each line begins with `>`, of a command, or with `<`, of the server. */
static struct mail_replies replies_to(const char *const *lines)
{
	items[0] = (struct post_recipient){.address = "a@x"};
	items[1] = (struct post_recipient){.address = "b@x"};
	error = (struct error){0};
	struct mail_replies replies = mail_replies_begin(&both);
	for (; *lines; lines++) {
		if (**lines == '>')
			mail_replies_command(&replies, text_of(*lines + 1));
		else
			assert_true(mail_replies_line(&replies, text_of(*lines + 1)));
	}
	return replies;
}

#define BEGIN "<220 here\r\n", ">EHLO x\r\n", "<250-here\r\n", "<250 SIZE 1\r\n", ">MAIL FROM:<s@x>\r\n", "<250 good\r\n"
#define FIRST ">RCPT TO:<a@x>\r\n"
#define SECOND ">RCPT TO:<b@x>\r\n"
#define DATA ">DATA\r\n", "<354 go on\r\n"

static void expect_outcomes(const struct mail_replies *replies, enum post_outcome mail, enum post_outcome first,
			    enum post_outcome second, enum post_outcome all)
{
	assert_int_equal(mail_replies_settle(replies, mail, &error), all);
	assert_int_equal(items[0].outcome, first);
	assert_int_equal(items[1].outcome, second);
}

static void whom_the_server_takes_has_the_mail(void **state)
{
	(void)state;
	const char *const lines[] = {BEGIN, FIRST, "<250 good\r\n", SECOND, "<251 forwarded\r\n", DATA, "<250 taken\r\n", NULL};
	const struct mail_replies replies = replies_to(lines);
	assert_false(mail_replies_refuse(&replies));
	expect_outcomes(&replies, POST_DELIVERED, POST_DELIVERED, POST_DELIVERED, POST_DELIVERED);
	assert_int_equal(error.kind, ERROR_NONE);
}

static void who_has_to_wait_is_tried_again_alone(void **state)
{
	(void)state;
	const char *const lines[] = {BEGIN,	     FIRST, "<250 good\r\n",  SECOND, "<450-not\r\n",
				     "<450 now\r\n", DATA,  "<250 taken\r\n", NULL};
	const struct mail_replies replies = replies_to(lines);
	expect_outcomes(&replies, POST_DELIVERED, POST_DELIVERED, POST_UNREACHABLE, POST_UNREACHABLE);
	assert_string_equal(error.text, "the mail server does not take b@x (450 now) now");
}

static void an_unknown_one_is_refused_whoever_has_to_wait(void **state)
{
	(void)state;
	const char *const lines[] = {BEGIN,	      FIRST, "<450 later\r\n", SECOND, "<550 unknown\033[2J\r\n", ">RSET\r\n",
				     "<250 good\r\n", NULL};
	const struct mail_replies replies = replies_to(lines);
	expect_outcomes(&replies, POST_UNREACHABLE, POST_UNREACHABLE, POST_REFUSED, POST_UNREACHABLE);
	assert_non_null(strstr(error.text, "does not take a@x (450 later), b@x (550 unknown\\u001b[2J); correct the addresses in"));
}

/* The last reply is that to the refused recipient; it is not about the mail. */
static void a_refused_recipient_refuses_no_mail(void **state)
{
	(void)state;
	const char *const lines[] = {BEGIN, FIRST, "<250 good\r\n", SECOND, "<550 unknown\r\n", ">DATA\r\n", NULL};
	const struct mail_replies replies = replies_to(lines);
	assert_false(mail_replies_refuse(&replies));
	error_set(&error, ERROR_REMOTE, PLACE_NONE, "the connection ended");
	expect_outcomes(&replies, POST_UNREACHABLE, POST_UNREACHABLE, POST_REFUSED, POST_UNREACHABLE);
	assert_string_equal(error.text,
			    "the connection ended; the mail server does not take b@x (550 unknown); correct the addresses in "
			    "`recipients`");
}

static void a_server_may_refuse_the_mail_or_all_of_them(void **state)
{
	(void)state;
	const char *const mail[] = {BEGIN, FIRST, "<250 good\r\n", SECOND, "<250 good\r\n", DATA, "<554 spam\r\n", NULL};
	const char *const all[] = {"<554 no\r\n", NULL};
	struct mail_replies replies = replies_to(mail);
	assert_true(mail_replies_refuse(&replies));
	expect_outcomes(&replies, POST_REFUSED, POST_REFUSED, POST_REFUSED, POST_REFUSED);
	replies = replies_to(all);
	assert_true(mail_replies_refuse(&replies));
	expect_outcomes(&replies, POST_REFUSED, POST_REFUSED, POST_REFUSED, POST_REFUSED);
}

/* Nor does a reply to QUIT change what became of the mail. */
static void nothing_counts_behind_the_end(void **state)
{
	(void)state;
	const char *const lines[] = {
		BEGIN, FIRST, "<250 good\r\n", SECOND, "<250 good\r\n", DATA, "<250 taken\r\n", ">QUIT\r\n", "<521 no\r\n", NULL};
	const struct mail_replies replies = replies_to(lines);
	assert_true(replies.is_over);
	assert_false(mail_replies_refuse(&replies));
	expect_outcomes(&replies, POST_DELIVERED, POST_DELIVERED, POST_DELIVERED, POST_DELIVERED);
}

static void a_server_that_talks_without_end_is_left(void **state)
{
	(void)state;
	const char *const none[] = {NULL};
	struct mail_replies replies = replies_to(none);
	size_t lines = 0;
	while (mail_replies_line(&replies, TEXT("220-here\r\n")))
		lines++;
	assert_int_equal(lines, MAIL_REPLIES_BYTES_MAX / 10);
	expect_outcomes(&replies, POST_UNREACHABLE, POST_UNREACHABLE, POST_UNREACHABLE, POST_UNREACHABLE);
}

static void odd_lines_are_no_replies(void **state)
{
	(void)state;
	const char *const lines[] = {BEGIN,
				     FIRST,
				     "<25\r\n",
				     "<\r\n",
				     "<abc good\r\n",
				     "<550x\r\n",
				     "<250\r\n",
				     SECOND,
				     ">RCPT TO:<c@x>\r\n",
				     "<550 a third\r\n",
				     NULL};
	const struct mail_replies replies = replies_to(lines);
	expect_outcomes(&replies, POST_DELIVERED, POST_DELIVERED, POST_DELIVERED, POST_DELIVERED);
	assert_string_equal(items[0].reply, "250");
	assert_string_equal(items[1].reply, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whom_the_server_takes_has_the_mail),
		cmocka_unit_test(who_has_to_wait_is_tried_again_alone),
		cmocka_unit_test(an_unknown_one_is_refused_whoever_has_to_wait),
		cmocka_unit_test(a_refused_recipient_refuses_no_mail),
		cmocka_unit_test(a_server_may_refuse_the_mail_or_all_of_them),
		cmocka_unit_test(nothing_counts_behind_the_end),
		cmocka_unit_test(a_server_that_talks_without_end_is_left),
		cmocka_unit_test(odd_lines_are_no_replies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
