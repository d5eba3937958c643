/* keeper_collect.c: Removal of versions, changes and verdicts that are no longer needed. */
#include "control/keeper/keeper_parts.h"

#include "control/keeper/kept_versions.h"

/* Needed in any case: the newest version, after which numbers continue; the one in force; those that may still come into
 * force; and those that experiments name. */
static bool version_is_needed(const struct ledger *ledger, const struct ledger_resource *resource,
			      const struct ledger_version *version, const struct ledger_version *current)
{
	return version == ledger_newest(resource) || version == current || ledger_phase(ledger, version) == CHANGE_ACCEPTED ||
	       kept_version_is_named(ledger, resource, version);
}

/* Whether a version that the change names, or a bucket table of it, is still kept. */
static bool change_is_needed(const struct keeper *keeper, const struct ledger_change *change)
{
	const struct ledger *ledger = &keeper->ledger;
	const struct resource_version *versions = change->record.versions.items;
	for (size_t i = 0; i < change->record.versions.count; i++) {
		const struct ledger_resource *resource = ledger_resource_find(ledger, versions[i].kind, versions[i].name);
		if (resource && ledger_version_find(resource, versions[i].version))
			return true;
	}
	return keeper_tables_need(keeper, change->record.number);
}

bool keeper_collect(struct keeper *keeper, struct ledger_resource *resource, size_t keep, int64_t now_ms, struct error *error)
{
	const struct ledger_version *current = ledger_in_force(&keeper->ledger, resource);
	for (size_t i = 0; resource->count > keep && i < resource->count;) {
		const struct ledger_version *version = resource->versions[i];
		if (version_is_needed(&keeper->ledger, resource, version, current)) {
			i++;
			continue;
		}
		int64_t number = version->record.change;
		struct text key = keeper_key_of_version(keeper, resource->kind, resource->name, version->record.version);
		if (!keeper_write(keeper, NULL, NULL, key, now_ms, error))
			return false;
		const struct ledger_change *change = ledger_change_find(&keeper->ledger, number);
		if (change && !change_is_needed(keeper, change) &&
		    !keeper_write(keeper, NULL, NULL, keeper_key_of_change(keeper, number), now_ms, error))
			return false;
	}
	return true;
}

bool keeper_collect_verdicts(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	while (keeper->ledger.verdict_count > KEEPER_VERDICTS) {
		const struct ledger_verdict *oldest =
			LIST_OWNER(keeper->ledger.verdicts.first, const struct ledger_verdict, node);
		if (!keeper_write(keeper, NULL, NULL, keeper_key_of_verdict(keeper, oldest->record.id), now_ms, error))
			return false;
	}
	return true;
}
