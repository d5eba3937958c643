/* exposure_join.c: see exposure_join.h. What is open is in open_exposures.h, and what is over in late_exposures.h. */
#include "experiments/outcomes/exposure_join.h"

#include <assert.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"
#include "experiments/outcomes/late_exposures.h"
#include "message/records/answer_label.h"

#define TEXTS_BYTES_MAX ((size_t)1 << 20)  /* of the configuration */
#define SCRATCH_BYTES_MAX ((size_t)64 << 20) /* of one outcome */
#define IDS_MAX ((size_t)1 << 20)  /* feedback_ids of units: some 50 MB. An id is known for a window, or for two at most */

struct window_state {
	struct join_window window;
	uint32_t earned, judged, ends; /* the bits of these names; 0: none */
	struct state_table *ids, *former_ids; /* feedback_ids of units, of this window and of the one before; NULL: none came */
	int64_t ids_from_ms;
	struct late_exposures *late; /* NULL: late feedback is counted alone */
	struct exposure_join_counts counts;
};

struct exposure_join {
	struct exposure_join_config config;
	struct window_state *windows;
	struct open_exposures *open;
	struct arena *texts, *arena; /* of the configuration; of one call */
	int64_t time_ms;
	bool quiet;
};

/* ---- windows ---- */

static struct window_state *join_window_find(struct exposure_join *join, struct text experiment)
{
	for (size_t i = 0; i < join->config.window_count; i++)
		if (text_equal(join->windows[i].window.experiment, experiment))
			return &join->windows[i];
	return NULL;
}

static size_t join_window_index(const struct exposure_join *join, const struct window_state *state)
{
	return (size_t)(state - join->windows);
}

/* The last time of feedback that is in time. */
static int64_t join_window_end(const struct window_state *state, int64_t time_ms)
{
	const int64_t window_ms = state->window.window_ms;
	return time_ms > INT64_MAX - window_ms ? INT64_MAX : time_ms + window_ms;
}

/* The bit of a name; 0: it is none. */
static uint32_t join_name_bit(const struct exposure_join *join, struct text name)
{
	size_t i = 0;
	while (i < join->config.name_count && !text_equal(join->config.names[i], name))
		i++;
	return i < join->config.name_count ? UINT32_C(1) << i : 0;
}

static uint64_t join_hash(const struct exposure_join *join, struct text text)
{
	const uint64_t hash = hash_text(text, join->config.seed);
	return hash != 0 ? hash : 1;
}

/* 0: it has no unit that feedback may name. */
static uint64_t join_unit_hash(const struct exposure_join *join, const struct window_state *state, struct text unit)
{
	return unit.length == 0 || state->window.units == JOIN_UNITS_NONE ? 0 : join_hash(join, unit);
}

/* 0: it is not known. */
static uint32_t join_origin_hash(const struct exposure_join *join, const struct origin *origin)
{
	const int64_t place[2] = {origin->partition, origin->offset};
	return origin->topic.length == 0 ? 0 : (uint32_t)hash_bytes(place, sizeof place, join_hash(join, origin->topic)) | 1;
}

/* ---- feedback_ids of units ---- */

/* Forgets ids of the window before the last one. */
static void unit_ids_pass(const struct exposure_join *join, struct window_state *state)
{
	if (join_window_end(state, state->ids_from_ms) >= join->time_ms)
		return;
	state->ids_from_ms = join->time_ms;
	table_close(state->former_ids);
	state->former_ids = state->ids;
	state->ids = NULL;
}

static bool unit_id_came(const struct window_state *state, struct text id)
{
	struct text ignored;
	return (state->ids && table_read(state->ids, id, &ignored)) ||
	       (state->former_ids && table_read(state->former_ids, id, &ignored));
}

/* False: there are IDS_MAX, or memory ran out. */
static bool unit_id_note(struct window_state *state, struct text id)
{
	if (!state->ids)
		state->ids = table_open();
	return state->ids && table_count(state->ids) < IDS_MAX && table_put(state->ids, id, TEXT(""), false);
}

/* ---- ends ---- */

static void join_pass_on(struct exposure_join *join, const struct window_state *state, const struct outcome *outcome)
{
	if (!join->quiet)
		join->config.outcome(join->config.context, join_window_index(join, state), outcome);
}

/* An open exposure is known as late from now on. */
static void exposure_late(struct exposure_join *join, const struct held_exposure *head)
{
	const struct packed_exposure packed = held_exposure_packed(head);
	late_exposures_end(join->windows[head->window].late, &packed, head);
}

static void exposure_read(const struct exposure_join *join, const struct held_exposure *head, struct exposure *exposure)
{
	const struct packed_exposure packed = held_exposure_packed(head);
	packed_exposure_read(&packed, head->time_ms, join->arena, exposure);
}

/* An open exposure ends, or is forgotten. */
static void exposure_end(struct exposure_join *join, struct held_exposure *head, enum outcome_kind kind)
{
	struct window_state *state = &join->windows[head->window];
	const uint32_t names = head->names;
	struct outcome outcome = {.kind = kind, .weight = 1};
	arena_reset(join->arena);
	if ((state->ends & ~names) && !join->quiet) {
		exposure_read(join, head, &outcome.exposure);
		join_pass_on(join, state, &outcome);
	}
	exposure_late(join, head);
	state->counts.ended += kind == OUTCOME_ENDED && !join->quiet;
	state->counts.forgotten += kind == OUTCOME_FORGOTTEN && !join->quiet;
	for (size_t i = 0; i < join->config.name_count && kind == OUTCOME_FORGOTTEN; i++)
		state->counts.lacking[i] += !(names >> i & 1) && !join->quiet;
	open_exposures_remove(join->open, head);
	state->counts.open--;
}

void exposure_join_pass(struct exposure_join *join, int64_t time_ms)
{
	if (time_ms <= join->time_ms)
		return;
	join->time_ms = time_ms;
	for (size_t i = 0; i < join->config.window_count; i++) {
		struct window_state *state = &join->windows[i];
		struct held_exposure *oldest;
		while ((oldest = open_exposures_oldest(join->open, i)) && join_window_end(state, oldest->time_ms) < time_ms)
			exposure_end(join, oldest, OUTCOME_ENDED);
		unit_ids_pass(join, state);
	}
}

/* The exposure that is open for longest; NULL: none is open. */
static struct held_exposure *join_oldest(const struct exposure_join *join)
{
	struct held_exposure *found = NULL;
	for (size_t i = 0; i < join->config.window_count; i++) {
		struct held_exposure *oldest = open_exposures_oldest(join->open, i);
		found = oldest && (!found || oldest->time_ms < found->time_ms) ? oldest : found;
	}
	return found;
}

/* Makes space for so many bytes. False: there is none beside `kept`. */
static bool join_make_space(struct exposure_join *join, size_t bytes, const struct held_exposure *kept)
{
	while (!open_exposures_fit(join->open, bytes)) {
		struct held_exposure *oldest = join_oldest(join);
		if (oldest == kept)
			return false;
		exposure_end(join, oldest, OUTCOME_FORGOTTEN);
	}
	return true;
}

/* ---- exposures ---- */

/* An open exposure of that window and request; NULL: none is. */
static struct held_exposure *join_request_find(const struct exposure_join *join, const struct window_state *state, uint64_t key)
{
	struct held_exposure *at = open_exposures_first(join->open, OPEN_BY_REQUEST, key);
	while (at && (at->keys[OPEN_BY_REQUEST] != key || at->window != join_window_index(join, state)))
		at = at->older[OPEN_BY_REQUEST];
	return at;
}

static enum join_fate exposure_open(struct exposure_join *join, struct window_state *state, const struct exposure *exposure,
				    struct join_place place)
{
	const struct held_exposure head = {.keys = {join_hash(join, exposure->id), join_unit_hash(join, state, exposure->unit)},
					   .time_ms = exposure->time_ms,
					   .window = (uint32_t)join_window_index(join, state),
					   .origin = join_origin_hash(join, &exposure->origin)};
	const bool is_over = join_window_end(state, exposure->time_ms) < join->time_ms;
	struct packed_exposure packed;
	if (exposure->time_ms < 0)
		return EXPOSURE_REFUSED;
	if (is_over && !state->late)
		return EXPOSURE_LATE;
	const struct held_exposure *known = join_request_find(join, state, head.keys[OPEN_BY_REQUEST]);
	if (known)
		return known->origin == head.origin ? EXPOSURE_REPEATED : EXPOSURE_DOUBLED;
	if (!open_exposures_pack(join->open, exposure, &packed))
		return EXPOSURE_REFUSED;
	late_exposures_see(state->late, &packed, &head);
	if (is_over) {
		late_exposures_end(state->late, &packed, &head);
		return EXPOSURE_LATE;
	}
	const bool is_opened = join_make_space(join, open_exposures_need(join->open), NULL) &&
			       open_exposures_add(join->open, &head, place);
	return is_opened ? EXPOSURE_OPENED : EXPOSURE_REFUSED;
}

enum join_fate exposure_join_expose(struct exposure_join *join, const struct exposure *exposure, struct join_place place)
{
	struct window_state *state = join_window_find(join, exposure->experiment);
	const enum join_fate fate = state ? exposure_open(join, state, exposure, place) : EXPOSURE_REFUSED;
	if (state) {
		state->counts.exposures[fate] += !join->quiet;
		state->counts.open += fate == EXPOSURE_OPENED;
	}
	return fate;
}

/* The exposure of a request that is open for longest, or that has bytes; NULL: none is open. */
static struct held_exposure *join_kept_find(const struct exposure_join *join, uint64_t key)
{
	struct held_exposure *found = NULL;
	int64_t longest_ms = 0;
	struct held_exposure *at = open_exposures_first(join->open, OPEN_BY_REQUEST, key);
	for (; at; at = at->older[OPEN_BY_REQUEST]) {
		const int64_t window_ms = at->kept ? INT64_MAX : join->windows[at->window].window.window_ms;
		if (at->keys[OPEN_BY_REQUEST] != key || (window_ms <= longest_ms && !at->kept))
			continue;
		found = at;
		longest_ms = window_ms;
	}
	return found;
}

bool exposure_join_keep(struct exposure_join *join, struct text id, struct text bytes)
{
	struct held_exposure *found = join_kept_find(join, join_hash(join, id));
	if (!found || found->kept)
		return found;
	return join_make_space(join, bytes.length, found) && open_exposures_keep(join->open, found, bytes);
}

/* ---- feedback ---- */

/* Feedback, and what it gives to an exposure of the window that is looked at. */
struct joining {
	struct exposure_join *join;
	struct window_state *state;
	const struct feedback *feedback;
	const struct origin *source;
	int64_t happened_ms, written_ms;
	bool by_unit;
	uint64_t key;	   /* hash of the id, or of the unit */
	struct text truth; /* label; empty: none */
	uint32_t names;	   /* a bit of each value */
	uint32_t judged;   /* the bit of the value that the truth gives; 0: none */
	double values[JOIN_NAMES_MAX];
	char room[LABEL_ROOM];
};

/* The values of the feedback for exposures of a window. */
static void joining_look(struct joining *joining, struct window_state *state)
{
	const struct feedback *feedback = joining->feedback;
	const struct exposure_join_config *config = &joining->join->config;
	joining->state = state;
	joining->names = 0;
	for (size_t i = 0; i < config->name_count; i++) {
		const bool is_reward =
			feedback->has_reward && ((state->earned >> i & 1) || text_is(config->names[i], FEEDBACK_REWARD));
		const struct feedback_metric *metric = feedback_metric_find(feedback, config->names[i]);
		joining->values[i] = metric ? metric->value : feedback->reward;
		joining->names |= metric || is_reward ? UINT32_C(1) << i : 0;
	}
	joining->judged = joining->truth.length > 0 ? state->judged & ~joining->names : 0;
}

/* Adds a value to an outcome, unless its exposure has one of that name. */
static void joining_metric(const struct joining *joining, struct outcome *outcome, struct outcome_metric *metrics, uint32_t *names,
			   struct outcome_metric metric)
{
	const uint32_t bit = join_name_bit(joining->join, metric.name);
	if (*names & bit)
		joining->state->counts.again++;
	else if (bit != 0)
		metrics[outcome->metric_count++] = metric;
	*names |= bit;
}

/* Adds the values of the feedback; the truth is judged by what the answer said. */
static void joining_metrics(const struct joining *joining, struct outcome *outcome, struct outcome_metric *metrics, uint32_t *names,
			    bool judges)
{
	const struct exposure_join_config *config = &joining->join->config;
	const struct text prediction = outcome->exposure.prediction;
	outcome->unjudged = joining->judged != 0 && (!judges || prediction.length == 0);
	for (size_t i = 0; i < config->name_count; i++)
		if (joining->names >> i & 1)
			joining_metric(joining, outcome, metrics, names,
				       (struct outcome_metric){config->names[i], joining->values[i], OUTCOME_SENT});
		else if ((joining->judged >> i & 1) && !outcome->unjudged)
			joining_metric(joining, outcome, metrics, names,
				       (struct outcome_metric){config->names[i], text_equal(prediction, joining->truth),
							       OUTCOME_JUDGED});
}

static void joining_compute(struct joining *joining, struct outcome *outcome, struct outcome_metric *metrics, uint32_t *names)
{
	const struct exposure_join_config *config = &joining->join->config;
	struct exposure_join *join = joining->join;
	struct outcome_metric computed[JOIN_NAMES_MAX];
	if (!config->compute || joining->by_unit)
		return;
	const struct text *kept = join_kept_find(join, joining->key)->kept;
	const size_t computed_count =
		config->compute(config->context, join_window_index(join, joining->state), joining->feedback, outcome,
				kept ? *kept : (struct text){0}, *names, computed, JOIN_NAMES_MAX, join->arena);
	for (size_t i = 0; i < computed_count; i++)
		joining_metric(joining, outcome, metrics, names, computed[i]);
}

static struct outcome joining_outcome(const struct joining *joining, enum outcome_kind kind)
{
	return (struct outcome){.kind = kind,
				.happened_ms = joining->happened_ms,
				.written_ms = joining->written_ms,
				.source = *joining->source,
				.feedback_id = joining->feedback->feedback_id,
				.by_unit = joining->by_unit,
				.weight = 1,
				.truth = joining->feedback->truth};
}

/* The outcome of an open exposure. Of a unit all of whose values count, the exposure has none of them. */
static void joining_join(struct joining *joining, struct held_exposure *head)
{
	struct exposure_join *join = joining->join;
	struct window_state *state = joining->state;
	const bool all = joining->by_unit && state->window.units == JOIN_UNITS_ALL;
	struct outcome_metric metrics[JOIN_NAMES_MAX];
	uint32_t names = all ? 0 : head->names;
	struct outcome outcome = joining_outcome(joining, OUTCOME_JOINED);
	outcome.metrics = metrics;
	exposure_read(join, head, &outcome.exposure);
	joining_metrics(joining, &outcome, metrics, &names, !all);
	joining_compute(joining, &outcome, metrics, &names);
	state->counts.unjudged += outcome.unjudged;
	state->counts.joined += outcome.metric_count;
	if (outcome.metric_count == 0)
		return;
	head->names |= all ? 0 : names;
	join_pass_on(join, state, &outcome);
}

/* An outcome of an exposure that is over. */
static void joining_late(struct joining *joining)
{
	struct exposure_join *join = joining->join;
	const struct window_state *state = joining->state;
	const enum open_key by = joining->by_unit ? OPEN_BY_UNIT : OPEN_BY_REQUEST;
	struct sampled_exposure *over = late_exposures_find(state->late, by, joining->key);
	struct outcome_metric metrics[JOIN_NAMES_MAX];
	if (!over || join_window_end(state, over->time_ms) >= joining->written_ms)
		return;
	struct outcome outcome = joining_outcome(joining, OUTCOME_LATE);
	outcome.metrics = metrics;
	outcome.weight = late_exposures_weight(state->late, by);
	late_exposures_read(over, join->arena, &outcome.exposure);
	joining_metrics(joining, &outcome, metrics, &over->outcomes, !joining->by_unit);
	if (outcome.metric_count > 0)
		join_pass_on(join, state, &outcome);
}

/* ---- feedback of a request ---- */

/* An answer is one, whatever experiments chose. */
static bool feedback_is_for(const struct feedback *feedback, const struct window_state *state)
{
	return feedback->experiment.length == 0 || state->window.experiment.length == 0 ||
	       text_equal(feedback->experiment, state->window.experiment);
}

static void request_feedback(struct joining *joining, struct window_state *state)
{
	struct exposure_join *join = joining->join;
	const struct feedback *feedback = joining->feedback;
	struct held_exposure *head = join_request_find(join, state, joining->key);
	const uint32_t origin = join_origin_hash(join, &feedback->origin);
	joining_look(joining, state);
	if (!head || (origin != 0 && head->origin != 0 && head->origin != origin)) {
		state->counts.unknown++;
	} else if (joining->happened_ms <= join_window_end(state, head->time_ms)) {
		joining_join(joining, head);
		return;
	} else {
		exposure_late(join, head);
		state->counts.late++;
	}
	joining_late(joining);
}

/* ---- feedback of a unit ---- */

/* An exposure of that time has values, which are not late ones then. Of a unit, those of an earlier stage may be. */
static void late_mark(const struct window_state *state, enum open_key by, uint64_t key, int64_t time_ms, uint32_t names)
{
	struct sampled_exposure *known = late_exposures_find(state->late, by, key);
	if (known && known->time_ms <= time_ms)
		known->outcomes |= names;
}

/* By the rule of the window (enum join_units). NULL: none is open, or `beyond`: it is further than may be walked. */
static struct held_exposure *join_unit_find(const struct joining *joining, bool *beyond)
{
	const struct exposure_join *join = joining->join;
	const struct window_state *state = joining->state;
	const bool once = state->window.units == JOIN_UNITS_ONCE;
	const int64_t before_ms = once ? joining->happened_ms : joining->happened_ms + FEEDBACK_AHEAD_MS;
	const size_t window = join_window_index(join, state);
	struct held_exposure *after = NULL;
	size_t walked = 0;
	for (struct held_exposure *at = open_exposures_first(join->open, OPEN_BY_UNIT, joining->key); at;
	     at = at->older[OPEN_BY_UNIT]) {
		*beyond = once && walked++ == JOIN_WALK_MOST;
		if (*beyond)
			return NULL;
		if (at->keys[OPEN_BY_UNIT] != joining->key || at->window != window)
			continue;
		if (at->time_ms <= before_ms)
			return at;
		if (once && at->time_ms <= joining->happened_ms + FEEDBACK_AHEAD_MS)
			after = at;
	}
	return after;
}

static void unit_feedback(struct joining *joining, struct window_state *state)
{
	struct exposure_join_counts *counts = &state->counts;
	const uint64_t hash = hash_text(joining->feedback->feedback_id, joining->key);
	const struct text id = {(const char *)&hash, joining->feedback->feedback_id.length > 0 ? sizeof hash : 0};
	bool beyond = false;
	counts->by_unit++;
	joining_look(joining, state);
	if (state->window.units == JOIN_UNITS_NONE || (joining->names | joining->judged) == 0)
		return;
	if (id.length > 0 && unit_id_came(state, id)) {
		counts->again++;
		return;
	}
	struct held_exposure *found = join_unit_find(joining, &beyond);
	const bool is_late = found && joining->happened_ms > join_window_end(state, found->time_ms);
	if ((!found && !beyond) || is_late) {
		++*(is_late ? &counts->late : &counts->unknown);
		joining_late(joining);
	} else if (beyond || (id.length > 0 && !unit_id_note(state, id))) { /* without its id it could count twice */
		counts->crowded++;
	} else {
		late_mark(state, OPEN_BY_UNIT, joining->key, found->time_ms, joining->names);
		joining_join(joining, found);
	}
}

void exposure_join_feedback(struct exposure_join *join, const struct feedback *feedback, const struct origin *source,
			    int64_t written_ms)
{
	struct joining joining = {.join = join,
				  .feedback = feedback,
				  .source = source,
				  .happened_ms = feedback->time_ms != 0 ? feedback->time_ms : written_ms,
				  .written_ms = written_ms,
				  .by_unit = feedback->id.length == 0 && feedback->origin.topic.length == 0};
	assert(!join->quiet);
	arena_reset(join->arena);
	joining.truth = truth_label(&feedback->truth, joining.room);
	joining.key = join_hash(join, joining.by_unit ? feedback->unit : feedback_key(feedback, join->arena));
	for (size_t i = 0; i < join->config.window_count; i++)
		if (feedback_is_for(feedback, &join->windows[i]))
			(joining.by_unit ? unit_feedback : request_feedback)(&joining, &join->windows[i]);
}

/* ---- a leader that begins ---- */

void exposure_join_quiet(struct exposure_join *join, bool quiet)
{
	join->quiet = quiet;
}

void exposure_join_mark(struct exposure_join *join, const struct outcome *outcome)
{
	const struct exposure *exposure = &outcome->exposure;
	struct window_state *state = join_window_find(join, exposure->experiment);
	uint32_t names = 0;
	if (!state)
		return;
	for (size_t i = 0; i < outcome->metric_count; i++)
		names |= join_name_bit(join, outcome->metrics[i].name);
	const uint64_t keys[OPEN_KEYS] = {join_hash(join, exposure->id), join_unit_hash(join, state, exposure->unit)};
	const enum open_key by = outcome->by_unit ? OPEN_BY_UNIT : OPEN_BY_REQUEST;
	struct held_exposure *found = join_request_find(join, state, keys[OPEN_BY_REQUEST]);
	if (found && found->time_ms != exposure->time_ms)
		found = NULL;
	if (found && outcome->kind == OUTCOME_LATE)
		exposure_late(join, found);
	late_mark(state, by, keys[by], exposure->time_ms, names);
	if (outcome->kind == OUTCOME_LATE)
		return;
	const uint64_t hash = hash_text(outcome->feedback_id, keys[OPEN_BY_UNIT]);
	if (outcome->by_unit && outcome->feedback_id.length > 0)
		(void)unit_id_note(state, (struct text){(const char *)&hash, sizeof hash});
	if (found && !(outcome->by_unit && state->window.units == JOIN_UNITS_ALL))
		found->names |= names;
	if (found && outcome->kind != OUTCOME_JOINED)
		exposure_end(join, found, outcome->kind);
}

/* ---- what is known ---- */

bool exposure_join_low(const struct exposure_join *join, uint32_t source, int32_t partition, int64_t *offset)
{
	return open_exposures_low(join->open, source, partition, offset);
}

int64_t exposure_join_low_ms(const struct exposure_join *join)
{
	const struct held_exposure *oldest = join_oldest(join);
	return oldest ? oldest->time_ms : INT64_MAX;
}

/* An exposure may be ahead of the time up to which feedback was read. */
int64_t exposure_join_stored_ms(const struct exposure_join *join, const struct outcome *outcome)
{
	return outcome->exposure.time_ms > join->time_ms ? outcome->exposure.time_ms : join->time_ms;
}

int64_t exposure_join_time_ms(const struct exposure_join *join)
{
	return join->time_ms;
}

struct exposure_join_counts exposure_join_counts(const struct exposure_join *join, size_t window)
{
	assert(window < join->config.window_count);
	return join->windows[window].counts;
}

/* ---- opening ---- */

static bool window_open(struct exposure_join *join, struct window_state *state, const struct join_window *window)
{
	state->window = *window;
	state->window.experiment.bytes = arena_copy(join->texts, window->experiment.bytes, window->experiment.length);
	state->earned = join_name_bit(join, window->earned);
	state->judged = join_name_bit(join, window->judged);
	state->ends = join_name_bit(join, window->ends);
	state->late = window->samples ? late_exposures_open() : NULL;
	return state->late || !window->samples;
}

static bool join_reserve(struct exposure_join *join, const struct exposure_join_config *config)
{
	join->texts = arena_open(TEXTS_BYTES_MAX);
	join->arena = arena_open(SCRATCH_BYTES_MAX);
	join->open = open_exposures_open(config->memory_bytes, config->used);
	join->windows = memory_take(config->window_count, sizeof *join->windows);
	struct text *names = join->texts ? ARENA_ARRAY(join->texts, struct text, config->name_count + 1) : NULL;
	if (!names || !join->arena || !join->open || !join->windows)
		return false;
	for (size_t i = 0; i < config->name_count; i++) {
		names[i] = config->names[i];
		names[i].bytes = arena_copy(join->texts, names[i].bytes, names[i].length);
	}
	join->config = *config;
	join->config.names = names;
	join->config.windows = NULL;
	bool good = true;
	for (size_t i = 0; good && i < config->window_count; i++)
		good = window_open(join, &join->windows[i], &config->windows[i]);
	return good && !arena_failed(join->texts);
}

struct exposure_join *exposure_join_open(const struct exposure_join_config *config, struct error *error)
{
	bool good = config->window_count > 0 && config->window_count <= JOIN_WINDOWS_MAX && config->name_count <= JOIN_NAMES_MAX &&
		    config->memory_bytes >= JOIN_MEMORY_LEAST;
	for (size_t i = 0; good && i < config->window_count; i++)
		good = config->windows[i].window_ms > 0;
	if (!good) {
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the join of feedback takes 1 to %d experiments with windows above 0, at most %d metrics, and %zu "
			  "bytes of memory or more; set fewer, or more memory",
			  JOIN_WINDOWS_MAX, JOIN_NAMES_MAX, JOIN_MEMORY_LEAST);
		return NULL;
	}
	struct exposure_join *join = memory_take(1, sizeof *join);
	if (join && join_reserve(join, config))
		return join;
	exposure_join_close(join);
	error_memory(error, ERROR_SYSTEM, "opening the join of feedback");
	return NULL;
}

static void window_close(struct window_state *state)
{
	table_close(state->ids);
	table_close(state->former_ids);
	late_exposures_close(state->late);
}

void exposure_join_close(struct exposure_join *join)
{
	if (!join)
		return;
	for (size_t i = 0; join->windows && i < join->config.window_count; i++)
		window_close(&join->windows[i]);
	memory_give(join->windows);
	open_exposures_close(join->open);
	arena_close(join->texts);
	arena_close(join->arena);
	memory_give(join);
}
