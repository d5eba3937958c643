/* group_list.c: see group_list.h. */
#include "engine/run/group_list.h"

#include <assert.h>
#include <string.h>

#include "engine/setup/memory_shares.h"
#include "engine/run/worker_threads.h"

static struct group *group_named(struct group *group, const char *name)
{
	while (group && strcmp(group->name, name) != 0)
		group = group->next;
	return group;
}

struct group *group_list_find(const struct group_list *list, const char *name)
{
	return group_named(list->first, name);
}

static struct group *group_make(struct group_list *list, const struct plan_group *plan)
{
	struct group *group = ARENA_NEW(list->arena, struct group);
	if (!group)
		return NULL;
	group->name = arena_copy(list->arena, plan->name, strlen(plan->name));
	group->exactly_once = plan->exactly_once && !list->config->at_least_once;
	group->observes = plan->observes;
	group->explains = plan->explains;
	group->worker_count = group_watches(group) ? 1 : list->config->workers;
	group->board = list->boards.verdicts;
	group->policies = list->boards.policies;
	group->rollouts = list->boards.rollouts;
	group->demands = &list->demands;
	group->alerts = &list->alerts;
	group->reads.arena = group->writes.arena = group->taps.arena = list->arena;
	return arena_failed(list->arena) ? NULL : group;
}

/* Makes the groups that are new in a revision; the list does not have them yet. */
static bool groups_make(struct group_list *list, const struct revision *revision, struct group **made, struct error *error)
{
	const struct plan *plan = &revision->plan;
	struct plan_group groups[PLAN_GROUPS_MAX];
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; !revision_holds(revision, i) && j < plan_pipeline_groups(&plan->pipelines[i], groups); j++) {
			if ((groups[j].observes && list->config->observers_off) || group_named(list->first, groups[j].name) ||
			    group_named(*made, groups[j].name))
				continue;
			struct group *group = group_make(list, &groups[j]);
			if (!group)
				return error_memory(error, ERROR_SYSTEM, "preparing workers");
			group->next = *made;
			*made = group;
		}
	return true;
}

static size_t groups_counted(const struct group *group)
{
	size_t count = 0;
	for (; group; group = group->next)
		count++;
	return count;
}

static void workers_count(const struct group *group, struct group_workers *workers)
{
	for (; group; group = group->next)
		*(group_watches(group) ? &workers->watching : &workers->answering) += group->worker_count;
}

/* Opens all of the groups, or none. */
static bool groups_open(struct group_list *list, struct group *made, struct error *error)
{
	struct group_workers workers = {0};
	bool good = true;
	workers_count(list->first, &workers);
	workers_count(made, &workers);
	for (struct group *group = made; group && good; group = group->next) {
		struct memory_shares shares;
		good = memory_shares_make(list->config, &workers, group_watches(group), list->arena, &shares, error) &&
		       worker_threads_open(group, list->config, &shares, list->arena, error);
	}
	for (struct group *group = made; group && !good; group = group->next)
		worker_threads_close(group);
	return good;
}

struct made_setup {
	struct group *group;
	struct worker_setup *setup;
};

/* Makes the setups of all groups before any of them is used, so that an error leaves the list unchanged. */
static bool setups_make(const struct group_list *list, const struct group_basis *basis, struct group *groups,
			struct group_change *change, struct error *error)
{
	for (struct group *group = groups; group; group = group->next) {
		struct worker_setup *setup =
			group_setup_make(group, basis->revision, list->config, basis->users, basis->arena, list->arena, error);
		if (!setup)
			return false;
		setup->renewed = basis->renewed;
		change->items[change->count++] = (struct made_setup){group, setup};
	}
	return true;
}

/* Gives new groups their first setup. Workers of the other groups get theirs in group_change_follow(). */
static void setups_begin(const struct group_change *change)
{
	for (size_t i = 0; i < change->count; i++)
		if (!change->items[i].group->setup)
			group_setup_follow(change->items[i].group, change->items[i].setup);
}

void group_change_follow(const struct group_change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct group *group = change->items[i].group;
		if (group->setup != change->items[i].setup)
			worker_threads_reload(group, change->items[i].setup);
	}
}

bool group_change_make(struct group_list *list, const struct group_basis *basis, struct group_change *change, struct error *error)
{
	assert(basis->revision && basis->users && basis->arena);
	const size_t most = groups_counted(list->first) + basis->revision->plan.count * PLAN_GROUPS_MAX;
	*change = (struct group_change){.items = ARENA_ARRAY(basis->arena, struct made_setup, most)};
	if (!change->items)
		return error_memory(error, ERROR_SYSTEM, "preparing workers");
	if (!groups_make(list, basis->revision, &change->made, error) || !setups_make(list, basis, change->made, change, error) ||
	    !setups_make(list, basis, list->first, change, error))
		return false;
	assert(change->count <= most);
	setups_begin(change);
	return groups_open(list, change->made, error);
}
