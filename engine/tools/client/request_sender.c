/* request_sender.c: Sender of requests for `sluice produce`: reads each line or row, encodes it, sends it at a rate, and
 * counts. */
#include "tools/client/request_sender.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/number/duration.h"
#include "message/json/json_scan.h"
#include "tools/source/tensor_fill.h"

#define PROGRESS_EVERY_MS 250

#define LINE_CLEAR "\r\033[K"
#define LEFT_TEXT_MAX 48

void progress_begin(struct progress_line *progress, FILE *out, bool wanted, int64_t now_ns)
{
	const bool shows = wanted && isatty(fileno(out)) == 1;
	*progress = (struct progress_line){.terminal = shows ? out : NULL, .begun_ns = now_ns, .shown_ns = now_ns};
}

bool progress_due(const struct progress_line *progress, int64_t now_ns)
{
	return progress->terminal && now_ns - progress->shown_ns >= (int64_t)PROGRESS_EVERY_MS * NS_PER_MS;
}

/* In two units at most: seconds, minutes and seconds, or hours and minutes. */
static void print_left(int64_t left_s, char text[LEFT_TEXT_MAX])
{
	if (left_s < 60)
		(void)snprintf(text, LEFT_TEXT_MAX, ", %" PRId64 " s left", left_s);
	else if (left_s < 3600)
		(void)snprintf(text, LEFT_TEXT_MAX, ", %" PRId64 " min %" PRId64 " s left", left_s / 60, left_s % 60);
	else
		(void)snprintf(text, LEFT_TEXT_MAX, ", %" PRId64 " h %" PRId64 " min left", left_s / 3600, left_s / 60 % 60);
}

void progress_print(const struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns,
		    char line[PROGRESS_LINE_MAX])
{
	const int64_t passed_ns = now_ns - progress->begun_ns;
	char left[LEFT_TEXT_MAX] = "";
	if (total == 0) {
		(void)snprintf(line, PROGRESS_LINE_MAX, "%s", words);
		return;
	}
	const double part = done < total ? (double)done / (double)total : 1;
	if (part > 0 && passed_ns >= NS_PER_S)
		print_left((int64_t)((double)passed_ns / NS_PER_S * (1 - part) / part + 0.5), left);
	(void)snprintf(line, PROGRESS_LINE_MAX, "%d%%, %s%s", (int)(part * 100), words, left);
}

void progress_show(struct progress_line *progress, uint64_t done, uint64_t total, const char *words, int64_t now_ns)
{
	char line[PROGRESS_LINE_MAX];
	if (!progress->terminal)
		return;
	progress->shown_ns = now_ns;
	progress_print(progress, done, total, words, now_ns, line);
	fprintf(progress->terminal, LINE_CLEAR "%s", line);
	fflush(progress->terminal);
}

void progress_clear(struct progress_line *progress)
{
	if (progress->terminal)
		fputs(LINE_CLEAR, progress->terminal);
}

/* Reader of a line of requests: its members, in the form of a case. */
/* Headers that are added to those of a line: the id, and those of the format. */
#define REQUEST_LINE_HEADERS (1 + REQUEST_HEADERS_MAX)

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
	struct json_scan inside;
	if (json_peek(scan) != JSON_OBJECT) {
		error_set(scan->error, ERROR_INPUT, PLACE_NONE, "`headers` must be an object");
		scan->failed = true;
		return;
	}
	const size_t count = json_look_ahead(scan, JSON_OBJECT, &inside);
	if (scan->failed)
		return;
	line->headers = ARENA_ARRAY(arena, struct header, count + REQUEST_LINE_HEADERS);
	line->header_count = 0;
	while (line->headers && line->header_count < count && json_key(&inside, &line->headers[line->header_count].name))
		take_text(&inside, "headers", &line->headers[line->header_count++].value);
	scan->failed |= inside.failed;
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
			if (json_span(scan, &line->request) && !tensor_fill(arena, &line->request, scan->error))
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

bool request_line_read(struct text bytes, struct arena *arena, struct request_line *line, struct error *error)
{
	struct json_scan scan;
	bool has;
	*line = (struct request_line){.request = bytes};
	if (!has_request(bytes, arena, &has, error))
		return false;
	json_begin(&scan, bytes, "the line", arena, error);
	if (has && json_peek(&scan) == JSON_OBJECT)
		take_members(&scan, arena, line);
	if (has && !json_end(&scan))
		return false;
	if (!line->headers)
		line->headers = ARENA_ARRAY(arena, struct header, REQUEST_LINE_HEADERS);
	if (!line->headers)
		return error_memory(error, ERROR_LIMIT, "reading a line");
	struct headers headers = {line->header_count, line->headers};
	if (line->id.bytes && !headers_find(headers, TEXT("x-request-id")))
		line->headers[line->header_count++] = (struct header){TEXT("x-request-id"), line->id};
	return true;
}

#define LINE_ARENA_BYTES ((size_t)256 << 20)
#define SETTLE_MS 250

/* ---- output ---- */

static void producer_show_progress(struct request_sender *producer)
{
	const int64_t now_ns = clock_ns();
	char words[PROGRESS_LINE_MAX];
	if (!progress_due(&producer->progress, now_ns))
		return;
	(void)snprintf(words, sizeof words, "%" PRIu64 " sent, %" PRIu64 " acknowledged", producer->sent,
		       sender_acknowledged(producer->sender));
	progress_show(&producer->progress, producer->bytes, producer->bytes_total, words, now_ns);
}

static void producer_refuse(void *context, uint64_t line, const char *reason)
{
	struct request_sender *producer = context;
	progress_clear(&producer->progress);
	refused_lines_add(&producer->refused, line, reason);
}

/* ---- one line ---- */

/* Writes the request in the format that is asked for. */
static bool line_encode(const struct request_sender *producer, struct request_line *line, struct error *error)
{
	struct request_encoded encoded;
	if (!request_encode(producer->request_form, line->request, (struct headers){line->header_count, line->headers},
			    LINE_ARENA_BYTES, producer->arena, &encoded, error))
		return false;
	line->request = encoded.bytes;
	line->header_count = request_headers_put(&encoded, line->headers, line->header_count);
	return true;
}

/* The key is that of the request as it was given. */
static struct text line_key(const struct request_sender *producer, const struct request_line *line)
{
	return line->key.bytes ? line->key : pipeline_target_key(producer->target, line->request, producer->arena);
}

static bool request_send(struct request_sender *producer, struct request_line *line, struct error *error)
{
	const struct text key = line_key(producer, line);
	if (!line_encode(producer, line, error))
		return false;
	const struct outgoing record = {
		.key = key,
		.value = line->request,
		.headers = {line->header_count, line->headers},
	};
	if (!sender_send(producer->sender, &record, producer->line, error))
		return false;
	producer->sent++;
	return true;
}

/* After a request that could not be sent. False: nothing more can be produced. */
static bool line_pass_over(struct request_sender *producer, const struct error *wrong, struct error *error)
{
	if (wrong->kind == ERROR_SYSTEM) {
		*error = *wrong;
		return false;
	}
	producer_refuse(producer, producer->line, wrong->text);
	return true;
}

/* False: nothing more can be produced. */
static bool line_send(struct request_sender *producer, struct text bytes, struct error *error)
{
	struct request_line line;
	struct error wrong = {0};
	arena_reset(producer->arena);
	if (request_line_read(bytes, producer->arena, &line, &wrong) && request_send(producer, &line, &wrong))
		return true;
	return line_pass_over(producer, &wrong, error);
}

/* The same for a row of tensors, which counts as a line. */
static bool row_send(struct request_sender *producer, const struct tensor_rows *rows, size_t row, struct error *error)
{
	struct request_line line = {0};
	struct error wrong = {0};
	arena_reset(producer->arena);
	line.headers = ARENA_ARRAY(producer->arena, struct header, REQUEST_LINE_HEADERS);
	if (!line.headers)
		error_memory(&wrong, ERROR_LIMIT, "writing a request");
	else if (tensor_rows_request(rows, row, LINE_ARENA_BYTES, producer->arena, &line.request, &wrong) &&
		 request_send(producer, &line, &wrong))
		return true;
	return line_pass_over(producer, &wrong, error);
}

/* ---- all of them ---- */

/* Waits until the next line is due, and takes acknowledgements meanwhile. */
static void producer_keep_pace(struct request_sender *producer)
{
	if (producer->rate == 0)
		return;
	if (producer->sent == 0)
		producer->begun_ns = clock_ns();
	double passed_ns = (double)producer->sent / (double)producer->rate * 1e9;
	int64_t due_ns = producer->begun_ns + (int64_t)passed_ns;
	for (int64_t left_ns; (left_ns = due_ns - clock_ns()) > 0;) {
		struct timespec rest = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
		if (left_ns < NS_PER_MS || sender_settled(producer->sender, (int)(left_ns / NS_PER_MS)))
			nanosleep(&rest, NULL);
	}
}

/* The next line, or with `repeat` the first one again; its length, or -1. */
static ssize_t line_next(char **bytes, size_t *room, FILE *from, bool repeat)
{
	ssize_t length = getline(bytes, room, from);
	if (length >= 0 || !repeat || ferror(from) || fseek(from, 0, SEEK_SET) != 0)
		return length;
	return getline(bytes, room, from);
}

/* Bytes of a file from where it is read to its end; 0: there is no end, or it is not known. */
static uint64_t bytes_until_end(FILE *from, bool repeat)
{
	struct stat status;
	const off_t at = ftello(from);
	const bool ends = !repeat && at >= 0 && fstat(fileno(from), &status) == 0 && S_ISREG(status.st_mode);
	return ends && status.st_size > at ? (uint64_t)(status.st_size - at) : 0;
}

static void producer_settle(struct request_sender *producer)
{
	while (!sender_settled(producer->sender, SETTLE_MS))
		producer_show_progress(producer);
}

static bool rows_send(struct request_sender *producer, const struct tensor_rows *rows, struct error *error)
{
	bool good = true;
	producer->bytes_total = producer->repeat ? 0 : rows->row_count;
	for (size_t row = 0; good && (row < rows->row_count || (producer->repeat && rows->row_count > 0)); row++) {
		producer->line++;
		producer->bytes++;
		producer_keep_pace(producer);
		good = row_send(producer, rows, row % rows->row_count, error);
		producer_show_progress(producer);
	}
	producer_settle(producer);
	return good;
}

static bool lines_send(struct request_sender *producer, FILE *from, struct error *error)
{
	char *bytes = NULL;
	size_t room = 0;
	ssize_t length;
	bool good = true;
	producer->bytes_total = bytes_until_end(from, producer->repeat);
	while (good && (length = line_next(&bytes, &room, from, producer->repeat)) >= 0) {
		producer->bytes += (uint64_t)length;
		while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
			length--;
		producer->line++;
		if (length > 0) {
			producer_keep_pace(producer);
			good = line_send(producer, (struct text){bytes, (size_t)length}, error);
		}
		producer_show_progress(producer);
	}
	free(bytes);
	if (good && ferror(from))
		good = error_set(error, ERROR_SYSTEM, PLACE_NONE, "the requests could be read only up to line %" PRIu64,
				 producer->line);
	producer_settle(producer);
	return good;
}

bool request_sender_run(struct request_sender *producer, FILE *lines, const struct tensor_rows *rows, struct error *error)
{
	const struct sender_config config = {
		.brokers = producer->target->kafka.brokers,
		.topic = producer->target->inputs,
		.what = "request",
		.timeout_ms = producer->timeout_ms,
		.properties = producer->target->kafka.producer,
		.refused = producer_refuse,
		.context = producer,
	};
	assert(!lines == !!rows);
	producer->arena = arena_open(LINE_ARENA_BYTES);
	if (!producer->arena)
		return error_memory(error, ERROR_SYSTEM, "reading lines");
	producer->sender = sender_open(&config, error);
	producer->was_opened = producer->sender;
	bool good = producer->sender && (rows ? rows_send(producer, rows, error) : lines_send(producer, lines, error));
	if (producer->sender) {
		producer->acknowledged = sender_acknowledged(producer->sender);
		progress_clear(&producer->progress);
		refused_lines_sum(&producer->refused);
	}
	sender_close(producer->sender);
	arena_close(producer->arena);
	return good;
}
