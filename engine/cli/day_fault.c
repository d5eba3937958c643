/* day_fault.c: Injected faults of the workers in a simulation run, and the times at which workers get a deployment;
 * see day_parts.h. */
#include "cli/day_parts.h"

#include <assert.h>
#include <inttypes.h>

#define MS DAY_MS
#define SECOND DAY_SECOND

static int64_t fault_lasts_us(struct day *day, enum day_fault fault)
{
	switch (fault) {
	case DAY_LEAVE:
		return random_between(&day->random, 7 * SECOND, 20 * SECOND);
	case DAY_FREEZE:
		return random_between(&day->random, 100 * MS, 15 * SECOND);
	default:
		return random_between(&day->random, 50 * MS, 9 * SECOND);
	}
}

static void fault_insert(struct day *day, const struct scheduled *scheduled)
{
	size_t place = day->fault_count++;
	for (; place > 0 && day->faults[place - 1].due_us > scheduled->due_us; place--)
		day->faults[place] = day->faults[place - 1];
	day->faults[place] = *scheduled;
	int64_t over_us = scheduled->due_us + scheduled->lasts_us;
	day->calm_us = over_us > day->calm_us ? over_us : day->calm_us;
}

static void ear_faults_draw(struct day *day, int64_t last_us)
{
	static const enum day_fault faults[] = {DAY_CRASH, DAY_STOP, DAY_FREEZE, DAY_CUT};
	struct random *random = &day->wide[DAY_FED];
	if (day->ear_count == 0)
		return;
	for (int64_t i = random_between(random, 0, DAY_EAR_STRIKES_MAX); i > 0; i--) {
		const struct scheduled scheduled = {
			.due_us = random_between(random, 0, last_us),
			.fault = faults[random_below(random, sizeof faults / sizeof *faults)],
			.worker = (size_t)random_below(random, day->ear_count),
			.ear = true,
			.lasts_us = random_between(random, 50 * MS, 9 * SECOND),
		};
		fault_insert(day, &scheduled);
	}
}

void day_faults_draw(struct day *day)
{
	int64_t last_us = 0;
	for (size_t i = 0; i < day->line_count; i++) {
		const struct day_line *line = &day->lines[i];
		int64_t line_us = line->requests[line->count - 1].due_us + SECOND;
		last_us = line_us > last_us ? line_us : last_us;
	}
	day->fault_count = (size_t)random_between(&day->random, DAY_STRIKES_MIN, DAY_STRIKES_MAX);
	for (size_t i = 0; i < day->fault_count; i++) {
		enum day_fault fault = (enum day_fault)random_below(&day->random, DAY_FAULTS);
		day->faults[i] = (struct scheduled){
			.due_us = last_us * (int64_t)(i + 1) / (int64_t)(day->fault_count + 1),
			.fault = fault,
			.worker = (size_t)random_below(&day->random, day->worker_count),
			.lasts_us = fault_lasts_us(day, fault),
		};
		int64_t over_us = day->faults[i].due_us + day->faults[i].lasts_us;
		day->calm_us = over_us > day->calm_us ? over_us : day->calm_us;
	}
	day->calm_us = last_us > day->calm_us ? last_us : day->calm_us;
	ear_faults_draw(day, last_us);
}

static bool fault_join(struct day *day, struct error *error)
{
	return day_worker_configure(day, day->worker_count, error) && day_worker_start(&day->workers[day->worker_count++], error);
}

/* A line with models, from the one meant on; NULL: there is none. */
static struct day_line *line_with_models(struct day *day, size_t meant)
{
	for (size_t i = 0; i < day->line_count; i++)
		if (day->lines[(meant + i) % day->line_count].variants[0].model_count > 0)
			return &day->lines[(meant + i) % day->line_count];
	return NULL;
}

static void fault_away(struct day *day, const struct scheduled *scheduled)
{
	struct day_line *line = line_with_models(day, scheduled->worker);
	assert(line); /* else fault_possible() had chosen another fault */
	struct model_twin *model = &line->variants[0].models[scheduled->worker % line->variants[0].model_count];
	model->away_until_ms = (day->now_us + scheduled->lasts_us) / MS;
	day_tell(day, line->name, "its model %s is away for %" PRId64 " ms", model->name, scheduled->lasts_us / MS);
}

/* What cannot happen as the day is makes room for what can. */
static enum day_fault fault_possible(struct day *day, enum day_fault fault)
{
	if (fault == DAY_JOIN && day->worker_count == DAY_WORKERS_MAX)
		return DAY_CUT;
	return fault == DAY_AWAY && !line_with_models(day, 0) ? DAY_CRASH : fault;
}

/* The one meant, or the next that is up; NULL: none is. */
static struct day_worker *worker_up(struct day *day, size_t meant)
{
	for (size_t i = 0; i < day->worker_count; i++)
		if (day->workers[(meant + i) % day->worker_count].worker)
			return &day->workers[(meant + i) % day->worker_count];
	return NULL;
}

static void worker_strike(struct day *day, struct day_worker *worker, enum day_fault fault, int64_t until_us)
{
	day_tell(day, worker->name, "is struck: %s, until %.3f", day_fault_names[fault], (double)until_us / 1e6);
	switch (fault) {
	case DAY_CRASH:
	case DAY_LEAVE:
		day_worker_end(worker, true, until_us);
		break;
	case DAY_STOP:
		worker_stop(worker->worker);
		break;
	case DAY_FREEZE:
		twin_host_freeze(worker->host, until_us);
		worker->frozen_us = until_us;
		break;
	default:
		twin_host_cut(worker->host, until_us);
		break;
	}
}

static bool fault_strike(struct day *day, struct error *error)
{
	const struct scheduled *scheduled = &day->faults[day->faults_done++];
	struct day_worker *ear = scheduled->ear && day->ears[scheduled->worker].worker ? &day->ears[scheduled->worker] : NULL;
	enum day_fault fault = scheduled->ear ? scheduled->fault : fault_possible(day, scheduled->fault);
	struct day_worker *worker = scheduled->ear ? ear : worker_up(day, scheduled->worker);
	bool strikes = fault == DAY_JOIN || fault == DAY_AWAY || worker;
	day->result->counts.faults[fault] += strikes;
	if (fault == DAY_JOIN)
		return fault_join(day, error);
	if (fault == DAY_AWAY)
		fault_away(day, scheduled);
	else if (worker)
		worker_strike(day, worker, fault, day->now_us + scheduled->lasts_us);
	return true;
}


int64_t day_faults_due_us(const struct day *day)
{
	return day->faults_done < day->fault_count ? day->faults[day->faults_done].due_us : INT64_MAX;
}

bool day_faults_strike(struct day *day, struct error *error)
{
	while (day_faults_due_us(day) <= day->now_us)
		if (!fault_strike(day, error))
			return false;
	return true;
}
