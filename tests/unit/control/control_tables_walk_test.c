/* control_tables_walk_test.c: Test of recorded bucket tables in random walks: whatever is proposed, fails or is restarted, each
 * table has the weights in force, and the fewest buckets move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "tests/unit/table_stand.h"

#define WALKS UNIT_REPETITIONS(12)
#define WALK_STEPS 60

struct walk {
	struct random random;
};

static void walk_propose(struct walk *walk)
{
	static const char *const names[] = {"p", "q"};
	struct proposal_item items[2];
	size_t count = 0, first = random_below(&walk->random, 2), last = random_below(&walk->random, 3) == 0 ? 1 : first;
	for (size_t i = first; i <= last; i++) {
		bool deletes = random_below(&walk->random, 8) == 0;
		int a = (int)random_below(&walk->random, 4), b = 1 + (int)random_below(&walk->random, 3);
		const char *yaml = arena_print(table_stand.arena, TABLE_PIPELINE("%s", "%d", "%d"), names[i], a, b);
		items[count++] = table_item("Pipeline", names[i], deletes ? NULL : yaml);
	}
	(void)control_ask(&table_stand, (struct proposal){.items = {count, items}}); /* a delete of nothing is refused */
}

static int64_t first_undecided(void)
{
	const struct ledger_change *change;
	LIST_EACH_CHANGE(keeper_ledger(table_stand.keeper), change)
	{
		if (change->record.phase == CHANGE_ACCEPTED)
			return change->record.number;
	}
	return 0;
}

static void walk_step(struct walk *walk)
{
	const int64_t change = first_undecided();
	const struct failed_change failed = {change, TEXT("it cannot")};
	const uint64_t drawn = random_below(&walk->random, 10);
	if (drawn < 4) {
		walk_propose(walk);
	} else if (drawn < 8) {
		bool fails = random_below(&walk->random, 3) == 0;
		table_report(&change, !fails && change > 0, &failed, fails && change > 0);
	} else if (drawn == 8) {
		control_compact(&table_stand);
		control_keeper_start(&table_stand);
	} else {
		control_pass(&table_stand, KEEPER_SILENT_MS / 2);
	}
}

/* The buckets of a candidate as its weight gives, by the document in force. */
static void weights_hold(const char *name, const struct control_table *table)
{
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	const struct ledger_resource *resource = ledger_resource_find(ledger, TEXT("Pipeline"), text_of(name));
	const struct ledger_version *version = resource ? ledger_in_force(ledger, resource) : NULL;
	if (!version || version->record.action == CONTROL_DELETE) {
		assert_true(!table || table->shares.count == 0);
		return;
	}
	const char *document = arena_copy(table_stand.arena, version->record.document.bytes, version->record.document.length);
	int a = 0, b = 0;
	assert_int_equal(sscanf(strstr(document, "weight:"), "weight: %d, call: a}, {weight: %d", &a, &b), 2);
	const double exact = (double)a / (a + b) * ASSIGNMENT_BUCKETS;
	const double has = (double)table_owned(table_owners_of(table), TEXT("a"));
	assert_true(has > exact - 1 && has < exact + 1);
}

/* Of two candidates exactly those buckets move by which the first one's number differs. */
static void moves_are_the_fewest(const char *choice)
{
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	const struct ledger_choice *found = ledger_choice_find(ledger, text_of(choice));
	const struct table_owners *before = NULL;
	for (size_t i = 0; found && i < found->count; i++) {
		const struct control_table *table = &found->tables[i]->record;
		const struct ledger_change *change = ledger_change_find(ledger, table->change);
		if (!change || change->record.phase != CHANGE_ACTIVE)
			continue;
		const struct table_owners *owners = table->shares.count > 0 ? table_owners_of(table) : NULL;
		if (before && owners) {
			const size_t had = table_owned(before, TEXT("a")), has = table_owned(owners, TEXT("a"));
			assert_int_equal(table_owners_differ(before, owners), had > has ? had - has : has - had);
			assert_int_equal(table->moved, table_owners_differ(before, owners));
		}
		before = owners;
	}
}

/* Proposals, engines that can and cannot, keepers that follow each other on a compacted topic. */
static void whatever_happens_the_fewest_buckets_move(void **state)
{
	(void)state;
	for (int i = 0; i < WALKS; i++) {
		struct walk walk = {.random = {(uint64_t)i + 1}};
		for (int step = 0; step < WALK_STEPS; step++) {
			walk_step(&walk);
			weights_hold("p", table_in_force("p/by"));
			weights_hold("q", table_in_force("q/by"));
			moves_are_the_fewest("p/by");
			moves_are_the_fewest("q/by");
		}
		(void)table_engine_check(NULL);
		(void)table_stand_close(NULL);
		(void)table_stand_open(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whatever_happens_the_fewest_buckets_move, table_stand_open, table_stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
