/* http_wire.c: Bytes of HTTP/1.1; see http_wire.h. The grammar and the reasons to refuse are those of RFC 9112. */
#include "net/http/http_wire.h"

#include "base/base64.h"
#include "base/number/number.h"
#include "net/http/http_field.h"

/* ---- requests ---- */

static bool is_one_line(const char *text)
{
	return !text || !strpbrk(text, "\r\n");
}

bool http_request_is_clean(const struct http_request *request)
{
	for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
		if (!is_one_line(request->headers[i]))
			return false;
	return is_one_line(request->content_type);
}

static void write_line(struct buffer *head, const char *name, struct text value)
{
	buffer_string(head, name);
	buffer_text(head, value);
	buffer_text(head, TEXT("\r\n"));
}

static void write_encoded(struct buffer *head, struct text login)
{
	char *room = buffer_room(head, base64_write_room(login.length));
	if (room)
		buffer_grown(head, base64_write(login, room));
}

/* Writes the login in an address as base64. It is decoded after the place where it is then written. */
static void write_login_of(struct buffer *head, struct text encoded)
{
	size_t begin = head->length, room = base64_write_room(encoded.length + 1);
	if (!buffer_room(head, room))
		return;
	buffer_grown(head, room);
	url_decode(head, encoded);
	if (!memchr(encoded.bytes, ':', encoded.length))
		buffer_byte(head, ':'); /* no password */
	if (buffer_failed(head))
		return;
	struct text login = {head->bytes + begin + room, head->length - begin - room};
	head->length = begin + base64_write(login, head->bytes + begin);
}

static void write_login(struct buffer *head, const struct url *url, const char *login)
{
	if (!login && !url->login.bytes)
		return;
	buffer_text(head, TEXT("Authorization: Basic "));
	if (login)
		write_encoded(head, text_of(login));
	else
		write_login_of(head, url->login);
	buffer_text(head, TEXT("\r\n"));
}

void http_head_write(struct buffer *head, const struct url *url, const struct http_request *request)
{
	char digits[NUMBER_TEXT_MAX];
	bool has_slash = url->target.length > 0 && *url->target.bytes == '/';
	buffer_string(head, request->body.bytes ? "POST " : "GET ");
	if (!has_slash)
		buffer_byte(head, '/');
	buffer_text(head, url->target);
	buffer_string(head, " HTTP/1.1\r\n");
	write_line(head, "Host: ", url->authority);
	write_login(head, url, request->login);
	buffer_string(head, "Accept: */*\r\n");
	if (request->content_type)
		write_line(head, "Content-Type: ", text_of(request->content_type));
	for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
		if (request->headers[i])
			write_line(head, "", text_of(request->headers[i]));
	if (request->body.bytes)
		write_line(head, "Content-Length: ", (struct text){digits, number_write_uint64(digits, request->body.length)});
	buffer_string(head, "\r\n");
}

/* ---- answers ---- */

/* States of the reader. Up to TRAILER the input is lines, and each state reads one. */
enum { STATUS, HEADER, CHUNK_SIZE, CHUNK_END, TRAILER, BODY, CHUNK, BODY_TO_END, WHOLE };

#define BEGINNING "HTTP/1."

void http_intake_open(struct http_intake *intake, size_t body_bytes)
{
	*intake = (struct http_intake){.state = STATUS};
	buffer_open(&intake->body, body_bytes);
	buffer_open(&intake->value, HTTP_HEAD_BYTES_MAX);
	buffer_open(&intake->line, HTTP_HEAD_BYTES_MAX);
}

void http_intake_close(struct http_intake *intake)
{
	buffer_close(&intake->body);
	buffer_close(&intake->value);
	buffer_close(&intake->line);
}

void http_intake_begin(struct http_intake *intake, const char *wanted)
{
	buffer_clear(&intake->body);
	buffer_clear(&intake->value);
	buffer_clear(&intake->line);
	intake->heard = intake->keeps = intake->has_value = false;
	intake->status = 0;
	intake->fault = ERROR_NONE;
	intake->words = NULL;
	intake->state = STATUS;
	intake->wanted = text_of(wanted);
	intake->line_bytes = 0;
	intake->is_strict = false;
}

void http_intake_begin_body(struct http_intake *intake, bool in_chunks, uint64_t length)
{
	http_intake_begin(intake, NULL);
	intake->is_strict = true;
	intake->state = in_chunks ? CHUNK_SIZE : BODY;
	intake->left = length;
}

static void http_wire_fail(struct http_intake *intake, enum error_kind fault, const char *words)
{
	if (intake->fault != ERROR_NONE)
		return;
	intake->fault = fault;
	intake->words = words;
}

static void http_wire_refuse(struct http_intake *intake, const char *words)
{
	http_wire_fail(intake, ERROR_REMOTE, words);
}

/* ---- the head ---- */

static void take_status(struct http_intake *intake, struct text line)
{
	const size_t minor = strlen(BEGINNING), code = minor + 2, end = code + 3;
	uint64_t status;
	if (line.length < end || line.bytes[minor] < '0' || line.bytes[minor] > '9' || line.bytes[minor + 1] != ' ' ||
	    !digits_read((struct text){line.bytes + code, 3}, 10, &status) || status < 100 ||
	    (line.length > end && line.bytes[end] != ' ')) {
		http_wire_refuse(intake, "its status line is none");
		return;
	}
	intake->status = (int)status;
	intake->is_old = line.bytes[minor] == '0';
	intake->has_length = intake->is_chunked = intake->closes = intake->stays = intake->may_fold = intake->has_value = false;
	buffer_clear(&intake->value);
	intake->state = HEADER;
}

static void take_length(struct http_intake *intake, struct text value)
{
	uint64_t length;
	if (!digits_read(value, 10, &length))
		http_wire_refuse(intake, "its Content-Length is no number");
	else if (intake->has_length && length != intake->left)
		http_wire_refuse(intake, "it says two lengths");
	intake->has_length = true;
	intake->left = length;
}

static void take_coding(struct http_intake *intake, struct text value)
{
	if (intake->is_chunked || !text_equal_caseless(value, TEXT("chunked")))
		http_wire_refuse(intake, "its Transfer-Encoding is not the one of chunks");
	intake->is_chunked = true;
}

static void take_connection(struct http_intake *intake, struct text value)
{
	while (value.length > 0) {
		struct text word = http_field_trimmed(text_take_until(&value, ','));
		intake->closes |= text_equal_caseless(word, TEXT("close"));
		intake->stays |= text_equal_caseless(word, TEXT("keep-alive"));
	}
}

static void take_wanted(struct http_intake *intake, struct text value)
{
	if (intake->has_value)
		return;
	buffer_text(&intake->value, value);
	if (buffer_failed(&intake->value))
		http_wire_fail(intake, ERROR_SYSTEM, NULL); /* a head is never longer than this ceiling */
	intake->has_value = true;
}

/* Whether the line continues the previous one. Only a header that is not evaluated may be continued. */
static bool goes_on(struct http_intake *intake, struct text line)
{
	if (!http_field_blank(*line.bytes))
		return false;
	if (!intake->may_fold || intake->is_strict)
		http_wire_refuse(intake, "a header of it that counts continues in the next line");
	return true;
}

static bool split_header(struct http_intake *intake, struct text line, struct text *name, struct text *value)
{
	const char *colon = memchr(line.bytes, ':', line.length);
	*name = (struct text){line.bytes, colon ? (size_t)(colon - line.bytes) : 0};
	if (name->length == 0 || memchr(name->bytes, ' ', name->length) || memchr(name->bytes, '\t', name->length)) {
		http_wire_refuse(intake, "a line of its head is no header");
		return false;
	}
	*value = http_field_trimmed((struct text){colon + 1, line.length - name->length - 1});
	return true;
}

static void take_header(struct http_intake *intake, struct text line)
{
	static const struct {
		struct text name;
		void (*take)(struct http_intake *intake, struct text value);
	} rows[] = {
		{{"content-length", 14}, take_length},
		{{"transfer-encoding", 17}, take_coding},
		{{"connection", 10}, take_connection},
	};
	struct text name, value;
	if (goes_on(intake, line) || !split_header(intake, line, &name, &value))
		return;
	intake->may_fold = true;
	if (intake->wanted.bytes && text_equal_caseless(name, intake->wanted)) {
		take_wanted(intake, value);
		intake->may_fold = false;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_equal_caseless(name, rows[i].name)) {
			rows[i].take(intake, value);
			intake->may_fold = false;
		}
}

/* Determines the length of the body (RFC 9112, 6.3). */
static void end_head(struct http_intake *intake)
{
	const int status = intake->status;
	intake->keeps = !intake->closes && (!intake->is_old || (intake->stays && !intake->is_chunked));
	if (status == 101)
		http_wire_refuse(intake, "it changes to another protocol, which was not asked for");
	else if (status < 200)
		intake->state = STATUS;
	else if (intake->is_chunked && intake->has_length)
		http_wire_refuse(intake, "it says a length, and comes in chunks");
	else if (status == 204 || status == 304)
		intake->state = WHOLE;
	else if (intake->is_chunked)
		intake->state = CHUNK_SIZE;
	else if (!intake->has_length) {
		intake->state = BODY_TO_END;
		intake->keeps = false;
	} else if (intake->left > intake->body.ceiling_bytes)
		http_wire_fail(intake, ERROR_LIMIT, NULL);
	else
		intake->state = intake->left > 0 ? BODY : WHOLE;
	intake->line_bytes = intake->state == STATUS ? intake->line_bytes : 0;
}

/* ---- chunks ---- */

static void take_chunk_size(struct http_intake *intake, struct text line)
{
	struct text digits = text_take_until(&line, ';'); /* before the extensions */
	while (digits.length > 0 && http_field_blank(digits.bytes[digits.length - 1]))
		digits.length--;
	intake->line_bytes = 0;
	if (!digits_read(digits, 16, &intake->left))
		http_wire_refuse(intake, "the size of a chunk is no number");
	else if (intake->left > intake->body.ceiling_bytes - intake->body.length)
		http_wire_fail(intake, ERROR_LIMIT, NULL);
	else {
		intake->state = intake->left > 0 ? CHUNK : TRAILER;
		intake->may_fold = false;
	}
}

static void take_chunk_end(struct http_intake *intake, struct text line)
{
	intake->line_bytes = 0;
	intake->state = CHUNK_SIZE;
	if (line.length > 0)
		http_wire_refuse(intake, "a chunk is longer than it says");
}

/* Ignores trailers. */
static void take_trailer(struct http_intake *intake, struct text line)
{
	struct text name, value;
	if (line.length == 0)
		intake->state = WHOLE;
	else if (!goes_on(intake, line) && split_header(intake, line, &name, &value))
		intake->may_fold = true;
}

/* ---- lines ---- */

static void take_header_line(struct http_intake *intake, struct text line)
{
	if (line.length == 0)
		end_head(intake);
	else
		take_header(intake, line);
}

/* Whether the bytes can begin an answer. In another protocol the end of a line may never come. */
static bool begins_well(const struct http_intake *intake, const char *bytes, size_t size)
{
	const size_t length = strlen(BEGINNING), have = intake->line.length;
	for (size_t i = have; i < length && i - have < size; i++)
		if (bytes[i - have] != BEGINNING[i])
			return false;
	return true;
}

static bool within_limit(struct http_intake *intake, size_t size)
{
	bool of_chunk = intake->state == CHUNK_SIZE || intake->state == CHUNK_END;
	intake->line_bytes += size;
	if (intake->line_bytes > (of_chunk ? HTTP_CHUNK_LINE_BYTES_MAX : HTTP_HEAD_BYTES_MAX))
		http_wire_refuse(intake, of_chunk ? "the line before a chunk is longer than 4096 bytes, which is the limit"
						  : "its head is longer than 64 KiB, which is the limit");
	return intake->fault == ERROR_NONE;
}

static void take_line(struct http_intake *intake, struct text line)
{
	static void (*const takers[])(struct http_intake *, struct text) = {take_status, take_header_line, take_chunk_size,
									    take_chunk_end, take_trailer};
	line.length--;
	if (line.length > 0 && line.bytes[line.length - 1] == '\r')
		line.length--;
	else if (intake->is_strict)
		http_wire_refuse(intake, "a line of it ends without a carriage return");
	if (memchr(line.bytes, '\r', line.length) || memchr(line.bytes, '\0', line.length))
		http_wire_refuse(intake, "a line of it holds a NUL, or a carriage return");
	else
		takers[intake->state](intake, line);
}

/* Reads up to the end of a line, and joins a line that arrived in parts. */
static size_t take_of_lines(struct http_intake *intake, const char *bytes, size_t size)
{
	const char *end = memchr(bytes, '\n', size);
	size_t length = end ? (size_t)(end - bytes) + 1 : size;
	if (intake->state == STATUS && !begins_well(intake, bytes, length))
		http_wire_refuse(intake, "it does not begin as HTTP does");
	if (intake->fault != ERROR_NONE || !within_limit(intake, length))
		return length;
	if (end && intake->line.length == 0) {
		take_line(intake, (struct text){bytes, length});
		return length;
	}
	buffer_append(&intake->line, bytes, length);
	if (buffer_failed(&intake->line))
		http_wire_fail(intake, ERROR_SYSTEM, NULL);
	else if (end) {
		take_line(intake, buffer_view(&intake->line));
		buffer_clear(&intake->line);
	}
	return length;
}

/* ---- bodies ---- */

static size_t take_of_body(struct http_intake *intake, const char *bytes, size_t size)
{
	if (intake->state != BODY_TO_END && intake->left < size)
		size = (size_t)intake->left;
	if (size > intake->body.ceiling_bytes - intake->body.length) {
		http_wire_fail(intake, ERROR_LIMIT, NULL);
		return size;
	}
	buffer_append(&intake->body, bytes, size);
	if (buffer_failed(&intake->body))
		http_wire_fail(intake, ERROR_SYSTEM, NULL);
	if (intake->state == BODY_TO_END)
		return size;
	intake->left -= size;
	if (intake->left == 0)
		intake->state = intake->state == BODY ? WHOLE : CHUNK_END;
	return size;
}

static enum http_intake_outcome outcome(const struct http_intake *intake)
{
	if (intake->fault != ERROR_NONE)
		return HTTP_INTAKE_FAULTY;
	return intake->state == WHOLE ? HTTP_INTAKE_WHOLE : HTTP_INTAKE_MORE;
}

enum http_intake_outcome http_intake_take(struct http_intake *intake, const char *bytes, size_t size, size_t *taken)
{
	size_t at = 0;
	intake->heard |= size > 0;
	while (at < size && outcome(intake) == HTTP_INTAKE_MORE)
		at += (intake->state <= TRAILER ? take_of_lines : take_of_body)(intake, bytes + at, size - at);
	*taken = at;
	return outcome(intake);
}

enum http_intake_outcome http_intake_end(struct http_intake *intake)
{
	if (intake->state == BODY_TO_END)
		intake->state = WHOLE;
	else if (intake->state != WHOLE)
		http_wire_refuse(intake, intake->heard ? "it breaks off" : "it does not begin");
	return outcome(intake);
}
