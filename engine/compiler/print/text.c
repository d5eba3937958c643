/* text.c: Text form of a plan, for people. Findings that need attention come first, then the contents, each with its
 * reason; see plan.h. */
#include "compiler/print/print.h"

#include "message/records/slice.h"
#include "compiler/graph/table.h"
#include "compiler/graph/type_list.h"

#define TEXT_ARENA_BYTES ((size_t)256 << 20) /* of all words of one plan; a thousand pipelines take 20 MiB */
#define INDENT 2
#define SECONDS_A_DAY 86400.0
#define DAY_MS ((int64_t)86400000)
#define KIB 1024.0
#define TYPES_SHOWN_MAX 32 /* of a step's tensors, the last: of a long chain each step hands on all above */

/* Words in the arena; empty when memory ran out, which the arena remembers. */
#define WORDS(arena, ...) or_empty(arena_print(arena, __VA_ARGS__))

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

struct plan_text_writer {
	struct arena *arena;
	struct buffer *out;
	const struct plan_view *view;
};

static void plan_text_heading(const struct plan_text_writer *writer, const char *text)
{
	buffer_print(writer->out, "\n%*s%s\n", INDENT, "", text);
}

static struct plan_table table_of(const struct plan_text_writer *writer, size_t columns)
{
	return (struct plan_table){.arena = writer->arena, .columns = columns};
}

static const char *place_text(const struct plan_text_writer *writer, struct place place)
{
	return place.line ? WORDS(writer->arena, "%s:%u:%u", place.file ? place.file : "", place.line, place.column) : "";
}

static void print_notes(const struct plan_text_writer *writer, const struct notes *notes, size_t indent)
{
	for (size_t i = 0; i < notes->count; i++) {
		const char *place = place_text(writer, notes->items[i].place);
		buffer_print(writer->out, "%*s! %s%s%s\n", (int)indent, "", notes->items[i].text, *place ? "  " : "", place);
	}
}

/* ---- the head ---- */

static const char *bytes_text(const struct plan_text_writer *writer, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	size_t unit = 0;
	while (bytes >= KIB && unit + 1 < sizeof units / sizeof *units) {
		bytes /= KIB;
		unit++;
	}
	return WORDS(writer->arena, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static const char *volume_text(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	const struct volume *volume = &plan->volume;
	const struct {
		size_t count;
		const char *what;
	} parts[] = {
		{volume->requests, "request that came directly"},
		{volume->answers, plan->graph->has_output ? "answer" : "last steps' outputs"},
		{volume->stage_links, "between stages"},
		{volume->taps, "step topics"},
		{volume->states, "state"},
		{volume->exposures, volume->exposures == 1 ? "exposure" : "exposures"},
	};
	const double total = volume_records(volume);
	const char *text = "";
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (parts[i].count)
			text = WORDS(writer->arena, "%s%s%zu %s", text, *text ? ", " : "", parts[i].count, parts[i].what);
	if (volume->shadows > 0)
		text = WORDS(writer->arena, "%s%s%g of mirrors", text, *text ? ", " : "", volume->shadows);
	if (plan->observer_count)
		text = WORDS(writer->arena, "%s%sat most %g for observers", text, *text ? ", " : "", volume->observed);
	return WORDS(writer->arena, "%.10g record%s written (%s), about %s%s", total,
		     total == 1 && plan->observer_count == 0 ? "" : "s", text,
		     bytes_text(writer, (double)volume->bytes + volume->observed_bytes),
		     volume->bytes_assumed ? "; 1 KiB assumed where types are not known" : "");
}

static const char *rate_text(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	const struct volume *volume = &plan->volume;
	double requests = writer->view->rate * SECONDS_A_DAY;
	return WORDS(writer->arena, "at %g requests/s: %.0f records and %s a day", writer->view->rate,
		     volume_records(volume) * requests,
		     bytes_text(writer, ((double)volume->bytes + volume->observed_bytes) * requests));
}

#define DIRECT_WORDS                                                                                                               \
	"direct: callers of a gateway in the engine's process are answered first, and the exchange is logged beside; a crash "     \
	"loses what was not in Kafka yet"

/* When a caller that waits at a gateway is answered; NULL: it is clear from the delivery. */
static const char *reply_words(const struct pipeline_plan *plan)
{
	const bool is_early = plan->graph->spec->reply == REPLY_EARLY;
	if (!plan->graph->has_output || (!is_early && plan->delivery != DELIVERY_EXACTLY_ONCE))
		return NULL;
	if (!is_early)
		return "committed: a caller that waits at a gateway is answered after the commit, 10 to 100 ms later";
	if (plan->delivery == DELIVERY_EXACTLY_ONCE)
		return "early: a caller that waits at a gateway is answered before the commit; a crash between the two makes the "
		       "answer anew, and the caller may have another one";
	return "early: changes nothing here, since at least once no caller waits for a commit";
}

static void print_head(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	struct plan_table table = table_of(writer, 2);
	const char *delivery = plan->delivery == DELIVERY_EXACTLY_ONCE ? "exactly-once" : "at-least-once";
	const char *rows[][2] = {
		{"delivery", WORDS(writer->arena, "%s: %s", delivery, plan->delivery_reason)},
		{"ingress", plan->direct ? DIRECT_WORDS : NULL},
		{"reply", reply_words(plan)},
		{"order", plan->order_reason},
		{"held up", plan->wait_reason},
		{"gaps", plan->graph->spec->on_gap == GAP_STOP ? "stop: the engine stops when records were deleted unread"
							       : "continue: records that were deleted unread are counted"},
		{"group", plan->group},
		{"observers", plan->observers_group ? WORDS(writer->arena, "group %s, exactly once", plan->observers_group) : NULL},
		{"explainers",
		 plan->explainers_group ? WORDS(writer->arena, "group %s, exactly once", plan->explainers_group) : NULL},
		{"a request", volume_text(writer, plan)},
		{"", writer->view->rate > 0 ? rate_text(writer, plan) : NULL},
	};
	buffer_print(writer->out, "pipeline %s, namespace %s: %zu step%s in %zu stage%s, %zu topic%s  %s\n", plan->graph->name,
		     plan->namespace, plan->graph->count, plan->graph->count == 1 ? "" : "s", plan->stage_count,
		     plan->stage_count == 1 ? "" : "s", plan->topic_count, plan->topic_count == 1 ? "" : "s",
		     place_text(writer, plan->graph->resource->place));
	print_notes(writer, &plan->notes, INDENT);
	buffer_byte(writer->out, '\n');
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i][1])
			table_add(&table, rows[i]);
	table_print(&table, INDENT, writer->view->columns, writer->out);
}

/* ---- stages ---- */

static void print_stage_topics(const struct plan_text_writer *writer, const struct pipeline_plan *plan, size_t stage, bool writes)
{
	const char *word = writes ? "writes" : "reads";
	for (size_t i = 0; i < plan->topic_count; i++) {
		if (writes ? !stage_writes_topic(plan, stage, i) : !stage_reads_topic(plan, stage, i))
			continue;
		buffer_print(writer->out, "%*s%-8s %s\n", 3 * INDENT, "", word, plan->topics[i].name);
		word = "";
	}
}

static void print_stages(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	plan_text_heading(writer, "stages");
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct stage *stage = &plan->stages[i];
		buffer_print(writer->out, "%*s%zu. %s: %s", 2 * INDENT, "", i + 1, stage->name,
			     stage->count ? "" : "no step, it only passes records on");
		for (size_t j = 0; j < stage->count; j++)
			buffer_print(writer->out, "%s%s", j ? ", " : "", plan->graph->steps[stage->steps[j]].name);
		buffer_print(writer->out, "\n%*sbecause  %s\n", 3 * INDENT, "", stage->reason);
		if (stage->key)
			buffer_print(writer->out, "%*skey      %s\n", 3 * INDENT, "", stage->key);
		if (stage->state)
			buffer_print(writer->out, "%*sstate    %s\n", 3 * INDENT, "", stage->state);
		print_stage_topics(writer, plan, i, false);
		print_stage_topics(writer, plan, i, true);
	}
}

/* ---- steps ---- */

static const char *renames_text(const struct plan_text_writer *writer, const struct source *source, const char *text)
{
	for (size_t i = 0; i < source->rename_count; i++)
		text = WORDS(writer->arena, "%s%s" TEXT_FORMAT " as " TEXT_FORMAT, text, i ? ", " : " with ",
			     TEXT_ARGUMENTS(source->renames[i].from), TEXT_ARGUMENTS(source->renames[i].to));
	return text;
}

/* "OUTPUT of a", "the inputs of b", "the request" */
static const char *source_text(const struct graph *graph, const struct source *source, struct arena *arena)
{
	const char *of = source->step == STEP_NONE ? "the request" : graph->steps[source->step].name;
	if (source->point == SOURCE_STEP_INPUTS)
		of = WORDS(arena, "the inputs of %s", of);
	if (source->tensor.length == 0)
		return of;
	return WORDS(arena, TEXT_FORMAT " of %s", TEXT_ARGUMENTS(source->tensor), of);
}

static const char *join_text(const struct plan_text_writer *writer, const struct graph *graph, const struct join *join)
{
	static const char *const kinds[] = {
		[JOIN_INNER] = "all of ", [JOIN_OUTER] = "what comes of ", [JOIN_ANY] = "the first of "};
	const char *text = join->count > 1 ? kinds[join->type] : "";
	for (size_t i = 0; i < join->count; i++) {
		const char *source = renames_text(writer, &join->sources[i], source_text(graph, &join->sources[i], writer->arena));
		text = WORDS(writer->arena, "%s%s%s", text, i ? "; " : "", source);
	}
	if (join->count > 1 && join->type != JOIN_ANY)
		text = WORDS(writer->arena, "%s; within %lld ms", text, (long long)join->window_ms);
	return text;
}

static const char *types_text(const struct plan_text_writer *writer, const struct tensor_types *types)
{
	const char *text = "";
	size_t left_out = types->count > TYPES_SHOWN_MAX ? types->count - TYPES_SHOWN_MAX : 0;
	if (left_out)
		text = WORDS(writer->arena, "%zu more, ", left_out);
	for (size_t i = left_out; i < types->count; i++)
		text = WORDS(writer->arena, "%s%s" TEXT_FORMAT " %s", text, i > left_out ? ", " : "",
			     TEXT_ARGUMENTS(types->items[i].name), type_text(&types->items[i].type, writer->arena));
	if (types->count && !types->complete)
		return WORDS(writer->arena, "%s, ...", text);
	return text;
}

/* "90 % to main, 10 % to canary" */
static const char *shares_text(const struct plan_text_writer *writer, const struct graph *graph, size_t step)
{
	struct share shares[ASSIGNMENT_WAYS_MAX];
	size_t buckets[ASSIGNMENT_WAYS_MAX], count = graph_shares(graph, step, shares, buckets);
	const char *text = "";
	for (size_t i = 0; i < count; i++)
		text = WORDS(writer->arena, "%s%s%g %% to %s", text, i ? ", " : "", (double)buckets[i] * 100 / ASSIGNMENT_BUCKETS,
			     shares[i].name);
	return text;
}

/* Whom an experiment splits, and what chooses or moves its shares. */
static const char *experiment_text(const struct plan_text_writer *writer, const struct graph_experiment *experiment,
				   const char *text)
{
	const struct experiment_spec *spec = experiment->spec;
	if (spec->layer.here.line > 0)
		text = WORDS(writer->arena, "%s; only units from %g %% to %g %% of layer `%s`", text, 100 * spec->layer.from,
			     100 * (spec->layer.from + spec->layer.share), spec->layer.name.text);
	if (spec->holdout > 0)
		text = WORDS(writer->arena, "%s; %g %% of the units are held out", text, 100 * spec->holdout);
	if (experiment->learns)
		text = WORDS(writer->arena, "%s; its bandits choose when they have learnt", text);
	if (experiment->fallback < experiment->count)
		text = WORDS(writer->arena, "%s; %s answers if another fails, or uses up half of the time that is left", text,
			     experiment->shares[experiment->fallback].name);
	if (experiment_is_rolled_out(spec))
		text = WORDS(writer->arena, "%s; a rollout moves them, as `sluice experiments rollout %s` explains", text,
			     experiment->name);
	return text;
}

static const char *extras_text(const struct plan_text_writer *writer, const struct graph *graph, size_t index)
{
	const struct graph_step *step = &graph->steps[index];
	const char *text = shares_text(writer, graph, index);
	if (step->experiment)
		text = experiment_text(writer, step->experiment, text);
	if (step->split)
		text = WORDS(writer->arena, "%s; %s the experiment `%s`", text, step->split->count == 1 ? "it is" : "they are",
			     step->split->name);
	const struct step_batch *batch = &step->spec->batch;
	if (batch->size > 0)
		text = WORDS(writer->arena, "%s%sbatches of %lld rows, or after %lld ms", text, *text ? "; " : "",
			     (long long)batch->size, (long long)batch_window_ms(batch));
	if (step_renames(step->spec))
		text = WORDS(writer->arena, "%s%srenames its only tensor to `%s`", text, *text ? "; " : "",
			     step->spec->outputs.items[0].text);
	if (step->spec->when) {
		struct text when = expression_source(step->spec->when);
		text = WORDS(writer->arena, "%s%sonly when " TEXT_FORMAT, text, *text ? "; " : "", TEXT_ARGUMENTS(when));
	}
	return text;
}

static void print_step(const struct plan_text_writer *writer, const struct pipeline_plan *plan, size_t index,
		       struct plan_table *table)
{
	const struct graph_step *step = &plan->graph->steps[index];
	const char *kind = step->spec->kind ? step->spec->kind->name : "?";
	const char *triggers = step->triggers.count ? join_text(writer, plan->graph, &step->triggers) : NULL;
	const char *outputs = plan->types.steps ? types_text(writer, &plan->types.steps[index].outputs) : "";
	const char *extras = extras_text(writer, plan->graph, index);
	table_add(table, (const char *const[]){step->name, kind, "reads", join_text(writer, plan->graph, &step->inputs)});
	if (triggers)
		table_add(table, (const char *const[]){NULL, NULL, "waits for", triggers});
	if (*extras)
		table_add(table, (const char *const[]){NULL, NULL, "runs", extras});
	if (*outputs)
		table_add(table, (const char *const[]){NULL, NULL, "gives", outputs});
	if (plan->types.steps && plan->types.steps[index].outputs.remark)
		table_add(table, (const char *const[]){NULL, NULL, "uses", plan->types.steps[index].outputs.remark});
}

static void print_steps(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	struct plan_table table = table_of(writer, 4);
	plan_text_heading(writer, "steps");
	for (size_t i = 0; i < plan->graph->count; i++)
		print_step(writer, plan, plan->graph->order[i], &table);
	if (plan->graph->has_output)
		table_add(&table,
			  (const char *const[]){"answer", NULL, "is", join_text(writer, plan->graph, &plan->graph->output)});
	table_print(&table, 2 * INDENT, writer->view->columns, writer->out);
}

/* ---- observers ---- */

/* "; the record is also that of `b` and `c`". */
static const char *shared_text(const struct plan_text_writer *writer, const struct observer_plan *observer)
{
	const char *text = "";
	for (size_t i = 0; i < observer->shared_count; i++)
		text = WORDS(writer->arena, "%s%s`%s`", text,
			     i == 0			      ? "; the record is also that of "
			     : i + 1 < observer->shared_count ? ", "
							      : " and ",
			     observer->shared_with[i]);
	return text;
}

static void print_observers(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	struct plan_table table = table_of(writer, 3);
	if (plan->observer_count == 0)
		return;
	plan_text_heading(writer, "observers");
	for (size_t i = 0; i < plan->observer_count; i++) {
		const struct observer_plan *observer = &plan->observers[i];
		const char *sliced =
			observer->slices ? WORDS(writer->arena, "; up to %d messages share a record", SLICE_ROWS_MAX) : "";
		const char *cost = WORDS(writer->arena,
					 "at most %s a message%s, of %g%% of the messages, in the transaction of the answer%s%s",
					 bytes_text(writer, observer->bytes), observer->bytes_assumed ? " (1 KiB assumed)" : "",
					 100 * observer->share, sliced, shared_text(writer, observer));
		table_add(&table, (const char *const[]){observer->step, "written by the path", observer->topic});
		table_add(&table, (const char *const[]){NULL, "costs", cost});
		table_add(&table, (const char *const[]){NULL, "because", observer->why});
	}
	table_print(&table, 2 * INDENT, writer->view->columns, writer->out);
}

/* ---- calls and topics ---- */

static const char *endpoint_text(const struct plan_text_writer *writer, const struct endpoint *endpoint)
{
	if (!endpoint->addresses)
		return endpoint->origin == ENDPOINT_NONE && endpoint->advice ? "no endpoint" : "";
	if (endpoint->server)
		return WORDS(writer->arena, "at %s (%s, %s)", endpoint->addresses, endpoint_origin_text(endpoint->origin),
			     endpoint->server);
	return WORDS(writer->arena, "at %s (%s)", endpoint->addresses, endpoint_origin_text(endpoint->origin));
}

static void print_calls(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	struct plan_table table = table_of(writer, 4);
	if (plan->callee_count == 0)
		return;
	plan_text_heading(writer, "calls");
	for (size_t i = 0; i < plan->callee_count; i++) {
		const struct callee *callee = &plan->callees[i];
		const char *whom = WORDS(writer->arena, "%s %s", call_target_name(callee->target), callee->name);
		table_add(&table, (const char *const[]){plan->graph->steps[callee->step].name, whom,
							endpoint_text(writer, &callee->endpoint), callee->how});
	}
	table_print(&table, 2 * INDENT, writer->view->columns, writer->out);
}

static const char *retention_text(const struct topic *topic, struct arena *arena)
{
	if (topic->bound)
		return "as it is";
	if (topic_roles[topic->role].compacted)
		return "the last of each key";
	long long days = (long long)(topic->retention_ms / DAY_MS);
	return WORDS(arena, days == 1 ? "%lld day" : "%lld days", days);
}

static void print_topics(const struct plan_text_writer *writer, const struct pipeline_plan *plan)
{
	struct plan_table table = table_of(writer, 6);
	plan_text_heading(writer, "topics");
	table_add(&table, (const char *const[]){"name", "role", "partitions", "kept", "key", "why"});
	for (size_t i = 0; i < plan->topic_count; i++) {
		const struct topic *topic = &plan->topics[i];
		const char *partitions = topic->partitions ? WORDS(writer->arena, "%lld", (long long)topic->partitions)
					 : topic->bound	   ? "as it is"
							   : "the broker's";
		const char *role = topic->best_effort ? WORDS(writer->arena, "%s, best effort", topic_roles[topic->role].name)
						      : topic_roles[topic->role].name;
		table_add(&table, (const char *const[]){topic->name, role, partitions, retention_text(topic, writer->arena),
							topic->key, topic->reason});
	}
	table_print(&table, 2 * INDENT, writer->view->columns, writer->out);
}

static void print_models(const struct plan_text_writer *writer, const struct plan *plan)
{
	struct plan_table table = table_of(writer, 2);
	if (plan->model_count == 0)
		return;
	buffer_string(writer->out, "models, each of them also a pipeline of one step\n");
	for (size_t i = 0; i < plan->model_count; i++) {
		const char *where = endpoint_text(writer, &plan->models[i].endpoint);
		table_add(&table, (const char *const[]){plan->models[i].resource->name.text, where});
	}
	table_print(&table, INDENT, writer->view->columns, writer->out);
}

static void print_whole(const struct plan_text_writer *writer, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (i)
			buffer_byte(writer->out, '\n');
		print_head(writer, &plan->pipelines[i]);
		print_stages(writer, &plan->pipelines[i]);
		print_steps(writer, &plan->pipelines[i]);
		print_observers(writer, &plan->pipelines[i]);
		print_calls(writer, &plan->pipelines[i]);
		print_topics(writer, &plan->pipelines[i]);
	}
	if (plan->count + plan->model_count + plan->notes.count == 0)
		buffer_string(writer->out, "the files have no pipeline and no model: there is nothing to plan\n");
	if (plan->count && plan->model_count + plan->notes.count)
		buffer_byte(writer->out, '\n');
	print_models(writer, plan);
	print_notes(writer, &plan->notes, 0);
}

void plan_print_text(const struct plan *plan, const struct plan_view *view, struct buffer *out)
{
	const struct plan_text_writer writer = {.arena = arena_open(TEXT_ARENA_BYTES), .out = out, .view = view};
	if (!writer.arena) {
		out->failed = true;
		return;
	}
	/* Rights go to a shell, so nothing else stands beside them. */
	if (view->acls)
		acls_print_text(plan, writer.arena, out);
	else
		print_whole(&writer, plan);
	if (view->targets && !view->acls)
		targets_print_text(plan, view->rate, writer.arena, out);
	if (arena_failed(writer.arena))
		out->failed = true;
	arena_close(writer.arena);
}
