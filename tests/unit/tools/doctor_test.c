/* What the doctor says of a machine, and how it says what it found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kafka/topics/probe.h"
#include "tests/unit/session.h"
#include "tools/client/doctor_machine.h"
#include "tools/client/doctor_services.h"

static struct findings examined(struct arena *arena, struct machine_needs needs)
{
	struct findings findings = {.arena = arena};
	machine_examine(&needs, &findings);
	assert_false(findings.failed);
	return findings;
}

static const struct finding *of(const struct findings *findings, const char *subject)
{
	for (size_t i = 0; i < findings->count; i++)
		if (strcmp(findings->items[i].subject, subject) == 0)
			return &findings->items[i];
	return NULL;
}

static void an_engine_that_is_larger_than_the_machine_is_a_fault(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	(void)state;
	struct findings findings = examined(arena, (struct machine_needs){.workers = 1, .memory_bytes = 1e6});
	assert_int_equal(GRADE_GOOD, of(&findings, "memory")->grade);
	findings = examined(arena, (struct machine_needs){.workers = 100000, .memory_bytes = 1e18});
	assert_int_equal(GRADE_FAULT, of(&findings, "memory")->grade);
	assert_int_equal(GRADE_WARNING, of(&findings, "processors")->grade);
	arena_close(arena);
}

static void a_folder_of_state_is_there_and_has_room(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	char folder[] = "/tmp/sluice-doctor-XXXXXX";
	(void)state;
	assert_non_null(mkdtemp(folder));
	struct findings findings = examined(arena, (struct machine_needs){.state_folder = folder, .state_bytes = 1});
	assert_int_equal(GRADE_GOOD, of(&findings, "disk")->grade);
	findings = examined(arena, (struct machine_needs){.state_folder = folder, .state_bytes = 1e18});
	assert_int_equal(GRADE_WARNING, of(&findings, "disk")->grade);
	rmdir(folder);
	findings = examined(arena, (struct machine_needs){.state_folder = folder, .state_bytes = 1});
	assert_int_equal(GRADE_FAULT, of(&findings, "disk")->grade);
	expect_words(of(&findings, "disk")->words, "No such file or directory");
	findings = examined(arena, (struct machine_needs){.state_bytes = 1});
	assert_null(of(&findings, "disk"));
	arena_close(arena);
}

static void faults_of_files_are_told_with_what_else_there_is(void **state)
{
	(void)state;
	write_file("/tmp/sluice-doctor.yaml", "kind: Nonsense\n");
	struct said said = say("doctor -f /tmp/sluice-doctor.yaml -o json");
	unlink("/tmp/sluice-doctor.yaml");
	assert_int_equal(EXIT_FAULTS, said.code);
	expect_words(said.out, "\"grade\":\"fault\",\"subject\":\"files\"");
	expect_words(said.out, "\"grade\":\"fault\",\"subject\":\"brokers\",\"words\":\"the address of Kafka is missing");
	expect_words(said.out, "\"subject\":\"memory\"");
	json_t *whole = json_loads(said.out, 0, NULL);
	assert_true(json_array_size(json_object_get(whole, "findings")) > 3);
	json_decref(whole);
	expect_words(said.err, "Nonsense");
	said_close(&said);
}

static void a_coordinator_that_is_slow_is_no_right_that_is_missing(void **state)
{
	(void)state;
	static const rd_kafka_resp_err_t slow[] = {RD_KAFKA_RESP_ERR__TIMED_OUT,
						   RD_KAFKA_RESP_ERR__TRANSPORT,
						   RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
						   RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
						   RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
						   RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
						   RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE};
	for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
		assert_int_equal(probe_state_of(slow[i]), PROBE_SLOW);
	assert_int_equal(probe_state_of(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED), PROBE_DENIED);
	assert_int_equal(probe_state_of(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), PROBE_DENIED);
	assert_int_equal(probe_state_of(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION), PROBE_BAD);
	assert_int_equal(probe_state_of(RD_KAFKA_RESP_ERR_NO_ERROR), PROBE_GOOD);
}

/* What is said of five groups: their names, and their others. */
static void assert_findings(const enum probe_state states[5], const char *said, enum grade last)
{
	static const struct answer_advice all = {.bad = "mend", .denied = "grant", .slow = "wait"};
	struct arena *arena = arena_open(1 << 20);
	struct findings findings = {.arena = arena};
	struct probe_answer answers[5];
	const char *words = "";
	for (size_t i = 0; i < 5; i++)
		answers[i] = (struct probe_answer){
			.name = (const char *[]){"a", "b", "c", "d", "e"}[i], .state = states[i], .words = "w"};
	doctor_answers_report(&findings, answers, 5, "groups", &all);
	for (size_t i = 0; i < findings.count; i++)
		words = arena_print(arena, "%s%s (%s); ", words, findings.items[i].words, findings.items[i].advice);
	assert_string_equal(words, said);
	assert_int_equal(findings.items[findings.count - 1].grade, last);
	arena_close(arena);
}

static void faults_are_named_before_what_is_slow(void **state)
{
	(void)state;
	assert_findings((const enum probe_state[5]){PROBE_SLOW, PROBE_SLOW, PROBE_SLOW, PROBE_SLOW, PROBE_SLOW},
			"a: w (wait); b: w (wait); c: w (wait); and 2 more that have not answered (wait); ", GRADE_WARNING);
	assert_findings((const enum probe_state[5]){PROBE_SLOW, PROBE_SLOW, PROBE_SLOW, PROBE_DENIED, PROBE_BAD},
			"d: w (grant); e: w (mend); a: w (wait); b: w (wait); c: w (wait); ", GRADE_WARNING);
	assert_findings((const enum probe_state[5]){PROBE_BAD, PROBE_SLOW, PROBE_BAD, PROBE_DENIED, PROBE_BAD},
			"a: w (mend); c: w (mend); d: w (grant); and 1 more (mend); b: w (wait); ", GRADE_WARNING);
	assert_findings((const enum probe_state[5]){PROBE_SLOW, PROBE_SLOW, PROBE_SLOW, PROBE_SLOW, PROBE_GOOD},
			"a: w (wait); b: w (wait); c: w (wait); and 1 more that has not answered (wait); ", GRADE_WARNING);
	assert_findings((const enum probe_state[5]){PROBE_BAD, PROBE_BAD, PROBE_BAD, PROBE_BAD, PROBE_ABSENT},
			"a: w (mend); b: w (mend); c: w (mend); and 1 more (mend); ", GRADE_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_coordinator_that_is_slow_is_no_right_that_is_missing),
		cmocka_unit_test(an_engine_that_is_larger_than_the_machine_is_a_fault),
		cmocka_unit_test(faults_are_named_before_what_is_slow),
		cmocka_unit_test(a_folder_of_state_is_there_and_has_room),
		cmocka_unit_test(faults_of_files_are_told_with_what_else_there_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
