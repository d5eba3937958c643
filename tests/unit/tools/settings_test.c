/* settings_test.c: options from the environment and from the settings file, and which of them counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/cli/settings.h"
#include "tools/client/kafka.h"
#include "tests/unit/session.h"

static char file[] = "/tmp/sluice-settings-XXXXXX";

struct options {
	struct kafka_asked kafka;
	const char *namespace;
	const char *ambient_namespace;
	const char *sender;
};

static const struct option rows[] = {
	KAFKA_ROWS(struct options, kafka),
	ROW("namespace", TEXT, struct options, namespace, .variable = "SLUICE_NAMESPACE"),
	ROW("mail-from", TEXT, struct options, sender, .fallback = "sluice@localhost", .variable = "SLUICE_MAIL_FROM"),
	{.type = OPTION_END},
};

static const struct command command = {.name = "look", .options = rows, .options_size = sizeof(struct options)};

struct taken {
	struct arena *arena;
	struct options options;
	struct error error;
	bool good;
};

static struct taken take(const char *text)
{
	struct taken taken = {.arena = arena_open((size_t)1 << 20)};
	const bool given[5] = {false};
	write_file(file, text);
	taken.good = settings_apply(&command, given, taken.arena, &taken.options, &taken.error);
	return taken;
}

static void the_environment_goes_before_the_file(void **state)
{
	(void)state;
	struct taken taken = take("# ours\n\n  brokers = one:9092,two:9092 \nnamespace=trading\n"
				  "kafka-setting = security.protocol=SSL\nkafka-setting = linger.ms = 20\n");
	assert_true(taken.good);
	assert_null(taken.options.kafka.brokers);
	assert_string_equal(taken.options.kafka.ambient_brokers, "one:9092,two:9092");
	assert_string_equal(taken.options.namespace, "trading");
	assert_int_equal(taken.options.kafka.ambient_settings.count, 2);
	assert_string_equal(taken.options.kafka.ambient_settings.items[0].text, "security.protocol=SSL");
	assert_string_equal(taken.options.kafka.ambient_settings.items[1].text, "linger.ms = 20");
	assert_int_equal(taken.options.kafka.ambient_settings.items[1].place.line, 6);
	arena_close(taken.arena);
	setenv("SLUICE_BROKERS", "three:9092", 1);
	setenv("SLUICE_NAMESPACE", "", 1); /* empty is as if it were not there */
	taken = take("brokers = one:9092\nnamespace = trading\n");
	assert_true(taken.good);
	assert_string_equal(taken.options.kafka.ambient_brokers, "three:9092");
	assert_string_equal(taken.options.namespace, "trading");
	arena_close(taken.arena);
}

static void a_comment_may_stand_behind_a_value(void **state)
{
	(void)state;
	struct taken taken = take("brokers = one:9092 # the first\nnamespace = a#b\t# and the second\n"
				  "kafka-setting = sasl.password=x#y # z # w\n");
	assert_true(taken.good);
	assert_string_equal(taken.options.kafka.ambient_brokers, "one:9092");
	assert_string_equal(taken.options.namespace, "a#b");
	assert_string_equal(taken.options.kafka.ambient_settings.items[0].text, "sasl.password=x#y");
	arena_close(taken.arena);
	taken = take("brokers = # none\n");
	assert_false(taken.good);
	assert_non_null(strstr(taken.error.text, "write NAME = VALUE, or # before a comment"));
	arena_close(taken.arena);
}

static void what_the_line_gives_stays(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 20);
	struct options options = {.namespace = "mine"};
	struct error error = {0};
	const bool given[5] = {false, false, false, true};
	write_file(file, "namespace = trading\n");
	assert_true(settings_apply(&command, given, arena, &options, &error));
	assert_string_equal(options.namespace, "mine");
	arena_close(arena);
}

static void a_default_stays_where_nothing_is_set(void **state)
{
	(void)state;
	static const struct {
		const char *text, *found;
	} cases[] = {{"", "sluice@localhost"}, {"mail-from = ops@example.com\n", "ops@example.com"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_open((size_t)1 << 20);
		struct options options = {.sender = "sluice@localhost"};
		struct error error = {0};
		const bool given[5] = {false};
		write_file(file, cases[i].text);
		assert_true(settings_apply(&command, given, arena, &options, &error));
		assert_string_equal(options.sender, cases[i].found);
		arena_close(arena);
	}
}

/* Option, runtime, environment: what is said on purpose goes before what lies around. */
static void brokers_are_those_of_the_option_then_the_runtime_then_the_rest(void **state)
{
	(void)state;
	static const struct {
		const char *option, *runtime, *ambient, *found;
	} cases[] = {
		{"a:1", "b:1", "c:1", "a:1"},
		{NULL, "b:1", "c:1", "b:1"},
		{NULL, NULL, "c:1", "c:1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_open((size_t)1 << 20);
		struct error error = {0};
		struct kafka kafka;
		const struct runtime_spec runtime = {.kafka_enabled = true, .bootstrap_servers = {.text = cases[i].runtime}};
		const struct name settings[] = {{.text = "linger.ms=1"}, {.text = "linger.ms=2"}};
		const struct kafka_asked asked = {.brokers = cases[i].option,
						  .ambient_brokers = cases[i].ambient,
						  .settings = {1, &settings[1]},
						  .ambient_settings = {1, &settings[0]}};
		assert_true(kafka_find(&runtime, &asked, arena, &kafka, &error));
		assert_string_equal(kafka.brokers, cases[i].found);
		assert_int_equal(kafka.producer.count, 2);
		assert_string_equal(kafka.producer.items[1].value, "2"); /* the last one counts */
		arena_close(arena);
	}
}

static void what_is_wrong_is_named_with_file_and_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
		int line;
	} cases[] = {
		{"broker = a:1\n", "there is no setting `broker`; did you mean `brokers`?", 1},
		{"\nworkers = 3\n", "there is no setting `workers`", 2},
		{"brokers = a:1\nbrokers = b:1\n", "`brokers` is on line 1 already", 2},
		{"brokers\n", "the line is `brokers`; write NAME = VALUE", 1},
		{"brokers =\n", "write NAME = VALUE", 1},
		{"= a:1\n", "write NAME = VALUE", 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct taken taken = take(cases[i].text);
		assert_false(taken.good);
		assert_int_equal(taken.error.kind, ERROR_CONFIG);
		assert_string_equal(taken.error.place.file, file);
		assert_int_equal(taken.error.place.line, cases[i].line);
		expect_words(taken.error.text, cases[i].words);
		arena_close(taken.arena);
	}
}

static void lines_and_bytes_have_their_limits(void **state)
{
	(void)state;
	static const char line[] = "kafka-setting = linger.ms=1\n";
	size_t size = sizeof line - 1, count = SETTINGS_LINES_MAX + 1;
	char *text = calloc(count * size + SETTINGS_BYTES_MAX, 1);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * size, line, size);
	struct taken taken = take(text);
	assert_int_equal(taken.error.kind, ERROR_LIMIT);
	assert_int_equal(taken.error.place.line, SETTINGS_LINES_MAX + 1);
	arena_close(taken.arena);
	text[(count - 1) * size] = '\0';
	taken = take(text);
	assert_true(taken.good);
	assert_int_equal(taken.options.kafka.ambient_settings.count, SETTINGS_LINES_MAX);
	arena_close(taken.arena);
	memset(text, '#', SETTINGS_BYTES_MAX + 1);
	text[SETTINGS_BYTES_MAX + 1] = '\0';
	taken = take(text);
	assert_int_equal(taken.error.kind, ERROR_LIMIT);
	arena_close(taken.arena);
	text[SETTINGS_BYTES_MAX] = '\0';
	taken = take(text);
	assert_true(taken.good);
	arena_close(taken.arena);
	free(text);
}

static void a_file_that_others_can_write_to_is_refused(void **state)
{
	(void)state;
	static const mode_t modes[] = {0620, 0602, 0666};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		assert_int_equal(chmod(file, modes[i]), 0);
		struct taken taken = take("brokers = a:1\n");
		assert_false(taken.good);
		expect_words(taken.error.text, "other users can write to this settings file");
		arena_close(taken.arena);
	}
	assert_int_equal(chmod(file, 0644), 0);
	struct taken taken = take("brokers = a:1\n");
	assert_true(taken.good);
	arena_close(taken.arena);
}

static void the_file_is_the_users_own_unless_the_variable_names_another(void **state)
{
	(void)state;
	char folder[] = "/tmp/sluice-home-XXXXXX", path[80], other[80];
	assert_non_null(mkdtemp(folder));
	snprintf(other, sizeof other, "%s/sluice", folder);
	assert_int_equal(mkdir(other, 0700), 0);
	snprintf(path, sizeof path, "%s/sluice/settings", folder);
	write_file(path, "brokers = home:1\n");
	unsetenv("SLUICE_SETTINGS");
	setenv("XDG_CONFIG_HOME", folder, 1);
	struct taken taken = take("brokers = named:1\n");
	assert_string_equal(taken.options.kafka.ambient_brokers, "home:1");
	arena_close(taken.arena);
	setenv("SLUICE_SETTINGS", "", 1);
	taken = take("brokers = named:1\n");
	assert_true(taken.good);
	assert_null(taken.options.kafka.ambient_brokers);
	arena_close(taken.arena);
	assert_int_equal(unlink(path), 0);
	unsetenv("SLUICE_SETTINGS");
	taken = take("");
	assert_true(taken.good); /* nobody named it */
	arena_close(taken.arena);
	setenv("SLUICE_SETTINGS", path, 1);
	taken = take("");
	assert_false(taken.good);
	expect_words(taken.error.text, "is not there");
	arena_close(taken.arena);
	assert_int_equal(rmdir(other), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void a_command_says_where_the_fault_is(void **state)
{
	(void)state;
	write_file(file, "brokers = a:1\nnonsense = 1\n");
	struct said said = say("top --once");
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, file);
	expect_words(said.err, ":2");
	said_close(&said);
	said = say("lint --help"); /* what does not look for Kafka reads no settings */
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	write_file(file, "");
	said = say("top --once");
	expect_words(said.err, "set SLUICE_BROKERS");
	said_close(&said);
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("SLUICE_BROKERS");
	unsetenv("SLUICE_NAMESPACE");
	unsetenv("XDG_CONFIG_HOME");
	return setenv("SLUICE_SETTINGS", file, 1);
}

static int make_file(void **state)
{
	(void)state;
	int descriptor = mkstemp(file);
	return descriptor < 0 || close(descriptor);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_environment_goes_before_the_file),
		TEST(a_comment_may_stand_behind_a_value),
		TEST(what_the_line_gives_stays),
		TEST(a_default_stays_where_nothing_is_set),
		TEST(brokers_are_those_of_the_option_then_the_runtime_then_the_rest),
		TEST(what_is_wrong_is_named_with_file_and_line),
		TEST(lines_and_bytes_have_their_limits),
		TEST(a_file_that_others_can_write_to_is_refused),
		TEST(the_file_is_the_users_own_unless_the_variable_names_another),
		TEST(a_command_says_where_the_fault_is),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
