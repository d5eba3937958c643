/* simulation_trait.c: Features of a simulation run in addition to its faults: which it has, and what they change in its
 * pipelines and requests. See simulation_parts.h. */
#include "simulation/simulation_parts.h"

#define AS_BEFORE_ONE_IN 4    /* runs have no traits */
#define TRAIT_IN_THOUSAND 350 /* of the others have each trait */
#define WIDE_SEED UINT64_C(0x51ce0fda9b3d1e77)
#define WIDE_STEP UINT64_C(0x2545f4914f6cdd1d)

/* Each trait has random numbers of its own, so a trait that is added later does not change the draws of the others. */
void simulation_traits_draw(struct simulation *simulation)
{
	uint64_t seed = (simulation->config->seed * 2 + simulation->config->exactly_once) ^ WIDE_SEED;
	struct random first = {seed};
	bool as_before = random_below(&first, AS_BEFORE_ONE_IN) == 0;
	for (unsigned trait = 0; trait < SIMULATION_TRAITS; trait++) {
		struct random *own = &simulation->wide[trait];
		*own = (struct random){seed + (trait + 1) * WIDE_STEP};
		simulation->traits |= (unsigned)(random_in_thousand(own, TRAIT_IN_THOUSAND) && !as_before) << trait;
	}
	if (simulation->config->traits_given)
		simulation->traits = simulation->config->traits;
	if (simulation_has(simulation, SIMULATION_MISADDRESSED))
		simulation->traits |= 1U << SIMULATION_RELOADED;
}

/* A request that is refused before it is counted would change the counts of the requests after it. */
static void line_hurry(struct simulation *simulation, struct simulation_line *line)
{
	if (!line->variants[0].counts)
		simulation_line_hurry(line, &simulation->wide[SIMULATION_HURRIED]);
}

static void line_batch(struct simulation *simulation, struct simulation_pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->count; i++) {
		struct simulation_block *block = &pipeline->blocks[i];
		if ((block->kind != SIMULATION_SCALE && block->kind != SIMULATION_CALL) ||
		    random_below(&simulation->wide[SIMULATION_BATCHED], 2))
			continue;
		block->batch = (int)random_between(&simulation->wide[SIMULATION_BATCHED], 2, 9);
		block->batch_wait_ms = (int)random_between(&simulation->wide[SIMULATION_BATCHED], 1, 400);
	}
}

static void line_cut(struct simulation *simulation, struct simulation_pipeline *pipeline)
{
	if (pipeline->count > 1)
		pipeline->blocks[random_between(&simulation->wide[SIMULATION_STAGED], 1, (int64_t)pipeline->count - 1)].isolated =
			true;
}

/* A step that counts does so by partition. That is the partition of the request if the order is by partition, and if the stages
 * have as many partitions. Answers whose order by partition is checked are in one partition. */
static void line_join(struct simulation *simulation, struct simulation_line *line)
{
	struct random *random = &simulation->wide[SIMULATION_JOINED];
	struct simulation_pipeline *pipeline = &line->variants[0];
	size_t first = (size_t)random_below(random, pipeline->count);
	pipeline->by_partition = random_below(random, 2) || pipeline->counts;
	line->stage_partitions = (int32_t)random_between(random, 1, SIMULATION_PARTITIONS_MAX);
	if (pipeline->counts) {
		first = 0;
		line->stage_partitions = line->partitions;
	}
	for (size_t i = 0; i < pipeline->count; i++) {
		struct simulation_block *block = &pipeline->blocks[(first + i) % pipeline->count];
		block->apart = block->kind == SIMULATION_SCALE || block->kind == SIMULATION_FORK || block->kind == SIMULATION_COUNT;
		if (block->kind == SIMULATION_SCALE)
			block->kind = SIMULATION_FORK;
		if (block->apart)
			break;
	}
	line->judge.by_partition = pipeline->by_partition;
	if (pipeline->by_partition)
		line->judge.answers.partitions = 1;
}

static void line_tap(struct simulation *simulation, struct simulation_pipeline *pipeline)
{
	pipeline->tapped = true;
	pipeline->logged = random_below(&simulation->wide[SIMULATION_TAPPED], 2) ? 100 : 30;
}

/* Some time before its pipeline is changed, the address of a model is dead. The change corrects it, and nothing else. */
static bool line_misaddress(struct simulation *simulation, struct simulation_line *line, int64_t corrected_us, struct error *error)
{
	struct random *random = &simulation->wide[SIMULATION_MISADDRESSED];
	const size_t model = (size_t)random_below(random, line->variants[0].model_count);
	const int64_t gone_us = corrected_us - random_between(random, 0, 5 * SIMULATION_SECOND);
	line->variants[0].models[model].gone_ms = gone_us > SIMULATION_MS ? gone_us / SIMULATION_MS : 1;
	return simulation_line_vary(line, false, random, simulation->arena, error);
}

/* A pipeline is changed, is added later, or is removed and added again. */
static bool line_reload(struct simulation *simulation, struct simulation_line *line, struct error *error)
{
	bool varies = random_below(&simulation->wide[SIMULATION_RELOADED], 3) > 0;
	/* Something is always deployed, and so is what another reads. */
	bool is_away = random_below(&simulation->wide[SIMULATION_RELOADED], 3) == 0 && line->number > 0 &&
		       !simulation_feed_reads(&simulation->feed, line);
	size_t away = (size_t)random_below(&simulation->wide[SIMULATION_RELOADED], simulation->scheme.count - 1);
	size_t changes = (size_t)random_between(&simulation->wide[SIMULATION_RELOADED], 1, (int64_t)simulation->scheme.count - 1);
	bool is_misaddressed = simulation_has(simulation, SIMULATION_MISADDRESSED) && line->variants[0].model_count > 0;
	if (is_misaddressed && !line_misaddress(simulation, line, simulation->deploy_us[changes], error))
		return false;
	if (!is_misaddressed && varies &&
	    !simulation_line_vary(line, true, &simulation->wide[SIMULATION_RELOADED], simulation->arena, error))
		return false;
	varies = varies || is_misaddressed;
	for (size_t i = 0; i < simulation->scheme.count; i++)
		line->deployed[i] = is_away && i == away ? SIMULATION_ABSENT : varies && i >= changes ? 1 : 0;
	return true;
}

static bool feed_open(struct simulation *simulation, struct error *error)
{
	simulation->reader_count = SIMULATION_READERS;
	return simulation_feed_open(&simulation->feed, simulation->lines, simulation->line_count, simulation->result->why,
				    &simulation->wide[SIMULATION_FED], simulation->arena) ||
	       error_memory(error, ERROR_SYSTEM, "simulating");
}

/* The judges of readers and of recorded outputs identify requests by their headers, and so do those of errors. */
static bool may_be_brief(const struct simulation *simulation, const struct simulation_line *line)
{
	static const enum simulation_trait others[] = {SIMULATION_FED, SIMULATION_TAPPED, SIMULATION_HURRIED, SIMULATION_GAPPED,
						       SIMULATION_OBSERVED};
	bool may = simulation_has(simulation, SIMULATION_PARCELLED) && line->variants[0].model_count == 0 && !simulation->unwanted;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		may = may && !simulation_has(simulation, others[i]);
	return may;
}

bool simulation_traits_apply(struct simulation *simulation, struct error *error)
{
	for (size_t i = 0; simulation_has(simulation, SIMULATION_JOINED) && !simulation_has(simulation, SIMULATION_RELOADED) &&
			   i < simulation->line_count;
	     i++)
		line_join(simulation, &simulation->lines[i]);
	if (simulation_has(simulation, SIMULATION_FED) && !feed_open(simulation, error))
		return false;
	if (!simulation_lineage_open(&simulation->lineage, simulation->result->why))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	for (size_t i = 0; i < simulation->line_count; i++) {
		struct simulation_line *line = &simulation->lines[i];
		line->brief = may_be_brief(simulation, line);
		if (simulation_has(simulation, SIMULATION_HURRIED))
			line_hurry(simulation, line);
		if (simulation_has(simulation, SIMULATION_BATCHED))
			line_batch(simulation, &line->variants[0]);
		if (simulation_has(simulation, SIMULATION_STAGED))
			line_cut(simulation, &line->variants[0]);
		if (simulation_has(simulation, SIMULATION_TAPPED))
			line_tap(simulation, &line->variants[0]);
		if (simulation_has(simulation, SIMULATION_RELOADED) && !line_reload(simulation, line, error))
			return false;
		if (simulation_has(simulation, SIMULATION_TAPPED) &&
		    !simulation_lineage_add(&simulation->lineage, line, simulation->arena))
			return error_memory(error, ERROR_SYSTEM, "simulating");
		simulation_line_ready(line, simulation->config->broken == SIMULATION_MIXES_BATCHES);
	}
	/* The observer is left out where rows may be refused: its judge does not know which. */
	if (simulation_has(simulation, SIMULATION_OBSERVED) && !simulation_has(simulation, SIMULATION_BOUNDED) &&
	    !simulation->unwanted)
		simulation_observers_draw(simulation);
	for (unsigned trait = 0; trait < SIMULATION_TRAITS; trait++)
		simulation->result->counts.traits[trait] = simulation_has(simulation, trait);
	return true;
}
