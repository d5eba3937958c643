/* apply_stand.c: see apply_stand.h. */
#include "tests/unit/apply_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define ABSENT_MS 800 /* a busy machine may stop the keeper for that long */

struct apply_stand apply_stand;

int apply_broker_setup(void **state)
{
	(void)state;
	struct error error = {0};
	(void)snprintf(apply_stand.folder, sizeof apply_stand.folder, "/tmp/apply_test.XXXXXX");
	assert_non_null(mkdtemp(apply_stand.folder));
	mock_open(&apply_stand.mock);
	apply_stand.arena = arena_open((size_t)1 << 20);
	apply_stand.config = (struct keeper_service_config){.brokers = apply_stand.mock.brokers,
							    .consumer = mock_quick,
							    .producer = mock_quick,
							    .namespace = "default",
							    .engine = "engine-1",
							    .kinds = step_kinds,
							    .absent_ms = ABSENT_MS};
	assert_true(control_topics_name(&apply_stand.config.topics, "sluice", "default", apply_stand.arena, &error));
	const char *const names[] = {apply_stand.config.topics.control, apply_stand.config.topics.proposals,
				     apply_stand.config.topics.status, apply_stand.config.topics.feed,
				     apply_stand.config.topics.artifacts};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		rd_kafka_mock_topic_create(apply_stand.mock.cluster, names[i], 1, 1);
	apply_stand.service = NULL;
	return 0;
}

int apply_teardown(void **state)
{
	char line[LINE_BYTES];
	(void)state;
	keeper_service_close(apply_stand.service);
	mock_close(&apply_stand.mock);
	arena_close(apply_stand.arena);
	(void)snprintf(line, sizeof line, "rm -r %s", apply_stand.folder);
	return system(line);
}

int apply_keeper_setup(void **state)
{
	struct error error = {0};
	(void)apply_broker_setup(state);
	apply_stand.service = keeper_service_open(&apply_stand.config, &error);
	return apply_stand.service ? 0 : 1;
}

void apply_file(const char *name, const char *text)
{
	char path[LINE_BYTES];
	(void)snprintf(path, sizeof path, "%s/%s", apply_stand.folder, name);
	write_file(path, text);
}

void apply_runs(int code, const char *words, const char *format, ...)
{
	char line[LINE_BYTES], whole[2 * LINE_BYTES];
	va_list values;
	va_start(values, format);
	(void)vsnprintf(line, sizeof line, format, values);
	va_end(values);
	(void)snprintf(whole, sizeof whole, "%s --brokers %s", line, apply_stand.mock.brokers);
	struct said said = say_with(step_kinds, whole);
	if (said.code != code || !(strstr(said.out, words) || strstr(said.err, words)))
		fail_msg("`%s` ends with %d:\n%s%s", line, said.code, said.out, said.err);
	said_close(&said);
}
