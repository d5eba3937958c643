/* top_lines.c: see top_lines.h. */
#include "tools/view/top_lines.h"

#include <inttypes.h>
#include <math.h>

#include "base/quote.h"

static const char *state_of(const struct status *status, int64_t now_ms)
{
	if (status->stopped)
		return status->failure.length > 0 ? "failed" : "stopped";
	if (top_is_silent(status, now_ms))
		return "silent";
	return status->ready ? NULL : "not ready";
}

/* Below 0: unknown, also what an engine does now that does not report. */
static void print_count(struct buffer *out, int64_t count)
{
	if (count < 0)
		buffer_print(out, " %9s", "-");
	else
		buffer_print(out, " %9" PRId64, count);
}

static void print_latency(struct buffer *out, const struct status *status, double latency_ms, bool serves)
{
	if (serves && (status->rate > 0 || latency_ms > 0))
		buffer_print(out, " %9.2f", latency_ms);
	else
		buffer_print(out, " %9s", "-");
}

/* Names may contain a NUL, at which buffer_print() would cut them. */
static void print_name(struct buffer *out, struct text name, size_t columns)
{
	buffer_text(out, name);
	for (size_t i = text_characters(name); i < columns; i++)
		buffer_byte(out, ' ');
}

static void print_row(const struct status *const *items, size_t count, const struct status *status, int64_t now_ms,
		      struct buffer *out)
{
	const char *state = state_of(status, now_ms);
	const bool gone = top_is_gone(status, now_ms);
	const struct status *other = top_other_version(items, count, status, now_ms);
	print_name(out, status->pipeline, 24);
	buffer_byte(out, ' ');
	print_name(out, status->instance, 20);
	print_count(out, gone ? -1 : lrint(status->rate));
	print_latency(out, status, status->p50_ms, !gone);
	print_latency(out, status, status->p99_ms, !gone);
	print_count(out, gone ? -1 : (int64_t)status->sums.in_flight);
	print_count(out, status->lag);
	buffer_print(out, " %9" PRIu64 " %9" PRIu64 " %9" PRIu64, status->sums.answered, status->sums.failed,
		     status->sums.dead_letters);
	buffer_string(out, "  ");
	buffer_text(out, state ? text_of(state) : status->state);
	if (gone) {
		buffer_string(out, ": ");
		top_gone_print(status, out);
	} else if (status->why.length > 0) {
		buffer_string(out, ": ");
		buffer_text(out, status->why);
	}
	if (status->firing.length > 0 && !gone) {
		buffer_string(out, "; ");
		buffer_text(out, status->firing);
	}
	if (status->drift.length > 0 && !gone) {
		buffer_string(out, "; ");
		buffer_text(out, status->drift);
	}
	if (status->receivers.length > 0 && !gone) {
		buffer_string(out, "; ");
		buffer_text(out, status->receivers);
	}
	if (status->sums.resets > 0)
		buffer_print(out, "; resets %" PRIu64, status->sums.resets);
	if (status->sums.skipped > 0)
		buffer_print(out, "; skipped %" PRIu64, status->sums.skipped);
	if (other) {
		buffer_string(out, "; runs other files than ");
		buffer_text(out, other->instance);
	}
}

/* Names and reasons come from anybody who may write to the status topic. */
static void print_entry(const struct status *const *items, size_t count, const struct status *status, int64_t now_ms,
			struct buffer *out)
{
	struct buffer row;
	buffer_open(&row, out->ceiling_bytes);
	print_row(items, count, status, now_ms, &row);
	buffer_shown_around(out, "", buffer_view(&row), "\n");
	out->failed = out->failed || buffer_failed(&row);
	buffer_close(&row);
}

static void print_json(const struct status *status, int64_t now_ms, struct buffer *out)
{
	status_write(status, out);
	if (!buffer_failed(out))
		out->length--; /* the brace: fields that only this command knows come before it */
	buffer_print(out, ", \"silent\": %s}\n", top_is_silent(status, now_ms) ? "true" : "false");
}

void top_lines_text(const struct status *const *items, size_t count, int64_t now_ms, struct buffer *out)
{
	buffer_print(out, "%-24s %-20s %9s %9s %9s %9s %9s %9s %9s %9s  %s\n", "PIPELINE", "ENGINE", "PER S", "P50 MS", "P99 MS",
		     "IN FLIGHT", "LAG", "ANSWERED", "ERRORS", "LETTERS", "STATE");
	for (size_t i = 0; i < count; i++)
		print_entry(items, count, items[i], now_ms, out);
}

void top_lines_json(const struct status *const *items, size_t count, int64_t now_ms, struct buffer *out)
{
	for (size_t i = 0; i < count; i++)
		print_json(items[i], now_ms, out);
}
