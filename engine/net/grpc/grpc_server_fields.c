/* grpc_server_fields.c: Metadata of a call on the gRPC server; see grpc_server_parts.h. */

#include "net/grpc/grpc_server_parts.h"
#include "net/http/http_field.h"

#define FIELD_NAME_BYTES_MAX ((size_t)256)

void grpc_fields_append(struct buffer *fields, struct text name, struct text value)
{
	buffer_text(fields, name);
	buffer_byte(fields, '\0');
	buffer_text(fields, value);
	buffer_byte(fields, '\0');
}

/* Reads the next field. False: there are no more. */
static bool field_next(struct text *left, struct text *name, struct text *value)
{
	if (left->length == 0)
		return false;
	*name = text_take_until(left, '\0');
	*value = text_take_until(left, '\0');
	return true;
}

struct text grpc_request_metadata(const struct grpc_request *request, const char *wanted, size_t place)
{
	struct text left = buffer_view(&request->metadata), name, value;
	while (field_next(&left, &name, &value))
		if (text_equal_caseless(name, text_of(wanted)) && place-- == 0)
			return value;
	return (struct text){0};
}

struct text grpc_request_known(const struct grpc_request *request, enum header_name name, size_t place)
{
	const uint64_t names = place == 0 ? request->metadata_seen : request->metadata_repeated;
	const bool is_there = request->metadata.length > 0 && (names & header_name_bit(name));
	return is_there ? grpc_request_metadata(request, header_name_text(name).bytes, place) : (struct text){0};
}

uint64_t grpc_request_repeated(const struct grpc_request *request)
{
	return request->metadata.length > 0 ? request->metadata_repeated : 0;
}

bool grpc_request_metadata_next(const struct grpc_request *request, size_t *place, struct text *name, struct text *value)
{
	const struct text all = buffer_view(&request->metadata);
	if (*place >= all.length)
		return false;
	struct text left = text_from(all, *place);
	(void)field_next(&left, name, value);
	*place = all.length - left.length;
	return true;
}

bool grpc_fields_have(const struct buffer *fields, struct text wanted)
{
	struct text left = buffer_view(fields), name, value;
	while (field_next(&left, &name, &value))
		if (text_equal(name, wanted))
			return true;
	return false;
}

size_t grpc_fields_pairs(const struct buffer *fields, nghttp2_nv *pairs)
{
	struct text left = buffer_view(fields), name, value;
	size_t count = 0;
	while (count < GRPC_FIELDS_MAX && field_next(&left, &name, &value))
		pairs[count++] = http2_variable(name, value);
	return count;
}

/* ---- metadata that an answer may contain ---- */

static bool is_name(struct text name)
{
	const struct text own = TEXT("grpc-"), binary = TEXT("-bin");
	for (size_t i = 0; i < name.length; i++) {
		char c = name.bytes[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	if (http_field_is_of_connection(name) || text_is(name, "content-type") || text_is(name, "host"))
		return false;
	/* The value of a name that ends in `-bin` is base64, and nothing encodes it here. */
	return name.length > 0 && !text_starts_with(name, own) &&
	       (name.length < binary.length ||
		!text_equal((struct text){name.bytes + name.length - binary.length, binary.length}, binary));
}

static bool is_value(struct text value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.bytes[i] < ' ' || value.bytes[i] > '~')
			return false;
	return true;
}

void grpc_request_add_field(struct grpc_request *request, struct text name, struct text value)
{
	char lowered[FIELD_NAME_BYTES_MAX];
	if (name.length > sizeof lowered)
		return;
	for (size_t i = 0; i < name.length; i++)
		lowered[i] = letter_lowered(name.bytes[i]);
	const struct text small = {lowered, name.length};
	size_t before = request->fields.length;
	if (!is_name(small) || !is_value(value))
		return;
	grpc_fields_append(&request->fields, small, value);
	if (!buffer_failed(&request->fields))
		return;
	request->fields.length = before; /* removes the incomplete field */
}
