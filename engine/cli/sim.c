/* sim.c: `sluice sim`: days of faults, each from one seed. */
#include <inttypes.h>
#include <time.h>

#include "cli/command.h"
#include "cli/day.h"

struct sim_options {
	int64_t seed;
	int64_t seeds;
	bool trace;
};

static const struct option options[] = {
	ROW("seed", INTEGER, struct sim_options, seed, .word = "N", .fallback = "1", .help = "The first day's seed."),
	ROW("seeds", INTEGER, struct sim_options, seeds, .word = "COUNT", .fallback = "1",
	    .help = "How many seeds, one after the other; it ends with the first that does not hold."),
	ROW("trace", FLAG, struct sim_options, trace, .help = "Tells each day as it goes."),
	{.type = OPTION_END},
};

extern const struct command command_sim;

static void tell(void *context, int64_t now_us, const char *who, const char *what)
{
	FILE *out = context;
	fprintf(out, "%11.6f  %-10s  %s\n", (double)now_us / 1e6, who, what);
}

static void show_counts(FILE *out, const struct day_counts *counts, double seconds)
{
	fprintf(out, "%" PRIu64 " seeds held, a day exactly once and a day at least once each, in %.1f s", counts->days / 2,
		seconds);
	fprintf(out, "; each day with at least %" PRIu64 " workers, %" PRIu64 " requests and %" PRIu64 " faults\n",
		counts->fewest_workers, counts->fewest_messages, counts->fewest_faults);
	fprintf(out,
		"%" PRIu64 " requests, %" PRIu64 " answered, %" PRIu64 " dropped by their pipelines, %" PRIu64
		" answers repeated at least once\n",
		counts->messages, counts->answers, counts->dropped, counts->repeated);
	fprintf(out, "%" PRIu64 " commits, %" PRIu64 " resets, %" PRIu64 " rebalances, %" PRIu64 " fenced, %" PRIu64 " timed out\n",
		counts->commits, counts->resets, counts->rebalances, counts->fences, counts->timeouts);
	for (enum day_fault fault = 0; fault < DAY_FAULTS; fault++)
		fprintf(out, "%s%" PRIu64 " %s", fault ? ", " : "", counts->faults[fault], day_fault_names[fault]);
	for (enum twin_mishap mishap = 0; mishap < TWIN_MISHAPS; mishap++)
		fprintf(out, ", %" PRIu64 " %s", counts->mishaps[mishap], twin_mishap_names[mishap]);
	fputc('\n', out);
}

static double clock_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int say_broken(struct session *session, const struct sim_options *self, const struct day_config *day,
		      const struct day_result *result)
{
	fprintf(session->out, "seed %" PRIu64 ", %s: %s\n", day->seed, day->exactly_once ? "exactly once" : "at least once",
		result->why);
	if (!self->trace)
		fprintf(session->err, "its story: sluice sim --seed %" PRIu64 " --trace\n", day->seed);
	return EXIT_FAULTS;
}

static int run(struct session *session, const void *options_given, const char *const *arguments, size_t count)
{
	(void)arguments;
	(void)count;
	const struct sim_options *self = options_given;
	struct day_counts counts = {0};
	double began_s = clock_s();
	for (int64_t i = 0; i < 2 * self->seeds; i++) {
		struct day_result result;
		struct error error = {0};
		const struct day_config config = {.seed = (uint64_t)(self->seed + i / 2),
						  .exactly_once = i % 2 == 0,
						  .kinds = session->kinds,
						  .ground = &day_ground_twin,
						  .tell = self->trace ? tell : NULL,
						  .context = session->out};
		if (!day_run(&config, &result, &error))
			return command_failed(session, &error);
		if (!result.held)
			return say_broken(session, self, &config, &result);
		day_counts_add(&counts, &result.counts);
	}
	show_counts(session->out, &counts, clock_s() - began_s);
	return EXIT_GOOD;
}

const struct command command_sim = {
	.name = "sim",
	.summary = "Runs workers through simulated days of faults.",
	.help = "A day is a few workers with a small pipeline on a Kafka in memory, under one seed: workers crash, stop, freeze "
		"and come, requests and replies are lost, late and repeated, transactions are fenced and time out. When it has "
		"settled, every request must be answered, exactly once where that was promised, in order and in time. The "
		"same seed gives the same day.\n"
		"\n"
		"    sluice sim --seeds 1000\n"
		"    sluice sim --seed 7 --trace\n",
	.options = options,
	.options_size = sizeof(struct sim_options),
	.group = "run",
	.run = run,
};
