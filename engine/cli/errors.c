/* errors.c: `sluice errors list|show`: the failed requests of a pipeline, which its errors topic contains completely. */
#include "base/base64.h"
#include "base/line_wrap.h"
#include "base/moment.h"
#include "base/quote.h"
#include "cli/command.h"
#include "client/dead_letter_list.h"
#include "client/kafka.h"
#include "message/json_write.h"

#define LINE_TEXT_MAX ((size_t)1 << 30)
#define COLUMN_MAX 40	 /* of a cell that widens its column */
#define FIXED_COLUMNS 31 /* of the time and the kind, and blanks between columns */

/* ---- what both have ---- */

struct errors_options {
	struct pipeline_target_asked asked;
	struct dead_letters_wanted wanted;
	bool counts; /* of `list` */
	int form;
};

#define ERRORS_ROWS                                                                                                                \
	{.name = "file",                                                                                                           \
	 .letter = 'f',                                                                                                            \
	 .type = OPTION_NAMES,                                                                                                     \
	 .offset = offsetof(struct errors_options, asked.files),                                                                   \
	 .help = PIPELINE_TARGET_FILES_HELP},                                                                                      \
		PIPELINE_TARGET_ROWS(struct errors_options, asked), LETTERS_ROWS(struct errors_options, wanted)

static const struct option show_options[] = {
	ERRORS_ROWS,
	COMMAND_FORM(errors_options, form, "text json"),
	{.type = OPTION_END},
};

static const struct option list_options[] = {
	ERRORS_ROWS,
	ROW("counts", FLAG, struct errors_options, counts, .help = "Shows only the counts by reason."),
	COMMAND_FORM(errors_options, form, "text json"),
	{.type = OPTION_END},
};

struct errors_showing {
	struct session *session;
	const struct errors_options *options;
	struct arena *arena; /* of one letter */
	struct buffer text;
	struct buffer wrapped; /* it, on a terminal */
	int place_width, step_width; /* of columns on a terminal */
	bool id_fits;		      /* beside them, each one; else ids have lines of their own */
	uint64_t shown;
	struct dead_letter_list list;
};

static bool write_out(struct errors_showing *showing, struct error *error)
{
	if (buffer_failed(&showing->text))
		return error_memory(error, ERROR_SYSTEM, "showing a dead letter");
	const bool wraps = showing->options->form == OUTPUT_TEXT && showing->session->columns > 0;
	buffer_clear(&showing->wrapped);
	if (wraps)
		lines_wrap(buffer_view(&showing->text), showing->session->columns, &showing->wrapped);
	if (buffer_failed(&showing->wrapped))
		return error_memory(error, ERROR_SYSTEM, "showing a dead letter");
	const struct text shown = buffer_view(wraps ? &showing->wrapped : &showing->text);
	fwrite(shown.bytes, 1, shown.length, showing->session->out);
	buffer_clear(&showing->text);
	showing->shown++;
	return true;
}

/* ---- as JSON, alike for both; `whole`: with what was asked ---- */

static void print_string(struct buffer *out, const char *name, struct text value)
{
	buffer_print(out, ", \"%s\": ", name);
	json_write_string(out, value);
}

static void print_payload_json(struct errors_showing *showing, const struct dead_letter *letter)
{
	bool translated;
	struct text request = letter_request(letter, showing->arena, &translated);
	if (request.bytes)
		print_string(&showing->text, translated ? "request" : "payload", request);
	if (!translated)
		return;
	char *bytes = arena_take_raw(showing->arena, base64_write_room(letter->payload.length));
	if (bytes)
		print_string(&showing->text, "payload_base64", (struct text){bytes, base64_write(letter->payload, bytes)});
	showing->text.failed |= !bytes;
}

static void print_json(struct errors_showing *showing, const struct found_letter *found, bool whole)
{
	const struct dead_letter *letter = &found->letter;
	struct buffer *out = &showing->text;
	buffer_print(out, "{\"at\": \"%d:%lld\"", (int)found->partition, (long long)found->offset);
	print_string(out, "id", letter->id);
	print_string(out, "kind", text_of(error_kind_name(letter->error->kind)));
	print_string(out, "error", text_of(letter->error->text));
	print_string(out, "pipeline", text_of(letter->pipeline));
	print_string(out, "step", text_of(letter->step));
	buffer_print(out, ", \"attempts\": %u, \"time_ms\": %lld, \"failed_ms\": %lld", letter->attempts,
		     (long long)letter->time_ms, (long long)letter->failed_ms);
	if (letter->error->place.line > 0)
		buffer_print(out, ", \"line\": %u, \"column\": %u", letter->error->place.line, letter->error->place.column);
	print_string(out, "topic", letter->origin.topic);
	buffer_print(out, ", \"partition\": %d, \"offset\": %lld", (int)letter->origin.partition, (long long)letter->origin.offset);
	if (letter->key.bytes)
		print_string(out, "key", letter->key);
	if (whole) {
		buffer_string(out, ", \"headers\": {");
		for (size_t i = 0; i < letter->headers.count; i++) {
			buffer_string(out, i > 0 ? ", " : "");
			json_write_string(out, letter->headers.items[i].name);
			buffer_string(out, ": ");
			json_write_string(out, letter->headers.items[i].value);
		}
		buffer_byte(out, '}');
		print_payload_json(showing, letter);
	}
	buffer_string(out, "}\n");
}

/* ---- list ---- */

/* Who wrote the record wrote these too. */
static const char *shown_string(const struct errors_showing *showing, const char *string)
{
	return text_shown(text_of(string), showing->arena);
}

static bool list_one(void *context, const struct found_letter *found, struct error *error)
{
	struct errors_showing *showing = context;
	struct text json = {0};
	arena_reset(showing->arena);
	if (showing->options->form == OUTPUT_JSON && !showing->options->counts) {
		print_json(showing, found, false);
		if (buffer_failed(&showing->text))
			return error_memory(error, ERROR_SYSTEM, "showing a dead letter");
		json = (struct text){showing->text.bytes, showing->text.length - 1};
	}
	bool good = dead_letter_list_add(&showing->list, found, json, error);
	buffer_clear(&showing->text);
	return good;
}

static bool mark_one(void *context, int32_t partition, int64_t offset, int64_t time_ms, struct error *error)
{
	struct errors_showing *showing = context;
	return dead_letter_list_mark(&showing->list, partition, offset, time_ms, error);
}

#define PLACE_BYTES 32 /* "2147483647:9223372036854775807" */

static void place_print(const struct listed_letter *letter, char place[PLACE_BYTES])
{
	(void)snprintf(place, PLACE_BYTES, "%d:%lld", (int)letter->partition, (long long)letter->offset);
}

static int wider(int width, const char *cell)
{
	const size_t characters = text_characters(text_of(cell));
	return characters > (size_t)width && characters <= COLUMN_MAX ? (int)characters : width;
}

/* On a terminal columns are as wide as their longest cell, and the reason has lines of its own. Ids are the last column: that of
 * a request without one is its topic and place. */
static void columns_measure(struct errors_showing *showing)
{
	const struct listed_letter *items = showing->list.items;
	char place[PLACE_BYTES];
	size_t longest = 0;
	showing->place_width = wider(0, "AT");
	showing->step_width = wider(0, "STEP");
	for (size_t i = 0; i < showing->list.count; i++) {
		arena_reset(showing->arena);
		place_print(&items[i], place);
		const size_t id = text_characters(text_of(shown_string(showing, items[i].id)));
		longest = id > longest ? id : longest;
		showing->place_width = wider(showing->place_width, place);
		showing->step_width = wider(showing->step_width, shown_string(showing, items[i].step));
	}
	showing->id_fits = FIXED_COLUMNS + (size_t)showing->place_width + (size_t)showing->step_width + longest <=
			   showing->session->columns;
}

/* A row, or the titles. */
static void print_columns(struct errors_showing *showing, const char *place, const char *moment, const char *kind, const char *step,
			  const char *id)
{
	if (showing->id_fits)
		buffer_print(&showing->text, "%-*s %-20s %-7s %-*s %s\n", showing->place_width, place, moment, kind,
			     showing->step_width, step, id);
	else
		buffer_print(&showing->text, "%-*s %-20s %-7s %s\n    %s\n", showing->place_width, place, moment, kind, step, id);
}

static void print_listed(struct errors_showing *showing, const struct listed_letter *letter, bool is_terminal)
{
	struct buffer *out = &showing->text;
	char moment[MOMENT_BYTES], place[PLACE_BYTES];
	const char *step = letter->step[0] ? shown_string(showing, letter->step) : "-";
	moment_print(letter->failed_ms, moment);
	place_print(letter, place);
	if (is_terminal) {
		print_columns(showing, place, moment, letter->kind, step, shown_string(showing, letter->id));
		buffer_string(out, "    ");
	} else {
		buffer_print(out, "%-12s %-20s %-24s %-7s %-16s ", place, moment, shown_string(showing, letter->id), letter->kind,
			     step);
	}
	buffer_string(out, shown_string(showing, letter->text));
	if (letter->replayed_ms > 0) {
		moment_print(letter->replayed_ms, moment);
		buffer_print(out, "  [replayed %s]", moment);
	}
	buffer_byte(out, '\n');
}

static void print_listed_json(struct errors_showing *showing, const struct listed_letter *letter)
{
	if (letter->replayed_ms > 0)
		buffer_print(&showing->text, "%.*s, \"replayed_ms\": %lld}\n", (int)strlen(letter->json) - 1, letter->json,
			     (long long)letter->replayed_ms);
	else
		buffer_print(&showing->text, "%s\n", letter->json);
}

static bool print_list(struct errors_showing *showing, struct error *error)
{
	const bool is_terminal = showing->session->columns > 0;
	columns_measure(showing);
	if (showing->options->form == OUTPUT_TEXT && showing->list.count > 0 && is_terminal)
		print_columns(showing, "AT", "FAILED", "KIND", "STEP", "ID");
	else if (showing->options->form == OUTPUT_TEXT && showing->list.count > 0)
		buffer_print(&showing->text, "%-12s %-20s %-24s %-7s %-16s WHY\n", "AT", "FAILED", "ID", "KIND", "STEP");
	for (size_t i = 0; i < showing->list.count; i++) {
		arena_reset(showing->arena);
		if (showing->options->form == OUTPUT_JSON)
			print_listed_json(showing, &showing->list.items[i]);
		else
			print_listed(showing, &showing->list.items[i], is_terminal);
		if (!write_out(showing, error))
			return false;
	}
	return true;
}

static void print_count(struct errors_showing *showing, const struct letter_count *count)
{
	struct buffer *out = &showing->text;
	const struct listed_letter *last = count->last;
	char moment[MOMENT_BYTES];
	if (showing->options->form == OUTPUT_JSON) {
		buffer_print(out, "{\"count\": %zu, \"replayed\": %zu", count->count, count->replayed);
		print_string(out, "kind", text_of(last->kind));
		print_string(out, "step", text_of(last->step));
		print_string(out, "error", text_of(last->text));
		buffer_print(out, ", \"last_ms\": %lld}\n", (long long)last->failed_ms);
		return;
	}
	moment_print(last->failed_ms, moment);
	buffer_print(out, "%7zu %8zu %-20s %-7s ", count->count, count->replayed, moment, last->kind);
	buffer_print(out, showing->session->columns > 0 ? "%s\n    %s\n" : "%-16s %s\n",
		     last->step[0] ? shown_string(showing, last->step) : "-", shown_string(showing, last->text));
}

static bool print_counts(struct errors_showing *showing, struct error *error)
{
	size_t count;
	const struct letter_count *counts = dead_letter_list_count(&showing->list, &count);
	if (!counts)
		return error_memory(error, ERROR_SYSTEM, "counting dead letters");
	if (showing->options->form == OUTPUT_TEXT && count > 0)
		buffer_print(&showing->text, "%s%7s %8s %-20s %-7s %s\n", showing->shown > 0 ? "\n" : "", "COUNT", "REPLAYED",
			     "LAST FAILED", "KIND", showing->session->columns > 0 ? "STEP" : "STEP             WHY");
	for (size_t i = 0; i < count; i++) {
		arena_reset(showing->arena);
		print_count(showing, &counts[i]);
		if (!write_out(showing, error))
			return false;
	}
	return true;
}

/* When all letters are gathered. */
static bool show_list(struct errors_showing *showing, struct error *error)
{
	dead_letter_list_sort(&showing->list);
	bool wants_counts = showing->options->counts || showing->options->form == OUTPUT_TEXT;
	return (showing->options->counts || print_list(showing, error)) && (!wants_counts || print_counts(showing, error));
}

/* ---- show ---- */

static bool show_one(void *context, const struct found_letter *found, struct error *error)
{
	struct errors_showing *showing = context;
	const struct dead_letter *letter = &found->letter;
	struct buffer *out = &showing->text;
	arena_reset(showing->arena);
	if (showing->options->form == OUTPUT_JSON) {
		print_json(showing, found, true);
		return write_out(showing, error);
	}
	char asked[MOMENT_BYTES], failed[MOMENT_BYTES];
	bool translated;
	struct text request = letter_request(letter, showing->arena, &translated);
	moment_print(letter->time_ms, asked);
	moment_print(letter->failed_ms, failed);
	buffer_print(out, "%d:%lld  %s\n", (int)found->partition, (long long)found->offset, text_shown(letter->id, showing->arena));
	buffer_print(out, "  why       %s: %s\n", error_kind_name(letter->error->kind), shown_string(showing, letter->error->text));
	if (letter->error->place.line > 0)
		buffer_print(out, "  in        %s:%u:%u\n", shown_string(showing, letter->error->place.file),
			     letter->error->place.line, letter->error->place.column);
	buffer_print(out, "  step      %s, tried %u time%s\n", letter->step[0] ? shown_string(showing, letter->step) : "none",
		     letter->attempts, letter->attempts == 1 ? "" : "s");
	buffer_print(out, "  asked     %s, failed %s\n", asked, failed);
	if (letter->origin.topic.length > 0)
		buffer_print(out, "  stood at  %s %d:%lld\n", text_shown(letter->origin.topic, showing->arena),
			     (int)letter->origin.partition, (long long)letter->origin.offset);
	else
		buffer_print(out, "  stood at  no place in Kafka: it came by ingress: direct, and is logged with its id\n");
	if (letter->key.bytes)
		buffer_print(out, "  key       %s\n", text_shown(letter->key, showing->arena));
	for (size_t i = 0; i < letter->headers.count; i++)
		buffer_print(out, "  header    %s: %s\n", text_shown(letter->headers.items[i].name, showing->arena),
			     text_shown(letter->headers.items[i].value, showing->arena));
	if (request.bytes)
		buffer_print(out, "  request   %s%s\n", text_shown(request, showing->arena), translated ? "  (as JSON)" : "");
	else
		buffer_print(out, "  request   %zu bytes that are not a request in a known format\n", letter->payload.length);
	return write_out(showing, error);
}

/* ---- running ---- */

/* `letters` has no context yet. `end` shows what was gathered; NULL: it is shown already. */
static int look(struct session *session, const struct errors_options *self, const struct command *command,
		const struct dead_letters_wanted *wanted, const char *pipeline, struct dead_letters_reader letters,
		bool (*end)(struct errors_showing *showing, struct error *error))
{
	struct errors_showing showing = {.session = session, .options = self, .arena = arena_open(LINE_TEXT_MAX)};
	struct error error = {0};
	struct pipeline_target target;
	letters.context = &showing;
	showing.list.arena = arena_open(LINE_TEXT_MAX);
	buffer_open(&showing.text, LINE_TEXT_MAX);
	buffer_open(&showing.wrapped, LINE_TEXT_MAX);
	bool has_memory = showing.arena && showing.list.arena;
	bool good = (has_memory || error_memory(&error, ERROR_SYSTEM, "reading dead letters")) &&
		    pipeline_target_open(command_workspace(session), &self->asked, pipeline, &target, &error);
	if (has_memory) {
		good = good && dead_letters_read(command_workspace(session), &target, wanted, &letters, &error) &&
		       (!end || end(&showing, &error));
		pipeline_target_close(&target);
	}
	if (good && showing.shown == 0 && self->form == OUTPUT_TEXT)
		fprintf(session->out, "no dead letters\n");
	buffer_close(&showing.text);
	buffer_close(&showing.wrapped);
	arena_close(showing.list.arena);
	arena_close(showing.arena);
	return good ? EXIT_GOOD : command_refused(session, command, &error);
}

extern const struct command command_errors_list, command_errors_show;

static int run_list(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct errors_options *self = filled;
	(void)count;
	return look(session, self, &command_errors_list, &self->wanted, arguments[0],
		    (struct dead_letters_reader){.found = list_one, .replayed = mark_one}, show_list);
}

static int run_show(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct errors_options *self = filled;
	struct dead_letters_wanted wanted = self->wanted;
	wanted.names = arguments + 1;
	wanted.name_count = count - 1;
	return look(session, self, &command_errors_show, &wanted, arguments[0], (struct dead_letters_reader){.found = show_one},
		    NULL);
}

const struct command command_errors_list = {
	.name = "errors list",
	.arguments = "PIPELINE",
	.summary = "Lists the failed requests of a pipeline that were kept.",
	.help = "Reads the pipeline's errors topic from its beginning to its present end. `AT` is the position of the dead "
		"letter; `errors show` and `errors replay` accept it, or the request's id. Dead letters are sorted by the time "
		"of the failure, and marked if they were replayed. Below them are the counts by reason; reasons that differ "
		"only in numbers are counted together.\n"
		"\n"
		"  sluice errors list hello --brokers localhost:9092\n"
		"  sluice errors list hello --kind REMOTE --step score -f pipelines/ -o json\n"
		"  sluice errors list hello --since 1h --counts --brokers localhost:9092\n",
	.options = list_options,
	.options_size = sizeof(struct errors_options),
	.group = "run",
	.run = run_list,
};

const struct command command_errors_show = {
	.name = "errors show",
	.arguments = "PIPELINE [AT|ID]...",
	.summary = "Shows failed requests in full.",
	.help = "Shows the reason, the step and its attempts, the topic and offset of the request, its key and headers, and "
		"its content: text as it is, other formats as JSON. Without a name it shows all.\n"
		"\n"
		"  sluice errors show hello 0:17 --brokers localhost:9092\n"
		"  sluice errors show hello order-4711 -f pipelines/ -o json\n",
	.options = show_options,
	.options_size = sizeof(struct errors_options),
	.group = "run",
	.run = run_show,
};
