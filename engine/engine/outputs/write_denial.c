/* write_denial.c: see write_denial.h. */
#include "engine/outputs/write_denial.h"

#include "observe/log_sink.h"

#define ASK_MS 1000 /* between two questions of Kafka */

static bool steps_write(const struct stage_config *config, uint32_t topic)
{
	for (size_t i = 0; config->steps && i < config->graph->count; i++)
		if (config->steps[i].inputs == topic || config->steps[i].outputs == topic)
			return true;
	return false;
}

static bool links_write(const struct stage_config *config, uint32_t topic)
{
	for (size_t i = 0; config->next && i < config->graph->part->next_count; i++)
		if (config->next[i] == topic)
			return true;
	return false;
}

static bool stage_writes(const struct stage_config *config, uint32_t topic)
{
	return config->answers == topic || config->requests == topic || config->own == topic || config->dead_letters == topic ||
	       (config->exposes && config->exposures == topic) || config->explanations == topic || config->importances == topic ||
	       config->verdicts == topic || config->feed == topic || config->changelog == topic || steps_write(config, topic) ||
	       links_write(config, topic);
}

static void stage_wait(struct worker_stage *stage, uint32_t topic, bool is_gone)
{
	const struct worker *worker = stage->worker;
	const char *name = worker->setup->writes.names[topic];
	const struct log_fields fields = {.pipeline = stage->config->name,
					  .help = is_gone ? "Create it"
							  : "Give the login the right that `sluice plan --acls` lists"};
	stage->denied = topic;
	stage->is_gone = is_gone;
	atomic_store_explicit(&stage->counts->denied_is_gone, is_gone, memory_order_relaxed);
	atomic_store_explicit(&stage->counts->denied, name, memory_order_relaxed);
	log_say(worker->config->partition_state.log, LOG_LEVEL_WARN, &fields,
		is_gone ? "topic %s is gone: %s" : "topic %s may not be written by this login any more: %s", name,
		consumer_waiting(&worker->config->consumer));
}

/* Another stage of the pipeline that waits. NULL: there is none. */
static const struct worker_stage *waiting_beside(const struct worker_stage *stage)
{
	const struct worker_stage *other = stage->worker->stages;
	while (other && (other == stage || other->counts != stage->counts || other->denied == TOPIC_NOWHERE))
		other = other->next;
	return other;
}

static void stage_continue(struct worker_stage *stage)
{
	struct worker *worker = stage->worker;
	const struct log_fields fields = {.pipeline = stage->config->name};
	log_say(worker->config->partition_state.log, LOG_LEVEL_INFO, &fields,
		stage->is_gone ? "topic %s exists again: its pipeline continues"
			       : "topic %s may be written again: its pipeline continues",
		worker->setup->writes.names[stage->denied]);
	write_denial_end(stage);
	stage->denied = TOPIC_NOWHERE;
	if (!worker->dirty && partition_states_have_changes(worker, stage))
		commit_interval_begin(worker); /* its identity is written although there is no request */
}

void write_denial_pass_on(const struct worker_setup *setup, struct worker_stage *stage)
{
	const struct worker_stage *before = waiting_beside(stage);
	if (!before)
		return;
	if (stage_writes(stage->config, before->denied)) {
		stage->denied = before->denied;
		stage->is_gone = before->is_gone;
	}
	atomic_store_explicit(&stage->counts->denied, stage->denied == TOPIC_NOWHERE ? NULL : setup->writes.names[stage->denied],
			      memory_order_relaxed);
}

void write_denial_end(const struct worker_stage *stage)
{
	if (stage->denied != TOPIC_NOWHERE && !waiting_beside(stage))
		atomic_store_explicit(&stage->counts->denied, NULL, memory_order_relaxed);
}

void write_denial_note(struct worker *worker, uint32_t topic, bool is_gone)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->denied == TOPIC_NOWHERE && stage_writes(stage->config, topic))
			stage_wait(stage, topic, is_gone);
	worker->denial_asked_ms = loop_now_ms(worker->loop);
}

/* The stages that wait for the topic of the first that waits. */
static void stages_continue(struct worker *worker, uint32_t topic)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		if (stage->denied == topic)
			stage_continue(stage);
	worker->more = true;
}

void write_denials_check(struct worker *worker)
{
	bool waits = false;
	if (worker->denial_asked_ms == 0 || loop_now_ms(worker->loop) - worker->denial_asked_ms < ASK_MS)
		return;
	for (const struct worker_stage *stage = worker->stages; stage; stage = stage->next) {
		if (stage->denied == TOPIC_NOWHERE)
			continue;
		if (output_may_write(worker->outbox.output, stage->denied))
			stages_continue(worker, stage->denied);
		waits = waits || stage->denied != TOPIC_NOWHERE;
	}
	if (!waits) /* the stages that waited may have closed meanwhile */
		output_forget_denials(worker->outbox.output);
	worker->denial_asked_ms = waits ? loop_now_ms(worker->loop) : 0;
}
