/* infer.c: `sluice infer`: sends one request through a running pipeline, and prints its answer. */
#include "base/file.h"
#include "base/quote.h"
#include "tools/cli/command.h"
#include "tools/client/request_call.h"
#include "compiler/plan/plan.h"
#include "tools/source/tensor_files.h"

#define REQUEST_BYTES_MAX ((size_t)256 << 20)
#define ANSWER_TEXT_MAX ((size_t)1 << 30)

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
	ROW("file", TEXT, struct infer_options, request, .letter = 'f',
	    .help = "The request, in any format that the pipeline accepts (`-`: from standard input)."),
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

struct inferring {
	struct session *session;
	bool is_json;
	bool failed; /* the answer is an error */
};

static bool request_read(const struct infer_options *self, struct arena *arena, struct text *request, struct error *error)
{
	if (self->tensors.count)
		return tensor_files_request(self->tensors, REQUEST_BYTES_MAX, arena, request, error);
	if (!file_read(self->request, REQUEST_BYTES_MAX + 1, arena, request, error))
		return false;
	return request->length <= REQUEST_BYTES_MAX ||
	       error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that a request may have", self->request,
			 REQUEST_BYTES_MAX >> 20);
}

static bool answer_print(void *context, const struct answer_view *view, struct arena *arena, struct error *error)
{
	struct inferring *inferring = context;
	struct buffer out;
	inferring->failed = view->answer.failed;
	if (view->answer.failed && !inferring->is_json) {
		fprintf(inferring->session->err, "error: %s\n", text_shown(view->answer.words, arena));
		return true;
	}
	buffer_open(&out, ANSWER_TEXT_MAX);
	(inferring->is_json ? answer_view_print_json : answer_view_print_text)(view, &out);
	return command_write(inferring->session, &out) == EXIT_GOOD || error_memory(error, ERROR_SYSTEM, "showing the answer");
}

static int infer_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct infer_options *self = filled;
	struct inferring inferring = {.session = session, .is_json = self->form == OUTPUT_JSON};
	struct request_call call = {.request_form = (enum request_form)self->request_form,
				    .asked_id = self->id,
				    .key = self->key,
				    .timeout_ns = self->timeout_ns,
				    .kept = session->arena,
				    .answered = answer_print,
				    .context = &inferring};
	struct error error = {0};
	struct pipeline_target target = {0};
	(void)count;
	if (strchr(arguments[0], '.'))
		return command_misuse(session, "requests go to a pipeline, and `%s` is one of its steps", arguments[0]);
	if (!self->request == !self->tensors.count)
		return command_misuse(session, self->request ? "the request is given by --file, and by --tensor too; choose one"
				      : "the request is missing; give a file, as in -f request.json");
	if (!request_read(self, session->arena, &call.request, &error))
		return command_refused(session, &error);
	bool good = pipeline_target_open(command_workspace(session), &self->asked, arguments[0], &target, &error);
	const char *model =
		good && target.plan ? plan_model_of_servers(&target.spec, target.plan->graph->resource, session->arena) : NULL;
	if (model) /* who asks may wait in vain */
		command_note(session, PLAN_MODEL_OF_SERVERS_WORDS, arguments[0], model, model, model);
	good = good && request_call_run(&call, &target, &error);
	pipeline_target_close(&target);
	if (!good)
		return command_refused(session, &error);
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
	.run = infer_run,
};
