/* grpc_reflection.c: see grpc_reflection.h. */
#include "net/grpc/grpc_reflection.h"

#include "message/formats/protobuf_wire.h"
#include "net/grpc/grpc_wire.h"

#define PART_BYTES_MAX ((size_t)64 << 10)

/* ---- description of reflection itself ---- */

static const struct proto_field request_fields[] = {
	{"host", 1, "string"},
	{"file_by_filename", 3, "oneof string"},
	{"file_containing_symbol", 4, "oneof string"},
	{"file_containing_extension", 5, "oneof .ExtensionRequest"},
	{"all_extension_numbers_of_type", 6, "oneof string"},
	{"list_services", 7, "oneof string"},
	{0},
};
static const struct proto_field extension_fields[] = {
	{"containing_type", 1, "string"}, {"extension_number", 2, "int32"}, {0}};
static const struct proto_field response_fields[] = {
	{"valid_host", 1, "string"},
	{"original_request", 2, ".ServerReflectionRequest"},
	{"file_descriptor_response", 4, "oneof .FileDescriptorResponse"},
	{"all_extension_numbers_response", 5, "oneof .ExtensionNumberResponse"},
	{"list_services_response", 6, "oneof .ListServiceResponse"},
	{"error_response", 7, "oneof .ErrorResponse"},
	{0},
};
static const struct proto_field file_fields[] = {{"file_descriptor_proto", 1, "repeated bytes"}, {0}};
static const struct proto_field number_fields[] = {
	{"base_type_name", 1, "string"}, {"extension_number", 2, "repeated int32"}, {0}};
static const struct proto_field list_fields[] = {{"service", 1, "repeated .ServiceResponse"}, {0}};
static const struct proto_field service_fields[] = {{"name", 1, "string"}, {0}};
static const struct proto_field error_fields[] = {{"error_code", 1, "int32"}, {"error_message", 2, "string"}, {0}};
static const struct proto_message messages[] = {
	{.name = "ServerReflectionRequest", .fields = request_fields, .oneof = "message_request"},
	{.name = "ExtensionRequest", .fields = extension_fields},
	{.name = "ServerReflectionResponse", .fields = response_fields, .oneof = "message_response"},
	{.name = "FileDescriptorResponse", .fields = file_fields},
	{.name = "ExtensionNumberResponse", .fields = number_fields},
	{.name = "ListServiceResponse", .fields = list_fields},
	{.name = "ServiceResponse", .fields = service_fields},
	{.name = "ErrorResponse", .fields = error_fields},
	{0},
};
static const struct proto_method methods[] = {
	{"ServerReflectionInfo", ".ServerReflectionRequest", ".ServerReflectionResponse", true, true}, {0}};

#define SERVICE "ServerReflection"
static const struct proto_file own_files[] = {
	{.name = "grpc/reflection/v1/reflection.proto",
	 .package = "grpc.reflection.v1",
	 .messages = messages,
	 .service = SERVICE,
	 .methods = methods},
	{.name = "grpc/reflection/v1alpha/reflection.proto",
	 .package = "grpc.reflection.v1alpha",
	 .messages = messages,
	 .service = SERVICE,
	 .methods = methods},
};
#define OWN_FILES (sizeof own_files / sizeof *own_files)

bool grpc_reflection_is_path(struct text path)
{
	return text_is(path, "/grpc.reflection.v1." SERVICE "/ServerReflectionInfo") ||
	       text_is(path, "/grpc.reflection.v1alpha." SERVICE "/ServerReflectionInfo");
}

/* ---- answers ---- */

enum { FILE_BY_NAME = 3, FILE_OF_SYMBOL = 4, LIST_SERVICES = 7 };			 /* fields of requests */
enum { VALID_HOST = 1, ORIGINAL = 2, FILE_RESPONSE = 4, LIST_RESPONSE = 6, ERROR_RESPONSE = 7 }; /* of responses */

/* The n-th file, the own ones last; NULL: there are no more. */
static const struct proto_file *file_at(const struct proto_file *const *files, size_t index)
{
	size_t given = 0;
	while (files[given])
		given++;
	if (index < given)
		return files[index];
	return index < given + OWN_FILES ? &own_files[index - given] : NULL;
}

static void part_write(struct buffer *out, uint32_t field, const struct buffer *part)
{
	char head[12];
	buffer_append(out, head, (size_t)(protobuf_put_head(head, field, part->length) - head));
	buffer_text(out, buffer_view(part));
	out->failed = out->failed || buffer_failed(part);
}

static void services_write(const struct proto_file *const *files, struct buffer *out)
{
	const struct proto_file *file;
	struct buffer list, service, name;
	buffer_open(&list, PART_BYTES_MAX);
	buffer_open(&service, PART_BYTES_MAX);
	buffer_open(&name, PART_BYTES_MAX);
	for (size_t i = 0; (file = file_at(files, i)); i++) {
		if (!file->service)
			continue;
		buffer_clear(&name);
		buffer_clear(&service);
		buffer_print(&name, "%s.%s", file->package, file->service);
		protobuf_write_text(&service, 1, buffer_view(&name));
		part_write(&list, 1, &service);
	}
	part_write(out, LIST_RESPONSE, &list);
	buffer_close(&name);
	buffer_close(&service);
	buffer_close(&list);
}

static void error_write(struct buffer *out, int status, const char *words)
{
	struct buffer part;
	char code[12];
	buffer_open(&part, PART_BYTES_MAX);
	const char *end = protobuf_put_varint(protobuf_put_tag(code, 1, WIRE_VARINT), (uint64_t)status);
	buffer_append(&part, code, (size_t)(end - code));
	protobuf_write_text(&part, 2, text_of(words));
	part_write(out, ERROR_RESPONSE, &part);
	buffer_close(&part);
}

static void file_write(const struct proto_file *const *files, const struct protobuf_field *asked, struct buffer *out)
{
	const struct proto_file *file;
	struct buffer part, bytes;
	size_t i = 0;
	while ((file = file_at(files, i)) &&
	       !(asked->number == FILE_BY_NAME ? text_is(asked->bytes, file->name) : proto_file_has(file, asked->bytes)))
		i++;
	if (!file) {
		error_write(out, GRPC_NOT_FOUND,
			    asked->number == FILE_BY_NAME ? "there is no file of that name" : "there is no symbol of that name");
		return;
	}
	buffer_open(&part, PART_BYTES_MAX);
	buffer_open(&bytes, PART_BYTES_MAX);
	proto_file_write(file, &bytes);
	part_write(&part, 1, &bytes);
	part_write(out, FILE_RESPONSE, &part);
	buffer_close(&bytes);
	buffer_close(&part);
}

bool grpc_reflection_answer(const struct proto_file *const *files, struct text request, struct buffer *out)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(request);
	struct protobuf_field field, asked = {0};
	while (protobuf_next(&cursor, &field))
		if (field.number > 1 && field.wire == WIRE_BYTES) /* of several members of a oneof, the last one is valid */
			asked = field;
	if (cursor.failed)
		return false;
	protobuf_write_text(out, VALID_HOST, protobuf_read_text(request, 1));
	protobuf_write_text(out, ORIGINAL, request);
	if (asked.number == LIST_SERVICES)
		services_write(files, out);
	else if (asked.number == FILE_BY_NAME || asked.number == FILE_OF_SYMBOL)
		file_write(files, &asked, out);
	else
		error_write(out, GRPC_UNIMPLEMENTED,
			    "only list_services, file_by_filename and file_containing_symbol are answered");
	return true;
}
