/* case_run.h: Run of one case in memory, from its folder to its results. The runs on Kafka (case_kafka_runs.h) and at a gateway
 * (case_gateway_runs.h) begin with it.
 */
#pragma once

#include "compiler/resources/resource.h"
#include "tools/test/case_workers.h"

/* Play of a case: sends its requests through simulated workers (case_workers.h), and keeps the results to be judged or
 * printed. */
struct case_play {
	const struct case_files *files;
	const struct spec *spec;
	struct arena *arena;
	struct case_workers_config config;
	struct case_sends sends;
	struct case_points points;
	struct case_workers *workers; /* NULL: no engine starts with the files */
	struct case_results results;
};

struct case_play_options {
	const struct step_kind *const *kinds;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
	bool all_points; /* what stands at every point of its pipelines is kept, for printing */
};

/* Plays the case, in the arena; the spec has been read from its files and checked, and has no errors. Where no engine starts
 * with the files, each request is answered with the reason. */
bool case_play(struct case_play *play, const struct case_files *files, const struct spec *spec,
	       const struct case_play_options *options, struct arena *arena, struct error *error);

#define CASE_BYTES_MAX ((size_t)4 << 30)
#define CASE_OUTPUT_BYTES_MAX ((size_t)4 << 30)

enum case_verdict { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

/* Receiver of verdicts, called for each case in the order of the folders, in the thread of the caller. `why`: the violations, or
 * the reason why the case was skipped, each line with its end; empty for a case that passed. */
struct case_judged {
	void (*judged)(void *context, const char *folder, enum case_verdict verdict, const struct buffer *why);
	void *context;
};

struct case_run {
	struct arena *arena;
	struct case_files files;
	struct spec spec;
	bool spec_is_open;
	struct case_play play;
	struct error refused; /* kind NONE: the files have no fault; else all requests were answered with it */
};

/* Reads the case and plays it in memory. `checked`: its files are checked as `sluice lint` does. False: the error has the
 * reason. case_run_close() follows in any case. */
bool case_run_open(struct case_run *run, const char *folder, const struct case_play_options *options, bool checked,
		   struct error *error);
void case_run_close(struct case_run *run);

/* Whether the case is about files that are refused: a line of it awaits a CONFIG error. */
bool case_awaits_refusal(const struct case_files *files);

/* Whether an engine and a real clock can run a case that was played in memory; if not, the reason goes to `unfit`. */
bool case_runs_by_clock(const struct case_play *played, struct buffer *unfit);

/* Appends the error as a line, indented, with its place. */
void case_error_print(const struct error *error, struct buffer *why);
