/* keyed_log_test.c: logs in a step's state, held against plain arrays: values are appended, written and removed, by messages of
 * which some fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "flow/state/keyed_log.h"
#include "tests/unit/graphs.h"

#define LOGS 4
#define NUMBERS 400 /* of one log, at most */
#define OPERATIONS 12 /* of one message */
#define MESSAGES 60

/* What a log should have: a byte under each number, or 0. */
static struct kept {
	struct keyed_log log;
	char values[NUMBERS];
} kept[LOGS], before[LOGS];
static struct random draw;

static void log_change(struct kept *its, struct visit *visit, struct error *error)
{
	struct keyed_log *log = &its->log;
	const uint64_t any = log->next ? random_below(&draw, log->next) : 0;
	const char byte = (char)random_between(&draw, 1, 100);
	char *stored = NULL;
	switch (random_below(&draw, 4)) {
	case 0:
	case 1:
		its->values[log->next] = byte;
		stored = keyed_log_append(log, visit, 1, error);
		break;
	case 2:
		its->values[any] = 0;
		assert_true(keyed_log_remove(log, visit, any, error));
		return;
	default:
		its->values[any] = byte;
		stored = keyed_log_write(log, visit, any, 1, error);
	}
	assert_non_null(stored);
	*stored = byte;
}

/* Each third message fails, and the others read what those before them have left. */
static enum step_verdict run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	const float message = ((const float *)tensors_find(visit_input(visit)->tensors, TEXT("x"))->data)[0];
	memcpy(before, kept, sizeof kept);
	for (int i = 0; i < OPERATIONS; i++)
		log_change(&kept[random_below(&draw, LOGS)], visit, error);
	for (size_t i = 0; i < LOGS; i++)
		for (uint64_t number = 0; number < kept[i].log.next; number++) {
			struct text value = {0};
			assert_int_equal(keyed_log_read(&kept[i].log, visit, number, &value), kept[i].values[number] != 0);
			if (value.bytes)
				assert_int_equal(value.bytes[0], kept[i].values[number]);
		}
	if ((int)message % 3 == 0) {
		memcpy(kept, before, sizeof kept);
		return error_set(error, ERROR_INPUT, PLACE_NONE, "it fails") ? STEP_DONE : STEP_FAIL;
	}
	visit_pass(visit);
	return STEP_DONE;
}

static const struct step_kind kind_logs = {
	.name = "logs", .state = &(const struct state_rules){0}, .shape = SHAPE_PASSES, .run = run};

static size_t shown;

static void change_is_kept(void *context, const struct change *change)
{
	(void)context;
	struct keyed_log_key key;
	for (size_t i = 0; i < LOGS; i++)
		for (uint64_t number = 0; number < kept[i].log.next; number++)
			if (text_equal(keyed_log_key(&kept[i].log, number, &key), change->key)) {
				assert_int_equal(change->value.length, 1);
				assert_int_equal(change->value.bytes[0], kept[i].values[number]);
				shown++;
				return;
			}
	fail_msg("a key that no log has");
}

static void a_log_has_what_messages_that_did_not_fail_have_left_in_it(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 24);
	struct scene scene;
	const struct made_step steps[] = {{.name = "log", .kind = &kind_logs}};
	struct store_walk walk = {0};
	size_t wanted = 0;
	kept[0].log = (struct keyed_log){.name = "rows", .group = TEXT("a")};
	kept[1].log = (struct keyed_log){.name = "rows", .group = TEXT("")};
	kept[2].log = (struct keyed_log){.name = "rows"};
	kept[3].log = (struct keyed_log){.name = "w", .is_binary = true};
	draw.state = 11;
	scene_open(&scene, graph_made(arena, steps, 1, "log", JOIN_INNER), arena, false);
	scene_keep(&scene);
	for (int i = 0; i < MESSAGES; i++) {
		static char ids[MESSAGES][16];
		char *id = ids[i], tensors[16];
		(void)snprintf(id, sizeof ids[i], "m%d", i);
		(void)snprintf(tensors, sizeof tensors, "x=%d", i);
		scene_send(&scene, id, tensors);
		assert_non_null(scene_answer(&scene, id));
		assert_string_equal(scene_answer(&scene, id)->error, i % 3 ? "" : "it fails");
	}
	while (store_show(scene.store, &walk, SIZE_MAX, change_is_kept, NULL))
		;
	for (size_t i = 0; i < LOGS; i++)
		for (uint64_t number = 0; number < NUMBERS; number++)
			wanted += kept[i].values[number] != 0;
	assert_int_equal(shown, wanted);
	assert_true(wanted > 50);
	scene_close(&scene);
	arena_close(arena);
}

static void key_is(struct keyed_log log, uint64_t number, const char *bytes, size_t length)
{
	struct keyed_log_key key;
	const struct text made = keyed_log_key(&log, number, &key);
	assert_int_equal(made.length, length);
	assert_memory_equal(made.bytes, bytes, length);
}

/* Changelogs have these keys. */
static void keys_have_the_name_the_group_and_the_number(void **state)
{
	(void)state;
	char group[KEYED_GROUP_BYTES_MAX];
	memset(group, 'g', sizeof group);
	struct keyed_log_key key;
	key_is((struct keyed_log){.name = "waiting"}, 12, "waiting/12", 10);
	key_is((struct keyed_log){.name = "rows", .group = TEXT("")}, 0, "rows//0", 7);
	key_is((struct keyed_log){.name = "rows", .group = TEXT("N Y")}, UINT64_MAX, "rows/N Y/18446744073709551615", 29);
	key_is((struct keyed_log){.name = "w", .is_binary = true}, 0x0102, "w\2\1\0\0\0\0\0\0", 9);
	const struct keyed_log longest = {.name = "", .group = {group, sizeof group}};
	assert_int_equal(keyed_log_key(&longest, UINT64_MAX, &key).length, sizeof group + 22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_has_what_messages_that_did_not_fail_have_left_in_it),
		cmocka_unit_test(keys_have_the_name_the_group_and_the_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
