/* testing.h: State shared by the two parts of `sluice test`: in memory (test.c), and in an engine
 * (test_kafka.c). */
#ifndef SLUICE_CLI_TESTING_H
#define SLUICE_CLI_TESTING_H

#include "cases/case_play.h"
#include "cli/command.h"

#define CASE_BYTES_MAX ((size_t)4 << 30)
#define OUTPUT_BYTES_MAX ((size_t)4 << 30)

struct test_options {
	bool print;
	bool update;
	const char *only;
	const char *kafka; /* brokers; NULL: in memory */
	const char *gateway; /* its address; NULL: none is asked (test_gateway.h) */
	int format;
};

enum verdict { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct testing {
	struct session *session;
	const struct test_options *options;
	size_t counts[CASE_SKIPPED + 1];
	struct buffer json; /* -o json: the cases */
	bool incomplete;    /* memory ran out during the search for cases */
	size_t lines_left_out; /* with --gateway: lines of out.jsonl that were not compared */
	/* With --kafka and --gateway, cases are first only collected. */
	struct arena *arena;
	const char **folders;
	size_t folder_count;
};

void say_case(struct testing *testing, const char *folder, enum verdict verdict, const struct buffer *why);
void say_error(const struct error *error, struct buffer *why);

/* Whether all lines of out.jsonl are met. Violations go to `why`. */
bool judge_results(const struct case_results *results, struct buffer *why);

/* Plays the case, or answers all requests with the reason why it cannot run: a fault of the files. `refused` has the
 * reason. */
bool play_case(struct case_play *play, const struct case_files *files, const struct spec *spec,
	       const struct case_play_options *options, struct arena *arena, struct error *refused, struct error *error);

/* Runs the collected cases, several at once, and reports the result of each. */
bool test_on_kafka(struct testing *testing, struct error *error);

#endif
