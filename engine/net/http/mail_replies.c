/* mail_replies.c: see mail_replies.h. */
#include "net/http/mail_replies.h"

#include "base/quote.h"

#define CODE_DIGITS 3
#define LATER '4' /* first digit of a code: RFC 5321, 4.2.1 */
#define NEVER '5'

struct mail_replies mail_replies_begin(const struct post_recipients *recipients)
{
	for (size_t i = 0; i < recipients->count; i++) {
		recipients->items[i].outcome = POST_UNREACHABLE;
		recipients->items[i].reply[0] = '\0';
	}
	return (struct mail_replies){.recipients = recipients};
}

void mail_replies_command(struct mail_replies *replies, struct text command)
{
	replies->is_over |= text_starts_with(command, TEXT("QUIT"));
	replies->is_of_recipient = text_starts_with(command, TEXT("RCPT "));
	if (replies->is_of_recipient)
		replies->asked++;
	else if (!replies->is_over)
		replies->reply[0] = '\0';
}

/* Whether the line ends a reply: its code has no dash behind it. */
static bool line_is_last(struct text line)
{
	for (size_t i = 0; i < CODE_DIGITS; i++)
		if (i >= line.length || line.bytes[i] < '0' || line.bytes[i] > '9')
			return false;
	return line.length == CODE_DIGITS || line.bytes[CODE_DIGITS] == ' ';
}

static void reply_keep(char reply[POST_REPLY_BYTES], struct text line)
{
	const size_t length = line.length < POST_REPLY_BYTES ? line.length : POST_REPLY_BYTES - 1;
	memcpy(reply, line.bytes, length);
	reply[length] = '\0';
}

bool mail_replies_line(struct mail_replies *replies, struct text line)
{
	replies->bytes += line.length;
	line = text_trimmed(line, "\r\n");
	if (replies->is_over || !line_is_last(line))
		return replies->bytes <= MAIL_REPLIES_BYTES_MAX;
	if (!replies->is_of_recipient)
		reply_keep(replies->reply, line);
	else if (replies->asked <= replies->recipients->count)
		reply_keep(replies->recipients->items[replies->asked - 1].reply, line);
	return replies->bytes <= MAIL_REPLIES_BYTES_MAX;
}

bool mail_replies_refuse(const struct mail_replies *replies)
{
	return replies->reply[0] == NEVER;
}

bool mail_replies_complain(const struct mail_replies *replies)
{
	return replies->reply[0] == NEVER || replies->reply[0] == LATER;
}

/* ---- outcomes ---- */

static enum post_outcome recipient_outcome(const struct post_recipient *recipient, enum post_outcome mail)
{
	if (recipient->reply[0] == NEVER)
		return POST_REFUSED;
	return recipient->reply[0] == LATER ? POST_UNREACHABLE : mail;
}

static bool is_untaken(const struct post_recipient *recipient)
{
	return recipient->reply[0] == NEVER || recipient->reply[0] == LATER;
}

/* Names the recipients that the server did not take, behind what went wrong with the mail of the others, if any did. */
static void untaken_name(const struct post_recipients *recipients, struct error *error)
{
	struct buffer words;
	const char *between = "";
	bool refused = false, others = false;
	for (size_t i = 0; i < recipients->count; i++)
		others |= !is_untaken(&recipients->items[i]);
	buffer_open(&words, MAIL_REPLIES_BYTES_MAX);
	buffer_print(&words, "%s%sthe mail server does not take ", others ? error->text : "", others && error->text[0] ? "; " : "");
	for (size_t i = 0; i < recipients->count; i++) {
		const struct post_recipient *recipient = &recipients->items[i];
		if (!is_untaken(recipient))
			continue;
		refused |= recipient->outcome == POST_REFUSED;
		buffer_print(&words, "%s%s (", between, recipient->address);
		buffer_shown_around(&words, "", text_of(recipient->reply), ")");
		between = ", ";
	}
	buffer_string(&words, refused ? "; correct the addresses in `recipients`" : " now");
	*error = (struct error){0};
	error_set(error, ERROR_REMOTE, PLACE_NONE, TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(&words)));
	buffer_close(&words);
}

enum post_outcome mail_replies_settle(const struct mail_replies *replies, enum post_outcome mail, struct error *error)
{
	const struct post_recipients *recipients = replies->recipients;
	enum post_outcome all = POST_DELIVERED;
	bool untaken = false;
	for (size_t i = 0; i < recipients->count; i++) {
		struct post_recipient *recipient = &recipients->items[i];
		recipient->outcome = recipient_outcome(recipient, mail);
		untaken |= is_untaken(recipient);
		if (recipient->outcome == POST_UNREACHABLE || all == POST_DELIVERED)
			all = recipient->outcome;
	}
	if (untaken)
		untaken_name(recipients, error);
	return all;
}
