/* simulation_fault.c: Injected faults of the workers in a simulation run, and the times at which workers get a deployment;
 * see simulation_parts.h. */
#include "simulation/simulation_parts.h"
#include "simulation/simulated_faults.h"

#include <assert.h>
#include <inttypes.h>

#define MS SIMULATION_MS
#define SECOND SIMULATION_SECOND

static int64_t fault_lasts_us(struct simulation *simulation, enum simulation_fault fault)
{
	switch (fault) {
	case SIMULATION_LEAVE:
		return random_between(&simulation->random, 7 * SECOND, 20 * SECOND);
	case SIMULATION_FREEZE:
		return random_between(&simulation->random, 100 * MS, 15 * SECOND);
	default:
		return random_between(&simulation->random, 50 * MS, 9 * SECOND);
	}
}

static void fault_insert(struct simulation *simulation, const struct scheduled *scheduled)
{
	size_t place = simulation->fault_count++;
	for (; place > 0 && simulation->faults[place - 1].due_us > scheduled->due_us; place--)
		simulation->faults[place] = simulation->faults[place - 1];
	simulation->faults[place] = *scheduled;
	int64_t over_us = scheduled->due_us + scheduled->lasts_us;
	simulation->calm_us = over_us > simulation->calm_us ? over_us : simulation->calm_us;
}

/* Of workers that read other pipelines, or observe. */
static void others_faults_draw(struct simulation *simulation, struct random *random, bool observes, int64_t last_us)
{
	static const enum simulation_fault faults[] = {SIMULATION_CRASH, SIMULATION_STOP, SIMULATION_FREEZE, SIMULATION_CUT};
	const size_t count = observes ? simulation->observer_count : simulation->reader_count;
	if (count == 0)
		return;
	for (int64_t i = random_between(random, 0, SIMULATION_EAR_STRIKES_MAX); i > 0; i--) {
		const struct scheduled scheduled = {
			.due_us = random_between(random, 0, last_us),
			.fault = faults[random_below(random, sizeof faults / sizeof *faults)],
			.worker = (size_t)random_below(random, count),
			.reader = !observes,
			.observes = observes,
			.lasts_us = random_between(random, 50 * MS, 9 * SECOND),
		};
		fault_insert(simulation, &scheduled);
	}
}

void simulation_faults_draw(struct simulation *simulation)
{
	int64_t last_us = 0;
	for (size_t i = 0; i < simulation->line_count; i++) {
		const struct simulation_line *line = &simulation->lines[i];
		int64_t line_us = line->requests[line->count - 1].due_us + SECOND;
		last_us = line_us > last_us ? line_us : last_us;
	}
	simulation->fault_count = (size_t)random_between(&simulation->random, SIMULATION_STRIKES_MIN, SIMULATION_STRIKES_MAX);
	for (size_t i = 0; i < simulation->fault_count; i++) {
		enum simulation_fault fault = (enum simulation_fault)random_below(&simulation->random, SIMULATION_FAULTS);
		simulation->faults[i] = (struct scheduled){
			.due_us = last_us * (int64_t)(i + 1) / (int64_t)(simulation->fault_count + 1),
			.fault = fault,
			.worker = (size_t)random_below(&simulation->random, simulation->worker_count),
			.lasts_us = fault_lasts_us(simulation, fault),
		};
		int64_t over_us = simulation->faults[i].due_us + simulation->faults[i].lasts_us;
		simulation->calm_us = over_us > simulation->calm_us ? over_us : simulation->calm_us;
	}
	simulation->calm_us = last_us > simulation->calm_us ? last_us : simulation->calm_us;
	others_faults_draw(simulation, &simulation->wide[SIMULATION_FED], false, last_us);
	others_faults_draw(simulation, &simulation->wide[SIMULATION_OBSERVED], true, last_us);
}

static bool fault_join(struct simulation *simulation, struct error *error)
{
	return simulation_worker_configure(simulation, simulation->worker_count, error) &&
	       simulation_worker_start(&simulation->workers[simulation->worker_count++], error);
}

/* A line with models, from the one meant on; NULL: there is none. */
static struct simulation_line *line_with_models(struct simulation *simulation, size_t meant)
{
	for (size_t i = 0; i < simulation->line_count; i++)
		if (simulation->lines[(meant + i) % simulation->line_count].variants[0].model_count > 0)
			return &simulation->lines[(meant + i) % simulation->line_count];
	return NULL;
}

static void fault_away(struct simulation *simulation, const struct scheduled *scheduled)
{
	struct simulation_line *line = line_with_models(simulation, scheduled->worker);
	assert(line); /* else fault_possible() had chosen another fault */
	struct simulated_model *model = &line->variants[0].models[scheduled->worker % line->variants[0].model_count];
	model->away_until_ms = (simulation->now_us + scheduled->lasts_us) / MS;
	simulation_tell(simulation, line->name, "its model %s is away for %" PRId64 " ms", model->name, scheduled->lasts_us / MS);
}

/* What cannot happen as the run is makes room for what can. */
static enum simulation_fault fault_possible(struct simulation *simulation, enum simulation_fault fault)
{
	if (fault == SIMULATION_JOIN && simulation->worker_count == SIMULATION_WORKERS_MAX)
		return SIMULATION_CUT;
	return fault == SIMULATION_AWAY && !line_with_models(simulation, 0) ? SIMULATION_CRASH : fault;
}

/* The one meant, or the next that is up; NULL: none is. */
static struct simulation_worker *worker_up(struct simulation *simulation, size_t meant)
{
	for (size_t i = 0; i < simulation->worker_count; i++)
		if (simulation->workers[(meant + i) % simulation->worker_count].worker)
			return &simulation->workers[(meant + i) % simulation->worker_count];
	return NULL;
}

static void worker_fault_inject(struct simulation *simulation, struct simulation_worker *worker, enum simulation_fault fault,
				int64_t until_us)
{
	simulation_tell(simulation, worker->name, "has a fault: %s, until %.3f", simulation_fault_names[fault],
			(double)until_us / 1e6);
	switch (fault) {
	case SIMULATION_CRASH:
	case SIMULATION_LEAVE:
		simulation_worker_end(worker, true, until_us);
		break;
	case SIMULATION_STOP:
		worker_stop(worker->worker);
		break;
	case SIMULATION_FREEZE:
		simulated_host_freeze(worker->host, until_us);
		worker->frozen_us = until_us;
		break;
	default:
		simulated_host_cut(worker->host, until_us);
		break;
	}
}

/* The one of those that read other pipelines, or observe; NULL: it is down. */
static struct simulation_worker *other_up(struct simulation *simulation, const struct scheduled *scheduled)
{
	struct simulation_worker *other =
		scheduled->observes ? &simulation->watchers[scheduled->worker] : &simulation->readers[scheduled->worker];
	return other->worker ? other : NULL;
}

static bool fault_inject(struct simulation *simulation, struct error *error)
{
	const struct scheduled *scheduled = &simulation->faults[simulation->faults_done++];
	const bool other = scheduled->reader || scheduled->observes;
	enum simulation_fault fault = other ? scheduled->fault : fault_possible(simulation, scheduled->fault);
	struct simulation_worker *worker = other ? other_up(simulation, scheduled) : worker_up(simulation, scheduled->worker);
	bool injected = fault == SIMULATION_JOIN || fault == SIMULATION_AWAY || worker;
	simulation->result->counts.faults[fault] += injected;
	if (fault == SIMULATION_JOIN)
		return fault_join(simulation, error);
	if (fault == SIMULATION_AWAY)
		fault_away(simulation, scheduled);
	else if (worker)
		worker_fault_inject(simulation, worker, fault, simulation->now_us + scheduled->lasts_us);
	return true;
}

int64_t simulation_faults_due_us(const struct simulation *simulation)
{
	return simulation->faults_done < simulation->fault_count ? simulation->faults[simulation->faults_done].due_us : INT64_MAX;
}

bool simulation_faults_inject(struct simulation *simulation, struct error *error)
{
	while (simulation_faults_due_us(simulation) <= simulation->now_us)
		if (!fault_inject(simulation, error))
			return false;
	return true;
}
