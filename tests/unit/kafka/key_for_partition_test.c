/* key_for_partition_test.c: librdkafka's partitioner places the key of a partition there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "kafka/produce/key_for_partition.h"

static void expect_place(int32_t partition, int32_t count)
{
	char bytes[PARTITION_KEY_BYTES];
	struct text key = key_for_partition(partition, bytes);
	assert_int_equal(key.length, PARTITION_KEY_BYTES);
	assert_int_equal(rd_kafka_msg_partitioner_murmur2(NULL, key.bytes, key.length, count, NULL, NULL), partition % count);
}

static void a_record_with_that_key_stands_in_its_partition(void **state)
{
	(void)state;
	for (int32_t partition = 0; partition < 5000; partition++)
		expect_place(partition, partition + 1);
	expect_place(INT32_MAX, INT32_MAX);
	expect_place(INT32_MAX - 1, INT32_MAX);
}

static void it_stands_in_the_remainder_where_there_are_fewer(void **state)
{
	(void)state;
	for (int32_t partition = 0; partition < 300; partition++)
		for (int32_t count = 1; count < 70; count++)
			expect_place(partition, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_with_that_key_stands_in_its_partition),
		cmocka_unit_test(it_stands_in_the_remainder_where_there_are_fewer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
