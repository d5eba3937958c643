/* watching_log.c: see watching_log.h. */
#include "monitor/watching_log.h"

#include <stdio.h>

#include "base/quote.h"

/* What a step can do, whichever kind it is. */
enum watching_words { WORDS_NONE, WORDS_LEARNING, WORDS_KNOWN, WORDS_UNFIT, WORDS_MISFIT, WORDS_UNESTIMATED };

struct watching_step {
	struct watching_step *next;
	const char *pipeline, *name;
	struct verdict_entry *entry;
	bool learns_usual; /* it is a step `outlier` */
	bool is_present;   /* in the plan that runs */
	uint64_t clocks;   /* that were set back, of which was spoken */
	bool said_beyond;  /* that it has more segments than it watches */
	enum watching_words said;
	int64_t said_ms;
	bool said_drift;   /* that it has found drift */
	int64_t said_drift_ms; /* 0: never */
	char drift[DRIFT_CAUSE_WORDS_BYTES]; /* the feature of its last window with drift; empty: that has none */
	char blind[BLIND_WHY_BYTES]; /* why it watches nothing now; empty: it does, or learns */
};

struct watching_log {
	struct verdict_board *board;
	const struct log_sink *log;
	struct arena *arena;
	uint64_t revision; /* of the plan whose steps are present */
	struct watching_step *steps;
	size_t blind_count; /* of the steps that are present */
};

struct watching_log *watching_log_open(struct verdict_board *board, const struct log_sink *log, struct arena *arena)
{
	struct watching_log *watching = ARENA_NEW(arena, struct watching_log);
	if (watching)
		*watching = (struct watching_log){.board = board, .log = log, .arena = arena};
	return watching;
}

/* ---- steps ---- */

/* NULL: memory; the step has no lines. */
static struct watching_step *step_bring(struct watching_log *watching, const char *pipeline, const char *name)
{
	struct verdict_entry *entry = verdict_board_entry(watching->board, pipeline, name);
	struct watching_step *step = watching->steps;
	while (step && step->entry != entry)
		step = step->next;
	if (step || !entry)
		return step;
	step = ARENA_NEW(watching->arena, struct watching_step);
	if (!step)
		return NULL;
	*step = (struct watching_step){.next = watching->steps,
				       .pipeline = arena_copy(watching->arena, pipeline, strlen(pipeline)),
				       .name = arena_copy(watching->arena, name, strlen(name)),
				       .entry = entry};
	if (!step->pipeline || !step->name)
		return NULL;
	return watching->steps = step;
}

static void plan_follow(struct watching_log *watching, const struct plan *plan)
{
	for (struct watching_step *step = watching->steps; step; step = step->next)
		step->is_present = false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct graph *graph = plan->pipelines[i].graph;
		for (size_t j = 0; j < graph->count; j++) {
			const bool learns_usual = graph_step_learns_usual(graph, j);
			struct watching_step *step = learns_usual || graph_step_watches(graph, j)
							     ? step_bring(watching, graph->name, graph->steps[j].name)
							     : NULL;
			if (!step)
				continue;
			step->is_present = true;
			step->learns_usual = learns_usual;
		}
	}
}

#define DRIFT_FOUND_HERE "has found drift"
#define NOTHING_COMPARED "finds no drift, because nothing can be compared with its reference"
#define MESSAGES_UNUSED "cannot use messages, and finds no drift in them"
#define NO_OUTLIERS                                                                                                                \
	"marks no outliers: columns of its past do not vary, or follow from one another; leave them out of its tensor, or learn "  \
	"a file by `sluice fit outlier`"

/* ---- lines ---- */

static enum watching_words words_of_drift(const struct watching_state *state)
{
	static const enum watching_words words[] = {
		[WATCHING_UNASKED] = WORDS_NONE, [WATCHING_LEARNING] = WORDS_LEARNING, [WATCHING_COMPARES] = WORDS_KNOWN,
		[WATCHING_UNFIT] = WORDS_UNFIT,	 [WATCHING_MISFIT] = WORDS_MISFIT,     [WATCHING_UNESTIMATED] = WORDS_UNESTIMATED,
	};
	return words[state->watching];
}

static enum watching_words words_of_outliers(enum outlier_knowledge knowledge)
{
	static const enum watching_words words[] = {[OUTLIER_UNASKED] = WORDS_NONE,
						    [OUTLIER_LEARNING] = WORDS_LEARNING,
						    [OUTLIER_KNOWN] = WORDS_KNOWN,
						    [OUTLIER_UNFIT] = WORDS_UNFIT};
	return words[knowledge];
}

static void drift_say(const struct watching_log *watching, const struct watching_step *step, enum watching_words words,
		      const char *why)
{
	const struct log_fields fields = {.pipeline = step->pipeline, .step = step->name};
	if (words == WORDS_LEARNING)
		log_say(watching->log, LOG_LEVEL_INFO, &fields,
			"%s: step %s is learning its reference (%s): until it has enough rows, it finds no drift and no alert is "
			"judged by it",
			step->pipeline, step->name, why);
	else if (words == WORDS_KNOWN)
		log_say(watching->log, LOG_LEVEL_INFO, &fields, "%s: step %s compares messages with its reference", step->pipeline,
			step->name);
	else if (words == WORDS_UNESTIMATED)
		log_say(watching->log, LOG_LEVEL_WARN, &fields, "%s: step %s estimates nothing: %s", step->pipeline, step->name,
			why);
	else
		log_say(watching->log, LOG_LEVEL_WARN, &fields, "%s: step %s %s: %s", step->pipeline, step->name,
			words == WORDS_UNFIT ? NOTHING_COMPARED : MESSAGES_UNUSED, why);
}

static void outliers_say(const struct watching_log *watching, const struct watching_step *step, enum watching_words words)
{
	const struct log_fields fields = {.pipeline = step->pipeline, .step = step->name};
	if (words == WORDS_LEARNING)
		log_say(watching->log, LOG_LEVEL_INFO, &fields,
			"%s: step %s is learning what is usual: until it has enough rows, it marks no outliers", step->pipeline,
			step->name);
	else if (words == WORDS_KNOWN)
		log_say(watching->log, LOG_LEVEL_INFO, &fields, "%s: step %s knows what is usual, and marks outliers",
			step->pipeline, step->name);
	else
		log_say(watching->log, LOG_LEVEL_WARN, &fields,
			"%s: step %s " NO_OUTLIERS, step->pipeline, step->name);
}

/* Rows of segments beyond the limit are a warning when the first come. */
static void segments_look(const struct watching_log *watching, struct watching_step *step)
{
	const struct log_fields fields = {.pipeline = step->pipeline, .step = step->name};
	const bool beyond = !step->learns_usual && verdict_entry_sum(step->entry).beyond > 0;
	if (beyond && !step->said_beyond)
		log_say(watching->log, LOG_LEVEL_WARN, &fields,
			"%s: step %s watches the first %d segments of its `groupBy`, and more have come: their rows are not "
			"compared, and sluice_drift_beyond_segments counts them; use a `groupBy` with fewer values",
			step->pipeline, step->name, DRIFT_SEGMENTS_MAX);
	step->said_beyond = beyond;
}

/* Its last window has drift, in some feature most, or has none any more. */
static void drift_look(const struct watching_log *watching, struct watching_step *step, int64_t now_ms)
{
	const struct log_fields fields = {.pipeline = step->pipeline, .step = step->name};
	if (step->learns_usual)
		return;
	const struct last_verdict last = verdict_entry_sum(step->entry).last;
	const bool found = last.verdict == DRIFT_FOUND;
	step->drift[0] = '\0';
	if (found)
		drift_cause_words(&last.cause, step->drift);
	if (found == step->said_drift || (step->said_drift_ms > 0 && now_ms - step->said_drift_ms < WATCHING_LINE_MS))
		return;
	step->said_drift = found;
	step->said_drift_ms = now_ms;
	if (found)
		log_say(watching->log, LOG_LEVEL_WARN, &fields,
			"%s: step %s " DRIFT_FOUND_HERE "%s%s; `sluice drift report %s/%s` shows its windows", step->pipeline,
			step->name, step->drift[0] ? ": " : "", step->drift, step->pipeline, step->name);
	else
		log_say(watching->log, LOG_LEVEL_INFO, &fields, "%s: step %s finds no drift any more", step->pipeline, step->name);
}

static void clock_look(const struct watching_log *watching, struct watching_step *step)
{
	const struct log_fields fields = {.pipeline = step->pipeline, .step = step->name};
	char words[CLOCK_WORDS_BYTES];
	if (!step->learns_usual && verdict_entry_clock(step->entry, &step->clocks, words))
		log_say(watching->log, LOG_LEVEL_WARN, &fields, "%s: step %s: %s", step->pipeline, step->name, words);
}

/* Not of a line, but as it is now. */
static void blind_look(struct watching_step *step, enum watching_words words, const struct watching_state *state)
{
	step->blind[0] = '\0';
	if (step->learns_usual && words == WORDS_UNFIT)
		(void)snprintf(step->blind, sizeof step->blind, "step %s " NO_OUTLIERS, step->name);
	else if (words == WORDS_UNFIT || words == WORDS_MISFIT)
		(void)snprintf(step->blind, sizeof step->blind, "step %s %s: %s", step->name,
			       words == WORDS_UNFIT ? NOTHING_COMPARED : MESSAGES_UNUSED, state->why);
	else if (state->unlearnt[0] && (words == WORDS_NONE || words == WORDS_LEARNING))
		(void)snprintf(step->blind, sizeof step->blind,
			       "step %s finds no drift, because its reference cannot be learnt from %s",
			       step->name, state->unlearnt);
}

/* That a reference is used is worth a line only behind one that it was not. */
static void step_look(const struct watching_log *watching, struct watching_step *step, int64_t now_ms)
{
	struct watching_state state = {0};
	if (!step->learns_usual)
		state = verdict_entry_watching(step->entry);
	const enum watching_words words =
		step->learns_usual ? words_of_outliers(verdict_entry_knowledge(step->entry)) : words_of_drift(&state);
	const bool first = step->said == WORDS_NONE;
	blind_look(step, words, &state);
	if (words == step->said || (!first && words != WORDS_NONE && now_ms - step->said_ms < WATCHING_LINE_MS))
		return;
	step->said = words;
	step->said_ms = now_ms;
	if (words == WORDS_NONE || (first && words == WORDS_KNOWN))
		return;
	if (step->learns_usual)
		outliers_say(watching, step, words);
	else
		drift_say(watching, step, words, state.why);
}

void watching_log_look(struct watching_log *watching, const struct plan *plan, uint64_t revision, int64_t now_ms)
{
	if (watching->revision != revision)
		plan_follow(watching, plan);
	watching->revision = revision;
	watching->blind_count = 0;
	for (struct watching_step *step = watching->steps; step; step = step->next)
		if (step->is_present) {
			step_look(watching, step, now_ms);
			watching->blind_count += step->blind[0] != '\0';
			segments_look(watching, step);
			drift_look(watching, step, now_ms);
			clock_look(watching, step);
		}
}

bool watching_log_is_blind(const struct watching_log *watching, const char *pipeline, char why[BLIND_WHY_BYTES])
{
	const struct watching_step *step = watching->blind_count > 0 ? watching->steps : NULL;
	while (step && !(step->is_present && step->blind[0] && strcmp(step->pipeline, pipeline) == 0))
		step = step->next;
	if (step)
		memcpy(why, step->blind, BLIND_WHY_BYTES);
	return step;
}

void watching_log_write_drift(const struct watching_log *watching, const char *pipeline, struct buffer *out)
{
	const char *between = "";
	for (const struct watching_step *step = watching->steps; step; step = step->next) {
		if (!step->is_present || !step->drift[0] || strcmp(step->pipeline, pipeline) != 0)
			continue;
		buffer_print(out, "%sstep ", between);
		buffer_shown(out, text_of(step->name));
		buffer_string(out, " " DRIFT_FOUND_HERE ": ");
		buffer_shown(out, text_of(step->drift));
		between = "; ";
	}
}
