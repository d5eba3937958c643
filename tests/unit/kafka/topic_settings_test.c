/* topic_settings_test.c: the largest batch of records, among the settings of a topic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kafka/topics/topic_settings.h"

static void the_largest_batch_is_read_from_its_setting_alone(void **state)
{
	size_t bytes = 7;
	(void)state;
	assert_true(topic_setting_record_bytes("max.message.bytes", "1048588", &bytes));
	assert_int_equal(bytes, 1048588);
	assert_false(topic_setting_record_bytes("segment.bytes", "1048588", &bytes));
	assert_false(topic_setting_record_bytes("max.message.bytes", NULL, &bytes)); /* Kafka does not show it */
	assert_false(topic_setting_record_bytes("max.message.bytes", "0", &bytes));
	assert_false(topic_setting_record_bytes("max.message.bytes", "1 MB", &bytes));
	assert_false(topic_setting_record_bytes("max.message.bytes", "-1", &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_batch_is_read_from_its_setting_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
