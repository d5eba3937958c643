/* test.c: `sluice test`: runs cases, each in workers of its own, and reports which pass. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "tools/test/case.h"
#include "tools/test/case_gateway_runs.h"
#include "tools/test/case_kafka_runs.h"
#include "tools/test/case_report.h"
#include "tools/cli/command.h"

struct case_search {
	const char *only; /* the beginning of the names of its cases; NULL: all */
	/* Called for each case, by the names of folders in alphabetical order. `folder` lives until it returns. */
	void (*found)(void *context, const char *folder);
	void *context;
	size_t count;	 /* cases found so far */
	bool incomplete; /* memory ran out */
};

#define FOLDER_DEPTH_MAX 16 /* links may lead round in a circle */
#define ENTRIES_MAX 10000   /* of one folder */
#define LISTING_BYTES_MAX ((size_t)64 << 20)

static bool is_case(const char *folder)
{
	char path[CASE_PATH_MAX];
	int length = snprintf(path, sizeof path, "%s/in.jsonl", folder);
	return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

static bool is_wanted(const struct case_search *search, const char *folder)
{
	const char *slash = strrchr(folder, '/');
	const char *name = slash ? slash + 1 : folder;
	return !search->only || strncmp(name, search->only, strlen(search->only)) == 0;
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

static void folder_search(struct case_search *search, const char *folder, int depth)
{
	struct stat found;
	if (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode))
		return;
	if (is_case(folder)) {
		if (!is_wanted(search, folder))
			return;
		search->count++;
		search->found(search->context, folder);
		return;
	}
	struct arena *arena = depth < FOLDER_DEPTH_MAX ? arena_open(LISTING_BYTES_MAX) : NULL;
	const char **names = arena ? ARENA_ARRAY(arena, const char *, ENTRIES_MAX) : NULL;
	size_t count = names ? list_folder(folder, arena, names, ENTRIES_MAX) : 0;
	search->incomplete |= depth < FOLDER_DEPTH_MAX && (!arena || arena_failed(arena));
	for (size_t i = 0; i < count; i++)
		folder_search(search, names[i], depth + 1);
	arena_close(arena);
}

/* Searches the folder and the visible folders in it, at most 10,000 entries of each. A case is not searched further. */
static void case_search(struct case_search *search, const char *folder)
{
	folder_search(search, folder, 0);
}

#define FOLDERS_MAX 10000 /* of --kafka and --gateway */
#define FOLDERS_BYTES_MAX ((size_t)64 << 20)

struct test_options {
	bool print;
	bool update;
	const char *only;
	const char *kafka;   /* brokers; NULL: in memory */
	const char *gateway; /* its address; NULL: none is asked */
	const char *secrets;
	int format;
};

struct testing {
	struct session *session;
	const struct test_options *options;
	struct case_report report;
	bool incomplete; /* memory ran out during the search for cases */
	/* With --kafka and --gateway, cases are first only collected. */
	struct arena *arena;
	const char **folders;
	size_t folder_count;
};

static void folder_add(void *context, const char *folder)
{
	struct testing *testing = context;
	const char *kept = testing->folder_count < FOLDERS_MAX ? arena_copy(testing->arena, folder, strlen(folder)) : NULL;
	if (kept)
		testing->folders[testing->folder_count++] = kept;
	else
		testing->incomplete = true;
}

static bool folders_open(struct testing *testing)
{
	testing->arena = arena_open(FOLDERS_BYTES_MAX);
	testing->folders = testing->arena ? ARENA_ARRAY(testing->arena, const char *, FOLDERS_MAX) : NULL;
	return testing->folders;
}

static void on_judged(void *context, const char *folder, enum case_verdict verdict, const struct buffer *why)
{
	struct testing *testing = context;
	case_report_add(&testing->report, folder, verdict, why);
	fflush(testing->session->out);
}

static bool test_elsewhere(struct testing *testing, struct error *error)
{
	const struct step_kind *const *kinds = testing->session->kinds;
	const char *secrets = testing->options->secrets;
	const struct case_judged judged = {on_judged, testing};
	if (testing->options->kafka)
		return case_kafka_runs_run(&(struct case_kafka_runs_config){kinds, secrets, testing->options->kafka,
									    testing->folders, testing->folder_count, judged,
									    testing->arena},
					   error);
	struct case_gateway_runs runs = {kinds, secrets, testing->folders, testing->folder_count, judged, testing->arena, 0};
	const bool good = case_gateway_run_all(&runs, testing->options->gateway, error);
	testing->report.lines_left_out = runs.left_out;
	return good;
}

/* NULL: each has a case; else the one that has none. */
static const char *folders_search(struct testing *testing, const char *const *folders, size_t count)
{
	struct case_search search = {.only = testing->options->only,
				     .found = testing->folders ? folder_add : case_report_run,
				     .context = testing->folders ? (void *)testing : &testing->report};
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
		return command_misuse(session, "with --kafka and --gateway cases are judged; leave out --print and --update");
	if (testing.options->kafka && gateway)
		return command_misuse(session, "--kafka and --gateway are two runs; write one of them");
	testing.report = (struct case_report){.kinds = session->kinds,
					      .secrets = testing.options->secrets,
					      .out = session->out,
					      .err = session->err,
					      .is_json = testing.options->format == OUTPUT_JSON,
					      .print = testing.options->print,
					      .update = testing.options->update};
	case_report_open(&testing.report);
	testing.incomplete = in_engine && !folders_open(&testing);
	const char *empty = testing.incomplete ? NULL : folders_search(&testing, count ? arguments : here, count ? count : 1);
	if (testing.incomplete)
		error_memory(&error, ERROR_SYSTEM, "looking for cases");
	if (empty)
		code = command_misuse(session,
				      "there is no case in `%s`: a case is a folder with an in.jsonl; `sluice init` makes one",
				      empty);
	else if (error.kind != ERROR_NONE || (in_engine && !test_elsewhere(&testing, &error)))
		code = command_failed(session, &error);
	else {
		case_report_end(&testing.report);
		code = testing.report.counts[CASE_FAILED] ? EXIT_FAULTS : EXIT_GOOD;
	}
	case_report_close(&testing.report);
	arena_close(testing.arena);
	return code;
}

static const struct option rows[] = {
	COMMAND_FILES,
	ROW("only", TEXT, struct test_options, only, .word = "PREFIX", .help = "Only cases whose folder's name begins with this."),
	ROW("print", FLAG, struct test_options, print,
	    .help = "Prints the actual answers as JSON lines instead of comparing them: the topics, then the replies."),
	ROW("update", FLAG, struct test_options, update, .help = "Shows differences, then writes the actual answers to out.jsonl."),
	ROW("kafka", TEXT, struct test_options, kafka, .word = "HOST:PORT",
	    .help = "Runs the cases in an engine on this Kafka instead of in memory."),
	ROW("gateway", TEXT, struct test_options, gateway, .word = "URL",
	    .help = "Sends the requests of the cases to a gateway that runs there, as http://HOST:PORT or grpc://HOST:PORT."),
	SECRETS_ROW(struct test_options, secrets),
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
		"the listener. With http or https, a request is sent as it is, to the path of its protocol. With grpc or grpcs, it "
		"becomes a ModelInferRequest with the same tensors, and its headers become metadata. A case whose answer needs "
		"virtual time, or that this listener cannot carry, is skipped, with the reason. Lines about topics, "
		"calls and alerts are not compared; the report counts them.\n\n"
		"  sluice test --gateway http://127.0.0.1:8080 pipelines/hello",
	.options = rows,
	.options_size = sizeof(struct test_options),
	.group = "run",
	.run = test_run,
};
