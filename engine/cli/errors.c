/* errors.c: `sluice errors list|show`: the requests of a pipeline that failed, kept whole
 * in its topic of errors. */
#include "base/base64.h"
#include "base/moment.h"
#include "base/quote.h"
#include "cli/letters.h"
#include "message/json_write.h"

#define LINE_TEXT_MAX ((size_t)1 << 30)
#define WORDS_SHOWN 80 /* of an error, in a line of the list */

/* ---- what both have ---- */

struct errors_options {
	struct door_asked asked;
	struct letters_wanted wanted;
	int form;
};

static const struct option options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct errors_options, asked.files),
	 .help = DOOR_FILES_HELP},
	DOOR_ROWS(struct errors_options, asked),
	LETTERS_ROWS(struct errors_options, wanted),
	COMMAND_FORM(errors_options, form, "text json"),
	{.type = OPTION_END},
};

struct errors_showing {
	struct session *session;
	const struct errors_options *options;
	struct arena *arena; /* of one letter */
	struct buffer text;
	uint64_t shown;
};

static bool write_out(struct errors_showing *showing, struct error *error)
{
	if (buffer_failed(&showing->text))
		return error_memory(error, ERROR_SYSTEM, "showing a dead letter");
	fwrite(showing->text.bytes, 1, showing->text.length, showing->session->out);
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
	const struct dead_letter *letter = &found->letter;
	char moment[MOMENT_BYTES];
	if (showing->options->form == OUTPUT_JSON) {
		print_json(showing, found, false);
		return write_out(showing, error);
	}
	if (showing->shown == 0)
		buffer_print(&showing->text, "%-12s %-20s %-24s %-7s %-16s %s\n", "AT", "FAILED", "ID", "KIND", "STEP", "WHY");
	moment_print(letter->failed_ms, moment);
	arena_reset(showing->arena);
	buffer_print(&showing->text, "%d:%-10lld %-20s %-24s %-7s %-16s %.*s\n", (int)found->partition, (long long)found->offset,
		     moment, text_shown(letter->id, showing->arena), error_kind_name(letter->error->kind),
		     letter->step[0] ? shown_string(showing, letter->step) : "-", WORDS_SHOWN,
		     shown_string(showing, letter->error->text));
	return write_out(showing, error);
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
	buffer_print(out, "%d:%lld  %s\n", (int)found->partition, (long long)found->offset,
		     text_shown(letter->id, showing->arena));
	buffer_print(out, "  why       %s: %s\n", error_kind_name(letter->error->kind), shown_string(showing, letter->error->text));
	if (letter->error->place.line > 0)
		buffer_print(out, "  in        %s:%u:%u\n", shown_string(showing, letter->error->place.file),
			     letter->error->place.line, letter->error->place.column);
	buffer_print(out, "  step      %s, tried %u time%s\n", letter->step[0] ? shown_string(showing, letter->step) : "none",
		     letter->attempts, letter->attempts == 1 ? "" : "s");
	buffer_print(out, "  asked     %s, failed %s\n", asked, failed);
	buffer_print(out, "  stood at  %s %d:%lld\n", text_shown(letter->origin.topic, showing->arena),
		     (int)letter->origin.partition, (long long)letter->origin.offset);
	if (letter->key.bytes)
		buffer_print(out, "  key       %s\n", text_shown(letter->key, showing->arena));
	for (size_t i = 0; i < letter->headers.count; i++)
		buffer_print(out, "  header    %s: %s\n", text_shown(letter->headers.items[i].name, showing->arena),
			     text_shown(letter->headers.items[i].value, showing->arena));
	if (request.bytes)
		buffer_print(out, "  request   %s%s\n", text_shown(request, showing->arena), translated ? "  (as JSON)" : "");
	else
		buffer_print(out, "  request   %zu bytes that are no request in a format known here\n", letter->payload.length);
	return write_out(showing, error);
}

/* ---- running ---- */

static int look(struct session *session, const struct errors_options *self, const struct command *command,
		const struct letters_wanted *wanted, const char *pipeline,
		bool (*found)(void *context, const struct found_letter *letter, struct error *error))
{
	struct errors_showing showing = {.session = session, .options = self, .arena = arena_open(LINE_TEXT_MAX)};
	const struct letters_reader reader = {&showing, found};
	struct error error = {0};
	struct door door;
	buffer_open(&showing.text, LINE_TEXT_MAX);
	bool good = (showing.arena || error_memory(&error, ERROR_SYSTEM, "reading dead letters")) &&
		    door_open(session, &self->asked, pipeline, &door, &error);
	if (showing.arena) {
		good = good && letters_read(session, &door, wanted, &reader, &error);
		door_close(&door);
	}
	if (good && showing.shown == 0 && self->form == OUTPUT_TEXT)
		fprintf(session->out, "no dead letters\n");
	buffer_close(&showing.text);
	arena_close(showing.arena);
	return good ? EXIT_GOOD : command_refused(session, command, &error);
}

extern const struct command command_errors_list, command_errors_show;

static int run_list(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct errors_options *self = filled;
	(void)count;
	return look(session, self, &command_errors_list, &self->wanted, arguments[0], list_one);
}

static int run_show(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct errors_options *self = filled;
	struct letters_wanted wanted = self->wanted;
	wanted.names = arguments + 1;
	wanted.name_count = count - 1;
	return look(session, self, &command_errors_show, &wanted, arguments[0], show_one);
}

const struct command command_errors_list = {
	.name = "errors list",
	.arguments = "PIPELINE",
	.summary = "Lists the requests of a pipeline that failed and were kept.",
	.help = "Reads the pipeline's topic of errors from its beginning to its end of now. `AT` is the place of the dead letter, "
		"by "
		"which `errors show` and `errors replay` find it again; so do they by the request's id.\n"
		"\n"
		"  sluice errors list hello --brokers localhost:9092\n"
		"  sluice errors list hello --kind REMOTE --step score -f pipelines/ -o json\n",
	.options = options,
	.options_size = sizeof(struct errors_options),
	.group = "run",
	.run = run_list,
};

const struct command command_errors_show = {
	.name = "errors show",
	.arguments = "PIPELINE [AT|ID]...",
	.summary = "Shows requests that failed, whole.",
	.help = "The reason, the step and its attempts, where the request stood, its key and headers, and what was asked: text as "
		"it "
		"was, other formats as JSON. Without a name it shows all.\n"
		"\n"
		"  sluice errors show hello 0:17 --brokers localhost:9092\n"
		"  sluice errors show hello order-4711 -f pipelines/ -o json\n",
	.options = options,
	.options_size = sizeof(struct errors_options),
	.group = "run",
	.run = run_show,
};
