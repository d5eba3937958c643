/* produce.c: `sluice produce`: sends requests, one on each line, to the topic that a pipeline reads. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "cases/request_line.h"
#include "cli/command.h"
#include "client/kafka.h"
#include "log/sender.h"
#include "source/tensor_files.h"
#include "view/progress.h"
#include "view/refused_lines.h"

#define LINE_ARENA_BYTES ((size_t)256 << 20)
#define SETTLE_MS 250

struct produce_options {
	struct pipeline_target_asked asked;
	int64_t timeout_ns;
	int64_t rate;
	bool repeat;
	struct name_list tensors;
	int request_form;
	int form;
};

static const struct option options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_NAMES,
	 .offset = offsetof(struct produce_options, asked.files),
	 .help = PIPELINE_TARGET_FILES_HELP},
	PIPELINE_TARGET_ROWS(struct produce_options, asked),
	ROW("timeout", DURATION, struct produce_options, timeout_ns, .word = "TIME", .fallback = "30s",
	    .help = "How long Kafka may take to acknowledge a request before it counts as refused."),
	ROW("rate", INTEGER, struct produce_options, rate, .least = 1, .most = 1e9,
	    .help = "Requests a second, evenly spaced; default: as fast as Kafka accepts them."),
	ROW("repeat", FLAG, struct produce_options, repeat,
	    .help = "Starts again after the last request, until it is interrupted."),
	ROW("tensor", NAMES, struct produce_options, tensors, .word = "NAME=FILE",
	    .help = "Instead of lines, the rows of a file that numpy.save() wrote (.npy): each is a request with a tensor of that "
		    "name."),
	REQUEST_FORM_ROW(struct produce_options, request_form),
	COMMAND_FORM(produce_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_produce;

struct producing {
	struct session *session;
	const struct pipeline_target *target;
	const char *topic;
	struct sender *sender;
	struct arena *arena; /* of one line */
	uint64_t line;
	uint64_t sent;
	struct refused_lines refused;
	int64_t rate;	  /* a second; 0: as fast as can be */
	int64_t begun_ns; /* when the first line was sent */
	enum request_form request_form;
	uint64_t bytes, bytes_total; /* of lines: read, and in the file from where it is read; or rows; total 0: not known */
	struct progress_line progress;
};

/* ---- output ---- */

static void show_progress(struct producing *producing)
{
	const int64_t now_ns = clock_ns();
	char words[PROGRESS_LINE_MAX];
	if (!progress_due(&producing->progress, now_ns))
		return;
	(void)snprintf(words, sizeof words, "%" PRIu64 " sent, %" PRIu64 " acknowledged", producing->sent,
		       sender_acknowledged(producing->sender));
	progress_show(&producing->progress, producing->bytes, producing->bytes_total, words, now_ns);
}

static void refuse(void *context, uint64_t line, const char *reason)
{
	struct producing *producing = context;
	progress_clear(&producing->progress);
	refused_lines_add(&producing->refused, line, reason);
}

/* ---- one line ---- */

/* Writes the request in the format that is asked for. */
static bool encode_line(const struct producing *producing, struct request_line *line, struct error *error)
{
	struct request_encoded encoded;
	if (!request_encode(producing->request_form, line->request, (struct headers){line->header_count, line->headers},
			    LINE_ARENA_BYTES, producing->arena, &encoded, error))
		return false;
	line->request = encoded.bytes;
	line->header_count = request_headers_put(&encoded, line->headers, line->header_count);
	return true;
}

/* The key is that of the request as it was given. */
static struct text line_key(const struct producing *producing, const struct request_line *line)
{
	return line->key.bytes ? line->key : pipeline_target_key(producing->target, line->request, producing->arena);
}

static bool send_request(struct producing *producing, struct request_line *line, struct error *error)
{
	const struct text key = line_key(producing, line);
	if (!encode_line(producing, line, error))
		return false;
	const struct outgoing record = {
		.key = key,
		.value = line->request,
		.headers = {line->header_count, line->headers},
	};
	if (!sender_send(producing->sender, &record, producing->line, error))
		return false;
	producing->sent++;
	return true;
}

/* After a request that could not be sent. False: nothing more can be produced. */
static bool pass_over(struct producing *producing, const struct error *wrong, struct error *error)
{
	if (wrong->kind == ERROR_SYSTEM) {
		*error = *wrong;
		return false;
	}
	refuse(producing, producing->line, wrong->text);
	return true;
}

/* False: nothing more can be produced. */
static bool send_line(struct producing *producing, struct text bytes, struct error *error)
{
	struct request_line line;
	struct error wrong = {0};
	arena_reset(producing->arena);
	if (request_line_read(bytes, producing->arena, &line, &wrong) && send_request(producing, &line, &wrong))
		return true;
	return pass_over(producing, &wrong, error);
}

/* The same for a row of tensors, which counts as a line. */
static bool send_row(struct producing *producing, const struct tensor_rows *rows, size_t row, struct error *error)
{
	struct request_line line = {0};
	struct error wrong = {0};
	arena_reset(producing->arena);
	line.headers = ARENA_ARRAY(producing->arena, struct header, REQUEST_LINE_HEADERS);
	if (!line.headers)
		error_memory(&wrong, ERROR_LIMIT, "writing a request");
	else if (tensor_rows_request(rows, row, LINE_ARENA_BYTES, producing->arena, &line.request, &wrong) &&
		 send_request(producing, &line, &wrong))
		return true;
	return pass_over(producing, &wrong, error);
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

/* Bytes of a file from where it is read to its end; 0: there is no end, or it is not known. */
static uint64_t bytes_until_end(FILE *from, bool repeat)
{
	struct stat status;
	const off_t at = ftello(from);
	const bool ends = !repeat && at >= 0 && fstat(fileno(from), &status) == 0 && S_ISREG(status.st_mode);
	return ends && status.st_size > at ? (uint64_t)(status.st_size - at) : 0;
}

static void wait_for_all(struct producing *producing)
{
	while (!sender_settled(producing->sender, SETTLE_MS))
		show_progress(producing);
}

static bool send_rows(struct producing *producing, const struct tensor_rows *rows, bool repeat, struct error *error)
{
	bool good = true;
	producing->bytes_total = repeat ? 0 : rows->row_count;
	for (size_t row = 0; good && (row < rows->row_count || (repeat && rows->row_count > 0)); row++) {
		producing->line++;
		producing->bytes++;
		keep_pace(producing);
		good = send_row(producing, rows, row % rows->row_count, error);
		show_progress(producing);
	}
	wait_for_all(producing);
	return good;
}

static bool send_lines(struct producing *producing, FILE *from, bool repeat, struct error *error)
{
	char *bytes = NULL;
	size_t room = 0;
	ssize_t length;
	bool good = true;
	producing->bytes_total = bytes_until_end(from, repeat);
	while (good && (length = next_line(&bytes, &room, from, repeat)) >= 0) {
		producing->bytes += (uint64_t)length;
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
	wait_for_all(producing);
	return good;
}

static void show_summary(struct producing *producing, enum output_form form)
{
	progress_clear(&producing->progress);
	refused_lines_sum(&producing->refused);
	uint64_t acknowledged = sender_acknowledged(producing->sender);
	if (form == OUTPUT_JSON)
		fprintf(producing->session->out, "{\"topic\": \"%s\", \"acknowledged\": %" PRIu64 ", \"refused\": %" PRIu64 "}\n",
			producing->topic, acknowledged, producing->refused.count);
	else
		fprintf(producing->session->out, "%" PRIu64 " acknowledged by %s, %" PRIu64 " refused\n", acknowledged,
			producing->topic, producing->refused.count);
}

static bool produce(struct producing *producing, const struct pipeline_target *target, const struct produce_options *self,
		    FILE *from, const struct tensor_rows *rows, struct error *error)
{
	const struct sender_config config = {
		.brokers = target->kafka.brokers,
		.topic = target->inputs,
		.what = "request",
		.timeout_ms = self->timeout_ns / NS_PER_MS,
		.properties = target->kafka.producer,
		.refused = refuse,
		.context = producing,
	};
	if (!pipeline_target_see_inputs(target, error))
		return false;
	producing->target = target;
	producing->topic = target->inputs;
	producing->arena = arena_open(LINE_ARENA_BYTES);
	if (!producing->arena)
		return error_memory(error, ERROR_SYSTEM, "reading lines");
	producing->sender = sender_open(&config, error);
	bool good = producing->sender && (rows->tensor_count ? send_rows(producing, rows, self->repeat, error)
							     : send_lines(producing, from, self->repeat, error));
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
	struct producing producing = {.session = session,
				      .refused = {.workspace = command_workspace(session)},
				      .rate = self->rate,
				      .request_form = (enum request_form)self->request_form};
	struct error error = {0};
	struct pipeline_target target = {0};
	progress_begin(&producing.progress, session->err, self->form == OUTPUT_TEXT, clock_ns());
	if (strchr(arguments[0], '.'))
		return command_misuse(session, &command_produce, "requests go to a pipeline, and `%s` is one of its steps",
				      arguments[0]);
	if (self->tensors.count && count > 1)
		return command_misuse(session, &command_produce, "the requests are given by %s, and by --tensor too; choose one",
				      arguments[1]);
	FILE *from = standard ? stdin : fopen(arguments[1], "r");
	if (!from)
		return command_misuse(session, &command_produce, "%s cannot be read: %s", arguments[1], strerror(errno));
	bool again = !self->repeat || self->tensors.count || fseek(from, 0, SEEK_CUR) == 0 ||
		     error_set(&error, ERROR_CONFIG, PLACE_NONE,
			       "--repeat needs a file, which it reads again and again, and "
			       "this is none");
	struct tensor_rows rows = {0};
	bool good = again &&
		    (!self->tensors.count || tensor_rows_read(self->tensors, LINE_ARENA_BYTES, session->arena, &rows, &error)) &&
		    pipeline_target_open(command_workspace(session), &self->asked, arguments[0], &target, &error) &&
		    produce(&producing, &target, self, from, &rows, &error);
	pipeline_target_close(&target);
	if (!standard)
		fclose(from);
	if (!good)
		return command_refused(session, &command_produce, &error);
	return producing.refused.count == 0 ? EXIT_GOOD : EXIT_FAULTS;
}

const struct command command_produce = {
	.name = "produce",
	.arguments = "PIPELINE [REQUESTS]",
	.summary = "Writes requests, one in each line, to the topic that a pipeline reads.",
	.help = "A line is a JSON object. It is sent as it is, or it has a member `request` (or `body`, a text, or `body_b64`, "
		"any bytes), which is sent, and optional members `id`, `key` and `headers`, as in the in.jsonl of a case. If "
		"the pipeline's files are given and have `input.key`, a line without a key gets its key from there. Lines come "
		"from the file REQUESTS, or from standard input. The command waits until Kafka has acknowledged each request. "
		"It prints the line numbers of refused requests, after the first 20 only how many of each reason, and the exit "
		"code is then 1. On a terminal it shows how much of the file was sent, and the time that is left.\n"
		"\n"
		"  sluice produce hello --brokers localhost:9092 < requests.jsonl\n"
		"  sluice produce hello requests.jsonl -f runtime.yaml -f pipelines/\n"
		"  sluice produce hello requests.jsonl --request-format avro\n"
		"  sluice produce hello --tensor features=batch.npy\n",
	.options = options,
	.options_size = sizeof(struct produce_options),
	.group = "run",
	.run = run,
};
