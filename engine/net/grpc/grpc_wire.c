/* grpc_wire.c: see grpc_wire.h. */
#include "net/grpc/grpc_wire.h"

#define GRPC_TYPE "application/grpc"

const char *grpc_status_name(int status)
{
	static const char *const names[] = {"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound",
					    "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
					    "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss",
					    "Unauthenticated"};
	return status >= 0 && (size_t)status < sizeof names / sizeof *names ? names[status] : NULL;
}

enum grpc_status grpc_status_of_http(int http_status)
{
	switch (http_status) {
	case 400:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

int grpc_status_for_http(int http_status)
{
	static const struct {
		int http, grpc;
	} rows[] = {
		{200, GRPC_OK},
		{401, GRPC_UNAUTHENTICATED},
		{403, GRPC_PERMISSION_DENIED},
		{404, GRPC_NOT_FOUND},
		{408, GRPC_DEADLINE_EXCEEDED},
		{409, GRPC_FAILED_PRECONDITION},
		{413, GRPC_RESOURCE_EXHAUSTED},
		{429, GRPC_RESOURCE_EXHAUSTED},
		{499, GRPC_CANCELLED},
		{501, GRPC_UNIMPLEMENTED},
		{502, GRPC_UNAVAILABLE},
		{503, GRPC_UNAVAILABLE},
		{504, GRPC_DEADLINE_EXCEEDED},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].http == http_status)
			return rows[i].grpc;
	return http_status < 500 ? GRPC_INVALID_ARGUMENT : GRPC_INTERNAL;
}

/* ---- messages ---- */

void grpc_prefix_write(unsigned char *prefix, size_t length)
{
	assert(length <= UINT32_MAX);
	prefix[0] = 0;
	for (int i = 0; i < 4; i++)
		prefix[1 + i] = (unsigned char)(length >> (24 - 8 * i));
}

static enum grpc_intake_fault prefix_is_whole(struct grpc_intake *intake, const struct buffer *message)
{
	if (intake->prefix[0] > 1 || (intake->prefix[0] == 1 && !intake->unpacks))
		return GRPC_INTAKE_COMPRESSED;
	for (int i = 1; i < GRPC_PREFIX_BYTES; i++)
		intake->missing = intake->missing << 8 | intake->prefix[i];
	return intake->missing > message->ceiling_bytes ? GRPC_INTAKE_LARGE : GRPC_INTAKE_GOOD;
}

enum grpc_intake_fault grpc_intake_next(struct grpc_intake *intake, struct buffer *message, const uint8_t **bytes, size_t *count)
{
	for (; intake->have < GRPC_PREFIX_BYTES && *count > 0; ++*bytes, --*count) {
		intake->prefix[intake->have++] = **bytes;
		if (intake->have < GRPC_PREFIX_BYTES)
			continue;
		enum grpc_intake_fault fault = prefix_is_whole(intake, message);
		if (fault)
			return fault;
	}
	size_t now = *count < intake->missing ? *count : intake->missing;
	buffer_append(message, *bytes, now);
	*bytes += now;
	*count -= now;
	intake->missing -= now;
	return buffer_failed(message) ? GRPC_INTAKE_MEMORY : GRPC_INTAKE_GOOD;
}

enum grpc_intake_fault grpc_intake_take(struct grpc_intake *intake, struct buffer *message, const uint8_t *bytes, size_t count)
{
	enum grpc_intake_fault fault = grpc_intake_next(intake, message, &bytes, &count);
	return fault == GRPC_INTAKE_GOOD && count > 0 ? GRPC_INTAKE_SECOND : fault;
}

/* ---- headers ---- */

#define TIMEOUT_DIGITS_MAX 8 /* from gRPC's specification */
#define STATUS_DIGITS_MAX 3  /* codes have two digits so far */

size_t grpc_timeout_write(char *out, int64_t timeout_ms)
{
	const int64_t most = 99999999; /* of TIMEOUT_DIGITS_MAX digits */
	bool in_seconds = timeout_ms > most;
	int64_t count = in_seconds ? timeout_ms / 1000 : timeout_ms;
	size_t length = number_write_int64(out, count < 1 ? 1 : count > most ? most : count);
	out[length] = in_seconds ? 'S' : 'm';
	return length + 1;
}

bool grpc_timeout_read(struct text text, int64_t *timeout_ms)
{
	static const struct {
		char letter;
		int64_t numerator, denominator; /* in milliseconds */
	} units[] = {{'H', 3600000, 1}, {'M', 60000, 1}, {'S', 1000, 1}, {'m', 1, 1}, {'u', 1, 1000}, {'n', 1, 1000000}};
	uint64_t number;
	if (text.length == 0 || text.length - 1 > TIMEOUT_DIGITS_MAX ||
	    !digits_read((struct text){text.bytes, text.length - 1}, 10, &number))
		return false;
	int64_t count = (int64_t)number;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].letter != text.bytes[text.length - 1])
			continue;
		*timeout_ms = (count * units[i].numerator + units[i].denominator - 1) / units[i].denominator;
		return true;
	}
	return false;
}

bool grpc_status_read(struct text text, int *status)
{
	uint64_t number;
	bool good = text.length <= STATUS_DIGITS_MAX && digits_read(text, 10, &number);
	*status = good ? (int)number : 0;
	return good;
}

void grpc_words_write(struct buffer *out, struct text words)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < words.length; i++) {
		unsigned char byte = (unsigned char)words.bytes[i];
		if (byte >= 0x20 && byte <= 0x7E && byte != '%') {
			buffer_byte(out, (char)byte);
			continue;
		}
		buffer_byte(out, '%');
		buffer_byte(out, digits[byte >> 4]);
		buffer_byte(out, digits[byte & 15]);
	}
}

bool grpc_is_content_type(struct text type)
{
	const struct text grpc = TEXT(GRPC_TYPE);
	if (type.length < grpc.length || !text_equal_caseless((struct text){type.bytes, grpc.length}, grpc))
		return false;
	return type.length == grpc.length || type.bytes[grpc.length] == '+' || type.bytes[grpc.length] == ';';
}

bool grpc_is_protobuf(struct text type)
{
	if (type.length == sizeof GRPC_TYPE - 1)
		return true;
	struct text named = text_from(type, sizeof GRPC_TYPE - 1);
	named = text_trimmed(text_take_until(&named, ';'), " \t");
	return named.length == 0 || text_equal_caseless(named, TEXT("+proto"));
}
