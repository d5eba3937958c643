/* simulation_loss.c: see simulation_loss.h. */
#include "simulation/simulation_loss.h"

#include "simulation/simulated_faults.h"
#include "simulation/simulation_parts.h"

#define FIRST_US (1 * SIMULATION_SECOND)
#define LAST_US (8 * SIMULATION_SECOND)
#define QUIET_US (20 * SIMULATION_SECOND) /* then each transaction has timed out, and no late request is on its way */
#define END_RECORDS 4			  /* that are lost of an end, at most */
#define START_US (1 * SIMULATION_SECOND)

void simulation_loss_draw(struct simulation *simulation)
{
	struct simulation_loss *loss = &simulation->loss;
	struct random *random = &simulation->wide[SIMULATION_BEREFT];
	loss->kind = (enum simulation_loss_kind)random_below(random, SIMULATION_LOSS_KINDS);
	loss->stop_us = random_between(random, FIRST_US, LAST_US);
	loss->loss_us = loss->stop_us + QUIET_US;
	for (size_t i = 0; i < simulation->fault_count; i++)
		if (simulation->faults[i].due_us >= loss->stop_us)
			simulation->faults[i].due_us += QUIET_US + START_US;
	simulation->calm_us = simulation_later(simulation->calm_us, loss->stop_us) + QUIET_US + START_US;
}

int64_t simulation_loss_due_us(const struct simulation_loss *loss)
{
	if (loss->loss_us == 0)
		return INT64_MAX;
	return loss->stopped ? loss->loss_us : loss->stop_us;
}

static void worker_kill(struct simulation *simulation, struct simulation_worker *worker, int64_t start_us)
{
	simulation_worker_end(worker, true, start_us);
	worker->start_us = start_us + random_between(&simulation->wide[SIMULATION_BEREFT], 0, START_US);
}

static void workers_kill(struct simulation *simulation, int64_t start_us)
{
	for (size_t i = 0; i < simulation->worker_count; i++)
		worker_kill(simulation, &simulation->workers[i], start_us);
	for (size_t i = 0; i < simulation->observer_count; i++)
		worker_kill(simulation, &simulation->watchers[i], start_us);
}

/* Exactly once, each committed record is referred to; else one whose offsets are not committed yet is not missed. */
static void changelog_cut(struct simulation *simulation, const char *name)
{
	struct simulated_topic *topic = simulated_find(simulation->kafka, name);
	bool all = simulation->loss.kind == SIMULATION_LOSS_OF_ALL || !simulation->config->exactly_once;
	for (int32_t i = 0; i < simulated_topic_partitions(topic); i++) {
		size_t records = all ? SIZE_MAX : (size_t)random_between(&simulation->wide[SIMULATION_BEREFT], 1, END_RECORDS);
		simulation->loss.lost |= simulated_cut(topic, i, records);
	}
}

static void state_delete(struct simulation *simulation)
{
	simulation_tell(simulation, "the run", "Kafka loses %s",
			simulation->loss.kind == SIMULATION_LOSS_OF_REFERENCES ? "the metadata of commits"
									       : "records of changelogs");
	if (simulation->loss.kind == SIMULATION_LOSS_OF_REFERENCES) {
		simulated_forget_references(simulation->kafka);
		return;
	}
	for (size_t i = 0; i < simulation->line_count; i++) {
		const struct pipeline_plan *pipeline =
			simulation_scheme_pipeline(&simulation->scheme, 0, simulation->lines[i].name);
		for (size_t j = 0; pipeline && j < pipeline->topic_count; j++)
			if (pipeline->topics[j].role == TOPIC_STATE)
				changelog_cut(simulation, pipeline->topics[j].name);
	}
}

void simulation_loss_inject(struct simulation *simulation)
{
	struct simulation_loss *loss = &simulation->loss;
	if (simulation_loss_due_us(loss) > simulation->now_us)
		return;
	if (!loss->stopped) {
		workers_kill(simulation, loss->loss_us);
		loss->stopped = true;
	} else {
		state_delete(simulation);
		loss->loss_us = 0;
	}
}
