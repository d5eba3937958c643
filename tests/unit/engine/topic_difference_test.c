/* topic_difference_test.c: Tests of what differs between a topic in Kafka and the plan, and of the command that is named. */
#include "engine/setup/topic_difference.h"
#include "tests/unit/arena_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS ((int64_t)86400000)

/* Words about the topic; "": it is as planned. */
static const char *words_of(const struct planned_topic *planned, const struct topic_facts *facts, const struct topic_facts *input,
			    enum topic_difference expected)
{
	const char *words = "";
	assert_int_equal(topic_difference_find(planned, facts, input, arena, &words), expected);
	return words;
}

static struct planned_topic planned_of(enum topic_role role, int64_t partitions, int64_t retention_ms, struct properties settings)
{
	const struct topic topic = {.name = "t", .role = role, .partitions = partitions, .retention_ms = retention_ms};
	return planned_topic_of(&topic, settings);
}

static void a_topic_as_it_was_made_is_as_planned(void **state)
{
	(void)state;
	const struct planned_topic inputs = planned_of(TOPIC_INPUTS, 4, 7 * DAY_MS, (struct properties){0});
	const struct planned_topic changelog = planned_of(TOPIC_STATE, 0, 0, (struct properties){0});
	const struct topic_facts facts = {.name = "t", .partitions = 4, .has_retention = true, .retention_ms = 7 * DAY_MS,
					  .policy = "delete"};
	const struct topic_facts compacted = {.name = "c", .partitions = 4, .has_retention = true, .retention_ms = 1,
					      .policy = "compact"};
	(void)words_of(&inputs, &facts, NULL, TOPIC_AS_PLANNED);
	(void)words_of(&changelog, &compacted, &facts, TOPIC_AS_PLANNED); /* retention does not matter to it */
}

static void what_is_not_known_is_no_difference(void **state)
{
	(void)state;
	const struct planned_topic planned = planned_of(TOPIC_STATE, 4, 0, (struct properties){0});
	const struct planned_topic inputs = planned_of(TOPIC_INPUTS, 4, DAY_MS, (struct properties){0});
	const struct planned_topic unplanned = planned_of(TOPIC_INPUTS, 0, 0, (struct properties){0});
	const struct topic_facts nothing = {.name = "t"}, input = {.name = "in", .partitions = 8};
	const struct topic_facts other = {.name = "t", .partitions = 9, .has_retention = true, .retention_ms = 5,
					  .policy = "compact"};
	(void)words_of(&planned, &nothing, &input, TOPIC_AS_PLANNED);
	(void)words_of(&inputs, &nothing, NULL, TOPIC_AS_PLANNED);
	(void)words_of(&unplanned, &other, NULL, TOPIC_AS_PLANNED);
}

static void another_retention_names_the_command(void **state)
{
	(void)state;
	const struct planned_topic planned = planned_of(TOPIC_OUTPUTS, 0, 7 * DAY_MS, (struct properties){0});
	struct topic_facts facts = {.name = "t", .partitions = 1, .has_retention = true, .retention_ms = 7 * DAY_MS - 1};
	assert_string_equal(words_of(&planned, &facts, NULL, TOPIC_KEEPS_OTHERWISE),
			    "topic t has retention.ms=604799999, and the plan says 604800000; set it: kafka-configs.sh --alter "
			    "--entity-type topics --entity-name t --add-config retention.ms=604800000");
	facts.retention_ms = -1; /* for ever */
	assert_non_null(strstr(words_of(&planned, &facts, NULL, TOPIC_KEEPS_OTHERWISE), "has retention.ms=-1,"));
}

static void settings_with_which_topics_are_created_are_planned(void **state)
{
	(void)state;
	static const struct property items[] = {{"retention.ms", "-1"}, {"cleanup.policy", "compact,delete"}};
	static const struct property wrong[] = {{"retention.ms", "a week"}};
	const struct properties settings = {2, items};
	const struct planned_topic planned = planned_of(TOPIC_OUTPUTS, 0, DAY_MS, settings);
	const struct planned_topic changelog = planned_of(TOPIC_STATE, 0, 0, settings);
	const struct planned_topic unread = planned_of(TOPIC_OUTPUTS, 0, DAY_MS, (struct properties){1, wrong});
	struct topic_facts facts = {.name = "t", .partitions = 1, .has_retention = true, .retention_ms = -1,
				    .policy = "delete,compact"};
	(void)words_of(&planned, &facts, NULL, TOPIC_AS_PLANNED);
	(void)words_of(&changelog, &facts, NULL, TOPIC_POLICY_DIFFERS); /* which is compacted, whatever is set */
	(void)snprintf(facts.policy, sizeof facts.policy, "delete");
	(void)words_of(&unread, &facts, NULL, TOPIC_AS_PLANNED);
	assert_string_equal(words_of(&planned, &facts, NULL, TOPIC_POLICY_DIFFERS),
			    "topic t has cleanup.policy=delete, and the plan says compact,delete; set it: kafka-configs.sh --alter "
			    "--entity-type topics --entity-name t --add-config cleanup.policy=[compact,delete]");
}

static void compaction_that_was_switched_off_is_the_worst(void **state)
{
	(void)state;
	static const char words[] =
		"topic c has cleanup.policy=delete, and the plan says compact: Kafka deletes records that sluice must keep; set "
		"it: kafka-configs.sh --alter --entity-type topics --entity-name c --add-config cleanup.policy=compact";
	const struct planned_topic planned = planned_of(TOPIC_STATE, 0, 0, (struct properties){0});
	const struct topic_facts facts = {.name = "c", .partitions = 1, .policy = "delete"};
	const struct topic_facts input = {.name = "in", .partitions = 2};
	assert_string_equal(words_of(&planned, &facts, &input, TOPIC_POLICY_DIFFERS), words);
	assert_true(TOPIC_POLICY_DIFFERS > TOPIC_PARTITIONS_DIFFER && TOPIC_PARTITIONS_DIFFER > TOPIC_KEEPS_OTHERWISE);
}

static void a_changelog_needs_the_partitions_of_its_input(void **state)
{
	(void)state;
	const struct planned_topic planned = planned_of(TOPIC_STATE, 3, 0, (struct properties){0});
	const struct topic_facts input = {.name = "in", .partitions = 4};
	struct topic_facts facts = {.name = "c", .partitions = 3, .policy = "compact"};
	assert_string_equal(words_of(&planned, &facts, &input, TOPIC_PARTITIONS_DIFFER),
			    "topic c has 3 partitions, and in, whose changelog it is, has 4; the state of a key does not move "
			    "with it to an added partition. Give it as many: kafka-topics.sh --alter --topic c --partitions 4");
	facts.partitions = 5;
	(void)words_of(&planned, &facts, &input, TOPIC_AS_PLANNED);
	facts.partitions = 4;
	(void)words_of(&planned, &facts, &input, TOPIC_AS_PLANNED); /* the input's number counts, not the plan's */
}

static void partitions_are_those_that_are_stated(void **state)
{
	(void)state;
	const struct planned_topic planned = planned_of(TOPIC_INPUTS, 4, 0, (struct properties){0});
	struct topic_facts facts = {.name = "t", .partitions = 3};
	assert_string_equal(words_of(&planned, &facts, NULL, TOPIC_PARTITIONS_DIFFER),
			    "topic t has 3 partitions, and the plan says 4; add them: kafka-topics.sh --alter --topic t "
			    "--partitions 4");
	facts.partitions = 5;
	assert_string_equal(words_of(&planned, &facts, NULL, TOPIC_PARTITIONS_DIFFER),
			    "topic t has 5 partitions, and the plan says 4; Kafka removes none: set "
			    "kafkaConfig.topics.numPartitions to 5 in the SeldonRuntime, and apply it (sluice apply -f FILE)");
	const struct planned_topic policy = planned_of(TOPIC_POLICY, 1, 0, (struct properties){0});
	assert_string_equal(words_of(&policy, &facts, NULL, TOPIC_PARTITIONS_DIFFER),
			    "topic t has 5 partitions, and must have 1, because its records have one order; delete it, and an "
			    "engine that starts creates it again: kafka-topics.sh --delete --topic t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_as_it_was_made_is_as_planned),
		cmocka_unit_test(what_is_not_known_is_no_difference),
		cmocka_unit_test(another_retention_names_the_command),
		cmocka_unit_test(settings_with_which_topics_are_created_are_planned),
		cmocka_unit_test(compaction_that_was_switched_off_is_the_worst),
		cmocka_unit_test(a_changelog_needs_the_partitions_of_its_input),
		cmocka_unit_test(partitions_are_those_that_are_stated),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
