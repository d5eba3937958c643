/* notice_mail.c: A notice as a mail: RFC 5322, with a body in quoted-printable, so that no line is too long for a server, and with
 * a subject in ASCII, because some servers refuse any other. */
#include <stdio.h>

#include "compiler/conditions/notice.h"
#include "base/number/moment.h"

#define LINE_BYTES_MAX 76 /* of quoted-printable: RFC 2045, 6.7 */
#define WORD_BEGIN "=?utf-8?Q?"
#define WORD_END "?="
#define WORD_BYTES_MAX 54 /* in a word: with both, and with `Subject: ` before it, a line has 75 bytes (RFC 2047, 2) */
#define DAY_MS INT64_C(86400000)
#define DAYS_OF_A_WEEK 7
#define FIRST_WEEKDAY 4 /* 1970-01-01 was a Thursday */

/* A header of a mail has one line. */
static void write_header_text(struct text text, struct buffer *out)
{
	for (size_t i = 0; i < text.length; i++)
		buffer_byte(out, (unsigned char)text.bytes[i] < ' ' || text.bytes[i] == 0x7f ? ' ' : text.bytes[i]);
}

/* ---- the subject ---- */

static bool byte_is_of_words(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static void write_word_byte(char byte, struct buffer *out)
{
	if (byte_is_of_words(byte))
		buffer_byte(out, byte);
	else if (byte == ' ')
		buffer_byte(out, '_');
	else
		buffer_print(out, "=%02X", (unsigned)(unsigned char)byte);
}

/* The next character; for a byte that is none, a question mark. */
static struct text character_take(struct text *rest)
{
	const size_t length = text_character_length(*rest);
	struct text character = {rest->bytes, length};
	if (length == 0)
		character = TEXT("?");
	*rest = text_from(*rest, length > 0 ? length : 1);
	return character;
}

/* Encoded words, by `Q` of RFC 2047. A character is whole in its word. */
static void write_encoded_words(struct text text, struct buffer *out)
{
	const char *before = WORD_BEGIN;
	size_t left = 0;
	while (text.length > 0) {
		const struct text character = character_take(&text);
		const size_t width = byte_is_of_words(*character.bytes) || *character.bytes == ' ' ? 1 : 3 * character.length;
		if (width > left) {
			buffer_string(out, before);
			before = WORD_END "\r\n " WORD_BEGIN;
			left = WORD_BYTES_MAX;
		}
		for (size_t i = 0; i < character.length; i++)
			write_word_byte(character.bytes[i], out);
		left -= width;
	}
	buffer_string(out, WORD_END);
}

/* Whether a mail program shows the text as it is. */
static bool subject_is_plain(struct text text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.bytes[i] > '~')
			return false;
	return !memmem(text.bytes, text.length, "=?", 2);
}

static void write_subject(const struct alert_message *message, struct buffer *out)
{
	struct buffer subject;
	buffer_open(&subject, NOTICE_BYTES_MAX);
	buffer_print(&subject, "[%s] ", message->status);
	write_header_text(message->pipeline, &subject);
	buffer_string(&subject, ": ");
	write_header_text(message->alert, &subject);
	if (message->group.length) {
		buffer_string(&subject, " for ");
		write_header_text(message->group, &subject);
	}
	buffer_string(out, "\r\nSubject: ");
	if (subject_is_plain(buffer_view(&subject)))
		buffer_text(out, buffer_view(&subject));
	else
		write_encoded_words(buffer_view(&subject), out);
	out->failed |= buffer_failed(&subject);
	buffer_close(&subject);
}

/* ---- headers ---- */

/* "Thu, 01 Jan 2026 00:00:01 +0000" */
static void write_date(int64_t ms, struct buffer *out)
{
	static const char weekdays[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	char moment[MOMENT_BYTES];
	const int64_t days = ms >= 0 ? ms / DAY_MS : 0;
	moment_print(ms >= 0 ? ms : 0, moment);
	const size_t month = (size_t)((moment[5] - '0') * 10 + moment[6] - '1');
	buffer_print(out, "\r\nDate: %s, %.2s %s %.4s %.8s +0000", weekdays[(days + FIRST_WEEKDAY) % DAYS_OF_A_WEEK], moment + 8,
		     months[month < sizeof months / sizeof *months ? month : 0], moment, moment + 11);
}

static void write_headers(const struct alert_message *message, const char *from, struct name_list to, struct buffer *out)
{
	char id[NOTICE_ID_BYTES];
	notice_id(message, id);
	buffer_string(out, "From: ");
	write_header_text(text_of(from), out);
	for (size_t i = 0; i < to.count; i++) {
		buffer_string(out, i == 0 ? "\r\nTo: " : ",\r\n ");
		write_header_text(text_of(to.items[i].text), out);
	}
	write_subject(message, out);
	write_date(message->at_ms, out);
	buffer_print(out, "\r\nMessage-ID: <%s@sluice>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", id);
	buffer_string(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
}

/* ---- body ---- */

/* Whether a byte stands for itself. A blank does, unless its line ends with it. */
static bool is_plain(struct text text, size_t at)
{
	const char byte = text.bytes[at];
	if (byte == ' ')
		return at + 1 < text.length && text.bytes[at + 1] != '\n';
	return byte > ' ' && byte < 0x7f && byte != '=';
}

/* Lines of the text end with LF. */
static void write_quoted(struct text text, struct buffer *out)
{
	size_t column = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] == '\n') {
			buffer_string(out, "\r\n");
			column = 0;
			continue;
		}
		const size_t width = is_plain(text, i) ? 1 : 3;
		if (column + width >= LINE_BYTES_MAX) { /* one byte is for the `=` of a line that goes on */
			buffer_string(out, "=\r\n");
			column = 0;
		}
		if (width == 1)
			buffer_byte(out, text.bytes[i]);
		else
			buffer_print(out, "=%02X", (unsigned)(unsigned char)text.bytes[i]);
		column += width;
	}
}

static void write_body(const struct alert_message *message, struct buffer *body)
{
	char moment[MOMENT_MS_BYTES];
	moment_print_ms(message->fired_at_ms, moment);
	buffer_string(body, "The alert ");
	write_header_text(message->alert, body);
	buffer_string(body, " of the pipeline ");
	write_header_text(message->pipeline, body);
	buffer_print(body, " is %s", message->status);
	if (message->group.length) {
		buffer_string(body, " for ");
		write_header_text(message->group, body);
	}
	buffer_string(body, ".\nIts condition is: ");
	write_header_text(message->condition, body); /* it may have several lines */
	buffer_print(body, "\nIt began to fire at %s.\n", moment);
	if (message->reason.length) {
		buffer_string(body, "The reason of the end: ");
		write_header_text(message->reason, body);
		buffer_string(body, ".\n");
	}
	if (notice_drift(message)[0]) {
		buffer_string(body, "It has drifted most: ");
		write_header_text(text_of(notice_drift(message)), body);
		buffer_string(body, ".\n");
	}
	buffer_byte(body, '\n');
	notice_write_json(message, body);
	buffer_byte(body, '\n');
}

void notice_write_mail(const struct alert_message *message, const char *from, struct name_list to, struct buffer *out)
{
	struct buffer body;
	buffer_open(&body, NOTICE_BYTES_MAX);
	write_body(message, &body);
	write_headers(message, from, to, out);
	write_quoted(buffer_view(&body), out);
	out->failed |= buffer_failed(&body);
	buffer_close(&body);
}
