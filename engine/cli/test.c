/* test.c: `sluice test`: runs cases, each in workers of its own, and reports which pass. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cases/case_alerts.h"
#include "cases/case_judge.h"
#include "cli/test_gateway.h"
#include "cli/testing.h"
#include "message/json_write.h"
#include "runtime/spec_check.h"

#define FOLDER_DEPTH_MAX 16 /* links may lead round in a circle */
#define ENTRIES_MAX 10000   /* of one folder */
#define LISTING_BYTES_MAX ((size_t)64 << 20)

static const char *const verdict_names[] = {"passed", "failed", "skipped"};

/* ---- one case ---- */

void say_case(struct testing *testing, const char *folder, enum verdict verdict, const struct buffer *why)
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
	buffer_open(&line, OUTPUT_BYTES_MAX);
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

bool judge_results(const struct case_results *results, struct buffer *why)
{
	const struct case_files *files = results->files;
	bool holds = true;
	if (!files->has_expected) {
		buffer_string(why, "  it has no out.jsonl; `sluice test --update` writes the actual answers\n");
		return false;
	}
	for (size_t i = 0; i < files->expected_count; i++)
		holds &= expected_judge(results, &files->expected[i], why);
	return holds;
}

/* ---- --update ---- */

static void write_coming(const struct case_results *results, struct text id, struct text at, struct buffer *out)
{
	size_t before = out->length;
	for (const struct arrival *record = results->records; record; record = record->next)
		if (text_equal(record->id, id) && text_is(at, record->at ? record->at : ""))
			record_print(record, results->arena, out);
	if (out->length > before)
		return;
	buffer_string(out, "{\"id\": ");
	json_write_string(out, id);
	if (at.length) {
		buffer_string(out, ", \"at\": ");
		json_write_string(out, at);
	}
	buffer_string(out, ", \"absent\": true}\n");
}

/* Lines that hold stay as they are; of the others what came is written. Counts and
 * splits are a matter of judgement: they stay too, and false is returned where one of
 * them does not hold. */
static bool write_expected(const struct case_results *results, struct buffer *out)
{
	bool holds = true;
	const struct case_files *files = results->files;
	struct buffer ignored;
	buffer_open(&ignored, OUTPUT_BYTES_MAX);
	for (size_t i = 0; i < files->expected_count; i++) {
		const struct case_expected *expected = &files->expected[i];
		bool simple = expected->demand == DEMAND_RESULT || expected->demand == DEMAND_ABSENT;
		bool held = expected_judge(results, expected, &ignored);
		if (simple && !held) {
			write_coming(results, expected->id, expected->at, out);
			continue;
		}
		holds &= held;
		buffer_text(out, expected->line);
		buffer_byte(out, '\n');
	}
	for (size_t i = 0; !files->has_expected && i < files->request_count; i++)
		write_coming(results, files->requests[i].id, (struct text){0}, out);
	buffer_close(&ignored);
	return holds;
}

/* Whether the case passes now; `why` describes what was done. */
static bool update_case(const struct case_results *results, struct buffer *why, struct error *error)
{
	struct buffer out;
	char path[CASE_PATH_MAX];
	buffer_open(&out, OUTPUT_BYTES_MAX);
	bool holds = write_expected(results, &out);
	int length = snprintf(path, sizeof path, "%s/out.jsonl", results->files->folder);
	FILE *file = length > 0 && (size_t)length < sizeof path && !buffer_failed(&out) ? fopen(path, "wb") : NULL;
	bool written = file && fwrite(out.bytes, 1, out.length, file) == out.length;
	if (file)
		written &= fclose(file) == 0;
	buffer_close(&out);
	if (!written)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s/out.jsonl cannot be written: %s", results->files->folder,
				 strerror(errno));
	buffer_string(why, "  out.jsonl now has the actual answers\n");
	if (!holds)
		buffer_string(why, "  except counts and splits, which are unchanged: correct wrong ones by hand\n");
	return holds;
}

/* ---- running it ---- */

static void spec_refusal(const struct spec *spec, struct error *error)
{
	for (size_t i = 0; i < faults_total(spec->faults); i++) {
		const struct fault *fault = faults_at(spec->faults, i);
		if (fault->code->severity != SEVERITY_ERROR)
			continue;
		error_set(error, ERROR_CONFIG, fault->place, "%s", fault->message);
		return;
	}
}

bool play_case(struct case_play *play, const struct case_files *files, const struct spec *spec,
	       const struct case_play_options *options, struct arena *arena, struct error *refused, struct error *error)
{
	spec_refusal(spec, refused);
	if (refused->kind == ERROR_NONE)
		return case_play(play, files, spec, options, arena, error);
	*play = (struct case_play){.files = files, .spec = spec, .arena = arena};
	case_results_open(&play->results, files, arena);
	case_results_refuse(&play->results, refused);
	return !play->results.failed || error_memory(error, ERROR_SYSTEM, "running a case");
}

/* Whether the case is about files that are refused: a line of it awaits a CONFIG error. */
static bool refusal_expected(const struct case_files *files)
{
	for (size_t i = 0; i < files->expected_count; i++)
		for (size_t j = 0; j < files->expected[i].count; j++)
			if (kind_fits(files->expected[i].results[j].kinds, error_kind_name(ERROR_CONFIG)))
				return true;
	return false;
}

static void conclude(struct testing *testing, const struct case_play *play, const struct error *refused, struct error *error,
		     struct buffer *why)
{
	const struct test_options *options = testing->options;
	const struct case_files *files = play->files;
	if (options->print) {
		print_results(testing, &play->results, error);
		testing->counts[CASE_PASSED] += error->kind == ERROR_NONE;
		return;
	}
	bool unexpected = refused->kind != ERROR_NONE && !refusal_expected(files);
	bool holds = judge_results(&play->results, why) && !unexpected;
	if (unexpected)
		buffer_string(why, "  `sluice lint` refuses its pipeline, and no line of out.jsonl expects a CONFIG error\n");
	if (!holds && refused->kind != ERROR_NONE)
		faults_print_text(play->spec->faults, why, false);
	bool updated = !holds && !unexpected && options->update && update_case(&play->results, why, error);
	if (error->kind != ERROR_NONE)
		return;
	say_case(testing, files->folder, holds || updated ? CASE_PASSED : CASE_FAILED, why);
	if (updated && options->format == OUTPUT_TEXT)
		fprintf(testing->session->out, "updated %s\n" TEXT_FORMAT, files->folder, TEXT_ARGUMENTS(buffer_view(why)));
}

static void run_play(struct testing *testing, const struct case_files *files, struct arena *arena, struct error *error,
		     struct buffer *why)
{
	struct spec spec;
	struct case_play play = {.workers = NULL};
	struct error refused = {0};
	const struct spec_options options = {.kinds = testing->session->kinds, .experiment_pipelines = true};
	const struct case_play_options how = {.kinds = testing->session->kinds, .all_points = testing->options->print};
	if (!spec_open(&spec, error))
		return;
	if (spec_read(&spec, &files->pipeline, 1, &options, error) && spec_check(&spec, error) &&
	    play_case(&play, files, &spec, &how, arena, &refused, error))
		conclude(testing, &play, &refused, error, why);
	case_play_close(&play);
	spec_close(&spec);
}

void say_error(const struct error *error, struct buffer *why)
{
	const struct place *place = &error->place;
	if (place->file && place->line)
		buffer_print(why, "  %s:%u: %s\n", place->file, place->line, error->text);
	else
		buffer_print(why, "  %s\n", error->text);
}

static void run_case(struct testing *testing, const char *folder)
{
	struct error error = {0};
	struct case_files files;
	struct buffer why;
	buffer_open(&why, OUTPUT_BYTES_MAX);
	struct arena *arena = arena_open(CASE_BYTES_MAX);
	if (!arena)
		error_memory(&error, ERROR_SYSTEM, "running a case");
	else if (case_read(folder, arena, &files, &error))
		run_play(testing, &files, arena, &error, &why);
	if (error.kind != ERROR_NONE) {
		say_error(&error, &why);
		say_case(testing, folder, CASE_FAILED, &why);
		if (testing->options->print)
			fprintf(testing->session->err, TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(&why)));
	}
	arena_close(arena);
	buffer_close(&why);
}

/* ---- which cases ---- */

static bool is_case(const char *folder)
{
	char path[CASE_PATH_MAX];
	int length = snprintf(path, sizeof path, "%s/in.jsonl", folder);
	return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

static bool is_wanted(const struct test_options *options, const char *folder)
{
	const char *slash = strrchr(folder, '/');
	const char *name = slash ? slash + 1 : folder;
	return !options->only || strncmp(name, options->only, strlen(options->only)) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the visible entries of a folder, sorted. */
static size_t list_folder(const char *folder, struct arena *arena, const char **names, size_t most)
{
	size_t count = 0;
	DIR *open = opendir(folder);
	for (const struct dirent *entry; open && count < most && (entry = readdir(open)) != NULL;)
		if (entry->d_name[0] != '.' && (names[count] = arena_print(arena, "%s/%s", folder, entry->d_name)) != NULL)
			count++;
	if (open)
		(void)closedir(open);
	qsort(names, count, sizeof *names, compare_names);
	return count;
}

static void gather_case(struct testing *testing, const char *folder)
{
	const char *kept = testing->folder_count < ENTRIES_MAX ? arena_copy(testing->arena, folder, strlen(folder)) : NULL;
	if (kept)
		testing->folders[testing->folder_count++] = kept;
	else
		testing->incomplete = true;
}

static void run_folder(struct testing *testing, const char *folder, int depth)
{
	struct stat found;
	if (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode))
		return;
	if (is_case(folder)) {
		if (is_wanted(testing->options, folder))
			(testing->folders ? gather_case : run_case)(testing, folder);
		return;
	}
	struct arena *arena = depth < FOLDER_DEPTH_MAX ? arena_open(LISTING_BYTES_MAX) : NULL;
	const char **names = arena ? ARENA_ARRAY(arena, const char *, ENTRIES_MAX) : NULL;
	size_t count = names ? list_folder(folder, arena, names, ENTRIES_MAX) : 0;
	testing->incomplete |= depth < FOLDER_DEPTH_MAX && (!arena || arena_failed(arena));
	for (size_t i = 0; i < count; i++)
		run_folder(testing, names[i], depth + 1);
	arena_close(arena);
}

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
	test_gateway_end(testing);
	return counts[CASE_FAILED] ? EXIT_FAULTS : EXIT_GOOD;
}

extern const struct command command_test;

/* NULL: each has a case; else the one that has none. */
static const char *run_folders(struct testing *testing, const char *const *folders, size_t count)
{
	for (size_t i = 0; i < count && !testing->incomplete; i++) {
		const size_t *counts = testing->counts;
		size_t before = counts[CASE_PASSED] + counts[CASE_FAILED] + counts[CASE_SKIPPED] + testing->folder_count;
		run_folder(testing, folders[i], 0);
		if (!testing->incomplete &&
		    counts[CASE_PASSED] + counts[CASE_FAILED] + counts[CASE_SKIPPED] + testing->folder_count == before)
			return folders[i];
	}
	return NULL;
}

static bool gathering_open(struct testing *testing)
{
	testing->arena = arena_open(LISTING_BYTES_MAX);
	testing->folders = testing->arena ? ARENA_ARRAY(testing->arena, const char *, ENTRIES_MAX) : NULL;
	return testing->folders;
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
	buffer_open(&testing.json, OUTPUT_BYTES_MAX);
	testing.incomplete = in_engine && !gathering_open(&testing);
	const char *empty = run_folders(&testing, count ? arguments : here, count ? count : 1);
	if (testing.incomplete)
		error_memory(&error, ERROR_SYSTEM, "looking for cases");
	if (empty)
		code = command_misuse(session, &command_test,
				      "there is no case in `%s`: a case is a folder with an in.jsonl; `sluice init` makes one",
				      empty);
	else if (error.kind != ERROR_NONE || (gateway && !test_at_gateway(&testing, gateway, &error)) ||
		 (in_engine && !gateway && !test_on_kafka(&testing, &error)))
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
	.help = "A case is a folder with `in.jsonl` (one request in each line), `out.jsonl` (the expected answers, by id), and "
		"the `pipeline.yaml` that it tests: in the folder, or in one of the two above it, so that a pipeline's cases "
		"may be in its `tests/`. Folders are searched for cases. Time is virtual: a window of a minute passes at once, "
		"and a case always gives the same result.\n\n"
		"A line of in.jsonl has `id`, and `request` (OIP V2 JSON) or `body` or `body_b64`; it may have `target` "
		"(`pipelines/NAME`, `models/NAME`; default: the first pipeline, else the first model), `headers`, `key`, `repeat`, "
		"`protocol` (v2, v1, seldon). A tensor may have `fill: {start, step}` instead of data.\n\n"
		"A line of out.jsonl has `id` and one of `response`, `error` (`kind`, `contains`) and `absent: true`; with `at`, "
		"`PIPELINE.outputs`, `PIPELINE.errors` or `PIPELINE.step.STEP.outputs` (or inputs), it is about that topic. "
		"`{\"calls\": {\"MODEL\": [1, 1]}}` counts the calls of a model.\n\n"
		"A case runs in the workers of an engine, with `lineage: full`, on a simulated Kafka: a pipeline runs through its "
		"stages, topics and transactions. The case ends when no worker holds a request and nothing has come for "
		"longer than any join waits. The reply to a request is its answer on the outputs topic. If a pipeline has no "
		"output, the reply is the error of a request that could not be read; other errors are at `PIPELINE.errors`. Topics "
		"in the formats v1 and seldon keep no names of tensors between the steps. A case that takes more than 60 days of "
		"virtual time does not end, and fails.\n\n"
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
		"the stubs of the case, by `sluice dev CASE`, or ask the one of a deployment. The scheme of the address chooses "
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
