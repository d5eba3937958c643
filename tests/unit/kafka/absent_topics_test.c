/* Topics of which nothing is read: what denials, records and looks make of the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kafka/topics/absent_topics.h"

#define SHOWN(number) ((struct absent_topic){.topic = (number), .absence = TOPIC_DENIED, .is_shown = true})
#define HIDDEN(number) ((struct absent_topic){.topic = (number), .absence = TOPIC_DENIED})
#define GONE(number) ((struct absent_topic){.topic = (number), .absence = TOPIC_GONE})

static void assert_absent(const struct absent_topics *absent, struct absent_topic topic)
{
	const struct absent_topic *found = absent_topics_find(absent, topic.topic);
	assert_non_null(found);
	assert_int_equal(found->absence, topic.absence);
	assert_int_equal(found->is_shown, topic.is_shown);
}

static void a_topic_is_absent_until_it_is_forgotten(void **state)
{
	(void)state;
	struct absent_topics absent = {0};
	assert_true(absent_topics_note(&absent, GONE(3)));
	assert_true(absent_topics_note(&absent, HIDDEN(5)));
	assert_true(absent_topics_note(&absent, SHOWN(7)));
	absent_topics_forget(&absent, 3);
	absent_topics_forget(&absent, 4);
	assert_null(absent_topics_find(&absent, 3));
	assert_absent(&absent, HIDDEN(5));
	assert_absent(&absent, SHOWN(7));
	assert_int_equal(absent.count, 2);
	absent_topics_close(&absent);
	assert_int_equal(absent.count, 0);
}

/* Kafka's metadata says of hidden and deleted topics whether they are there again, and nothing of one that is shown. */
static void a_look_replaces_what_it_can_see(void **state)
{
	(void)state;
	struct absent_topics absent = {0}, found = {0};
	assert_true(absent_topics_note(&absent, GONE(1)));
	assert_true(absent_topics_note(&absent, HIDDEN(2)));
	assert_true(absent_topics_note(&absent, SHOWN(3)));
	assert_true(absent_topics_note(&absent, SHOWN(4)));
	assert_true(absent_topics_note(&found, HIDDEN(4)));
	assert_true(absent_topics_note(&found, GONE(5)));
	assert_true(absent_topics_replace(&absent, &found));
	assert_int_equal(absent.count, 3);
	assert_absent(&absent, SHOWN(3));
	assert_absent(&absent, HIDDEN(4));
	assert_absent(&absent, GONE(5));
	assert_int_equal(found.count, 0);
	absent_topics_close(&absent);
}

/* The client does not ask again where it is to begin: its group must assign that topic anew. Another one that stays away does not
 * hold that up. */
static void a_topic_that_was_not_begun_waits_for_itself_alone(void **state)
{
	(void)state;
	struct absent_topics absent = {0}, found = {0};
	assert_true(absent_topics_note(&absent, (struct absent_topic){.topic = 1, .absence = TOPIC_DENIED, .not_begun = true}));
	assert_true(absent_topics_note(&absent, HIDDEN(2)));
	assert_true(absent_topics_note(&found, HIDDEN(1)));
	assert_false(absent_topics_wait_to_begin(&absent, &found)); /* 2 was begun: it is read again without that */
	assert_true(absent_topics_replace(&absent, &found));
	assert_true(absent_topics_note(&found, GONE(3)));
	assert_true(absent_topics_wait_to_begin(&absent, &found));
	absent_topics_begin(&absent);
	assert_false(absent_topics_wait_to_begin(&absent, &found));
	absent_topics_close(&absent);
	absent_topics_close(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_is_absent_until_it_is_forgotten),
		cmocka_unit_test(a_look_replaces_what_it_can_see),
		cmocka_unit_test(a_topic_that_was_not_begun_waits_for_itself_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
