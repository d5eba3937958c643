/* group_list.h: Consumer groups of an engine, and their change to another revision: the groups that are new are opened, and all get
 * a setup, before anything of it takes effect. Private to the engine; called from the thread of engine_run(). */
#pragma once

#include "engine/setup/group_setup.h"
#include "engine/learn/learners.h"
#include "engine/setup/model_clients.h"

struct group_list {
	const struct engine_config *config;
	struct arena *arena;	      /* lives as long as the engine */
	struct learner_boards boards; /* of all groups */
	struct model_demands demands; /* of all groups */
	struct alert_counters alerts; /* likewise */
	struct group *first;
};

/* The groups of a list for a revision: the new ones, which are opened and not started, and the setup of each. */
struct group_change {
	struct group *made;
	struct made_setup *items;
	size_t count;
};

/* What setups are made from. `users` counts open stages of the revision; the arena lives as long as the revision. */
struct group_basis {
	const struct revision *revision;
	atomic_size_t *users;
	struct arena *arena;
	uint64_t renewed; /* revision at which all stages without state are opened again; 0: none yet */
};

/* The group of that name; NULL: there is none. */
struct group *group_list_find(const struct group_list *list, const char *name);

/* Makes the change. False: the list is as it was, and `error` has the reason. */
bool group_change_make(struct group_list *list, const struct group_basis *basis, struct group_change *change, struct error *error);

/* Gives the groups that were there their setups. To be called when the new groups are part of the list. */
void group_change_follow(const struct group_change *change);
