/* group_migration.c: see group_migration.h. */
#include "engine/run/group_migration.h"

#include "base/memory.h"
#include "kafka/consume/offset_migration.h"

#define MOVES_BYTES ((size_t)128 << 20) /* names of all topics that are read, and of their groups */
#define SAY_EVERY_MS 5000

static_assert(OFFSET_MIGRATION_FORMERS_MAX >= FORMER_GROUPS_MAX, "a topic has room for all former groups of its pipeline");

struct group_move {
	const char *group;
	struct offset_migration_topic *topics;
	size_t count;
};

struct group_moves {
	struct arena *arena;
	struct group_move *items;
	size_t count;
};

/* ---- topics of groups ---- */

static bool is_read(const struct topic *topic)
{
	return topic->role == TOPIC_INPUTS || topic->role == TOPIC_STAGE || topic->role == TOPIC_EXTERNAL;
}

static bool is_read_by(const struct pipeline_plan *pipeline, const struct topic *topic, const char *group)
{
	return is_read(topic) && strcmp(plan_topic_group(pipeline, topic), group) == 0;
}

/* Whether a pipeline of the plan reads the topic by that group. */
static bool group_reads(const struct plan *plan, const char *group, const char *name)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0; j < pipeline->topic_count; j++)
			if (is_read_by(pipeline, &pipeline->topics[j], group) && strcmp(pipeline->topics[j].name, name) == 0)
				return true;
	}
	return false;
}

static struct offset_migration_topic topic_of(const struct plan *plan, const struct pipeline_plan *pipeline,
					      const struct topic *topic, struct arena *arena)
{
	const bool observed = strcmp(plan_topic_group(pipeline, topic), pipeline->group) != 0;
	/* Observers and explainers were once read by the group of their pipeline. */
	const char *const observers[FORMER_GROUPS_MAX] = {pipeline->group, pipeline->former_groups[0]};
	struct offset_migration_topic read = {.name = arena_copy_string(arena, topic->name)};
	size_t formers = topic->role == TOPIC_EXTERNAL ? 1 : FORMER_GROUPS_MAX;
	for (size_t i = 0; i < formers; i++) {
		const char *former = observed ? observers[i] : pipeline->former_groups[i];
		read.formers[i] = arena_copy_string(arena, former);
		read.shared = read.shared || (former && group_reads(plan, former, topic->name));
	}
	return read;
}

static bool has_topic(const struct group_move *move, const char *name)
{
	for (size_t i = 0; i < move->count; i++)
		if (strcmp(move->topics[i].name, name) == 0)
			return true;
	return false;
}

/* The topics that the group reads for chosen pipelines, each once: an input may also be a trigger. */
static bool move_fill(struct group_move *move, const struct plan *plan, const bool *chosen, struct arena *arena)
{
	size_t room = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->pipelines[i].topic_count;
	move->topics = ARENA_ARRAY(arena, struct offset_migration_topic, room + 1);
	for (size_t i = 0; move->topics && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		if (chosen && !chosen[i])
			continue;
		for (size_t j = 0; j < pipeline->topic_count; j++)
			if (is_read_by(pipeline, &pipeline->topics[j], move->group) && !has_topic(move, pipeline->topics[j].name))
				move->topics[move->count++] = topic_of(plan, pipeline, &pipeline->topics[j], arena);
	}
	return !arena_failed(arena);
}

static bool moves_fill(struct group_moves *moves, const struct plan *plan, const bool *chosen)
{
	const char **groups = moves->arena ? plan_groups(plan, moves->arena, &moves->count) : NULL;
	moves->items = groups ? ARENA_ARRAY(moves->arena, struct group_move, moves->count + 1) : NULL;
	for (size_t i = 0; moves->items && i < moves->count; i++) {
		moves->items[i].group = arena_copy_string(moves->arena, groups[i]);
		if (arena_failed(moves->arena) || !move_fill(&moves->items[i], plan, chosen, moves->arena))
			return false;
	}
	return moves->items;
}

struct group_moves *group_moves_open(const struct plan *plan, const bool *chosen, struct error *error)
{
	struct group_moves *moves = memory_take(1, sizeof *moves);
	if (moves)
		moves->arena = arena_open(MOVES_BYTES);
	if (moves && moves_fill(moves, plan, chosen))
		return moves;
	group_moves_close(moves);
	return error_null(error_memory(error, ERROR_SYSTEM, "looking for former groups"));
}

void group_moves_close(struct group_moves *moves)
{
	if (!moves)
		return;
	arena_close(moves->arena);
	memory_give(moves);
}

/* ---- migration ---- */

static bool move_carry_out(const struct group_move *move, const struct engine_config *config, struct group_waiting waiting,
			   struct error *error)
{
	size_t moved;
	bool unmarked = false;
	const struct offset_migration_config migration = {.brokers = config->brokers,
							  .consumer = config->consumer,
							  .producer = config->producer,
							  .group = move->group,
							  .waits = waiting.waits,
							  .context = waiting.context,
							  .unmarked = &unmarked};
	if (!offset_migration_carry_out(&migration, move->topics, move->count, &moved, error))
		return false;
	if (moved > 0)
		log_say(config->log, LOG_LEVEL_INFO, NULL,
			"group %s continues where another group has read, in %zu partitions", move->group,
			moved);
	if (unmarked)
		log_say(config->log, LOG_LEVEL_WARN, NULL,
			"the former groups of group %s are not marked, so an engine that was frozen meanwhile may answer requests "
			"again: grant the rights that `sluice plan --acls` lists",
			move->group);
	return true;
}

bool group_moves_carry_out(const struct group_moves *moves, const struct engine_config *config, struct group_waiting waiting,
			   struct error *error)
{
	for (size_t i = 0; i < moves->count; i++)
		if (moves->items[i].count > 0 && !move_carry_out(&moves->items[i], config, waiting, error))
			return false;
	return true;
}

/* ---- before an engine starts ---- */

struct start_waiting {
	const struct log_sink *log;
	int64_t logged_ms; /* time of the last log line about the wait; 0: none yet */
};

/* Logs a wait at once, and then every few seconds. */
static bool start_waits(void *context, const char *who, int64_t waited_ms)
{
	struct start_waiting *waiting = context;
	if (waiting->logged_ms > 0 && waited_ms - waiting->logged_ms < SAY_EVERY_MS)
		return true;
	waiting->logged_ms = waited_ms > 0 ? waited_ms : 1;
	log_say(waiting->log, LOG_LEVEL_WARN, NULL,
		"%s; both would answer the same requests, so stop the engines that run the former files", who);
	return true;
}

bool group_migration_carry_out(const struct engine_config *config, const struct plan *plan, bool waits, struct error *error)
{
	struct start_waiting waiting = {.log = config->log};
	struct group_moves *moves = group_moves_open(plan, NULL, error);
	bool good = moves && group_moves_carry_out(moves, config,
						   (struct group_waiting){waits ? start_waits : NULL, &waiting}, error);
	group_moves_close(moves);
	return good;
}

/* ---- while an engine runs ---- */

static const struct pipeline_plan *namesake(const struct plan *plan, const struct pipeline_plan *pipeline)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *other = &plan->pipelines[i];
		if (strcmp(other->graph->name, pipeline->graph->name) == 0 && strcmp(other->namespace, pipeline->namespace) == 0)
			return other;
	}
	return NULL;
}

static bool reads_topic(const struct pipeline_plan *pipeline, const char *name)
{
	for (size_t i = 0; i < pipeline->topic_count; i++)
		if (is_read(&pipeline->topics[i]) && strcmp(pipeline->topics[i].name, name) == 0)
			return true;
	return false;
}

/* Whether the pipeline's group read all its topics before, so that it has its own offsets. */
static bool is_settled(const struct pipeline_plan *old, const struct pipeline_plan *pipeline)
{
	for (size_t i = 0; i < pipeline->topic_count; i++)
		if (is_read(&pipeline->topics[i]) && !reads_topic(old, pipeline->topics[i].name))
			return false;
	return true;
}

static bool goes_on_from(const struct pipeline_plan *pipeline, const char *group)
{
	for (size_t i = 0; i < FORMER_GROUPS_MAX && pipeline->former_groups[i]; i++)
		if (strcmp(pipeline->former_groups[i], group) == 0)
			return true;
	return false;
}

static bool joins_others(const struct pipeline_plan *pipeline)
{
	for (size_t i = 0; i < pipeline->stage_count; i++)
		if (pipeline->stages[i].joins)
			return plan_reads_others(pipeline);
	return false;
}

/* A group that an engine does not look for may still have readers, and its offsets are not moved. */
static bool is_movable(const struct pipeline_plan *old, const struct pipeline_plan *pipeline, struct error *error)
{
	if (old && joins_others(old) && !plan_reads_others(pipeline))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "pipeline %s joins topics of other pipelines, and would cease to read them: what waits there for "
				 "its other parts would never be answered. Apply the new one under another name, let the requests "
				 "go there, and delete this one when nothing waits in it",
				 pipeline->graph->name);
	if (!old || strcmp(old->group, pipeline->group) == 0 || goes_on_from(pipeline, old->group))
		return true;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "pipeline %s is read by group %s, and would be read by %s, which does not continue where that one is: the "
			 "pipeline would no longer read topics of other pipelines. Delete it and apply it again, if requests may "
			 "be answered again; else keep the input",
			 pipeline->graph->name, old->group, pipeline->group);
}

static bool held_make(struct revision *revision, struct error *error)
{
	if (!revision->held)
		revision->held = ARENA_ARRAY(revision->arena, bool, revision->plan.count + 1);
	return revision->held || error_memory(error, ERROR_SYSTEM, "looking for former groups");
}

/* Ends a wait that takes long: the pipelines are held. */
static bool prepare_waits(void *context, const char *who, int64_t waited_ms)
{
	bool *too_long = context;
	(void)who;
	*too_long = waited_ms >= GROUP_MIGRATION_PATIENCE_MS;
	return !*too_long;
}

static bool has_group(const struct pipeline_plan *pipeline, const char *group)
{
	struct plan_group groups[PLAN_GROUPS_MAX];
	const size_t count = plan_pipeline_groups(pipeline, groups);
	for (size_t i = 0; i < count; i++)
		if (strcmp(groups[i].name, group) == 0)
			return true;
	return false;
}

/* Migrates the chosen pipelines of a group, or holds them. */
static bool move_prepare(const struct group_move *move, const struct engine_config *config, struct revision *revision,
			 const bool *chosen, struct error *error)
{
	bool too_long = false;
	if (move->count == 0 || move_carry_out(move, config, (struct group_waiting){prepare_waits, &too_long}, error))
		return true;
	if (!too_long)
		return false;
	*error = (struct error){0};
	for (size_t i = 0; i < revision->plan.count; i++)
		if (chosen[i] && has_group(&revision->plan.pipelines[i], move->group))
			revision->held[i] = true;
	return true;
}

bool group_migration_prepare(const struct engine_config *config, const struct plan *before, struct revision *revision,
			     struct error *error)
{
	const struct plan *plan = &revision->plan;
	bool *chosen = ARENA_ARRAY(revision->arena, bool, plan->count + 1);
	if (!held_make(revision, error) || !chosen)
		return error_memory(error, ERROR_SYSTEM, "looking for former groups");
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i], *old = namesake(before, pipeline);
		if (!is_movable(old, pipeline, error))
			return false;
		revision->held[i] = old && strcmp(old->group, pipeline->group) != 0;
		chosen[i] = !revision->held[i] && !(old && is_settled(old, pipeline));
	}
	struct group_moves *moves = group_moves_open(plan, chosen, error);
	bool good = moves;
	for (size_t i = 0; good && i < moves->count; i++)
		good = move_prepare(&moves->items[i], config, revision, chosen, error);
	group_moves_close(moves);
	return good;
}

bool group_migration_hold(const struct revision *before, struct revision *revision, struct error *error)
{
	const struct plan *plan = &revision->plan;
	bool any = false;
	if (!held_make(revision, error))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *old = namesake(&before->plan, &plan->pipelines[i]);
		if (old)
			revision->held[i] = strcmp(old->group, plan->pipelines[i].group) != 0 ||
					    revision_holds(before, (size_t)(old - before->plan.pipelines)) ||
					    (revision->held[i] && !is_settled(old, &plan->pipelines[i]));
		any = any || revision->held[i];
	}
	if (!any)
		revision->held = NULL;
	return true;
}

bool group_migration_refuse(const struct plan *before, const struct plan *now, struct error *error)
{
	for (size_t i = 0; i < now->count; i++) {
		const struct pipeline_plan *pipeline = &now->pipelines[i], *old = namesake(before, pipeline);
		if (old && strcmp(old->group, pipeline->group) != 0)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "pipeline %s is read by group %s, and these files would change that to %s: offsets "
					 "are moved only when an engine starts; stop this one, and start it with these files",
					 pipeline->graph->name, old->group, pipeline->group);
	}
	return true;
}
