/* mirror_view.c: see mirror_view.h. Names and ids come from records, so they are shown escaped. */
#include "tools/view/report/mirror_view.h"

#include <math.h>

#include "base/quote.h"
#include "message/json/json_write.h"
#include "tools/view/report/html_parts.h"
#include "tools/view/json_member.h"

#define PERCENT 100.0

/* ---- a comparison of few copies ---- */

/* NULL: enough was compared, or the arena is full. */
static const char *warning_of(const struct mirror_result *result, struct arena *arena)
{
	if (mirror_share(result) >= MIRROR_SHARE_ENOUGH)
		return NULL;
	return arena_print(
		arena,
		"Only %.1f%% of the %llu copies to the mirror were compared: %llu were not sent, since too many waited "
		"for replies, or were given up when their engine stopped; %llu have no result, since they are under way or "
		"their engine was killed; %llu have no answer",
		PERCENT * mirror_share(result), (unsigned long long)result->copies, (unsigned long long)result->left_out,
		(unsigned long long)result->lost, (unsigned long long)result->unanswered);
}

void mirror_view_warn_text(const struct mirror_result *result, struct arena *arena, struct buffer *out)
{
	const char *warning = warning_of(result, arena);
	if (warning)
		buffer_print(out, "%s.\n", warning);
}

void mirror_view_warn_html(const struct mirror_result *result, struct arena *arena, struct buffer *out)
{
	const char *warning = warning_of(result, arena);
	if (warning)
		buffer_print(out, "<p class=\"warn\">%s.</p>\n", warning);
}

static uint64_t engines_compared(const struct mirror_result *result)
{
	return result->judged.agreed + result->judged.differed;
}

/* What engines compared the replies with. */
static const char *judged_with(const struct mirror_result *result)
{
	return result->of_answer ? "the answer to the same request" : "the candidate's reply to the same call";
}

/* ---- text ---- */

static void latency_print(const char *of, struct mirror_latency latency, struct buffer *out)
{
	if (!isnan(latency.median))
		buffer_print(out, "  latency of %s: median %.0f ms, p95 %.0f ms\n", of, latency.median, latency.p95);
}

static void more_print(uint64_t more, struct buffer *out)
{
	if (more > 0)
		buffer_print(out, "  and %llu more that differ\n", (unsigned long long)more);
}

static void judged_print(const struct mirror_result *result, struct arena *arena, struct buffer *out)
{
	const struct mirror_judged *judged = &result->judged;
	if (engines_compared(result) == 0)
		return;
	buffer_print(out, "\nWith %s, by engines while they ran, as metrics and alerts count: %llu of %llu agree\n",
		     judged_with(result), (unsigned long long)judged->agreed, (unsigned long long)engines_compared(result));
	for (size_t i = 0; i < judged->listed; i++)
		buffer_print(out, "  differs: %s, %s\n", text_shown(judged->copies[i].id, arena),
			     text_shown(judged->copies[i].words, arena));
	more_print(judged->differed - judged->listed, out);
}

void mirror_view_print_text(const struct mirror_result *result, struct arena *arena, struct buffer *out)
{
	buffer_print(out, "\nMirror `%s`: %llu copies, %llu not sent or given up, %llu without a result, %llu without an answer\n",
		     text_shown(result->mirror, arena), (unsigned long long)result->copies, (unsigned long long)result->left_out,
		     (unsigned long long)result->lost, (unsigned long long)result->unanswered);
	judged_print(result, arena, out);
	buffer_print(out, "\nWith the answer of the pipeline, by this command: %llu of %llu compared requests agree within %g\n",
		     (unsigned long long)result->agreed, (unsigned long long)result->compared, result->tolerance);
	buffer_print(out, "  errors of the mirror %llu, of the answers %llu\n", (unsigned long long)result->failed,
		     (unsigned long long)result->answers_failed);
	latency_print("the mirror", result->replied, out);
	latency_print("the answers", result->answered, out);
	for (size_t i = 0; i < result->tensor_count; i++)
		buffer_print(out, "  %-24s %llu of %llu agree, largest difference %.4g\n",
			     text_shown(result->tensors[i].name, arena), (unsigned long long)result->tensors[i].agreed,
			     (unsigned long long)result->tensors[i].compared, result->tensors[i].largest);
	for (size_t i = 0; i < result->disagreement_count; i++) {
		const struct mirror_disagreement *one = &result->disagreements[i];
		char words[MIRROR_WORDS_BYTES_MAX];
		buffer_print(out, "  differs: %s, %s\n", text_shown(one->id, arena),
			     text_shown(mirror_disagreement_words(one, words), arena));
	}
	more_print(result->compared - result->agreed - result->disagreement_count, out);
}

/* ---- JSON ---- */

static void put_latency(struct buffer *out, const char *name, struct mirror_latency latency)
{
	buffer_print(out, ",\"%s\":{\"unit\":\"ms\"", name);
	member_number(out, "median", latency.median);
	member_number(out, "p95", latency.p95);
	buffer_byte(out, '}');
}

void mirror_view_print_json(const struct mirror_result *result, struct buffer *out)
{
	json_write_string_after(out, TEXT("{\"name\":"), result->mirror);
	member_number(out, "tolerance", result->tolerance);
	member_count(out, "copies", result->copies);
	member_count(out, "not_sent", result->left_out);
	member_count(out, "without_result", result->lost);
	member_count(out, "unanswered", result->unanswered);
	member_count(out, "repeated", result->repeated);
	member_count(out, "compared", result->compared);
	member_number(out, "compared_share", mirror_share(result));
	member_count(out, "agreed", result->agreed);
	member_count(out, "mirror_errors", result->failed);
	member_count(out, "answer_errors", result->answers_failed);
	member_count(out, "compared_by_engines", engines_compared(result));
	member_count(out, "agreed_by_engines", result->judged.agreed);
	json_write_member(out, ",", "engines_compare_with", text_of(result->of_answer ? "answer" : "call"));
	put_latency(out, "mirror_latency", result->replied);
	put_latency(out, "answer_latency", result->answered);
	buffer_string(out, ",\"tensors\":[");
	for (size_t i = 0; i < result->tensor_count; i++) {
		json_write_string_after(out, text_of(i > 0 ? ",{\"name\":" : "{\"name\":"), result->tensors[i].name);
		member_count(out, "compared", result->tensors[i].compared);
		member_count(out, "agreed", result->tensors[i].agreed);
		member_number(out, "largest_difference", result->tensors[i].largest);
		buffer_byte(out, '}');
	}
	buffer_string(out, "],\"disagreements\":[");
	for (size_t i = 0; i < result->disagreement_count; i++) {
		const struct mirror_disagreement *one = &result->disagreements[i];
		json_write_string_after(out, text_of(i > 0 ? ",{\"id\":" : "{\"id\":"), one->id);
		buffer_print(out, ",\"difference\":\"%s\",\"tensor\":", mirror_difference_name(one->difference));
		json_write_string(out, one->tensor);
		member_number(out, "answer", one->answered);
		member_number(out, "mirror", one->replied);
		buffer_byte(out, '}');
	}
	buffer_string(out, "],\"disagreements_by_engines\":[");
	for (size_t i = 0; i < result->judged.listed; i++) {
		json_write_member(out, i > 0 ? ",{" : "{", "id", result->judged.copies[i].id);
		json_write_member(out, ",", "difference", result->judged.copies[i].words);
		buffer_byte(out, '}');
	}
	buffer_string(out, "]}");
}

/* ---- page ---- */

static void row_begin(struct buffer *out, struct text name)
{
	html_write_around(out, "<tr><th scope=\"row\">", name, "</th>");
}

static void cell_number(struct buffer *out, double number)
{
	buffer_string(out, "<td>");
	if (isfinite(number))
		buffer_print(out, "%.6g", number);
	buffer_string(out, "</td>");
}

static void judged_write(const struct mirror_result *result, struct buffer *out)
{
	const struct mirror_judged *judged = &result->judged;
	if (engines_compared(result) == 0)
		return;
	buffer_print(
		out,
		"<h3>With %s</h3>\n<p>Compared by engines while they ran, as metrics and alerts count: %llu of %llu agree.</p>\n",
		judged_with(result), (unsigned long long)judged->agreed, (unsigned long long)engines_compared(result));
	if (judged->listed > 0)
		buffer_print(out, "<h4>Requests that differ: %llu</h4>\n<table><tr><th>request</th><th class=\"t\">by</th></tr>\n",
			     (unsigned long long)judged->differed);
	for (size_t i = 0; i < judged->listed; i++) {
		row_begin(out, judged->copies[i].id);
		html_write_around(out, "<td class=\"t\">", judged->copies[i].words, "</td></tr>\n");
	}
	if (judged->listed > 0)
		buffer_string(out, "</table>\n");
}

static void disagreements_write(const struct mirror_result *result, struct buffer *out)
{
	if (result->disagreement_count == 0)
		return;
	buffer_print(out,
		     "<h4>Requests that differ: %llu</h4>\n<table><tr><th>request</th><th class=\"t\">by</th><th "
		     "class=\"t\">tensor</th><th>answer</th><th>mirror</th></tr>\n",
		     (unsigned long long)(result->compared - result->agreed));
	for (size_t i = 0; i < result->disagreement_count; i++) {
		const struct mirror_disagreement *one = &result->disagreements[i];
		row_begin(out, one->id);
		buffer_print(out, "<td class=\"t\">%s</td><td class=\"t\">", mirror_difference_name(one->difference));
		html_write_around(out, "", one->tensor, "</td>");
		cell_number(out, one->answered);
		cell_number(out, one->replied);
		buffer_string(out, "</tr>\n");
	}
	buffer_string(out, "</table>\n");
}

void mirror_view_print_html(const struct mirror_result *result, struct buffer *out)
{
	html_write_around(out, "<h2>Mirror ", result->mirror, "");
	buffer_print(out,
		     "</h2>\n<p>Of %llu copies %llu were not sent or given up, %llu have no result, and %llu have no answer.</p>\n",
		     (unsigned long long)result->copies, (unsigned long long)result->left_out, (unsigned long long)result->lost,
		     (unsigned long long)result->unanswered);
	judged_write(result, out);
	buffer_print(out,
		     "<h3>With the answer of the pipeline</h3>\n<p>Compared by the command: %llu of %llu compared requests agree "
		     "within %g.</p>\n<table><tr><th></th><th>errors</th><th>latency, median</th><th>p95</th></tr>\n",
		     (unsigned long long)result->agreed, (unsigned long long)result->compared, result->tolerance);
	row_begin(out, TEXT("mirror"));
	cell_number(out, (double)result->failed);
	cell_number(out, result->replied.median);
	cell_number(out, result->replied.p95);
	buffer_string(out, "</tr>\n");
	row_begin(out, TEXT("answers"));
	cell_number(out, (double)result->answers_failed);
	cell_number(out, result->answered.median);
	cell_number(out, result->answered.p95);
	buffer_string(out, "</tr></table>\n<table><tr><th>tensor</th><th>compared</th><th>agree</th><th>largest "
			   "difference</th></tr>\n");
	for (size_t i = 0; i < result->tensor_count; i++) {
		row_begin(out, result->tensors[i].name);
		cell_number(out, (double)result->tensors[i].compared);
		cell_number(out, (double)result->tensors[i].agreed);
		cell_number(out, result->tensors[i].largest);
		buffer_string(out, "</tr>\n");
	}
	buffer_string(out, "</table>\n");
	disagreements_write(result, out);
}
