/* http_head.c: Heads of HTTP/1.1 messages at a server; see http_head.h. The grammar is that of RFC 9112, the
 * meaning of the fields that of RFC 9110. */
#include "net/http/http_head.h"

#include "base/number/number.h"
#include "base/url.h"
#include "net/http/http_field.h"

#define BAD_REQUEST 400
#define URI_TOO_LONG 414
#define EXPECTATION_FAILED 417
#define FIELDS_TOO_LARGE 431
#define NOT_IMPLEMENTED 501
#define VERSION_NOT_SUPPORTED 505

#define VERSION "HTTP/1."

/* ---- the end of a head ---- */

static enum http_head_outcome scan_refuse(struct http_head_scan *scan, int status, const char *words)
{
	scan->refusal = (struct http_refusal){status, words};
	return HTTP_HEAD_REFUSED;
}

/* `at`: number of bytes scanned. */
static enum http_head_outcome scan_check_length(struct http_head_scan *scan, size_t at)
{
	const size_t first_line_most = HTTP_METHOD_BYTES_MAX + 1 + HTTP_TARGET_BYTES_MAX + sizeof " HTTP/1.1\r\n";
	if (scan->lines == 0 && at - scan->begin > first_line_most)
		return scan_refuse(scan, URI_TOO_LONG, "the path and query are longer than 8 KiB, which is the limit");
	if (at - scan->begin > HTTP_REQUEST_HEAD_BYTES_MAX)
		return scan_refuse(scan, FIELDS_TOO_LARGE, "the request's head is longer than 32 KiB, which is the limit");
	return HTTP_HEAD_MORE;
}

static enum http_head_outcome scan_end_line(struct http_head_scan *scan, struct text bytes, size_t at)
{
	bool is_empty = at - scan->line == 1;
	if (at == scan->line || bytes.bytes[at - 1] != '\r')
		return scan_refuse(scan, BAD_REQUEST,
				   "a line of the request's head ends without a carriage return; end lines with CR LF");
	scan->seen = scan->line = at + 1;
	if (is_empty && scan->lines > 0) {
		scan->end = at + 1;
		return HTTP_HEAD_WHOLE;
	}
	if (is_empty && scan->begin > 0)
		return scan_refuse(scan, BAD_REQUEST, "the request begins with empty lines");
	if (is_empty) {
		scan->begin = at + 1;
		return HTTP_HEAD_MORE;
	}
	if (scan->lines == HTTP_HEAD_LINES_MAX)
		return scan_refuse(scan, FIELDS_TOO_LARGE, "the request has more than 128 headers, which is the limit");
	scan->line_ends[scan->lines++] = (uint16_t)at;
	return HTTP_HEAD_MORE;
}

/* Whether the first byte can begin a request. In another protocol, or in unexpected TLS, the end of a line may never
 * come. */
static bool scan_begins_well(const struct http_head_scan *scan, struct text bytes)
{
	if (scan->lines > 0 || scan->begin >= bytes.length)
		return true;
	char first = bytes.bytes[scan->begin];
	return first == '\r' || first == '\n' || (first >= 'A' && first <= 'z');
}

enum http_head_outcome http_head_find_end(struct http_head_scan *scan, struct text bytes)
{
	enum http_head_outcome outcome = HTTP_HEAD_MORE;
	bool may_be_long = bytes.length > HTTP_TARGET_BYTES_MAX;
	while (outcome == HTTP_HEAD_MORE && scan->seen < bytes.length) {
		if (!scan_begins_well(scan, bytes))
			return scan_refuse(scan, BAD_REQUEST, "the request does not begin with a method of HTTP");
		const char *feed = memchr(bytes.bytes + scan->seen, '\n', bytes.length - scan->seen);
		size_t at = scan->seen = feed ? (size_t)(feed - bytes.bytes) : bytes.length;
		if (may_be_long)
			outcome = scan_check_length(scan, at);
		if (feed && outcome == HTTP_HEAD_MORE)
			outcome = scan_end_line(scan, bytes, at);
	}
	return outcome;
}

/* ---- requests ---- */

static bool head_refuse(struct http_head *head, int status, const char *words)
{
	head->refusal = (struct http_refusal){status, words};
	return false;
}

/* Classes of bytes. Names and methods are tokens (RFC 9110, 5.6.2); a value has no control character except tabs; what ends a host
 * or encloses an address is not of it. */
enum { TOKEN = 1, HOST = 2, TARGET = 4, VALUE = 8 };

static const unsigned char places[256] = {
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  8,  0,  0,  0,  0,  0,  0, /* 0x00 */
	 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, /* 0x10 */
	 8, 15, 12, 13, 15, 15, 15, 15, 14, 14, 15, 15, 12, 15, 15, 12, /* 0x20 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 12, 14, 12, 14, 12, 12, /* 0x30 */
	12, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 0x40 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 12, 12, 12, 13, 15, /* 0x50 */
	13, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 0x60 */
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 12, 13, 12, 15,  0, /* 0x70 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0x80 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0x90 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xA0 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xB0 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xC0 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xD0 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xE0 */
	 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xF0 */
};

static bool http_head_byte_is(char byte, unsigned place)
{
	return places[(unsigned char)byte] & place;
}

/* Number of bytes before the first one outside the class. A carriage return follows the line and is in no class, so
 * the end of the text needs no check. */
static size_t span_of_line(struct text line, unsigned place)
{
	const char *at = line.bytes;
	for (;; at += 4) {
		if (!http_head_byte_is(at[0], place))
			return (size_t)(at - line.bytes);
		if (!http_head_byte_is(at[1], place))
			return (size_t)(at - line.bytes) + 1;
		if (!http_head_byte_is(at[2], place))
			return (size_t)(at - line.bytes) + 2;
		if (!http_head_byte_is(at[3], place))
			return (size_t)(at - line.bytes) + 3;
	}
}

static bool all_stand(struct text text, unsigned place)
{
	for (size_t i = 0; i < text.length; i++)
		if (!http_head_byte_is(text.bytes[i], place))
			return false;
	return true;
}

/* Whether none of eight bytes is a control character or DEL. Bytes with the high bit set are allowed. */
static bool eight_are_printable(const char *bytes)
{
	const uint64_t each = UINT64_C(0x0101010101010101), top = each << 7;
	uint64_t eight;
	memcpy(&eight, bytes, sizeof eight);
	uint64_t low = eight & ~top, from_blank = (low + each * 0x60) | eight, is_delete = (low + each) & ~eight;
	return (from_blank & ~is_delete & top) == top;
}

static bool is_value(struct text text)
{
	const size_t eight = sizeof(uint64_t);
	if (text.length < eight)
		return all_stand(text, VALUE);
	size_t at = 0;
	while (text.length - at > eight && eight_are_printable(text.bytes + at))
		at += eight;
	if (text.length - at <= eight && eight_are_printable(text.bytes + text.length - eight))
		return true;
	return all_stand(text_from(text, at), VALUE); /* the rest may contain a tab */
}

static struct http_slice slice_of(const struct http_head *head, const char *begin, size_t length)
{
	return (struct http_slice){(uint16_t)(begin - head->bytes), (uint16_t)length};
}

/* ---- the first line ---- */

/* Decodes in place, because the result is never longer. Returns why it cannot be decoded: a `%` without two digits after it, a NUL,
 * or a slash, which a proxy before this server may read as a part of a name. NULL: it is. */
static const char *decode_path(char *path, size_t length, size_t *decoded)
{
	const char *first = memchr(path, '%', length);
	size_t begin = first ? (size_t)(first - path) : length, out = begin;
	for (size_t at = begin; at < length; at++, out++) {
		path[out] = path[at];
		if (path[at] != '%')
			continue;
		const int byte = url_escape((struct text){path + at, length - at});
		if (byte < 0)
			return "the path holds a `%` without two hexadecimal digits after it; write `%25` for a `%`";
		path[out] = (char)byte;
		if (path[out] == '\0')
			return "the path holds `%00`, which no name has; leave it out";
		if (path[out] == '/')
			return "the path holds `%2F`, which proxies read in two ways; no name has a slash";
		at += URL_ESCAPE_BYTES - 1;
	}
	*decoded = out;
	return NULL;
}

/* Splits http://host/path, the form of requests to a proxy, into the authority and the rest. Bytes NULL: it is another form. */
static struct text authority_take(struct text *target)
{
	static const struct text schemes[] = {{"http://", 7}, {"https://", 8}};
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t length = schemes[i].length;
		const char *begin = target->bytes + length;
		if (*target->bytes == '/' || target->length < length ||
		    !text_equal_caseless((struct text){target->bytes, length}, schemes[i]))
			continue;
		while (length < target->length && target->bytes[length] != '/' && target->bytes[length] != '?')
			length++;
		*target = text_from(*target, length);
		return (struct text){begin, (size_t)(target->bytes - begin)};
	}
	return (struct text){0};
}

/* Bytes of the host at the beginning of a line's part: of a name, or of an address, in brackets if it has colons. */
static size_t host_span(struct text authority)
{
	size_t length = 1;
	if (*authority.bytes != '[')
		return span_of_line(authority, HOST);
	while (http_head_byte_is(authority.bytes[length], HOST) || authority.bytes[length] == ':')
		length++;
	return length > 1 && authority.bytes[length] == ']' ? length + 1 : 0;
}

/* A host, and a port if there is a colon (RFC 3986, 3.2), which may be empty. A login before them is an error (RFC 9110, 4.2.4). */
static bool is_host_and_port(struct text authority)
{
	size_t at = host_span(authority);
	if (at == 0)
		return false;
	if (at < authority.length && authority.bytes[at] == ':')
		do
			at++;
		while (at < authority.length && authority.bytes[at] >= '0' && authority.bytes[at] <= '9');
	return at == authority.length;
}

static bool read_target(struct http_head *head, char *bytes, struct text target)
{
	if (target.length > HTTP_TARGET_BYTES_MAX)
		return head_refuse(head, URI_TOO_LONG, "the path and query are longer than 8 KiB, which is the limit");
	if (span_of_line(target, TARGET) < target.length)
		return head_refuse(head, BAD_REQUEST, "the path or query holds a byte that must be percent-encoded");
	bool is_asterisk = text_equal_short(target, TEXT("*")) &&
			   text_equal_short(http_head_text(head, head->method), TEXT("OPTIONS"));
	struct text path = target;
	const struct text authority = authority_take(&path);
	if (authority.bytes && !is_host_and_port(authority))
		return head_refuse(head, BAD_REQUEST, "the request's target names no host and port");
	if (!authority.bytes && (path.length == 0 || *path.bytes != '/') && !is_asterisk)
		return head_refuse(head, BAD_REQUEST, "the request's path does not begin with a slash");
	if (authority.bytes)
		head->authority = slice_of(head, authority.bytes, authority.length);
	const char *mark = memchr(path.bytes, '?', path.length);
	size_t length = mark ? (size_t)(mark - path.bytes) : path.length, decoded;
	head->query = mark ? slice_of(head, mark + 1, path.length - length - 1) : slice_of(head, path.bytes + length, 0);
	const char *fault = decode_path(bytes + (path.bytes - head->bytes), length, &decoded);
	if (fault)
		return head_refuse(head, BAD_REQUEST, fault);
	head->path = slice_of(head, path.bytes, decoded);
	return true;
}

static bool read_version(struct http_head *head, struct text version)
{
	const size_t length = sizeof VERSION - 1;
	if (version.length < 6 || memcmp(version.bytes, "HTTP/", 5) != 0)
		return head_refuse(head, BAD_REQUEST, "the request's first line is not METHOD PATH HTTP/1.1");
	if (version.length != length + 1 || memcmp(version.bytes, VERSION, length) != 0 || version.bytes[length] < '0' ||
	    version.bytes[length] > '9')
		return head_refuse(head, VERSION_NOT_SUPPORTED, "this port accepts HTTP/1.1 and HTTP/1.0");
	head->is_old = version.bytes[length] == '0';
	return true;
}

static bool read_first_line(struct http_head *head, char *bytes, struct text line)
{
	size_t method = span_of_line(line, TOKEN);
	if (method == 0 || line.bytes[method] != ' ')
		return head_refuse(head, BAD_REQUEST, "the request does not begin with a method of HTTP");
	if (method > HTTP_METHOD_BYTES_MAX)
		return head_refuse(head, NOT_IMPLEMENTED, "the request's method is not known");
	head->method = slice_of(head, line.bytes, method);
	struct text rest = {line.bytes + method + 1, line.length - method - 1};
	const char *blank = memchr(rest.bytes, ' ', rest.length);
	if (!blank)
		return head_refuse(head, BAD_REQUEST, "the request's first line is not METHOD PATH HTTP/1.1");
	struct text target = {rest.bytes, (size_t)(blank - rest.bytes)};
	if (!read_version(head, (struct text){blank + 1, rest.length - target.length - 1}))
		return false;
	struct text name = http_head_text(head, head->method);
	if (text_equal_short(name, TEXT("CONNECT")) || text_equal_short(name, TEXT("TRACE")))
		return head_refuse(head, NOT_IMPLEMENTED, "this server is no proxy: it knows neither CONNECT nor TRACE");
	return read_target(head, bytes, target);
}

/* ---- headers that this parser evaluates ---- */

/* Whether a token equals that name, which has only lower case letters and hyphens. No other byte that is allowed in a
 * value becomes one of these by the comparison. */
static bool is_named(struct text token, struct text name)
{
	const uint64_t lower = UINT64_C(0x2020202020202020);
	uint64_t eight, other;
	if (token.length != name.length)
		return false;
	size_t at = 0;
	for (; token.length - at >= sizeof eight; at += sizeof eight) {
		memcpy(&eight, token.bytes + at, sizeof eight);
		memcpy(&other, name.bytes + at, sizeof other);
		if ((eight | lower) != other)
			return false;
	}
	for (; at < token.length; at++)
		if ((token.bytes[at] | 0x20) != name.bytes[at])
			return false;
	return true;
}

struct headers_seen { /* headers seen so far */
	bool host, length, coding, closes, stays;
};

static bool read_host(struct http_head *head, struct headers_seen *seen, struct text value)
{
	if (seen->host)
		return head_refuse(head, BAD_REQUEST, "the request has two `Host` headers");
	if (value.length > 0 && !is_host_and_port(value))
		return head_refuse(head, BAD_REQUEST, "the request's `Host` is no host and port");
	seen->host = true;
	return true;
}

static bool read_length(struct http_head *head, struct headers_seen *seen, struct text value)
{
	if (seen->length)
		return head_refuse(head, BAD_REQUEST, "the request has two `Content-Length` headers");
	seen->length = true;
	return digits_read(value, 10, &head->length) ||
	       head_refuse(head, BAD_REQUEST, "the request's `Content-Length` is no number");
}

static bool read_coding(struct http_head *head, struct headers_seen *seen, struct text value)
{
	if (seen->coding)
		return head_refuse(head, BAD_REQUEST, "the request has two `Transfer-Encoding` headers");
	seen->coding = true;
	if (!text_equal_caseless(value, TEXT("chunked")))
		return head_refuse(head, NOT_IMPLEMENTED, "the only `Transfer-Encoding` that is known here is chunked");
	return true;
}

static bool read_connection(struct http_head *head, struct headers_seen *seen, struct text value)
{
	(void)head;
	if (is_named(value, TEXT("keep-alive"))) { /* the most frequent form */
		seen->stays = true;
		return true;
	}
	while (value.length > 0) {
		struct text word = http_field_trimmed(text_take_until(&value, ','));
		seen->closes |= is_named(word, TEXT("close"));
		seen->stays |= is_named(word, TEXT("keep-alive"));
	}
	return true;
}

static bool read_expectation(struct http_head *head, struct headers_seen *seen, struct text value)
{
	(void)seen;
	if (!text_equal_caseless(value, TEXT("100-continue")))
		return head_refuse(head, EXPECTATION_FAILED, "the only expectation that is known here is 100-continue");
	head->expects_continue = true;
	return true;
}

static bool read_field(struct http_head *head, struct headers_seen *seen, struct text line)
{
	static bool (*const readers[HEADER_NAMES])(struct http_head * head, struct headers_seen * seen, struct text value) = {
		[HEADER_HOST] = read_host,
		[HEADER_EXPECT] = read_expectation,
		[HEADER_CONNECTION] = read_connection,
		[HEADER_CONTENT_LENGTH] = read_length,
		[HEADER_TRANSFER_ENCODING] = read_coding,
	};
	const char *colon = memchr(line.bytes, ':', line.length);
	const size_t length = colon ? (size_t)(colon - line.bytes) : 0;
	const struct text name = {line.bytes, length};
	const enum header_name known = header_name_find(name);
	if (http_field_blank(*line.bytes))
		return head_refuse(head, BAD_REQUEST, "a header continues in the next line; write it in one");
	if (length == 0 || (known == HEADER_OTHER && !all_stand(name, TOKEN)))
		return head_refuse(head, BAD_REQUEST, "a line of the request's head is no header");
	const char *begin = line.bytes + length + 1, *end = line.bytes + line.length;
	while (http_field_blank(*begin)) /* the carriage return after the line is not a space */
		begin++;
	while (end > begin && http_field_blank(end[-1]))
		end--;
	const struct text value = {begin, (size_t)(end - begin)};
	if (!is_value(value))
		return head_refuse(head, BAD_REQUEST, "a header of the request holds a control character");
	head->lengths |= UINT64_C(1) << length % 64;
	head->fields[head->field_count++] =
		(struct http_field){slice_of(head, name.bytes, length), slice_of(head, value.bytes, value.length)};
	if (head->first[known] == 0)
		head->first[known] = (uint8_t)head->field_count;
	else
		head->repeated |= header_name_bit(known);
	return !readers[known] || readers[known](head, seen, value);
}

/* ---- conclusion ---- */

/* Determines the framing of the body and the persistence of the connection (RFC 9112, 6.3 and 9.3). */
static bool http_head_conclude(struct http_head *head, const struct headers_seen *seen)
{
	if (!seen->host && !head->is_old)
		return head_refuse(head, BAD_REQUEST, "the request has no `Host` header");
	if (seen->length && seen->coding)
		return head_refuse(head, BAD_REQUEST, "the request says a `Content-Length`, and comes in chunks");
	if (seen->coding && head->is_old)
		return head_refuse(head, BAD_REQUEST, "HTTP/1.0 knows no chunks");
	head->framing = seen->coding ? HTTP_BODY_IN_CHUNKS : seen->length ? HTTP_BODY_OF_LENGTH : HTTP_BODY_NONE;
	head->keeps = !seen->closes && (!head->is_old || seen->stays);
	head->expects_continue = head->expects_continue && !head->is_old;
	return true;
}

bool http_head_read(struct http_head *head, const struct http_head_scan *scan, char *bytes)
{
	struct headers_seen seen = {0};
	memset(head, 0, offsetof(struct http_head, fields));
	head->bytes = bytes;
	size_t begin = scan->begin;
	for (unsigned i = 0; i < scan->lines; begin = scan->line_ends[i++] + (size_t)1) {
		struct text line = {bytes + begin, scan->line_ends[i] - begin - 1};
		if (!(i == 0 ? read_first_line(head, bytes, line) : read_field(head, &seen, line)))
			return false;
	}
	return http_head_conclude(head, &seen);
}

struct text http_head_known_at(const struct http_head *head, enum header_name name, size_t place)
{
	if (place == 0)
		return http_head_known(head, name);
	return head->repeated & header_name_bit(name) ? http_head_value_at(head, header_name_text(name), place) : (struct text){0};
}

struct text http_head_value_at(const struct http_head *head, struct text name, size_t place)
{
	if (!(head->lengths >> name.length % 64 & 1))
		return (struct text){0};
	for (unsigned i = 0; i < head->field_count; i++)
		if (head->fields[i].name.length == name.length &&
		    text_equal_caseless(http_head_text(head, head->fields[i].name), name) && place-- == 0)
			return http_head_text(head, head->fields[i].value);
	return (struct text){0};
}

struct text http_head_value(const struct http_head *head, struct text name)
{
	return http_head_value_at(head, name, 0);
}

bool http_head_next(const struct http_head *head, size_t *place, struct text *name, struct text *value)
{
	if (*place >= head->field_count)
		return false;
	const struct http_field *field = &head->fields[(*place)++];
	*name = http_head_text(head, field->name);
	*value = http_head_text(head, field->value);
	return true;
}

/* ---- answers ---- */

/* "Not Found"; "": unknown status */
static const char *http_status_words(int status)
{
	static const struct {
		int status;
		const char *words;
	} rows[] = {
		{200, "OK"},
		{100, "Continue"},
		{202, "Accepted"},
		{204, "No Content"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].status == status)
			return rows[i].words;
	return "";
}

bool http_head_is_name(struct text text)
{
	return text.length > 0 && all_stand(text, TOKEN);
}

bool http_head_is_value(struct text text)
{
	return is_value(text);
}

static bool answer_headers_are_values(const struct http_answer_head *head)
{
	if (head->content_type && !is_value(text_of(head->content_type)))
		return false;
	for (size_t i = 0; i < head->header_count; i++)
		if (!is_value(text_of(head->headers[i].value)))
			return false;
	return true;
}

static void write_header(struct buffer *out, struct text name, struct text value)
{
	char *room = buffer_room(out, name.length + value.length + 4);
	if (!room)
		return;
	memcpy(room, name.bytes, name.length);
	memcpy(room + name.length, ": ", 2);
	memcpy(room + name.length + 2, value.bytes, value.length);
	memcpy(room + name.length + 2 + value.length, "\r\n", 2);
	buffer_grown(out, name.length + value.length + 4);
}

static void write_number(struct buffer *out, uint64_t number)
{
	char digits[NUMBER_TEXT_MAX];
	const size_t length = number_write_uint64(digits, number);
	/* cppcheck-suppress uninitvar; number_write_uint64() wrote them */
	buffer_append(out, digits, length);
}

void http_answer_head_end(struct buffer *out, const struct http_answer_head *head)
{
	if (head->is_gzip)
		buffer_text(out, TEXT("Content-Encoding: gzip\r\n"));
	if (head->in_chunks) {
		buffer_text(out, TEXT("Transfer-Encoding: chunked\r\n"));
	} else if (!head->unsized && !http_status_is_bodiless(head->status)) {
		buffer_text(out, TEXT("Content-Length: "));
		write_number(out, head->body_bytes);
		buffer_text(out, TEXT("\r\n"));
	}
	buffer_text(out, TEXT("\r\n"));
}

bool http_answer_head_write(struct buffer *out, const struct http_answer_head *head)
{
	if (!answer_headers_are_values(head))
		return false;
	buffer_text(out, TEXT(HTTP_ANSWER_BEGINS));
	write_number(out, (uint64_t)head->status);
	buffer_byte(out, ' ');
	buffer_string(out, http_status_words(head->status));
	buffer_text(out, TEXT("\r\n"));
	write_header(out, TEXT("Date"), text_of(head->date));
	if (head->content_type)
		write_header(out, TEXT("Content-Type"), text_of(head->content_type));
	for (size_t i = 0; i < head->header_count; i++)
		write_header(out, text_of(head->headers[i].name), text_of(head->headers[i].value));
	for (size_t i = 0; i < head->added_count; i++)
		write_header(out, text_of(head->added[i].name), text_of(head->added[i].value));
	if (head->varies)
		buffer_text(out, TEXT("Vary: Accept-Encoding\r\n"));
	if (head->connection == HTTP_CONNECTION_CLOSE)
		buffer_text(out, TEXT("Connection: close\r\n"));
	else if (head->connection == HTTP_CONNECTION_KEEP_ALIVE)
		buffer_text(out, TEXT("Connection: keep-alive\r\n"));
	if (!head->is_open)
		http_answer_head_end(out, head);
	return true;
}
