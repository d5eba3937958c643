/* kafka_setting_test.c: Tests of what of a file's Kafka settings reaches librdkafka, and what a command line may add. */
#include "compiler/resources/kafka_setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/client/kafka.h"
#include "kafka/client.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"
#include "tests/unit/specs.h"

#define PIPELINE                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  steps: [{name: a, expression: {set: {x: \"1\"}}}]\n  output: {steps: [a]}\n---\n"
#define RUNTIME(settings)                                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec: {config: {kafkaConfig: "            \
	"{bootstrap.servers: \"127.0.0.1:1\", " settings "}}}\n"

static char path[] = "/tmp/sluice-kafka-setting-XXXXXX";
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	int descriptor = mkstemp(path);
	arena = arena_open((size_t)1 << 20);
	return descriptor < 0 || close(descriptor) || !arena;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return unlink(path);
}

static struct said say_of(const char *command, const char *yaml, const char *more)
{
	char line[256];
	write_file(path, yaml);
	snprintf(line, sizeof line, "%s -f %s %s", command, path, more);
	return say_with(step_kinds, line);
}

static const char *value_of(struct properties properties, const char *name)
{
	const char *value = NULL; /* a later one wins */
	for (size_t i = 0; i < properties.count; i++)
		if (strcmp(properties.items[i].name, name) == 0)
			value = properties.items[i].value;
	return value;
}

/* A library that is there is loaded before librdkafka finds that it is no plugin, and its answer would name the setting. */
static void a_file_cannot_have_code_loaded(void **state)
{
	(void)state;
	static const char *const settings[] = {
		RUNTIME("consumer: {plugin.library.paths: libm.so.6}, producer: {plugin.library.paths: libm.so.6}"),
		RUNTIME("consumer: {ssl.engine.location: libm.so.6}, producer: {ssl.engine.location: libm.so.6}"),
		RUNTIME("consumer: {sasl.kerberos.kinit.cmd: id}, producer: {sasl.kerberos.kinit.cmd: id}"),
		RUNTIME("consumer: {sasl.kerberos.principal: $(id)}, producer: {sasl.kerberos.principal: $(id)}"),
	};
	static const char *const commands[] = {"run", "doctor", "top", "health", "tail p", "errors list p", "produce p"};
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		for (size_t j = 0; j < sizeof commands / sizeof *commands; j++) {
			char yaml[1000];
			snprintf(yaml, sizeof yaml, PIPELINE "%s", settings[i]);
			struct said said = say_of(commands[j], yaml, "");
			if (!strstr(said.err, "SL0414") && !strstr(said.out, "SL0414"))
				fail_msg("`%s` with setting %zu: %s%s", commands[j], i, said.out, said.err);
			assert_null(strstr(said.err, "librdkafka"));
			assert_int_not_equal(said.code, EXIT_GOOD);
			said_close(&said);
		}
}

static void no_row_that_may_pass_runs_code(void **state)
{
	(void)state;
	static const char *const dangerous[] = {"plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.engine.location",
						"ssl.engine.id", "ssl.providers"};
	for (size_t i = 0; i < sizeof dangerous / sizeof *dangerous; i++) {
		assert_int_equal(kafka_setting_find(dangerous[i])->kind, KAFKA_SETTING_CODE);
		assert_false(kafka_setting_passes(dangerous[i], "x", KAFKA_CONSUMER));
		assert_false(kafka_setting_passes(dangerous[i], "x", KAFKA_PRODUCER));
	}
}

static void values_for_a_shell_are_plain(void **state)
{
	(void)state;
	static const char *const good[] = {"sluice", "sluice/host.example@EXAMPLE.COM", "/etc/keys/sluice-1_a.keytab"};
	static const char *const bad[] = {"a b",  "$(id)", "`id`", "a;id",	      "a|id", "a\nid",
					  "\"", "a&b",	 "-x",	 "%{sasl.password}", "env:A"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(kafka_setting_passes("sasl.kerberos.keytab", good[i], KAFKA_CONSUMER));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(kafka_setting_passes("sasl.kerberos.keytab", bad[i], KAFKA_CONSUMER));
		assert_false(kafka_setting_passes("sasl.kerberos.principal", bad[i], KAFKA_CONSUMER));
		assert_false(kafka_setting_passes("sasl.kerberos.service.name", bad[i], KAFKA_PRODUCER));
	}
}

/* librdkafka reads a number as far as its digits go. */
static void a_number_is_taken_as_it_is_written_or_refused(void **state)
{
	(void)state;
	static const struct property good[] = {{"session.timeout.ms", "10000"},
					       {"session.timeout.ms", " 10000 "},
					       {"acks", "all"},
					       {"linger.ms", "0.123456789"},
					       {"client.id", "5m"},
					       {"debug", "msg"}};
	static const struct property bad[] = {
		{"session.timeout.ms", "10s"}, {"session.timeout.ms", "0x2710"}, {"session.timeout.ms", "1e4"},
		{"message.max.bytes", "4Mi"},  {"session.timeout.ms", "42949682960"}, {"linger.ms", "5ms"}, {"linger.ms", "soon"}};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct error error = {0};
		rd_kafka_conf_t *made = client_configuration((struct properties){0}, (struct properties){1, &good[i]}, &error);
		assert_non_null(made);
		rd_kafka_conf_destroy(made);
		assert_true(client_setting_fits(good[i].name, good[i].value, &error));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error error = {0}, at_start = {0};
		assert_false(client_setting_fits(bad[i].name, bad[i].value, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, bad[i].name));
		assert_null(client_configuration((struct properties){0}, (struct properties){1, &bad[i]}, &at_start));
		assert_non_null(strstr(at_start.text, bad[i].name));
	}
}

static void what_lint_cannot_know_of_a_setting_fits(void **state)
{
	(void)state;
	struct error error = {0};
	assert_true(client_setting_fits("of.another.version", "1", &error));
	assert_true(client_setting_fits("session.timeout.ms", "env:NOT_THERE", &error));
	assert_true(client_setting_fits("sasl.password", "any words", &error));
}

static struct kafka found_of(struct spec *spec, struct name_list asked)
{
	struct kafka kafka;
	struct error error = {0};
	const struct kafka_asked line = {.settings = asked};
	const struct resource *runtime = spec_first(spec, RESOURCE_RUNTIME);
	if (!kafka_find(runtime->spec, &line, arena, &kafka, &error))
		fail_msg("%s", error.text);
	return kafka;
}

static void only_settings_of_the_list_are_passed_on(void **state)
{
	(void)state;
	struct spec spec = spec_of(RUNTIME("consumer: {fetch.min.bytes: 7, nonsense: 1, linger.ms: 3, group.id: mine, "
					   "isolation.level: read_uncommitted}, "
					   "producer: {linger.ms: 3, acks: 0, ssl.ca.location: /etc/ca.pem}"),
				   NULL);
	struct kafka kafka = found_of(&spec, (struct name_list){0});
	assert_int_equal(kafka.consumer.count, 1);
	assert_string_equal(value_of(kafka.consumer, "fetch.min.bytes"), "7");
	assert_int_equal(kafka.producer.count, 2);
	assert_string_equal(value_of(kafka.producer, "linger.ms"), "3");
	assert_string_equal(value_of(kafka.producer, "ssl.ca.location"), "/etc/ca.pem");
	spec_close(&spec);
}

static void the_command_line_may_set_any_and_wins(void **state)
{
	(void)state;
	struct spec spec = spec_of(RUNTIME("consumer: {fetch.min.bytes: 7}, producer: {linger.ms: 3}"), NULL);
	const struct name asked[] = {
		{.text = "linger.ms=9"}, {.text = "isolation.level=read_uncommitted"}, {.text = "new.thing=a=b"}};
	struct kafka kafka = found_of(&spec, (struct name_list){3, asked});
	assert_string_equal(value_of(kafka.producer, "linger.ms"), "9");
	assert_null(value_of(kafka.consumer, "linger.ms"));
	assert_string_equal(value_of(kafka.consumer, "isolation.level"), "read_uncommitted");
	assert_null(value_of(kafka.producer, "isolation.level"));
	assert_string_equal(value_of(kafka.consumer, "new.thing"), "a=b");
	assert_string_equal(value_of(kafka.producer, "new.thing"), "a=b");
	spec_close(&spec);
}

static void the_command_line_reaches_librdkafka(void **state)
{
	(void)state;
	struct said said =
		say_of("run", PIPELINE RUNTIME("enabled: true"), "--kafka-setting plugin.library.paths=/nowhere/at/all.so");
	expect_words(said.err, "plugin.library.paths");
	expect_words(said.err, "librdkafka");
	said_close(&said);
	said = say_of("run", PIPELINE RUNTIME("enabled: true"), "--kafka-setting linger.ms");
	expect_words(said.err, "--kafka-setting takes NAME=VALUE, as in linger.ms=20, not `linger.ms`");
	said_close(&said);
}

static void every_command_that_is_told_of_brokers_takes_settings(void **state)
{
	(void)state;
	for (const struct command *const *command = command_table; *command; command++) {
		bool brokers = false, settings = false;
		for (const struct option *row = (*command)->options; row && row->type != OPTION_END; row++) {
			brokers = brokers || (row->name && strcmp(row->name, "brokers") == 0);
			settings = settings || (row->name && strcmp(row->name, "kafka-setting") == 0);
		}
		if (brokers && !settings)
			fail_msg("`%s` takes --brokers and not --kafka-setting", (*command)->name);
	}
}

static bool library_knows(const char *name)
{
	char words[LIBRARY_TEXT_MAX];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	bool known = rd_kafka_conf_set(configuration, name, "\x01", words, sizeof words) != RD_KAFKA_CONF_UNKNOWN;
	rd_kafka_conf_destroy(configuration);
	return known;
}

/* A name that no librdkafka has would be a slip of the pen; these came behind 2.0.2. */
static void the_names_of_the_table_are_librdkafkas(void **state)
{
	(void)state;
	static const char *const newer[] = {"client.dns.lookup",
					    "https.ca.location",
					    "metadata.recovery.strategy",
					    "metadata.recovery.rebootstrap.trigger.ms",
					    "retry.backoff.max.ms",
					    "fetch.queue.backoff.ms",
					    "group.protocol"};
	for (const struct kafka_setting *row = kafka_settings; row->name; row++) {
		bool known = library_knows(row->name);
		for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
			known = known || strcmp(row->name, newer[i]) == 0;
		if (!known)
			fail_msg("librdkafka has no setting `%s`", row->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_cannot_have_code_loaded),
		cmocka_unit_test(no_row_that_may_pass_runs_code),
		cmocka_unit_test(values_for_a_shell_are_plain),
		cmocka_unit_test(a_number_is_taken_as_it_is_written_or_refused),
		cmocka_unit_test(what_lint_cannot_know_of_a_setting_fits),
		cmocka_unit_test(only_settings_of_the_list_are_passed_on),
		cmocka_unit_test(the_command_line_may_set_any_and_wins),
		cmocka_unit_test(the_command_line_reaches_librdkafka),
		cmocka_unit_test(every_command_that_is_told_of_brokers_takes_settings),
		cmocka_unit_test(the_names_of_the_table_are_librdkafkas),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
