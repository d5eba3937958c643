/* mail_replies.h: Replies of a mail server in the delivery of one mail: to each recipient, and to everything else. It is fed with
 * the lines of the conversation, as libcurl shows them. Pure.
 *
 * A server answers for each recipient: one may be unknown (5xx) or have to wait (4xx) while others get the mail. So each has an
 * outcome of its own, and only those that have to wait are tried again.
 */
#pragma once

#include "net/http/post.h"

#define MAIL_REPLIES_BYTES_MAX ((size_t)64 << 10) /* of all replies: no delivery has a hundredth of them */

struct mail_replies {
	const struct post_recipients *recipients; /* borrowed */
	size_t asked;				  /* recipients that were named to the server */
	bool is_of_recipient;			  /* the last command named one */
	bool is_over;				  /* QUIT was sent: the reply to it says nothing */
	char reply[POST_REPLY_BYTES];		  /* to the last command that named no recipient; "": none yet */
	size_t bytes;
};

/* Begins a delivery: no recipient has a reply, and each is to be tried again. */
struct mail_replies mail_replies_begin(const struct post_recipients *recipients);

/* A command that was sent. */
void mail_replies_command(struct mail_replies *replies, struct text command);

/* A line of the server. False: it says more than MAIL_REPLIES_BYTES_MAX. */
bool mail_replies_line(struct mail_replies *replies, struct text line);

/* Whether the server has refused the mail for good, whoever its recipients are; and whether it has refused it at all. */
bool mail_replies_refuse(const struct mail_replies *replies);
bool mail_replies_complain(const struct mail_replies *replies);

/* Sets the outcome of each recipient; `mail` is that of the mail for those whom the server has taken, or not answered. Returns the
 * outcome of all: UNREACHABLE if one is to be tried again, else REFUSED if one was refused. `error` then names those that the
 * server did not take, with its words. */
enum post_outcome mail_replies_settle(const struct mail_replies *replies, enum post_outcome mail, struct error *error);
