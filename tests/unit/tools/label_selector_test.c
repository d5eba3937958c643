/* label_selector_test.c: Resources are selected by their labels, as `kubectl` does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/client/control/label_selector.h"

#include <string.h>

static struct control_label labels[] = {{{"team", sizeof "team" - 1}, {"risk", sizeof "risk" - 1}},
					{{"tier", sizeof "tier" - 1}, {"gold", sizeof "gold" - 1}}};
static const struct control_version version = {.labels = {2, labels}};

static bool selector_read(const char *text, struct label_selector *selector, struct arena *arena, struct error *error)
{
	struct name name = {.text = text};
	const struct name_list list = {1, &name};
	return label_selector_read(&list, arena, selector, error);
}

static bool selects(const char *text)
{
	struct arena *arena = arena_open(1 << 16);
	struct label_selector selector;
	struct error error = {0};
	if (!selector_read(text, &selector, arena, &error))
		fail_msg("%s", error.text);
	bool has = label_selector_has(&selector, &version);
	arena_close(arena);
	return has;
}

static void values_are_compared(void **state)
{
	(void)state;
	assert_true(selects("team=risk") && selects("team==risk") && selects(" team = risk "));
	assert_false(selects("team=ris") || selects("team==credit") || selects("zone=risk") || selects("team="));
	assert_true(selects("team!=credit") && selects("zone!=eu"));
	assert_false(selects("team!=risk"));
}

static void sets_are_searched(void **state)
{
	(void)state;
	assert_true(selects("team in (credit, risk)") && selects("team in (risk)") && selects("team in(risk,credit)"));
	assert_false(selects("team in (credit, fraud)") || selects("zone in (risk)") || selects("team in (ris, isk)"));
	assert_true(selects("team notin (credit, fraud)") && selects("zone notin (eu)"));
	assert_false(selects("team notin (credit, risk)"));
}

static void keys_are_there_or_not(void **state)
{
	(void)state;
	assert_true(selects("team") && selects("!zone") && selects("! zone"));
	assert_false(selects("zone") || selects("!team"));
	assert_false(selects("Team"));
}

static void all_rules_must_hold(void **state)
{
	(void)state;
	assert_true(selects("team in (credit, risk),tier=gold,!zone") && selects("team, tier"));
	assert_false(selects("team in (credit, risk),tier=silver") || selects("tier=silver,team") || selects("team,zone"));
}

static void what_cannot_be_read_is_quoted(void **state)
{
	static const char *const wrong[] = {"",		  "=x",		 "team,",      ",team",	      "team in risk", "team in ()",
					    "team in (a", "team like x", "!team=risk", "team of (a)", "(a)",	      "!"};
	struct arena *arena = arena_open(1 << 16);
	struct label_selector selector;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct error error = {0};
		if (selector_read(wrong[i], &selector, arena, &error))
			fail_msg("`%s` is read", wrong[i]);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, "is no label selector; write KEY=VALUE"));
	}
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_compared),		 cmocka_unit_test(sets_are_searched),
		cmocka_unit_test(keys_are_there_or_not),	 cmocka_unit_test(all_rules_must_hold),
		cmocka_unit_test(what_cannot_be_read_is_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
