/* simulation_gap.c: see simulation_gap.h. */
#include "simulation/simulation_gap.h"

#include <inttypes.h>

#include "simulation/simulated_faults.h"
#include "simulation/simulation_parts.h"

#define FIRST_US (1 * SIMULATION_SECOND)
#define LAST_US (8 * SIMULATION_SECOND)
#define DOWN_US (2 * SIMULATION_SECOND) /* requests come meanwhile */
#define START_US (1 * SIMULATION_SECOND)
#define RECORDS_MOST 12 /* that are deleted of a partition, behind what is committed */
#define GROUP "run"	/* of the workers */

void simulation_gap_draw(struct simulation *simulation)
{
	struct simulation_gap *gap = &simulation->gap;
	struct random *random = &simulation->wide[SIMULATION_GAPPED];
	gap->line = (size_t)random_below(random, simulation->line_count);
	for (size_t i = 0; i < simulation->line_count && simulation->lines[gap->line].variants[0].counts; i++)
		gap->line = (gap->line + 1) % simulation->line_count;
	gap->stop_us = random_between(random, FIRST_US, LAST_US);
	gap->delete_us = gap->stop_us + (random_below(random, 3) ? DOWN_US : 0);
	if (simulation->lines[gap->line].variants[0].counts) {
		gap->delete_us = 0;
		return;
	}
	gap->stops = random_below(random, 3) == 0;
	for (size_t i = 0; i < SIMULATION_VARIANTS; i++)
		simulation->lines[gap->line].variants[i].gap_stops = gap->stops;
	simulation->calm_us = simulation_later(simulation->calm_us, gap->delete_us + START_US);
}

int64_t simulation_gap_due_us(const struct simulation_gap *gap)
{
	if (gap->delete_us == 0)
		return INT64_MAX;
	return gap->down ? gap->delete_us : gap->stop_us;
}

static void workers_kill(struct simulation *simulation)
{
	const int64_t start_us = simulation->gap.delete_us + random_between(&simulation->wide[SIMULATION_GAPPED], 0, START_US);
	for (size_t i = 0; i < simulation->worker_count; i++)
		simulation_worker_end(&simulation->workers[i], true, start_us);
}

/* Where nothing was committed yet, a group begins at what is there: then nothing is deleted. */
static void requests_delete(struct simulation *simulation)
{
	struct random *random = &simulation->wide[SIMULATION_GAPPED];
	const struct simulation_line *line = &simulation->lines[simulation->gap.line];
	for (int32_t i = 0; line->found && i < line->partitions; i++) {
		const int64_t committed = simulated_committed(simulation->kafka, GROUP, line->found, i);
		const int64_t before = committed + random_between(random, 1, RECORDS_MOST);
		if (committed == OFFSET_NONE)
			continue;
		simulation_tell(simulation, "the run", "Kafka deletes what is below offset %" PRId64 " of %s-%d", before,
				line->requests_topic, i);
		simulated_delete(line->found, i, before);
	}
}

void simulation_gap_inject(struct simulation *simulation)
{
	struct simulation_gap *gap = &simulation->gap;
	if (simulation_gap_due_us(gap) > simulation->now_us)
		return;
	if (!gap->down && gap->stop_us < gap->delete_us) {
		workers_kill(simulation);
		gap->down = true;
	} else {
		requests_delete(simulation);
		gap->delete_us = 0;
	}
}

void simulation_gap_look(struct simulation *simulation)
{
	struct simulation_line *line = &simulation->lines[simulation->gap.line];
	if (simulated_gaps(simulation->kafka) == 0)
		return;
	line->judge.skipped = 0;
	for (size_t i = 0; i < line->sent; i++) {
		struct simulation_request *request = &line->requests[i];
		request->skipped = simulated_is_skipped(line->found, request->partition, request->offset);
		line->judge.skipped +=
			request->skipped && request->wanted && !simulation_request_is_answered(&line->judge, request);
	}
}

/* A worker that was no member any more may be informed of a gap where its successor has answered all. Requests that went on to
 * another stage wait there, since no worker runs. */
static void commits_judge(struct simulation *simulation, const struct simulation_line *line)
{
	for (size_t i = 0; simulation_pipeline_is_one_stage(&line->variants[0]) && i < line->sent; i++) {
		const struct simulation_request *request = &line->requests[i];
		const bool lost = request->skipped && request->wanted && !simulation_request_is_answered(&line->judge, request);
		if (lost && simulated_committed(simulation->kafka, GROUP, line->found, request->partition) > request->offset)
			simulation_fails(simulation->result->why,
					 "request %zu (partition %d, offset %" PRId64
					 ") was skipped and committed, in spite of onGap: stop",
					 i, request->partition, request->offset);
	}
}

/* A worker that has just left a removed pipeline may be informed of a gap in its topic, which no stage of it counts or heeds. */
static bool is_heeded(const struct simulation *simulation, uint64_t reported, uint64_t heeded)
{
	return simulation->scheme.count > 1 ? heeded <= reported : heeded == reported;
}

void simulation_gap_end(struct simulation *simulation)
{
	const uint64_t counted = count_read(&simulation->counts.sums.skipped), skipped = simulated_skipped(simulation->kafka);
	if (!is_heeded(simulation, skipped, counted))
		simulation_fails(simulation->result->why,
				 "workers were informed of %" PRIu64 " records that they skip, and have counted %" PRIu64, skipped,
				 counted);
	if (simulation->gap.stops && !is_heeded(simulation, simulated_gaps(simulation->kafka), simulation->gap.ended))
		simulation_fails(simulation->result->why, "workers were informed of %" PRIu64 " gaps, and %" PRIu64 " have stopped",
				 simulated_gaps(simulation->kafka), simulation->gap.ended);
	if (simulation->gap.stops)
		commits_judge(simulation, &simulation->lines[simulation->gap.line]);
}
