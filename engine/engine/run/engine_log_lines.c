/* engine_log_lines.c: see engine_log_lines.h. */
#include "engine/run/engine_log_lines.h"

#include <inttypes.h>
#include <string.h>

void announce_start(const struct engine_config *config, const struct pipeline_plan *plan)
{
	bool exactly_once = plan->delivery == DELIVERY_EXACTLY_ONCE && !config->at_least_once;
	const char *answers = plan_topic_of(plan, TOPIC_OUTPUTS);
	log_say(config->log, LOG_LEVEL_INFO, &(struct log_fields){.pipeline = plan->graph->name},
		"%s: reads %s, %s%s, dead letters to %s; %s, in group %s as %s", plan->graph->name,
		plan_topic_of(plan, TOPIC_INPUTS), answers ? "answers to " : "gives no answers", answers ? answers : "",
		plan_topic_of(plan, TOPIC_ERRORS), exactly_once ? "exactly once" : "at least once", plan->group, config->instance);
}

static void announce_held(const struct engine_config *config, const struct pipeline_plan *plan, const struct pipeline_plan *old)
{
	bool changes = old && strcmp(old->group, plan->group) != 0;
	log_say(config->log, LOG_LEVEL_INFO, &(struct log_fields){.pipeline = plan->graph->name},
		"%s: pauses until group %s can continue where %s%s ended", plan->graph->name, plan->group,
		changes ? "group " : "its former group", changes ? old->group : "");
}

void announce_changes(const struct engine_config *config, const struct revision *before, const struct revision *now)
{
	for (size_t i = 0; i < now->plan.count; i++) {
		const struct pipeline_plan *plan = &now->plan.pipelines[i];
		const struct pipeline_plan *old = plan_find(&before->plan, plan->graph->name);
		if (revision_holds(now, i))
			announce_held(config, plan, old);
		else if (!old)
			announce_start(config, plan);
		else if (revision_version(before, old, config->kinds) != revision_version(now, plan, config->kinds))
			log_say(config->log, LOG_LEVEL_INFO, &(struct log_fields){.pipeline = plan->graph->name},
				"%s: changed; requests in flight finish with the former version", plan->graph->name);
	}
	for (size_t i = 0; i < before->plan.count; i++) {
		const char *name = before->plan.pipelines[i].graph->name;
		if (!plan_find(&now->plan, name))
			log_say(config->log, LOG_LEVEL_INFO, &(struct log_fields){.pipeline = name},
				"%s: is not in the files any more; draining", name);
	}
}

void announce_pipeline_end(const struct engine_config *config, const char *name, const struct engine_counts *counts)
{
	log_say(config->log, LOG_LEVEL_INFO, &(struct log_fields){.pipeline = name},
		"%s: ended; taken %" PRIu64 ", released %" PRIu64 ", answered %" PRIu64 ", of them errors %" PRIu64
		", dead letters %" PRIu64,
		name, counts->sums.taken, counts->sums.ended, counts->sums.answered, counts->sums.failed,
		counts->sums.dead_letters);
}

void announce_worker_end(const struct engine_config *config, const char *group, const char *instance, const struct worker *worker)
{
	const struct worker_counts counts = worker_counts(worker);
	const char *reset_reason = worker_reset_reason(worker);
	bool was_reset = counts.resets > 0 && reset_reason;
	log_say(config->log, LOG_LEVEL_INFO, NULL, "worker %s of %s: commits %" PRIu64 ", resets %" PRIu64 "%s%s", instance, group,
		counts.commits, counts.resets, was_reset ? "; the last: " : "", was_reset ? reset_reason : "");
}
