/* keeper_test.c: Tests of the keeper: its decisions about proposals, the phases of changes, and the succession of keepers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/control_stand.h"

static struct control_stand stand;

static int keeper_setup(void **state)
{
	(void)state;
	control_open(&stand);
	control_keeper_start(&stand);
	return 0;
}

static int keeper_teardown(void **state)
{
	(void)state;
	control_close(&stand);
	return 0;
}

#define ITEM(named, ...) ((struct proposal_item){.kind = TEXT("Pipeline"), .name = TEXT(named), __VA_ARGS__})
#define APPLY(named, version, yaml) ITEM(named, .document = TEXT(yaml), .expected = (version))
#define REFUSED_SCHEMA                                                                                                             \
	"the record is no proposal of this version of sluice; use one version for all engines and commands, and check who else "   \
	"writes to the topic"
#define COLLECT_ALL(most) ((struct proposal_item){.action = PROPOSAL_COLLECT, .to = (most)})
#define ITEMS(...)                                                                                                                 \
	.items = {sizeof((struct proposal_item[]){__VA_ARGS__}) / sizeof(struct proposal_item),                                    \
		  (struct proposal_item[]){__VA_ARGS__}}
#define ASK(...) control_ask(&stand, (struct proposal){__VA_ARGS__})

static void accepted(const struct control_verdict *verdict, int64_t version)
{
	assert_non_null(verdict);
	if (verdict->outcome != VERDICT_ACCEPTED)
		fail_msg("%.*s", TEXT_ARGUMENTS(verdict->why));
	assert_int_equal(((const struct resource_version *)verdict->versions.items)[0].version, version);
}

static void refused(const struct control_verdict *verdict, const char *why)
{
	assert_non_null(verdict);
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	if (!text_is(verdict->why, why))
		fail_msg("%.*s", TEXT_ARGUMENTS(verdict->why));
}

static const struct ledger_resource *resource(const char *name)
{
	return ledger_resource_find(keeper_ledger(stand.keeper), TEXT("Pipeline"), text_of(name));
}

/* The version in force; 0: none. */
static int64_t in_force(const char *name)
{
	const struct ledger_version *version = resource(name) ? ledger_in_force(keeper_ledger(stand.keeper), resource(name)) : NULL;
	return version ? version->record.version : 0;
}

static void versions_count_up_also_over_a_delete(void **state)
{
	(void)state;
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
	accepted(ASK(ITEMS(ITEM("p", .action = PROPOSAL_DELETE, .expected = 2))), 3);
	accepted(ASK(ITEMS(APPLY("p", 0, "three"))), 4);
	const struct control_verdict *verdict = ASK(ITEMS(ITEM("p", .action = PROPOSAL_COLLECT, .to = 1)));
	assert_true(verdict->outcome == VERDICT_ACCEPTED && verdict->change == 0 && verdict->versions.count == 0);
	accepted(ASK(ITEMS(ITEM("p", .action = PROPOSAL_DELETE, .expected = 4))), 5);
	assert_int_equal(ASK(ITEMS(ITEM("p", .action = PROPOSAL_COLLECT, .to = 1)))->outcome, VERDICT_ACCEPTED);
	control_compact(&stand);
	control_keeper_start(&stand);
	accepted(ASK(ITEMS(APPLY("p", 0, "four"))), 6);
}

static void a_conflict_names_the_other(void **state)
{
	(void)state;
	accepted(ASK(.author = TEXT("bob"), ITEMS(APPLY("p", 0, "one"))), 1);
	const struct control_verdict *verdict = ASK(ITEMS(APPLY("q", 0, "x"), APPLY("p", 0, "two")));
	assert_int_equal(verdict->outcome, VERDICT_CONFLICT);
	assert_true(text_is(verdict->other, "bob"));
	const struct resource_version *there = verdict->versions.items;
	assert_true(text_is(there->name, "p") && there->version == 1);
	assert_true(text_is(verdict->why, "`Pipeline/p` is at version 1, applied by bob, and version 0 was expected; "
					  "look at it and apply again"));
	assert_null(resource("q")); /* all or none */
	assert_int_equal(ASK(ITEMS(APPLY("q", 3, "x")))->outcome, VERDICT_CONFLICT);
	accepted(ASK(ITEMS(APPLY("p", PROPOSAL_EXPECTS_ANY, "two"))), 2);
}

static void a_rollback_is_a_version_of_its_own(void **state)
{
	(void)state;
	const struct control_label label = {TEXT("team"), TEXT("risk")};
	accepted(ASK(ITEMS(ITEM("p", .document = TEXT("one"), .labels = {1, &label}))), 1);
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
	accepted(ASK(.reason = TEXT("too slow"), ITEMS(ITEM("p", .action = PROPOSAL_ROLLBACK, .expected = 2, .to = 1))), 3);
	const struct control_version *newest = &ledger_newest(resource("p"))->record;
	assert_true(text_is(newest->document, "one") && text_is(newest->reason, "too slow"));
	assert_int_equal(newest->labels.count, 1);
	refused(ASK(ITEMS(ITEM("p", .action = PROPOSAL_ROLLBACK, .expected = 3, .to = 9))),
		"`Pipeline/p` has no version 9 any more; `sluice history` lists those kept");
}

static void what_can_never_be_accepted_is_refused_with_its_words(void **state)
{
	(void)state;
	refused(ASK(.items = {0}), "the proposal has no documents");
	refused(ASK(ITEMS(APPLY("../x", 0, "one"))), "`Pipeline/../x` is no kind and name; neither may have spaces, `/` or `@`");
	refused(ASK(ITEMS(APPLY("p", 0, "one"), APPLY("p", 0, "two"))),
		"`Pipeline/p` is there twice; a proposal has each resource once");
	refused(ASK(ITEMS(ITEM("p", .action = PROPOSAL_DELETE))), "`Pipeline/p` is not there, so it cannot be deleted");
	refused(ASK(.namespace = TEXT("../x"), ITEMS(APPLY("p", 0, "one"))),
		"the proposal is for the namespace `../x`, and this topic is of `default`");
	refused(ASK(.time_ms = stand.now_ms + CONTROL_FUTURE_MS + 1000, ITEMS(APPLY("p", 0, "one"))),
		"the proposal is 601 s from the future; set the clock of the machine that sent it");
	accepted(ASK(.time_ms = stand.now_ms + CONTROL_FUTURE_MS, ITEMS(APPLY("edge", 0, "one"))), 1);
	refused(ASK(.part = 3, .parts = 3, ITEMS(APPLY("p", 0, "one"))),
		"there is no part 3 of 3 parts; they count from 0, and 64 are the most");
	refused(ASK(.parts = 65, ITEMS(APPLY("p", 0, "one"))),
		"there is no part 0 of 65 parts; they count from 0, and 64 are the most");
	refused(ASK(ITEMS(ITEM("p", .action = PROPOSAL_COLLECT))), "0 versions cannot be kept; 1 to 50 can");
	assert_null(resource("p"));
}

static void a_proposal_of_two_mebibytes_is_refused(void **state)
{
	static char yaml[2 << 20];
	(void)state;
	memset(yaml, 'y', sizeof yaml);
	struct proposal_item item = {.kind = TEXT("Pipeline"), .name = TEXT("p"), .document = {yaml, sizeof yaml}};
	const struct control_verdict *verdict = ASK(.items = {1, &item});
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_non_null(strstr(verdict->why.bytes, "and 1032192 are the most; send it in parts"));
	item.document.length = PROPOSAL_BYTES_MAX - 200;
	accepted(ASK(.items = {1, &item}), 1);
}

static void bytes_that_are_no_proposal_are_counted(void **state)
{
	const char *why;
	struct error error = {0};
	const struct control_keeper other = {.namespace = TEXT("default")};
	(void)state;
	assert_true(keeper_propose(stand.keeper, 0, TEXT("rubbish"), stand.now_ms, &error));
	assert_int_equal(keeper_refused(stand.keeper, &why), 1);
	assert_string_equal(why, REFUSED_SCHEMA);
	assert_true(keeper_propose(stand.keeper, 1, control_encode(&stand, &keeper_form, &other), stand.now_ms, &error));
	assert_int_equal(keeper_refused(stand.keeper, &why), 2);
	assert_string_equal(why, REFUSED_SCHEMA); /* it is of another schema */
	const struct proposal nameless = {.id = TEXT("a/b"), .namespace = TEXT("default")};
	assert_true(keeper_propose(stand.keeper, 2, control_encode(&stand, &proposal_form, &nameless), stand.now_ms, &error));
	assert_int_equal(keeper_refused(stand.keeper, &why), 3);
	assert_string_equal(why, "the proposal has no id that can be answered");
	assert_int_equal(keeper_resume(stand.keeper), 3);
}

static bool check_words(void *context, const struct record_list *items, const struct ledger *ledger, struct arena *arena,
			struct keeper_findings *findings, struct error *error)
{
	(void)error;
	(void)ledger;
	size_t *asked = context;
	const struct proposal_item *item = items->items;
	*asked += items->count;
	for (size_t i = 0; i < items->count; i++)
		if (text_is(item[i].document, "wrong")) {
			struct verdict_fault *fault = ARENA_NEW(arena, struct verdict_fault);
			*fault = (struct verdict_fault){item[i].kind, item[i].name, 1, 2, TEXT("SL0101"), TEXT("unknown field")};
			findings->faults = (struct record_list){1, fault};
		}
	return true;
}

static void the_checker_decides_about_documents(void **state)
{
	size_t asked = 0;
	(void)state;
	stand.options.checker = (struct keeper_checker){check_words, &asked};
	control_keeper_start(&stand);
	const struct control_verdict *verdict = ASK(ITEMS(APPLY("q", 0, "right"), APPLY("p", 0, "wrong")));
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_true(text_is(verdict->why, "the documents have 1 error; nothing was accepted"));
	const struct verdict_fault *fault = verdict->faults.items;
	assert_true(text_is(fault->name, "p") && fault->line == 1 && fault->column == 2 && text_is(fault->text, "unknown field"));
	assert_null(resource("q"));
	assert_int_equal(asked, 2);
}

static void the_same_proposal_again_has_the_same_verdict(void **state)
{
	(void)state;
	accepted(ASK(.id = TEXT("x"), ITEMS(APPLY("p", PROPOSAL_EXPECTS_ANY, "one"))), 1);
	accepted(ASK(.id = TEXT("x"), ITEMS(APPLY("p", PROPOSAL_EXPECTS_ANY, "one"))), 1);
	control_compact(&stand);
	control_keeper_start(&stand);
	accepted(ASK(.id = TEXT("x"), ITEMS(APPLY("p", PROPOSAL_EXPECTS_ANY, "one"))), 1);
	assert_int_equal(resource("p")->count, 1);
}

static void parts_are_one_proposal(void **state)
{
	(void)state;
	assert_null(ASK(.id = TEXT("x"), .part = 1, .parts = 3, ITEMS(APPLY("b", 0, "b"))));
	assert_null(ASK(.id = TEXT("y"), .part = 0, .parts = 2, ITEMS(APPLY("z", 0, "z"))));
	assert_null(ASK(.id = TEXT("x"), .part = 1, .parts = 3, ITEMS(APPLY("b", 0, "b"))));
	assert_null(ASK(.id = TEXT("x"), .part = 2, .parts = 3, ITEMS(APPLY("c", 0, "c"))));
	assert_int_equal(keeper_resume(stand.keeper), 0);
	control_keeper_start(&stand); /* reads them again */
	accepted(ASK(.id = TEXT("x"), .part = 0, .parts = 3, ITEMS(APPLY("a", 0, "a"))), 1);
	assert_true(resource("a") && resource("b") && resource("c") && !resource("z"));
	assert_int_equal(keeper_resume(stand.keeper), 1);
	control_pass(&stand, KEEPER_DEADLINE_MS - 1);
	assert_null(ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("y")));
	assert_int_equal(keeper_due(stand.keeper), stand.now_ms + 1);
	control_pass(&stand, 1);
	refused(&ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("y"))->record,
		"only 1 of its 2 parts came in time; apply it again");
	assert_int_equal(keeper_resume(stand.keeper), (int64_t)stand.proposal_count);
}

/* Lists of empty items and labels are small on the topic and large in memory. */
static void parts_with_too_many_items_are_refused(void **state)
{
	static struct proposal_item items[PROPOSAL_ITEMS_MAX];
	static struct control_label labels[300000];
	(void)state;
	for (size_t i = 0; i < PROPOSAL_ITEMS_MAX; i++)
		items[i] = (struct proposal_item){.kind = TEXT("Pipeline"), .name = TEXT("p")};
	assert_null(ASK(.id = TEXT("x"), .part = 0, .parts = 3, .items = {PROPOSAL_ITEMS_MAX, items}));
	refused(ASK(.id = TEXT("x"), .part = 1, .parts = 3, .items = {1, items}),
		"the proposal has too many documents; 1000 are the most");
	struct proposal_item item = ITEM("p", .labels = {300000, labels});
	for (int64_t part = 0; part < 30; part++)
		assert_null(ASK(.id = TEXT("y"), .part = part, .parts = 31, .items = {1, &item}));
	refused(ASK(.id = TEXT("y"), .part = 30, .parts = 31, .items = {1, &item}),
		"the lists of the proposal have too many items; propose fewer documents at once");
	control_pass(&stand, KEEPER_DEADLINE_MS);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
}

static void a_single_record_replaces_the_parts_of_its_id(void **state)
{
	(void)state;
	assert_null(ASK(.id = TEXT("x"), .part = 0, .parts = 2, ITEMS(APPLY("p", 0, "one"))));
	accepted(ASK(.id = TEXT("x"), ITEMS(APPLY("p", 0, "one"))), 1);
	control_pass(&stand, KEEPER_DEADLINE_MS);
	accepted(&ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("x"))->record, 1);
}

static void a_rollback_of_more_than_a_proposal_may_have_is_refused(void **state)
{
	enum { COUNT = 68 };
	static char yaml[1000000];
	struct proposal_item items[COUNT];
	(void)state;
	memset(yaml, 'y', sizeof yaml);
	for (size_t i = 0; i < COUNT; i++) {
		struct proposal_item item = {.kind = TEXT("Pipeline"), .document = {yaml, sizeof yaml}};
		item.name = text_of(arena_print(stand.arena, "p%zu", i));
		accepted(ASK(.items = {1, &item}), 1);
		items[i] = (struct proposal_item){
			.kind = item.kind, .name = item.name, .action = PROPOSAL_ROLLBACK, .expected = 1, .to = 1};
	}
	refused(ASK(.items = {COUNT, items}), "its documents have more than 64 MiB together; make several proposals of them");
}

/* The checker cannot do it, and would not the next time. */
static bool check_never(void *context, const struct record_list *items, const struct ledger *ledger, struct arena *arena,
			struct keeper_findings *findings, struct error *error)
{
	(void)context, (void)items, (void)ledger, (void)arena, (void)findings;
	return error_memory(error, ERROR_SYSTEM, "checking a proposal");
}

static void a_proposal_at_which_keepers_fail_is_refused(void **state)
{
	struct error error = {0};
	(void)state;
	stand.options.checker = (struct keeper_checker){check_never, NULL};
	control_keeper_start(&stand);
	control_send(&stand, (struct proposal){.id = TEXT("x"), ITEMS(APPLY("p", 0, "one"))});
	assert_false(keeper_propose(stand.keeper, 0, stand.proposals[0], stand.now_ms, &error));
	control_keeper_start(&stand);
	keeper_skip(stand.keeper, 0);
	control_read(&stand);
	refused(&ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("x"))->record,
		"the keeper failed twice when it decided this proposal; its log has the reason");
	assert_int_equal(keeper_resume(stand.keeper), 1);
}

static void parts_that_disagree_or_are_left_far_behind_are_refused(void **state)
{
	(void)state;
	assert_null(ASK(.id = TEXT("x"), .part = 1, .parts = 3, ITEMS(APPLY("b", 0, "b"))));
	refused(ASK(.id = TEXT("x"), .part = 0, .parts = 2, ITEMS(APPLY("a", 0, "a"))),
		"its parts do not agree how many there are");
	assert_null(ASK(.id = TEXT("y"), .part = 1, .parts = 3, ITEMS(APPLY("b", 0, "b"))));
	for (int i = 0; i < KEEPER_WAITING_RECORDS; i++) {
		assert_null(ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("y")));
		accepted(ASK(ITEMS(APPLY("p", PROPOSAL_EXPECTS_ANY, "one"))), i + 1);
	}
	assert_non_null(ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("y")));
}

/* ---- convergence ---- */

static void engine_says(const char *engine, int64_t sequence, int64_t prepared)
{
	control_report(&stand, (struct engine_report){.engine = text_of(engine),
						    .started_ms = 1,
						    .sequence = sequence,
						    .prepared = {prepared > 0, &prepared}});
}

static void a_change_is_active_when_all_live_engines_are_ready(void **state)
{
	(void)state;
	engine_says("a", 1, 0);
	engine_says("b", 1, 0);
	control_pass(&stand, 4000);
	engine_says("a", 2, 0);
	engine_says("b", 2, 0);
	control_pass(&stand, 1000);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"), APPLY("q", 0, "one"))), 1);
	engine_says("a", 3, 1);
	assert_int_equal(in_force("p"), 0);
	engine_says("b", 2, 1); /* an old one, late */
	assert_int_equal(in_force("p"), 0);
	engine_says("b", 3, 1);
	assert_int_equal(in_force("p"), 1);
	assert_int_equal(in_force("q"), 1);
}

static void an_engine_that_is_silent_or_stops_is_not_waited_for(void **state)
{
	(void)state;
	engine_says("a", 1, 0);
	engine_says("b", 1, 0);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	control_pass(&stand, KEEPER_SILENT_MS - 1);
	engine_says("a", 2, 1);
	assert_int_equal(in_force("p"), 0);
	assert_int_equal(keeper_due(stand.keeper), stand.now_ms + 1);
	control_pass(&stand, 1);
	assert_int_equal(in_force("p"), 1);
	engine_says("b", 2, 0);
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
	engine_says("a", 3, 2);
	assert_int_equal(in_force("p"), 1);
	control_report(&stand, (struct engine_report){.engine = TEXT("b"), .started_ms = 1, .sequence = 3, .stopped = true});
	assert_int_equal(in_force("p"), 2);
}

/* The engine `a` is live and not ready, `b` has died, and the keeper has listened long enough: nothing of that is due. */
static void what_has_passed_is_not_due_again(void **state)
{
	(void)state;
	engine_says("b", 1, 0);
	control_pass(&stand, 1000);
	engine_says("a", 1, 0);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	int64_t deadline_ms = stand.now_ms + KEEPER_DEADLINE_MS;
	for (int64_t sequence = 2; stand.now_ms + 1000 < deadline_ms; sequence++) {
		control_pass(&stand, 1000);
		engine_says("a", sequence, 0);
		assert_true(keeper_due(stand.keeper) > stand.now_ms);
	}
	assert_int_equal(keeper_due(stand.keeper), deadline_ms);
}

static void a_new_keeper_listens_before_it_activates(void **state)
{
	(void)state;
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	control_keeper_start(&stand);
	control_pass(&stand, KEEPER_SILENT_MS - 1);
	assert_int_equal(in_force("p"), 0);
	control_pass(&stand, 1);
	assert_int_equal(in_force("p"), 1);
}

/* Its numbers were given, whatever the clock of the next keeper says. */
static void what_a_keeper_with_a_wrong_clock_decided_counts(void **state)
{
	(void)state;
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	control_keeper_start(&stand);
	stand.now_ms += 2 * CONTROL_FUTURE_MS;
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
	stand.now_ms -= 2 * CONTROL_FUTURE_MS;
	control_keeper_start(&stand);
	const struct ledger *ledger = keeper_ledger(stand.keeper);
	assert_int_equal(ledger->epoch, 3);
	assert_int_equal(keeper_resume(stand.keeper), 2);
	const struct control_verdict *verdict = ASK(ITEMS(APPLY("p", 2, "three")));
	accepted(verdict, 3);
	assert_int_equal(verdict->change, 3);
}

static void records_of_a_newer_version_keep_a_keeper_from_beginning(void **state)
{
	char words[ERROR_TEXT_MAX];
	const struct text unknown = TEXT("\xC3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest");
	struct error error = {0};
	(void)state;
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	const size_t first = 100 + stand.control_count;
	control_append(&stand, TEXT("Pipeline/p@2"), unknown);
	control_append(&stand, TEXT("change@2"), unknown);
	control_append(&stand, TEXT("change@2"), (struct text){0});
	control_append(&stand, TEXT("change@3"), TEXT("rubbish")); /* no version of sluice wrote that */
	struct keeper *keeper = keeper_open(&stand.options, &error);
	for (size_t i = 0; i < stand.control_count; i++)
		assert_true(keeper_restore(keeper, stand.control[i].key, stand.control[i].value, 100 + (int64_t)i, &error));
	assert_false(keeper_begin(keeper, stand.now_ms, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	(void)snprintf(
		words, sizeof words,
		"the control topic has records (1) of a schema that this version of sluice does not know, the first one in "
		"partition 0 at offset %zu. Use the newer version of sluice that wrote it; if none did, write a record without a "
		"value to the topic with its key: `Pipeline/p@2`",
		first);
	assert_string_equal(error.text, words);
	keeper_close(keeper);
	control_append(&stand, TEXT("Pipeline/p@2"), (struct text){0});
	control_keeper_start(&stand);
}

/* No version of sluice writes such keys. */
static void records_of_others_do_not_keep_a_keeper_from_beginning(void **state)
{
	static const struct text keys[] = {{"x", 1}, {"", 0}, {"@1", 2}, {"a@", 2}, {"a b@1", 5}, {"a\xFF@1", 4}};
	const struct text unknown = TEXT("\xC3\x01\x01\x02\x03\x04\x05\x06\x07\x08rest");
	const size_t count = sizeof keys / sizeof *keys;
	(void)state;
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	for (size_t i = 0; i < count; i++)
		control_append(&stand, keys[i], unknown);
	control_keeper_start(&stand);
	assert_int_equal(keeper_ledger(stand.keeper)->refused[LEDGER_REFUSED_BROKEN], count);
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
}

static void a_change_fails_with_the_reason_and_the_version_before_stays(void **state)
{
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	assert_int_equal(in_force("p"), 1);
	engine_says("a", 1, 0);
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
	const struct failed_change failed = {2, TEXT("model `m` is not there")};
	control_report(&stand, (struct engine_report){.engine = TEXT("a"), .started_ms = 1, .sequence = 2, .failed = {1, &failed}});
	const struct ledger_change *change = ledger_change_find(keeper_ledger(stand.keeper), 2);
	assert_int_equal(change->record.phase, CHANGE_FAILED);
	assert_true(text_is(change->record.why, "engine `a`: model `m` is not there"));
	assert_int_equal(in_force("p"), 1);
	accepted(ASK(ITEMS(APPLY("p", 2, "three"))), 3);
	int64_t until = stand.now_ms + KEEPER_DEADLINE_MS;
	for (int64_t sequence = 3; stand.now_ms < until; sequence++) {
		assert_int_equal(ledger_change_find(keeper_ledger(stand.keeper), 3)->record.phase, CHANGE_ACCEPTED);
		engine_says("a", sequence, 2);
		control_pass(&stand, 1000);
	}
	change = ledger_change_find(keeper_ledger(stand.keeper), 3);
	assert_int_equal(change->record.phase, CHANGE_FAILED);
	assert_true(text_is(change->record.why, "engine `a` did not prepare it in time"));
	assert_int_equal(in_force("p"), 1);
	control_compact(&stand);
	control_keeper_start(&stand);
	assert_int_equal(in_force("p"), 1);
	assert_int_equal(ledger_newest(resource("p"))->record.version, 3);
}

static void a_deletion_that_failed_can_be_repeated(void **state)
{
	const struct failed_change failed = {2, TEXT("it is in use")};
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	engine_says("a", 1, 0);
	accepted(ASK(ITEMS(ITEM("p", .action = PROPOSAL_DELETE, .expected = 1))), 2);
	control_report(&stand, (struct engine_report){.engine = TEXT("a"), .started_ms = 1, .sequence = 2, .failed = {1, &failed}});
	assert_int_equal(in_force("p"), 1);
	assert_int_equal(ledger_present(keeper_ledger(stand.keeper), resource("p"))->record.version, 1);
	assert_int_equal(ASK(ITEMS(APPLY("p", 0, "two")))->outcome, VERDICT_CONFLICT); /* version 1 runs */
	accepted(ASK(ITEMS(ITEM("p", .action = PROPOSAL_DELETE, .expected = 2))), 3);
	assert_null(ledger_present(keeper_ledger(stand.keeper), resource("p")));
	refused(ASK(ITEMS(ITEM("p", .action = PROPOSAL_DELETE, .expected = 3))),
		"`Pipeline/p` is not there, so it cannot be deleted");
	accepted(ASK(ITEMS(APPLY("p", 0, "three"))), 4);
}

static void a_later_change_replaces_an_undecided_one_or_waits_for_it(void **state)
{
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	engine_says("a", 1, 0);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"), APPLY("q", 0, "one"))), 1);
	accepted(ASK(ITEMS(APPLY("q", 1, "two"))), 2); /* waits: `p` would be lost */
	engine_says("a", 2, 2);
	assert_int_equal(in_force("q"), 0);
	accepted(ASK(.author = TEXT("bob"), ITEMS(APPLY("p", 1, "x"), APPLY("q", 2, "x"), APPLY("r", 0, "x"))), 2);
	const struct control_change *first = &ledger_change_find(keeper_ledger(stand.keeper), 1)->record;
	assert_int_equal(first->phase, CHANGE_FAILED);
	assert_true(text_is(first->why, "change 3 by bob replaced it before all engines were ready"));
	assert_int_equal(ledger_change_find(keeper_ledger(stand.keeper), 2)->record.phase, CHANGE_FAILED);
	engine_says("a", 3, 3);
	assert_true(in_force("p") == 2 && in_force("q") == 3 && in_force("r") == 1);
	accepted(ASK(ITEMS(APPLY("p", 2, "y"), APPLY("q", 3, "y"))), 3);
	accepted(ASK(ITEMS(APPLY("q", 4, "z"))), 5);
	const int64_t both[] = {4, 5};
	control_report(&stand, (struct engine_report){.engine = TEXT("a"), .started_ms = 1, .sequence = 4, .prepared = {2, both}});
	assert_true(in_force("p") == 3 && in_force("q") == 5);
}

/* The second one may read what the first one adds. */
static void changes_are_activated_in_their_order(void **state)
{
	const struct failed_change failed = {3, TEXT("it cannot run")};
	const int64_t both[] = {2, 4};
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	engine_says("a", 1, 0);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	accepted(ASK(ITEMS(APPLY("q", 0, "one"))), 1);
	engine_says("a", 2, 2);
	assert_true(in_force("p") == 0 && in_force("q") == 0);
	engine_says("a", 3, 1);
	assert_true(in_force("p") == 1 && in_force("q") == 0);
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
	accepted(ASK(ITEMS(APPLY("r", 0, "one"))), 1);
	const struct engine_report report = {
		.engine = TEXT("a"), .started_ms = 1, .sequence = 4, .prepared = {2, both}, .failed = {1, &failed}};
	control_report(&stand, report);
	assert_true(in_force("q") == 1 && in_force("p") == 1 && in_force("r") == 1); /* the failed one holds up nobody */
}

/* ---- what is kept ---- */

static void fifty_versions_are_kept_and_what_is_in_force(void **state)
{
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	assert_int_equal(in_force("p"), 1);
	engine_says("a", 1, 0); /* never prepares a change: each fails when the next replaces it */
	for (int64_t version = 1; version < 3 * KEEPER_VERSIONS; version++)
		accepted(ASK(ITEMS(APPLY("p", version, "more"))), version + 1);
	assert_int_equal(in_force("p"), 1);
	assert_in_range(resource("p")->count, KEEPER_VERSIONS, KEEPER_VERSIONS + 2);
	assert_int_equal(resource("p")->versions[0]->record.version, 1);
	size_t changes = 0;
	const struct ledger_change *change;
	LIST_EACH_CHANGE(keeper_ledger(stand.keeper), change)
	changes += change->record.phase != CHANGE_ACCEPTED || change->record.number == 150;
	assert_int_equal(changes, resource("p")->count);
	assert_int_equal(ASK(ITEMS(COLLECT_ALL(1)))->outcome, VERDICT_ACCEPTED);
	assert_int_equal(resource("p")->count, 2); /* the newest, and the one in force */
	control_compact(&stand);
	assert_true(stand.control_count < 250);
	control_keeper_start(&stand);
	assert_int_equal(in_force("p"), 1);
	accepted(ASK(ITEMS(APPLY("p", 150, "on"))), 151);
}

/* Its number would be used again. */
static void the_newest_version_is_kept_though_it_failed(void **state)
{
	const struct failed_change failed = {2, TEXT("it does not fit here")};
	(void)state;
	control_pass(&stand, KEEPER_SILENT_MS);
	accepted(ASK(ITEMS(APPLY("p", 0, "one"))), 1);
	engine_says("a", 1, 0);
	accepted(ASK(ITEMS(APPLY("p", 1, "two"))), 2);
	control_report(&stand, (struct engine_report){.engine = TEXT("a"), .started_ms = 1, .sequence = 2, .failed = {1, &failed}});
	assert_int_equal(ASK(ITEMS(COLLECT_ALL(1)))->outcome, VERDICT_ACCEPTED);
	assert_int_equal(resource("p")->count, 2);
	accepted(ASK(ITEMS(APPLY("p", 2, "three"))), 3);
}

static void verdicts_are_kept_for_a_while(void **state)
{
	(void)state;
	for (int i = 0; i < KEEPER_VERDICTS + 10; i++)
		assert_int_equal(ASK(ITEMS(ITEM("p", .action = PROPOSAL_DELETE)))->outcome, VERDICT_REFUSED);
	assert_int_equal(keeper_ledger(stand.keeper)->verdict_count, KEEPER_VERDICTS);
	assert_null(ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("p9")));
	assert_non_null(ledger_verdict_find(keeper_ledger(stand.keeper), TEXT("p10")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, keeper_setup, keeper_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(versions_count_up_also_over_a_delete),
		TEST(a_conflict_names_the_other),
		TEST(a_rollback_is_a_version_of_its_own),
		TEST(what_can_never_be_accepted_is_refused_with_its_words),
		TEST(a_proposal_of_two_mebibytes_is_refused),
		TEST(bytes_that_are_no_proposal_are_counted),
		TEST(the_checker_decides_about_documents),
		TEST(the_same_proposal_again_has_the_same_verdict),
		TEST(parts_are_one_proposal),
		TEST(parts_with_too_many_items_are_refused),
		TEST(a_single_record_replaces_the_parts_of_its_id),
		TEST(a_rollback_of_more_than_a_proposal_may_have_is_refused),
		TEST(a_proposal_at_which_keepers_fail_is_refused),
		TEST(parts_that_disagree_or_are_left_far_behind_are_refused),
		TEST(a_change_is_active_when_all_live_engines_are_ready),
		TEST(an_engine_that_is_silent_or_stops_is_not_waited_for),
		TEST(what_has_passed_is_not_due_again),
		TEST(a_new_keeper_listens_before_it_activates),
		TEST(what_a_keeper_with_a_wrong_clock_decided_counts),
		TEST(records_of_a_newer_version_keep_a_keeper_from_beginning),
		TEST(records_of_others_do_not_keep_a_keeper_from_beginning),
		TEST(a_change_fails_with_the_reason_and_the_version_before_stays),
		TEST(a_deletion_that_failed_can_be_repeated),
		TEST(a_later_change_replaces_an_undecided_one_or_waits_for_it),
		TEST(changes_are_activated_in_their_order),
		TEST(fifty_versions_are_kept_and_what_is_in_force),
		TEST(the_newest_version_is_kept_though_it_failed),
		TEST(verdicts_are_kept_for_a_while),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
