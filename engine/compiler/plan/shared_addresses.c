/* shared_addresses.c: Models of different resources that would be called by one name at one address, as those of two
 * SeldonDeployments whose nodes have one name, with one `--server NODE=URL`. One of them would answer for the other, so each
 * needs an address of its own, or the one that its whole name is given.
 */
#include "compiler/plan/compile.h"
#include "compiler/graph/model_name.h"

#define LINES_MOST 4 /* that one advice proposes */

/* A callee whose address says nothing of its resource. Versions of one Model are told apart by the control plane. */
struct place_user {
	struct pipeline_plan *plan;
	struct callee *callee;
};

static bool address_is_own(const struct callee *callee)
{
	const struct endpoint *endpoint = &callee->endpoint;
	return callee->target != CALL_MODEL || !endpoint->addresses || endpoint->is_given_whole || endpoint->served_name ||
	       endpoint->origin == ENDPOINT_URI || endpoint->origin == ENDPOINT_STUB;
}

/* Lists them, and their addresses with their names there as `places`; only counts with `users` NULL. */
static size_t users_list(struct compiler *compiler, struct place_user *users, struct name_entry *places)
{
	size_t count = 0;
	for (size_t i = 0; i < compiler->plan->count; i++)
		for (size_t j = 0; j < compiler->plan->pipelines[i].callee_count; j++) {
			struct pipeline_plan *plan = &compiler->plan->pipelines[i];
			struct callee *callee = &plan->callees[j];
			if (address_is_own(callee))
				continue;
			if (users) {
				const char *place = arena_print(compiler->arena, "%s %s", model_served_name(callee->name),
								callee->endpoint.addresses);
				users[count] = (struct place_user){plan, callee};
				places[count] = (struct name_entry){text_of(place ? place : ""), count};
			}
			count++;
		}
	return count;
}

static struct place step_place(const struct place_user *user)
{
	const struct graph_step *step = &user->plan->graph->steps[user->callee->step];
	return step->explained ? user->plan->graph->steps[step->explained_index].spec->name.place : step->spec->name.place;
}

/* Of nodes that name no artifact, those of one SeldonDeployment are one: methods of one node, or predictors that share it. */
static bool is_one_deployment(const struct place_user *a, const struct place_user *b)
{
	const struct resource *made_of = a->plan->graph->resource->made_of;
	return made_of && made_of == b->plan->graph->resource->made_of;
}

/* Whether one artifact is meant, or the same model of the files. */
static bool is_one_model(const struct place_user *a, const struct place_user *b)
{
	const char *left = a->callee->endpoint.artifact, *right = b->callee->endpoint.artifact;
	if (left && right)
		return strcmp(left, right) == 0;
	return strcmp(a->callee->name, b->callee->name) == 0 || (!left && !right && is_one_deployment(a, b));
}

static bool is_listed_before(const struct place_user *users, const struct name_entry *places, size_t until)
{
	for (size_t i = 0; i < until; i++)
		if (strcmp(users[places[i].index].callee->name, users[places[until].index].callee->name) == 0)
			return true;
	return false;
}

static const char *shared_advice(struct compiler *compiler, const struct place_user *users, const struct name_entry *places,
				 size_t count)
{
	const struct place_user *first = &users[places[0].index];
	const char *lines = "";
	size_t listed = 0;
	for (size_t i = 0; lines && i < count && listed < LINES_MOST; i++)
		if (!is_listed_before(users, places, i))
			lines = arena_print(compiler->arena, "%s%s--server %s=http://HOST:PORT", lines, listed++ ? " " : "",
					    users[places[i].index].callee->name);
	return arena_print(compiler->arena,
			   "%s (%s) has one `%s`, and the files have more than one; give each its own: %s%s",
			   first->callee->endpoint.addresses, endpoint_origin_text(first->callee->endpoint.origin),
			   model_served_name(first->callee->name), lines, listed == LINES_MOST ? " ..." : "");
}

/* The users of one place. */
static void users_judge(struct compiler *compiler, const struct place_user *users, const struct name_entry *places, size_t count)
{
	bool one = true;
	for (size_t i = 1; i < count; i++)
		one = one && is_one_model(&users[places[0].index], &users[places[i].index]);
	const char *advice = one ? NULL : shared_advice(compiler, users, places, count);
	for (size_t i = 0; advice && i < count; i++) {
		const struct place_user *user = &users[places[i].index];
		user->callee->endpoint = (struct endpoint){.advice = advice};
		note_add(compiler, &user->plan->notes, step_place(user), "model `%s` has no endpoint: %s", user->callee->name,
			 advice);
	}
}

void plan_shared_addresses(struct compiler *compiler)
{
	const size_t count = users_list(compiler, NULL, NULL);
	struct place_user *users = count > 1 ? ARENA_ARRAY(compiler->arena, struct place_user, count) : NULL;
	struct name_index places = {count, count > 1 ? ARENA_ARRAY(compiler->arena, struct name_entry, count) : NULL};
	if (!users || !places.items)
		return;
	(void)users_list(compiler, users, places.items);
	if (arena_failed(compiler->arena))
		return;
	names_sort(&places);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && text_equal(places.items[from].name, places.items[to].name);)
			to++;
		users_judge(compiler, users, places.items + from, to - from);
	}
}
