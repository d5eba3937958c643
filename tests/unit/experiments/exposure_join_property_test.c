/* exposure_join_property_test.c: a join gives the same outcomes as one that holds everything and looks at all of it, for random
 * exposures and feedback; also if leaders take it over from each other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/number/random.h"
#include "experiments/outcomes/exposure_join.h"

#define EVENTS_MAX 1200
#define SEEDS 60
#define BEGIN_MS 1000000
#define TEXT_BYTES 32
#define LINE_BYTES 256
#define PARTITIONS 3
#define NAMES 4
#define REWARD 0
#define ACCURACY 1
#define PROFIT 2
#define COST 3

static const struct text names[NAMES] = {{"reward", 6}, {"accuracy", 8}, {"profit", 6}, {"cost", 4}};

/* A policy, a rollout, one without units, and the answers themselves. */
static struct join_window windows[] = {
	{.experiment = {"bandit", 6},
	 .window_ms = 300000,
	 .units = JOIN_UNITS_ONCE,
	 .earned = {"profit", 6},
	 .judged = {"profit", 6},
	 .ends = {"profit", 6}},
	{.experiment = {"rollout", 7}, .window_ms = 150000, .units = JOIN_UNITS_ALL, .judged = {"accuracy", 8}, .samples = true},
	{.experiment = {"plain", 5}, .window_ms = 100000, .ends = {"reward", 6}},
	{.window_ms = 500000},
};
#define WINDOWS (sizeof windows / sizeof *windows)
#define ROLLOUT 1

/* ---- what happens ---- */

struct event {
	enum { EXPOSE, FEEDBACK, PASS } kind;
	char id[TEXT_BYTES], unit[TEXT_BYTES], table[TEXT_BYTES], feedback_id[TEXT_BYTES], prediction[TEXT_BYTES];
	size_t window; /* of an exposure; of feedback that names an experiment; WINDOWS: none */
	int64_t time_ms, written_ms;
	struct join_place place;
	struct origin origin;
	bool has[NAMES];
	double values[NAMES];
	int64_t truth; /* -1: none */
};

static struct event events[EVENTS_MAX];

static uint64_t roll(struct random *random, uint64_t sides)
{
	return random_next(random) % sides;
}

/* Of a new request, or of one of the last ones, which other experiments chose for, too; or of another one with its id. */
static void exposure_roll(struct random *random, size_t number, int64_t now_ms, int64_t offsets[PARTITIONS])
{
	struct event *event = &events[number];
	const struct event *former = number > 40 ? &events[number - 1 - roll(random, 40)] : NULL;
	if (former && former->kind == EXPOSE && roll(random, 2) == 0) {
		*event = *former;
		event->origin.offset += roll(random, 15) == 0;
	} else {
		event->kind = EXPOSE;
		event->time_ms = now_ms - (int64_t)roll(random, roll(random, 20) == 0 ? 400000 : 2000);
		event->origin = (struct origin){TEXT("in"), 0, (int64_t)(2 * number)};
		(void)snprintf(event->id, TEXT_BYTES, "%s%d", roll(random, 5) == 0 ? "in-0-" : "r-", (int)event->origin.offset);
		(void)snprintf(event->unit, TEXT_BYTES, "%s%d", roll(random, 10) == 0 ? "" : "u-", (int)roll(random, 12));
		(void)snprintf(event->table, TEXT_BYTES, "%d", (int)(event->time_ms / 700000));
		if (roll(random, 4) > 0)
			(void)snprintf(event->prediction, TEXT_BYTES, "%d", (int)roll(random, 3));
	}
	event->window = roll(random, WINDOWS);
	event->place.partition = (int32_t)roll(random, PARTITIONS);
	event->place.offset = offsets[event->place.partition]++;
}

static void feedback_roll(struct random *random, size_t number, int64_t now_ms)
{
	struct event *event = &events[number];
	const struct event *of = &events[number - roll(random, number < 200 ? number + 1 : 200)];
	const uint64_t named = roll(random, 10);
	event->kind = FEEDBACK;
	event->window = roll(random, 4) == 0 ? roll(random, WINDOWS - 1) : WINDOWS;
	event->written_ms = now_ms;
	event->time_ms = roll(random, 3) == 0 ? 0 : now_ms - (int64_t)roll(random, 200000);
	if (named < 5 && of->kind == EXPOSE)
		memcpy(event->id, of->id, sizeof event->id);
	else if (named < 7)
		event->origin = (struct origin){TEXT("in"), 0, of->kind == EXPOSE ? of->origin.offset : 1};
	else
		(void)snprintf(event->unit, TEXT_BYTES, "u-%d", (int)roll(random, 14));
	if (roll(random, 3) == 0)
		(void)snprintf(event->feedback_id, TEXT_BYTES, "f-%d", (int)(number / 30));
	for (size_t i = 0; i < NAMES; i++) {
		event->has[i] = roll(random, 3) == 0;
		event->values[i] = (double)roll(random, 100);
	}
	event->truth = roll(random, 3) == 0 ? (int64_t)roll(random, 3) : -1;
}

static size_t events_roll(uint64_t seed)
{
	struct random random = {seed};
	int64_t now_ms = BEGIN_MS, offsets[PARTITIONS] = {0};
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		const uint64_t kind = roll(&random, 20);
		now_ms += (int64_t)roll(&random, 4000);
		events[i] = (struct event){.truth = -1};
		if (kind < 9)
			exposure_roll(&random, i, now_ms, offsets);
		else if (kind < 18)
			feedback_roll(&random, i, now_ms);
		else
			events[i] = (struct event){.kind = PASS, .time_ms = now_ms - (int64_t)roll(&random, 3000)};
		if (kind == 17 && i > 0 && events[i - 1].kind == FEEDBACK) /* it is sent again */
			events[i] = events[i - 1];
	}
	return EVENTS_MAX;
}

static struct exposure exposure_of(const struct event *event)
{
	return (struct exposure){.id = text_of(event->id),
				 .origin = event->origin,
				 .time_ms = event->time_ms,
				 .experiment = windows[event->window].experiment,
				 .variant = text_of(event->unit[0] && event->unit[strlen(event->unit) - 1] % 2 ? "a" : "b"),
				 .probability = 0.5,
				 .unit = text_of(event->unit),
				 .table = text_of(event->table),
				 .prediction = text_of(event->prediction),
				 .latency_ms = (double)NAN};
}

/* ---- outcomes as lines ---- */

struct lines {
	size_t count, room;
	char (*items)[LINE_BYTES];
};

static char *line_add(struct lines *lines)
{
	if (lines->count == lines->room) {
		lines->room = lines->room ? 2 * lines->room : 64;
		lines->items = realloc(lines->items, lines->room * sizeof *lines->items);
		assert_non_null(lines->items);
	}
	return lines->items[lines->count++];
}

static void outcome_line(struct lines *lines, const struct outcome *outcome)
{
	const struct exposure *exposure = &outcome->exposure;
	char *line = line_add(lines);
	int length = snprintf(line, LINE_BYTES, "%s %.*s %.*s %.*s %.*s %lld w%lld %lld %lld", outcome_kind_name(outcome->kind),
			      TEXT_ARGUMENTS(exposure->experiment), TEXT_ARGUMENTS(exposure->id), TEXT_ARGUMENTS(exposure->unit),
			      TEXT_ARGUMENTS(exposure->table), (long long)exposure->time_ms, (long long)outcome->weight,
			      (long long)outcome->happened_ms, (long long)outcome->source.offset);
	for (size_t i = 0; i < outcome->metric_count; i++)
		length += snprintf(line + length, LINE_BYTES - (size_t)length, " %.*s=%g/%s",
				   TEXT_ARGUMENTS(outcome->metrics[i].name), outcome->metrics[i].value,
				   outcome_how_name(outcome->metrics[i].how));
	assert_true(length < LINE_BYTES);
}

/* ---- a join that holds everything ---- */

struct held {
	const struct event *event;
	bool open, sampled; /* the first of its request that is over */
	bool seen;	    /* the first of its unit */
	bool names[NAMES], late[NAMES], late_of_unit[NAMES];
};

struct came {
	char feedback_id[TEXT_BYTES], unit[TEXT_BYTES];
	size_t window;
	int turn;
};

struct naive {
	struct held held[EVENTS_MAX];
	size_t count;
	struct came came[EVENTS_MAX];
	size_t came_count;
	int turns[WINDOWS];
	int64_t turned_ms[WINDOWS], time_ms;
	struct lines lines;
};

static int64_t held_end(const struct held *held)
{
	return held->event->time_ms + windows[held->event->window].window_ms;
}

static void naive_over(struct naive *naive, struct held *held)
{
	held->open = false;
	for (size_t i = 0; i < naive->count; i++)
		if (naive->held[i].sampled && naive->held[i].event->window == held->event->window &&
		    strcmp(naive->held[i].event->id, held->event->id) == 0) {
			for (size_t j = 0; j < NAMES; j++)
				naive->held[i].late[j] |= held->names[j];
			return;
		}
	held->sampled = windows[held->event->window].samples;
	memcpy(held->late, held->names, sizeof held->late);
}

static void naive_pass(struct naive *naive, int64_t time_ms)
{
	if (time_ms <= naive->time_ms)
		return;
	naive->time_ms = time_ms;
	for (size_t w = 0; w < WINDOWS; w++) {
		for (;;) {
			struct held *oldest = NULL;
			for (struct held *held = naive->held; held < naive->held + naive->count; held++)
				if (held->open && held->event->window == w && held_end(held) < time_ms &&
				    (!oldest || held->event->time_ms < oldest->event->time_ms))
					oldest = held;
			if (!oldest)
				break;
			for (size_t i = 0; i < NAMES; i++)
				if (text_equal(names[i], windows[w].ends) && !oldest->names[i]) {
					const struct outcome end = {
						.kind = OUTCOME_ENDED, .exposure = exposure_of(oldest->event), .weight = 1};
					outcome_line(&naive->lines, &end);
				}
			naive_over(naive, oldest);
		}
		if (naive->turned_ms[w] + windows[w].window_ms < time_ms) {
			naive->turns[w]++;
			naive->turned_ms[w] = time_ms;
		}
	}
}

static void naive_see(struct naive *naive, struct held *held)
{
	if (!windows[held->event->window].samples || !held->event->unit[0])
		return;
	held->seen = true;
	for (size_t i = 0; i < naive->count; i++) {
		struct held *other = &naive->held[i];
		if (!other->seen || other == held || strcmp(other->event->unit, held->event->unit) != 0)
			continue;
		if (strcmp(other->event->table, held->event->table) == 0 || other->event->time_ms >= held->event->time_ms)
			held->seen = false;
		else
			other->seen = false;
	}
}

static void naive_expose(struct naive *naive, const struct event *event)
{
	struct held *held = &naive->held[naive->count];
	*held = (struct held){.event = event};
	for (size_t i = 0; i < naive->count; i++)
		if (naive->held[i].open && naive->held[i].event->window == event->window &&
		    strcmp(naive->held[i].event->id, event->id) == 0 && held_end(held) >= naive->time_ms)
			return;
	if (held_end(held) < naive->time_ms && !windows[event->window].samples)
		return;
	for (size_t i = 0; i < naive->count; i++)
		if (naive->held[i].open && naive->held[i].event->window == event->window &&
		    strcmp(naive->held[i].event->id, event->id) == 0)
			return;
	naive->count++;
	naive_see(naive, held);
	held->open = held_end(held) >= naive->time_ms;
	if (!held->open)
		naive_over(naive, held);
}

/* The values of feedback for a window. */
static bool naive_values(const struct event *event, size_t w, size_t name, const struct event *of, bool all, double *value,
			 enum outcome_how *how)
{
	*how = OUTCOME_SENT;
	*value = event->values[name];
	if (event->has[name])
		return true;
	*value = event->values[REWARD];
	if (text_equal(windows[w].earned, names[name]) && event->has[REWARD])
		return true;
	*how = OUTCOME_JUDGED;
	*value = of->prediction[0] == '0' + event->truth;
	return text_equal(windows[w].judged, names[name]) && event->truth >= 0 && of->prediction[0] && !all;
}

static void naive_outcome(struct naive *naive, const struct event *event, struct held *held, enum outcome_kind kind,
			  bool had[NAMES], bool by_unit)
{
	const size_t w = held->event->window;
	const bool all = by_unit && (kind == OUTCOME_LATE || windows[w].units == JOIN_UNITS_ALL);
	struct outcome_metric metrics[NAMES];
	struct outcome outcome = {.kind = kind,
				  .exposure = exposure_of(held->event),
				  .weight = 1,
				  .happened_ms = event->time_ms ? event->time_ms : event->written_ms,
				  .source = {.offset = (int64_t)(event - events)},
				  .metrics = metrics};
	for (size_t i = 0; i < NAMES; i++) {
		double value;
		enum outcome_how how;
		if ((had && had[i]) || !naive_values(event, w, i, held->event, all, &value, &how))
			continue;
		metrics[outcome.metric_count++] = (struct outcome_metric){names[i], value, how};
		if (had)
			had[i] = true;
	}
	if (outcome.metric_count > 0)
		outcome_line(&naive->lines, &outcome);
}

/* The values that a unit has when some come in time. */
static void naive_unit_marks(struct naive *naive, const struct event *event, const struct held *found, size_t w)
{
	for (size_t i = 0; i < naive->count; i++)
		for (size_t j = 0; j < NAMES && naive->held[i].seen && naive->held[i].event->window == w &&
				   naive->held[i].event->time_ms <= found->event->time_ms &&
				   strcmp(naive->held[i].event->unit, event->unit) == 0;
		     j++)
			naive->held[i].late_of_unit[j] |= event->has[j];
}

static void naive_late(struct naive *naive, const struct event *event, size_t w, const char *id)
{
	for (size_t i = 0; i < naive->count; i++) {
		struct held *held = &naive->held[i];
		const bool is_it = id ? held->sampled && strcmp(held->event->id, id) == 0
				      : held->seen && strcmp(held->event->unit, event->unit) == 0;
		if (is_it && held->event->window == w && held_end(held) < event->written_ms)
			naive_outcome(naive, event, held, OUTCOME_LATE, id ? held->late : held->late_of_unit, !id);
	}
}

static void naive_request(struct naive *naive, const struct event *event, size_t w)
{
	const int64_t happened_ms = event->time_ms ? event->time_ms : event->written_ms;
	char id[TEXT_BYTES];
	(void)snprintf(id, sizeof id, "%s", event->id);
	if (!event->id[0])
		(void)snprintf(id, sizeof id, "in-0-%d", (int)event->origin.offset);
	for (size_t i = 0; i < naive->count; i++) {
		struct held *held = &naive->held[i];
		if (!held->open || held->event->window != w || strcmp(held->event->id, id) != 0 ||
		    (!event->id[0] && held->event->origin.offset != event->origin.offset))
			continue;
		if (happened_ms <= held_end(held)) {
			naive_outcome(naive, event, held, OUTCOME_JOINED, held->names, false);
			return;
		}
		naive_over(naive, held);
		held->open = true;
	}
	naive_late(naive, event, w, id);
}

static void naive_unit(struct naive *naive, const struct event *event, size_t w)
{
	const bool once = windows[w].units == JOIN_UNITS_ONCE;
	const int64_t happened_ms = event->time_ms ? event->time_ms : event->written_ms;
	const int64_t before_ms = once ? happened_ms : happened_ms + FEEDBACK_AHEAD_MS;
	struct held *last = NULL, *first = NULL;
	bool has = event->truth >= 0 && windows[w].judged.length > 0;
	for (size_t i = 0; i < NAMES; i++)
		has |= event->has[i];
	if (windows[w].units == JOIN_UNITS_NONE || !has)
		return;
	for (size_t i = 0; event->feedback_id[0] && i < naive->came_count; i++)
		if (naive->came[i].window == w && strcmp(naive->came[i].unit, event->unit) == 0 &&
		    strcmp(naive->came[i].feedback_id, event->feedback_id) == 0 && naive->came[i].turn >= naive->turns[w] - 1)
			return;
	for (size_t i = 0; i < naive->count; i++) {
		struct held *held = &naive->held[i];
		if (!held->open || held->event->window != w || strcmp(held->event->unit, event->unit) != 0)
			continue;
		if (held->event->time_ms <= before_ms && (!last || held->event->time_ms >= last->event->time_ms))
			last = held;
		if (held->event->time_ms > before_ms && held->event->time_ms <= happened_ms + FEEDBACK_AHEAD_MS &&
		    (!first || held->event->time_ms < first->event->time_ms))
			first = held;
	}
	struct held *found = last ? last : first;
	if (!found || happened_ms > held_end(found)) {
		if (windows[w].samples)
			naive_late(naive, event, w, NULL);
		return;
	}
	if (event->feedback_id[0]) {
		struct came *came = &naive->came[naive->came_count++];
		*came = (struct came){.window = w, .turn = naive->turns[w]};
		memcpy(came->unit, event->unit, TEXT_BYTES);
		memcpy(came->feedback_id, event->feedback_id, TEXT_BYTES);
	}
	naive_unit_marks(naive, event, found, w);
	naive_outcome(naive, event, found, OUTCOME_JOINED, once ? found->names : NULL, true);
}

static void naive_feedback(struct naive *naive, const struct event *event)
{
	for (size_t w = 0; w < WINDOWS; w++)
		if (event->window == WINDOWS || event->window == w || windows[w].experiment.length == 0)
			(event->unit[0] ? naive_unit : naive_request)(naive, event, w);
}

/* ---- the join ---- */

struct stored {
	int64_t time_ms; /* of the join */
	struct text bytes;
};

struct stand {
	struct exposure_join *join;
	struct lines lines;
	struct stored *stored;
	size_t stored_count;
	struct arena *arena;
	size_t exposed; /* events that were read */
};

static void outcome_store(void *context, size_t window, const struct outcome *outcome)
{
	struct stand *stand = context;
	struct error error = {0};
	struct buffer out;
	assert_true(text_equal(windows[window].experiment, outcome->exposure.experiment));
	outcome_line(&stand->lines, outcome);
	buffer_open(&out, 1 << 16);
	assert_true(outcome_encode(outcome, stand->arena, &out, &error));
	assert_true(stand->stored_count < 8 * EVENTS_MAX);
	stand->stored[stand->stored_count++] = (struct stored){
		exposure_join_stored_ms(stand->join, outcome), {arena_copy(stand->arena, out.bytes, out.length), out.length}};
	buffer_close(&out);
}

static void join_begin(struct stand *stand)
{
	const struct exposure_join_config config = {.memory_bytes = SIZE_MAX,
						    .seed = 7,
						    .window_count = WINDOWS,
						    .windows = windows,
						    .name_count = NAMES,
						    .names = names,
						    .context = stand,
						    .outcome = outcome_store};
	struct error error = {0};
	stand->join = exposure_join_open(&config, &error);
	if (!stand->join)
		fail_msg("%s", error.text);
}

static void join_feed(struct stand *stand, const struct event *event)
{
	const struct exposure exposure = event->kind == EXPOSE ? exposure_of(event) : (struct exposure){0};
	const struct origin source = {TEXT("fb"), 0, event - events};
	struct feedback_metric metrics[NAMES];
	const int64_t truth_data = event->truth;
	const struct tensor truth = {.name = TEXT("y"), .datatype = DATATYPE_INT64, .count = 1, .data = &truth_data};
	const struct tensor *const truths[] = {&truth};
	const struct origin none = {.topic = TEXT("")};
	struct feedback feedback = {.id = text_of(event->id),
				    .unit = text_of(event->unit),
				    .feedback_id = text_of(event->feedback_id),
				    .experiment = event->window < WINDOWS ? windows[event->window].experiment : TEXT(""),
				    .origin = event->id[0] || event->unit[0] ? none : event->origin,
				    .time_ms = event->time_ms,
				    .has_reward = event->has[REWARD],
				    .reward = event->values[REWARD],
				    .metrics = metrics,
				    .truth = {.count = event->truth >= 0, .items = truths}};
	for (size_t i = REWARD + 1; i < NAMES; i++)
		if (event->has[i])
			metrics[feedback.metric_count++] = (struct feedback_metric){names[i], event->values[i]};
	if (event->kind == EXPOSE)
		(void)exposure_join_expose(stand->join, &exposure, event->place);
	else if (event->kind == FEEDBACK)
		exposure_join_feedback(stand->join, &feedback, &source, event->written_ms);
	else
		exposure_join_pass(stand->join, event->time_ms);
}

/* Another leader goes on: by the time and the low places that the former one committed, and the outcomes that it wrote. Where
 * exposures that are over are sampled, it reads them from the beginning. */
static void join_take_over(struct stand *stand, size_t count)
{
	const bool from_low = !windows[ROLLOUT].samples;
	const int64_t time_ms = exposure_join_time_ms(stand->join);
	int64_t low[PARTITIONS];
	for (int32_t i = 0; i < PARTITIONS; i++)
		if (!exposure_join_low(stand->join, 0, i, &low[i]))
			low[i] = INT64_MAX;
	exposure_join_close(stand->join);
	join_begin(stand);
	exposure_join_quiet(stand->join, true);
	exposure_join_pass(stand->join, time_ms);
	for (size_t i = 0; i < count; i++)
		if (events[i].kind == EXPOSE && (!from_low || events[i].place.offset >= low[events[i].place.partition]))
			join_feed(stand, &events[i]);
	const int64_t low_ms = from_low ? exposure_join_low_ms(stand->join) : 0;
	for (size_t i = 0; i < stand->stored_count; i++) {
		struct outcome outcome;
		struct error error = {0};
		if (stand->stored[i].time_ms < low_ms)
			continue;
		assert_true(outcome_decode(stand->stored[i].bytes, stand->arena, &outcome, &error));
		exposure_join_mark(stand->join, &outcome);
	}
	exposure_join_quiet(stand->join, false);
}

static void lines_compare(const struct lines *is, const struct lines *wanted, uint64_t seed, size_t event)
{
	for (size_t i = 0; i < wanted->count || i < is->count; i++) {
		const char *a = i < is->count ? is->items[i] : "nothing", *b = i < wanted->count ? wanted->items[i] : "nothing";
		if (strcmp(a, b) != 0)
			fail_msg("seed %d, event %zu, outcome %zu:\n  is:     %s\n  should: %s", (int)seed, event, i, a, b);
	}
}

static void seed_run(uint64_t seed, size_t leaders)
{
	struct naive *naive = calloc(1, sizeof *naive);
	struct stand stand = {.arena = arena_open((size_t)64 << 20), .stored = calloc(8 * EVENTS_MAX, sizeof *stand.stored)};
	const size_t count = events_roll(seed);
	join_begin(&stand);
	for (size_t i = 0; i < count; i++) {
		const struct event *event = &events[i];
		if (event->kind == EXPOSE)
			naive_expose(naive, event);
		else if (event->kind == FEEDBACK)
			naive_feedback(naive, event);
		else
			naive_pass(naive, event->time_ms);
		join_feed(&stand, event);
		lines_compare(&stand.lines, &naive->lines, seed, i);
		if (leaders > 1 && i % (count / leaders) == count / leaders - 1)
			join_take_over(&stand, i + 1);
	}
	assert_true(stand.lines.count > EVENTS_MAX / 8);
	exposure_join_close(stand.join);
	arena_close(stand.arena);
	free(stand.stored);
	free(stand.lines.items);
	free(naive->lines.items);
	free(naive);
}

static void a_leader_that_takes_over_goes_on_as_the_former_one(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(SEEDS); seed++)
		seed_run(seed, 7);
}

static void without_a_sample_it_reads_what_is_open_alone(void **state)
{
	(void)state;
	windows[ROLLOUT].samples = false;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(SEEDS); seed++)
		seed_run(seed, 7);
	windows[ROLLOUT].samples = true;
}

static void outcomes_are_those_of_a_join_that_holds_everything(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= UNIT_REPETITIONS(SEEDS); seed++)
		seed_run(seed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes_are_those_of_a_join_that_holds_everything),
		cmocka_unit_test(a_leader_that_takes_over_goes_on_as_the_former_one),
		cmocka_unit_test(without_a_sample_it_reads_what_is_open_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
