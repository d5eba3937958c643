/* change_rollback.c: see change_rollback.h. */
#include "tools/client/control/change_rollback.h"

#include "base/number/number.h"
#include "tools/client/control/control_session.h"
#include "control/keeper/state_labels.h"
#include "message/json/json_write.h"

#define NAME_FORMAT "`" TEXT_FORMAT "/" TEXT_FORMAT "`"
#define NAME_ARGUMENTS(resource) TEXT_ARGUMENTS((resource)->kind), TEXT_ARGUMENTS((resource)->name)

/* Versions are numbered without a gap, so a missing number is a version that was removed. */
enum version_before version_before_find(const struct ledger *ledger, const struct ledger_resource *resource, int64_t version,
					const struct ledger_version **before)
{
	size_t i = resource->count;
	int64_t next = version;
	while (i > 0 && resource->versions[i - 1]->record.version >= version)
		i--;
	for (; i > 0 && resource->versions[i - 1]->record.version == next - 1; i--, next--) {
		*before = resource->versions[i - 1];
		if (ledger_phase(ledger, *before) != CHANGE_FAILED)
			return BEFORE_FOUND;
	}
	*before = NULL;
	return next == 1 ? BEFORE_ABSENT : BEFORE_UNKNOWN;
}

bool change_reference_read(const char *word, int64_t *change)
{
	struct text text = text_of(word);
	uint64_t number;
	const size_t prefix = strcspn(word, "/");
	const struct text kind = {word, prefix};
	if (prefix == text.length || !(text_equal_caseless(kind, TEXT("change")) || text_equal_caseless(kind, TEXT("changes"))) ||
	    !number_read_uint64(text_of(word + prefix + 1), &number) || number > CONTROL_NUMBER_MAX)
		return false;
	*change = (int64_t)number;
	return true;
}

/* ---- a change with all its resources ---- */

/* Whether a resource at `now` is as it was at `before`; NULL: it was not there. Labels of the keeper are each version's own. */
static bool version_has_returned(const struct control_version *now, const struct ledger_version *before)
{
	if (!before || before->record.action == CONTROL_DELETE || now->action == CONTROL_DELETE)
		return now->action == CONTROL_DELETE && (!before || before->record.action == CONTROL_DELETE);
	const struct control_label *labels = before->record.labels.items;
	for (size_t i = 0; i < before->record.labels.count; i++)
		if (!label_is_of_keeper(&labels[i]) && !version_has_label(now, labels[i].key, labels[i].value))
			return false;
	return text_equal(now->document, before->record.document);
}

static bool resource_return(const struct ledger *ledger, int64_t change, const struct resource_version *made,
			    struct proposal_item *items, size_t *count, struct error *error)
{
	const struct ledger_resource *resource = ledger_resource_find(ledger, made->kind, made->name);
	const struct ledger_version *before = NULL, *now = resource ? ledger_accepted(ledger, resource) : NULL;
	const enum version_before found =
		now ? version_before_find(ledger, resource, made->version, &before) : BEFORE_UNKNOWN;
	if (now && now->record.version != made->version) {
		if (found != BEFORE_UNKNOWN && version_has_returned(&now->record, before))
			return true;
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 NAME_FORMAT " is at version %lld, of change %lld, and change %lld made version %lld: roll back "
					     "change %lld first, or each resource by itself, as in `sluice rollback " TEXT_FORMAT
					     "/" TEXT_FORMAT " --to VERSION`",
				 NAME_ARGUMENTS(made), (long long)now->record.version, (long long)now->record.change,
				 (long long)change, (long long)made->version, (long long)now->record.change, NAME_ARGUMENTS(made));
	}
	if (found == BEFORE_UNKNOWN)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the version of " NAME_FORMAT " before change %lld is not kept any more; `sluice history "
				 TEXT_FORMAT "/" TEXT_FORMAT "` lists those kept",
				 NAME_ARGUMENTS(made), (long long)change, NAME_ARGUMENTS(made));
	items[(*count)++] = (struct proposal_item){.kind = resource->kind,
						   .name = resource->name,
						   .action = before ? PROPOSAL_ROLLBACK : PROPOSAL_DELETE,
						   .expected = resource_expected(ledger, resource),
						   .to = before ? before->record.version : 0};
	return true;
}

bool change_rollback_items(const struct ledger *ledger, int64_t change, struct arena *arena, struct record_list *items,
			   struct error *error)
{
	const struct ledger_change *found = ledger_change_find(ledger, change);
	if (!found)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "namespace `%s` has no change %lld, or keeps none of its versions any more; `sluice history` "
				 "lists the changes",
				 ledger->namespace, (long long)change);
	if (found->record.phase == CHANGE_FAILED)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "change %lld failed, so nothing of it is in force: " TEXT_FORMAT,
				 (long long)change, TEXT_ARGUMENTS(found->record.why));
	const struct resource_version *made = found->record.versions.items;
	const size_t most = found->record.versions.count;
	struct proposal_item *list = ARENA_ARRAY(arena, struct proposal_item, most);
	size_t count = 0;
	if (!list)
		return error_memory(error, ERROR_SYSTEM, "rolling back a change");
	for (size_t i = 0; i < most; i++)
		if (!resource_return(ledger, change, &made[i], list, &count, error))
			return false;
	*items = (struct record_list){count, list};
	return count > 0 || error_set(error, ERROR_CONFIG, PLACE_NONE,
				      "all resources of change %lld are already as they were before it", (long long)change);
}

/* ---- what a rollback leaves in force ---- */

static bool items_have(const struct record_list *items, const struct resource_version *resource)
{
	const struct proposal_item *list = items->items;
	for (size_t i = 0; i < items->count; i++)
		if (text_equal(list[i].kind, resource->kind) && text_equal(list[i].name, resource->name))
			return true;
	return false;
}

static void rest_line(const struct ledger *ledger, int64_t change, const struct resource_version *made, bool json,
		      struct buffer *out)
{
	const struct ledger_version *before = NULL;
	const struct ledger_resource *resource = ledger_resource_find(ledger, made->kind, made->name);
	const struct ledger_version *now = resource ? ledger_accepted(ledger, resource) : NULL;
	if (!now || now->record.version != made->version)
		return;
	const bool is_new = version_before_find(ledger, resource, made->version, &before) == BEFORE_ABSENT;
	const bool is_deleted = now->record.action == CONTROL_DELETE;
	const char *done = is_deleted ? "deleted" : is_new ? "created" : "changed";
	if (json) {
		buffer_print(out, "{\"change\": %lld, ", (long long)change);
		json_write_member(out, "", "kind", made->kind);
		json_write_member(out, ", ", "name", made->name);
		json_write_member(out, ", ", "effect", text_of(done));
		buffer_print(out, ", \"stays_at\": %lld}\n", (long long)made->version);
		return;
	}
	buffer_print(out,
		     "change %lld also %s " TEXT_FORMAT "/" TEXT_FORMAT ", still at version %lld: `sluice %s " TEXT_FORMAT
		     "/" TEXT_FORMAT "` undoes that\n",
		     (long long)change, done, NAME_ARGUMENTS(made), (long long)made->version, is_new ? "delete" : "rollback",
		     NAME_ARGUMENTS(made));
}

void rollback_rest_print(const struct ledger *ledger, const struct record_list *items, bool json, struct buffer *out)
{
	const struct proposal_item *list = items->items;
	for (size_t i = 0; i < items->count; i++) {
		const struct ledger_resource *resource = ledger_resource_find(ledger, list[i].kind, list[i].name);
		for (size_t j = 0; resource && j < resource->count; j++) {
			const struct ledger_version *version = resource->versions[j];
			const struct ledger_change *change = ledger_change_find(ledger, version->record.change);
			if (version->record.version <= list[i].to || !change || change->record.phase == CHANGE_FAILED)
				continue;
			const struct resource_version *made = change->record.versions.items;
			for (size_t k = 0; k < change->record.versions.count; k++)
				if (!items_have(items, &made[k]))
					rest_line(ledger, change->record.number, &made[k], json, out);
		}
	}
}
