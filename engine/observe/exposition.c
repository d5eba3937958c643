/* exposition.c: see exposition.h. */
#include "observe/exposition.h"

#include <math.h>

#include "base/number/number.h"

#define US_PER_SECOND 1e6

/* ---- formats that a scraper accepts ---- */

/* The weight of OpenMetrics in an Accept header: 0 if it is absent or refused. */
static double media_weight(struct text range)
{
	double weight = 1;
	for (size_t i = 0; i + 1 < range.length; i++) {
		if (range.bytes[i] != ';')
			continue;
		struct text rest = text_trimmed((struct text){range.bytes + i + 1, range.length - i - 1}, " \t");
		struct text parameter = text_take_until(&rest, ';');
		if (text_starts_with(parameter, TEXT("q=")))
			(void)number_read_double(text_trimmed(text_from(parameter, 2), " \t"),
						 &weight);
	}
	return weight;
}

enum exposition_form exposition_negotiate(struct text accept)
{
	double open = 0, text = 0;
	while (accept.length > 0) {
		struct text range = text_trimmed(text_take_until(&accept, ','), " \t"), rest = range;
		struct text type = text_trimmed(text_take_until(&rest, ';'), " \t");
		double weight = media_weight(range);
		if (text_equal_caseless(type, TEXT("application/openmetrics-text")) && weight > open)
			open = weight;
		else if (text_equal_caseless(type, TEXT("text/plain")) && weight > text)
			text = weight;
	}
	return open > 0 && open >= text ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

const char *exposition_content_type(enum exposition_form form)
{
	return form == EXPOSITION_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					      : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- one family ---- */

#define TOTAL "_total"

/* The name of the family. OpenMetrics omits the `_total` that the samples of a counter have. */
static struct text family_name(const struct exposition *exposition, const struct metric *row)
{
	struct text name = text_of(row->name);
	if (exposition->form == EXPOSITION_OPENMETRICS && row->kind == METRIC_COUNTER)
		name.length -= sizeof TOTAL - 1;
	return name;
}

/* Writes escaped text. A help text is not in quotes, so only OpenMetrics escapes quotes in it. */
static void escape_into(struct buffer *out, struct text text, bool quotes)
{
	bool is_text = text_is_utf8(text);
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.bytes[i];
		if (byte == '\n')
			buffer_string(out, "\\n");
		else if (byte == '\\' || (byte == '"' && quotes))
			buffer_print(out, "\\%c", byte);
		else if (byte == '\0' || ((unsigned char)byte >= 0x80 && !is_text)) /* at a NUL Prometheus stops reading */
			buffer_byte(out, '?');
		else
			buffer_byte(out, byte);
	}
}

static void family_begin(const struct exposition *exposition, const struct metric *row)
{
	bool open = exposition->form == EXPOSITION_OPENMETRICS;
	const char *const kinds[] = {"counter", "gauge", "histogram", open ? "unknown" : "untyped"};
	struct text name = family_name(exposition, row);
	struct buffer *out = exposition->out;
	buffer_print(out, "# HELP " TEXT_FORMAT " ", TEXT_ARGUMENTS(name));
	escape_into(out, text_of(row->help), open);
	buffer_print(out, "\n# TYPE " TEXT_FORMAT " %s\n", TEXT_ARGUMENTS(name), kinds[row->kind]);
	if (open && row->unit)
		buffer_print(out, "# UNIT " TEXT_FORMAT " %s\n", TEXT_ARGUMENTS(name), row->unit);
}

/* ---- samples ---- */

/* A label in addition to those of the subject; name NULL: none. */
struct extra_label {
	const char *name;
	const char *value;
};

static void write_labels(struct buffer *out, const char *names, const struct metric_subject *subject, struct extra_label extra)
{
	const char *gap = "{";
	for (size_t i = 0; *names; i++) {
		size_t length = strcspn(names, " ");
		buffer_print(out, "%s%.*s=\"", gap, (int)length, names);
		escape_into(out, subject->labels[i], true);
		buffer_byte(out, '"');
		names += length + (names[length] == ' ');
		gap = ",";
	}
	if (extra.name) {
		buffer_print(out, "%s%s=\"%s\"", gap, extra.name, extra.value);
		gap = ",";
	}
	if (*gap == ',')
		buffer_byte(out, '}');
}

struct sample_family {
	const struct exposition *exposition;
	const struct metric *row;
	const struct metric_subject *subject;
};

static void sample_name(const struct sample_family *family, const char *ending, struct extra_label extra)
{
	struct buffer *out = family->exposition->out;
	buffer_string(out, family->row->name);
	buffer_string(out, ending);
	write_labels(out, metric_scope_labels[family->row->scope], family->subject, extra);
	buffer_byte(out, ' ');
}

static void sample_count(const struct sample_family *family, const char *ending, struct extra_label extra, uint64_t count)
{
	char digits[NUMBER_TEXT_MAX];
	sample_name(family, ending, extra);
	size_t length = number_write_uint64(digits, count);
	buffer_append(family->exposition->out, digits, length);
	buffer_byte(family->exposition->out, '\n');
}

static void sample_number(const struct sample_family *family, const char *ending, double number)
{
	char digits[NUMBER_TEXT_MAX];
	if (isnan(number))
		return;
	sample_name(family, ending, (struct extra_label){0});
	buffer_append(family->exposition->out, digits, number_write_double(digits, number));
	buffer_byte(family->exposition->out, '\n');
}

/* Writes the samples of a histogram. `scale`: number of units of a limit in one unit of the metric. */
static void sample_histogram(const struct sample_family *family, const uint64_t *buckets, const uint64_t *limits,
			     size_t limit_count, uint64_t sum, double scale)
{
	uint64_t count = 0;
	for (size_t i = 0; i < limit_count; i++) {
		char limit[NUMBER_TEXT_MAX + 1];
		limit[number_write_double(limit, (double)limits[i] / scale)] = '\0';
		count += buckets[i];
		sample_count(family, "_bucket", (struct extra_label){"le", limit}, count);
	}
	count += buckets[limit_count];
	sample_count(family, "_bucket", (struct extra_label){"le", "+Inf"}, count);
	if (scale == 1)
		sample_count(family, "_sum", (struct extra_label){0}, sum);
	else
		sample_number(family, "_sum", (double)sum / scale);
	sample_count(family, "_count", (struct extra_label){0}, count);
}

static void sample_list(const struct sample_family *family, const uint64_t *counts, const char *label, const char *const *values,
			size_t count)
{
	for (size_t i = 0; i < count; i++)
		sample_count(family, "", (struct extra_label){label, values[i]}, counts[i]);
}

static uint64_t durations_counted(const struct duration_counts *durations)
{
	uint64_t count = 0;
	for (size_t i = 0; i <= DURATION_LIMITS; i++)
		count += durations->buckets[i];
	return count;
}

static void write_sample(const struct sample_family *family)
{
	static const char *const kinds[COUNTED_ERROR_KINDS] = {"CONFIG", "INPUT", "REMOTE", "LIMIT", "SYSTEM"};
	static const char *const states[BREAKER_STATES] = {"closed", "open", "half-open"};
	const void *at = (const char *)family->subject->values + family->row->offset;
	const struct duration_counts *durations = at;
	const struct size_counts *sizes = at;
	switch (family->row->value) {
	case VALUE_COUNT:
		sample_count(family, "", (struct extra_label){0}, *(const uint64_t *)at);
		break;
	case VALUE_NUMBER:
		sample_number(family, "", *(const double *)at);
		break;
	case VALUE_ERRORS:
		sample_list(family, at, "kind", kinds, COUNTED_ERROR_KINDS);
		break;
	case VALUE_BREAKERS:
		sample_list(family, at, "state", states, BREAKER_STATES);
		break;
	case VALUE_DURATIONS:
		sample_histogram(family, durations->buckets, duration_limits_us, DURATION_LIMITS, durations->sum_us, US_PER_SECOND);
		break;
	case VALUE_SELDON:
		sample_histogram(family, durations->buckets, seldon_limits_us, DURATION_LIMITS, durations->sum_us, US_PER_SECOND);
		break;
	case VALUE_SECONDS:
		sample_number(family, "", (double)durations->sum_us / US_PER_SECOND);
		break;
	case VALUE_DURATED:
		sample_count(family, "", (struct extra_label){0}, durations_counted(durations));
		break;
	case VALUE_SIZES:
		sample_histogram(family, sizes->buckets, size_limits, SIZE_LIMITS, sizes->sum, 1);
		break;
	}
}

void exposition_write(struct exposition *exposition, enum metric_scope scope, const struct metric_subject *subjects, size_t count)
{
	for (const struct metric *row = metric_rows; row->name; row++) {
		if (row->scope != scope || count == 0)
			continue;
		family_begin(exposition, row);
		for (size_t i = 0; i < count; i++)
			write_sample(&(struct sample_family){exposition, row, &subjects[i]});
	}
}

/* ---- declared metrics ---- */

/* The name without `_total`. */
static struct text series_name(const struct exposed_series *family)
{
	const struct text name = text_of(family->name), total = TEXT(TOTAL);
	const bool ends =
		name.length > total.length && memcmp(name.bytes + name.length - total.length, total.bytes, total.length) == 0;
	return (struct text){name.bytes, family->form->type == SERIES_COUNTER && ends ? name.length - total.length : name.length};
}

void exposition_series_begin(struct exposition *exposition, const struct exposed_series *family)
{
	static const char *const types[] = {"gauge", "counter", "histogram", "summary"};
	const bool open = exposition->form == EXPOSITION_OPENMETRICS;
	const char *total = family->form->type == SERIES_COUNTER && !open ? TOTAL : "";
	const struct text name = series_name(family);
	struct buffer *out = exposition->out;
	buffer_print(out, "# HELP " TEXT_FORMAT "%s ", TEXT_ARGUMENTS(name), total);
	escape_into(out, text_of(family->help ? family->help : "A metric that pipelines declare."), open);
	buffer_print(out, "\n# TYPE " TEXT_FORMAT "%s %s\n", TEXT_ARGUMENTS(name), total, types[family->form->type]);
}

static void series_label(struct buffer *out, const char *gap, const char *name, struct text value)
{
	buffer_print(out, "%s%s=\"", gap, name);
	escape_into(out, value, true);
	buffer_byte(out, '"');
}

/* Writes a sample up to its value; `bucket` NULL: it is none. */
static void series_sample(const struct exposition *exposition, const struct exposed_series *family, const struct series_sum *series,
			  const char *ending, const char *bucket)
{
	struct buffer *out = exposition->out;
	buffer_print(out, TEXT_FORMAT "%s", TEXT_ARGUMENTS(series_name(family)), ending);
	series_label(out, "{", "namespace", family->namespace);
	series_label(out, ",", "pipeline", family->pipeline);
	for (size_t i = 0; i < family->form->label_count; i++)
		series_label(out, ",", family->labels[i], series->labels[i]);
	if (bucket)
		series_label(out, ",", "le", text_of(bucket));
	buffer_string(out, "} ");
}

static void series_number(const struct exposition *exposition, double number)
{
	char digits[NUMBER_TEXT_MAX];
	const size_t length = number_write_double(digits, number);
	buffer_append(exposition->out, digits, length);
	buffer_byte(exposition->out, '\n');
}

static void series_whole(const struct exposition *exposition, uint64_t count)
{
	char digits[NUMBER_TEXT_MAX];
	const size_t length = number_write_uint64(digits, count);
	buffer_append(exposition->out, digits, length);
	buffer_byte(exposition->out, '\n');
}

static void series_histogram(const struct exposition *exposition, const struct exposed_series *family,
			     const struct series_sum *series)
{
	uint64_t count = 0;
	for (size_t i = 0; i <= family->form->bucket_count; i++) {
		char limit[NUMBER_TEXT_MAX + 1] = "+Inf";
		if (i < family->form->bucket_count)
			limit[number_write_double(limit, family->form->buckets[i])] = '\0';
		count += series->buckets[i];
		series_sample(exposition, family, series, "_bucket", limit);
		series_whole(exposition, count);
	}
}

/* In OpenMetrics sums are counters: none may be negative, or be there beside a bucket below 0. */
static bool sum_is_shown(const struct exposition *exposition, const struct series_form *form, const struct series_sum *series)
{
	if (exposition->form == EXPOSITION_TEXT)
		return true;
	return series_double(series->sum) >= 0 && (form->bucket_count == 0 || form->buckets[0] >= 0);
}

void exposition_series(struct exposition *exposition, const struct exposed_series *family, const struct series_sum *series)
{
	const bool shown = sum_is_shown(exposition, family->form, series);
	uint64_t count = series->count;
	switch (family->form->type) {
	case SERIES_GAUGE:
		series_sample(exposition, family, series, "", NULL);
		series_number(exposition, series_double(series->last));
		return;
	case SERIES_COUNTER:
		series_sample(exposition, family, series, TOTAL, NULL);
		series_number(exposition, series_double(series->sum));
		return;
	case SERIES_HISTOGRAM:
		series_histogram(exposition, family, series);
		count = 0; /* that of the buckets, which were read before it */
		for (size_t i = 0; i <= family->form->bucket_count; i++)
			count += series->buckets[i];
		break;
	case SERIES_SUMMARY:
		break;
	}
	if (shown) {
		series_sample(exposition, family, series, "_sum", NULL);
		series_number(exposition, series_double(series->sum));
	}
	if (shown || family->form->type == SERIES_SUMMARY) { /* a histogram of OpenMetrics has both or none */
		series_sample(exposition, family, series, "_count", NULL);
		series_whole(exposition, count);
	}
}

void exposition_end(struct exposition *exposition)
{
	if (exposition->form == EXPOSITION_OPENMETRICS)
		buffer_string(exposition->out, "# EOF\n");
}
