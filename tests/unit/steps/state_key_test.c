/* state_key_test.c: Keys of stateful steps: a step with a key of its own counts three users apart, whatever the keys of
 * their records are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/session.h"
#include "steps/kinds.h"
#include "steps/state_key.h"

#define USERS 3
#define MESSAGES 12
#define EVERYBODY USERS
#define LINES_MAX 256

enum record_keys { RECORD_KEYS_SAME, RECORD_KEYS_APART };

/* The options with which a kind of step keeps something for each `user`. */
struct keyed_row {
	const char *kind;
	const char *options;
};

/* A kind of steps with a key needs a row here. */
static const struct keyed_row keyed_rows[] = {
	{"features", "{key: user, set: {total: sum(x over 2)}}"},
	{"aggregate", "{key: user, window: {count: 2}, set: {total: sum(x)}}"},
};

static char folder[64];

static int folder_make(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/sluice-keys-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[128];
	(void)state;
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

/* ---- what comes of messages ---- */

static void folder_write(const char *name, const char *text)
{
	char path[128];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	write_file(path, text);
}

static void pipeline_write(const struct keyed_row *row)
{
	char yaml[1024];
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		       "  steps: [{name: s, %s: %s}]\n  output: {steps: [s]}\n",
		       row->kind, row->options);
	folder_write("pipeline.yaml", yaml);
}

/* The users take turns; each number is of one message alone. `user` EVERYBODY: the messages of all. */
static void messages_write(size_t user, enum record_keys keys)
{
	char lines[MESSAGES * 256];
	size_t length = 0;
	for (size_t i = 0; i < MESSAGES; i++)
		if (user == EVERYBODY || i % USERS == user)
			length += (size_t)snprintf(
				lines + length, sizeof lines - length,
				"{\"id\": \"m%zu\", \"key\": \"k%zu\", \"request\": {\"inputs\": [{\"name\": \"user\", "
				"\"datatype\": \"BYTES\", \"shape\": [1], \"data\": [\"u%zu\"]}, {\"name\": \"x\", "
				"\"datatype\": \"FP64\", \"shape\": [1], \"data\": [%d]}]}}\n",
				i, keys == RECORD_KEYS_APART ? i : 0, i % USERS, 1 << i);
	folder_write("in.jsonl", lines);
}

struct came {
	struct said said;
	size_t count;
	const char *lines[LINES_MAX];
};

static int lines_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds the lines of that user's messages to those that came, in order. */
static void came_add(struct came *came, const struct step_kind *const *kinds, size_t user, enum record_keys keys)
{
	char line[128];
	messages_write(user, keys);
	(void)snprintf(line, sizeof line, "test --print %s", folder);
	came->said = say_with(kinds, line);
	if (came->said.code != EXIT_GOOD || strstr(came->said.out, "\"error\""))
		fail_msg("%s%s", came->said.out, came->said.err);
	for (char *at = came->said.out, *next; *at; at = next) {
		next = strchr(at, '\n');
		assert_non_null(next);
		*next++ = '\0';
		assert_true(came->count < LINES_MAX);
		if (strncmp(at, "{\"calls\"", 8) != 0)
			came->lines[came->count++] = at;
	}
	qsort(came->lines, came->count, sizeof *came->lines, lines_compare);
}

static bool came_equal(const struct came *a, const struct came *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (strcmp(a->lines[i], b->lines[i]) != 0)
			return false;
	return a->count == b->count;
}

/* Whether the users together get what each of them gets alone. */
static bool users_are_apart(const struct step_kind *const *kinds, const struct keyed_row *row, enum record_keys keys)
{
	struct came together = {0}, alone = {0};
	struct said saids[USERS];
	pipeline_write(row);
	came_add(&together, kinds, EVERYBODY, keys);
	for (size_t user = 0; user < USERS; user++) {
		came_add(&alone, kinds, user, RECORD_KEYS_SAME);
		saids[user] = alone.said;
	}
	bool equal = came_equal(&together, &alone);
	assert_true(together.count >= MESSAGES);
	said_close(&together.said);
	for (size_t user = 0; user < USERS; user++)
		said_close(&saids[user]);
	return equal;
}

/* Such as a key. */
static bool has_expression(const struct step_kind *kind)
{
	const struct option *row = kind->options;
	while (row->type != OPTION_END && row->type != OPTION_EXPRESSION)
		row++;
	return row->type == OPTION_EXPRESSION;
}

static void every_step_with_a_key_counts_users_apart(void **state)
{
	size_t keyed = 0;
	(void)state;
	for (const struct step_kind *const *kind = step_kinds; *kind; kind++) {
		const struct keyed_row *row = keyed_rows, *end = keyed_rows + sizeof keyed_rows / sizeof *keyed_rows;
		if (!(*kind)->state || !has_expression(*kind))
			continue;
		while (row < end && strcmp(row->kind, (*kind)->name) != 0)
			row++;
		if (row == end)
			fail_msg("`%s` has a key: write its row into this test", (*kind)->name);
		if (!users_are_apart(step_kinds, row, RECORD_KEYS_SAME))
			fail_msg("`%s` takes users whose records have one key for one user", row->kind);
		if (!users_are_apart(step_kinds, row, RECORD_KEYS_APART))
			fail_msg("`%s` takes a user whose records have several keys for several", row->kind);
		keyed++;
	}
	assert_int_equal(keyed, sizeof keyed_rows / sizeof *keyed_rows);
}

/* ---- a step that evaluates its key, as in steps/WRITING.md, and one that takes the record's ---- */

struct visits {
	const struct expression *key;
};

struct visits_kept {
	int64_t version;
	int64_t count;
};

static enum step_verdict visits_count(struct visit *visit, struct text key, struct error *error)
{
	struct visits_kept *kept = visit_remember(visit, key, sizeof *kept, error);
	const int64_t shape[1] = {1};
	void *count;
	struct tensor *made = tensor_make(visit_arena(visit), TEXT("visits"), DATATYPE_INT64, shape, 1, &count, error);
	struct payload *out = ARENA_NEW(visit_arena(visit), struct payload);
	struct tensors_builder tensors;
	if (!kept || !made || !out)
		return STEP_FAIL;
	kept->version = 1;
	*(int64_t *)count = ++kept->count;
	tensors_begin(&tensors, visit_arena(visit), 1);
	tensors_put(&tensors, made);
	*out = *visit_input(visit);
	out->tensors = tensors_end(&tensors);
	visit_emit(visit, out);
	return STEP_DONE;
}

static enum step_verdict visits_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct visits *self = step->options;
	const struct scope scope = visit_scope(visit, NULL);
	struct text user;
	return state_key_of(self->key, &scope, "visits", visit_arena(visit), &user, error) ? visits_count(visit, user, error)
											   : STEP_FAIL;
}

static enum step_verdict mistaken_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	return visits_count(visit, visit_message(visit)->key, error);
}

static void visits_describe(const struct step *step, struct step_facts *facts)
{
	facts->key = ((const struct visits *)step->options)->key;
}

static const struct option visits_options[] = {
	ROW("key", EXPRESSION, struct visits, key, .required = true, .help = "Whose visits are counted."),
	{.type = OPTION_END},
};

#define VISITS(kind_name, function)                                                                                                \
	{                                                                                                                          \
		.name = (kind_name), .options = visits_options, .options_size = sizeof(struct visits), .shape = SHAPE_REPLACES,    \
		.state = &(const struct state_rules){0}, .describe = visits_describe, .run = (function),                           \
	}

static const struct step_kind kind_visits = VISITS("visits", visits_run);
static const struct step_kind kind_mistaken = VISITS("mistaken", mistaken_run);

static void a_step_that_takes_the_records_key_is_caught(void **state)
{
	static const struct step_kind *const kinds[] = {&step_model, &kind_visits, &kind_mistaken, NULL};
	static const struct keyed_row good = {"visits", "{key: user}"}, bad = {"mistaken", "{key: user}"};
	(void)state;
	assert_true(users_are_apart(kinds, &good, RECORD_KEYS_SAME));
	assert_true(users_are_apart(kinds, &good, RECORD_KEYS_APART));
	assert_false(users_are_apart(kinds, &bad, RECORD_KEYS_SAME));
	assert_false(users_are_apart(kinds, &bad, RECORD_KEYS_APART));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_step_with_a_key_counts_users_apart, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(a_step_that_takes_the_records_key_is_caught, folder_make, folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
