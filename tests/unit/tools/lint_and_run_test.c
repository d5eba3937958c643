/* lint_and_run_test.c: `sluice lint` and `sluice run` agree on every YAML file of the tests: what `run` refuses before it asks
 * anything else than the files, `lint` reports, as an error or as a warning at the same place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/setup/revision.h"
#include "engine/setup/spec_check.h"
#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define SESSION_BYTES ((size_t)64 << 20)
#define FAULT_LINES_MAX 64
/* Models are where options of `run` say, so it is given an address for all. */
#define ANY_MODEL "grpc://127.0.0.1:1"

static size_t read_count, refused_count, differing, elsewhere;

/* What a run refused: the lines of its errors. */
struct refusal {
	bool is_refused;
	bool is_elsewhere; /* it depends on files that `run` fetches from other machines */
	char words[512];
	size_t count;
	unsigned lines[FAULT_LINES_MAX];
};

static void on_faults(void *context, const struct faults *faults)
{
	struct refusal *refusal = context;
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		if (fault->code->severity != SEVERITY_ERROR || refusal->count == FAULT_LINES_MAX)
			continue;
		refusal->lines[refusal->count++] = fault->place.line;
		(void)snprintf(refusal->words, sizeof refusal->words, "%s %s", fault->code->code, fault->message);
	}
}

static void on_note(void *context, const char *line)
{
	(void)context, (void)line;
}

static void on_failure(void *context, const struct error *error)
{
	(void)context, (void)error;
}

static void run_read(const char *path, struct refusal *refusal)
{
	const char *const paths[] = {path};
	struct arena *names = arena_open(SESSION_BYTES);
	struct files *remote = NULL;
	const struct fault_report report = {.context = refusal, .faults = on_faults, .note = on_note, .failure = on_failure};
	const struct revision_options options = {.kinds = step_kinds,
						 .names = names,
						 .report = report,
						 .paths = paths,
						 .path_count = 1,
						 .built_in = ANY_MODEL,
						 .may_be_empty = true,
						 .remote_files = &remote,
						 .insecure = true};
	struct error error = {0};
	*refusal = (struct refusal){0};
	struct revision *revision = revision_open(&options, &error);
	refusal->is_refused = !revision;
	refusal->is_elsewhere = remote != NULL;
	files_close(remote);
	if (error.kind != ERROR_NONE) {
		refusal->lines[refusal->count++] = error.place.line;
		(void)snprintf(refusal->words, sizeof refusal->words, "%s", error.text);
	}
	revision_close(revision);
	arena_close(names);
}

/* Whether one of lint's errors or warnings is in one of the lines; of an error anywhere `run` says the same. */
static bool lint_reports(const char *path, const struct refusal *refusal, bool *has_errors)
{
	const struct spec_options reading = {.kinds = step_kinds};
	struct error error = {0};
	struct spec spec;
	bool found = false;
	assert_true(spec_open(&spec, &error));
	const bool is_read = spec_read(&spec, &path, 1, &reading, &error) && spec_check(&spec, false, &error);
	*has_errors = !is_read;
	for (size_t i = 0; i < faults_total(spec.faults); i++) {
		const struct fault *fault = faults_at(spec.faults, i);
		/* `run` has Kafka's client judge its settings when it opens one, and options may give others. */
		*has_errors |= fault->code->severity == SEVERITY_ERROR && strcmp(fault->code->code, CODE_SETTING_REFUSED) != 0;
		for (size_t j = 0; j < refusal->count; j++)
			found |= fault->code->severity != SEVERITY_NOTE && fault->place.line == refusal->lines[j];
	}
	spec_close(&spec);
	return found || *has_errors;
}

static int compare(const char *path, const struct stat *status, int type, struct FTW *at)
{
	const char *end = strrchr(path, '.');
	struct refusal refusal;
	bool has_errors;
	(void)status, (void)at;
	if (type != FTW_F || !end || (strcmp(end, ".yaml") != 0 && strcmp(end, ".yml") != 0))
		return 0;
	read_count++;
	run_read(path, &refusal);
	elsewhere += refusal.is_elsewhere;
	if (refusal.is_elsewhere)
		return 0;
	refused_count += refusal.is_refused;
	const bool reported = lint_reports(path, &refusal, &has_errors);
	if (refusal.is_refused ? !reported : has_errors) {
		differing++;
		print_message("%s: %s, lint %s: %s\n", path, refusal.is_refused ? "run refuses it" : "run takes it",
			      has_errors ? "has errors" : "passes it", refusal.words);
	}
	return 0;
}

static void every_file_of_the_tests_has_one_judgement(void **state)
{
	(void)state;
	assert_int_equal(nftw("tests", compare, 16, FTW_PHYS), 0);
	print_message("%zu files, %zu of them refused, %zu not compared\n", read_count, refused_count, elsewhere);
	assert_true(read_count > 1000 && refused_count > 100 && elsewhere < 20);
	assert_int_equal(differing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_file_of_the_tests_has_one_judgement)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
