/* condition_board.c: see condition_board.h. */
#include "control/engine/condition_board.h"

#include "base/clock.h"
#include "base/memory.h"
#include "message/rows.h"
#include "engine/run/readiness.h"
#include "engine/setup/topic_difference.h"
#include "base/table.h"

#define SLOW "Slow"
#define BOARD_BYTES ((size_t)64 << 20) /* of one look: a KiB for each resource */

struct condition_board {
	const char *namespace, *engine;
	int64_t started_ms, sequence, sent_ms;
	int64_t changed_ms; /* of the monotonic clock: when a condition was another than at the look before */
	struct arena *arenas[2]; /* of the last look, and of the one before */
	const struct engine_condition *conditions; /* of the last look */
	size_t count;
	size_t unready;
};

struct condition_board *condition_board_open(const char *namespace, const char *engine, int64_t started_ms, struct error *error)
{
	struct condition_board *board = memory_take(1, sizeof *board);
	if (board)
		*board = (struct condition_board){.namespace = namespace,
						  .engine = engine,
						  .started_ms = started_ms,
						  .arenas = {arena_open(BOARD_BYTES), arena_open(BOARD_BYTES)}};
	if (board && board->arenas[0] && board->arenas[1])
		return board;
	condition_board_close(board);
	error_memory(error, ERROR_SYSTEM, "reporting conditions");
	return NULL;
}

void condition_board_close(struct condition_board *board)
{
	if (!board)
		return;
	arena_close(board->arenas[0]);
	arena_close(board->arenas[1]);
	memory_give(board);
}

/* ---- conditions ---- */

static void condition_worsen(struct engine_condition *condition, const char *what, struct text why)
{
	if (!condition->ready)
		return; /* the first reason */
	condition->ready = false;
	condition->what = text_of(what);
	condition->why = why;
}

/* Empty when memory runs out; then nothing is sent. */
static struct text reason_keep(struct arena *arena, const char *what, const char *why)
{
	const char *kept = arena_print(arena, "%s: %s", what, why);
	return text_of(kept ? kept : "");
}

/* It answers, so it stays ready. */
static void condition_slow(struct engine_condition *condition, const char *words, struct arena *arena)
{
	if (!text_is(condition->what, "Ready"))
		return;
	condition->what = TEXT(SLOW);
	condition->why = text_copied(arena, text_of(words));
}

/* The first difference among the pipelines of a resource. It answers, so it stays ready. */
static void topics_look(const struct topic_watch *topics, const struct pipeline_plan *pipeline,
			struct engine_condition *condition, struct arena *arena)
{
	const char *difference = topic_watch_difference(topics, pipeline->graph->name);
	if (!difference || !text_is(condition->what, "Ready"))
		return;
	condition->what = TEXT("Differs");
	condition->why = text_copied(arena, text_of(difference));
}

/* `held`: why no group reads it yet; "": one does. */
static void pipeline_look(const struct engine *engine, const struct pipeline_plan *pipeline,
			  const struct pipeline_readiness *readiness, const char *held, struct engine_condition *condition,
			  struct arena *arena)
{
	char words[CONDITION_WHY_BYTES] = "";
	if (held[0])
		condition_worsen(condition, "Waiting", reason_keep(arena, "its consumer group changes", held));
	else if (!readiness->has_followed || readiness->version == 0)
		condition_worsen(condition, "Starting", TEXT("the workers change to this version"));
	else if (readiness->absent.topic) {
		topic_absence_write(&readiness->absent, words, sizeof words);
		condition_worsen(condition, "Waiting", text_copied(arena, text_of(words)));
	} else if (!readiness->has_partitions)
		condition_worsen(condition, "Starting", TEXT("the consumer group assigns partitions"));
	else if (readiness->waits_for)
		condition_worsen(condition, "Waiting", text_of(readiness->waits_for));
	else if (readiness->former > 0 && engine_former(engine, pipeline->graph->name, false, words, sizeof words) > 0)
		condition_worsen(condition, "Waiting", text_copied(arena, text_of(words)));
	else if (readiness->models_away > 0) {
		engine_away_model(engine, pipeline->graph->name, words, sizeof words);
		condition_worsen(condition, "Waiting", reason_keep(arena, "a model that it calls is unreachable", words));
	}
}

static struct engine_condition resource_condition(const struct resource_version *resource, struct arena *arena)
{
	return (struct engine_condition){
		.kind = text_copied(arena, resource->kind),
		.name = text_copied(arena, resource->name),
		.version = resource->version,
		.ready = true,
		.what = TEXT("Ready"),
		.why = TEXT(""),
	};
}

/* It runs without the secret, so it stays ready. */
static void secrets_look(const struct revision *revision, const char *document, struct engine_condition *condition,
			 struct arena *arena)
{
	for (size_t i = 0; i < revision->withheld_count; i++)
		if (strcmp(revision->withheld[i].document, document) == 0) {
			condition->what = TEXT("NoSecret");
			condition->why = text_copied(arena, text_of(revision->withheld[i].why));
			return;
		}
}

/* A look at the resources: their conditions, and the conditions by KIND/NAME. */
struct resources_look {
	const struct engine *engine;
	const struct topic_watch *topics;
	const struct model_watch *models; /* NULL: slow ones are not known */
	const char *held; /* why pipelines that are held are */
	struct engine_condition *conditions;
	size_t count;
	struct state_table *by_name;
	size_t away; /* calls of pipelines to unreachable models */
	struct arena *arena;
};

static bool conditions_index(struct resources_look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		const struct engine_condition *condition = &look->conditions[i];
		const char *key = arena_print(look->arena, TEXT_FORMAT "/" TEXT_FORMAT, TEXT_ARGUMENTS(condition->kind),
					      TEXT_ARGUMENTS(condition->name));
		if (!key || !table_put(look->by_name, text_of(key), (struct text){(const char *)&i, sizeof i}, false))
			return false;
	}
	return true;
}

/* The condition of the resource that is the pipeline, or of which it is made. NULL: none. */
static struct engine_condition *condition_of_pipeline(const struct resources_look *look, const struct pipeline_plan *pipeline)
{
	const struct resource *origin = pipeline->graph->resource->made_of ? pipeline->graph->resource->made_of
									   : pipeline->graph->resource;
	const char *key = arena_print(look->arena, "%s/%s", origin->kind->name, origin->name.text ? origin->name.text : "");
	struct text value;
	size_t index;
	if (!key || !table_read(look->by_name, text_of(key), &value))
		return NULL;
	memcpy(&index, value.bytes, sizeof index);
	return &look->conditions[index];
}

static void model_look(const struct resources_look *look, struct engine_condition *condition)
{
	char words[CONDITION_WHY_BYTES] = "";
	if (look->away > 0 && engine_model_is_away(look->engine, condition->name.bytes, words, sizeof words))
		condition_worsen(condition, "Waiting", reason_keep(look->arena, "it is unreachable", words));
	else if (look->models && model_watch_is_slow(look->models, condition->name.bytes, words, sizeof words))
		condition_slow(condition, words, look->arena);
}

/* One pass over pipelines and one over resources: a namespace may have thousands of both. */
static bool pipelines_look(struct resources_look *look)
{
	const struct plan *plan = &engine_revision(look->engine)->plan;
	const struct pipeline_readiness *readiness = readiness_of_pipelines(look->engine, look->arena);
	char words[CONDITION_WHY_BYTES];
	if (!readiness || !conditions_index(look))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		struct engine_condition *condition = condition_of_pipeline(look, &plan->pipelines[i]);
		if (condition) {
			pipeline_look(look->engine, &plan->pipelines[i], &readiness[i],
				      revision_holds(engine_revision(look->engine), i) ? look->held : "", condition, look->arena);
			if (look->models && model_watch_slow(look->models, &plan->pipelines[i], words, sizeof words))
				condition_slow(condition, words, look->arena);
			topics_look(look->topics, &plan->pipelines[i], condition, look->arena);
		}
		look->away += readiness[i].models_away;
	}
	for (size_t i = 0; i < look->count; i++)
		if (text_is(look->conditions[i].kind, "Model"))
			model_look(look, &look->conditions[i]);
	return true;
}

/* Makes the conditions of the resources. False: memory ran out. */
static bool resources_look(const struct engine *engine, const struct board_state *state,
			   const struct control_documents *documents, struct engine_condition *conditions, struct arena *arena)
{
	char held[CONDITION_WHY_BYTES] = "offsets are moved";
	if (state->mover)
		(void)group_mover_waits(state->mover, held, sizeof held);
	struct resources_look look = {.engine = engine,
				      .topics = state->topics,
				      .models = state->models,
				      .held = held,
				      .conditions = conditions,
				      .count = documents->count,
				      .by_name = table_open(),
				      .arena = arena};
	for (size_t i = 0; i < documents->count; i++) {
		conditions[i] = resource_condition(&documents->versions[i], arena);
		secrets_look(engine_revision(engine), documents->documents[i].file, &conditions[i], arena);
	}
	bool good = look.by_name && !arena_failed(arena) && pipelines_look(&look);
	table_close(look.by_name);
	return good;
}

/* `failure`: the error by which the engine has ended; "": none. */
static struct engine_condition engine_look(const struct condition_board *board, const struct board_state *state, bool stopped,
					   const char *failure, struct arena *arena)
{
	struct engine_condition condition = {
		.kind = CONDITION_OF_ENGINE, .name = text_of(board->engine), .ready = true, .what = TEXT("Ready"), .why = TEXT("")};
	if (stopped && failure[0])
		condition_worsen(&condition, "Failed", reason_keep(arena, "the engine ended by an error", failure));
	if (state->failure[0])
		condition_worsen(&condition, "Failed", reason_keep(arena, "the documents in force cannot run", state->failure));
	if (state->unserved[0])
		condition_worsen(&condition, "Failed", reason_keep(arena, "the gateway does not serve", state->unserved));
	if (state->unfed[0])
		condition_worsen(&condition, "Failed", reason_keep(arena, "the feed cannot be read", state->unfed));
	if (state->cut_off[0])
		condition_worsen(&condition, "Failed", reason_keep(arena, "the control plane cannot be read", state->cut_off));
	if (stopped)
		condition_worsen(&condition, "Stopped", TEXT("the engine was stopped"));
	if (state->differs[0] && condition.ready) {
		condition.what = TEXT("Differs");
		condition.why = text_copied(arena, text_of(state->differs));
	}
	if (state->waiting[0] && condition.ready) {
		condition.what = TEXT("Waiting");
		condition.why = reason_keep(arena, "a change is not prepared, and the version before it runs", state->waiting);
	}
	if (state->is_stale && condition.ready) {
		condition.what = TEXT("Stale");
		condition.why = TEXT("the keeper does not report: changes wait");
	}
	return condition;
}

/* ---- changes ---- */

/* The condition of the same resource at the last look; the order seldom changes. NULL: there was none. */
static const struct engine_condition *condition_before(const struct condition_board *board, size_t index,
						       const struct engine_condition *now)
{
	for (size_t i = 0; i < board->count; i++) {
		const struct engine_condition *before = &board->conditions[(index + i) % board->count];
		if (text_equal(before->name, now->name) && text_equal(before->kind, now->kind))
			return before;
	}
	return NULL;
}

static bool condition_is_same(const struct engine_condition *before, const struct engine_condition *now)
{
	return before->version == now->version && before->ready == now->ready && text_equal(before->what, now->what);
}

/* Sets since when the conditions are so. True: one has changed. */
static bool conditions_compare(const struct condition_board *board, struct engine_condition *conditions, size_t count,
			       int64_t now_ms)
{
	bool has_changed = count != board->count;
	for (size_t i = 0; i < count; i++) {
		const struct engine_condition *before = condition_before(board, i, &conditions[i]);
		bool is_same = before && condition_is_same(before, &conditions[i]);
		conditions[i].since_ms = is_same ? before->since_ms : now_ms;
		/* The numbers of a slow model change at each look: they are sent with the others, every CONDITIONS_EVERY_MS. */
		has_changed |= !is_same || (!text_is(before->what, SLOW) && !text_equal(before->why, conditions[i].why));
	}
	return has_changed;
}

bool condition_board_look(struct condition_board *board, const struct engine *engine, const struct control_documents *documents,
			  const struct board_state *state, int64_t now_ms, bool stopped, struct engine_conditions *record)
{
	struct arena *arena = board->arenas[1];
	arena_reset(arena);
	size_t count = documents->count + 1;
	struct engine_condition *conditions = ARENA_ARRAY(arena, struct engine_condition, count);
	if (!conditions || !resources_look(engine, state, documents, conditions + 1, arena))
		return false;
	conditions[0] = engine_look(board, state, stopped, engine_failure(engine), arena);
	if (arena_failed(arena))
		return false;
	bool has_changed = conditions_compare(board, conditions, count, now_ms);
	bool is_due = has_changed || stopped || now_ms - board->sent_ms >= CONDITIONS_EVERY_MS || now_ms < board->sent_ms;
	if (has_changed)
		board->changed_ms = clock_ms();
	board->arenas[1] = board->arenas[0];
	board->arenas[0] = arena;
	board->conditions = conditions;
	board->count = count;
	board->unready = 0;
	for (size_t i = 0; i < count; i++)
		board->unready += !conditions[i].ready;
	if (!is_due)
		return false;
	board->sent_ms = now_ms;
	*record = (struct engine_conditions){.namespace = text_of(board->namespace),
					     .engine = text_of(board->engine),
					     .started_ms = board->started_ms,
					     .sequence = ++board->sequence,
					     .time_ms = now_ms,
					     .stopped = stopped,
					     .conditions = {count, conditions}};
	return true;
}

int64_t condition_board_pause_ms(const struct condition_board *board, int64_t clock_now_ms)
{
	bool is_settling = board->unready > 0 && clock_now_ms - board->changed_ms < CONDITION_SETTLING_MS;
	return is_settling ? CONDITION_LOOK_MS : CONDITION_CALM_MS;
}

size_t condition_board_unready(const struct condition_board *board)
{
	return board->unready;
}
