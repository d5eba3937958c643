/* status_stand.c: see status_stand.h. */
#include "tests/unit/status_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include "base/clock.h"
#include "base/number/duration.h"

#include <cmocka.h>

#define RECORD_BYTES_MAX ((size_t)1 << 16)
#define BEATS 2

void status_append(const struct mock *mock, const char *topic, const struct record_form *form, const void *record)
{
	struct error error = {0};
	struct buffer bytes;
	buffer_open(&bytes, RECORD_BYTES_MAX);
	assert_true(record_encode(form, record, &bytes, &error));
	mock_append(mock, topic, (struct text){0}, buffer_view(&bytes));
	buffer_close(&bytes);
}

static int64_t end_of(const struct mock *mock, const char *topic)
{
	int64_t low, high;
	assert_int_equal(rd_kafka_query_watermark_offsets(mock->writer, topic, 0, &low, &high, MOCK_WAIT_MS),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	return high;
}

void status_is_heard(const struct mock *mock, const char *topic)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS, wanted = end_of(mock, topic) + BEATS;
	while (end_of(mock, topic) < wanted) {
		if (clock_ms() > until_ms)
			fail_msg("the keeper writes no beat to %s", topic);
		nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
	}
}
