/* testing.h: what the halves of `sluice test` have in common: in memory (test.c) and on
 * Kafka (test_kafka.c). */
#ifndef SLUICE_CLI_TESTING_H
#define SLUICE_CLI_TESTING_H

#include "cli/case_judge.h"
#include "cli/command.h"

#define CASE_BYTES_MAX ((size_t)4 << 30)
#define OUTPUT_BYTES_MAX ((size_t)4 << 30)

struct test_options {
	bool print;
	bool update;
	const char *only;
	const char *kafka; /* brokers; NULL: in memory */
	int format;
};

enum verdict { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct testing {
	struct session *session;
	const struct test_options *options;
	size_t counts[CASE_SKIPPED + 1];
	struct buffer json; /* -o json: the cases */
	bool incomplete;    /* memory ran out while looking for cases */
	/* With --kafka cases are only gathered first. */
	struct arena *arena;
	const char **folders;
	size_t folder_count;
};

void say_case(struct testing *testing, const char *folder, enum verdict verdict, const struct buffer *why);
void say_error(const struct error *error, struct buffer *why);

/* Whether all lines of out.jsonl hold; what does not is said. */
bool judge_world(const struct case_world *world, struct buffer *why);

/* Runs the world, or answers all with why it cannot: a fault of the files, or what it
 * `lacks`; `refused` says which. */
bool play_world(struct case_world *world, const char *lacks, struct error *refused, struct error *error);

/* Runs the gathered cases, several at once, and says what came of each. */
bool test_on_kafka(struct testing *testing, struct error *error);

#endif
