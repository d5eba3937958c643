/* control_watch_test.c: Tests of what is said about the topics of the control plane, and of a `control` that begins anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/engine/control_view.h"
#include "control/engine/control_watch.h"

static const struct control_topics topics = {.control = "s.n.control",
					     .proposals = "s.n.proposals",
					     .status = "s.n.status",
					     .feed = "s.n.feed",
					     .artifacts = "s.n.artifacts"};

/* All is as it must be. */
static struct control_facts facts_good(void)
{
	static const char *const policies[] = {"compact", "delete", "delete", "compact", "compact"};
	struct control_facts facts = {0};
	control_facts_name(&facts, &topics);
	for (size_t i = 0; i < CONTROL_WATCHED; i++) {
		facts.topics[i].partitions = 1;
		snprintf(facts.topics[i].policy, sizeof facts.topics[i].policy, "%s", policies[i]);
	}
	return facts;
}

static const char *compared(struct control_facts *facts)
{
	static char words[ERROR_TEXT_MAX];
	control_facts_compare(facts, words, sizeof words);
	return words;
}

static void nothing_is_said_when_all_is_well(void **state)
{
	struct control_facts facts = facts_good();
	(void)state;
	assert_string_equal(compared(&facts), "");
	facts.topics[0].policy[0] = '\0'; /* the login may not see settings */
	assert_string_equal(compared(&facts), "");
}

static void a_policy_that_deletes_is_named_with_the_command(void **state)
{
	struct control_facts facts = facts_good();
	(void)state;
	snprintf(facts.topics[0].policy, sizeof facts.topics[0].policy, "compact,delete");
	assert_string_equal(
		compared(&facts),
		"topic s.n.control has cleanup.policy=compact,delete: Kafka deletes records that sluice must keep. Set it: "
		"kafka-configs.sh --alter --entity-type topics --entity-name s.n.control --add-config cleanup.policy=compact");
}

static void a_topic_that_is_never_emptied_is_named(void **state)
{
	struct control_facts facts = facts_good();
	(void)state;
	snprintf(facts.topics[2].policy, sizeof facts.topics[2].policy, "compact");
	assert_non_null(strstr(compared(&facts), "topic s.n.status has cleanup.policy=compact, and grows without end. Set it: "));
}

static void added_partitions_are_named(void **state)
{
	struct control_facts facts = facts_good();
	(void)state;
	facts.topics[1].partitions = 3;
	assert_non_null(strstr(compared(&facts), "topic s.n.proposals has 3 partitions, and must have one"));
}

/* Its content is lost: an engine does not create it again beside the proposals. */
static void a_control_that_is_gone_comes_first(void **state)
{
	struct control_facts facts = facts_good();
	(void)state;
	facts.topics[0].partitions = 0;
	facts.topics[1].partitions = 3;
	const char *words = compared(&facts);
	assert_non_null(strstr(words, "topic s.n.control was deleted"));
	assert_non_null(strstr(words, "kafka-topics.sh --delete --topic s.n.proposals"));
	assert_non_null(strstr(words, "in one `sluice apply`"));
}

static void an_engine_creates_proposals_and_feed_again(void **state)
{
	struct control_facts facts = facts_good();
	(void)state;
	facts.topics[1].partitions = 0;
	assert_string_equal(compared(&facts),
			    "topic s.n.proposals was deleted, or this login may not see it any more: no change can be "
			    "applied. Restart one engine, which creates it again");
	facts = facts_good();
	facts.topics[3].partitions = 0;
	assert_string_equal(compared(&facts), ""); /* an engine of a former version has made none */
	facts.topics[3].partitions = 1;
	assert_string_equal(compared(&facts), "");
	facts.topics[3].partitions = 0;
	assert_non_null(strstr(compared(&facts), "topic s.n.feed was deleted"));
}

static void a_control_that_was_created_again_is_not_read_on(void **state)
{
	struct control_view view = {.control_config = {.topic = "s.n.control"}};
	struct error error = {0};
	(void)state;
	assert_true(control_reader_open(&view.reader, "n", 0, &error));
	struct record record = {.offset = 7, .key = TEXT("k"), .value = TEXT("noise")};
	assert_true(control_view_take(&view, &record, &error));
	record.offset = 9;
	assert_true(control_view_take(&view, &record, &error));
	record.offset = 8;
	assert_false(control_view_take(&view, &record, &error));
	assert_string_equal(error.text, "topic s.n.control was deleted and created again: its records begin again at offset 8");
	control_reader_close(&view.reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_said_when_all_is_well),
		cmocka_unit_test(a_policy_that_deletes_is_named_with_the_command),
		cmocka_unit_test(a_topic_that_is_never_emptied_is_named),
		cmocka_unit_test(added_partitions_are_named),
		cmocka_unit_test(a_control_that_is_gone_comes_first),
		cmocka_unit_test(an_engine_creates_proposals_and_feed_again),
		cmocka_unit_test(a_control_that_was_created_again_is_not_read_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
