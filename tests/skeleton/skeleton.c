/* skeleton.c: one worker and one pipeline on Kafka: the shortest program that has all of
 * a message's way in it. For the tests on a real Kafka, which start it, kill it and hold
 * its answers against its requests.
 *
 *   skeleton -b BROKERS -i IN -o OUT -g GROUP [-n INSTANCE] [-t COMMIT_MS] [-u MODEL_URL]
 *            PIPELINE.yaml
 *
 * INSTANCE (0) is who it is in its group, over restarts. Every model that the pipeline
 * calls is looked for at MODEL_URL. SIGTERM drains and ends it.
 */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "steps/kinds.h"
#include "worker/worker.h"

#define STEPS_MAX 16

struct options {
	const char *brokers, *in, *out, *group, *instance, *url, *file;
	int64_t commit_ms;
};

static struct worker *running; /* for the signal handler */

static void on_signal(int number)
{
	(void)number;
	worker_stop(running);
}

static int fail(const struct error *error)
{
	fprintf(stderr, "skeleton: %s: %s\n", error_kind_name(error->kind), error->text);
	return 1;
}

static int run(const struct worker_config *config)
{
	struct error error = {0};
	running = worker_open(config, &error);
	if (!running)
		return fail(&error);
	signal(SIGTERM, on_signal);
	bool drained = worker_run(running, &error);
	struct worker_counts counts = worker_counts(running);
	fprintf(stderr,
		"skeleton: taken %" PRIu64 ", released %" PRIu64 ", answered %" PRIu64 ", failed %" PRIu64 ", commits %" PRIu64
		", resets %" PRIu64 "%s%s\n",
		counts.taken, counts.released, counts.answered, counts.failed, counts.commits, counts.resets,
		counts.reset_reason ? ": " : "", counts.reset_reason ? counts.reset_reason : "");
	worker_close(running);
	return drained ? 0 : fail(&error);
}

static int run_graph(const struct options *options, const struct graph *graph)
{
	struct model_endpoint endpoints[STEPS_MAX];
	size_t count = options->url && graph->count <= STEPS_MAX ? graph->count : 0;
	for (size_t i = 0; i < count; i++)
		endpoints[i] = (struct model_endpoint){graph->steps[i].name, options->url};
	char id[128];
	snprintf(id, sizeof id, "%s.%s.0", options->group, options->instance);
	struct worker_limits limits = worker_limits_usual;
	limits.commit_ms = options->commit_ms;
	static const struct property queues[] = {{"queued.min.messages", "1000000"}};
	const struct worker_config config = {
		.consumer = {.brokers = options->brokers,
			     .group = options->group,
			     .instance = options->instance,
			     .topics = &options->in,
			     .topic_count = 1,
			     .properties = {1, queues}},
		.transaction = {.brokers = options->brokers, .id = id, .topics = &options->out, .topic_count = 1},
		.graph = graph,
		.models = {count, endpoints},
		.rest = {.calls = 64, .request_bytes = 1 << 20, .reply_bytes = 1 << 20},
		.limits = limits,
	};
	return run(&config);
}

static int run_file(const struct options *options)
{
	struct error error = {0};
	struct spec spec;
	struct buffer words;
	const struct spec_options spec_options = {.kinds = step_kinds};
	buffer_open(&words, 1 << 20);
	if (!spec_open(&spec, &error) || !spec_read(&spec, &options->file, 1, &spec_options, &error))
		return fail(&error);
	const struct resource *pipeline = spec_first(&spec, RESOURCE_PIPELINE);
	struct graph *graph = pipeline ? graph_build(pipeline, &spec, spec.arena, spec.faults) : NULL;
	bool faulty = faults_count(spec.faults, SEVERITY_ERROR) > 0;
	if (faulty)
		faults_print_text(spec.faults, &words, false);
	fprintf(stderr, TEXT_FORMAT, TEXT_ARGUMENTS(buffer_view(&words)));
	int status = graph && !faulty ? run_graph(options, graph) : 1;
	buffer_close(&words);
	spec_close(&spec);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = {.instance = "0"};
	int letter;
	while ((letter = getopt(argc, argv, "b:i:o:g:n:t:u:")) != -1) {
		switch (letter) {
		case 'b': options.brokers = optarg; break;
		case 'i': options.in = optarg; break;
		case 'o': options.out = optarg; break;
		case 'g': options.group = optarg; break;
		case 'n': options.instance = optarg; break;
		case 't': options.commit_ms = strtol(optarg, NULL, 10); break;
		case 'u': options.url = optarg; break;
		default: return 2;
		}
	}
	options.file = argv[optind];
	if (!options.brokers || !options.in || !options.out || !options.group || !options.file) {
		fprintf(stderr, "skeleton: -b, -i, -o, -g and a file are needed; see the top of skeleton.c\n");
		return 2;
	}
	/* Fetch buffers come and go by the megabyte: the heap keeps them. */
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	return run_file(&options);
}
