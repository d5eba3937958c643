/* explanation_view.c: see explanation_view.h. */
#include "tools/view/explanation_view.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/quote.h"
#include "tools/view/report/html_parts.h"
#include "tools/view/json_member.h"

#define OTHERS_BYTES 48 /* of a line that stands for the features that are not shown */
#define LINE_COLUMNS 80
#define BAR_COLUMNS_MAX 40
#define NAME_COLUMNS_MAX 28
#define NUMBER_COLUMNS 14
#define ERROR_COLUMNS 14
#define GAP_COLUMNS 2

/* ---- reading ---- */

static struct text text_member(const json_t *object, const char *name, struct arena *arena)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);
	const size_t length = text ? json_string_length(member) : 0;
	const char *copy = text ? arena_copy(arena, text, length) : NULL;
	return copy ? (struct text){copy, length} : (struct text){"", 0};
}

static int by_amount(const void *left, const void *right)
{
	const struct contribution *a = left, *b = right;
	const double one = isnan(a->amount) ? -1 : fabs(a->amount), other = isnan(b->amount) ? -1 : fabs(b->amount);
	if (one != other)
		return one < other ? 1 : -1;
	return a->number < b->number ? -1 : 1;
}

static struct text name_with_value(const json_t *part, struct arena *arena)
{
	const struct text name = text_member(part, "feature", arena);
	const double value = member_number_read(part, "value");
	const char *text = isnan(value) ? arena_print(arena, "%s missing", text_shown(name, arena))
					: arena_print(arena, "%s = %g", text_shown(name, arena), value);
	return text ? text_of(text) : name;
}

static bool rule_read(struct explanation_one *one, const json_t *object, struct arena *arena)
{
	const json_t *rules = json_object_get(object, "rules");
	struct text *conditions = ARENA_ARRAY(arena, struct text, json_array_size(rules));
	if (!conditions)
		return false;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);
		const char *text = json_string_value(rule);
		const char *copy = text ? arena_copy(arena, text, json_string_length(rule)) : NULL;
		conditions[i] = text_of(copy ? copy : "");
	}
	one->anchored = json_is_array(rules);
	one->condition_count = json_array_size(rules);
	one->conditions = conditions;
	one->precision = member_number_read(object, "precision");
	one->coverage = member_number_read(object, "coverage");
	return true;
}

static bool one_read(struct explanation_one *one, const json_t *object, struct arena *arena)
{
	const json_t *parts = json_object_get(object, "attributions");
	struct contribution *contributions = ARENA_ARRAY(arena, struct contribution, json_array_size(parts));
	if (!json_is_object(object) || !json_is_array(parts) || !contributions)
		return false;
	*one = (struct explanation_one){
		.step = text_member(object, "step", arena),
		.method = text_member(object, "method", arena),
		.output = text_member(object, "output", arena),
		.scale = text_member(object, "scale", arena),
		.base = member_number_read(object, "base_value"),
		.answer = member_number_read(object, "answer"),
		.residual = member_number_read(object, "residual"),
		.calls = json_integer_value(json_object_get(object, "calls")),
		.complete = json_is_true(json_object_get(object, "complete")),
		.count = json_array_size(parts),
		.contributions = contributions,
	};
	for (size_t i = 0; i < one->count; i++) {
		const json_t *part = json_array_get(parts, i);
		contributions[i] = (struct contribution){name_with_value(part, arena), member_number_read(part, "contribution"),
							 member_number_read(part, "error"), i};
	}
	one->apart = text_is(one->method, "permutation");
	qsort(contributions, one->count, sizeof *contributions, by_amount);
	return rule_read(one, object, arena);
}

bool explanation_view_read(struct explanation_view *view, struct text json, struct arena *arena, struct error *error)
{
	json_t *document = json_loadb(json.bytes, json.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const json_t *list = json_object_get(document, "explanations");
	struct explanation_one *items = ARENA_ARRAY(arena, struct explanation_one, json_array_size(list));
	bool good = json_is_array(list) && items;
	*view = (struct explanation_view){text_member(document, "id", arena), text_member(document, "pipeline", arena),
					  json_array_size(list), items};
	for (size_t i = 0; good && i < view->count; i++)
		good = one_read(&items[i], json_array_get(list, i), arena);
	json_decref(document);
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "reading explanations");
	return good || error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the gateway's answer is no explanation; check that its address is that of a sluice gateway");
}

/* ---- the lines of a waterfall ---- */

struct waterfall {
	const struct explanation_one *one;
	size_t shown;	  /* lines of single features */
	double rest;	  /* sum of the others */
	double least, most; /* that any line reaches */
};

static void waterfall_reach(struct waterfall *waterfall, double value)
{
	if (!isfinite(value))
		return;
	waterfall->least = value < waterfall->least ? value : waterfall->least;
	waterfall->most = value > waterfall->most ? value : waterfall->most;
}

static struct waterfall waterfall_of(const struct explanation_one *one)
{
	const double begin = one->apart ? 0 : one->base;
	struct waterfall waterfall = {.one = one, .shown = one->count, .least = begin, .most = begin};
	double at = begin;
	if (one->count > EXPLANATION_LINES_MAX)
		waterfall.shown = EXPLANATION_LINES_MAX - 1;
	for (size_t i = 0; i < one->count; i++) {
		const double amount = one->contributions[i].amount;
		if (i >= waterfall.shown)
			waterfall.rest = one->apart ? fmax(waterfall.rest, amount) : waterfall.rest + amount;
		at = one->apart ? amount : at + amount;
		waterfall_reach(&waterfall, at);
	}
	if (!one->apart)
		waterfall_reach(&waterfall, one->answer);
	return waterfall;
}

/* Position of a value in a bar of so many columns. */
static double waterfall_position(const struct waterfall *waterfall, double value, double columns)
{
	const double extent = waterfall->most - waterfall->least;
	return extent > 0 && isfinite(value) ? (value - waterfall->least) / extent * columns : 0;
}

static struct contribution waterfall_line(const struct waterfall *waterfall, size_t line, char *others, size_t size)
{
	if (line < waterfall->shown)
		return waterfall->one->contributions[line];
	const size_t count = waterfall->one->count - waterfall->shown;
	snprintf(others, size, "%zu other%s%s", count, count == 1 ? "" : "s", waterfall->one->apart ? ", each up to" : "");
	return (struct contribution){text_of(others), waterfall->rest, 0, line};
}

static size_t waterfall_lines(const struct waterfall *waterfall)
{
	return waterfall->shown + (waterfall->shown < waterfall->one->count);
}

/* ---- text ---- */

/* The columns of one waterfall. */
struct waterfall_layout {
	size_t name, bar;
	bool has_errors;
};

static bool is_begin(char byte)
{
	return ((unsigned char)byte & 0xC0) != 0x80;
}

static size_t text_columns(const char *text)
{
	size_t columns = 0;
	for (; *text; text++)
		columns += is_begin(*text);
	return columns;
}

/* After so many characters. */
static const char *text_after(const char *text, size_t columns)
{
	for (; *text && (columns > 0 || !is_begin(*text)); text++)
		columns -= is_begin(*text);
	return text;
}

/* A name that is too long keeps its beginning and its end, by which features and their values differ. */
static void print_name(struct buffer *out, struct text name, const struct waterfall_layout *layout, struct arena *arena)
{
	const char *shown = text_shown(name, arena);
	const size_t columns = text_columns(shown), begin = layout->name / 2 - 1;
	buffer_string(out, "  ");
	if (columns > layout->name) {
		buffer_print(out, "%.*s..%s", (int)(text_after(shown, begin) - shown), shown,
			     text_after(shown, columns - (layout->name - begin - 2)));
	} else {
		buffer_print(out, "%s%*s", shown, (int)(layout->name - columns), "");
	}
}

/* The longest name decides, and the bars get what is left of a line. */
static struct waterfall_layout waterfall_layout_of(const struct waterfall *waterfall, struct arena *arena)
{
	char others[OTHERS_BYTES];
	struct waterfall_layout layout = {.name = strlen("base value")};
	for (size_t i = 0; i < waterfall_lines(waterfall); i++) {
		const struct contribution line = waterfall_line(waterfall, i, others, sizeof others);
		const size_t columns = text_columns(text_shown(line.name, arena));
		layout.name = columns > layout.name ? columns : layout.name;
		layout.has_errors |= line.error > 0;
	}
	layout.name = layout.name < NAME_COLUMNS_MAX ? layout.name : NAME_COLUMNS_MAX;
	layout.bar = LINE_COLUMNS - layout.name - NUMBER_COLUMNS - 2 * GAP_COLUMNS - (layout.has_errors ? ERROR_COLUMNS : 0);
	layout.bar = layout.bar < BAR_COLUMNS_MAX ? layout.bar : BAR_COLUMNS_MAX;
	return layout;
}

static void print_error(struct buffer *out, double error, const struct waterfall_layout *layout, bool bar_follows)
{
	char words[ERROR_COLUMNS + 1] = "";
	if (error > 0)
		snprintf(words, sizeof words, "  +/- %.2g", error);
	if (layout->has_errors)
		buffer_print(out, "%-*s", bar_follows ? ERROR_COLUMNS : 0, words);
}

static void print_bar(struct buffer *out, const struct waterfall *waterfall, const struct waterfall_layout *layout, double from,
		      double to)
{
	const double columns = (double)layout->bar;
	const int begin = (int)lround(waterfall_position(waterfall, from < to ? from : to, columns));
	int end = (int)lround(waterfall_position(waterfall, from < to ? to : from, columns));
	if (!isfinite(from) || !isfinite(to) || from == to)
		return;
	end = end > begin ? end : begin + 1;
	buffer_print(out, "  %*s", begin, "");
	for (int i = begin; i < end; i++)
		buffer_byte(out, to > from ? '+' : '-');
}

/* The lines of the features, each from where the one before it ends; or, if they do not add up, from zero. */
static void print_lines(const struct waterfall *waterfall, const struct waterfall_layout *layout, struct arena *arena,
			struct buffer *out)
{
	const struct explanation_one *one = waterfall->one;
	char others[OTHERS_BYTES];
	double at = one->apart ? 0 : one->base;
	for (size_t i = 0; i < waterfall_lines(waterfall); i++) {
		const struct contribution line = waterfall_line(waterfall, i, others, sizeof others);
		print_name(out, line.name, layout, arena);
		buffer_print(out, one->apart ? "%*.6g" : "%+*.6g", NUMBER_COLUMNS, line.amount);
		print_error(out, line.error, layout, isfinite(at + line.amount) && line.amount != 0);
		print_bar(out, waterfall, layout, at, at + line.amount);
		buffer_byte(out, '\n');
		at += one->apart ? 0 : line.amount;
	}
}

static void print_calls(const struct explanation_one *one, const struct waterfall_layout *layout, struct buffer *out)
{
	buffer_print(out, "%lld calls of the model%s\n", (long long)one->calls,
		     one->complete ? "" : "; the budget ended it early");
	if (layout->has_errors)
		buffer_string(out, "  +/-: standard error\n");
}

static void print_importance(const struct explanation_one *one, struct arena *arena, struct buffer *out)
{
	const struct waterfall waterfall = waterfall_of(one);
	const struct waterfall_layout layout = waterfall_layout_of(&waterfall, arena);
	buffer_print(out, "%s %s, by %s\n", text_shown(one->step, arena), text_shown(one->output, arena),
		     text_shown(one->method, arena));
	print_lines(&waterfall, &layout, arena, out);
	buffer_print(out, "  mean squared changes of the answer, %.6g, with the background's values\n  ", one->answer);
	print_calls(one, &layout, out);
}

/* What the waterfall ends at. */
static struct text end_name(const struct explanation_one *one)
{
	return one->scale.length > 0 ? one->scale : TEXT("answer");
}

static void print_waterfall(const struct explanation_one *one, struct arena *arena, struct buffer *out)
{
	const struct waterfall waterfall = waterfall_of(one);
	const struct waterfall_layout layout = waterfall_layout_of(&waterfall, arena);
	buffer_print(out, "%s %s, by %s%s%s\n", text_shown(one->step, arena), text_shown(one->output, arena),
		     text_shown(one->method, arena), one->scale.length > 0 ? ", as " : "", text_shown(one->scale, arena));
	print_name(out, TEXT("base value"), &layout, arena);
	buffer_print(out, "%*.6g\n", NUMBER_COLUMNS, one->base);
	print_lines(&waterfall, &layout, arena, out);
	print_name(out, end_name(one), &layout, arena);
	buffer_print(out, "%*.6g\n  residual %.2g, ", NUMBER_COLUMNS, one->answer, one->residual);
	print_calls(one, &layout, out);
}

static void print_rule(const struct explanation_one *one, struct arena *arena, struct buffer *out)
{
	buffer_print(out, "%s %s, by %s\n", text_shown(one->step, arena), text_shown(one->output, arena),
		     text_shown(one->method, arena));
	for (size_t i = 0; i < one->condition_count; i++)
		buffer_print(out, "  %s %s\n", i ? "and" : "if ", text_shown(one->conditions[i], arena));
	if (one->condition_count == 0)
		buffer_string(out, "  whatever its features are\n");
	buffer_print(out, "  the answer stays");
	if (!isnan(one->answer))
		buffer_print(out, " as %.6g", one->answer);
	buffer_print(out, ", in %.3g%% of perturbations; so it is for %.3g%% of the background\n", 100 * one->precision,
		     100 * one->coverage);
	buffer_print(out, "  %lld calls of the model%s\n", (long long)one->calls,
		     one->complete ? "" : "; the budget ended it early");
}

void explanation_view_print_text(const struct explanation_view *view, struct arena *arena, struct buffer *out)
{
	for (size_t i = 0; i < view->count; i++) {
		if (i > 0)
			buffer_byte(out, '\n');
		if (view->items[i].anchored)
			print_rule(&view->items[i], arena, out);
		else if (view->items[i].apart)
			print_importance(&view->items[i], arena, out);
		else
			print_waterfall(&view->items[i], arena, out);
	}
}

/* ---- HTML ---- */

#define HTML_BAR_PERCENT 100.0

static void write_line(struct buffer *out, const struct waterfall *waterfall, const struct contribution *line, double from)
{
	const double to = from + line->amount;
	const double begin = waterfall_position(waterfall, from < to ? from : to, HTML_BAR_PERCENT);
	const double end = waterfall_position(waterfall, from < to ? to : from, HTML_BAR_PERCENT);
	html_write_around(out, "<tr><th scope=\"row\">", line->name, "");
	buffer_print(out, waterfall->one->apart ? "</th><td>%.6g" : "</th><td>%+.6g", line->amount);
	if (line->error > 0)
		buffer_print(out, " <small>&#177; %.2g</small>", line->error);
	buffer_print(out, "</td><td class=\"bar\"><div class=\"%s\" style=\"margin-left:%.2f%%;width:%.2f%%\"></div></td></tr>\n",
		     line->amount < 0 ? "down" : "up", begin, end - begin);
}

static void write_heading(struct buffer *out, const struct explanation_one *one)
{
	html_write_around(out, "<section><h2>", one->step, "");
	html_write_around(out, " ", one->output, "");
	html_write_around(out, ", by ", one->method, "");
	if (one->scale.length > 0)
		buffer_string(out, ", as ");
	html_write_around(out, "", one->scale, "</h2>\n");
}

static void write_rule(struct buffer *out, const struct explanation_one *one)
{
	write_heading(out, one);
	buffer_string(out, one->condition_count ? "<ul>\n" : "<p>Whatever its features are,</p>\n");
	for (size_t i = 0; i < one->condition_count; i++)
		html_write_around(out, "<li>", one->conditions[i], "</li>\n");
	buffer_string(out, one->condition_count ? "</ul>\n<p>With these," : "<p>");
	buffer_print(out, " the answer stays in %.3g%% of perturbations. So it is for %.3g%% of the background; ",
		     100 * one->precision, 100 * one->coverage);
	if (!isnan(one->answer))
		buffer_print(out, "answer %.6g; ", one->answer);
	buffer_print(out, "%lld calls of the model%s.</p></section>\n", (long long)one->calls,
		     one->complete ? "" : "; the budget ended it early");
}

static void write_lines(struct buffer *out, const struct explanation_one *one)
{
	const struct waterfall waterfall = waterfall_of(one);
	char others[OTHERS_BYTES];
	double at = one->apart ? 0 : one->base;
	for (size_t i = 0; i < waterfall_lines(&waterfall); i++) {
		const struct contribution line = waterfall_line(&waterfall, i, others, sizeof others);
		write_line(out, &waterfall, &line, at);
		at += one->apart ? 0 : line.amount;
	}
}

static void write_importance(struct buffer *out, const struct explanation_one *one)
{
	write_heading(out, one);
	buffer_string(out, "<table>\n");
	write_lines(out, one);
	buffer_print(out,
		     "</table>\n<p>Mean squared changes of the answer, %.6g, when a feature has the background's values: each bar "
		     "begins at zero. %lld calls of the model%s.</p></section>\n",
		     one->answer, (long long)one->calls, one->complete ? "" : "; the budget ended it early");
}

static void write_one(struct buffer *out, const struct explanation_one *one)
{
	write_heading(out, one);
	buffer_print(out, "<table>\n<tr class=\"end\"><th scope=\"row\">base value</th><td>%.6g</td><td></td></tr>\n",
		one->base);
	write_lines(out, one);
	html_write_around(out, "<tr class=\"end\"><th scope=\"row\">", end_name(one), "");
	buffer_print(out,
		     "</th><td>%.6g</td><td></td></tr>\n</table>\n"
		     "<p>residual %.2g; %lld calls of the model%s.</p></section>\n",
		     one->answer, one->residual, (long long)one->calls, one->complete ? "" : "; the budget ended it early");
}

/* Whether it has a bar that begins where the one above it ends. */
static bool view_has_waterfall(const struct explanation_view *view)
{
	for (size_t i = 0; i < view->count; i++)
		if (!view->items[i].anchored && !view->items[i].apart)
			return true;
	return false;
}

void explanation_view_print_html(const struct explanation_view *view, struct buffer *out)
{
	html_begin(out, "Explanation of ", view->id,
		   "td:nth-child(2){text-align:right;white-space:nowrap}td.bar{width:50%}.bar div{height:1em;min-width:2px}"
		   ".up{background:var(--Up)}.down{background:var(--Down)}.end th,.end td{font-weight:bold;"
		   "border-top:1px solid var(--Line);border-bottom:1px solid var(--Line)}th{overflow-wrap:anywhere}"
		   "@media(max-width:40em){td.bar{width:25%}td small{display:block}}");
	html_write_around(out, "<h1>Pipeline ", view->pipeline, "");
	html_write_around(out, "</h1>\n<p>Request ", view->id, "");
	if (view_has_waterfall(view))
		buffer_string(out, ". Each bar leads from the value above it to the value with its feature; blue raises the "
				   "answer, red lowers it");
	buffer_string(out, ".</p>\n");
	for (size_t i = 0; i < view->count; i++)
		if (view->items[i].anchored)
			write_rule(out, &view->items[i]);
		else if (view->items[i].apart)
			write_importance(out, &view->items[i]);
		else
			write_one(out, &view->items[i]);
	html_end(out);
}
