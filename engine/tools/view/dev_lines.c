/* dev_lines.c: see dev_lines.h. */
#include "tools/view/dev_lines.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/number/duration.h"
#include "base/memory.h"
#include "message/json/json_write.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20)
#define LINE_UP_AND_CLEAR "\033[A\033[2K\r"
#define CUT_AT_THE_EDGE "\033[?7l" /* a line that went over it would be two, and not be found again */
#define GO_OVER_THE_EDGE "\033[?7h"

/* What a pipeline had done when it was looked at last. */
struct dev_look {
	struct dev_look *next;
	char *name;
	struct engine_counts counts;
};

struct dev_lines {
	FILE *out;
	bool json;
	bool live;    /* it is a terminal */
	size_t drawn; /* lines that stand there */
	int64_t shown_ms;
	struct dev_look *looks;
	struct buffer text;
};

struct dev_lines *dev_lines_open(FILE *out, bool json, int64_t now_ms, struct error *error)
{
	struct dev_lines *lines = memory_take(1, sizeof *lines);
	if (!lines)
		return error_null(error_memory(error, ERROR_SYSTEM, "showing how pipelines are"));
	int descriptor = fileno(out);
	*lines = (struct dev_lines){
		.out = out, .json = json, .live = !json && descriptor >= 0 && isatty(descriptor), .shown_ms = now_ms};
	buffer_open(&lines->text, TEXT_BYTES_MAX);
	return lines;
}

void dev_lines_close(struct dev_lines *lines)
{
	if (!lines)
		return;
	while (lines->looks) {
		struct dev_look *next = lines->looks->next;
		memory_give(lines->looks->name);
		memory_give(lines->looks);
		lines->looks = next;
	}
	buffer_close(&lines->text);
	memory_give(lines);
}

/* NULL: no memory. */
static struct dev_look *look_of(struct dev_lines *lines, const char *name)
{
	struct dev_look *look = lines->looks;
	while (look && strcmp(look->name, name) != 0)
		look = look->next;
	if (look)
		return look;
	size_t size = strlen(name) + 1;
	look = memory_take(1, sizeof *look);
	if (look && !(look->name = memory_take_raw(size))) {
		memory_give(look);
		look = NULL;
	}
	if (!look)
		return NULL;
	memcpy(look->name, name, size);
	look->next = lines->looks;
	lines->looks = look;
	return look;
}

/* Workers count whole milliseconds. */
static void write_latency(struct buffer *out, const char *name, const struct histogram *recent, double share)
{
	uint64_t us = histogram_quantile(recent, share);
	if (us < US_PER_MS)
		buffer_print(out, "   %s <1 ms", name);
	else
		buffer_print(out, "   %s %" PRIu64 " ms", name, us / US_PER_MS);
}

static void write_text(struct buffer *out, const char *name, const struct engine_counts *counts, const struct histogram *recent,
		       double rate)
{
	buffer_print(out, "%-20s %8.1f/s", name, rate);
	if (recent->count > 0) {
		write_latency(out, "p50", recent, 0.5);
		write_latency(out, "p99", recent, 0.99);
	}
	buffer_print(out, "   %" PRIu64 " answered, %" PRIu64 " of them errors", counts->sums.answered, counts->sums.failed);
	if (counts->sums.in_flight > 0)
		buffer_print(out, ", %" PRIu64 " in flight", counts->sums.in_flight);
	buffer_byte(out, '\n');
}

static void write_json(struct buffer *out, const char *name, const struct engine_counts *counts, const struct histogram *recent,
		       double rate)
{
	json_write_string_after(out, TEXT("{\"pipeline\":"), text_of(name));
	buffer_print(out, ",\"rate\":%.1f,\"p50Ms\":%" PRIu64 ",\"p99Ms\":%" PRIu64, rate,
		     histogram_quantile(recent, 0.5) / US_PER_MS, histogram_quantile(recent, 0.99) / US_PER_MS);
	buffer_print(out, ",\"answered\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"inFlight\":%" PRIu64 "}\n", counts->sums.answered,
		     counts->sums.failed, counts->sums.in_flight);
}

static void write_line(struct dev_lines *lines, const struct engine *engine, const char *name, int64_t now_ms)
{
	struct engine_counts counts;
	struct histogram recent;
	struct dev_look *look = look_of(lines, name);
	if (!look || !engine_counts(engine, name, &counts))
		return;
	uint64_t ended = counts.sums.ended - look->counts.sums.ended;
	double seconds = (double)(now_ms - lines->shown_ms) / MS_PER_S;
	histogram_since(&counts.latency, &look->counts.latency, &recent);
	look->counts = counts;
	/* A pipe gets only what moves. */
	if (!lines->live && ended == 0)
		return;
	(lines->json ? write_json : write_text)(&lines->text, name, &counts, &recent, seconds > 0 ? (double)ended / seconds : 0);
	lines->drawn++;
}

void dev_lines_clear(struct dev_lines *lines)
{
	for (; lines->live && lines->drawn > 0; lines->drawn--)
		fputs(LINE_UP_AND_CLEAR, lines->out);
	fflush(lines->out);
}

void dev_lines_show(struct dev_lines *lines, const struct engine *engine, int64_t now_ms)
{
	const struct plan *plan = &engine_revision(engine)->plan;
	dev_lines_clear(lines);
	buffer_clear(&lines->text);
	lines->drawn = 0;
	for (size_t i = 0; i < plan->count; i++)
		write_line(lines, engine, plan->pipelines[i].graph->name, now_ms);
	lines->shown_ms = now_ms;
	if (lines->text.length > 0)
		fprintf(lines->out, "%s" TEXT_FORMAT "%s", lines->live ? CUT_AT_THE_EDGE : "",
			TEXT_ARGUMENTS(buffer_view(&lines->text)), lines->live ? GO_OVER_THE_EDGE : "");
	fflush(lines->out);
}
