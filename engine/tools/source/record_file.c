/* record_file.c: see record_file.h. */
#include "tools/source/record_file.h"

#include "base/file.h"
#include "message/avro/avro_walk.h"
#include "message/avro/schemas.h"

/* Whether it is a list of objects in JSON: no name of a column begins so. */
static bool is_list(struct text text)
{
	const struct text inner = text_trimmed(text_from(text, 1), " \t\r\n");
	return text.bytes[0] == '[' && (text_starts_with(inner, TEXT("{\"")) || text_starts_with(inner, TEXT("{\n")));
}

/* It begins and ends so: a CSV may have a column of that name. */
static bool is_parquet(struct text text)
{
	const struct text sign = TEXT("PAR1");
	return text.length >= 3 * sign.length && text_starts_with(text, sign) &&
	       text_equal(text_from(text, text.length - sign.length), sign);
}

const char *foreign_file_fault(struct text text)
{
	static const struct {
		struct text begin;
		const char *fault;
	} rows[] = {
		{{"\xFF\xFE", 2}, "is UTF-16; save it as UTF-8"},
		{{"\xFE\xFF", 2}, "is UTF-16; save it as UTF-8"},
		{{"\x1F\x8B", 2}, "is compressed by gzip; unpack it: `gunzip -c FILE > NEW`"},
		{{"\x28\xB5\x2F\xFD", 4}, "is compressed by zstd; unpack it: `zstd -d FILE`"},
		{{"PK\x03\x04", 4}, "is a ZIP archive or a workbook of a spreadsheet; unpack it, or save it as CSV"},
		{{"Obj\x01", 4}, "is a container of Avro records; write them as CSV, or as requests in JSON, one in each line"},
		{{"SQLite format 3", 15}, "is a database of SQLite; write a table of it as CSV"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_starts_with(text, rows[i].begin))
			return rows[i].fault;
	if (is_parquet(text))
		return "is Parquet; write it as CSV, for instance by pandas: read_parquet(FILE).to_csv(NEW, index=False)";
	return text.length > 0 && is_list(text)
		       ? "is a list in JSON; write each of its items on a line of its own: `jq -c '.[]' FILE > NEW`"
		       : NULL;
}

#define FILE_BYTES_MAX ((size_t)4 << 30)
#define HEAD_BYTES 10 /* of Avro's single-object encoding */

/* The bytes of the Avro record at the beginning of the text; 0: there is none. */
static size_t avro_record_length(struct text rest, avro_schema_t schema)
{
	if (rest.length < HEAD_BYTES || !schema)
		return 0;
	struct avro_walk walk = avro_walk_of(text_from(rest, HEAD_BYTES));
	return avro_walk_over(&walk, schema) ? rest.length - avro_left(&walk.cursor) : 0;
}

/* The next record, or a blank line. INPUT: it is not whole. */
static bool record_cut(const struct record_file *file, avro_schema_t schema, struct text *rest, struct text *record,
		       struct error *error)
{
	static const char avro_head[] = {(char)0xC3, 0x01};
	if (rest->length <= sizeof avro_head || memcmp(rest->bytes, avro_head, sizeof avro_head) != 0) {
		*record = text_trimmed(text_take_until(rest, '\n'), " \t\r");
		return true;
	}
	const size_t length = avro_record_length(*rest, schema);
	if (length == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "it is no whole record of the schema `%s`", file->schema);
	*record = (struct text){rest->bytes, length};
	*rest = (struct text){rest->bytes + length, rest->length - length};
	return true;
}

bool record_file_read(const struct record_file *file, struct error *error)
{
	const char *json = schema_json(file->schema);
	struct text rest, record;
	avro_schema_t schema = NULL;
	uint32_t line = 1;
	bool good = file_read(file->path, FILE_BYTES_MAX, file->arena, &rest, error);
	if (good && rest.length > 0 && avro_schema_from_json_length(json, strlen(json), &schema) != 0)
		good = error_memory(error, ERROR_SYSTEM, "reading a schema");
	for (; good && rest.length > 0; line++) {
		good = record_cut(file, schema, &rest, &record, error) &&
		       (record.length == 0 || file->take(file->context, record, error));
		if (!good && error->place.line == 0 && error->kind == ERROR_INPUT)
			error->place = (struct place){file->path, line, 1};
	}
	if (schema)
		avro_schema_decref(schema);
	return good;
}
