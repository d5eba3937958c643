/* case_update.c: see case_update.h. */
#include "tools/test/case_update.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/test/case_judge.h"
#include "tools/test/case_run.h"
#include "message/json/json_write.h"

static void write_coming(const struct case_results *results, struct text id, struct text at, struct buffer *out)
{
	size_t before = out->length;
	for (const struct arrival *record = results->records; record; record = record->next)
		if (text_equal(record->id, id) && text_is(at, record->at ? record->at : ""))
			record_print(record, results->arena, out);
	if (out->length > before)
		return;
	buffer_string(out, "{\"id\": ");
	json_write_string(out, id);
	if (at.length) {
		buffer_string(out, ", \"at\": ");
		json_write_string(out, at);
	}
	buffer_string(out, ", \"absent\": true}\n");
}

/* False: a line that is kept does not hold. */
static bool write_expected(const struct case_results *results, struct buffer *out)
{
	bool holds = true;
	const struct case_files *files = results->files;
	struct buffer ignored;
	buffer_open(&ignored, CASE_OUTPUT_BYTES_MAX);
	for (size_t i = 0; i < files->expected_count; i++) {
		const struct case_expected *expected = &files->expected[i];
		bool simple = expected->demand == DEMAND_RESULT || expected->demand == DEMAND_ABSENT;
		bool held = expected_judge(results, expected, &ignored);
		if (simple && !held) {
			write_coming(results, expected->id, expected->at, out);
			continue;
		}
		holds &= held;
		buffer_text(out, expected->line);
		buffer_byte(out, '\n');
	}
	for (size_t i = 0; !files->has_expected && i < files->request_count; i++)
		write_coming(results, files->requests[i].id, (struct text){0}, out);
	buffer_close(&ignored);
	return holds;
}

bool case_update(const struct case_results *results, struct buffer *why, struct error *error)
{
	struct buffer out;
	char path[CASE_PATH_MAX];
	buffer_open(&out, CASE_OUTPUT_BYTES_MAX);
	bool holds = write_expected(results, &out);
	int length = snprintf(path, sizeof path, "%s/out.jsonl", results->files->folder);
	FILE *file = length > 0 && (size_t)length < sizeof path && !buffer_failed(&out) ? fopen(path, "wb") : NULL;
	bool written = file && fwrite(out.bytes, 1, out.length, file) == out.length;
	if (file)
		written &= fclose(file) == 0;
	buffer_close(&out);
	if (!written)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s/out.jsonl cannot be written: %s", results->files->folder,
				 strerror(errno));
	buffer_string(why, "  out.jsonl now has the actual answers\n");
	if (!holds)
		buffer_string(why, "  except counts and splits, which are unchanged: correct wrong ones by hand\n");
	return holds;
}
