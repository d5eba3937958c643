/* case_report.c: Report of `sluice test`: the verdict of each case, the results of --print and --update, and the sums. */
#include "tools/test/case_report.h"

#include <errno.h>

#include "message/json/json_write.h"
#include "tools/test/case_judge.h"

/* ---- --update ---- */

static void write_coming(const struct case_results *results, struct text id, struct text at, struct buffer *out)
{
	size_t before = out->length;
	for (const struct arrival *record = results->records; record; record = record->next)
		if (text_equal(record->id, id) && text_is(at, record->at ? record->at : ""))
			record_print(record, results->arena, out);
	if (out->length > before)
		return;
	json_write_string_after(out, TEXT("{\"id\": "), id);
	if (at.length)
		json_write_string_after(out, TEXT(", \"at\": "), at);
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

/* Writes out.jsonl: lines that hold stay as they are, and of the others what came is written. Counts and splits are a matter of
 * judgement, and stay too. Whether the case passes now; `why` describes what was done. CONFIG: the file cannot be written. */
static bool case_update(const struct case_results *results, struct buffer *why, struct error *error)
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

void case_report_open(struct case_report *report)
{
	buffer_open(&report->json, CASE_OUTPUT_BYTES_MAX);
}

void case_report_close(struct case_report *report)
{
	buffer_close(&report->json);
}

static const char *const verdict_names[] = {"passed", "failed", "skipped"};

/* ---- one case ---- */

void case_report_add(struct case_report *report, const char *folder, enum case_verdict verdict, const struct buffer *why)
{
	report->counts[verdict]++;
	if (report->print)
		return;
	if (report->is_json) {
		json_write_string_after(&report->json, text_of(report->json.length ? ",\n  {\"case\": " : "\n  {\"case\": "),
					text_of(folder));
		buffer_print(&report->json, ", \"verdict\": \"%s\", \"why\": ", verdict_names[verdict]);
		json_write_string(&report->json, buffer_view(why));
		buffer_byte(&report->json, '}');
		return;
	}
	if (verdict == CASE_SKIPPED)
		fprintf(report->out, "skipped %s: " TEXT_FORMAT "\n", folder, TEXT_ARGUMENTS(buffer_view(why)));
	else if (verdict == CASE_FAILED)
		fprintf(report->out, "FAILED  %s\n" TEXT_FORMAT, folder, TEXT_ARGUMENTS(buffer_view(why)));
}

static bool line_print(struct case_report *report, struct buffer *line)
{
	bool whole = !buffer_failed(line);
	if (whole)
		(void)fwrite(line->bytes, 1, line->length, report->out);
	buffer_clear(line);
	return whole;
}

/* What stands on topics in its order there, then the replies in the order of the requests. */
static void results_print(struct case_report *report, const struct case_results *results, struct error *error)
{
	struct buffer line;
	bool whole = true;
	buffer_open(&line, CASE_OUTPUT_BYTES_MAX);
	for (const struct arrival *record = results->records; whole && record; record = record->next)
		if (record->at) {
			record_print(record, results->arena, &line);
			whole = line_print(report, &line);
		}
	for (size_t i = 0; whole && i < results->files->request_count; i++)
		for (const struct arrival *record = results->records; record; record = record->next)
			if (!record->at && record->id.bytes == results->files->requests[i].id.bytes) {
				record_print(record, results->arena, &line);
				whole = line_print(report, &line);
			}
	for (const struct alert_result *result = results->alerts; whole && result; result = result->next) {
		alert_result_print(result, &line);
		whole = line_print(report, &line);
	}
	calls_print(results, &line);
	if (!line_print(report, &line) || !whole)
		error_memory(error, ERROR_SYSTEM, "printing a case");
	buffer_close(&line);
}

static void case_conclude(struct case_report *report, const struct case_run *run, struct error *error, struct buffer *why)
{
	if (report->print) {
		results_print(report, &run->play.results, error);
		report->counts[CASE_PASSED] += error->kind == ERROR_NONE;
		return;
	}
	bool refused = run->refused.kind != ERROR_NONE, unexpected = refused && !case_awaits_refusal(&run->files);
	bool holds = case_results_judge(&run->play.results, why) && !unexpected;
	if (unexpected)
		buffer_string(why, "  `sluice lint` refuses its pipeline, and no line of out.jsonl expects a CONFIG error\n");
	if (!holds && refused)
		faults_print_text(run->spec.faults, why, (struct fault_look){0});
	bool updated = !holds && !unexpected && report->update && case_update(&run->play.results, why, error);
	if (error->kind != ERROR_NONE)
		return;
	case_report_add(report, run->files.folder, holds || updated ? CASE_PASSED : CASE_FAILED, why);
	if (updated && !report->is_json)
		fprintf(report->out, "updated %s\n" TEXT_FORMAT, run->files.folder, TEXT_ARGUMENTS(buffer_view(why)));
}

void case_report_run(void *context, const char *folder)
{
	struct case_report *report = context;
	const struct case_play_options options = {.kinds = report->kinds, .secrets = report->secrets, .all_points = report->print};
	struct error error = {0};
	struct case_run run;
	struct buffer why;
	buffer_open(&why, CASE_OUTPUT_BYTES_MAX);
	if (case_run_open(&run, folder, &options, true, &error))
		case_conclude(report, &run, &error, &why);
	if (error.kind != ERROR_NONE)
		case_error_print(&error, &why); /* its place is in what the case has read */
	case_run_close(&run);
	if (error.kind != ERROR_NONE) {
		case_report_add(report, folder, CASE_FAILED, &why);
		if (report->print)
			fprintf(report->err, TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(&why)));
	}
	buffer_close(&why);
}

/* ---- all cases ---- */

void case_report_end(const struct case_report *report)
{
	const size_t *counts = report->counts;
	size_t total = counts[CASE_PASSED] + counts[CASE_FAILED] + counts[CASE_SKIPPED];
	if (!report->print && report->is_json)
		fprintf(report->out, "{\"passed\": %zu, \"failed\": %zu, \"skipped\": %zu, \"cases\": [" TEXT_FORMAT "\n]}\n",
			counts[CASE_PASSED], counts[CASE_FAILED], counts[CASE_SKIPPED], TEXT_ARGUMENTS(buffer_view(&report->json)));
	else if (!report->print && total)
		fprintf(report->out, "%zu passed, %zu failed, %zu skipped\n", counts[CASE_PASSED], counts[CASE_FAILED],
			counts[CASE_SKIPPED]);
	if (report->lines_left_out > 0 && !report->is_json)
		fprintf(report->out,
			"%zu lines of out.jsonl are about topics, calls, alerts or requests that are not sent: a caller does not "
			"see them, and they are not compared\n",
			report->lines_left_out);
}
