/* answered_topics.c: see answered_topics.h. */
#include "tests/unit/answered_topics.h"

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

static void request_write(struct mock *mock, int number)
{
	char value[200];
	snprintf(value, sizeof value,
		 "{\"id\":\"r-%d\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[%d]}]}", number,
		 number);
	mock_append(mock, "in", TEXT("k"), text_of(value));
}

void answered_open(struct answered_topics *topics, const char *yaml)
{
	*topics = (struct answered_topics){.path = "/tmp/sluice-answered-XXXXXX"};
	const int file = mkstemp(topics->path);
	assert_true(file >= 0 && close(file) == 0);
	write_file(topics->path, yaml);
	mock_open(&topics->mock);
	for (int i = 0; i < ANSWERED_REQUESTS; i++)
		request_write(&topics->mock, i);
	mock_commit(&topics->mock, ANSWERED_GROUP, ANSWERED_REQUESTS - 1);
}

void answered_close(struct answered_topics *topics)
{
	mock_close(&topics->mock);
	(void)unlink(topics->path);
}

void answered_write(struct answered_topics *topics, int number, int result)
{
	char value[200];
	snprintf(value, sizeof value,
		 "{\"id\":\"r-%d\",\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[%d]}]}", number,
		 result);
	mock_append(&topics->mock, "out", TEXT("k"), text_of(value));
}

#define HOSTILE_RECORDS 4000

void answered_hostile(struct answered_topics *topics)
{
	static const char *const names[] = {"in", "out", "sluice.default.pipeline.p.errors",
					    "sluice.default.pipeline.p.stage.twice"};
	const struct text beginnings[] = {TEXT(""),
					  TEXT("{\"id\":\"r-1\",\"outputs\":[{\"name\":\"y\",\"shape\":[-1],\"data\":["),
					  {"\0\0\0\0\1", 5},
					  {"\xc3\1\7\7\7\7\7\7\7\7", 10},
					  TEXT("what r-1 nobody can read")};
	uint64_t state = 1;
	for (size_t i = 2; i < 4; i++)
		assert_int_equal(rd_kafka_mock_topic_create(topics->mock.cluster, names[i], 1, 1), 0);
	for (size_t i = 0; i < HOSTILE_RECORDS; i++) {
		char value[200];
		const struct text begin = beginnings[i % (sizeof beginnings / sizeof *beginnings)];
		size_t length = begin.length;
		memcpy(value, begin.bytes, begin.length);
		for (size_t more = i % 50; more > 0; more--)
			value[length++] = (char)((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
		mock_send(&topics->mock, names[i % 4], TEXT("k"), (struct text){length > 0 ? value : NULL, length});
	}
	assert_int_equal(rd_kafka_flush(topics->mock.writer, MOCK_WAIT_MS), 0);
	mock_commit(&topics->mock, ANSWERED_GROUP, HOSTILE_RECORDS / 4);
}

struct said answered_say(struct answered_topics *topics, const char *command, const char *words)
{
	char line[600];
	snprintf(line, sizeof line, "%s p %s -f %s --brokers %s", command, words, topics->path, topics->mock.brokers);
	return say_with(step_kinds, line);
}
