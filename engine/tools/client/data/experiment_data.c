/* experiment_data.c: see experiment_data.h. */
#include "tools/client/data/experiment_data.h"

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/number/moment.h"
#include "base/suggest.h"
#include "tools/client/data/computed_values.h"
#include "tools/client/data/feedback_metrics.h"
#include "tools/client/control/history_topic.h"
#include "tools/client/data/mirror_replies.h"
#include "message/records/answer_exposures.h"
#include "message/records/answer_label.h"
#include "message/records/answer_tensors.h"
#include "tools/source/record_file.h"
#include "compiler/resources/experiment_walk.h"
#include "tools/view/answer_view.h"

#define RECORD_ARENA_BYTES ((size_t)64 << 20)

struct experiment_reading {
	const struct workspace *workspace;
	const char *name;
	const struct experiment_asked *asked;
	struct experiment_data *data;
	const struct experiment_taker *taker;
	struct arena *arena;
	struct arena *record_arena; /* of one record */
	struct arena *answer_arena; /* of one answer, which may carry several */
	bool is_feedback;
	int64_t now_ms; /* for feedback of files: a record of a topic has a time */
	struct feedback_metrics metrics; /* of the pipeline whose feedback is read */
	uint64_t missed;		 /* feedback that one of them could not judge */
	uint64_t unanswered;		 /* of those: no answer, or no request, joined it */
	uint64_t unnamed;		 /* of the others: the names of the answer's tensors are not known */
	uint64_t exposed;		 /* exposures of the experiment that were read */
	uint64_t carried;		 /* those of them that answers carried */
	uint64_t uncarried;		 /* choices of it in Avro answers that carry no exposure of them */
	struct schema_lookup asker;	 /* for answers that a registry numbers */
};

/* ---- records ---- */

static bool exposure_take(struct experiment_reading *self, const struct exposure *exposure, struct error *error)
{
	const bool is_own = text_is(exposure->experiment, self->name);
	self->exposed += is_own;
	return (!is_own || feedback_metrics_expose(&self->metrics, exposure, error)) &&
	       self->taker->expose(self->taker->context, exposure, error);
}

static bool record_take(struct experiment_reading *self, struct text bytes, int64_t time_ms, struct error *error)
{
	struct exposure exposure;
	struct feedback feedback;
	arena_reset(self->record_arena);
	if (self->is_feedback)
		return feedback_decode(bytes, self->record_arena, &feedback, error) &&
		       feedback_check(&feedback, time_ms > 0 ? time_ms : self->now_ms, error) &&
		       (feedback_metrics_add(&self->metrics, &feedback, self->record_arena) ||
			error_memory(error, ERROR_SYSTEM, "computing metrics")) &&
		       self->taker->inform(self->taker->context, &feedback, time_ms, error);
	return exposure_decode(bytes, self->record_arena, &exposure, error) && exposure_take(self, &exposure, error);
}

/* ---- files ---- */

static bool file_record_take(void *context, struct text record, struct error *error)
{
	return record_take(context, record, 0, error);
}

static bool files_take(struct experiment_reading *self, const struct name_list *files, bool is_feedback, struct error *error)
{
	struct record_file file = {
		.schema = is_feedback ? "feedback" : "exposure", .arena = self->arena, .context = self, .take = file_record_take};
	self->is_feedback = is_feedback;
	for (size_t i = 0; i < files->count; i++) {
		file.path = files->items[i].text;
		if (!record_file_read(&file, error))
			return false;
	}
	return true;
}

/* ---- topics ---- */

/* A record that cannot be read is counted. */
static bool is_taken(struct experiment_reading *self, bool is_read, const struct error *wrong, struct error *error)
{
	if (is_read)
		return true;
	if (wrong->kind != ERROR_INPUT)
		return error_set(error, wrong->kind, wrong->place, "%s", wrong->text);
	if (self->data->unreadable++ == 0)
		self->data->unreadable_why = *wrong;
	return true;
}

static bool bytes_take(struct experiment_reading *self, struct text bytes, int64_t time_ms, struct error *error)
{
	struct error wrong = {0};
	const bool is_read = record_take(self, bytes, time_ms, &wrong);
	return is_taken(self, is_read, &wrong, error);
}

static bool topic_record_take(void *context, const struct record *record, struct error *error)
{
	return record->value.length == 0 || bytes_take(context, record->value, record->time_ms, error);
}

/* One that the answer lists. */
static bool choice_take(struct experiment_reading *self, const struct answer_view *view, const struct answered_choice *choice,
			struct error *error)
{
	const struct record *record = view->record;
	struct exposure exposure;
	char room[LABEL_ROOM];
	self->uncarried += choice->version.length == 0 && text_is(choice->experiment, self->name);
	if (choice->version.length == 0 || answered_choice_is_kept_out(choice))
		return true;
	if (!answer_exposure_make(&view->answer, choice, record->key, record->time_ms, room, &exposure, error))
		return false;
	exposure.id = answer_view_request_id(view, self->answer_arena);
	return exposure_take(self, &exposure, error);
}

/* Those of an Avro answer. A choice that cannot be read, perhaps of another experiment, is not in the way of those behind it: the
 * error is INPUT then, of the first such choice. */
static bool choices_take(struct experiment_reading *self, const struct answer_view *view, struct error *error)
{
	struct answered_choice items[ASSIGNED_MAX];
	size_t count = 0;
	bool good = answer_choices_read(&view->answer, items, &count, error);
	const bool is_whole = good;
	for (size_t i = 0; (good || error->kind == ERROR_INPUT) && i < count; i++) {
		struct error wrong = {0};
		if ((!is_whole && items[i].version.length == 0) || choice_take(self, view, &items[i], &wrong))
			continue;
		if (good || wrong.kind != ERROR_INPUT)
			*error = wrong;
		good = false;
	}
	return good;
}

static bool avro_answer_take(struct experiment_reading *self, const struct record *record, struct error *error)
{
	struct answer_view view;
	struct error wrong = {0};
	if (!answer_view_read(record, &self->asker, self->answer_arena, &view, error))
		return false;
	const bool has_lists = view.answer.lists.length > 0; /* else it is of another schema */
	const bool is_read = !has_lists || choices_take(self, &view, &wrong);
	return is_taken(self, is_read, &wrong, error);
}

/* The exposures that an answer carries. */
static bool answer_take(void *context, const struct record *record, struct error *error)
{
	struct experiment_reading *self = context;
	struct headers headers;
	arena_reset(self->answer_arena);
	if (!record_headers(record, self->answer_arena, &headers, error))
		return false;
	for (size_t i = 0; i < headers.count; i++)
		if (text_is(headers.items[i].name, EXPOSURE_HEADER) &&
		    !bytes_take(self, headers.items[i].value, record->time_ms, error))
			return false;
	const bool is_avro = format_avro.sniff(&(const struct message){.headers = headers}, record->value);
	return !is_avro || avro_answer_take(self, record, error);
}

/* Where no file has the experiment, that is not known. */
static bool may_be_thin(const struct experiment_reading *self)
{
	const struct experiment_spec *experiment = self->data->experiment;
	return !experiment || experiment_exposures_of(experiment) == EXPOSURES_THIN;
}

static bool is_off(const struct experiment_reading *self)
{
	const struct experiment_spec *experiment = self->data->experiment;
	return experiment && experiment->exposures == EXPOSURES_OFF;
}

/* A pipeline whose feedback has never come may have no such topic, nor has one for exposures if answers carry them or they are
 * off, or if its experiment only mirrors. */
static bool topic_take(struct experiment_reading *self, const struct pipeline_target *target, const char *pipeline,
		       bool is_feedback, struct error *error)
{
	const char *rest = is_feedback ? "feedback" : "exposures";
	const bool writes_none = may_be_thin(self) || is_off(self);
	const bool may_be_absent = is_feedback || writes_none || self->data->experiment->mirror_name.text;
	const char *topic = topic_own_name(self->arena, target->prefix, target->namespace, pipeline, rest);
	struct history_topic history = {self->workspace, &target->kafka, topic, may_be_absent, false};
	self->is_feedback = is_feedback;
	if (!topic)
		return error_memory(error, ERROR_SYSTEM, "naming topics");
	const bool good = history_topic_give(&history, topic_record_take, self, error);
	if (!history.absent)
		return good;
	if (is_feedback || !writes_none)
		workspace_note(self->workspace, "%s; there %s of pipeline `%s` then", error->text,
			       is_feedback ? "is no feedback" : "are no exposures", pipeline);
	*error = (struct error){0};
	return true;
}

/* The topic of the pipeline's answers; NULL: memory ran out. */
static const char *answers_topic(const struct experiment_reading *self, const struct pipeline_target *target, const char *pipeline)
{
	const struct resource *resource =
		self->data->spec_is_open ? spec_find(&self->data->spec, RESOURCE_PIPELINE, pipeline) : NULL;
	const struct pipeline_spec *own = resource ? resource->spec : NULL;
	return own && own->output.topic ? own->output.topic
					: topic_own_name(self->arena, target->prefix, target->namespace, pipeline, "outputs");
}

/* Whether a topic has the exposures of the pipeline as its file is now. */
static bool pipeline_exposes(const struct experiment_reading *self, const char *pipeline)
{
	const struct graph *graph = experiment_graph_find(self->data, pipeline);
	const struct graph_experiment *experiment = graph ? graph_reachable_experiment(graph, self->name) : NULL;
	return experiment && experiment->exposes;
}

/* Exposures that no topic has: the answers carry them. Those of an experiment that no file has may be in both, if `exposures` has
 * changed. */
static bool answers_take(struct experiment_reading *self, const struct pipeline_target *target, const char *pipeline,
			 struct error *error)
{
	const char *topic = answers_topic(self, target, pipeline);
	const uint64_t before = self->exposed, uncarried = self->uncarried;
	if (!may_be_thin(self))
		return true;
	if (!topic)
		return error_memory(error, ERROR_SYSTEM, "naming topics");
	struct history_topic history = {self->workspace, &target->kafka, topic, true, false};
	const bool opened = schema_lookup_open(&self->asker, kafka_registry(&target->kafka), error);
	const bool read = opened && history_topic_give(&history, answer_take, self, error);
	schema_lookup_close(&self->asker);
	if (history.absent)
		*error = (struct error){0};
	const bool good = read || history.absent;
	self->carried += self->exposed - before;
	if (self->uncarried > uncarried && pipeline_exposes(self, pipeline))
		self->uncarried = uncarried;
	return good;
}

/* An Avro answer has no unit but its key. Of a pipeline whose answers are always Avro, the exposures are in a topic then. */
static void note_uncarried(const struct experiment_reading *self)
{
	const struct experiment_spec *experiment = self->data->experiment;
	if (experiment && experiment->unit && self->uncarried > self->exposed - self->carried)
		workspace_note(
			self->workspace,
			"%llu Avro answers list a choice of experiment `%s` that counts for no variant: its unit is not the key of "
			"their records. Set `exposures: full` in the Experiment, or `output.format: avro` in the pipeline, and "
			"analyse the requests that come from then on",
			(unsigned long long)self->uncarried, self->name);
}

/* There may be some of before, and a mirror is compared without. */
static bool unexposed_refuse(const struct experiment_reading *self, struct error *error)
{
	return self->exposed > 0 || !is_off(self) || self->data->experiment->mirror_name.text ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "experiment `%s` has `exposures: off`, so who got which variant is not recorded; set `exposures: full` in "
			 "it, and use the requests that come from then on",
			 self->name);
}

static void note_unexposed(const struct experiment_reading *self)
{
	if (self->exposed == 0 && may_be_thin(self))
		workspace_note(
			self->workspace,
			"no record has an exposure of experiment `%s`: topics of exposures have none, and answers carry none. "
			"They do with `exposures: thin`, if the stage of the choice answers. Set `exposures: full` in the "
			"Experiment, and analyse the requests that come from then on",
			self->name);
}

/* The metrics that the pipeline declares, if the files have it. Kafka is not read without a target. */
static bool metrics_open(struct experiment_reading *self, const struct pipeline_target *target, const char *pipeline,
			 struct error *error)
{
	const struct graph *graph = experiment_graph_find(self->data, pipeline);
	const struct kafka *kafka = target ? &target->kafka : NULL;
	const char *answers = NULL, *requests = NULL;
	self->metrics = (struct feedback_metrics){.arena = self->arena};
	if (!graph || graph->spec->metrics.count == 0)
		return true;
	if (target) {
		const struct pipeline_spec *own = graph->spec;
		answers = answers_topic(self, target, pipeline);
		requests = own->input.topic ? own->input.topic
					    : topic_own_name(self->arena, target->prefix, target->namespace, pipeline, "inputs");
	}
	return feedback_metrics_open(&self->metrics, graph, self->data->spec.faults, kafka, answers, requests, error);
}

static void metrics_close(struct experiment_reading *self)
{
	self->missed += self->metrics.missed;
	self->unanswered += self->metrics.unanswered;
	self->unnamed += self->metrics.unnamed;
	feedback_metrics_close(&self->metrics);
}

static const struct published_policy *policy_find(const struct experiment_reading *self, const char *pipeline)
{
	const struct published_policies *policies = &self->data->policies;
	for (size_t i = 0; i < policies->count; i++)
		if (text_is(policies->items[i].pipeline, pipeline) && text_is(policies->items[i].experiment, self->name))
			return &policies->items[i];
	return NULL;
}

/* The policies of an experiment that learns. Where no file has it, only its records say whether it does. */
static bool policies_take(struct experiment_reading *self, const struct pipeline_target *target, const char *pipeline,
			  struct error *error)
{
	const struct experiment_spec *experiment = self->data->experiment;
	const bool learns = experiment && experiment->bandits.here.line > 0;
	if (learns || !experiment) {
		if (!policy_topic_read(learns ? self->workspace : NULL, target, pipeline, self->arena, &self->data->policies,
				       error))
			return false;
	}
	const struct published_policy *policy = policy_find(self, pipeline);
	self->data->has_policies = self->data->has_policies || learns || policy;
	if (self->taker->policy)
		self->taker->policy(self->taker->context, policy);
	return true;
}

static bool topics_take(struct experiment_reading *self, const struct pipeline_target *target, const char *pipeline,
			struct error *error)
{
	const struct computed_values computed = {target, pipeline, self->name, self->arena,
						 self->record_arena, self->taker->context, self->taker->inform};
	bool good = metrics_open(self, target, pipeline, error) && policies_take(self, target, pipeline, error) &&
		    topic_take(self, target, pipeline, false, error) && answers_take(self, target, pipeline, error) &&
		    topic_take(self, target, pipeline, true, error);
	/* Of a pipeline of the files it is known whether engines compute anything. */
	if (good && (self->metrics.count > 0 || !experiment_graph_find(self->data, pipeline)))
		good = computed_values_give(&computed, error);
	metrics_close(self);
	return good &&
	       (!self->taker->pipeline || self->taker->pipeline(self->taker->context, pipeline, error));
}

/* Nobody may ever have called an Experiment by its own name. */
static bool is_absent(struct error *error)
{
	const bool absent = error->kind == ERROR_CONFIG;
	if (absent)
		*error = (struct error){0};
	return absent;
}

/* All pipelines of the files whose messages can reach the experiment. */
static bool topics_take_found(struct experiment_reading *self, const struct pipeline_target *target, struct error *error)
{
	const struct linked_graphs *graphs = &self->data->graphs;
	struct suggestion meant = suggest_begin(text_of(self->name));
	size_t found = 0;
	for (size_t i = 0; i < graphs->count; i++) {
		const struct graph *graph = graphs->items[i];
		for (size_t j = 0; j < graph->reachable_count; j++)
			suggest_offer(&meant, text_of(graph->reachable[j]->name));
		if (!graph_reachable_experiment(graph, self->name))
			continue;
		found++;
		if (!topics_take(self, target, graph->name, error) && !(graph->resource->made_of && is_absent(error)))
			return false;
	}
	if (found == 0 && meant.nearest.bytes)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no pipeline of the files has the experiment `%s`; did you mean `" TEXT_FORMAT "`?", self->name,
				 TEXT_ARGUMENTS(meant.nearest));
	return found > 0 || error_set(error, ERROR_CONFIG, PLACE_NONE,
				      "no pipeline of the files has the experiment `%s`; give --pipeline NAME, or the files of its "
				      "pipelines by -f",
				      self->name);
}

/* Files: the metrics are those of the first pipeline that has the experiment and declares some. */
static bool all_files_take(struct experiment_reading *self, struct error *error)
{
	bool good = true;
	size_t at = 0;
	const struct graph *graph;
	while (good && self->metrics.count == 0 && (graph = experiment_graph_next(self->data, self->name, &at)))
		good = metrics_open(self, NULL, graph->name, error);
	good = good && files_take(self, &self->asked->exposures, false, error) &&
	       files_take(self, &self->asked->feedback, true, error);
	metrics_close(self);
	return good;
}

static bool kafka_take(struct experiment_reading *self, const struct pipeline_target *target, struct error *error)
{
	const struct name_list *pipelines = &self->asked->pipelines;
	if (pipelines->count == 0)
		return topics_take_found(self, target, error);
	for (size_t i = 0; i < pipelines->count; i++)
		if (!topics_take(self, target, pipelines->items[i].text, error))
			return false;
	return true;
}

/* ---- the experiment of the files ---- */

static bool spec_take(struct experiment_reading *self, struct error *error)
{
	const struct spec_options options = {
		.kinds = self->workspace->kinds, .namespace = self->asked->target.namespace, .model_pipelines = true};
	struct experiment_data *data = self->data;
	data->spec_is_open = true;
	if (!spec_read_listed(&data->spec, self->asked->target.files, &options, error))
		return false;
	if (faults_count(data->spec.faults, SEVERITY_ERROR) > 0) {
		workspace_faults(self->workspace, data->spec.faults);
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the files have errors; correct them first");
	}
	data->experiment = experiment_named(&data->spec, self->name, self->arena);
	return linked_graphs_build(&data->graphs, &data->spec, self->arena) ||
	       error_memory(error, ERROR_SYSTEM, "reading the pipelines of the files");
}

static bool moment_take(const char *option, const char *text, int64_t *ms, struct error *error)
{
	return !text || moment_read(text_of(text), ms) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "--%s is `%s`; write a time as 2026-01-31T09:30Z", option, text);
}

/* ---- all of it ---- */

static bool experiment_read(struct experiment_reading *self, struct error *error)
{
	const struct experiment_asked *asked = self->asked;
	struct pipeline_target target = {0};
	const bool has_files = asked->exposures.count > 0;
	if (has_files)
		return all_files_take(self, error);
	if (asked->feedback.count > 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--feedback needs --exposures: give the files of both");
	if (asked->pipelines.count == 0 && asked->target.files.count == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "it is not known where the exposures are: give the pipeline's files by -f, --pipeline NAME, or "
				 "--exposures FILE and --feedback FILE");
	const bool good = pipeline_target_open(self->workspace, &asked->target, NULL, &target, error) &&
			  kafka_take(self, &target, error) && unexposed_refuse(self, error);
	if (good) {
		note_unexposed(self);
		note_uncarried(self);
	}
	pipeline_target_close(&target);
	return good;
}

static void note_unjudged(const struct experiment_reading *self)
{
	const uint64_t others = self->missed - self->unanswered - self->unnamed;
	self->data->unjudged = self->missed;
	if (others > 0)
		workspace_note(self->workspace,
			       "%llu time%s feedback was not judged by a metric that the pipeline declares: truth, reward, or a "
			       "tensor of the answer or the request is missing",
			       (unsigned long long)others, others == 1 ? "" : "s");
	if (self->unnamed > 0)
		workspace_note(
			self->workspace,
			"%llu time%s feedback was not judged by a metric that the pipeline declares: the answer is in V1 or of "
			"Seldon v1, without the names of its tensors: " ANSWER_TENSORS_MISSING,
			(unsigned long long)self->unnamed, self->unnamed == 1 ? "" : "s", ANSWER_TENSORS_BYTES_MAX);
	if (self->unanswered > 0)
		workspace_note(self->workspace,
			       "%llu time%s feedback was not judged by a metric that the pipeline declares: it reads the answer or "
			       "the request, and none of that id or origin was found",
			       (unsigned long long)self->unanswered, self->unanswered == 1 ? "" : "s");
}

bool experiment_data_take(const struct workspace *workspace, const char *name, const struct experiment_asked *asked,
			  struct arena *arena, const struct experiment_taker *taker, struct experiment_data *data,
			  struct error *error)
{
	struct experiment_reading self = {
		.workspace = workspace, .name = name, .asked = asked, .data = data, .taker = taker, .arena = arena};
	data->unreadable = 0;
	data->spec_is_open = false;
	data->graphs = (struct linked_graphs){0};
	data->experiment = NULL;
	data->has_policies = false;
	data->policies = (struct published_policies){0};
	self.record_arena = arena_open(RECORD_ARENA_BYTES);
	self.answer_arena = arena_open(RECORD_ARENA_BYTES);
	self.now_ms = time_of_day_ms();
	bool good = (self.record_arena && self.answer_arena) || error_memory(error, ERROR_SYSTEM, "reading an experiment");
	good = good && (asked->target.files.count == 0 || spec_take(&self, error)) && taker->begin(taker->context, data, error) &&
	       experiment_read(&self, error);
	arena_close(self.record_arena);
	arena_close(self.answer_arena);
	note_unjudged(&self);
	workspace_note_unreadable(workspace, data->unreadable, "", &data->unreadable_why);
	return good;
}

bool experiment_asked_times(const struct experiment_asked *asked, int64_t *since_ms, int64_t *until_ms, struct error *error)
{
	return moment_take("since", asked->since, since_ms, error) && moment_take("until", asked->until, until_ms, error);
}

/* ---- joined ---- */

struct experiment_joining {
	const struct experiment_asked *asked;
	struct arena *arena;
	struct unit_join *join;
	struct overlap *overlap;
	struct experiment_data *data;
	struct mirror_asked mirror;
	bool compares; /* replies of mirrors are read */
};

/* The mirror that the files give the experiment, also where predictors of a deployment are its choices; NULL: they give it none. */
static const char *mirror_found(const struct experiment_data *data, const char *name)
{
	size_t at = 0;
	const struct graph *graph = data->experiment ? NULL : experiment_graph_next(data, name, &at);
	const struct experiment_spec *spec = graph ? graph_reachable_experiment(graph, name)->spec : data->experiment;
	return spec ? spec->mirror_name.text : NULL;
}

/* Those that are asked for, learnt by, or declared. False: the arena is full. */
static bool metrics_keep(struct experiment_joining *self, const struct experiment_data *data)
{
	struct report_options declared = {0};
	const char *learnt = data->experiment ? data->experiment->bandits.reward_metric : NULL;
	for (size_t i = 0; i < sizeof self->asked->kept / sizeof *self->asked->kept; i++)
		for (size_t j = 0; j < self->asked->kept[i].count; j++)
			unit_join_keep(self->join, text_of(self->asked->kept[i].items[j].text));
	if (learnt)
		unit_join_keep(self->join, text_of(learnt));
	if (!experiment_data_rules(data, self->mirror.experiment, self->arena, &declared))
		return false;
	for (size_t i = 0; i < declared.rule_count; i++)
		unit_join_keep(self->join, text_of(declared.rules[i].metric));
	return true;
}

/* The order of arms is that of the experiment's shares. */
static bool join_begin(void *context, const struct experiment_data *data, struct error *error)
{
	struct experiment_joining *self = context;
	struct share shares[ASSIGNMENT_WAYS_MAX];
	const char *mirror = mirror_found(data, self->mirror.experiment);
	self->mirror.mirrors = mirror != NULL;
	if (mirror)
		self->data->mirror.mirror = text_of(mirror);
	const size_t count = data->experiment ? experiment_shares(data->experiment, shares) : 0;
	const char *metric = data->experiment ? data->experiment->bandits.reward_metric : NULL;
	if (metric)
		unit_join_reward(self->join, text_of(metric), experiment_reward_is_computed(data, self->mirror.experiment));
	for (size_t i = 0; i < count; i++)
		if (!unit_join_variant(self->join, text_of(shares[i].name), error))
			return false;
	return metrics_keep(self, data) || error_memory(error, ERROR_SYSTEM, "reading an experiment");
}

static void join_policy(void *context, const struct published_policy *policy)
{
	struct experiment_joining *self = context;
	if (!policy) {
		unit_join_policy(self->join, NULL);
		return;
	}
	const struct policy_versions versions = {policy->version, policy->candidates_count, policy->candidates};
	unit_join_policy(self->join, &versions);
}

static bool join_expose(void *context, const struct exposure *exposure, struct error *error)
{
	struct experiment_joining *self = context;
	return unit_join_exposure(self->join, exposure, error) && overlap_expose(self->overlap, exposure, error);
}

static bool join_inform(void *context, const struct feedback *feedback, int64_t time_ms, struct error *error)
{
	struct experiment_joining *self = context;
	return unit_join_feedback(self->join, feedback, time_ms, error) && overlap_inform(self->overlap, feedback, error);
}

static bool join_pipeline(void *context, const char *pipeline, struct error *error)
{
	struct experiment_joining *self = context;
	overlap_pipeline_end(self->overlap);
	return !self->compares || mirror_replies_read(&self->mirror, pipeline, &self->data->mirror, error);
}

static bool joining_end(const struct experiment_joining *self, struct error *error)
{
	struct experiment_data *data = self->data;
	data->mirrored = mirror_comparison_end(&data->mirror);
	return (!arena_failed(data->mirror.arena) || error_memory(error, ERROR_SYSTEM, "comparing a mirror")) &&
	       unit_join_end(self->join, &data->joined, error);
}

bool experiment_data_open(const struct workspace *workspace, const char *name, const struct experiment_asked *asked,
			  struct arena *arena, struct experiment_data *data, struct error *error)
{
	struct join_options options = {.experiment = name,
				       .covariate = asked->covariate,
				       .window_ms = asked->window_ns / NS_PER_MS,
				       .named = asked->kept[0].count > 0};
	struct experiment_joining self = {.asked = asked, .arena = arena, .data = data};
	*data = (struct experiment_data){0};
	if (!experiment_asked_times(asked, &options.since_ms, &options.until_ms, error))
		return false;
	self.join = unit_join_open(arena, &options);
	self.mirror = (struct mirror_asked){workspace, &asked->target, name, options.since_ms, options.until_ms, false};
	self.compares = asked->tolerance > 0;
	const struct experiment_taker taker = {&self, join_begin, join_policy, join_expose, join_inform, join_pipeline};
	const struct mirror_comparison mirror = {.arena = arena, .tolerance = asked->tolerance};
	self.overlap = overlap_open(arena, name);
	bool good = (self.join && self.overlap) || error_memory(error, ERROR_SYSTEM, "reading an experiment");
	data->mirror = mirror;
	good = good && experiment_data_take(workspace, name, asked, arena, &taker, data, error) && joining_end(&self, error) &&
	       (data->overlaps = overlap_end(self.overlap, &data->joined, &data->overlap_count, error));
	overlap_close(self.overlap);
	unit_join_close(self.join);
	return good;
}

void experiment_data_close(struct experiment_data *data)
{
	mirror_comparison_close(&data->mirror);
	if (data->spec_is_open)
		spec_close(&data->spec);
	data->spec_is_open = false;
}
