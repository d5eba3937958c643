/* produce.c: `sluice produce`: sends requests, one on each line, to the topic that a pipeline reads. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "cli/case.h"
#include "cli/kafka.h"
#include "log/sender.h"
#include "message/json_scan.h"

#define LINE_CLEAR "\r\033[K"
#define LINE_ARENA_BYTES ((size_t)256 << 20)
#define PROGRESS_MS 250

struct produce_options {
	struct door_asked asked;
	int64_t timeout_ns;
	int64_t rate;
	bool repeat;
	int form;
};

static const struct option options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct produce_options, asked.files),
	 .help = DOOR_FILES_HELP},
	DOOR_ROWS(struct produce_options, asked),
	ROW("timeout", DURATION, struct produce_options, timeout_ns, .word = "TIME", .fallback = "30s",
	    .help = "How long Kafka may take to acknowledge a request before it counts as refused."),
	ROW("rate", INTEGER, struct produce_options, rate, .least = 1, .most = 1e9,
	    .help = "Requests a second, evenly spaced; default: as fast as Kafka accepts them."),
	ROW("repeat", FLAG, struct produce_options, repeat,
	    .help = "Starts again after the last request, until it is interrupted."),
	COMMAND_FORM(produce_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_produce;

struct producing {
	struct session *session;
	const struct door *door;
	const char *topic;
	struct sender *sender;
	struct arena *arena; /* of one line */
	uint64_t line;
	uint64_t sent, refused;
	int64_t rate;	  /* a second; 0: as fast as can be */
	int64_t begun_ns; /* when the first line was sent */
	bool terminal;
	int64_t shown_ms;
};

/* ---- output ---- */

static void show_progress(struct producing *producing)
{
	int64_t now_ms = clock_ns() / NS_PER_MS;
	if (!producing->terminal || now_ms - producing->shown_ms < PROGRESS_MS)
		return;
	producing->shown_ms = now_ms;
	fprintf(producing->session->err, "\r%" PRIu64 " sent, %" PRIu64 " acknowledged", producing->sent,
		sender_acknowledged(producing->sender));
	fflush(producing->session->err);
}

static void refuse(void *context, uint64_t line, const char *reason)
{
	struct producing *producing = context;
	producing->refused++;
	if (producing->terminal)
		fputs(LINE_CLEAR, producing->session->err);
	command_note(producing->session, "line %" PRIu64 ": %s", line, reason);
}

/* ---- one line ---- */

/* A line is a request, or has one as its member `request`, with what goes around it. */
struct request_line {
	struct text id;
	struct text key;
	struct text request;
	struct header *headers; /* one more has room: the id */
	size_t header_count;
};

static void take_text(struct json_scan *scan, const char *member, struct text *text)
{
	if (json_peek(scan) == JSON_STRING) {
		json_text(scan, text);
	} else {
		error_set(scan->error, ERROR_INPUT, PLACE_NONE, "`%s` must be a string", member);
		scan->failed = true;
	}
}

static void take_headers(struct json_scan *scan, struct arena *arena, struct request_line *line)
{
	struct json_scan counting;
	struct text span, key;
	size_t count = 0;
	if (json_peek(scan) != JSON_OBJECT) {
		error_set(scan->error, ERROR_INPUT, PLACE_NONE, "`headers` must be an object");
		scan->failed = true;
		return;
	}
	if (!json_span(scan, &span))
		return;
	counting = json_again(scan, span);
	json_enter(&counting);
	while (json_key(&counting, &key))
		count += json_skip(&counting);
	line->headers = ARENA_ARRAY(arena, struct header, count + 1);
	counting = json_again(scan, span);
	json_enter(&counting);
	while (line->headers && json_key(&counting, &line->headers[line->header_count].name))
		take_text(&counting, "headers", &line->headers[line->header_count++].value);
	scan->failed |= counting.failed;
}

/* Bytes of any format, as base64. */
static void take_bytes(struct json_scan *scan, struct arena *arena, struct request_line *line)
{
	struct text written = {0};
	take_text(scan, "body_b64", &written);
	char *bytes = arena_take(arena, 1, base64_read_room(written.length));
	line->request = (struct text){bytes, 0};
	if (!bytes)
		scan->failed = !error_memory(scan->error, ERROR_LIMIT, "reading a line");
	else if (!scan->failed && !base64_read(written, bytes, &line->request.length))
		scan->failed = !error_set(scan->error, ERROR_INPUT, PLACE_NONE, "`body_b64` is not base64");
}

static void take_members(struct json_scan *scan, struct arena *arena, struct request_line *line)
{
	struct text key;
	json_enter(scan);
	while (json_key(scan, &key)) {
		if (text_is(key, "request")) {
			(void)json_peek(scan);
			if (json_span(scan, &line->request) && !case_fill(arena, &line->request, scan->error))
				scan->failed = true;
		} else if (text_is(key, "body")) {
			take_text(scan, "body", &line->request);
		} else if (text_is(key, "body_b64")) {
			take_bytes(scan, arena, line);
		} else if (text_is(key, "id")) {
			take_text(scan, "id", &line->id);
		} else if (text_is(key, "key")) {
			take_text(scan, "key", &line->key);
		} else if (text_is(key, "headers")) {
			take_headers(scan, arena, line);
		} else {
			json_skip(scan);
		}
	}
}

/* Whether the line has a request as a member; its JSON is checked by the way. */
static bool has_request(struct text bytes, struct arena *arena, bool *has, struct error *error)
{
	struct json_scan scan;
	struct text key;
	json_begin(&scan, bytes, "the line", arena, error);
	*has = false;
	if (json_peek(&scan) != JSON_OBJECT)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the line is not a JSON object");
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		*has |= text_is(key, "request") || text_is(key, "body") || text_is(key, "body_b64");
		json_skip(&scan);
	}
	return json_end(&scan);
}

static bool read_line(struct text bytes, struct arena *arena, struct request_line *line, struct error *error)
{
	struct json_scan scan;
	bool has;
	*line = (struct request_line){.request = bytes};
	if (!has_request(bytes, arena, &has, error))
		return false;
	if (!has)
		return true;
	json_begin(&scan, bytes, "the line", arena, error);
	if (json_peek(&scan) == JSON_OBJECT)
		take_members(&scan, arena, line);
	if (!json_end(&scan))
		return false;
	if (!line->headers)
		line->headers = ARENA_ARRAY(arena, struct header, 1);
	if (!line->headers)
		return error_memory(error, ERROR_LIMIT, "reading a line");
	struct headers headers = {line->header_count, line->headers};
	if (line->id.bytes && !headers_find(headers, TEXT("x-request-id")))
		line->headers[line->header_count++] = (struct header){TEXT("x-request-id"), line->id};
	return true;
}

/* False: nothing more can be produced. */
static bool send_line(struct producing *producing, struct text bytes, struct error *error)
{
	struct request_line line;
	struct error wrong = {0};
	arena_reset(producing->arena);
	if (read_line(bytes, producing->arena, &line, &wrong)) {
		const struct outgoing record = {
			.key = line.key.bytes ? line.key : door_key(producing->door, line.request, producing->arena),
			.value = line.request,
			.headers = {line.header_count, line.headers},
		};
		if (sender_send(producing->sender, &record, producing->line, &wrong)) {
			producing->sent++;
			return true;
		}
	}
	if (wrong.kind == ERROR_SYSTEM) {
		*error = wrong;
		return false;
	}
	refuse(producing, producing->line, wrong.text);
	return true;
}

/* ---- all of them ---- */

/* Waits until the next line is due, and takes acknowledgements meanwhile. */
static void keep_pace(struct producing *producing)
{
	if (producing->rate == 0)
		return;
	if (producing->sent == 0)
		producing->begun_ns = clock_ns();
	double passed_ns = (double)producing->sent / (double)producing->rate * 1e9;
	int64_t due_ns = producing->begun_ns + (int64_t)passed_ns;
	for (int64_t left_ns; (left_ns = due_ns - clock_ns()) > 0;) {
		struct timespec rest = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
		if (left_ns < NS_PER_MS || sender_settled(producing->sender, (int)(left_ns / NS_PER_MS)))
			nanosleep(&rest, NULL);
	}
}

/* The next line, or with `repeat` the first one again; its length, or -1. */
static ssize_t next_line(char **bytes, size_t *room, FILE *from, bool repeat)
{
	ssize_t length = getline(bytes, room, from);
	if (length >= 0 || !repeat || ferror(from) || fseek(from, 0, SEEK_SET) != 0)
		return length;
	return getline(bytes, room, from);
}

static bool send_lines(struct producing *producing, FILE *from, bool repeat, struct error *error)
{
	char *bytes = NULL;
	size_t room = 0;
	ssize_t length;
	bool good = true;
	while (good && (length = next_line(&bytes, &room, from, repeat)) >= 0) {
		while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
			length--;
		producing->line++;
		if (length > 0) {
			keep_pace(producing);
			good = send_line(producing, (struct text){bytes, (size_t)length}, error);
		}
		show_progress(producing);
	}
	free(bytes);
	if (good && ferror(from))
		good = error_set(error, ERROR_SYSTEM, PLACE_NONE, "the requests could be read only up to line %" PRIu64,
				 producing->line);
	while (!sender_settled(producing->sender, PROGRESS_MS))
		show_progress(producing);
	return good;
}

static void show_summary(struct producing *producing, enum output_form form)
{
	if (producing->terminal)
		fputs(LINE_CLEAR, producing->session->err);
	uint64_t acknowledged = sender_acknowledged(producing->sender);
	if (form == OUTPUT_JSON)
		fprintf(producing->session->out, "{\"topic\": \"%s\", \"acknowledged\": %" PRIu64 ", \"refused\": %" PRIu64 "}\n",
			producing->topic, acknowledged, producing->refused);
	else
		fprintf(producing->session->out, "%" PRIu64 " acknowledged by %s, %" PRIu64 " refused\n", acknowledged,
			producing->topic, producing->refused);
}

static bool produce(struct producing *producing, const struct door *door, const struct produce_options *self, FILE *from,
		    struct error *error)
{
	const struct sender_config config = {
		.brokers = door->kafka.brokers,
		.topic = door->inputs,
		.timeout_ms = self->timeout_ns / NS_PER_MS,
		.properties = door->kafka.producer,
		.refused = refuse,
		.context = producing,
	};
	if (!door_see_inputs(door, error))
		return false;
	producing->door = door;
	producing->topic = door->inputs;
	producing->arena = arena_open(LINE_ARENA_BYTES);
	if (!producing->arena)
		return error_memory(error, ERROR_SYSTEM, "reading lines");
	producing->sender = sender_open(&config, error);
	bool good = producing->sender && send_lines(producing, from, self->repeat, error);
	if (producing->sender)
		show_summary(producing, (enum output_form)self->form);
	sender_close(producing->sender);
	arena_close(producing->arena);
	return good;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct produce_options *self = filled;
	const bool standard = count < 2 || strcmp(arguments[1], "-") == 0;
	const bool terminal = self->form == OUTPUT_TEXT && isatty(fileno(session->err)) == 1;
	struct producing producing = {.session = session, .rate = self->rate, .terminal = terminal};
	struct error error = {0};
	struct door door = {0};
	if (strchr(arguments[0], '.'))
		return command_misuse(session, &command_produce, "requests go to a pipeline, and `%s` is one of its steps",
				      arguments[0]);
	FILE *from = standard ? stdin : fopen(arguments[1], "r");
	if (!from)
		return command_misuse(session, &command_produce, "%s cannot be read: %s", arguments[1], strerror(errno));
	bool again = !self->repeat || fseek(from, 0, SEEK_CUR) == 0 ||
		     error_set(&error, ERROR_CONFIG, PLACE_NONE,
			       "--repeat needs a file, which it reads again and again, and "
			       "this is none");
	bool good = again && door_open(session, &self->asked, arguments[0], &door, &error) &&
		    produce(&producing, &door, self, from, &error);
	door_close(&door);
	if (!standard)
		fclose(from);
	if (!good)
		return command_refused(session, &command_produce, &error);
	return producing.refused == 0 ? EXIT_GOOD : EXIT_FAULTS;
}

const struct command command_produce = {
	.name = "produce",
	.arguments = "PIPELINE [REQUESTS]",
	.summary = "Writes requests, one in each line, to the topic that a pipeline reads.",
	.help = "A line is a JSON object. It is sent as it is, or it has a member `request` (or `body`, a text, or `body_b64`, "
		"any bytes), which is sent, and optional members `id`, `key` and `headers`, as in the in.jsonl of a case. If "
		"the pipeline's files are given and have `input.key`, a line without a key gets its key from there. Lines come "
		"from the file REQUESTS, or from standard input. The command waits until Kafka has acknowledged each request. "
		"It prints the line numbers of refused requests, and the exit code is then 1.\n"
		"\n"
		"  sluice produce hello --brokers localhost:9092 < requests.jsonl\n"
		"  sluice produce hello requests.jsonl -f runtime.yaml -f pipelines/\n",
	.options = options,
	.options_size = sizeof(struct produce_options),
	.group = "run",
	.run = run,
};
