/* sim.c: `sluice sim`: runs the engine in a deterministic simulator with injected faults, each run from one seed. */
#include <inttypes.h>

#include "base/clock.h"
#include "message/json/json_write.h"
#include "simulation/simulation.h"
#include "tools/cli/command.h"
#include "tools/client/request_sender.h"

#define WHY_BYTES_MAX ((size_t)8 * SIMULATION_WHY_MAX)

struct sim_options {
	int64_t seed;
	int64_t seeds;
	bool trace;
	int form;
};

static const struct option options[] = {
	ROW("seed", INTEGER, struct sim_options, seed, .word = "N", .fallback = "1", .help = "The seed of the first run."),
	ROW("seeds", INTEGER, struct sim_options, seeds, .word = "COUNT", .fallback = "1", .least = 1, .most = 1e15,
	    .help = "The number of seeds, one after the other; it ends at the first run that fails."),
	ROW("trace", FLAG, struct sim_options, trace, .help = "Prints each run as it goes."),
	COMMAND_FORM(sim_options, form, "text json"),
	{.type = OPTION_END},
};

static void sim_report(void *context, int64_t now_us, const char *who, const char *what)
{
	FILE *out = context;
	fprintf(out, "%11.6f  %-10s  %s\n", (double)now_us / 1e6, who, what);
}

/* ---- what came of it ---- */

struct sim_counted {
	const char *name;
	size_t offset;
};

#define COUNTED(name, member)                                                                                                      \
	{                                                                                                                          \
		(name), offsetof(struct simulation_counts, member)                                                                 \
	}
static const struct sim_counted counted[] = {
	COUNTED("runs", runs),
	COUNTED("requests", messages),
	COUNTED("answered", answers),
	COUNTED("of them by an error", errors),
	COUNTED("dropped by their pipelines", dropped),
	COUNTED("answers repeated, at least once", repeated),
	COUNTED("deployments that came later", deployments),
	COUNTED("answered by pipelines that read others", fed),
	COUNTED("records of steps and models", tapped),
	COUNTED("windows of observers", windows),
	COUNTED("requests with deadlines", hurried),
	COUNTED("of them refused for it", refused),
	COUNTED("commits", commits),
	COUNTED("resets of transactions", resets),
	COUNTED("rebalances", rebalances),
	COUNTED("requests fenced", fences),
	COUNTED("transactions timed out", timeouts),
	COUNTED("losses of state for which workers stop", losses),
	COUNTED("proposals", proposals),
	COUNTED("changes in force", activations),
	COUNTED("terms of keepers", terms),
	COUNTED("gaps of deleted requests", gaps),
	COUNTED("requests in these gaps", skipped),
	COUNTED("batches too large for their topics", batches),
	COUNTED("fewest workers of a run", fewest_workers),
	COUNTED("fewest requests of a run", fewest_messages),
	COUNTED("fewest faults of a run", fewest_faults),
};

/* Counts whose names are in another table. */
static const struct {
	const char *const *names;
	size_t count, offset;
} named[] = {
	{simulation_trait_names, SIMULATION_TRAITS, offsetof(struct simulation_counts, traits)},
	{simulation_fault_names, SIMULATION_FAULTS, offsetof(struct simulation_counts, faults)},
	{simulation_keeper_fault_names, SIMULATION_KEEPER_FAULTS, offsetof(struct simulation_counts, keeper_faults)},
	{simulated_mishap_names, SIMULATED_MISHAPS, offsetof(struct simulation_counts, mishaps)},
	{model_mishap_names, MODEL_MISHAPS, offsetof(struct simulation_counts, models)},
};

/* Every count and its name, one after the other; false: there are no more. */
static bool count_at(const struct simulation_counts *counts, size_t nth, const char **name, uint64_t *number)
{
	const size_t rows = sizeof counted / sizeof *counted;
	if (nth < rows) {
		*name = counted[nth].name;
		*number = *(const uint64_t *)((const char *)counts + counted[nth].offset);
		return true;
	}
	for (size_t i = 0, first = rows; i < sizeof named / sizeof *named; first += named[i++].count)
		if (nth - first < named[i].count) {
			*name = named[i].names[nth - first];
			*number = ((const uint64_t *)((const char *)counts + named[i].offset))[nth - first];
			return true;
		}
	return false;
}

static void show_held(FILE *out, const struct sim_options *self, const struct simulation_counts *counts, double seconds)
{
	const char *name;
	uint64_t number;
	bool json = self->form == OUTPUT_JSON;
	fprintf(out,
		json ? "{\"held\": true, \"seed\": %" PRId64 ", \"seeds\": %" PRId64 ", \"seconds\": %.1f, \"counts\": {"
		     : "from seed %" PRId64 " on %" PRId64 " passed, each with one run exactly once and one at least once, in "
		       "%.1f s:\n",
		self->seed, self->seeds, seconds);
	for (size_t i = 0; count_at(counts, i, &name, &number); i++)
		if (json)
			fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : "", name, number);
		else
			fprintf(out, "%12" PRIu64 "  %s\n", number, name);
	if (json)
		fputs("}}\n", out);
}

static int show_broken(struct session *session, const struct sim_options *self, const struct simulation_config *simulation,
		       const struct simulation_result *result)
{
	const char *delivery = simulation->exactly_once ? "exactly once" : "at least once";
	if (self->form == OUTPUT_TEXT) {
		fprintf(session->out, "seed %" PRIu64 ", %s: %s\n", simulation->seed, delivery, result->why);
		if (!self->trace)
			fprintf(session->err, "to repeat it: sluice sim --seed %" PRIu64 " --trace\n", simulation->seed);
		return EXIT_FAULTS;
	}
	struct buffer why;
	buffer_open(&why, WHY_BYTES_MAX);
	json_write_string(&why, text_of(result->why));
	fprintf(session->out, "{\"held\": false, \"seed\": %" PRIu64 ", \"delivery\": \"%s\", \"why\": " TEXT_FORMAT "}\n",
		simulation->seed, delivery, TEXT_ARGUMENTS(buffer_view(&why)));
	buffer_close(&why);
	return EXIT_FAULTS;
}

static void show_progress(struct progress_line *progress, const struct sim_options *self, int64_t runs)
{
	const int64_t now_ns = clock_ns();
	char words[PROGRESS_LINE_MAX];
	if (!progress_due(progress, now_ns))
		return;
	(void)snprintf(words, sizeof words, "%" PRId64 " of %" PRId64 " seeds passed", runs / 2, self->seeds);
	progress_show(progress, (uint64_t)runs, 2 * (uint64_t)self->seeds, words, now_ns);
}

static int sim_run(struct session *session, const void *options_given, const char *const *arguments, size_t count)
{
	(void)arguments;
	(void)count;
	const struct sim_options *self = options_given;
	struct simulation_counts counts = {0};
	int64_t began_ns = clock_ns();
	struct progress_line progress;
	progress_begin(&progress, session->err, self->form == OUTPUT_TEXT && !self->trace, began_ns);
	for (int64_t i = 0; i < 2 * self->seeds; i++) {
		struct simulation_result result;
		struct error error = {0};
		const struct simulation_config config = {.seed = (uint64_t)(self->seed + i / 2),
							 .exactly_once = i % 2 == 0,
							 .kinds = session->kinds,
							 .platform = &simulation_platform_kafka,
							 .tell = self->trace && self->form == OUTPUT_TEXT ? sim_report : NULL,
							 .context = session->out};
		bool ran = simulation_run(&config, &result, &error);
		if (!ran || !result.held) {
			progress_clear(&progress);
			return ran ? show_broken(session, self, &config, &result) : command_failed(session, &error);
		}
		simulation_counts_add(&counts, &result.counts);
		show_progress(&progress, self, i + 1);
	}
	progress_clear(&progress);
	show_held(session->out, self, &counts, (double)(clock_ns() - began_ns) / NS_PER_S);
	return EXIT_GOOD;
}

const struct command command_sim = {
	.name = "sim",
	.summary = "Runs the engine in a deterministic simulator with injected faults.",
	.help = "A run has a few workers with a small pipeline on a simulated Kafka, and one seed. Workers crash, stop, freeze and "
		"start. Requests and replies are lost, late and repeated. Transactions are fenced and time out. In some runs "
		"pipelines are changed, removed and added again, requests have deadlines, steps process several requests together, "
		"pipelines have stages or are read by another pipeline, taps record the outputs of steps, and requests are deleted "
		"before they are read. Some have a control plane: appliers propose deployments, and keepers decide about them. "
		"Keepers are killed, frozen and fenced; engines read late, and cannot prepare some changes. At the end every "
		"request must be answered in order and in time; with exactly-once delivery, exactly once. The same seed gives the "
		"same run. On a terminal it shows how many seeds have passed, and the time that is left.\n"
		"\n"
		"  sluice sim --seeds 1000\n"
		"  sluice sim --seed 7 --trace\n",
	.options = options,
	.options_size = sizeof(struct sim_options),
	.group = "run",
	.run = sim_run,
};
