/* topic_roles.c: see topic_roles.h. */
#include "compiler/plan/topic_roles.h"

#define DAY_MS ((int64_t)86400000)

/* Retention is a default that a topic is made with. Inputs and outputs are kept for a
 * week, so that a weekend's outage can be worked off; what failed, and exposures and
 * feedback, which are analysed weeks later, for a month; taps,
 * which only people read, for a day (add_step_topics() keeps for a week what others
 * depend on). */
const struct topic_role_row topic_roles[TOPIC_ROLES] = {
	[TOPIC_INPUTS] = {"inputs", .read = true, .retention_ms = 7 * DAY_MS, .help = "Requests: clients produce to it."},
	[TOPIC_OUTPUTS] = {"outputs", .written = true, .retention_ms = 7 * DAY_MS, .help = "Answers, errors among them."},
	[TOPIC_ERRORS] = {"errors", .written = true, .retention_ms = 30 * DAY_MS,
			  .help = "Dead letters: the original bytes, the reason, the step, the attempts."},
	[TOPIC_EXTERNAL] = {"external", .read = true, .help = "Records that another pipeline writes."},
	[TOPIC_STAGE] = {"stage", .read = true, .written = true, .retention_ms = 7 * DAY_MS,
			 .help = "Requests between two stages."},
	[TOPIC_STEP_INPUTS] = {"step inputs", .written = true, .retention_ms = DAY_MS, .help = "The inputs of a step."},
	[TOPIC_STEP_OUTPUTS] = {"step outputs", .written = true, .retention_ms = DAY_MS, .help = "The outputs of a step."},
	[TOPIC_STATE] = {"state", .read = true, .written = true, .compacted = true, .help = "The changelog of a stage's state."},
	[TOPIC_MODEL_INPUTS] = {"model inputs", .written = true, .retention_ms = DAY_MS,
				.help = "Requests to a model (logger.percent)."},
	[TOPIC_MODEL_OUTPUTS] = {"model outputs", .written = true, .retention_ms = DAY_MS,
				 .help = "Replies of a model (logger.percent)."},
	[TOPIC_EXPLANATIONS] = {"explanations", .written = true, .retention_ms = 7 * DAY_MS,
				.help = "Why models answered as they did, by steps of kind `explain`."},
	[TOPIC_POLICY] = {"policy", .read = true, .written = true, .compacted = true, .ordered = true,
			  .help = "What the bandits of its experiments have learnt, by which engines choose."},
	[TOPIC_EXPOSURES] = {"exposures", .read = true, .written = true, .retention_ms = 30 * DAY_MS,
			     .help = "Which candidate of an experiment each request got (exposures: full)."},
	[TOPIC_SHADOW] = {"shadow", .written = true, .retention_ms = 30 * DAY_MS,
			  .help = "What the mirrors of its experiments replied, to be compared with the answers."},
	[TOPIC_FEEDBACK] = {"feedback", .read = true, .retention_ms = 30 * DAY_MS,
			    .help = "What became of answers: `sluice feedback` and the gateway write it."},
	[TOPIC_OUTCOMES] = {"outcomes", .read = true, .written = true, .ordered = true, .retention_ms = 30 * DAY_MS,
			    .help = "Feedback joined to the exposures that it is of: one engine writes it."},
	[TOPIC_VERDICTS] = {"drift", .written = true, .retention_ms = 30 * DAY_MS,
			    .help = "Verdicts on closed windows, by steps of kind `drift`."},
	[TOPIC_IMPORTANCE] = {"importance", .written = true, .retention_ms = 30 * DAY_MS,
			      .help = "How much each feature moved the answers of a window, by steps of kind `explain`."},
	[TOPIC_ALERTS] = {"alerts", .written = true, .retention_ms = 30 * DAY_MS,
			  .help = "Notices of alerts with an action of type `topic`."},
	[TOPIC_MOVES] = {"moves", .written = true, .retention_ms = 30 * DAY_MS,
			 .help = "Moves of the rollout of an Experiment with an action of type `topic`; the keeper writes them."},
};

const char *namespace_or_default(const char *asked)
{
	return asked ? asked : NAMESPACE_DEFAULT;
}

const char *topic_own_name(struct arena *arena, const char *prefix, const char *namespace, const char *pipeline, const char *rest)
{
	return arena_print(arena, "%s.%s.pipeline.%s.%s", prefix, namespace, pipeline, rest);
}

const char *topic_moves_name(struct arena *arena, const char *prefix, const char *namespace, const char *experiment)
{
	const char *slash = strchr(experiment, '/');
	if (!slash)
		return topic_own_name(arena, prefix, namespace, experiment, "moves");
	const char *pipeline = arena_copy(arena, experiment, (size_t)(slash - experiment));
	const char *rest = arena_print(arena, "step.%s.moves", slash + 1);
	return pipeline && rest ? topic_own_name(arena, prefix, namespace, pipeline, rest) : NULL;
}

const char *topic_namespace_name(struct arena *arena, const char *prefix, const char *namespace, const char *rest)
{
	return arena_print(arena, "%s.%s.%s", prefix, namespace, rest);
}

const char *topic_status_name(struct arena *arena, const char *prefix, const char *namespace)
{
	return topic_namespace_name(arena, prefix, namespace, "status");
}

const char *topic_cancels_name(struct arena *arena, const char *prefix, const char *namespace)
{
	return topic_namespace_name(arena, prefix, namespace, "cancels");
}

const char *topic_claims_name(struct arena *arena, const char *prefix, const char *namespace)
{
	return topic_namespace_name(arena, prefix, namespace, "claims");
}

const char *topic_replies_name(struct arena *arena, const char *prefix, const char *namespace)
{
	return topic_namespace_name(arena, prefix, namespace, "replies");
}
