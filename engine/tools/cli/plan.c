/* plan.c: `sluice plan`: prints the plans of the pipelines, with reasons. */
#include "tools/cli/command.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/state_forms.h"
#include "compiler/yaml/workspace.h"
#include "kafka/topics/topic_facts.h"
#include "message/json/json_write.h"
#include "tools/client/kafka.h"
#include "experiments/rollouts/rollout_check.h"
#include "compiler/print/plan_diff.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/url_mask.h"
#include "engine/run/group_migration.h"
#include "engine/setup/state_check.h"
#include "models/files.h"
#include "compiler/resources/experiment_walk.h"
#include "tools/view/report/rollout_plan_view.h"

/* ---- orphans ---- */

#define ORPHANS_ARENA_BYTES ((size_t)256 << 20) /* a million names */

static bool topic_is_planned(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++)
			if (strcmp(plan->pipelines[i].topics[j].name, name) == 0)
				return true;
	return false;
}

/* Whether it is a changelog of a stage of the plan, of whatever form. `sluice gc` removes those that no version names. */
static bool topic_is_of_stage(const struct plan *plan, const char *name, struct arena *arena)
{
	for (size_t i = 0; i < plan->count && strstr(name, STATE_FORM_BEGIN); i++)
		for (size_t j = 0; j < plan->pipelines[i].stage_count; j++)
			if (plan->pipelines[i].stages[j].state &&
			    changelog_is_of_stage(name, &plan->pipelines[i], &plan->pipelines[i].stages[j], arena))
				return true;
	return false;
}

static void orphan_print(struct buffer *out, const char *name, bool json, size_t number)
{
	if (!json) {
		buffer_print(out, "%s\n", name);
		return;
	}
	json_write_string_after(out, text_of(number == 0 ? "" : ","), text_of(name));
}

/* The topics of a sort, `pipeline` or `model`, in the namespace of a pipeline. */
static bool scope_print(const struct plan *plan, const struct pipeline_plan *pipeline, const char *sort, const struct kafka *kafka,
			bool json, struct arena *arena, struct buffer *out, size_t *count, struct error *error)
{
	const char *prefix = arena_print(arena, "%s.%s.%s.", pipeline->prefix, pipeline->namespace, sort);
	struct topic_names list;
	if (!prefix)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	if (!topic_names_read(kafka->brokers, kafka->producer, prefix, arena, &list, error))
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (!topic_is_planned(plan, list.names[i]) && !topic_is_of_stage(plan, list.names[i], arena))
			orphan_print(out, list.names[i], json, (*count)++);
	return true;
}

static bool orphans_print(const struct plan *plan, const struct kafka *kafka, bool json, struct arena *arena, struct buffer *out,
			  size_t *count, struct error *error)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan_is_first_of_namespace(plan, i) &&
		    (!scope_print(plan, &plan->pipelines[i], "pipeline", kafka, json, arena, out, count, error) ||
		     !scope_print(plan, &plan->pipelines[i], "model", kafka, json, arena, out, count, error)))
			return false;
	return true;
}

static bool plan_is_enough(const struct plan *plan, struct error *error)
{
	return plan->count > 0 ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the files have no pipelines, so no namespace is known; give all files of the namespace");
}

/* Appends the topics of Kafka whose names are those of pipelines and models in the plan's namespaces, and that no pipeline of the
 * plan has; `*count` is their number. It removes nothing. CONFIG: the plan has no pipelines; else as kafka_find(). */
static bool plan_orphans_print(const struct plan *plan, const struct kafka_asked *asked, bool json, struct buffer *out,
			       size_t *count,
			       struct error *error)
{
	const struct resource *runtime = spec_first(plan->spec, RESOURCE_RUNTIME);
	struct arena *arena = arena_open(ORPHANS_ARENA_BYTES);
	struct kafka kafka;
	*count = 0;
	if (json)
		buffer_string(out, "{\"orphans\": [");
	bool good = (arena || error_memory(error, ERROR_SYSTEM, "listing topics")) && plan_is_enough(plan, error) &&
		    kafka_find(runtime ? runtime->spec : NULL, asked, arena, &kafka, error) &&
		    orphans_print(plan, &kafka, json, arena, out, count, error);
	if (json)
		buffer_string(out, "]}\n");
	else if (*count == 0)
		buffer_string(out, "no topic is without a pipeline\n");
	arena_close(arena);
	return good;
}

#define PLAN_BYTES_MAX ((size_t)512 << 20)    /* of a printed plan: ten thousand pipelines */
#define ORPHANS_BYTES_MAX ((size_t)256 << 20) /* a million names */
#define PLAN_ARENA_BYTES ((size_t)1 << 30)    /* of a plan in memory; a thousand pipelines of ten steps take 30 MiB */
#define NOTE_BYTES_MAX ((size_t)4096)
#define METADATA_BYTES_MAX ((size_t)16 << 20) /* of --models: metadata of thousands of models */

enum plan_form { PLAN_TEXT = OUTPUT_TEXT, PLAN_JSON = OUTPUT_JSON, PLAN_DOT, PLAN_MERMAID, PLAN_SVG };

struct plan_arguments {
	const char *namespace;
	int form;
	double rate;
	bool acls;
	bool targets;
	const char *models;
	struct name_list servers;
	const char *kind;
	bool fetch;
	struct name_list before; /* files; none: the plan itself is shown */
	bool orphans;
	struct kafka_asked kafka;
};

/* A plan, and what it is made of. */
struct planned {
	struct spec spec;
	struct plan plan;
};

static const struct option options[] = {
	COMMAND_FILES,
	COMMAND_NAMESPACE(plan_arguments, namespace),
	COMMAND_FORM(plan_arguments, form, "text json dot mermaid svg"),
	ROW("rate", NUMBER, struct plan_arguments, rate, .least = 0, .most = 1e12,
	    .help = "Requests a second, to estimate records and bytes a day."),
	ROW("acls", FLAG, struct plan_arguments, acls,
	    .help = "Shows instead the rights that engines, a gateway and `sluice apply` need in Kafka; as text, only commands, "
		    "which can be piped to sh."),
	ROW("slo", FLAG, struct plan_arguments, targets,
	    .help = "Compares the target_metrics of the files with the plan; documents without a kind are then Targets."),
	ROW("models", TEXT, struct plan_arguments, models, .word = "FILE",
	    .help = "JSON with the metadata of models. Tensors are checked against it; -1 is any size."),
	ROW("server", NAMES, struct plan_arguments, servers, .word = "NAME=URL",
	    .help = "The address of the server or model of that name, also of a stub. Given several times for one name: its "
		    "replicas. One name alone that no Model of the files has is the address of all models without one. A node of a "
		    "SeldonDeployment is DEPLOYMENT/NODE, or DEPLOYMENT.PREDICTOR/NODE where several predictors have it; a model "
		    "that a step locates, where another step locates another one, PIPELINE/NAME. What precedes NODE may be left "
		    "out where one model is meant."),
	ROW("fetch", FLAG, struct plan_arguments, fetch,
	    .help = "Fetches remote files of steps (http, https, s3), to check tensors against them."),
	ROW("diff", NAMES, struct plan_arguments, before, .word = "OLD",
	    .help = "Shows instead what a change from the files OLD to FILE does to pipelines, groups, topics and state, and "
		    "whether running engines would accept it."),
	ROW("orphans", FLAG, struct plan_arguments, orphans,
	    .help = "Shows instead orphaned topics: those of pipelines and models in the namespaces of the files that no pipeline "
		    "of the files has. Changelogs of other forms of a stage's state are left out: `sluice gc` removes "
		    "those that no version names. Give all files of the namespace."),
	KAFKA_ROWS(struct plan_arguments, kafka),
	ROW("kind", TEXT, struct plan_arguments, kind, .help = "The kind of documents that have none."),
	{.type = OPTION_END},
};

static void print(const struct plan *plan, const struct plan_arguments *arguments, size_t columns, struct buffer *out)
{
	const struct plan_view view = {
		.rate = arguments->rate, .acls = arguments->acls, .targets = arguments->targets, .columns = columns};
	switch ((enum plan_form)arguments->form) {
	case PLAN_TEXT:
		plan_print_text(plan, &view, out);
		break;
	case PLAN_JSON:
		plan_print_json(plan, &view, out);
		break;
	case PLAN_DOT:
		plan_print_dot(plan, out);
		break;
	case PLAN_MERMAID:
		plan_print_mermaid(plan, out);
		break;
	case PLAN_SVG:
		plan_print_svg(plan, out);
		break;
	}
}

static bool read_metadata(struct arena *arena, const char *file, struct models_metadata *metadata, struct error *error)
{
	struct text text;
	if (!file_read(file, METADATA_BYTES_MAX + 1, arena, &text, error))
		return false;
	if (text.length > METADATA_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "%s has more than the %zu MiB that metadata may have", file,
				 METADATA_BYTES_MAX >> 20);
	return metadata_read(arena, file, text, metadata, error);
}

/* ---- one set of files ---- */

/* Reads the files and makes their plan. EXIT_GOOD: it has no errors. `shown` false: its warnings are not shown. */
static int plan_open(struct session *session, const struct plan_arguments *arguments, const char *const *paths, size_t count,
		     struct files *files, struct arena *arena, bool shown, struct planned *planned)
{
	struct spec_options spec_options = {
		.kinds = session->kinds, .kind = arguments->kind, .namespace = arguments->namespace, .model_pipelines = true};
	struct models_metadata *metadata = ARENA_NEW(arena, struct models_metadata);
	const struct plan_options plan_options = {
		.kinds = session->kinds, .metadata = metadata, .servers = arguments->servers, .files = files_source(files)};
	struct error error = {0};
	planned->spec.is_one_set = true;
	if (arguments->targets && !spec_options.kind)
		spec_options.kind = "Targets";
	if (!metadata || (arguments->models && !read_metadata(arena, arguments->models, metadata, &error)) ||
	    !spec_read(&planned->spec, paths, count, &spec_options, &error)) {
		if (error.kind == ERROR_NONE)
			error_memory(&error, ERROR_SYSTEM, "planning");
		return command_refused(session, &error);
	}
	if (!plan_make(&planned->spec, &plan_options, arena, &planned->plan, &error))
		return command_failed(session, &error);
	rollouts_check(&planned->spec, arena);
	spec_check_silences(&planned->spec, time_of_day_ms());
	/* With errors there is no useful plan; the other faults of lint are shown with them. */
	if (faults_count(planned->spec.faults, SEVERITY_ERROR) > 0)
		return command_faults_only(session, planned->spec.faults);
	if (shown && faults_count(planned->spec.faults, SEVERITY_WARNING) > 0)
		(void)command_faults(session, planned->spec.faults);
	return EXIT_GOOD;
}

static int plan_show(struct session *session, const struct plan_arguments *arguments, const struct plan *plan)
{
	struct buffer out;
	buffer_open(&out, PLAN_BYTES_MAX);
	print(plan, arguments, session->columns, &out);
	mask_buffer(&out);
	return arguments->form == PLAN_TEXT && !arguments->acls ? command_write_lines(session, &out) : command_write(session, &out);
}

/* Notes the rate of false promotions of each rollout that a probability promotes. */
static void promotions_note(struct session *session, const struct spec *spec)
{
	struct experiment_walk walk = experiment_walk_begin(spec);
	struct experiment_found found;
	while (experiment_walk_next(&walk, session->arena, &found)) {
		struct rollout_plan plan;
		struct error error = {0};
		struct buffer words;
		if (!experiment_is_rolled_out(found.spec) || !rollout_plan_make(found.spec, &plan, &error))
			continue;
		buffer_open(&words, NOTE_BYTES_MAX);
		if (rollout_plan_print_rate(&plan, &words) && !words.failed)
			command_note(session, "Experiment `%s`: %.*s", found.name, (int)words.length, words.bytes);
		buffer_close(&words);
	}
}

/* ---- two sets of files ---- */

/* Why engines that run `before` would refuse `now`, as they check it; NULL: they take it. */
static const char *plan_refused(const struct plan *before, const struct plan *now, struct arena *arena)
{
	const struct state_history none = {0};
	struct error error = {0};
	if (group_migration_refuse(before, now, &error) &&
	    state_check_reload(before, now, &none, (struct name_list){0}, false, &error))
		return NULL;
	return arena_copy(arena, error.text, strlen(error.text));
}

static int plan_compare(struct session *session, const struct plan_arguments *arguments, struct plan *now,
			struct files *files, struct arena *arena)
{
	struct planned before = {0};
	struct plan_changes changes;
	struct error error = {0};
	struct buffer out;
	const char **paths = ARENA_ARRAY(arena, const char *, arguments->before.count + 1);
	for (size_t i = 0; paths && i < arguments->before.count; i++)
		paths[i] = arguments->before.items[i].text;
	if (!paths || !spec_open(&before.spec, &error)) {
		error_memory(&error, ERROR_SYSTEM, "planning");
		return command_failed(session, &error);
	}
	int code = plan_open(session, arguments, paths, arguments->before.count, files, arena, false, &before);
	buffer_open(&out, PLAN_BYTES_MAX);
	const char *refused = code == EXIT_GOOD ? plan_refused(&before.plan, now, arena) : NULL;
	if (code == EXIT_GOOD && plan_name_changed(&before.plan, now, arena) && plan_diff(&before.plan, now, arena, &changes)) {
		changes.refused = refused;
		if (arguments->form == PLAN_JSON)
			plan_changes_print_json(&changes, &out);
		else
			plan_changes_print_text(&changes, arena, &out);
		code = command_write_lines(session, &out);
	} else {
		buffer_close(&out);
		error_memory(&error, ERROR_SYSTEM, "comparing plans");
		code = code == EXIT_GOOD ? command_failed(session, &error) : code;
	}
	spec_close(&before.spec);
	return code;
}

/* ---- the command ---- */

static int orphans_show(struct session *session, const struct plan_arguments *arguments, const struct plan *plan)
{
	struct error error = {0};
	struct buffer out;
	size_t count;
	buffer_open(&out, ORPHANS_BYTES_MAX);
	if (!plan_orphans_print(plan, &arguments->kafka, arguments->form == OUTPUT_JSON, &out, &count, &error)) {
		buffer_close(&out);
		return command_failed(session, &error);
	}
	if (count > 0 && arguments->form != OUTPUT_JSON)
		command_note(session,
			     "%zu topic%s no pipeline in these files. `kafka-topics.sh --delete --topic NAME` removes one, "
			     "with its records",
			     count, count == 1 ? " has" : "s have");
	return command_write(session, &out);
}

static int plan_paths(struct session *session, const struct plan_arguments *arguments, const char *const *paths, size_t count,
		      struct files *files, struct arena *arena)
{
	struct planned now = {0};
	struct error error = {0};
	if (!spec_open(&now.spec, &error)) {
		error_memory(&error, ERROR_SYSTEM, "beginning to plan");
		return command_refused(session, &error);
	}
	int code = plan_open(session, arguments, paths, count, files, arena, true, &now);
	if (code == EXIT_GOOD && files_left(files) > 0)
		command_note(session, "remote files were not fetched, so their tensors are unknown; --fetch reads them");
	if (code == EXIT_GOOD && arguments->before.count == 0 && !arguments->orphans)
		promotions_note(session, &now.spec);
	if (code == EXIT_GOOD && arguments->orphans)
		code = orphans_show(session, arguments, &now.plan);
	else if (code == EXIT_GOOD)
		code = arguments->before.count > 0 ? plan_compare(session, arguments, &now.plan, files, arena)
						   : plan_show(session, arguments, &now.plan);
	spec_close(&now.spec);
	return code;
}

static int plan_run(struct session *session, const void *given, const char *const *paths, size_t count)
{
	const struct plan_arguments *arguments = given;
	struct error error = {0};
	int misuse = command_servers_misused(session, &arguments->servers);
	if (misuse)
		return misuse;
	if ((arguments->before.count > 0 || arguments->orphans) &&
	    (arguments->acls || arguments->targets || arguments->form > PLAN_JSON))
		return command_misuse(session,
				      "--diff and --orphans print text or json; leave out --acls, --slo, dot, mermaid and svg");
	if (arguments->before.count > 0 && arguments->orphans)
		return command_misuse(session, "--diff and --orphans are different questions; give one of them");
	struct arena *arena = arena_open(PLAN_ARENA_BYTES);
	struct files *files = files_open(&error);
	int code = EXIT_FAULTS;
	if (files && !arguments->fetch)
		files_stay_here(files, true);
	if (arena && files)
		code = plan_paths(session, arguments, paths, count, files, arena);
	else
		error_memory(&error, ERROR_SYSTEM, "beginning to plan");
	files_close(files);
	arena_close(arena);
	return error.kind == ERROR_NONE ? code : command_refused(session, &error);
}

const struct command command_plan = {
	.name = "plan",
	.arguments = "FILE...",
	.summary = "Shows how pipelines are compiled, and the reason for each choice.",
	.help = "Reads files, or folders of them. Shows for each pipeline its stages, the topics that it reads and writes, the "
		"models that it calls and their addresses, its delivery, its joins and their windows, and the cost of a "
		"request. Lines that begin with ! need attention. It changes nothing, and fetches nothing unless --fetch is "
		"given. Only --orphans asks Kafka.\n"
		"\n"
		"  sluice plan pipelines/\n"
		"  sluice plan pipeline.yaml --models metadata.json --rate 1000\n"
		"  sluice plan --diff pipelines-of-today/ pipelines/\n"
		"  sluice plan --orphans --brokers localhost:9092 pipelines/\n"
		"  sluice plan pipeline.yaml --acls | BOOTSTRAP=localhost:9092 PRINCIPAL=User:sluice sh\n"
		"  sluice plan pipeline.yaml -o svg > plan.svg\n",
	.options = options,
	.options_size = sizeof(struct plan_arguments),
	.group = "write",
	.run = plan_run,
};
