/* keeper_decide.c: Decisions about proposals: checks all documents, accepts or refuses them, and writes the verdict. */
#include <inttypes.h>
#include <stdio.h>

#include "control/keeper/keeper_parts.h"
#include "control/keeper/state_labels.h"

#define WORDS_MAX 400
#define DOCUMENTS_BYTES_MAX ((size_t)64 << 20) /* of a proposal; a rollback of many resources can have more than its record */

/* A proposal being decided: its items, with the resource of each. */
struct decision {
	const struct proposal *proposal;
	struct proposal_item *items; /* ROLLBACK is replaced by the version to return to */
	struct ledger_resource **resources; /* of each item; NULL: it does not exist yet */
	size_t count;
};

/* ---- verdicts ---- */

/* ---- faults of items ---- */

static bool item_is(const struct proposal_item *item, struct text kind, struct text name)
{
	return text_equal(item->kind, kind) && text_equal(item->name, name);
}

static const char *item_print(struct keeper *keeper, const struct proposal_item *item, const char *words)
{
	return arena_print(keeper->arena, "`" TEXT_FORMAT "/" TEXT_FORMAT "`%s", TEXT_ARGUMENTS(item->kind),
			   TEXT_ARGUMENTS(item->name), words);
}

/* Replaces a ROLLBACK by an APPLY or DELETE of the version to return to. Returns the fault of an item; NULL: none. */
static const char *item_resolve(struct keeper *keeper, struct proposal_item *item, const struct ledger_resource *resource)
{
	if (item->action == PROPOSAL_DELETE && (!resource || !ledger_present(&keeper->ledger, resource)))
		return item_print(keeper, item, " is not there, so it cannot be deleted");
	if (item->action == PROPOSAL_DELETE)
		item->document = (struct text){0};
	if (item->action != PROPOSAL_ROLLBACK)
		return NULL;
	const struct ledger_version *version = resource ? ledger_version_find(resource, item->to) : NULL;
	if (!version)
		return arena_print(keeper->arena,
				   "`" TEXT_FORMAT "/" TEXT_FORMAT "` has no version %" PRId64
				   " any more; `sluice history` lists those kept",
				   TEXT_ARGUMENTS(item->kind), TEXT_ARGUMENTS(item->name), item->to);
	bool deletes = version->record.action == CONTROL_DELETE;
	item->action = deletes ? PROPOSAL_DELETE : PROPOSAL_APPLY;
	item->labels = version->record.labels;
	item->document = version->record.document;
	return NULL;
}

static bool name_may_be_empty(const struct proposal_item *item)
{
	return item->action == PROPOSAL_COLLECT && item->kind.length == 0 && item->name.length == 0;
}

/* Finds the resources of the items. Returns a sentence if one of the items can never be accepted; NULL: none. */
static const char *items_resolve(struct keeper *keeper, struct decision *decision)
{
	for (size_t i = 0; i < decision->count; i++) {
		struct proposal_item *item = &decision->items[i];
		if (!name_may_be_empty(item) && (!control_name_is_valid(item->kind) || !control_name_is_valid(item->name)))
			return item_print(keeper, item, " is no kind and name; neither may have spaces, `/` or `@`");
		for (size_t j = 0; j < i; j++)
			if (item_is(&decision->items[j], item->kind, item->name))
				return item_print(keeper, item, " is there twice; a proposal has each resource once");
		if (item->action == PROPOSAL_COLLECT && (item->to < 1 || item->to > KEEPER_VERSIONS))
			return arena_print(keeper->arena, "%" PRId64 " versions cannot be kept; 1 to %d can", item->to,
					   KEEPER_VERSIONS);
		decision->resources[i] = ledger_resource_find(&keeper->ledger, item->kind, item->name);
	}
	return NULL;
}

static bool item_expects(const struct ledger *ledger, const struct proposal_item *item, const struct ledger_resource *resource)
{
	const struct ledger_version *newest = resource ? ledger_newest(resource) : NULL;
	if (item->action == PROPOSAL_COLLECT || item->expected == PROPOSAL_EXPECTS_ANY)
		return true;
	if (item->expected == 0)
		return !resource || !ledger_present(ledger, resource);
	return newest && newest->record.version == item->expected;
}

/* The first item that expects another version than the newest; `count`: there is none. */
static size_t conflict_find(const struct ledger *ledger, const struct decision *decision)
{
	size_t i = 0;
	while (i < decision->count && item_expects(ledger, &decision->items[i], decision->resources[i]))
		i++;
	return i;
}

static bool conflict_write(struct keeper *keeper, const struct decision *decision, size_t index, int64_t now_ms,
			   struct error *error)
{
	const struct proposal_item *item = &decision->items[index];
	const struct ledger_version *newest = decision->resources[index] ? ledger_newest(decision->resources[index]) : NULL;
	struct resource_version there = {item->kind, item->name, newest ? newest->record.version : 0};
	struct control_verdict verdict = {.id = decision->proposal->id, .outcome = VERDICT_CONFLICT, .versions = {1, &there}};
	const char *why;
	if (newest) {
		verdict.other = newest->record.author;
		why = arena_print(keeper->arena,
				  "`" TEXT_FORMAT "/" TEXT_FORMAT "` is at version %" PRId64 ", %s by " TEXT_FORMAT
				  ", and version %" PRId64 " was expected; look at it and apply again",
				  TEXT_ARGUMENTS(item->kind), TEXT_ARGUMENTS(item->name), newest->record.version,
				  newest->record.action == CONTROL_DELETE ? "deleted" : "applied",
				  TEXT_ARGUMENTS(newest->record.author), item->expected);
	} else {
		why = arena_print(keeper->arena,
				  "`" TEXT_FORMAT "/" TEXT_FORMAT "` was never there, and version %" PRId64 " was expected",
				  TEXT_ARGUMENTS(item->kind), TEXT_ARGUMENTS(item->name), item->expected);
	}
	verdict.why = text_of(why);
	return keeper_verdict_write(keeper, &verdict, now_ms, error);
}

/* ---- acceptance ---- */

static bool version_write(struct keeper *keeper, const struct decision *decision, size_t index,
			  const struct keeper_findings *findings, int64_t change, int64_t now_ms, struct resource_version *made,
			  struct error *error)
{
	const struct proposal_item *item = &decision->items[index];
	struct record_list labels;
	if (!state_labels_merge(&item->labels, &findings->state_labels, item->kind, item->name, keeper->arena, &labels))
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	const struct ledger_resource *resource = decision->resources[index];
	const struct control_version record = {
		.kind = item->kind,
		.name = item->name,
		.namespace = text_of(keeper->options.namespace),
		.version = resource ? ledger_newest(resource)->record.version + 1 : 1,
		.action = item->action == PROPOSAL_DELETE ? CONTROL_DELETE : CONTROL_APPLY,
		.document = item->document,
		.author = decision->proposal->author,
		.reason = decision->proposal->reason,
		.proposal = decision->proposal->id,
		.time_ms = now_ms,
		.keeper = text_of(keeper->options.engine),
		.labels = labels,
		.change = change,
		.epoch = keeper->ledger.epoch,
	};
	*made = (struct resource_version){item->kind, item->name, record.version};
	return keeper_write(keeper, &version_form, &record,
			    keeper_key_of_version(keeper, item->kind, item->name, record.version), now_ms, error);
}

static bool change_write(struct keeper *keeper, const struct decision *decision, int64_t number, struct record_list versions,
			 int64_t now_ms, struct error *error)
{
	const struct control_change record = {
		.namespace = text_of(keeper->options.namespace),
		.number = number,
		.phase = CHANGE_ACCEPTED,
		.versions = versions,
		.author = decision->proposal->author,
		.proposal = decision->proposal->id,
		.time_ms = now_ms,
		.keeper = text_of(keeper->options.engine),
		.epoch = keeper->ledger.epoch,
	};
	return keeper_write(keeper, &change_form, &record, keeper_key_of_change(keeper, number), now_ms, error);
}

static bool items_collect(struct keeper *keeper, const struct proposal_item *item, int64_t now_ms, struct error *error)
{
	for (struct list_node *node = keeper->ledger.resources.first, *next; node; node = next) {
		struct ledger_resource *resource = LIST_OWNER(node, struct ledger_resource, node);
		next = node->next;
		if ((item->name.length == 0 || item_is(item, resource->kind, resource->name)) &&
		    !keeper_collect(keeper, resource, (size_t)item->to, now_ms, error))
			return false;
	}
	return true;
}

static bool proposal_accept(struct keeper *keeper, const struct decision *decision, const struct keeper_findings *findings,
			    int64_t now_ms, struct error *error)
{
	struct resource_version *made = ARENA_ARRAY(keeper->arena, struct resource_version, decision->count);
	int64_t change = keeper->ledger.last_change + 1;
	size_t count = 0;
	if (!made)
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	for (size_t i = 0; i < decision->count; i++)
		if (decision->items[i].action != PROPOSAL_COLLECT &&
		    !version_write(keeper, decision, i, findings, change, now_ms, &made[count++], error))
			return false;
	struct control_verdict verdict = {.id = decision->proposal->id,
					  .outcome = VERDICT_ACCEPTED,
					  .change = count > 0 ? change : 0,
					  .versions = {count, made}};
	if (count > 0 && !keeper_tables_write(keeper, &findings->tables, change, now_ms, error))
		return false;
	if (count > 0 && !change_write(keeper, decision, change, verdict.versions, now_ms, error))
		return false;
	for (size_t i = 0; i < decision->count; i++) {
		const struct proposal_item *item = &decision->items[i];
		struct ledger_resource *resource = ledger_resource_find(&keeper->ledger, item->kind, item->name);
		bool good = item->action == PROPOSAL_COLLECT ? items_collect(keeper, item, now_ms, error)
							     : keeper_collect(keeper, resource, KEEPER_VERSIONS, now_ms, error);
		if (!good)
			return false;
	}
	return keeper_verdict_write(keeper, &verdict, now_ms, error);
}

/* Calls the checker with the documents that would be written. */
static bool items_check(struct keeper *keeper, const struct decision *decision, struct keeper_findings *findings,
			struct error *error)
{
	const struct keeper_checker *checker = &keeper->options.checker;
	struct proposal_item *items = ARENA_ARRAY(keeper->arena, struct proposal_item, decision->count);
	size_t count = 0;
	*findings = (struct keeper_findings){0};
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	for (size_t i = 0; i < decision->count; i++)
		if (decision->items[i].action != PROPOSAL_COLLECT)
			items[count++] = decision->items[i];
	const struct record_list list = {count, items};
	return !checker->check || count == 0 ||
	       checker->check(checker->context, &list, &keeper->ledger, keeper->arena, findings, error);
}

static bool faults_write(struct keeper *keeper, const struct decision *decision, const struct record_list *faults, int64_t now_ms,
			 struct error *error)
{
	struct control_verdict verdict = {.id = decision->proposal->id, .outcome = VERDICT_REFUSED};
	struct verdict_fault kept[KEEPER_FAULTS];
	size_t count = faults->count < KEEPER_FAULTS ? faults->count : KEEPER_FAULTS;
	memcpy(kept, faults->items, count * sizeof *kept);
	for (size_t i = 0; i < count; i++)
		kept[i].text = keeper_words(kept[i].text);
	verdict.faults = (struct record_list){count, kept};
	char words[WORDS_MAX];
	(void)snprintf(words, sizeof words, "the documents have %zu %s; nothing was accepted", faults->count,
		       faults->count == 1 ? "error" : "errors");
	verdict.why = text_of(words);
	return keeper_verdict_write(keeper, &verdict, now_ms, error);
}

/* Resolves rollbacks. Called after conflict_find(): an author who has not seen the newest version gets a conflict
 * first. */
static const char *versions_resolve(struct keeper *keeper, struct decision *decision)
{
	const char *why = NULL;
	size_t bytes = 0;
	for (size_t i = 0; !why && i < decision->count; i++) {
		why = item_resolve(keeper, &decision->items[i], decision->resources[i]);
		bytes += decision->items[i].document.length;
	}
	if (!why && bytes > DOCUMENTS_BYTES_MAX)
		why = "its documents have more than 64 MiB together; make several proposals of them";
	return why;
}

bool keeper_decide(struct keeper *keeper, const struct proposal *proposal, int64_t now_ms, struct error *error)
{
	struct decision decision = {.proposal = proposal, .count = proposal->items.count};
	struct keeper_findings findings;
	if (decision.count == 0)
		return keeper_refuse(keeper, proposal->id, "the proposal has no documents", now_ms, error);
	if (decision.count > PROPOSAL_ITEMS_MAX)
		return keeper_refuse(keeper, proposal->id, PROPOSAL_ITEMS_WORDS, now_ms, error);
	decision.items = ARENA_ARRAY(keeper->arena, struct proposal_item, decision.count);
	decision.resources = ARENA_ARRAY(keeper->arena, struct ledger_resource *, decision.count);
	if (!decision.items || !decision.resources)
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	memcpy(decision.items, proposal->items.items, decision.count * sizeof *decision.items);
	const char *why = items_resolve(keeper, &decision);
	size_t conflict = why ? decision.count : conflict_find(&keeper->ledger, &decision);
	if (conflict < decision.count)
		return conflict_write(keeper, &decision, conflict, now_ms, error);
	if (!why)
		why = versions_resolve(keeper, &decision);
	if (!why && !keeper_rollouts_fault(keeper, decision.items, decision.count, now_ms, &why, error))
		return false;
	if (arena_failed(keeper->arena))
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	if (why)
		return keeper_refuse(keeper, proposal->id, why, now_ms, error);
	if (!items_check(keeper, &decision, &findings, error))
		return false;
	return findings.faults.count > 0 ? faults_write(keeper, &decision, &findings.faults, now_ms, error)
					 : proposal_accept(keeper, &decision, &findings, now_ms, error);
}
