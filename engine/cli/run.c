/* run.c: `sluice run`: an engine on Kafka, from the files to the end of its workers. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/crew.h"
#include "cli/kafka.h"
#include "cli/run_check.h"

#define RUN_ARENA_BYTES ((size_t)1 << 30) /* as of a plan: a thousand pipelines take 30 MiB */
#define INSTANCE_BYTES 256
#define NS_PER_MS 1000000

enum topics_choice { TOPICS_CREATE, TOPICS_CHECK };

struct run_options {
	struct name_list files;
	const char *brokers;
	int topics;
	const char *instance;
	struct name_list servers;
	int64_t commit_ns;
	int64_t drain_ns;
	bool insecure;
};

static const struct option options[] = {
	ROW("file", NAMES, struct run_options, files, .letter = 'f', .help = "A file or folder of YAML."),
	ROW("brokers", TEXT, struct run_options, brokers, .word = "HOST:PORT",
	    .help = "Where Kafka is, several joined by commas; goes before the runtime's kafkaConfig."),
	ROW("topics", CHOICE, struct run_options, topics, .choices = "create check", .fallback = "create",
	    .help = "Whether topics that are missing are created, or an error."),
	ROW("instance", TEXT, struct run_options, instance,
	    .help = "Who this engine is in its groups: of its own, and the same after a restart; default: the host's name."),
	ROW("server", NAMES, struct run_options, servers, .word = "NAME=URL",
	    .help = "Where the server, or the model, of that name is."),
	ROW("commit", DURATION, struct run_options, commit_ns, .word = "TIME",
	    .help = "Time between two commits; default: what a commit takes decides, between 10 and 100 ms."),
	ROW("drain", DURATION, struct run_options, drain_ns, .word = "TIME", .fallback = "10s",
	    .help = "How long what is in flight may take when it is told to stop."),
	ROW("insecure-ignore-security", FLAG, struct run_options, insecure,
	    .help = "Runs although the files ask for protection that is not in force yet."),
	{.type = OPTION_END},
};

extern const struct command command_run;

/* What `run` has at hand once the files are read. */
struct running {
	struct session *session;
	const struct run_options *options;
	struct spec *spec;
	struct arena *arena;
	struct plan plan;
	const struct runtime_spec *runtime; /* NULL: the files have none */
	struct properties topic_settings;
	struct crew_config crew;
};

/* ---- the files ---- */

static bool all_paths(const struct run_options *self, const char *const *arguments, size_t count, struct arena *arena,
		      const char *const **paths, size_t *total)
{
	const char **items = ARENA_ARRAY(arena, const char *, self->files.count + count);
	if (!items)
		return false;
	for (size_t i = 0; i < self->files.count; i++)
		items[i] = self->files.items[i].text;
	for (size_t i = 0; i < count; i++)
		items[self->files.count + i] = arguments[i];
	*paths = items;
	*total = self->files.count + count;
	return true;
}

/* ---- Kafka ---- */

static bool configure_kafka(struct running *running, struct error *error)
{
	const struct run_options *self = running->options;
	struct kafka kafka;
	if (!kafka_find(running->runtime, self->brokers, running->arena, &kafka, error))
		return false;
	running->crew.brokers = kafka.brokers;
	running->crew.consumer = kafka.consumer;
	running->crew.producer = kafka.producer;
	running->topic_settings = kafka.topics;
	char *host = arena_take(running->arena, 1, INSTANCE_BYTES);
	running->crew.instance = self->instance ? self->instance : host;
	if (host && !self->instance && gethostname(host, INSTANCE_BYTES - 1) != 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "this host has no name; give --instance NAME");
	return !arena_failed(running->arena) || error_memory(error, ERROR_SYSTEM, "reading kafkaConfig");
}

/* Topics of a pipeline that a worker writes or reads; none twice is needed. */
static bool ensure_topics(struct running *running, struct error *error)
{
	size_t room = 0, made = 0;
	struct wanted_topics wanted = {0};
	for (size_t i = 0; i < running->plan.count; i++)
		room += running->plan.pipelines[i].topic_count;
	struct wanted_topic *items = ARENA_ARRAY(running->arena, struct wanted_topic, room);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	for (size_t i = 0; i < running->plan.count; i++)
		for (size_t j = 0; j < running->plan.pipelines[i].topic_count; j++) {
			const struct topic *topic = &running->plan.pipelines[i].topics[j];
			items[wanted.count++] = (struct wanted_topic){
				.name = topic->name,
				.bound = topic->bound,
				.partitions = topic->partitions,
				.replication = running->runtime ? running->runtime->replication_factor : 0,
				.retention_ms = topic->retention_ms,
				.settings = running->topic_settings,
			};
		}
	wanted.items = items;
	if (!topics_ensure(running->crew.brokers, running->crew.producer, wanted, running->options->topics == TOPICS_CREATE, &made,
			   error))
		return false;
	if (made > 0)
		fprintf(running->session->out, "%zu of %zu topics created\n", made, wanted.count);
	return true;
}

/* ---- the engine ---- */

/* Signals are taken by the crew alone: every thread made from here on leaves them. */
static bool run_crew(struct running *running, struct error *error)
{
	sigset_t set, before;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	/* Fetch buffers come and go by the megabyte: the heap keeps them. */
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	struct crew *crew = NULL;
	bool good = ensure_topics(running, error) && (crew = crew_open(&running->plan, &running->crew, running->arena, error)) &&
		    crew_run(crew, error);
	crew_close(crew);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return good;
}

static int run_spec(struct running *running)
{
	struct error error = {0};
	const struct models_metadata none = {0};
	const struct plan_options plan_options = {
		.kinds = running->session->kinds, .metadata = &none, .servers = running->options->servers};
	const struct resource *runtime = spec_first(running->spec, RESOURCE_RUNTIME);
	running->runtime = runtime ? runtime->spec : NULL;
	if (!plan_make(running->spec, &plan_options, running->arena, &running->plan, &error))
		return command_failed(running->session, &error);
	if (faults_count(running->spec->faults, SEVERITY_ERROR) + faults_count(running->spec->faults, SEVERITY_WARNING) > 0)
		(void)command_faults(running->session, running->spec->faults, OUTPUT_TEXT);
	if (faults_count(running->spec->faults, SEVERITY_ERROR) > 0)
		return EXIT_FAULTS;
	running->crew.commit_ms = running->options->commit_ns / NS_PER_MS;
	running->crew.drain_ms = running->options->drain_ns / NS_PER_MS;
	running->crew.out = running->session->out;
	bool good = (running->options->insecure || run_check_protection(running->spec->faults, &error)) &&
		    run_check(&running->plan, running->arena, &error) && configure_kafka(running, &error) &&
		    run_crew(running, &error);
	return good ? EXIT_GOOD : command_failed(running->session, &error);
}

static int run(struct session *session, const void *given, const char *const *arguments, size_t count)
{
	struct running running = {.session = session, .options = given};
	const struct spec_options spec_options = {.kinds = session->kinds};
	struct error error = {0};
	struct spec spec;
	const char *const *paths = NULL;
	size_t path_count = 0;
	running.arena = arena_open(RUN_ARENA_BYTES);
	int code = EXIT_FAULTS;
	if (!running.arena || !all_paths(given, arguments, count, running.arena, &paths, &path_count) ||
	    !spec_open(&spec, &error)) {
		arena_close(running.arena);
		error_memory(&error, ERROR_SYSTEM, "beginning to run");
		return command_failed(session, &error);
	}
	running.spec = &spec;
	if (path_count == 0)
		code = command_misuse(session, &command_run, "which pipelines? Give files or folders, as in -f pipelines/");
	else if (spec_read(&spec, paths, path_count, &spec_options, &error))
		code = run_spec(&running);
	spec_close(&spec);
	arena_close(running.arena);
	return error.kind == ERROR_NONE ? code : command_refused(session, &command_run, &error);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[FILE]...",
	.summary = "Runs pipelines on Kafka until it is told to stop.",
	.help = "Reads files, or folders of them, sees that their topics are there, and runs one worker for each pipeline. SIGTERM "
		"and "
		"SIGINT let it finish what is in flight. Started on several machines, each with an --instance of its own, Kafka's "
		"group shares the work out among them. What cannot run yet is refused, with the reason, before anything starts.\n"
		"\n"
		"    sluice run -f runtime.yaml -f pipelines/\n"
		"    sluice run -f pipeline.yaml --brokers localhost:9092 --server scorer=http://localhost:8080\n",
	.options = options,
	.options_size = sizeof(struct run_options),
	.group = "run",
	.run = run,
};
