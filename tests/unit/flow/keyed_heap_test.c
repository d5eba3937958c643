/* keyed_heap_test.c: a heap in a step's state, held against a plain list that is in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "tests/unit/graphs.h"
#include "flow/state/keyed_heap.h"

#define ENTRIES 3000
#define OPERATIONS 60 /* of one message */
#define MESSAGES 60

/* What the heap should have. */
static struct kept {
	int64_t rank, subrank;
	char key[KEYED_HEAP_KEY_BYTES_MAX + 1];
} kept[ENTRIES];
static size_t kept_count;
static struct random draw;

static struct keyed_heap_entry entry_of(const struct kept *item)
{
	return (struct keyed_heap_entry){item->rank, item->subrank, text_of(item->key)};
}

/* False: it is there already. */
static bool keep(const struct kept *item)
{
	size_t at = 0;
	const struct keyed_heap_entry entry = entry_of(item);
	while (at < kept_count) {
		struct keyed_heap_entry there = entry_of(&kept[at]);
		int order = keyed_heap_order(&there, &entry);
		if (order == 0)
			return false;
		if (order > 0)
			break;
		at++;
	}
	memmove(kept + at + 1, kept + at, (kept_count - at) * sizeof *kept);
	kept[at] = *item;
	kept_count++;
	return true;
}

/* Ranks are few, so that keys decide too; some keys are long, some as long as may be, one is empty. */
static struct kept draw_item(void)
{
	struct kept item = {.rank = random_between(&draw, -3, 3) * 1000, .subrank = random_between(&draw, -2, 1)};
	uint64_t number = random_below(&draw, 500);
	(void)snprintf(item.key, sizeof item.key, number % 7 ? "key %d" : "a key that is somewhat longer %d", (int)number);
	if (number % 50 == 1) /* as long as a key may be: two of them fill a node */
		memset(item.key + strlen(item.key), 'k', KEYED_HEAP_KEY_BYTES_MAX - strlen(item.key));
	if (number == 0)
		item.key[0] = '\0';
	return item;
}

static void first_is_right(struct visit *visit)
{
	struct keyed_heap_entry first;
	assert_int_equal(keyed_heap_first(visit, &first), kept_count > 0);
	if (kept_count == 0)
		return;
	struct keyed_heap_entry wanted = entry_of(&kept[0]);
	assert_int_equal(keyed_heap_order(&first, &wanted), 0);
}

/* More goes in than out in the first half of the messages, and out goes all in the second. */
static enum step_verdict run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	float message = ((const float *)tensors_find(visit_input(visit)->tensors, TEXT("x"))->data)[0];
	bool fills = message < MESSAGES / 2.0F;
	for (int i = 0; i < OPERATIONS; i++) {
		if (kept_count > 0 && !random_in_thousand(&draw, fills ? 800 : 100)) {
			assert_true(keyed_heap_remove(visit, error));
			memmove(kept, kept + 1, --kept_count * sizeof *kept);
		} else if (kept_count < ENTRIES - 1) {
			const struct kept item = draw_item();
			const struct keyed_heap_entry entry = entry_of(&item);
			(void)keep(&item);
			assert_true(keyed_heap_put(visit, &entry, error));
		}
		first_is_right(visit);
	}
	visit_pass(visit);
	return STEP_DONE;
}

static const struct step_kind kind_lists = {
	.name = "lists", .state = &(const struct state_rules){0}, .shape = SHAPE_PASSES, .run = run};

static void the_first_is_always_the_least(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 24);
	struct scene scene;
	const struct made_step steps[] = {{.name = "heap", .kind = &kind_lists}};
	size_t most = 0;
	draw.state = 20;
	scene_open(&scene, graph_made(arena, steps, 1, "heap", JOIN_INNER), arena, false);
	scene_keep(&scene);
	for (int i = 0; i < MESSAGES; i++) {
		static char ids[MESSAGES][16];
		char *id = ids[i], tensors[16];
		(void)snprintf(id, sizeof ids[i], "m%d", i);
		(void)snprintf(tensors, sizeof tensors, "x=%d", i);
		scene_send(&scene, id, tensors);
		assert_non_null(scene_answer(&scene, id));
		assert_string_equal(scene_answer(&scene, id)->error, "");
		most = kept_count > most ? kept_count : most;
	}
	assert_true(most > 500); /* several dozen nodes, in three levels */
	assert_true(kept_count < most / 2);
	scene_close(&scene);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_always_the_least),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
