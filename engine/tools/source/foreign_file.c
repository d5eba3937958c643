/* foreign_file.c: see foreign_file.h. */
#include "tools/source/foreign_file.h"

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
