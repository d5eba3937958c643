/* infer.c: `sluice infer`: sends one request through a running pipeline, and prints its answer. */
#include <inttypes.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/quote.h"
#include "cli/command.h"
#include "client/kafka.h"
#include "client/request_encode.h"
#include "log/reader.h"
#include "log/sender.h"
#include "source/tensor_files.h"
#include "view/answer_view.h"

#define REQUEST_BYTES_MAX ((size_t)256 << 20)
#define ANSWER_TEXT_MAX ((size_t)1 << 30)
#define RECORD_ARENA_BYTES ((size_t)1 << 30)
#define LOOK_MS 50
#define LAST_WORD_NS 1000000000 /* for the answer that says that the time is over, on its way */

struct infer_options {
	struct pipeline_target_asked asked;
	const char *request;
	struct name_list tensors;
	const char *id;
	const char *key;
	int64_t timeout_ns;
	int request_form;
	int form;
};

static const struct option options[] = {
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct infer_options, request),
	 .help = "The request, in any format that the pipeline accepts (`-`: from standard input)."},
	ROW("tensor", NAMES, struct infer_options, tensors, .word = "NAME=FILE",
	    .help = "Instead of a request, a tensor of that name from a file that numpy.save() wrote (.npy)."),
	ROW("pipelines", NAMES, struct infer_options, asked.files, .help = PIPELINE_TARGET_FILES_HELP),
	PIPELINE_TARGET_ROWS(struct infer_options, asked),
	ROW("id", TEXT, struct infer_options, id, .help = "The request's id; default: a random one."),
	ROW("key", TEXT, struct infer_options, key, .help = "The record's key."),
	ROW("timeout", DURATION, struct infer_options, timeout_ns, .fallback = "30s",
	    .help = "How long the answer may take. The request has this deadline in the header " DEADLINE_HEADER "."),
	REQUEST_FORM_ROW(struct infer_options, request_form),
	COMMAND_FORM(infer_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_infer;

struct inferring {
	struct session *session;
	const struct infer_options *options;
	struct text request;
	struct text id;
	int64_t end_ns;
	struct schema_asker asker;
	struct arena *arena; /* of one record */
	const char *refused; /* by Kafka; NULL: not */
	bool failed;	     /* the answer is an error */
};

static bool make_id(struct inferring *inferring, struct error *error)
{
	uint64_t chance[2];
	if (inferring->options->id) {
		inferring->id = text_of(inferring->options->id);
		return true;
	}
	if (getrandom(chance, sizeof chance, 0) != (ssize_t)sizeof chance)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "the system returns no random number; set the request's id "
				 "by --id");
	inferring->id = text_of(arena_print(inferring->session->arena, "infer-%016" PRIx64 "%016" PRIx64, chance[0], chance[1]));
	return inferring->id.bytes || error_memory(error, ERROR_SYSTEM, "naming the request");
}

static bool read_request(struct inferring *inferring, struct error *error)
{
	if (inferring->options->tensors.count)
		return tensor_files_request(inferring->options->tensors, REQUEST_BYTES_MAX, inferring->session->arena,
					    &inferring->request, error);
	if (!file_read(inferring->options->request, REQUEST_BYTES_MAX + 1, inferring->session->arena, &inferring->request, error))
		return false;
	return inferring->request.length <= REQUEST_BYTES_MAX ||
	       error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that a request may have",
			 inferring->options->request, REQUEST_BYTES_MAX >> 20);
}

static void refuse(void *context, uint64_t number, const char *reason)
{
	struct inferring *inferring = context;
	(void)number;
	inferring->refused = reason;
}

/* The deadline, as milliseconds since 1970 by this machine's clock: after it nobody waits, so no engine need work on
 * it. */
static struct text deadline_of(const struct inferring *inferring)
{
	int64_t deadline_ms = time_of_day_ms() + inferring->options->timeout_ns / NS_PER_MS;
	return text_of(arena_print(inferring->session->arena, "%" PRId64, deadline_ms));
}

static bool send(struct inferring *inferring, const struct pipeline_target *target, struct error *error)
{
	struct header headers[2 + REQUEST_HEADERS_MAX] = {{TEXT("x-request-id"), inferring->id},
							  {TEXT(DEADLINE_HEADER), deadline_of(inferring)}};
	struct arena *arena = inferring->session->arena;
	struct request_encoded encoded;
	if (!request_encode((enum request_form)inferring->options->request_form, inferring->request, (struct headers){0},
			    REQUEST_BYTES_MAX, arena, &encoded, error))
		return false;
	const struct outgoing record = {
		.key = inferring->options->key ? text_of(inferring->options->key)
					       : pipeline_target_key(target, inferring->request, arena),
		.value = encoded.bytes,
		.headers = {request_headers_put(&encoded, headers, 2), headers},
	};
	const struct sender_config config = {
		.brokers = target->kafka.brokers,
		.topic = target->inputs,
		.what = "request",
		.timeout_ms = inferring->options->timeout_ns / NS_PER_MS,
		.properties = target->kafka.producer,
		.refused = refuse,
		.context = inferring,
	};
	struct sender *sender = sender_open(&config, error);
	bool good = sender && sender_send(sender, &record, 1, error);
	while (good && !sender_settled(sender, LOOK_MS) && clock_ns() < inferring->end_ns)
		;
	if (good && sender_acknowledged(sender) == 0)
		good = error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka did not accept the request in %s: %s", config.topic,
				 inferring->refused ? inferring->refused : "it does not answer in time");
	sender_close(sender);
	return good;
}

static bool show(struct inferring *inferring, const struct answer_view *view, struct error *error)
{
	struct buffer out;
	inferring->failed = view->answer.failed;
	if (view->answer.failed && inferring->options->form != OUTPUT_JSON) {
		fprintf(inferring->session->err, "error: %s\n", text_shown(view->answer.words, inferring->arena));
		return true;
	}
	buffer_open(&out, ANSWER_TEXT_MAX);
	(inferring->options->form == OUTPUT_JSON ? answer_view_print_json : answer_view_print_text)(view, &out);
	return command_write(inferring->session, &out) == EXIT_GOOD || error_memory(error, ERROR_SYSTEM, "showing the answer");
}

static bool wait_for_answer(struct inferring *inferring, struct reader *reader, struct error *error)
{
	while (clock_ns() < inferring->end_ns + LAST_WORD_NS) {
		struct record record;
		struct answer_view view;
		if (!reader_next(reader, LOOK_MS, &record, error))
			return false;
		if (!record.held)
			continue;
		bool good = answer_view_read(&record, &inferring->asker, inferring->arena, &view, error);
		bool ours = good && text_equal(view.message.id, inferring->id);
		if (ours)
			good = show(inferring, &view, error);
		record_release(&record);
		if (ours || !good)
			return good;
	}
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "no answer to " TEXT_FORMAT
			 " came in time; does `sluice run` run the pipeline, and does it answer every request?",
			 TEXT_ARGUMENTS(inferring->id));
}

/* The reader is at the end of the answers before the request is sent. */
static bool infer(struct inferring *inferring, const struct pipeline_target *target, struct error *error)
{
	const struct reader_config config = {
		.brokers = target->kafka.brokers, .topic = target->outputs, .properties = target->kafka.consumer};
	if (!config.topic)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the pipeline has no output, so no answer can be waited for");
	if (!pipeline_target_see_inputs(target, error))
		return false;
	inferring->arena = arena_open(RECORD_ARENA_BYTES);
	if (!inferring->arena)
		return error_memory(error, ERROR_SYSTEM, "waiting for an answer");
	struct reader *reader = reader_open(&config, error);
	inferring->end_ns = clock_ns() + inferring->options->timeout_ns;
	bool good = reader && schema_asker_open(&inferring->asker, kafka_registry(&target->kafka), error) &&
		    send(inferring, target, error) && wait_for_answer(inferring, reader, error);
	schema_asker_close(&inferring->asker);
	reader_close(reader);
	arena_close(inferring->arena);
	return good;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct infer_options *self = filled;
	struct inferring inferring = {.session = session, .options = self};
	struct error error = {0};
	struct pipeline_target target;
	(void)count;
	if (strchr(arguments[0], '.'))
		return command_misuse(session, &command_infer, "requests go to a pipeline, and `%s` is one of its steps",
				      arguments[0]);
	if (!self->request == !self->tensors.count)
		return command_misuse(session, &command_infer,
				      self->request ? "the request is given by --file, and by --tensor too; choose one"
						    : "the request is missing; give a file, as in -f request.json");
	if (!read_request(&inferring, &error) || !make_id(&inferring, &error))
		return command_refused(session, &command_infer, &error);
	bool good = pipeline_target_open(command_workspace(session), &self->asked, arguments[0], &target, &error) &&
		    infer(&inferring, &target, &error);
	pipeline_target_close(&target);
	if (!good)
		return command_refused(session, &command_infer, &error);
	return inferring.failed ? EXIT_FAULTS : EXIT_GOOD;
}

const struct command command_infer = {
	.name = "infer",
	.arguments = "PIPELINE",
	.summary = "Sends one request to a running pipeline and waits for its answer.",
	.help = "Writes the request to the topic that the pipeline reads, with a unique id, and waits for the answer with that "
		"id on the topic of the answers. The request has a deadline, by the clock of this machine; after it, an engine "
		"answers LIMIT without processing the request. An error answer is printed on standard error, and the exit code "
		"is 1. A request that a filter drops has no answer.\n"
		"\n"
		"  sluice infer hello -f request.json --brokers localhost:9092\n"
		"  sluice infer hello -f request.json --pipelines runtime.yaml --pipelines pipelines/ -o json\n"
		"  sluice infer hello -f request.json --request-format avro\n"
		"  sluice infer hello --tensor features=batch.npy\n",
	.options = options,
	.options_size = sizeof(struct infer_options),
	.group = "run",
	.run = run,
};
