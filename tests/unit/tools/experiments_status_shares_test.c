/* experiments_status_shares_test.c: Tests of the shares that `experiments status` shows of files of exposures: those of the weights
 * in force, what they leave, or why a share is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define STATUS "experiments status e --exposures exposures --feedback feedback"
#define EXPOSURE(id, variant, share, more)                                                                                         \
	"{\"id\": \"" id "\", \"unit\": \"" id "\", \"time_ms\": 1000, \"experiment\": \"e\", \"variant\": \"" variant             \
	"\", \"probability\": " share more "}\n"
#define FILE_OF(candidates)                                                                                                        \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n  candidates: "       \
	"[" candidates "]\n---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                \
	"  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
#define TWO "{name: new, weight: 30}, {name: old, weight: 70}"

static char folder[] = "/tmp/sluice-status-shares-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	write_file("feedback", "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("exposures");
	(void)unlink("feedback");
	(void)unlink("e.yaml");
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

static void expect_status(const char *exposures, const char *line, const char *words)
{
	write_file("exposures", exposures);
	struct said said = say_with(step_kinds, line);
	if (said.code != 0)
		fail_msg("%s", said.err);
	expect_words(said.out, words);
	said_close(&said);
}

static void the_share_of_a_variant_is_that_of_its_exposures(void **state)
{
	static const char *const exposures = EXPOSURE("a", "new", "0.3", "") EXPOSURE("b", "old", "0.7", "");
	(void)state;
	expect_status(exposures, STATUS, "1 unit, 30%");
	expect_status(exposures, STATUS, "1 unit, 70%");
	expect_status(exposures, STATUS " -o json", "{\"name\": \"new\", \"units\": 1, \"share\": 0.3, ");
}

/* The only variant that was not met has what the others leave; where they leave nothing, it has nothing. */
static void a_variant_that_was_not_met_has_what_the_others_leave(void **state)
{
	(void)state;
	write_file("e.yaml", FILE_OF(TWO));
	expect_status(EXPOSURE("a", "new", "0.3", ""), STATUS " -f e.yaml -o json",
		      "{\"name\": \"old\", \"units\": 0, \"share\": 0.7, ");
	expect_status(EXPOSURE("a", "new", "1", ""), STATUS " -f e.yaml -o json",
		      "{\"name\": \"old\", \"units\": 0, \"share\": 0.0, ");
}

static void a_share_that_is_not_known_says_why(void **state)
{
	(void)state;
	write_file("e.yaml", FILE_OF(TWO ", {name: newer, weight: 0}, {name: newest, weight: 0}"));
	expect_status("", STATUS " -f e.yaml -o json", "\"share_unknown\": \"no exposure was read\"");
	expect_status("", STATUS " -f e.yaml", "shares that are missing are not known: no exposure was read");
	expect_status(EXPOSURE("a", "new", "1", ", \"reason\": \"fallback\""), STATUS " -f e.yaml",
		      "shares that are missing are not known: no exposure that was read was chosen by weights");
	expect_status(EXPOSURE("a", "new", "0.3", ", \"reason\": \"policy\""), STATUS " -o json", "\"share\": null, \"control\": ");
	expect_status(EXPOSURE("a", "new", "0.3", ", \"reason\": \"policy\""), STATUS,
		      "shares that are missing are not known: a policy chooses, and no policy record of the experiment was read");
	expect_status(EXPOSURE("a", "new", "0.3", ", \"reason\": \"policy\""), STATUS " -f e.yaml",
		      "a policy chose what was read, and the files have no `bandits` any more");
}

static void feedback_of_what_is_left_out_is_counted(void **state)
{
	static const char *const routed = EXPOSURE("a", "new", "1", ", \"reason\": \"route\"");
	(void)state;
	write_file("feedback", "{\"id\": \"a\", \"reward\": 1}\n{\"id\": \"b\", \"reward\": 1}\n");
	expect_status(routed, STATUS, "  feedback 2: late 0, unknown 1, doubled 0, left out 1\n");
	expect_status(routed, STATUS " -o json", "\"unknown\": 1, \"doubled\": 0, \"feedback_left_out\": 1, ");
	write_file("feedback", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_share_of_a_variant_is_that_of_its_exposures),
		cmocka_unit_test(a_variant_that_was_not_met_has_what_the_others_leave),
		cmocka_unit_test(a_share_that_is_not_known_says_why),
		cmocka_unit_test(feedback_of_what_is_left_out_is_counted),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
