/* keeper_rollouts.c: Rollouts of a keeper: finds those of the experiments in force, looks at each every `checkEvery`, and
 * decides the commands that a proposal gives. */
#include <inttypes.h>

#include "base/memory.h"
#include "base/number/moment.h"
#include "control/records/control_tables.h"
#include "control/keeper/keeper_rollouts.h"
#include "control/keeper/rollout_changes.h"
#include "message/rows.h"

#define NAMES_BYTES_MAX ((size_t)64 << 10)

static_assert(ROLLOUT_REPORTED_MS == KEEPER_SILENT_MS, "a stage waits for the reports of engines that are not silent");

static void rollout_close(struct kept_rollout *rollout)
{
	if (!rollout)
		return;
	rollout_tallies_close(rollout);
	rollout_truths_close(rollout);
	arena_close(rollout->arena);
	memory_give(rollout);
}

static void rollout_drop(struct kept_rollout *rollout)
{
	list_remove(&rollout->node);
	rollout_close(rollout);
}

void keeper_rollouts_close(struct keeper *keeper)
{
	while (keeper->rollouts.first)
		rollout_drop(LIST_OWNER(keeper->rollouts.first, struct kept_rollout, node));
}

/* ---- the rollout of a version ---- */

static bool rollout_ignore(struct keeper *keeper, struct text name, const struct error *reason)
{
	const char *why = arena_print(keeper->arena, "rollout of `" TEXT_FORMAT "`: %s", TEXT_ARGUMENTS(name), reason->text);
	return keeper_ignore(keeper, why ? why : reason->text);
}

/* Reads the rollout of that name in the document of a version. `*read` is NULL if it cannot run. */
static bool rollout_open(struct keeper *keeper, const struct control_version *version, const char *name, struct kept_rollout **read,
			 struct error *error)
{
	const struct keeper_rollout_reader *reader = &keeper->options.rollouts;
	struct kept_rollout *rollout = memory_take(1, sizeof *rollout);
	struct error reason = {0};
	bool is_rollout = false;
	*read = NULL;
	if (!rollout || !(rollout->arena = arena_open(NAMES_BYTES_MAX))) {
		rollout_close(rollout);
		return error_memory(error, ERROR_SYSTEM, "reading a rollout");
	}
	bool good =
		reader->read(reader->context, version->document, name, rollout->arena, &rollout->document, &is_rollout, &reason);
	rollout->name = arena_copy_string(rollout->arena, name);
	rollout->owner.kind = arena_copy(rollout->arena, version->kind.bytes, version->kind.length);
	rollout->owner.name = arena_copy(rollout->arena, version->name.bytes, version->name.length);
	rollout->version = version->version;
	rollout->change = version->change;
	good = good && !arena_failed(rollout->arena);
	if (!good || !is_rollout) {
		rollout_close(rollout);
		if (good && reason.kind != ERROR_NONE)
			(void)rollout_ignore(keeper, text_of(name), &reason);
		return good || error_memory(error, ERROR_SYSTEM, "reading a rollout");
	}
	*read = rollout;
	return true;
}

/* Numbers of moves and commands go on, whatever rollout they are of. */
static void rollout_start(struct kept_rollout *rollout, const struct ledger_rollout *recorded)
{
	const uint64_t command = rollout->state.command;
	rollout->state = rollout_begin(&rollout->document.plan);
	rollout->state.command = command;
	if (recorded && recorded->count > 0)
		rollout->state.moves = (uint64_t)recorded->moves[recorded->count - 1]->record.number;
}

static bool rollout_restore(struct keeper *keeper, struct kept_rollout *rollout, int64_t now_ms, struct error *error)
{
	const struct ledger_rollout *recorded = ledger_rollout_find(&keeper->ledger, text_of(rollout->name));
	const struct control_rollout *record = recorded && recorded->has_record ? &recorded->record : NULL;
	bool good = true;
	if (record &&
	    rollout_goes_on(&keeper->ledger, rollout->name, &rollout->document, rollout->version, record, &rollout->state)) {
		if (rollout->state.looked_ms > now_ms) /* of a keeper whose clock was ahead */
			rollout_shift(&rollout->state, now_ms - rollout->state.looked_ms);
		rollout->table = record->table;
		rollout->epoch = rollout->state.epoch;
		good = rollout_tallies_restore(rollout, record, now_ms, error) &&
		       rollout_truths_take(rollout, &record->truths, now_ms, error);
	} else {
		rollout_start(rollout, recorded);
	}
	rollout->due_ms = rollout_due_ms(rollout, now_ms);
	/* A look was missed. Engines have counted since the record, and tell it within a second. */
	if (rollout->state.phase != ROLLOUT_PENDING && rollout->due_ms < keeper->listens_ms) {
		const int64_t due_ms = keeper->listens_ms + KEEPER_SILENT_MS;
		rollout_skip(&rollout->document.plan, &rollout->state, due_ms - rollout->due_ms);
		rollout->due_ms = due_ms;
	}
	return good;
}

/* The former one's counts are newer than those of its record. */
static void list_pass(struct list *from, struct list *to)
{
	for (struct list_node *node = from->first, *next; node; node = next) {
		next = node->next;
		list_remove(node);
		list_add(to, node);
	}
}

static void counts_pass(struct kept_rollout *former, struct kept_rollout *rollout)
{
	if (!former || former->table != rollout->table)
		return;
	rollout_tallies_close(rollout);
	rollout_truths_close(rollout);
	list_pass(&former->tallies, &rollout->tallies);
	list_pass(&former->truths, &rollout->truths);
}

static bool owner_is(const struct kept_rollout *rollout, struct text kind, struct text name)
{
	return text_is(kind, rollout->owner.kind) && text_is(name, rollout->owner.name);
}

static bool version_follow(struct keeper *keeper, const struct control_version *version, const char *name, int64_t now_ms,
			   struct error *error)
{
	struct kept_rollout *former = keeper_rollout_find(keeper, text_of(name)), *rollout;
	if (former && former->version == version->version && owner_is(former, version->kind, version->name)) {
		former->is_found = true;
		return true;
	}
	if (!rollout_open(keeper, version, name, &rollout, error))
		return false;
	if (rollout && !rollout_restore(keeper, rollout, now_ms, error)) {
		rollout_close(rollout);
		return false;
	}
	if (rollout)
		counts_pass(former, rollout);
	if (former)
		rollout_drop(former);
	if (!rollout)
		return true;
	rollout->is_found = true;
	list_add(&keeper->rollouts, &rollout->node);
	return true;
}

/* ---- all rollouts ---- */

/* A name that cannot be part of a key has no record. */
static bool document_follow(struct keeper *keeper, const struct control_version *version, int64_t now_ms, struct error *error)
{
	const struct keeper_rollout_reader *reader = &keeper->options.rollouts;
	struct name_list names;
	if (!reader->list(reader->context, version->document, keeper->arena, &names, error))
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (control_choice_is_valid(text_of(names.items[i].text)) &&
		    !version_follow(keeper, version, names.items[i].text, now_ms, error))
			return false;
	return true;
}

static bool experiments_follow(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	const struct ledger_resource *resource;
	for (struct list_node *node = keeper->rollouts.first; node; node = node->next)
		LIST_OWNER(node, struct kept_rollout, node)->is_found = false;
	LIST_EACH_RESOURCE(&keeper->ledger, resource)
	{
		const bool has_experiments = text_is(resource->kind, "Experiment") || text_is(resource->kind, "Pipeline");
		const struct control_version *version = has_experiments ? ledger_applied(&keeper->ledger, resource) : NULL;
		if (version && !document_follow(keeper, version, now_ms, error))
			return false;
	}
	return true;
}

/* The Experiment of a name, or the resource whose step has it: its last table, which has no shares once it is gone, says which. */
static const struct ledger_resource *experiment_owner(const struct ledger *ledger, struct text name)
{
	const struct ledger_resource *own = ledger_resource_find(ledger, TEXT("Experiment"), name);
	const struct ledger_choice *choice = own ? NULL : ledger_choice_find(ledger, name);
	const struct ledger_table *table = choice ? control_table_at(ledger, choice, CONTROL_IN_FORCE) : NULL;
	return table ? ledger_resource_find(ledger, table->record.kind, table->record.name) : own;
}

/* The version that deleted the experiment of a name; NULL: it is another resource that had it. */
static const struct control_version *version_deleting(const struct ledger *ledger, struct text name)
{
	const struct ledger_resource *resource = experiment_owner(ledger, name);
	const struct ledger_version *version = resource ? ledger_in_force(ledger, resource) : NULL;
	return version && version->record.action == CONTROL_DELETE ? &version->record : NULL;
}

static bool moves_are_old(const struct ledger_rollout *recorded, int64_t now_ms)
{
	return recorded->count > 0 && now_ms - recorded->moves[recorded->count - 1]->record.time_ms >= KEEPER_MOVES_MS;
}

/* Ends the rollouts whose experiment is deleted, or has none any more. The moves of a deleted one can be read for a time, and those
 * of a next one of its name are counted on. */
static bool rollouts_end(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	for (struct list_node *node = keeper->rollouts.first, *next; node; node = next) {
		struct kept_rollout *rollout = LIST_OWNER(node, struct kept_rollout, node);
		next = node->next;
		if (!rollout->is_found)
			rollout_drop(rollout);
	}
	for (struct list_node *node = keeper->ledger.rollouts.first, *next; node; node = next) {
		struct ledger_rollout *recorded = LIST_OWNER(node, struct ledger_rollout, node);
		const struct control_version *version = control_choice_version(&keeper->ledger, recorded->name);
		const struct control_version *ending = version ? version : version_deleting(&keeper->ledger, recorded->name);
		next = node->next;
		if (keeper_rollout_find(keeper, recorded->name))
			continue;
		if ((ending && !rollout_withdraw(keeper, recorded, ending, now_ms, error)) ||
		    !rollout_remove(keeper, recorded, !version && moves_are_old(recorded, now_ms), now_ms, error))
			return false;
	}
	return true;
}

static bool rollout_look_now(struct keeper *keeper, struct kept_rollout *rollout, int64_t now_ms, struct error *error)
{
	struct rollout_look look = {.time_ms = now_ms, .epoch = rollout->state.epoch};
	struct rollout_move move;
	struct error reason = {0};
	if (!rollout_tallies_fold(rollout, now_ms, error))
		return false;
	rollout_tallies_sum(rollout, &look);
	rollout_truths_sum(rollout, &look);
	if (!rollout_look(&rollout->document.plan, &rollout->state, &look, &move, &reason)) {
		rollout->due_ms = now_ms + rollout->document.plan.check_every_ms;
		return rollout_ignore(keeper, text_of(rollout->name), &reason);
	}
	bool good = rollout_write(keeper, rollout, &move, (struct text){0}, (struct text){0}, now_ms, error);
	rollout->due_ms = rollout_due_ms(rollout, now_ms);
	return good;
}

bool keeper_rollouts_find(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	if (!keeper->options.rollouts.read ||
	    (keeper->has_rollouts && keeper->rollouts_of == keeper->ledger.activations))
		return true;
	if (!experiments_follow(keeper, now_ms, error) || !rollouts_end(keeper, now_ms, error))
		return false;
	keeper->has_rollouts = true;
	keeper->rollouts_of = keeper->ledger.activations;
	return true;
}

bool keeper_rollouts_look(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	if (!keeper_rollouts_find(keeper, now_ms, error))
		return false;
	for (struct list_node *node = keeper->rollouts.first; node; node = node->next) {
		struct kept_rollout *rollout = LIST_OWNER(node, struct kept_rollout, node);
		if (now_ms >= rollout->due_ms && !rollout_look_now(keeper, rollout, now_ms, error))
			return false;
	}
	return true;
}

int64_t keeper_rollouts_due(const struct keeper *keeper)
{
	int64_t due_ms = INT64_MAX;
	if (!keeper->options.rollouts.read)
		return due_ms;
	if (!keeper->has_rollouts)
		return 0;
	for (const struct list_node *node = keeper->rollouts.first; node; node = node->next) {
		const struct kept_rollout *rollout = LIST_OWNER(node, const struct kept_rollout, node);
		if (rollout->due_ms < due_ms)
			due_ms = rollout->due_ms;
	}
	return due_ms;
}

void keeper_rollouts_shift(struct keeper *keeper, int64_t by_ms)
{
	for (struct list_node *node = keeper->rollouts.first; node; node = node->next) {
		struct kept_rollout *rollout = LIST_OWNER(node, struct kept_rollout, node);
		rollout_shift(&rollout->state, by_ms);
		if (rollout->due_ms != INT64_MAX)
			rollout->due_ms += by_ms;
		for (struct list_node *tally = rollout->tallies.first; tally; tally = tally->next)
			LIST_OWNER(tally, struct kept_tally, node)->heard_ms += by_ms;
		for (struct list_node *truths = rollout->truths.first; truths; truths = truths->next)
			LIST_OWNER(truths, struct kept_truths, node)->heard_ms += by_ms;
	}
}

/* ---- proposals ---- */

bool keeper_rollouts_fault(struct keeper *keeper, const struct proposal_item *items, size_t count, int64_t now_ms, const char **why,
			   struct error *error)
{
	const struct record_list list = {count, items};
	if (!keeper_rollouts_find(keeper, now_ms, error))
		return false;
	return !keeper->options.rollouts.read ||
	       rollout_changes_fault(&keeper->ledger, &keeper->options.rollouts, &list, keeper->arena, why, error);
}

/* ---- commands ---- */

bool keeper_commands_rollout(const struct proposal *proposal)
{
	const struct proposal_item *items = proposal->items.items;
	for (size_t i = 0; i < proposal->items.count; i++)
		if (text_equal(items[i].kind, ROLLOUT_COMMAND_KIND))
			return true;
	return false;
}

/* ROLLOUT_COMMANDS_GIVEN: there is none of that name. */
static enum rollout_command_kind command_named(struct text name)
{
	size_t i = 0;
	while (i < ROLLOUT_COMMANDS_GIVEN && !text_is(name, rollout_command_names[i]))
		i++;
	return (enum rollout_command_kind)i;
}

static bool command_decide(struct keeper *keeper, struct kept_rollout *rollout, const struct proposal *proposal,
			   enum rollout_command_kind kind, int64_t now_ms, struct error *error)
{
	char by[ROLLOUT_BY_BYTES_MAX + 1];
	struct text author = proposal->author;
	if (author.length > ROLLOUT_BY_BYTES_MAX)
		author.length = ROLLOUT_BY_BYTES_MAX;
	memcpy(by, author.length > 0 ? author.bytes : "", author.length);
	by[author.length] = '\0';
	const struct rollout_command command = {.number = rollout->state.command + 1, .kind = kind, .time_ms = now_ms, .by = by};
	struct rollout_move move;
	struct error reason = {0};
	const bool fits = rollout_command(&rollout->document.plan, &rollout->state, &command, &move, &reason);
	if (!rollout_write(keeper, rollout, fits ? &move : NULL, proposal->author, proposal->reason, now_ms, error))
		return false;
	rollout->due_ms = rollout_due_ms(rollout, now_ms);
	if (!fits)
		return keeper_refuse(keeper, proposal->id, reason.text, now_ms, error);
	struct control_verdict verdict = {.id = proposal->id, .outcome = VERDICT_ACCEPTED};
	return keeper_verdict_write(keeper, &verdict, now_ms, error);
}

/* Whoever gave it may not want it now: two people approve a stage at once, or one sends an approval again. `why` says so; NULL: it
 * is not so. False: memory ran out. */
static bool command_outdated(struct keeper *keeper, const struct kept_rollout *rollout, const struct proposal_item *item,
			     const char **why, struct error *error)
{
	const struct ledger_rollout *recorded = ledger_rollout_find(&keeper->ledger, text_of(rollout->name));
	const struct control_move *last = recorded && recorded->count > 0 ? &recorded->moves[recorded->count - 1]->record : NULL;
	char at[MOMENT_BYTES];
	*why = NULL;
	if (item->expected == PROPOSAL_EXPECTS_ANY || item->expected == (int64_t)rollout->state.moves || !last)
		return true;
	moment_print(last->time_ms, at);
	*why = arena_print(keeper->arena,
			   "the rollout of `%s` has moved since move %" PRId64
			   ", the last that this command has seen: move %" PRId64 ", at %s: " TEXT_FORMAT
			   " Look at it by `sluice experiments status %s`, and give the command again if it "
			   "is still to be",
			   rollout->name, item->expected, last->number, at, TEXT_ARGUMENTS(last->sentence), rollout->name);
	return *why || error_memory(error, ERROR_SYSTEM, "refusing a command of a rollout");
}

bool keeper_rollout_command(struct keeper *keeper, const struct proposal *proposal, int64_t now_ms, struct error *error)
{
	const struct proposal_item *item = proposal->items.items;
	if (!keeper_rollouts_look(keeper, now_ms, error))
		return false;
	struct kept_rollout *rollout = keeper_rollout_find(keeper, item->name);
	const enum rollout_command_kind kind = command_named(item->document);
	const char *why = NULL;
	if (proposal->items.count > 1)
		why = "a command of a rollout is a proposal of its own; send it without other documents";
	else if (kind == ROLLOUT_COMMANDS_GIVEN)
		why = "no rollout has that command; promote, rollback, pause, resume and approve are those that there are";
	else if (!rollout)
		why = arena_print(keeper->arena,
				  "no rollout of `" TEXT_FORMAT "` runs: apply an Experiment of that name with a `default` and a "
				  "`progressiveDeployment`; `sluice experiments list` shows those that run",
				  TEXT_ARGUMENTS(item->name));
	else if (!command_outdated(keeper, rollout, item, &why, error))
		return false;
	return why ? keeper_refuse(keeper, proposal->id, why, now_ms, error)
		   : command_decide(keeper, rollout, proposal, kind, now_ms, error);
}
