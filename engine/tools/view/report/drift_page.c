/* drift_page.c: see drift_page.h. */
#include "tools/view/report/drift_page.h"

#include <math.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/number/moment.h"
#include "tools/view/report/drift_windows.h"
#include "tools/view/report/estimate_chart.h"
#include "tools/view/report/html_parts.h"
#include "tools/view/json_member.h"

#define WIDTH 860.0
#define LABELS 200.0 /* width of the names beside a map */
#define LINE 20.0
#define AXIS 22.0
#define PICTURE_HEIGHT 120.0
#define PERCENT 100.0
#define FAINTEST 0.25 /* opacity of an established effect of 0; one of 1 or more is opaque */

static const char page_style[] = ESTIMATE_CHART_STYLE
	"svg{width:100%;height:auto;font:12px sans-serif}svg text{fill:var(--Ink)}.none{fill:var(--Line);fill-opacity:.35}"
	".moved{fill:var(--Down)}.alarm{fill:var(--Ink)}.was{fill:var(--Line)}.is{fill:var(--Up);fill-opacity:.6}"
	".say{font-size:1.5em;font-weight:bold;margin:.2em 0}.strip{display:flex;flex-wrap:wrap;gap:.6em;padding:0}"
	".strip li{list-style:none;background:var(--Soft);padding:.4em .8em;border-radius:.4em}.strip "
	"b{display:block}" HTML_TABLE_STYLE
	".pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(16em,100%),1fr));gap:1em}"
	".pictures figure{margin:0;min-width:0}\n";

struct drift_page {
	struct drift_windows data;
	struct buffer *out;
	size_t *features; /* their numbers, the one that moved most first */
	size_t *segments; /* the largest score first */
	size_t *windows;  /* of a segment, for a while */
};

/* ---- order ---- */

struct drift_rank {
	double size;
	size_t number;
};

static int ranks_compare(const void *left, const void *right)
{
	const struct drift_rank *a = left, *b = right;
	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	return a->number < b->number ? -1 : 1;
}

static size_t *ranks_sort(struct drift_rank *ranks, size_t count, struct arena *arena)
{
	size_t *numbers = ARENA_ARRAY(arena, size_t, count + 1);
	qsort(ranks, count, sizeof *ranks, ranks_compare);
	for (size_t i = 0; numbers && i < count; i++)
		numbers[i] = ranks[i].number;
	return numbers;
}

static bool page_sort(struct drift_page *page, struct arena *arena)
{
	const struct drift_windows *data = &page->data;
	const size_t most = data->feature_count > data->segment_count ? data->feature_count : data->segment_count;
	struct drift_rank *ranks = ARENA_ARRAY(arena, struct drift_rank, most + 1);
	page->windows = ARENA_ARRAY(arena, size_t, data->window_count + 1);
	if (!ranks || !page->windows)
		return false;
	for (size_t i = 0; i < data->feature_count; i++)
		ranks[i] = (struct drift_rank){data->features[i].established ? data->features[i].excess : -INFINITY, i};
	page->features = ranks_sort(ranks, data->feature_count, arena);
	for (size_t i = 0; i < data->segment_count; i++)
		ranks[i] = (struct drift_rank){data->segments[i].score, i};
	page->segments = ranks_sort(ranks, data->segment_count, arena);
	return page->features && page->segments;
}

/* ---- top ---- */

static void number_write(struct buffer *out, const char *format, double number)
{
	if (isfinite(number))
		buffer_print(out, format, number);
	else
		buffer_string(out, "-");
}

static void count_write(struct drift_page *page, const char *name, const char *member)
{
	buffer_print(page->out, "<li><b>%s</b>", name);
	number_write(page->out, "%.6g", member_number_read(page->data.sums, member));
	buffer_string(page->out, "</li>\n");
}

static void lacking_write(struct drift_page *page)
{
	const json_t *list = json_object_get(page->data.sums, "columns_not_compared");
	const size_t count = json_array_size(list);
	if (count == 0)
		return;
	buffer_string(page->out, "<p>Columns that the reference lacks were not compared:");
	for (size_t i = 0; i < count; i++) {
		const json_t *name = json_array_get(list, i);
		html_write_around(page->out, i ? ", " : " ", (struct text){json_string_value(name), json_string_length(name)}, "");
	}
	buffer_string(page->out, ". Learn the reference again to compare them.</p>\n");
}

/* The windows that are the reference, if that is the past of the stream. */
static void past_write(struct drift_page *page)
{
	const json_t *past = json_object_get(page->data.sums, "past");
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	if (!past)
		return;
	moment_print((int64_t)member_number_read(past, "first_ms"), first);
	moment_print((int64_t)member_number_read(past, "last_ms"), last);
	buffer_print(page->out, "<p>The reference: %.0f windows of the past with %.0f rows, from %s to %s.",
		     member_number_read(past, "windows"), member_number_read(past, "rows"), first, last);
	if (member_number_read(past, "windows_left_out") > 0)
		buffer_print(page->out, " %.0f windows in alarm were left out.", member_number_read(past, "windows_left_out"));
	buffer_string(page->out, "</p>\n");
}

static void top_write(struct drift_page *page, const char *pipeline, const char *step)
{
	const json_t *sums = page->data.sums;
	struct buffer *out = page->out;
	html_write_around(out, "<h1>Drift of step ", text_of(step), "");
	html_write_around(out, " in pipeline ", text_of(pipeline), "");
	buffer_print(out, "</h1>\n<p class=\"say\">%.0f of %zu windows have drift.</p>\n<ul class=\"strip\">\n",
		     member_number_read(sums, "windows_with_drift"), page->data.window_count);
	count_write(page, "Alarms raised", "alarms");
	count_write(page, "False alarms declared", "false_alarms_declared");
	if (member_number_read(sums, "alarms_not_declared") > 0)
		count_write(page, "Alarms of lost features, not declared", "alarms_not_declared");
	count_write(page, "Windows with drift", "windows_with_drift");
	count_write(page, "Windows with data out of the bounds of quality", "windows_with_quality_alarm");
	count_write(page, "Rows compared", "rows_compared");
	buffer_string(out, "</ul>\n<p>An alarm is a window with drift, or with data out of the bounds of quality. Without any "
			   "change, so many false alarms as declared, or fewer, are to be expected in these windows.</p>\n");
	past_write(page);
	lacking_write(page);
	if (member_number_read(sums, "rows_beyond_segments") > 0)
		buffer_print(out, "<p>Not compared: %.0f rows of segments beyond the limit.</p>\n",
			     member_number_read(sums, "rows_beyond_segments"));
	const char *unestimated = json_string_value(json_object_get(sums, "not_estimated"));
	if (unestimated)
		html_write_around(out, "<p>", text_of(unestimated), ".</p>\n");
	if (member_number_read(sums, "messages_without_segment") > 0) {
		buffer_print(out, "<p>Not compared: %.0f messages without a segment. Of the first: ",
			     member_number_read(sums, "messages_without_segment"));
		html_write_around(out, "", drift_text(sums, "without_segment_since"), "</p>\n");
	}
}

/* ---- map ---- */

static void window_name_write(struct drift_page *page, const struct drift_window *window)
{
	char moment[MOMENT_BYTES];
	buffer_print(page->out, "window %lld", (long long)window->number);
	if (!window->timed)
		return;
	moment_print(window->begin_ms, moment);
	buffer_print(page->out, ", from %s", moment);
}

/* The cell of several windows: the one that is farthest above its level; `alarm` if any has one. NULL: none was judged. */
static const struct drift_window *cells_merge(const struct drift_page *page, size_t feature, size_t from, size_t until, bool *alarm)
{
	const struct drift_window *found = NULL;
	*alarm = false;
	for (size_t i = from; i < until; i++) {
		const struct drift_window *window = &page->data.windows[page->windows[i]];
		const struct page_cell *cell = &window->cells[feature], *best = found ? &found->cells[feature] : NULL;
		*alarm = *alarm || cell->alarm;
		if (!cell->judged)
			continue;
		const bool farther = best && cell->effect - cell->level > best->effect - best->level;
		if (!best || (cell->established == best->established ? farther : cell->established))
			found = window;
	}
	return found;
}

static void test_write(struct drift_page *page, const struct page_cell *cell)
{
	html_write_around(page->out, "", cell->method, " effect ");
	number_write(page->out, "%.3g", cell->effect);
	buffer_string(page->out, ", level ");
	number_write(page->out, "%.3g", cell->level);
	buffer_string(page->out, ", p ");
	number_write(page->out, "%.2g", cell->p);
}

static void cell_write(struct drift_page *page, size_t feature, const size_t span[2], double x, double y, double width)
{
	bool alarm;
	const struct drift_window *window = cells_merge(page, feature, span[0], span[1], &alarm);
	const struct page_cell *cell = window ? &window->cells[feature] : NULL;
	struct buffer *out = page->out;
	if (cell && !cell->established)
		buffer_print(out, "<rect class=\"none\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x, y,
			     width - 1, LINE - 2);
	if (cell && cell->established) {
		const double shade = FAINTEST + (1 - FAINTEST) * fmin(1, fmax(0, isnan(cell->effect) ? 0 : cell->effect));
		buffer_print(out,
			     "<rect class=\"moved\" fill-opacity=\"%.2f\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			     "height=\"%.1f\"><title>",
			     shade, x, y, width - 1, LINE - 2);
		window_name_write(page, window);
		buffer_string(out, ": ");
		test_write(page, cell);
		buffer_string(out, "</title></rect>");
	}
	if (alarm)
		buffer_print(out, "<circle class=\"alarm\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>data out of the bounds of "
				  "quality</title></circle>", x + width / 2, y + LINE / 2 - 1);
}

static void map_draw(struct drift_page *page, size_t count)
{
	const size_t lines = page->data.feature_count < DRIFT_PAGE_FEATURES ? page->data.feature_count : DRIFT_PAGE_FEATURES;
	const size_t merged = (count + DRIFT_PAGE_COLUMNS - 1) / DRIFT_PAGE_COLUMNS, columns = (count + merged - 1) / merged;
	const double width = fmin(LINE * 2, (WIDTH - LABELS) / (double)columns), bottom = LINE * (double)lines;
	struct buffer *out = page->out;
	if (merged > 1)
		buffer_print(out, "<p>Each column has up to %zu windows, and shows the one that moved most.</p>\n", merged);
	buffer_print(out, "<svg class=\"map\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"effects by feature and time\">\n",
		     WIDTH, bottom + AXIS);
	for (size_t i = 0; i < lines; i++) {
		const size_t feature = page->features[i];
		/* An inner image cuts long names. */
		buffer_print(out, "<svg x=\"0\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\"><text x=\"0\" y=\"14\">",
			     LINE * (double)i, LABELS - 6, LINE);
		html_write_around(out, "", page->data.features[feature].name, "</text></svg>\n");
		for (size_t column = 0; column < columns; column++) {
			const size_t end = (column + 1) * merged;
			const size_t span[2] = {column * merged, end < count ? end : count};
			cell_write(page, feature, span, LABELS + width * (double)column, LINE * (double)i, width);
		}
		buffer_byte(out, '\n');
	}
	buffer_print(out, "<text x=\"%.1f\" y=\"%.1f\">", LABELS, bottom + 15);
	window_name_write(page, &page->data.windows[page->windows[0]]);
	buffer_string(out, " to ");
	window_name_write(page, &page->data.windows[page->windows[count - 1]]);
	buffer_string(out, "</text></svg>\n");
}

/* Lists the windows of a segment; how many there are. */
static size_t windows_list(struct drift_page *page, size_t segment)
{
	const struct drift_windows *data = &page->data;
	size_t count = 0;
	for (size_t i = 0; i < data->window_count; i++)
		if (data->windows[i].segment == segment)
			page->windows[count++] = i;
	return count;
}

/* That of rows for which `groupBy` is empty, as `key ?? ""` is without a key, has none. */
static void segment_name_write(struct buffer *out, const char *before, struct text name)
{
	html_write_around(out, before, name.length > 0 ? name : TEXT("without a name"), "");
}

static void segment_write(struct drift_page *page, size_t segment)
{
	const struct drift_windows *data = &page->data;
	const size_t count = windows_list(page, segment);
	if (data->segmented) {
		segment_name_write(page->out, "<h3>Segment ", data->segments[segment].name);
		buffer_print(page->out, ": %zu of %zu windows with drift</h3>\n", data->segments[segment].drifted, count);
	}
	if (count > 0)
		map_draw(page, count);
}

static void maps_write(struct drift_page *page)
{
	const struct drift_windows *data = &page->data;
	struct buffer *out = page->out;
	buffer_string(out, "<h2>Effects by feature and time</h2>\n");
	if (data->feature_count == 0) {
		buffer_string(out, "<p>No window has been compared with a reference.</p>\n");
		return;
	}
	buffer_string(out, "<p>Red: an effect is established, the stronger the larger it is (1 or more is full). Grey: none is "
			   "established. Blank: too few values to judge. A dot: data out of the bounds of quality.</p>\n");
	if (data->feature_count > DRIFT_PAGE_FEATURES)
		buffer_print(out, "<p>Shown are the %d features that moved most; %zu other%s in the data.</p>\n",
			     DRIFT_PAGE_FEATURES, data->feature_count - DRIFT_PAGE_FEATURES,
			     data->feature_count - DRIFT_PAGE_FEATURES == 1 ? " is" : "s are");
	if (data->segment_count > DRIFT_PAGE_SEGMENTS)
		buffer_print(out, "<p>Shown are the %d segments with the largest scores; %zu other%s in the data.</p>\n",
			     DRIFT_PAGE_SEGMENTS, data->segment_count - DRIFT_PAGE_SEGMENTS,
			     data->segment_count - DRIFT_PAGE_SEGMENTS == 1 ? " is" : "s are");
	for (size_t i = 0; i < data->segment_count && i < DRIFT_PAGE_SEGMENTS; i++)
		segment_write(page, page->segments[i]);
}

/* ---- estimates ---- */

static void estimate_write(struct drift_page *page, enum estimate_figure figure)
{
	static const struct {
		const char *title, *from;
	} figures[ESTIMATE_FIGURES] = {[ESTIMATE_ACCURACY] = {"Accuracy", "the classifier's own probabilities"},
				       [ESTIMATE_AUC] = {"AUC", "the classifier's own probabilities"},
				       [ESTIMATE_ERROR] = {"Absolute error", "the errors that a second model expects"}};
	const struct drift_windows *data = &page->data;
	struct buffer *out = page->out;
	if (!estimate_is_known(data, figure))
		return;
	buffer_print(out,
		     "<h2>%s by window</h2>\n<p>Line: the estimate from %s, with the band of "
		     "95 of 100 windows. Dots: what was realised in the rows with feedback; black within the band of these "
		     "rows, red outside of it, grey of too few rows. If the same inputs come to need other answers (concept "
		     "drift), the estimate is wrong, and the dots show it.</p>\n",
		     figures[figure].title, figures[figure].from);
	estimate_write_sums(data, figure, out);
	for (size_t i = 0; i < data->segment_count && i < DRIFT_PAGE_SEGMENTS; i++) {
		const size_t count = windows_list(page, page->segments[i]);
		if (data->segmented) {
			segment_name_write(out, "<h3>Segment ", data->segments[page->segments[i]].name);
			buffer_string(out, "</h3>\n");
		}
		estimate_chart_write(data, figure, page->windows, count, out);
	}
}

/* ---- features that moved most ---- */

static double counts_sum(const double *counts)
{
	double sum = 0;
	for (size_t i = 0; i < DRIFT_BINS_MAX; i++)
		sum += counts[i];
	return fmax(1, sum);
}

static void bin_name_write(struct buffer *out, const struct drift_feature_view *feature, size_t bin)
{
	const double width = (feature->high - feature->low) / (double)(feature->bins > 2 ? feature->bins - 2 : 1);
	if (feature->categories && bin + 2 < feature->bins)
		html_write_text(out, feature->categories[bin]);
	else if (feature->categories)
		buffer_string(out, bin + 1 < feature->bins ? "other categories of the reference" : "never seen before");
	else if (bin == 0)
		buffer_print(out, "below %.4g", feature->low);
	else if (bin + 1 == feature->bins)
		buffer_print(out, "above %.4g", feature->high);
	else
		buffer_print(out, "%.4g to %.4g", feature->low + width * (double)(bin - 1), feature->low + width * (double)bin);
}

static void picture_write(struct drift_page *page, const struct drift_feature_view *feature)
{
	const double sums[2] = {counts_sum(feature->reference), counts_sum(feature->current)};
	const double width = WIDTH / 2 / (double)feature->bins;
	struct buffer *out = page->out;
	double most = 0;
	for (size_t i = 0; i < feature->bins; i++)
		most = fmax(most, fmax(feature->reference[i] / sums[0], feature->current[i] / sums[1]));
	html_write_around(out, "<figure><figcaption>", feature->name, ", ");
	window_name_write(page, &page->data.windows[feature->most]);
	buffer_print(out, "</figcaption><svg class=\"picture\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"reference and "
			  "window\">\n", WIDTH / 2, PICTURE_HEIGHT);
	for (size_t i = 0; i < feature->bins; i++) {
		const double was = feature->reference[i] / sums[0], is = feature->current[i] / sums[1];
		const double high = PICTURE_HEIGHT * was / fmax(most, 1e-9), higher = PICTURE_HEIGHT * is / fmax(most, 1e-9);
		buffer_string(out, "<g><title>");
		bin_name_write(out, feature, i);
		buffer_print(out, ": reference %.3g%%, window %.3g%%</title>", PERCENT * was, PERCENT * is);
		buffer_print(out,
			     "<rect class=\"was\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
			     "<rect class=\"is\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></g>\n",
			     width * (double)i, PICTURE_HEIGHT - high, width - 1, high, width * ((double)i + 0.2),
			     PICTURE_HEIGHT - higher, width * 0.6, higher);
	}
	buffer_string(out, "</svg></figure>\n");
}

static void mover_write(struct drift_page *page, const struct drift_feature_view *feature, size_t number)
{
	const struct drift_window *window = &page->data.windows[feature->most];
	const struct page_cell *cell = &window->cells[number];
	struct buffer *out = page->out;
	html_write_around(out, "<tr><th scope=\"row\">", feature->name, "");
	buffer_print(out, "</th><td>%zu</td><td class=\"t\">", feature->established);
	window_name_write(page, window);
	if (page->data.segmented)
		segment_name_write(out, " of segment ", page->data.segments[window->segment].name);
	buffer_string(out, "</td><td class=\"t\">");
	test_write(page, cell);
	buffer_string(out, "</td><td>");
	number_write(out, "%+.1f", PERCENT * cell->importance);
	buffer_string(out, "</td></tr>\n");
}

static size_t movers_count(const struct drift_page *page)
{
	size_t count = 0;
	while (count < page->data.feature_count && count < DRIFT_PAGE_MOVERS &&
	       page->data.features[page->features[count]].established > 0)
		count++;
	return count;
}

static void movers_write(struct drift_page *page)
{
	const size_t count = movers_count(page);
	struct buffer *out = page->out;
	buffer_string(out, "<h2>Features that moved most</h2>\n");
	if (count == 0) {
		buffer_string(out, "<p>No change of any feature is established, so there are no distributions to show.</p>\n");
		return;
	}
	buffer_string(out, "<table><tr><th>feature</th><th>windows with an established effect</th><th class=\"t\">largest "
			   "in</th><th class=\"t\">by</th><th>shift of importance there, points</th></tr>\n");
	for (size_t i = 0; i < count; i++)
		mover_write(page, &page->data.features[page->features[i]], page->features[i]);
	buffer_string(out, "</table>\n<p>Grey: the reference. Blue, narrower: the window where the feature moved most. Both are "
			   "shares of values; the outer bars of numbers are what is below and above the middle 98% of the "
			   "reference.</p>\n<div class=\"pictures\">\n");
	for (size_t i = 0; i < count; i++)
		if (page->data.features[page->features[i]].bins > 0)
			picture_write(page, &page->data.features[page->features[i]]);
	buffer_string(out, "</div>\n");
}

/* ---- importance ---- */

static void importance_write(struct drift_page *page, struct arena *arena)
{
	const struct drift_windows *data = &page->data;
	struct drift_rank *ranks = ARENA_ARRAY(arena, struct drift_rank, data->feature_count + 1);
	size_t count = 0;
	struct buffer *out = page->out;
	buffer_string(out, "<h2>Shift of importance</h2>\n");
	for (size_t i = 0; ranks && i < data->feature_count; i++)
		if (!isnan(data->features[i].importance))
			ranks[count++] = (struct drift_rank){fabs(data->features[i].importance), i};
	if (count == 0) {
		buffer_string(out, "<p>Not known: it needs a topic as source, and a step `explain` of the pipeline that keeps "
				   "`importance`, with windows of these times.</p>\n");
		return;
	}
	qsort(ranks, count, sizeof *ranks, ranks_compare);
	buffer_string(out, "<p>By how many points a feature's share of the mean absolute contributions (mean |SHAP|) changed from "
			   "the first windows of the explanations: the largest change in these windows.</p>\n"
			   "<table><tr><th>feature</th><th>points</th></tr>\n");
	for (size_t i = 0; i < count && i < DRIFT_PAGE_FEATURES; i++) {
		html_write_around(out, "<tr><th scope=\"row\">", data->features[ranks[i].number].name, "");
		buffer_print(out, "</th><td>%+.1f</td></tr>\n", PERCENT * data->features[ranks[i].number].importance);
	}
	buffer_string(out, "</table>\n");
}

/* ---- examples ---- */

/* Those of a file may have none. */
static bool examples_have_ids(const json_t *list)
{
	size_t with = 0;
	for (size_t i = 0; i < json_array_size(list); i++)
		with += drift_text(json_array_get(list, i), "id").length > 0;
	return with > 0;
}

static void example_write(struct buffer *out, const json_t *item, bool has_ids)
{
	const json_t *value = json_object_get(item, "value");
	const struct text origin = drift_text(item, "origin");
	buffer_string(out, "<tr><td class=\"t\">");
	if (origin.length > 0)
		html_write_text(out, origin);
	else
		buffer_print(out, "message %.0f of the source", member_number_read(item, "message"));
	buffer_print(out, "</td><td>%.0f</td>", member_number_read(item, "row"));
	if (has_ids) {
		const struct text id = drift_text(item, "id");
		html_write_around(out, "<td class=\"t\">", id.length > 0 ? id : TEXT("none"), "</td>");
	}
	buffer_string(out, "<td>");
	if (json_is_string(value))
		html_write_text(out, drift_text(item, "value"));
	else if (json_is_number(value))
		buffer_print(out, "%.6g", json_number_value(value));
	else
		buffer_string(out, "never seen before");
	buffer_string(out, "</td></tr>\n");
}

static void examples_write(struct drift_page *page)
{
	const json_t *examples = json_object_get(page->data.sums, "examples"), *list = json_object_get(examples, "requests");
	const bool has_ids = examples_have_ids(list);
	struct buffer *out = page->out;
	buffer_string(out, "<h2>Example requests</h2>\n");
	if (json_array_size(list) == 0) {
		buffer_string(out, "<p>No window has drift, so there are no examples of it.</p>\n");
		return;
	}
	buffer_print(out, "<p>Of window %.0f", member_number_read(examples, "window"));
	if (page->data.segmented)
		segment_name_write(out, " of segment ", drift_text(examples, "segment"));
	html_write_around(out, ", which has the largest drift_score: those whose value of ", drift_text(examples, "feature"),
			  " is the most unusual beside the reference. Records of a topic are TOPIC-PARTITION-OFFSET; a file has no "
			  "offsets, and its messages are numbered from 1.</p>\n<table><tr><th>request</th><th>row</th>");
	buffer_string(out, has_ids ? "<th class=\"t\">id</th><th>value</th></tr>\n" : "<th>value</th></tr>\n");
	for (size_t i = 0; i < json_array_size(list); i++)
		example_write(out, json_array_get(list, i), has_ids);
	buffer_string(out, "</table>\n");
}

/* ---- what is not shown, and the data ---- */

static void absences_write(struct drift_page *page)
{
	buffer_string(page->out, "<h2>What this page does not show</h2>\n<ul>\n");
	if (!page->data.timed)
		buffer_string(page->out, "<li>Times: the rows of a file have none, so windows are numbered.</li>\n");
	buffer_string(page->out,
		      "<li>Distributions of other windows than the one where a feature moved most: they are in the data, as "
		      "`picture`.</li>\n"
		      "<li>Changes that are only in how features depend on one another: each feature is compared by itself.</li>\n"
		      "<li>Alerts that were sent: an alarm here is a verdict on a window, and `sluice alerts list` has the "
		      "alerts.</li>\n</ul>\n");
}

static void data_write(struct buffer *out, struct text lines)
{
	if (lines.length > DRIFT_PAGE_DATA_BYTES) {
		buffer_print(out, "<p>The data are %zu MiB, and not in this page; get them with -o json.</p>\n",
			     lines.length >> 20);
		return;
	}
	buffer_string(out, "<p><a download=\"drift.jsonl\" href=\"data:application/json;base64,");
	char *room = buffer_room(out, base64_write_room(lines.length));
	if (room)
		buffer_grown(out, base64_write(lines, room));
	buffer_string(out, "\">Download the data</a> (a line of JSON for each window; the last has the sums)</p>\n");
}

bool drift_page_write(struct text lines, const char *pipeline, const char *step, struct arena *arena, struct buffer *out,
		      struct error *error)
{
	struct drift_page page = {.out = out};
	bool good = drift_windows_read(&page.data, lines, arena, error);
	if (good && !page_sort(&page, arena))
		good = error_memory(error, ERROR_SYSTEM, "making a page of a report");
	if (good) {
		html_begin(out, "Drift of ", text_of(step), page_style);
		top_write(&page, pipeline, step);
		maps_write(&page);
		for (enum estimate_figure figure = 0; figure < ESTIMATE_FIGURES; figure++)
			estimate_write(&page, figure);
		movers_write(&page);
		importance_write(&page, arena);
		examples_write(&page);
		absences_write(&page);
		data_write(out, lines);
		html_end(out);
	}
	drift_windows_close(&page.data);
	if (good && buffer_failed(out))
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "the page is too large to write; get the data with -o json");
	return good;
}
