/* stage_phase.c: see stage_phase.h. */
#include "engine/worker/stage_phase.h"

#include <assert.h>
#include <string.h>

#include "message/records/stage_link.h"
#include "engine/outputs/stage_links.h"

#define LINGER_MS 10000 /* until the last records of an earlier stage have been fetched, also if partitions move meanwhile */

static bool is_same(const struct stage_config *a, const struct stage_config *b)
{
	return strcmp(a->name, b->name) == 0 && a->version == b->version;
}

bool stage_phase_has(const struct worker *worker, const struct stage_config *config)
{
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->phase == STAGE_ACTIVE && is_same(stage->config, config))
			return true;
	return false;
}

/* ---- from ACTIVE ---- */

/* Whether the setup opens the stage again although nothing of it has changed. One with state would restore it. */
static bool is_renewed(const struct stage_config *config, const struct worker_setup *setup)
{
	return config->revision < setup->renewed && config->changelog == TOPIC_NOWHERE;
}

static bool is_kept(const struct worker_stage *stage, const struct worker_setup *setup)
{
	for (size_t i = 0; i < setup->stage_count && !is_renewed(stage->config, setup); i++)
		if (is_same(stage->config, &setup->stages[i]))
			return true;
	return false;
}

/* Whether the stage may drain. A stage with state does not: its state continues in its successor. Nor does one that is
 * renewed: its successor has its version. */
static bool may_drain(const struct stage_config *config)
{
	return comes_from_stage(config) && config->changelog == TOPIC_NOWHERE;
}

void stage_phase_begin(struct worker *worker, const struct worker_setup *setup)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->phase == STAGE_ACTIVE && !is_kept(stage, setup)) {
			bool drains = may_drain(stage->config) && !is_renewed(stage->config, setup);
			stage->phase = drains ? STAGE_DRAINING : STAGE_CLOSING;
			stage->quiet_ms = loop_now_ms(worker->loop);
			stage->replaced_ms = loop_time_of_day_ms(worker->loop);
			worker->replaced_count++;
		}
}

/* ---- from DRAINING ---- */

struct worker_stage *stage_phase_taker(struct worker *worker, struct worker_stage *stage, const struct record *record)
{
	if (worker->replaced_count == 0 || !may_drain(stage->config))
		return stage;
	struct stage_link_head head;
	struct error ignored = {0};
	if (!stage_link_peek(record->value, &head, &ignored))
		return stage;
	for (struct worker_stage *other = worker->stages; other; other = other->next) {
		bool same = other->config->version == head.deployment && other->config->topics[0] == record->topic;
		if (other->phase != STAGE_DRAINING || !same)
			continue;
		other->quiet_ms = loop_now_ms(worker->loop);
		return other;
	}
	return stage;
}

static bool is_of_one_version(const struct stage_config *a, const struct stage_config *b)
{
	return a->version == b->version && strcmp(a->graph->name, b->graph->name) == 0;
}

/* Whether no more records can come: earlier stages of its version ended some time ago. */
static bool has_drained(const struct worker *worker, const struct worker_stage *stage)
{
	for (const struct worker_stage *other = worker->stages; other; other = other->next) {
		bool at_work = other->phase == STAGE_CLOSING || (other->phase == STAGE_DRAINING && other->load.in_flight > 0);
		if (other != stage && at_work && is_of_one_version(other->config, stage->config))
			return false;
	}
	return stage->load.in_flight == 0 && stage->waiting.count == 0 && loop_now_ms(worker->loop) - stage->quiet_ms >= LINGER_MS;
}

bool stage_phase_advance(struct worker *worker)
{
	bool ended = false;
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->phase == STAGE_DRAINING && has_drained(worker, stage)) {
			stage->phase = STAGE_CLOSING;
			ended = true;
		}
	return ended;
}

/* ---- from CLOSING ---- */

void stage_phase_close(struct worker *worker)
{
	struct worker_stage **at = &worker->stages;
	while (*at) {
		struct worker_stage *stage = *at;
		if (stage->phase != STAGE_CLOSING || stage->load.in_flight > 0 || partition_states_hold(worker, stage)) {
			at = &stage->next;
			continue;
		}
		assert(stage->waiting.count == 0); /* they were passed on: records released here would be lost */
		assert(worker->replaced_count > 0);
		*at = stage->next;
		worker->replaced_count--;
		stage_close(stage);
	}
}
