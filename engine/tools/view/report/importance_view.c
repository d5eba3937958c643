/* importance_view.c: see importance_view.h. */
#include "tools/view/report/importance_view.h"

#include <math.h>
#include <stdlib.h>

#include "base/number/moment.h"
#include "base/quote.h"
#include "message/json/json_write.h"
#include "tools/view/report/html_parts.h"

#define BAR_COLUMNS 30
#define NAME_COLUMNS 24

/* A feature of a subject. */
struct importance_line {
	size_t feature;
	double share;
};

static int lines_compare(const void *left, const void *right)
{
	const struct importance_line *a = left, *b = right;
	if (a->share != b->share)
		return a->share < b->share ? 1 : -1;
	return a->feature < b->feature ? -1 : 1;
}

/* The features, the most important first. NULL: memory ran out. */
static struct importance_line *lines_of(const struct importance_list *list, const struct importance_subject *subject)
{
	struct importance_line *lines = ARENA_ARRAY(list->arena, struct importance_line, subject->feature_count + 1);
	for (size_t i = 0; lines && i < subject->feature_count; i++) {
		const double share = importance_share(&subject->last, i);
		lines[i] = (struct importance_line){i, isnan(share) ? 0 : share};
	}
	if (lines)
		qsort(lines, subject->feature_count, sizeof *lines, lines_compare);
	return lines;
}

static double mean_of(const struct importance_windows *windows, size_t feature)
{
	return importance_means(windows->importance)[feature];
}

static double others_share(const struct importance_subject *subject, const struct importance_line *lines)
{
	double share = 0;
	for (size_t i = IMPORTANCE_LINES_MAX; i < subject->feature_count; i++)
		share += lines[i].share;
	return share;
}

static bool has_moved(const struct importance_subject *subject)
{
	return subject->first.begin_ms != subject->last.begin_ms || subject->first.end_ms != subject->last.end_ms;
}

static size_t lines_shown(const struct importance_subject *subject)
{
	return subject->feature_count < IMPORTANCE_LINES_MAX ? subject->feature_count : IMPORTANCE_LINES_MAX;
}

/* ---- text ---- */

static void windows_say(const struct importance_windows *windows, struct buffer *out)
{
	char begin[MOMENT_BYTES], end[MOMENT_BYTES];
	moment_print(windows->begin_ms, begin);
	moment_print(windows->end_ms, end);
	buffer_print(out, "%llu explanation%s in %zu window%s, from %s to %s", (unsigned long long)windows->importance->records,
		     windows->importance->records == 1 ? "" : "s", windows->windows, windows->windows == 1 ? "" : "s", begin, end);
	if (windows->left_out > 0)
		buffer_print(out, "; %llu left out", (unsigned long long)windows->left_out);
}

static void line_say(const struct importance_subject *subject, const struct importance_line *line, struct buffer *out)
{
	const size_t before = out->length, bar = (size_t)(line->share * BAR_COLUMNS + 0.5);
	buffer_shown_around(out, "  ", subject->features[line->feature].name, "");
	for (size_t length = out->length - before; length < NAME_COLUMNS; length++)
		buffer_byte(out, ' ');
	buffer_print(out, " %12.6g  %5.1f%%", mean_of(&subject->last, line->feature), 100 * line->share);
	if (has_moved(subject))
		buffer_print(out, "  %+6.1f", 100 * (line->share - importance_share(&subject->first, line->feature)));
	buffer_string(out, "  ");
	for (size_t i = 0; i < bar; i++)
		buffer_byte(out, '#');
	buffer_byte(out, '\n');
}

static void subject_say(const struct importance_list *list, const struct importance_subject *subject, struct buffer *out)
{
	const struct importance_line *lines = lines_of(list, subject);
	const size_t shown = lines_shown(subject);
	buffer_shown_around(out, "step `", subject->step, "");
	buffer_shown_around(out, "`, output ", subject->output, "");
	buffer_shown_around(out, " by ", subject->method, ": ");
	windows_say(&subject->last, out);
	buffer_string(out, has_moved(subject)
				   ? "\n  mean absolute contribution, its share, and by how many points the share changed\n"
				   : "\n  mean absolute contribution, and its share\n");
	for (size_t i = 0; lines && i < shown; i++)
		line_say(subject, &lines[i], out);
	if (lines && subject->feature_count > shown)
		buffer_print(out, "  %zu other%s: %.1f%%\n", subject->feature_count - shown,
			     subject->feature_count - shown == 1 ? "" : "s", 100 * others_share(subject, lines));
	if (!has_moved(subject))
		return;
	buffer_print(out, "  shift %.3g from the first windows: ", importance_subject_shift(subject));
	windows_say(&subject->first, out);
	buffer_byte(out, '\n');
}

void importance_print_text(const struct importance_list *list, const char *pipeline, struct buffer *out)
{
	if (list->subject_count == 0)
		buffer_print(out, "%s: no window has closed yet\n", pipeline);
	for (size_t i = 0; i < list->subject_count; i++)
		subject_say(list, &list->subjects[i], out);
}

/* ---- JSON ---- */

static void windows_put(struct buffer *out, const struct importance_windows *windows)
{
	buffer_print(out,
		     "{\"explanations\": %llu, \"windows\": %zu, \"begin_ms\": %lld, \"end_ms\": %lld, \"late\": %llu, "
		     "\"left_out\": %llu}",
		     (unsigned long long)windows->importance->records, windows->windows, (long long)windows->begin_ms,
		     (long long)windows->end_ms, (unsigned long long)windows->late, (unsigned long long)windows->left_out);
}

static void subject_put(const struct importance_list *list, const struct importance_subject *subject, struct buffer *out)
{
	const struct importance_line *lines = lines_of(list, subject);
	json_write_member(out, "{", "step", subject->step);
	json_write_member(out, ", ", "explained", subject->explained);
	json_write_member(out, ", ", "output", subject->output);
	json_write_member(out, ", ", "method", subject->method);
	buffer_string(out, ", \"last\": ");
	windows_put(out, &subject->last);
	buffer_string(out, ", \"first\": ");
	windows_put(out, &subject->first);
	json_write_finite_member(out, ", ", "shift", importance_subject_shift(subject));
	buffer_string(out, ", \"features\": [");
	for (size_t i = 0; lines && i < subject->feature_count; i++) {
		const size_t feature = lines[i].feature;
		const double share = importance_share(&subject->last, feature), first = importance_share(&subject->first, feature);
		json_write_member(out, i ? ", {" : "{", "feature", subject->features[feature].name);
		json_write_finite_member(out, ", ", "importance", mean_of(&subject->last, feature));
		json_write_finite_member(out, ", ", "share", share);
		json_write_finite_member(out, ", ", "first_importance", mean_of(&subject->first, feature));
		json_write_finite_member(out, ", ", "first_share", first);
		json_write_finite_member(out, ", ", "shift", share - first);
		buffer_byte(out, '}');
	}
	buffer_string(out, "]}");
}

void importance_print_json(const struct importance_list *list, const char *pipeline, struct buffer *out)
{
	json_write_member(out, "{", "pipeline", text_of(pipeline));
	buffer_string(out, ", \"importance\": [");
	for (size_t i = 0; i < list->subject_count; i++) {
		buffer_string(out, i ? ", " : "");
		subject_put(list, &list->subjects[i], out);
	}
	buffer_string(out, "]}\n");
}

/* ---- HTML ---- */

static const char importance_style[] = "td.bar{width:18rem}td.bar div{background:var(--Up);height:.8em}td.n{text-align:right}";

static void line_write(const struct importance_subject *subject, const struct importance_line *line, struct buffer *out)
{
	html_write_around(out, "<tr><td>", subject->features[line->feature].name, "");
	buffer_print(out, "</td><td class=\"n\">%.6g</td><td class=\"n\">%.1f%%</td>", mean_of(&subject->last, line->feature),
		     100 * line->share);
	if (has_moved(subject))
		buffer_print(out, "<td class=\"n\">%+.1f</td>",
			     100 * (line->share - importance_share(&subject->first, line->feature)));
	buffer_print(out, "<td class=\"bar\"><div style=\"width:%.1f%%\"></div></td></tr>\n", 100 * line->share);
}

static void subject_write(const struct importance_list *list, const struct importance_subject *subject, struct buffer *out)
{
	const struct importance_line *lines = lines_of(list, subject);
	const size_t shown = lines_shown(subject);
	html_write_around(out, "<h2>", subject->step, "");
	html_write_around(out, ": ", subject->output, "");
	html_write_around(out, "</h2>\n<p>By ", subject->method, ": ");
	windows_say(&subject->last, out);
	if (has_moved(subject)) {
		buffer_print(out, ". Shift %.3g from the first windows: ", importance_subject_shift(subject));
		windows_say(&subject->first, out);
	}
	buffer_string(out, ".</p>\n<table><tr><th>feature</th><th>mean |contribution|</th><th>share</th>");
	buffer_string(out, has_moved(subject) ? "<th>change in points</th><th></th></tr>\n" : "<th></th></tr>\n");
	for (size_t i = 0; lines && i < shown; i++)
		line_write(subject, &lines[i], out);
	buffer_string(out, "</table>\n");
	if (lines && subject->feature_count > shown)
		buffer_print(out, "<p>%zu other%s: %.1f%%.</p>\n", subject->feature_count - shown,
			     subject->feature_count - shown == 1 ? "" : "s", 100 * others_share(subject, lines));
}

void importance_print_html(const struct importance_list *list, const char *pipeline, struct buffer *out)
{
	html_begin(out, "Importance of features of ", text_of(pipeline), importance_style);
	html_write_around(out, "<h1>Importance of features of ", text_of(pipeline), "</h1>\n");
	if (list->subject_count == 0)
		buffer_string(out, "<p>No window has closed yet.</p>\n");
	for (size_t i = 0; i < list->subject_count; i++)
		subject_write(list, &list->subjects[i], out);
	html_end(out);
}
