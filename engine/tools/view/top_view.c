/* top_view.c: see top_view.h. A row has narrow fields in columns, and below them lines with what the pipeline waits
 * for; on a wide terminal that is part of the row, if it fits. */
#include "tools/view/top_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number/duration.h"
#include "base/line_wrap.h"
#include "base/number/moment.h"
#include "base/quote.h"

#define ELLIPSIS "…"
#define NOTE_LINES_MAX 3 /* below a row: of 80 columns, as many as an error of a model server needs */
#define WIDE_COLUMNS 140 /* from here on a row has all figures, and its reason beside them */
#define NAME_LEAST 8
#define NAME_MOST 40
#define ENGINE_MOST 24
#define STATE_COLUMNS 10 /* "not ready", and a space */
#define FIGURE_BYTES 32
#define FAILURE_BYTES 200 /* that are shown of the error by which an engine ended: its log has all of it */
#define LINE_BYTES_MAX ((size_t)64 << 10)
#define LINES_BESIDE 4 /* head, names of columns, total, and the number of omitted lines */

/* ---- which and in which order ---- */

bool top_is_silent(const struct status *status, int64_t now_ms)
{
	const int64_t heard_ms = status->heard_ms > status->at_ms ? status->heard_ms : status->at_ms;
	return now_ms - heard_ms > STATUS_STALE_MS || now_ms - status->at_ms > STATUS_QUIET_MS + STATUS_STALE_MS;
}

bool top_is_gone(const struct status *status, int64_t now_ms)
{
	return status->stopped || top_is_silent(status, now_ms);
}

void top_gone_print(const struct status *status, struct buffer *out)
{
	struct text failure = status->failure;
	const bool is_long = failure.length > FAILURE_BYTES;
	if (!status->stopped) {
		buffer_string(out, "the engine has crashed, is frozen, or has no network");
		return;
	}
	if (failure.length == 0) {
		buffer_string(out, "the engine was stopped");
		return;
	}
	for (failure.length = is_long ? FAILURE_BYTES : failure.length;
	     is_long && failure.length > 0 && ((unsigned char)failure.bytes[failure.length] & 0xC0) == 0x80;)
		failure.length--;
	buffer_string(out, "the engine ended by an error: ");
	buffer_text(out, failure);
	buffer_string(out, is_long ? ELLIPSIS : "");
}

const struct status *top_other_version(const struct status *const *items, size_t count, const struct status *status, int64_t now_ms)
{
	if (status->version.length == 0 || top_is_silent(status, now_ms))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct status *other = items[i];
		if (text_equal(other->pipeline, status->pipeline) && text_equal(other->group, status->group) &&
		    other->version.length > 0 && !text_equal(other->version, status->version) && !top_is_silent(other, now_ms))
			return other;
	}
	return NULL;
}

static bool is_served(const struct status *const *items, size_t count, const struct status *status, int64_t now_ms)
{
	for (size_t i = 0; i < count; i++)
		if (text_equal(items[i]->pipeline, status->pipeline) && !items[i]->stopped && !top_is_silent(items[i], now_ms))
			return true;
	return false;
}

size_t top_view_keep(const struct status **items, size_t count, int64_t now_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		const struct status *status = items[i];
		bool leaves = status->stopped &&
			      (is_served(items, kept, status, now_ms) || is_served(items + i, count - i, status, now_ms));
		if (!leaves)
			items[kept++] = status;
	}
	return kept;
}

static double sort_key(const struct status *status, enum top_sort sort)
{
	switch (sort) {
	case TOP_SORT_LAG:
		return (double)status->lag;
	case TOP_SORT_RATE:
		return status->rate;
	case TOP_SORT_ERRORS:
		return (double)status->sums.failed;
	case TOP_SORT_P99:
		return status->p99_ms;
	default:
		return 0;
	}
}

static bool stands_before(const struct status *a, const struct status *b, enum top_sort sort)
{
	double one = sort_key(a, sort), other = sort_key(b, sort);
	if (one != other)
		return one > other;
	int order = text_compare(a->pipeline, b->pipeline);
	return order ? order < 0 : text_compare(a->instance, b->instance) < 0;
}

/* By insertion: each second they are nearly in order. */
void top_view_sort(const struct status **items, size_t count, enum top_sort sort)
{
	for (size_t i = 1; i < count; i++) {
		const struct status *status = items[i];
		size_t at = i;
		for (; at > 0 && stands_before(status, items[at - 1], sort); at--)
			items[at] = items[at - 1];
		items[at] = status;
	}
}

/* ---- columns ---- */

/* Of a character of others' words: at most two, and one of what is written here. */
static int columns_of(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if ((lead & 0xC0) == 0x80)
		return 0;
	return lead >= 0xE3 || lead == 0xE1 ? 2 : 1;
}

/* The text, cut off at so many columns, and where `fills` with spaces up to there. */
static void print_cut(struct buffer *out, struct text text, int most, bool fills)
{
	int taken = 0;
	size_t length = 0, fits = 0;
	while (length < text.length && taken + columns_of((unsigned char)text.bytes[length]) <= most) {
		taken += columns_of((unsigned char)text.bytes[length++]);
		if (taken < most)
			fits = length;
	}
	if (length == text.length) {
		buffer_text(out, text);
	} else {
		while (fits > 0 && fits < text.length && ((unsigned char)text.bytes[fits] & 0xC0) == 0x80)
			fits--;
		buffer_append(out, text.bytes, fits);
		buffer_string(out, ELLIPSIS);
		taken = most;
	}
	for (; fills && taken < most; taken++)
		buffer_byte(out, ' ');
}

struct top_layout {
	bool is_wide;
	int name, engine; /* columns */
	int note_lines; /* below each row, at most */
};

enum top_figure {
	FIGURE_RATE,
	FIGURE_P50,
	FIGURE_P99,
	FIGURE_IN_FLIGHT,
	FIGURE_LAG,
	FIGURE_ANSWERED,
	FIGURE_ERRORS,
	FIGURE_LETTERS
};

static const struct figure_column {
	const char *title;
	int columns; /* with the space before it */
	bool is_wide_only;
} figures[] = {
	[FIGURE_RATE] = {"PER S", 8, false},	[FIGURE_P50] = {"P50 MS", 9, true},
	[FIGURE_P99] = {"P99 MS", 9, false},	[FIGURE_IN_FLIGHT] = {"FLIGHT", 8, false},
	[FIGURE_LAG] = {"LAG", 9, false},	[FIGURE_ANSWERED] = {"ANSWERED", 11, true},
	[FIGURE_ERRORS] = {"ERRORS", 8, false}, [FIGURE_LETTERS] = {"LETTERS", 9, true},
};

#define FIGURES (sizeof figures / sizeof *figures)

static int widest(const struct top_view *view, size_t name_at, int least, int most)
{
	int columns = least;
	for (size_t i = 0; i < view->count; i++) {
		const struct text *name = (const struct text *)(const void *)((const char *)view->items[i] + name_at);
		int length = name->length < (size_t)most ? (int)name->length : most;
		columns = length > columns ? length : columns;
	}
	return columns;
}

static struct top_layout layout_of(const struct top_view *view)
{
	struct top_layout layout = {.is_wide = view->columns >= WIDE_COLUMNS};
	int left = view->columns - STATE_COLUMNS - 2;
	for (size_t i = 0; i < FIGURES; i++)
		left -= layout.is_wide || !figures[i].is_wide_only ? figures[i].columns : 0;
	layout.engine = widest(view, offsetof(struct status, instance), (int)strlen("ENGINE"), ENGINE_MOST);
	layout.name = widest(view, offsetof(struct status, pipeline), NAME_LEAST, NAME_MOST);
	if (layout.is_wide)
		left = layout.name + layout.engine;
	while (layout.name + layout.engine > left && layout.name + layout.engine > 2) {
		if (layout.name > layout.engine)
			layout.name--;
		else
			layout.engine--;
	}
	return layout;
}

/* ---- rows ---- */

/* Of millions. */
static void print_scaled(char text[FIGURE_BYTES], double number)
{
	static const char units[] = "MGTPEZ";
	size_t unit = 0;
	for (; number >= 1000 && unit + 2 < sizeof units; unit++)
		number /= 1000;
	(void)snprintf(text, FIGURE_BYTES, "%.1f%c", number, units[unit]);
}

static void print_number(char text[FIGURE_BYTES], double number)
{
	if (number < 0)
		(void)snprintf(text, FIGURE_BYTES, "-");
	else if (number < 1e6)
		(void)snprintf(text, FIGURE_BYTES, "%.0f", number);
	else
		print_scaled(text, number / 1e6);
}

/* Of an engine that is not heard only what lasts is known. */
static void print_figure(const struct status *status, enum top_figure figure, bool is_heard, char text[FIGURE_BYTES])
{
	double latency = figure == FIGURE_P50 ? status->p50_ms : status->p99_ms;
	bool has_latency = is_heard && (status->rate > 0 || latency > 0);
	switch (figure) {
	case FIGURE_RATE:
		print_number(text, is_heard ? status->rate : -1);
		break;
	case FIGURE_P50:
	case FIGURE_P99:
		if (has_latency && latency < 1000)
			(void)snprintf(text, FIGURE_BYTES, "%.1f", latency);
		else
			print_number(text, has_latency ? latency : -1);
		break;
	case FIGURE_IN_FLIGHT:
		print_number(text, is_heard ? (double)status->sums.in_flight : -1);
		break;
	case FIGURE_LAG:
		print_number(text, (double)status->lag);
		break;
	case FIGURE_ANSWERED:
		print_number(text, (double)status->sums.answered);
		break;
	case FIGURE_ERRORS:
		print_number(text, (double)status->sums.failed);
		break;
	case FIGURE_LETTERS:
		print_number(text, (double)status->sums.dead_letters);
		break;
	}
}

static void print_state(const struct status *status, int64_t now_ms, struct buffer *out)
{
	int64_t silent_s = (now_ms - status->at_ms) / MS_PER_S;
	if (status->stopped)
		buffer_string(out, status->failure.length > 0 ? "failed" : "stopped");
	else if (!top_is_silent(status, now_ms))
		buffer_text(out, status->ready ? status->state : TEXT("not ready"));
	else if (silent_s < 1000)
		buffer_print(out, "silent %" PRId64 "s", silent_s);
	else
		buffer_print(out, "silent %" PRId64 "m", silent_s / 60 < 100 ? silent_s / 60 : 99);
}

/* What it waits for and what else is to be known; empty: nothing. */
static void print_notes(const struct top_view *view, const struct status *status, struct buffer *out)
{
	const struct status *other = top_other_version(view->items, view->count, status, view->judged_ms);
	const char *gap = "";
	if (top_is_gone(status, view->judged_ms)) {
		if (status->lag > 0)
			buffer_print(out, "%" PRId64 " %s; ", status->lag, status->lag == 1 ? "record waits" : "records wait");
		top_gone_print(status, out);
		gap = "; ";
	} else if (status->why.length > 0) {
		buffer_text(out, status->why);
		gap = "; ";
	}
	if (status->firing.length > 0 && !top_is_gone(status, view->judged_ms)) {
		buffer_string(out, gap);
		buffer_text(out, status->firing);
		gap = "; ";
	}
	if (status->drift.length > 0 && !top_is_gone(status, view->judged_ms)) {
		buffer_string(out, gap);
		buffer_text(out, status->drift);
		gap = "; ";
	}
	if (status->receivers.length > 0 && !top_is_gone(status, view->judged_ms)) {
		buffer_string(out, gap);
		buffer_text(out, status->receivers);
		gap = "; ";
	}
	if (status->sums.resets > 0) {
		buffer_print(out, "%sresets %" PRIu64, gap, status->sums.resets);
		gap = "; ";
	}
	if (status->sums.skipped > 0) {
		buffer_print(out, "%sskipped %" PRIu64, gap, status->sums.skipped);
		gap = "; ";
	}
	if (other) {
		buffer_print(out, "%sruns other files than ", gap);
		buffer_text(out, other->instance);
	}
}

/* One that is escaped and fits. */
static void line_take(const struct top_view *view, const struct buffer *line, struct buffer *out)
{
	struct buffer shown;
	buffer_open(&shown, LINE_BYTES_MAX);
	buffer_shown(&shown, buffer_view(line));
	print_cut(out, buffer_view(&shown), view->columns, false);
	buffer_byte(out, '\n');
	out->failed = out->failed || buffer_failed(&shown) || buffer_failed(line);
	buffer_close(&shown);
}

static void print_row(const struct top_view *view, const struct top_layout *layout, const struct status *status,
		      struct buffer *line)
{
	char text[FIGURE_BYTES];
	bool is_heard = !top_is_silent(status, view->judged_ms) && !status->stopped;
	print_cut(line, status->pipeline, layout->name, true);
	buffer_byte(line, ' ');
	print_cut(line, status->instance, layout->engine, true);
	for (size_t i = 0; i < FIGURES; i++) {
		if (figures[i].is_wide_only && !layout->is_wide)
			continue;
		print_figure(status, (enum top_figure)i, is_heard, text);
		buffer_print(line, "%*s", figures[i].columns, text);
	}
	buffer_byte(line, ' ');
	print_state(status, view->judged_ms, line);
}

/* Below the row, wrapped; what is longer than `most` lines is cut. Returns how many there are. */
static int print_below(const struct top_view *view, struct text notes, int most, struct buffer *out)
{
	struct buffer indented, wrapped, line;
	int lines = 0;
	buffer_open(&indented, LINE_BYTES_MAX);
	buffer_open(&wrapped, LINE_BYTES_MAX);
	buffer_open(&line, LINE_BYTES_MAX);
	buffer_string(&indented, "    ");
	buffer_text(&indented, notes);
	lines_wrap(buffer_view(&indented), (size_t)view->columns, &wrapped);
	for (struct text rest = buffer_view(&wrapped); rest.length > 0 && lines < most; lines++) {
		const bool is_last = lines + 1 == most;
		buffer_clear(&line);
		buffer_text(&line, text_take_until(&rest, '\n'));
		while (is_last && rest.length > 0 && *rest.bytes == ' ')
			rest.bytes++, rest.length--;
		if (is_last && rest.length > 0) { /* which line_take() cuts */
			buffer_byte(&line, ' ');
			buffer_text(&line, rest);
		}
		line_take(view, &line, out);
	}
	out->failed |= buffer_failed(&indented) || buffer_failed(&wrapped);
	buffer_close(&indented);
	buffer_close(&wrapped);
	buffer_close(&line);
	return lines;
}

/* Returns how many lines it took. Notes are beside the row if they fit. */
static int render_entry(const struct top_view *view, const struct top_layout *layout, const struct status *status,
			struct buffer *out)
{
	struct buffer line, notes;
	int lines = 1;
	buffer_open(&line, LINE_BYTES_MAX);
	buffer_open(&notes, LINE_BYTES_MAX);
	print_row(view, layout, status, &line);
	print_notes(view, status, &notes);
	const size_t width = text_characters(buffer_view(&line)) + 2 + text_characters(buffer_view(&notes));
	const bool is_beside = layout->is_wide && width <= (size_t)view->columns;
	if (notes.length > 0 && is_beside) {
		buffer_string(&line, ": ");
		buffer_text(&line, buffer_view(&notes));
	}
	line_take(view, &line, out);
	if (notes.length > 0 && !is_beside)
		lines += print_below(view, buffer_view(&notes), layout->note_lines, out);
	buffer_close(&line);
	buffer_close(&notes);
	return lines;
}

/* ---- beside the rows ---- */

struct top_total {
	double rate, lag; /* the lag of each pipeline once */
	double in_flight, answered, failed, letters;
	size_t pipelines, engines, silent;
};

/* Whether an earlier item has the same name there. */
static bool was_counted(const struct top_view *view, size_t index, size_t name_at)
{
	const struct text *name = (const struct text *)(const void *)((const char *)view->items[index] + name_at);
	for (size_t i = 0; i < index; i++)
		if (text_equal(*(const struct text *)(const void *)((const char *)view->items[i] + name_at), *name))
			return true;
	return false;
}

static struct top_total total_of(const struct top_view *view)
{
	struct top_total total = {0};
	for (size_t i = 0; i < view->count; i++) {
		const struct status *status = view->items[i];
		bool is_heard = !top_is_silent(status, view->judged_ms) && !status->stopped;
		if (!was_counted(view, i, offsetof(struct status, pipeline))) {
			total.pipelines++;
			total.lag += status->lag > 0 ? (double)status->lag : 0;
		}
		if (!was_counted(view, i, offsetof(struct status, instance))) {
			total.engines++;
			total.silent += !is_heard;
		}
		total.rate += is_heard ? status->rate : 0;
		total.in_flight += is_heard ? (double)status->sums.in_flight : 0;
		total.answered += (double)status->sums.answered;
		total.failed += (double)status->sums.failed;
		total.letters += (double)status->sums.dead_letters;
	}
	return total;
}

/* Whether a line says how old what is shown is. */
static bool is_of_before(const struct top_view *view)
{
	return view->now_ms - view->judged_ms >= TOP_KAFKA_SILENT_MS;
}

static void print_age(const struct top_view *view, struct buffer *line)
{
	char moment[MOMENT_BYTES];
	moment_print(view->judged_ms, moment);
	const char *time = strchr(moment, 'T') ? strchr(moment, 'T') + 1 : moment;
	if (view->silent_ms >= TOP_KAFKA_SILENT_MS)
		buffer_print(line, "Kafka has not answered this command for %" PRId64 " s; what is shown is of %.8s",
			     view->silent_ms / MS_PER_S, time);
	else
		buffer_print(line, "Kafka answers again; an engine that is not back yet is shown as of %.8s", time);
}

static void render_head(const struct top_view *view, const struct top_layout *layout, const struct top_total *total,
			struct buffer *out)
{
	static const char *const sorts[] = {"name", "lag", "rate", "errors", "p99"};
	char moment[MOMENT_BYTES];
	struct buffer line;
	buffer_open(&line, LINE_BYTES_MAX);
	moment_print(view->now_ms, moment);
	buffer_print(&line, "%s  %zu pipeline%s, %zu engine%s", moment, total->pipelines, total->pipelines == 1 ? "" : "s",
		     total->engines, total->engines == 1 ? "" : "s");
	if (total->silent > 0)
		buffer_print(&line, ", %zu gone", total->silent);
	buffer_print(&line, "  s: by %s  q: quit", sorts[view->sort]);
	line_take(view, &line, out);
	buffer_clear(&line);
	if (is_of_before(view)) {
		print_age(view, &line);
		line_take(view, &line, out);
		buffer_clear(&line);
	}
	print_cut(&line, TEXT("PIPELINE"), layout->name, true);
	buffer_byte(&line, ' ');
	print_cut(&line, TEXT("ENGINE"), layout->engine, true);
	for (size_t i = 0; i < FIGURES; i++)
		if (layout->is_wide || !figures[i].is_wide_only)
			buffer_print(&line, "%*s", figures[i].columns, figures[i].title);
	buffer_string(&line, " STATE");
	line_take(view, &line, out);
	buffer_close(&line);
}

static void render_total(const struct top_view *view, const struct top_layout *layout, const struct top_total *total,
			 struct buffer *out)
{
	const double sums[] = {[FIGURE_RATE] = total->rate,
			       [FIGURE_P50] = -1,
			       [FIGURE_P99] = -1,
			       [FIGURE_IN_FLIGHT] = total->in_flight,
			       [FIGURE_LAG] = total->lag,
			       [FIGURE_ANSWERED] = total->answered,
			       [FIGURE_ERRORS] = total->failed,
			       [FIGURE_LETTERS] = total->letters};
	struct buffer line;
	char text[FIGURE_BYTES];
	buffer_open(&line, LINE_BYTES_MAX);
	print_cut(&line, TEXT("total"), layout->name + 1 + layout->engine, true);
	for (size_t i = 0; i < FIGURES; i++) {
		print_number(text, sums[i]);
		if (layout->is_wide || !figures[i].is_wide_only)
			buffer_print(&line, "%*s", figures[i].columns, text);
	}
	line_take(view, &line, out);
	buffer_close(&line);
}

/* As many as fit below each row if all rows are to be there. */
static int note_lines_of(size_t rows, int left)
{
	const size_t each = rows > 0 ? (size_t)left / rows : 1;
	if (each < 2)
		return 1;
	return each > NOTE_LINES_MAX ? NOTE_LINES_MAX : (int)each - 1;
}

void top_view_render(const struct top_view *given, struct buffer *out)
{
	struct top_view fitted = *given;
	const struct top_view *view = &fitted;
	fitted.columns = given->columns < TOP_COLUMNS_LEAST ? TOP_COLUMNS_LEAST : given->columns;
	fitted.rows = given->rows < TOP_ROWS_LEAST ? TOP_ROWS_LEAST : given->rows;
	struct top_layout layout = layout_of(view);
	const struct top_total total = total_of(view);
	int left = view->rows - 1 - LINES_BESIDE - is_of_before(view);
	size_t shown = 0;
	layout.note_lines = note_lines_of(view->count, left);
	render_head(view, &layout, &total, out);
	for (; shown < view->count && left > 0; shown++) {
		struct buffer entry;
		buffer_open(&entry, LINE_BYTES_MAX);
		int lines = render_entry(view, &layout, view->items[shown], &entry);
		bool fits = lines <= left;
		if (fits)
			buffer_text(out, buffer_view(&entry));
		buffer_close(&entry);
		if (!fits)
			break;
		left -= lines;
	}
	if (shown < view->count) {
		struct buffer line;
		buffer_open(&line, LINE_BYTES_MAX);
		buffer_print(&line, "and %zu more that %s not fit; `s` sorts them", view->count - shown,
			     view->count - shown == 1 ? "does" : "do");
		line_take(view, &line, out);
		buffer_close(&line);
	}
	render_total(view, &layout, &total, out);
}
