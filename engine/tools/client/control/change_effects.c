/* change_effects.c: see change_effects.h. */
#include "tools/client/control/change_effects.h"

#include <stdio.h>

#include "base/number/moment.h"
#include "message/json/json_write.h"

#define WHEN_BYTES 200

struct effects_printing {
	struct change_effects *effects;
	struct buffer *out;
	struct error *error;
};

/* ---- changelogs of earlier versions ---- */

struct changelog_search {
	const char *changelog;
	bool found;
};

static bool changelog_look(void *context, const struct plan_changes *changes, struct arena *arena)
{
	struct changelog_search *search = context;
	(void)arena;
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == PLAN_STATE_ADDED && strcmp(changes->items[i].name, search->changelog) == 0)
			search->found = true;
	return true;
}

static bool version_has_changelog(struct change_effects *effects, const struct ledger_version *version, const char *changelog,
				  bool *has, struct error *error)
{
	const struct proposal_item item = {.kind = version->record.kind,
					   .name = version->record.name,
					   .action = PROPOSAL_APPLY,
					   .document = version->record.document};
	const struct record_list items = {1, &item};
	struct changelog_search search = {.changelog = changelog};
	bool good = document_check_effects(&effects->checker, &items, effects->ledger,
					   (struct document_effects){changelog_look, &search}, error);
	*has = search.found;
	return good;
}

static int64_t version_active_ms(const struct ledger *ledger, const struct ledger_version *version)
{
	const struct ledger_change *change = ledger_change_find(ledger, version->record.change);
	return change ? change->record.time_ms : version->record.time_ms;
}

/* The version that took over from the last one with the changelog. NULL: no kept version has it, or `error` is set. */
static const struct ledger_version *changelog_left_by(struct change_effects *effects, const struct plan_change *change,
						      struct error *error)
{
	const struct ledger_resource *resource = ledger_resource_find(effects->ledger, TEXT("Pipeline"), text_of(change->pipeline));
	const struct ledger_version *next = NULL;
	for (size_t i = resource ? resource->count : 0; i > 0; i--) {
		const struct ledger_version *version = resource->versions[i - 1];
		bool has = false;
		if (ledger_phase(effects->ledger, version) != CHANGE_ACTIVE)
			continue;
		if (next && version->record.action == CONTROL_APPLY &&
		    !version_has_changelog(effects, version, change->name, &has, error))
			return NULL;
		if (has)
			return next;
		next = version;
	}
	return NULL;
}

/* ---- lines ---- */

static void effect_line(const struct effects_printing *printing, const struct plan_change *change, const char *why)
{
	struct buffer *out = printing->out;
	const char *name = change->name ? change->name : "";
	if (!printing->effects->json) {
		buffer_print(out, "%s: %s%s%s%s%s\n", change->pipeline, plan_change_names[change->kind], *name ? " " : "", name,
			     *why ? ": " : "", why);
		return;
	}
	json_write_member(out, "{", "pipeline", text_of(change->pipeline));
	json_write_member(out, ", ", "effect", text_of(plan_change_names[change->kind]));
	json_write_member(out, ", ", "of", text_of(name));
	json_write_member(out, ", ", "why", text_of(why));
	buffer_print(out, "}\n");
}

static bool effect_print(const struct effects_printing *printing, const struct plan_change *change)
{
	char moment[MOMENT_BYTES], why[WHEN_BYTES];
	const struct ledger_version *left =
		change->kind == PLAN_STATE_ADDED ? changelog_left_by(printing->effects, change, printing->error) : NULL;
	if (!left) {
		effect_line(printing, change, change->why);
		return printing->error->kind == ERROR_NONE;
	}
	moment_print(version_active_ms(printing->effects->ledger, left), moment);
	(void)snprintf(why, sizeof why,
		       "continues from the state of version %lld at %s, unless that was deleted; it lacks the requests since",
		       (long long)left->record.version, moment);
	effect_line(printing, change, why);
	return true;
}

static bool is_kept(const struct plan_changes *changes, const struct plan_change *change)
{
	for (size_t i = 0; i < changes->count; i++)
		if ((changes->items[i].kind == PLAN_PIPELINE_ADDED || changes->items[i].kind == PLAN_PIPELINE_REMOVED) &&
		    strcmp(changes->items[i].pipeline, change->pipeline) == 0)
			return false;
	return change->kind == PLAN_DELIVERY_CHANGED || change->kind == PLAN_GROUP_CHANGED || change->kind == PLAN_STATE_ADDED ||
	       change->kind == PLAN_STATE_LEFT || change->kind == PLAN_WARM_START;
}

static bool change_is_shown(enum effects_extent extent, const struct plan_changes *changes, const struct plan_change *change)
{
	switch (extent) {
	case EFFECTS_KEPT:
		return is_kept(changes, change);
	case EFFECTS_STARTS:
		return change->kind == PLAN_WARM_START;
	default:
		return true;
	}
}

static bool effects_take(void *context, const struct plan_changes *changes, struct arena *arena)
{
	const struct effects_printing *printing = context;
	(void)arena;
	for (size_t i = 0; i < changes->count; i++)
		if (change_is_shown(printing->effects->extent, changes, &changes->items[i]) &&
		    !effect_print(printing, &changes->items[i]))
			return false;
	return true;
}

bool change_effects_print(struct change_effects *effects, const struct record_list *items, struct buffer *out, struct error *error)
{
	struct effects_printing printing = {effects, out, error};
	return document_check_effects(&effects->checker, items, effects->ledger, (struct document_effects){effects_take, &printing},
				      error);
}
