/* grpc_describe.c: see grpc_describe.h. Numbers of fields are those of google/protobuf/descriptor.proto. */
#include "net/grpc/grpc_describe.h"

#include <stdio.h>

#include "message/formats/protobuf_wire.h"

#define PART_BYTES_MAX ((size_t)64 << 10) /* of one message, field or service */
#define NAME_BYTES_MAX 256
#define FULL_NAME_BYTES (2 * NAME_BYTES_MAX)

enum { LABEL_OPTIONAL = 1, LABEL_REPEATED = 3 };
enum { TYPE_MESSAGE = 11, TYPE_ENUM = 14 };

/* The place of a message: its package, and its full name with a leading dot. */
struct proto_scope {
	const char *package;
	char name[NAME_BYTES_MAX];
};

static void number_write(struct buffer *out, uint32_t field, uint32_t number)
{
	char bytes[12];
	char *end = protobuf_put_varint(protobuf_put_tag(bytes, field, WIRE_VARINT), number);
	buffer_append(out, bytes, (size_t)(end - bytes));
}

static void string_write(struct buffer *out, uint32_t field, const char *string)
{
	protobuf_write_text(out, field, text_of(string));
}

/* ---- nested parts ---- */

static void part_begin(struct buffer *part)
{
	buffer_open(part, PART_BYTES_MAX);
}

static void part_end(struct buffer *part, struct buffer *out, uint32_t field)
{
	struct text bytes = buffer_view(part);
	char head[12];
	buffer_append(out, head, (size_t)(protobuf_put_head(head, field, bytes.length) - head));
	buffer_text(out, bytes);
	out->failed = out->failed || buffer_failed(part);
	buffer_close(part);
}

/* ---- fields ---- */

static bool word_take(const char **type, const char *word)
{
	size_t length = strlen(word);
	if (strncmp(*type, word, length) != 0 || (*type)[length] != ' ')
		return false;
	*type += length + 1;
	return true;
}

static uint32_t scalar_type(const char *name)
{
	static const struct {
		const char *name;
		uint32_t number;
	} rows[] = {{"double", 1}, {"float", 2}, {"int64", 3}, {"uint64", 4}, {"int32", 5},
		    {"bool", 8},   {"string", 9}, {"bytes", 12}, {"uint32", 13}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].number;
	return 0;
}

/* The name of a map's entry message: for `parameters` it is ParametersEntry. */
static void entry_name(const char *field, char name[NAME_BYTES_MAX])
{
	(void)snprintf(name, NAME_BYTES_MAX, "%sEntry", field);
	name[0] = (char)(name[0] - 'a' + 'A');
}

/* With a leading dot and the package: that of the file, unless the type has its own. */
static void full_name(const char *package, const char *type, char name[FULL_NAME_BYTES])
{
	if (type[0] == '.')
		(void)snprintf(name, FULL_NAME_BYTES, ".%s%s", package, type);
	else
		(void)snprintf(name, FULL_NAME_BYTES, ".%s", type);
}

static void field_write(const struct proto_scope *scope, const struct proto_field *field, struct buffer *out)
{
	const char *type = field->type;
	char whole[FULL_NAME_BYTES], entry[NAME_BYTES_MAX];
	struct buffer part;
	bool one = word_take(&type, "oneof"), map = word_take(&type, "map"), many = word_take(&type, "repeated") || map,
	     is_enum = word_take(&type, "enum");
	part_begin(&part);
	string_write(&part, 1, field->name);
	number_write(&part, 3, field->number);
	number_write(&part, 4, many ? LABEL_REPEATED : LABEL_OPTIONAL);
	const bool is_named = map || strchr(type, '.') != NULL;
	if (map) {
		entry_name(field->name, entry);
		(void)snprintf(whole, sizeof whole, "%s.%s", scope->name, entry);
	} else {
		full_name(scope->package, type, whole);
	}
	number_write(&part, 5, is_enum ? TYPE_ENUM : is_named ? TYPE_MESSAGE : scalar_type(type));
	if (is_named)
		string_write(&part, 6, whole);
	if (one)
		number_write(&part, 9, 0);
	part_end(&part, out, 2);
}

/* Writes the entry message of a map: a map is a list of messages with a key and a value. */
static void map_entry_write(const struct proto_scope *scope, const struct proto_field *field, struct buffer *out)
{
	const char *type = field->type;
	struct proto_scope own = *scope;
	char name[NAME_BYTES_MAX];
	struct buffer part, map_options;
	if (!word_take(&type, "map"))
		return;
	const struct proto_field key = {"key", 1, "string"}, value = {"value", 2, type};
	entry_name(field->name, name);
	part_begin(&part);
	string_write(&part, 1, name);
	field_write(&own, &key, &part);
	field_write(&own, &value, &part);
	part_begin(&map_options);
	number_write(&map_options, 7, 1);
	part_end(&map_options, &part, 7);
	part_end(&part, out, 3);
}

/* ---- messages, services and the file ---- */

static void enum_write(const char *name, const struct proto_value *values, uint32_t number, struct buffer *out)
{
	struct buffer part, value;
	part_begin(&part);
	string_write(&part, 1, name);
	for (const struct proto_value *row = values; row->name; row++) {
		part_begin(&value);
		string_write(&value, 1, row->name);
		number_write(&value, 2, row->number);
		part_end(&value, &part, 2);
	}
	part_end(&part, out, number);
}

static void message_body_write(const struct proto_scope *outer, const struct proto_message *message, struct buffer *out)
{
	struct proto_scope scope = {.package = outer->package};
	struct buffer part;
	(void)snprintf(scope.name, sizeof scope.name, "%.120s.%.120s", outer->name, message->name);
	string_write(out, 1, message->name);
	for (const struct proto_field *field = message->fields; field && field->name; field++) {
		field_write(&scope, field, out);
		map_entry_write(&scope, field, out);
	}
	for (const struct proto_message *nested = message->nested; nested && nested->name; nested++) {
		const struct proto_message alone = {nested->name, nested->fields, NULL, nested->oneof, NULL, NULL};
		part_begin(&part);
		message_body_write(&scope, &alone, &part);
		part_end(&part, out, 3);
	}
	if (message->enum_name)
		enum_write(message->enum_name, message->values, 4, out);
	if (message->oneof) {
		part_begin(&part);
		string_write(&part, 1, message->oneof);
		part_end(&part, out, 8);
	}
}

static void service_write(const struct proto_file *file, struct buffer *out)
{
	char name[FULL_NAME_BYTES];
	struct buffer part, method;
	part_begin(&part);
	string_write(&part, 1, file->service);
	for (const struct proto_method *row = file->methods; row->name; row++) {
		part_begin(&method);
		string_write(&method, 1, row->name);
		full_name(file->package, row->input, name);
		string_write(&method, 2, name);
		full_name(file->package, row->output, name);
		string_write(&method, 3, name);
		protobuf_write_flag(&method, 5, row->client_streams);
		protobuf_write_flag(&method, 6, row->server_streams);
		part_end(&method, &part, 2);
	}
	part_end(&part, out, 6);
}

void proto_file_write(const struct proto_file *file, struct buffer *out)
{
	struct proto_scope scope = {.package = file->package};
	struct buffer part;
	(void)snprintf(scope.name, sizeof scope.name, ".%s", file->package);
	string_write(out, 1, file->name);
	string_write(out, 2, file->package);
	for (const char *const *import = file->imports; import && *import; import++)
		string_write(out, 3, *import);
	for (const struct proto_message *message = file->messages; message && message->name; message++) {
		part_begin(&part);
		message_body_write(&scope, message, &part);
		part_end(&part, out, 4);
	}
	if (file->enum_name)
		enum_write(file->enum_name, file->values, 5, out);
	if (file->service)
		service_write(file, out);
	string_write(out, 12, "proto3");
}

/* ---- names ---- */

static struct text segment_take(struct text *name)
{
	const char *dot = name->length ? memchr(name->bytes, '.', name->length) : NULL;
	struct text segment = {name->bytes, dot ? (size_t)(dot - name->bytes) : name->length};
	size_t taken = segment.length + (dot ? 1 : 0);
	*name = (struct text){name->bytes + taken, name->length - taken};
	return segment;
}

static bool message_has(const struct proto_message *message, struct text rest)
{
	struct text segment = segment_take(&rest);
	if (segment.length == 0)
		return true;
	for (const struct proto_message *nested = message->nested; nested && nested->name; nested++)
		if (text_is(segment, nested->name))
			return message_has(nested, rest);
	for (const struct proto_field *field = message->fields; field && field->name; field++)
		if (text_is(segment, field->name))
			return rest.length == 0;
	return message->enum_name && text_is(segment, message->enum_name) && rest.length == 0;
}

bool proto_file_has(const struct proto_file *file, struct text symbol)
{
	size_t length = strlen(file->package);
	if (symbol.length <= length + 1 || !text_starts_with(symbol, text_of(file->package)) || symbol.bytes[length] != '.')
		return false;
	struct text rest = {symbol.bytes + length + 1, symbol.length - length - 1};
	struct text segment = segment_take(&rest);
	for (const struct proto_message *message = file->messages; message && message->name; message++)
		if (text_is(segment, message->name))
			return message_has(message, rest);
	if (file->enum_name && text_is(segment, file->enum_name))
		return rest.length == 0;
	if (!file->service || !text_is(segment, file->service))
		return false;
	for (const struct proto_method *method = file->methods; method->name; method++)
		if (text_is(rest, method->name))
			return true;
	return rest.length == 0;
}
