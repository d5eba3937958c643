/* test.c: `sluice test`: runs cases, each in workers of its own, and reports which pass. */
#include <string.h>

#include "cases/case_alerts.h"
#include "cases/case_gateway_runs.h"
#include "cases/case_find.h"
#include "cases/case_judge.h"
#include "cases/case_pool.h"
#include "cases/case_update.h"
#include "cli/command.h"
#include "message/json_write.h"

#define FOLDERS_MAX 10000 /* of --kafka and --gateway */
#define FOLDERS_BYTES_MAX ((size_t)64 << 20)

struct test_options {
	bool print;
	bool update;
	const char *only;
	const char *kafka;   /* brokers; NULL: in memory */
	const char *gateway; /* its address; NULL: none is asked */
	int format;
};

struct testing {
	struct session *session;
	const struct test_options *options;
	size_t counts[CASE_SKIPPED + 1];
	struct buffer json; /* -o json: the cases */
	bool incomplete;    /* memory ran out during the search for cases */
	/* With --kafka and --gateway, cases are first only collected. */
	struct arena *arena;
	const char **folders;
	size_t folder_count;
	size_t lines_left_out; /* with --gateway: lines of out.jsonl that were not compared */
};

static const char *const verdict_names[] = {"passed", "failed", "skipped"};

/* ---- one case ---- */

static void say_case(struct testing *testing, const char *folder, enum case_verdict verdict, const struct buffer *why)
{
	struct session *session = testing->session;
	testing->counts[verdict]++;
	if (testing->options->print)
		return;
	if (testing->options->format == OUTPUT_JSON) {
		buffer_string(&testing->json, testing->json.length ? ",\n  {\"case\": " : "\n  {\"case\": ");
		json_write_string(&testing->json, text_of(folder));
		buffer_print(&testing->json, ", \"verdict\": \"%s\", \"why\": ", verdict_names[verdict]);
		json_write_string(&testing->json, buffer_view(why));
		buffer_byte(&testing->json, '}');
		return;
	}
	if (verdict == CASE_SKIPPED)
		fprintf(session->out, "skipped %s: " TEXT_FORMAT "\n", folder, TEXT_ARGUMENTS(buffer_view(why)));
	else if (verdict == CASE_FAILED)
		fprintf(session->out, "FAILED  %s\n" TEXT_FORMAT, folder, TEXT_ARGUMENTS(buffer_view(why)));
}

static bool print_line(struct testing *testing, struct buffer *line)
{
	bool whole = !buffer_failed(line);
	if (whole)
		(void)fwrite(line->bytes, 1, line->length, testing->session->out);
	buffer_clear(line);
	return whole;
}

/* What stands on topics in its order there, then the replies in the order of the requests. */
static void print_results(struct testing *testing, const struct case_results *results, struct error *error)
{
	struct buffer line;
	bool whole = true;
	buffer_open(&line, CASE_OUTPUT_BYTES_MAX);
	for (const struct arrival *record = results->records; whole && record; record = record->next)
		if (record->at) {
			record_print(record, results->arena, &line);
			whole = print_line(testing, &line);
		}
	for (size_t i = 0; whole && i < results->files->request_count; i++)
		for (const struct arrival *record = results->records; record; record = record->next)
			if (!record->at && record->id.bytes == results->files->requests[i].id.bytes) {
				record_print(record, results->arena, &line);
				whole = print_line(testing, &line);
			}
	for (const struct alert_result *result = results->alerts; whole && result; result = result->next) {
		alert_result_print(result, &line);
		whole = print_line(testing, &line);
	}
	calls_print(results, &line);
	if (!print_line(testing, &line) || !whole)
		error_memory(error, ERROR_SYSTEM, "printing a case");
	buffer_close(&line);
}

static void conclude(struct testing *testing, const struct case_run *run, struct error *error, struct buffer *why)
{
	const struct test_options *options = testing->options;
	if (options->print) {
		print_results(testing, &run->play.results, error);
		testing->counts[CASE_PASSED] += error->kind == ERROR_NONE;
		return;
	}
	bool refused = run->refused.kind != ERROR_NONE, unexpected = refused && !case_awaits_refusal(&run->files);
	bool holds = case_results_judge(&run->play.results, why) && !unexpected;
	if (unexpected)
		buffer_string(why, "  `sluice lint` refuses its pipeline, and no line of out.jsonl expects a CONFIG error\n");
	if (!holds && refused)
		faults_print_text(run->spec.faults, why, (struct fault_look){0});
	bool updated = !holds && !unexpected && options->update && case_update(&run->play.results, why, error);
	if (error->kind != ERROR_NONE)
		return;
	say_case(testing, run->files.folder, holds || updated ? CASE_PASSED : CASE_FAILED, why);
	if (updated && options->format == OUTPUT_TEXT)
		fprintf(testing->session->out, "updated %s\n" TEXT_FORMAT, run->files.folder, TEXT_ARGUMENTS(buffer_view(why)));
}

static void run_case(void *context, const char *folder)
{
	struct testing *testing = context;
	const struct case_play_options options = {.kinds = testing->session->kinds, .all_points = testing->options->print};
	struct error error = {0};
	struct case_run run;
	struct buffer why;
	buffer_open(&why, CASE_OUTPUT_BYTES_MAX);
	if (case_run_open(&run, folder, &options, true, &error))
		conclude(testing, &run, &error, &why);
	if (error.kind != ERROR_NONE)
		case_error_print(&error, &why); /* its place is in what the case has read */
	case_run_close(&run);
	if (error.kind != ERROR_NONE) {
		say_case(testing, folder, CASE_FAILED, &why);
		if (testing->options->print)
			fprintf(testing->session->err, TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(&why)));
	}
	buffer_close(&why);
}

/* ---- elsewhere than in memory ---- */

static void gather_case(void *context, const char *folder)
{
	struct testing *testing = context;
	const char *kept = testing->folder_count < FOLDERS_MAX ? arena_copy(testing->arena, folder, strlen(folder)) : NULL;
	if (kept)
		testing->folders[testing->folder_count++] = kept;
	else
		testing->incomplete = true;
}

static bool gathering_open(struct testing *testing)
{
	testing->arena = arena_open(FOLDERS_BYTES_MAX);
	testing->folders = testing->arena ? ARENA_ARRAY(testing->arena, const char *, FOLDERS_MAX) : NULL;
	return testing->folders;
}

static void on_judged(void *context, const char *folder, enum case_verdict verdict, const struct buffer *why)
{
	struct testing *testing = context;
	say_case(testing, folder, verdict, why);
	fflush(testing->session->out);
}

static bool test_elsewhere(struct testing *testing, struct error *error)
{
	const struct step_kind *const *kinds = testing->session->kinds;
	const struct case_judged judged = {on_judged, testing};
	if (testing->options->kafka)
		return case_pool_run(&(struct case_pool_config){kinds, testing->options->kafka, testing->folders,
								testing->folder_count, judged, testing->arena},
				     error);
	struct case_gateway_runs runs = {kinds, testing->folders, testing->folder_count, judged, testing->arena, 0};
	const bool good = case_gateway_run_all(&runs, testing->options->gateway, error);
	testing->lines_left_out = runs.left_out;
	return good;
}

/* ---- the command ---- */

static int test_end(struct testing *testing)
{
	struct session *session = testing->session;
	const size_t *counts = testing->counts;
	size_t total = counts[CASE_PASSED] + counts[CASE_FAILED] + counts[CASE_SKIPPED];
	if (!testing->options->print && testing->options->format == OUTPUT_JSON)
		fprintf(session->out, "{\"passed\": %zu, \"failed\": %zu, \"skipped\": %zu, \"cases\": [" TEXT_FORMAT "\n]}\n",
			counts[CASE_PASSED], counts[CASE_FAILED], counts[CASE_SKIPPED],
			TEXT_ARGUMENTS(buffer_view(&testing->json)));
	else if (!testing->options->print && total)
		fprintf(session->out, "%zu passed, %zu failed, %zu skipped\n", counts[CASE_PASSED], counts[CASE_FAILED],
			counts[CASE_SKIPPED]);
	if (testing->lines_left_out > 0 && testing->options->format == OUTPUT_TEXT)
		fprintf(session->out,
			"%zu lines of out.jsonl are about topics, calls, alerts or requests that are not sent: a caller does not "
			"see them, and they are not compared\n",
			testing->lines_left_out);
	return counts[CASE_FAILED] ? EXIT_FAULTS : EXIT_GOOD;
}

extern const struct command command_test;

/* NULL: each has a case; else the one that has none. */
static const char *run_folders(struct testing *testing, const char *const *folders, size_t count)
{
	struct case_search search = {
		.only = testing->options->only, .found = testing->folders ? gather_case : run_case, .context = testing};
	const char *empty = NULL;
	for (size_t i = 0; i < count && !search.incomplete && !empty; i++) {
		const size_t before = search.count;
		case_search(&search, folders[i]);
		empty = search.count == before ? folders[i] : NULL;
	}
	testing->incomplete |= search.incomplete;
	return search.incomplete ? NULL : empty;
}

static int test_run(struct session *session, const void *options, const char *const *arguments, size_t count)
{
	static const char *const here[] = {"."};
	struct testing testing = {.session = session, .options = options};
	struct error error = {0};
	int code = EXIT_GOOD;
	const char *gateway = testing.options->gateway;
	const bool in_engine = testing.options->kafka || gateway;
	if (in_engine && (testing.options->print || testing.options->update))
		return command_misuse(session, &command_test,
				      "with --kafka and --gateway cases are judged; leave out --print and --update");
	if (testing.options->kafka && gateway)
		return command_misuse(session, &command_test, "--kafka and --gateway are two runs; write one of them");
	buffer_open(&testing.json, CASE_OUTPUT_BYTES_MAX);
	testing.incomplete = in_engine && !gathering_open(&testing);
	const char *empty = testing.incomplete ? NULL : run_folders(&testing, count ? arguments : here, count ? count : 1);
	if (testing.incomplete)
		error_memory(&error, ERROR_SYSTEM, "looking for cases");
	if (empty)
		code = command_misuse(session, &command_test,
				      "there is no case in `%s`: a case is a folder with an in.jsonl; `sluice init` makes one",
				      empty);
	else if (error.kind != ERROR_NONE || (in_engine && !test_elsewhere(&testing, &error)))
		code = command_failed(session, &error);
	else
		code = test_end(&testing);
	buffer_close(&testing.json);
	arena_close(testing.arena);
	return code;
}

static const struct option rows[] = {
	COMMAND_FILES,
	{.name = "only",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct test_options, only),
	 .word = "PREFIX",
	 .help = "Only cases whose folder's name begins with this."},
	{.name = "print",
	 .type = OPTION_FLAG,
	 .offset = offsetof(struct test_options, print),
	 .help = "Prints the actual answers as JSON lines instead of comparing them: the topics, then the replies."},
	{.name = "update",
	 .type = OPTION_FLAG,
	 .offset = offsetof(struct test_options, update),
	 .help = "Shows differences, then writes the actual answers to out.jsonl."},
	{.name = "kafka",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct test_options, kafka),
	 .word = "HOST:PORT",
	 .help = "Runs the cases in an engine on this Kafka instead of in memory."},
	{.name = "gateway",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct test_options, gateway),
	 .word = "URL",
	 .help = "Sends the requests of the cases to a gateway that runs there, as http://HOST:PORT or grpc://HOST:PORT."},
	COMMAND_FORM(test_options, format, "text json"),
	{0},
};

const struct command command_test = {
	.name = "test",
	.arguments = "[DIR]...",
	.summary = "Runs the test cases of pipelines, in memory and on a virtual clock.",
	.help = "A case is a folder with `in.jsonl` (one request in each line), `out.jsonl` (the expected answers, by id), and the "
		"`pipeline.yaml` that it tests: in the folder, or in one of the two above it, so that a pipeline's cases may be in "
		"its `tests/`. Folders are searched for cases. Time is virtual: a window of a minute passes at once, and a case "
		"always gives the same result.\n\n"
		"A line of in.jsonl has `id`, and `request` (OIP V2 JSON) or `body` or `body_b64`; it may have `target` "
		"(`pipelines/NAME`, `models/NAME`; default: the first pipeline, else the first model), `headers`, `key`, `repeat`, "
		"`protocol` (v2, v1, seldon). A tensor may have `fill: {start, step}` instead of data.\n\n"
		"A line of out.jsonl has `id` and one of `response`, `error` (`kind`, `contains`) and `absent: true`; with `at`, "
		"`PIPELINE.outputs`, `PIPELINE.errors` or `PIPELINE.step.STEP.outputs` (or inputs), it expects a record of that "
		"topic. `{\"calls\": {\"MODEL\": [1, 1]}}` counts the calls of a model.\n\n"
		"A case runs in the workers of an engine, with `lineage: full`, on a simulated Kafka: a pipeline runs through its "
		"stages, topics and transactions. The case ends when no worker holds a request and nothing has come for longer "
		"than any join waits. The reply to a request is its answer on the outputs topic. If a pipeline has no output, the "
		"reply is the error of a request that could not be read; other errors are at `PIPELINE.errors`. Topics in the "
		"formats v1 and seldon keep no names of tensors between the steps. A case that takes more than 60 days of virtual "
		"time fails with \"does not end\".\n\n"
		"Stubs replace models: by the case's `stubs.json`, by a storageUri `stub://NAME`, or by the model's own name. "
		"`sluice help stubs` lists them. A stub of your own is a set of expressions over the request's tensors:\n\n"
		"  {\"scorer\": {\"score\": \"mean(x) * 2\"}, \"other\": \"stub://add10\"}\n\n"
		"or, as a storageUri, `stub://expression?score=mean(x)*2` (there a plus is `%2B`). Calls are made as in an engine: "
		"with retries, a circuit breaker, limits of calls in flight, merged calls (`batchingConfig`) and the cache, which "
		"is in memory here. All requests come at once, so `calls` counts merged calls as one.\n\n"
		"With --kafka each case runs as in `sluice run`, with `lineage: full`, on topics of its own that are removed "
		"afterwards. It must give the same results as in memory. Cases that a real clock or Kafka cannot reproduce are "
		"skipped, with the reason.\n\n"
		"With --gateway the requests go to a running gateway, and its answers are compared: start it with the pipeline and "
		"the stubs of the case, by `sluice dev CASE`, or use the one of a deployment. The scheme of the address chooses "
		"the listener: by http and https requests go as they are, to the path of their protocol; by grpc and grpcs, as a "
		"ModelInferRequest with the same tensors and their headers as metadata. A case whose answer needs virtual time, or "
		"that this listener cannot carry, is skipped, with the reason. Lines about topics, calls and alerts are not "
		"compared, and counted.\n\n"
		"  sluice test --gateway http://127.0.0.1:8080 pipelines/hello",
	.options = rows,
	.options_size = sizeof(struct test_options),
	.group = "run",
	.run = test_run,
};
