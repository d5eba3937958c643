/* artifact_topic_test.c: Tests of the topic of artifacts with many files, and while several commands use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "control/artifacts/artifact_cache.h"
#include "control/artifacts/artifact_topic.h"
#include "control/artifacts/artifact_writer.h"
#include "tests/unit/mock_broker.h"

#define TOPIC "sluice.default.artifacts"

static struct arena *arena;
static struct mock mock;
static struct artifact_topic topic;
static struct artifact_writer *writer; /* NULL: the test has written nothing yet */
static char folder[] = "/tmp/artifact_topic_test.XXXXXX";
static struct error error;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)16 << 20);
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	writer = NULL;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, TOPIC, 1, 1);
	topic = (struct artifact_topic){.brokers = mock.brokers, .consumer = mock_quick, .producer = mock_quick, .name = TOPIC};
	return arena && mkdtemp(folder) ? 0 : 1;
}

static int tear_down(void **state)
{
	char line[512];
	(void)state;
	artifact_writer_close(writer);
	mock_close(&mock);
	arena_close(arena);
	(void)snprintf(line, sizeof line, "rm -r %s", folder);
	return system(line);
}

static bool written(struct text content)
{
	writer = writer ? writer : artifact_writer_open(&topic, &error);
	return writer && artifact_writer_put(writer, content, &error) && artifact_writer_settle(writer, &error);
}

/* A new pod has 1024 descriptors, and a namespace may name more files. */
static void many_files_are_fetched_with_few_descriptors(void **state)
{
	const size_t count = 2 * ARTIFACT_FETCH_BATCH + 1, absent = ARTIFACT_FETCH_BATCH + 1;
	struct artifact *artifacts = ARENA_ARRAY(arena, struct artifact, count);
	struct rlimit before, few;
	size_t lacking;
	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct text content = text_of(arena_print(arena, "file %zu", i));
		artifacts[i] = artifact_of(content);
		if (i != absent)
			assert_true(written(content));
	}
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){.rlim_cur = ARTIFACT_FETCH_BATCH + 100, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	const bool good = artifact_topic_fetch(&topic, folder, artifacts, count, &lacking, &error);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_false(good);
	assert_int_equal(lacking, absent);
	assert_non_null(strstr(error.text, TOPIC " lacks chunk 1 of its 1 "));
	assert_true(artifact_is_cached(folder, &artifacts[0]) && artifact_is_cached(folder, &artifacts[count - 1]));
	assert_false(artifact_is_cached(folder, &artifacts[absent]));
}

static bool fetched(const struct artifact *artifact)
{
	size_t lacking;
	error = (struct error){0};
	return artifact_topic_fetch(&topic, folder, artifact, 1, &lacking, &error);
}

/* With gigabytes of files, an engine would read for a minute for each new one. */
static void an_engine_reads_only_what_came_since(void **state)
{
	const struct artifact a = artifact_of(TEXT("a")), b = artifact_of(TEXT("b")), c = artifact_of(TEXT("c"));
	struct artifact_index index = {0};
	(void)state;
	topic.index = &index;
	assert_true(written(TEXT("a")) && written(TEXT("b")));
	assert_true(fetched(&a));
	assert_true(index.end == 2 && index.records == 2);
	assert_true(written(TEXT("c")));
	assert_true(fetched(&c));
	assert_true(index.end == 3 && index.records == 3); /* one more */
	assert_true(fetched(&b));
	assert_int_equal(index.records, 5); /* from `b` on */
	artifact_index_close(&index);
}

static void an_index_that_is_wrong_costs_a_second_reading(void **state)
{
	const struct artifact a = artifact_of(TEXT("a")), b = artifact_of(TEXT("b")), never = artifact_of(TEXT("never"));
	struct artifact_index index = {0};
	(void)state;
	topic.index = &index;
	assert_true(written(TEXT("a")) && written(TEXT("b")));
	index.end = 1; /* as if `a` had been read without memory for it */
	assert_true(fetched(&a));
	assert_int_equal(index.records, 3);
	index.end = 100; /* the topic was deleted, and made anew */
	assert_true(fetched(&b));
	assert_int_equal(index.end, 2);
	assert_false(fetched(&never));
	assert_non_null(strstr(error.text, " lacks chunk 1 of its 1 "));
	artifact_index_close(&index);
}

/* An apply looks again when its documents are accepted. */
static void an_applier_sees_what_was_swept_since_it_wrote(void **state)
{
	struct artifact_outline outline;
	struct ledger ledger;
	size_t removed, kept;
	int64_t end = 0;
	bool has = true;
	(void)state;
	artifact_outline_make(TEXT("abc"), &outline);
	assert_true(ledger_open(&ledger, "default", &error));
	assert_true(written(TEXT("abd")));
	assert_true(artifact_topic_survey(&topic, &outline, 1, &has, &end, &error));
	assert_true(!has && end == 1);
	assert_true(written(TEXT("abc")));
	assert_true(artifact_topic_survey(&topic, &outline, 1, &has, &end, &error));
	assert_true(has && end == 2);
	assert_true(artifact_topic_sweep(&topic, &ledger, time_of_day_ms() + 60000, &removed, &kept, &error));
	assert_int_equal(removed, 2);
	end = 1;
	assert_true(artifact_topic_survey(&topic, &outline, 1, &has, &end, &error));
	assert_false(has);
	ledger_close(&ledger);
}

static void a_sweep_of_many_ends(void **state)
{
	struct ledger ledger;
	size_t removed, kept;
	(void)state;
	assert_true(ledger_open(&ledger, "default", &error));
	for (size_t i = 0; i < 2 * ARTIFACT_SWEEP_BATCH + 1; i++)
		assert_true(written(text_of(arena_print(arena, "file %zu", i))));
	assert_true(artifact_topic_sweep(&topic, &ledger, time_of_day_ms() + 60000, &removed, &kept, &error));
	assert_true(removed == 2 * ARTIFACT_SWEEP_BATCH + 1 && kept == 0);
	assert_true(artifact_topic_sweep(&topic, &ledger, time_of_day_ms() + 60000, &removed, &kept, &error));
	assert_true(removed == 0 && kept == 0);
	ledger_close(&ledger);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(many_files_are_fetched_with_few_descriptors),
		TEST(an_engine_reads_only_what_came_since),
		TEST(an_index_that_is_wrong_costs_a_second_reading),
		TEST(an_applier_sees_what_was_swept_since_it_wrote),
		TEST(a_sweep_of_many_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
