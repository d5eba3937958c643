/* top.c: `sluice top`: shows the status of the pipelines of a namespace, as reported by their engines. */
#include <inttypes.h>
#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/quote.h"
#include "cli/command.h"
#include "client/kafka.h"
#include "log/backlog.h"
#include "log/reader.h"
#include "observe/status.h"
#include "view/screen_keys.h"
#include "view/top_view.h"

#define TOP_ARENA_BYTES ((size_t)16 << 20)
#define TOP_TEXT_MAX ((size_t)16 << 20)
#define ENTRIES_MAX 4096 /* engines times pipelines that are shown */
#define LOOK_MS 100
#define FIRST_MS 2500	     /* time in which a healthy engine has reported */
#define LAG_MS 3000	     /* so long Kafka may take to answer one question */
#define GROUPS_MAX 16	     /* whose lag is looked at: two a namespace */
#define NEWEST_RECORDS 20000 /* of a partition, with which it begins: an engine that died is among them for a while */
#define SCREEN_CLEAR "\033[H\033[2J"
#define SCREEN_ROWS 24

struct top_options {
	struct door_asked asked;
	bool once;
	int sort;
	int form;
};

static const struct option options[] = {
	DOOR_STATUS_FILES_ROW(struct top_options, asked),
	DOOR_ROWS(struct top_options, asked),
	ROW("once", FLAG, struct top_options, once,
	    .help = "Shows the state once, and ends. This is also the case if the "
		    "output is not a terminal."),
	ROW("sort", CHOICE, struct top_options, sort, .choices = TOP_SORT_WORDS, .fallback = "name",
	    .help = "The column to sort by; on a terminal `s` selects the next."),
	COMMAND_FORM(top_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_top;

/* The last word of one engine about one pipeline. */
struct top_entry {
	struct arena *arena; /* its own, so that the next word can replace it */
	struct status status;
	char *json;
	size_t length;
};

struct top {
	struct session *session;
	const struct top_options *options;
	struct top_entry *entries;
	const struct status **shown; /* of the entries, in the order in which they are shown */
	size_t count;
	uint64_t strange;
	enum top_sort sort;
	struct screen_keys keys; /* of a terminal */
	bool over;
	struct buffer text;
	const struct door *door;
	struct group {
		const char *name;
		struct backlog *backlog;
	} groups[GROUPS_MAX];
	size_t group_count;
};

/* ---- reports ---- */

static bool is_of(const struct top_entry *entry, const struct status *status)
{
	return text_equal(entry->status.pipeline, status->pipeline) && text_equal(entry->status.instance, status->instance);
}

static struct top_entry *entry_for(struct top *top, const struct status *status)
{
	for (size_t i = 0; i < top->count; i++)
		if (is_of(&top->entries[i], status))
			return &top->entries[i];
	if (top->count == ENTRIES_MAX)
		return NULL;
	struct top_entry *entry = &top->entries[top->count];
	entry->arena = arena_open(TOP_ARENA_BYTES);
	top->count += entry->arena != NULL;
	return entry->arena ? entry : NULL;
}

static bool take(struct top *top, const struct record *record, struct arena *scratch, struct error *error)
{
	struct status status;
	struct error wrong = {0};
	arena_reset(scratch);
	if (!status_read(record->value, scratch, &status, &wrong)) {
		top->strange++;
		return true;
	}
	struct top_entry *entry = entry_for(top, &status);
	if (!entry)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "pipelines of more than %d engines are not shown; select one namespace, or use `sluice tail`",
				 ENTRIES_MAX);
	arena_reset(entry->arena);
	entry->json = arena_copy(entry->arena, record->value.bytes, record->value.length);
	entry->length = record->value.length;
	return (entry->json && status_read((struct text){entry->json, entry->length}, entry->arena, &entry->status, error)) ||
	       error_memory(error, ERROR_SYSTEM, "keeping a status");
}

/* ---- what Kafka says ---- */

static struct backlog *backlog_of(struct top *top, struct text group)
{
	for (size_t i = 0; i < top->group_count; i++)
		if (text_is(group, top->groups[i].name))
			return top->groups[i].backlog;
	const char *name = arena_print(top->session->arena, TEXT_FORMAT, TEXT_ARGUMENTS(group));
	struct error error = {0};
	if (!name || group.length == 0 || top->group_count == GROUPS_MAX)
		return NULL;
	const struct kafka *kafka = &top->door->kafka;
	struct backlog *backlog = backlog_open(kafka->brokers, kafka->consumer, name, &error);
	top->groups[top->group_count++] = (struct group){name, backlog};
	return backlog;
}

/* Of the whole pipeline, whichever of its engines has the partition: the same for each. */
static void measure_lag(struct top *top)
{
	for (size_t i = 0; i < top->count; i++) {
		struct status *status = &top->entries[i].status;
		struct backlog *backlog = backlog_of(top, status->group);
		size_t first = 0;
		while (!text_equal(top->entries[first].status.pipeline, status->pipeline))
			first++;
		if (first < i)
			status->lag = top->entries[first].status.lag;
		else if (backlog)
			status->lag = backlog_measure(backlog, status->reads, LAG_MS);
	}
}

/* ---- showing ---- */

static const char *state_of(const struct status *status, int64_t now_ms)
{
	if (status->stopped)
		return "stopped";
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

static void print_row(const struct status *const *items, size_t count, const struct status *status, int64_t now_ms,
		      struct buffer *out)
{
	const char *state = state_of(status, now_ms), *gone = top_gone_reason(status, now_ms);
	const struct status *other = top_other_version(items, count, status, now_ms);
	buffer_print(out, "%-24.*s %-20.*s", (int)status->pipeline.length, status->pipeline.bytes, (int)status->instance.length,
		     status->instance.bytes);
	print_count(out, gone ? -1 : lrint(status->rate));
	print_latency(out, status, status->p50_ms, !gone);
	print_latency(out, status, status->p99_ms, !gone);
	print_count(out, gone ? -1 : (int64_t)status->sums.in_flight);
	print_count(out, status->lag);
	buffer_print(out, " %9" PRIu64 " %9" PRIu64 " %9" PRIu64, status->sums.answered, status->sums.failed,
		     status->sums.dead_letters);
	if (state)
		buffer_print(out, "  %s", state);
	else
		buffer_print(out, "  " TEXT_FORMAT, TEXT_ARGUMENTS(status->state));
	if (gone)
		buffer_print(out, ": %s", gone);
	else if (status->why.length > 0)
		buffer_print(out, ": " TEXT_FORMAT, TEXT_ARGUMENTS(status->why));
	if (status->sums.resets > 0)
		buffer_print(out, "; resets %" PRIu64, status->sums.resets);
	if (status->sums.skipped > 0)
		buffer_print(out, "; skipped %" PRIu64, status->sums.skipped);
	if (other)
		buffer_print(out, "; runs other files than " TEXT_FORMAT, TEXT_ARGUMENTS(other->instance));
}

/* Names and reasons come from anybody who may write to the status topic. */
static void print_entry(const struct status *const *items, size_t count, const struct status *status, int64_t now_ms,
			struct buffer *out)
{
	struct buffer row;
	buffer_open(&row, out->ceiling_bytes);
	print_row(items, count, status, now_ms, &row);
	buffer_shown(out, buffer_view(&row));
	buffer_byte(out, '\n');
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

/* For pipes: all of it, one line each. */
static void print_lines(struct top *top, const struct status *const *items, size_t count, int64_t now_ms)
{
	if (top->options->form == OUTPUT_TEXT)
		buffer_print(&top->text, "%-24s %-20s %9s %9s %9s %9s %9s %9s %9s %9s  %s\n", "PIPELINE", "ENGINE", "PER S",
			     "P50 MS", "P99 MS", "IN FLIGHT", "LAG", "ANSWERED", "ERRORS", "LETTERS", "STATE");
	for (size_t i = 0; i < count; i++) {
		if (top->options->form == OUTPUT_TEXT)
			print_entry(items, count, items[i], now_ms, &top->text);
		else
			print_json(items[i], now_ms, &top->text);
	}
}

static void print_screen(struct top *top, const struct status *const *items, size_t count, int64_t now_ms)
{
	struct winsize size = {0};
	(void)ioctl(fileno(top->session->out), TIOCGWINSZ, &size);
	const struct top_view view = {.items = items,
				      .count = count,
				      .now_ms = now_ms,
				      .columns = size.ws_col > 0 ? size.ws_col : TERMINAL_COLUMNS,
				      .rows = size.ws_row > 0 ? size.ws_row : SCREEN_ROWS,
				      .sort = top->sort};
	buffer_string(&top->text, SCREEN_CLEAR);
	top_view_render(&view, &top->text);
}

static bool show(struct top *top, struct error *error)
{
	int64_t now_ms = time_of_day_ms();
	buffer_clear(&top->text);
	for (size_t i = 0; i < top->count; i++)
		top->shown[i] = &top->entries[i].status;
	size_t count = top_view_keep(top->shown, top->count, now_ms);
	top_view_sort(top->shown, count, top->sort);
	(top->keys.is_open ? print_screen : print_lines)(top, top->shown, count, now_ms);
	if (buffer_failed(&top->text))
		return error_memory(error, ERROR_SYSTEM, "showing how pipelines are");
	if (top->text.length > 0)
		fwrite(top->text.bytes, 1, top->text.length, top->session->out);
	fflush(top->session->out);
	return !ferror(top->session->out) ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "the output cannot be written; check where it goes");
}

/* ---- running ---- */

/* A pressed key takes effect at once: `again` means that the view must be shown again. */
static bool hear(struct top *top, struct reader *reader, struct arena *scratch, int64_t until_ns, struct error *error)
{
	while (clock_ns() < until_ns && !top->over) {
		struct record record;
		if (!reader_next(reader, LOOK_MS, &record, error))
			return false;
		bool good = !record.held || take(top, &record, scratch, error);
		record_release(&record);
		if (!good)
			return false;
		int key = screen_keys_next(&top->keys);
		top->over = key == SCREEN_KEYS_STOP || key == 'q';
		if (key != 's')
			continue;
		top->sort = (enum top_sort)((top->sort + 1) % TOP_SORTS);
		if (!show(top, error))
			return false;
	}
	return true;
}

static bool watch(struct top *top, struct reader *reader, struct arena *scratch, bool once, struct error *error)
{
	int64_t wait_ms = FIRST_MS;
	do {
		if (!hear(top, reader, scratch, clock_ns() + wait_ms * NS_PER_MS, error))
			return false;
		if (top->over)
			break;
		measure_lag(top);
		if (!show(top, error))
			return false;
		wait_ms = STATUS_EVERY_MS;
	} while (!once);
	return true;
}

static bool look(struct top *top, const struct door *door, struct error *error)
{
	const struct reader_config config = {.brokers = door->kafka.brokers,
					     .topic = door->status,
					     .newest = NEWEST_RECORDS,
					     .properties = door->kafka.consumer};
	struct arena *scratch = arena_open(TOP_ARENA_BYTES);
	bool once = top->options->once || isatty(fileno(top->session->out)) != 1;
	struct reader *reader = NULL;
	top->door = door;
	top->sort = (enum top_sort)top->options->sort;
	top->entries = scratch ? ARENA_ARRAY(top->session->arena, struct top_entry, ENTRIES_MAX) : NULL;
	top->shown = top->entries ? ARENA_ARRAY(top->session->arena, const struct status *, ENTRIES_MAX) : NULL;
	buffer_open(&top->text, TOP_TEXT_MAX);
	if (!once && top->options->form == OUTPUT_TEXT)
		screen_keys_open(&top->keys);
	bool good = (top->shown || error_memory(error, ERROR_SYSTEM, "reading the status")) &&
		    (reader = reader_open(&config, error)) && watch(top, reader, scratch, once, error);
	screen_keys_close(&top->keys);
	for (size_t i = 0; i < top->count; i++)
		arena_close(top->entries[i].arena);
	for (size_t i = 0; i < top->group_count; i++)
		backlog_close(top->groups[i].backlog);
	buffer_close(&top->text);
	reader_close(reader);
	arena_close(scratch);
	return good;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct top top = {.session = session, .options = filled};
	struct error error = {0};
	struct door door;
	(void)arguments, (void)count;
	bool good = door_open(command_workspace(session), &top.options->asked, NULL, &door, &error) && look(&top, &door, &error);
	door_close(&door);
	if (good && top.count == 0)
		command_note(session,
			     "no engine has reported a pipeline on %s; does one run in this namespace? If it runs with --control, "
			     "`sluice get` lists the resources that it has, and those that were deleted",
			     door.status);
	return good ? EXIT_GOOD : command_refused(session, &command_top, &error);
}

const struct command command_top = {
	.name = "top",
	.summary = "Shows the state of pipelines: rates, latencies, errors, waits.",
	.help = "Each second, every engine reports the state of its pipelines on the status topic of its namespace; this "
		"command shows the latest report of each. On a terminal it fits the screen and runs until `q`; `s` sorts by "
		"the next of name, lag, rate, errors and p99. An engine that has crashed is shown as silent, with the backlog "
		"of its pipeline under LAG, as long as its last record is among the newest of the topic.\n"
		"\n"
		"  sluice top --brokers localhost:9092\n"
		"  sluice top -n trading -f runtime.yaml --once -o json\n",
	.options = options,
	.options_size = sizeof(struct top_options),
	.group = "run",
	.run = run,
};
