/* graphs.c: see graphs.h. */
#include "graphs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/rollout_choices.h"
#include "compiler/graph/names.h"

#define SCENE_BYTES_MAX ((size_t)1 << 20)

/* ---- steps ---- */

static enum step_verdict asks_run(struct step *step, struct visit *visit, struct error *error)
{
	return visit_call(visit, CALL_MODEL, step->name, visit_input(visit), error) ? STEP_WAIT : STEP_FAIL;
}

static enum step_verdict asks_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	(void)step;
	if (call->error.kind != ERROR_NONE) {
		*error = call->error;
		return STEP_FAIL;
	}
	visit_emit(visit, call->reply);
	return STEP_DONE;
}

const struct step_kind kind_asks = {
	.name = "asks", .run = asks_run, .calls = &(const struct call_rules){.answered = asks_answered}};

static enum step_verdict adds_run(struct step *step, struct visit *visit, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct payload *input = visit_input(visit);
	const struct tensor *first = input->tensors.items[0];
	void *elements;
	struct tensor *sum = tensor_make(arena, text_of(step->name), DATATYPE_FP32, first->shape, first->rank, &elements, error);
	for (size_t i = 0; i < first->count; i++)
		((float *)elements)[i] = (float)tensor_number(first, i) + 1;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	*payload = *input;
	struct tensors_builder builder;
	tensors_begin(&builder, arena, input->tensors.count + 1);
	for (size_t i = 0; i < input->tensors.count; i++)
		tensors_add(&builder, input->tensors.items[i]);
	tensors_put(&builder, sum);
	payload->tensors = tensors_end(&builder);
	visit_emit(visit, payload);
	return STEP_DONE;
}

const struct step_kind kind_adds = {.name = "adds", .run = adds_run};

static enum step_verdict drops_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step, (void)visit, (void)error;
	return STEP_DROP;
}

const struct step_kind kind_drops = {.name = "drops", .run = drops_run};

static enum step_verdict counts_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	(void)call;
	struct arena *arena = visit_arena(visit);
	const struct tensors *tensors = &visit_input(visit)->tensors;
	const struct tensor *subject = tensors_find(*tensors, TEXT("k"));
	const char *key = arena_print(arena, "key %g", subject ? tensor_number(subject, 0) : 0);
	int64_t *count = visit_remember(visit, text_of(key), sizeof *count, error);
	if (!count)
		return STEP_FAIL;
	++*count;
	const int64_t shape[1] = {1};
	void *elements;
	struct tensor *counted = tensor_make(arena, text_of(step->name), DATATYPE_FP32, shape, 1, &elements, error);
	*(float *)elements = (float)*count;
	if (tensors_find(*tensors, TEXT("forget")))
		visit_forget(visit, text_of(key), error);
	if (tensors_find(*tensors, TEXT("bad"))) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "a bad message");
		return STEP_FAIL;
	}
	if (tensors_find(*tensors, TEXT("drop")))
		return STEP_DROP;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensors_builder builder;
	*payload = *visit_input(visit);
	tensors_begin(&builder, arena, tensors->count + 1);
	for (size_t i = 0; i < tensors->count; i++)
		tensors_add(&builder, tensors->items[i]);
	tensors_put(&builder, counted);
	payload->tensors = tensors_end(&builder);
	visit_emit(visit, payload);
	return STEP_DONE;
}

static enum step_verdict counts_run(struct step *step, struct visit *visit, struct error *error)
{
	return counts_answered(step, visit, NULL, error);
}

static const struct state_rules remembers;

const struct step_kind kind_counts = {.name = "counts", .state = &remembers, .run = counts_run};
const struct step_kind kind_asks_and_counts = {
	.name = "asks-and-counts",
	.state = &remembers,
	.run = asks_run,
	.calls = &(const struct call_rules){.answered = counts_answered},
};

static enum step_verdict counts_later(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	(void)step;
	*error = call->error;
	return error->kind == ERROR_NONE ? visit_in_turn(visit, call) : STEP_FAIL;
}

static enum step_verdict counts_in_turn(struct step *step, struct visit *visit, void *work, struct error *error)
{
	return counts_answered(step, visit, work, error);
}

const struct step_kind kind_asks_then_counts = {
	.name = "asks-then-counts",
	.state = &(const struct state_rules){.in_turn = counts_in_turn},
	.run = asks_run,
	.calls = &(const struct call_rules){.answered = counts_later},
};

/* ---- one into many ---- */

static const struct tensor *number_made(struct arena *arena, const char *name, float number)
{
	return tensor_made(arena, arena_print(arena, "%s=%g", name, (double)number));
}

static const struct payload *pair_made(struct arena *arena, const char *a, float a_number, const char *b, float b_number)
{
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensors_builder builder;
	tensors_begin(&builder, arena, 2);
	tensors_add(&builder, number_made(arena, a, a_number));
	tensors_add(&builder, number_made(arena, b, b_number));
	payload->tensors = tensors_end(&builder);
	return payload;
}

static void multiplies(const struct step *step, struct step_facts *facts)
{
	(void)step;
	facts->makes_offspring = true;
}

static enum step_verdict splits_run(struct step *step, struct visit *visit, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct tensors *tensors = &visit_input(visit)->tensors;
	const struct message *message = visit_message(visit);
	const struct tensor *x = tensors_find(*tensors, TEXT("x"));
	if (tensors_find(*tensors, TEXT("pass"))) {
		visit_pass(visit);
		return STEP_DONE;
	}
	for (size_t i = 0; i < x->count; i++) {
		float number = (float)tensor_number(x, i);
		float last = number;
		const char *key = arena_print(arena, "key %g", (double)number);
		if (step->kind->state) {
			int64_t *count = visit_remember(visit, text_of(key), sizeof *count, error);
			assert_non_null(count);
			last = (float)++*count;
		}
		const char *id = arena_print(arena, "%s/%zu", message->id.bytes, i);
		const struct payload *part = pair_made(arena, "x", number, step->kind->state ? "n" : "k", last);
		if (!visit_offspring(visit, text_of(id), text_of(key), message->time_ms + (int64_t)i, part, error))
			return STEP_FAIL;
	}
	if (tensors_find(*tensors, TEXT("bad"))) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "a bad message");
		return STEP_FAIL;
	}
	return tensors_find(*tensors, TEXT("drop")) ? STEP_DROP : STEP_DONE;
}

static enum step_verdict gathers_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	struct arena *arena = visit_arena(visit);
	const struct payload *part;
	struct text id;
	float numbers[64] = {0};
	size_t count = 0;
	while (visit_part(visit, count, &id, &part))
		numbers[count++] = (float)tensor_number(part->tensors.items[0], 0);
	const int64_t shape[1] = {(int64_t)count};
	void *elements;
	struct tensor *x = tensor_make(arena, TEXT("x"), DATATYPE_FP32, shape, 1, &elements, error);
	memcpy(elements, numbers, count * sizeof *numbers);
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensors_builder builder;
	tensors_begin(&builder, arena, 2);
	tensors_add(&builder, x);
	tensors_add(&builder, number_made(arena, "n", (float)count));
	payload->tensors = tensors_end(&builder);
	visit_emit(visit, payload);
	return STEP_DONE;
}

/* There is one that splits in each graph of a test, and it is called so; a further one `t`. */
static void gathers(const struct step *step, struct step_facts *facts)
{
	facts->collects = (struct name){.text = step->name && step->name[0] == 't' ? "t" : "s"};
}

static enum step_verdict sieves_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	double x = tensor_number(visit_input(visit)->tensors.items[0], 0);
	visit_pass(visit);
	if (x > 99)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "too much"), STEP_FAIL;
	return x < 0 ? STEP_DROP : STEP_DONE;
}

const struct step_kind kind_splits = {.name = "splits", .describe = multiplies, .run = splits_run};
const struct step_kind kind_splits_and_counts = {
	.name = "splits-and-counts", .state = &remembers, .describe = multiplies, .run = splits_run};
const struct step_kind kind_gathers = {.name = "gathers", .describe = gathers, .run = gathers_run};
const struct step_kind kind_sieves = {.name = "sieves", .run = sieves_run};

/* ---- graphs ---- */

static struct source source_made(struct arena *arena, const struct graph *graph, const char *word)
{
	size_t length = (size_t)(word_end(word) - word);
	char *text = arena_copy(arena, word, length);
	struct source source = {.point = SOURCE_STEP_OUTPUTS, .step = STEP_NONE, .reference = {text, length}};
	char *to = strchr(text, '>');
	char *tensor = strchr(text, '.');
	char *inputs = strstr(text, ":inputs");
	if (to)
		*to++ = '\0';
	if (inputs) {
		*inputs = '\0';
		source.point = SOURCE_STEP_INPUTS;
	}
	if (tensor) {
		*tensor = '\0';
		source.tensor = text_of(tensor + 1);
	}
	if (to) {
		struct tensor_rename *rename = ARENA_NEW(arena, struct tensor_rename);
		*rename = (struct tensor_rename){source.tensor, text_of(to)};
		source.renames = rename;
		source.rename_count = 1;
	}
	for (size_t i = 0; i < graph->count; i++)
		if (strcmp(graph->steps[i].name, text) == 0)
			source.step = i;
	if (source.step == STEP_NONE) {
		assert_string_equal(text, "request");
		source.point = SOURCE_REQUEST;
	}
	return source;
}

static struct join join_made(struct arena *arena, const struct graph *graph, const char *words, enum join_type type,
			     int64_t window_ms)
{
	struct join join = {.type = type, .window_ms = window_ms ? window_ms : JOIN_WINDOW_MS_DEFAULT};
	struct source *sources = ARENA_ARRAY(arena, struct source, 8);
	for (const char *word = words ? words : ""; *word; word = word_end(word), word += *word == ' ')
		sources[join.count++] = source_made(arena, graph, word);
	join.sources = sources;
	return join;
}

static void mark_answering(struct graph *graph, const struct join *join)
{
	for (size_t i = 0; i < join->count; i++) {
		if (join->sources[i].step == STEP_NONE || graph->steps[join->sources[i].step].answers)
			continue;
		struct graph_step *step = &graph->steps[join->sources[i].step];
		step->answers = true;
		mark_answering(graph, &step->inputs);
		mark_answering(graph, &step->triggers);
	}
}

static void mark_offspring(struct graph *graph, struct arena *arena)
{
	struct name_index *names = ARENA_NEW(arena, struct name_index);
	names->items = ARENA_ARRAY(arena, struct name_entry, graph->count);
	for (size_t i = 0; i < graph->count; i++)
		names->items[names->count++] = (struct name_entry){text_of(graph->steps[i].name), i};
	names_sort(names);
	graph->names = names;
	struct faults *faults = faults_open(arena);
	graph_mark_offspring(graph, arena, faults);
	assert_int_equal(faults_total(faults), 0);
}

struct graph *graph_made(struct arena *arena, const struct made_step *steps, size_t count, const char *output, enum join_type type)
{
	struct graph *graph = ARENA_NEW(arena, struct graph);
	size_t *order = ARENA_ARRAY(arena, size_t, count);
	graph->name = "made";
	graph->max_visits = 1;
	graph->steps = ARENA_ARRAY(arena, struct graph_step, count);
	for (size_t i = 0; i < count; i++, graph->count++) {
		struct step_spec *spec = ARENA_NEW(arena, struct step_spec);
		spec->kind = steps[i].kind ? steps[i].kind : &kind_asks;
		spec->name.text = steps[i].name;
		spec->batch.size = steps[i].batch_size;
		spec->batch.window_ms = steps[i].batch_window_ms ? steps[i].batch_window_ms : BATCH_WINDOW_MS_DEFAULT;
		graph->steps[i].spec = spec;
		graph->steps[i].name = steps[i].name;
		graph->steps[i].on_cycle = steps[i].on_cycle;
		graph->cyclic |= steps[i].on_cycle;
		order[i] = i;
	}
	graph->order = order;
	for (size_t i = 0; i < count; i++) {
		const char *inputs = steps[i].inputs ? steps[i].inputs : "request";
		graph->steps[i].inputs = join_made(arena, graph, inputs, steps[i].type, steps[i].window_ms);
		graph->steps[i].triggers = join_made(arena, graph, steps[i].triggers, steps[i].triggers_type, steps[i].window_ms);
	}
	graph->has_output = output != NULL;
	graph->output = join_made(arena, graph, output, type, 0);
	mark_answering(graph, &graph->output);
	mark_offspring(graph, arena);
	return graph;
}

/* ---- the environment ---- */

static void note_call(void *context, struct call *call)
{
	struct scene *scene = context;
	assert_true(scene->call_count < NOTED_MAX);
	scene->calls[scene->call_count++] = call;
}

/* A test sets what a call has waited so far. */
static int64_t note_waited(void *context, const struct call *call)
{
	(void)context;
	return call->waited_ms;
}

static int64_t note_outage(void *context, const struct call *call)
{
	const struct scene *scene = context;
	if (!scene->away || strcmp(call->name, scene->away) != 0)
		return 0;
	return scene->now_ms < scene->back_ms ? scene->now_ms : scene->back_ms;
}

static enum standing note_standing(void *context, const struct call *call)
{
	const struct scene *scene = context;
	if (call->where == CALL_SENT)
		return STANDING_ON_ITS_WAY;
	return scene->away && strcmp(call->name, scene->away) == 0 ? STANDING_HELD_UP : STANDING_UNSENT;
}

static void note_forgotten(void *context, struct call *call)
{
	struct scene *scene = context;
	for (size_t i = 0; i < scene->call_count; i++)
		if (scene->calls[i] == call)
			scene->calls[i] = NULL;
	scene->forgotten++;
}

static void note_one(struct scene *scene, const struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	assert_true(scene->answer_count < NOTED_MAX);
	struct noted_answer *noted = &scene->answers[scene->answer_count++];
	const char *id = message->parent ? arena_copy(scene->arena, message->id.bytes, message->id.length) : message->id.bytes;
	*noted = (struct noted_answer){.id = id, .outcome = outcome, .at_ms = scene->now_ms};
	if (answer->payload)
		payload_print(answer->payload, noted->tensors, sizeof noted->tensors);
	if (answer->error) {
		noted->kind = answer->error->kind;
		memcpy(noted->error, answer->error->text, sizeof noted->error);
	}
}

static void note_answer(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	note_one(context, message, outcome, answer);
	for (const struct offspring *offspring = message->offspring; offspring; offspring = offspring->next)
		note_one(context, &offspring->message, offspring->outcome, &offspring->answer);
}

/* What a worker would do: released in order, and nothing may look at it any more. */
static void release(struct scene *scene)
{
	struct error error = {0};
	for (; scene->released < scene->message_count && scene->finished[scene->released]; scene->released++) {
		struct message *message = scene->messages[scene->released];
		if (scene->store && message->line)
			assert_true(store_release(scene->store, message->writes, &error));
		arena_reset(message->arena);
	}
}

static void note_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct scene *scene = context;
	rollout_choices_end(message, outcome, answer, scene->now_ms);
	scene->finished_count++;
	for (size_t i = 0; i < scene->answer_count; i++) {
		if (scene->answers[i].id != message->id.bytes)
			continue;
		assert_int_equal(scene->answers[i].outcome, outcome);
		assert_false(scene->answers[i].finished);
		scene->answers[i].finished = true;
	}
	for (size_t i = 0; i < scene->message_count; i++)
		if (scene->messages[i] == message)
			scene->finished[i] = true;
	if (scene->store)
		release(scene);
	else
		arena_reset(message->arena);
}

static void note_tap(void *context, const struct message *message, enum tap_point point, size_t step, const struct payload *payload)
{
	(void)message, (void)step, (void)payload;
	((struct scene *)context)->taps[point]++;
}

static void note_copy(void *context, const struct call *call, const struct mirrored_result *of)
{
	struct scene *scene = context;
	scene->copied[scene->copy_count++] = call->name;
	if (!of || scene->refuses_copies)
		return;
	scene->mirrored = *of;
	*of->copy = scene;
}

static void note_mirrored(void *context, void *copy, const struct payload *reply)
{
	struct scene *scene = context;
	assert_ptr_equal(copy, scene);
	*scene->mirrored.copy = NULL;
	scene->mirrored_number = reply ? tensor_number(reply->tensors.items[0], 0) : (double)NAN;
	scene->mirrored_tensors = reply ? reply->tensors.count : 0;
	scene->mirrored_count++;
}

static void note_unmirrored(void *context, void *copy)
{
	struct scene *scene = context;
	assert_ptr_equal(copy, scene);
	*scene->mirrored.copy = NULL;
	scene->unmirrored_count++;
}

struct policy_board *scene_policies;
const char *scene_learns_as;
struct rollout_board *scene_rollouts;
struct step_counts *const *scene_counts;

void scene_open(struct scene *scene, struct graph *graph, struct arena *arena, bool tapped)
{
	*scene = (struct scene){.arena = arena, .graph = graph};
	struct flow_environment environment = {
		.context = scene,
		.call = note_call,
		.copy = note_copy,
		.mirrored = note_mirrored,
		.unmirrored = note_unmirrored,
		.forget = note_forgotten,
		.outage_ms = note_outage,
		.waited_ms = note_waited,
		.standing = note_standing,
		.answer = note_answer,
		.finished = note_finished,
		.tap = tapped ? note_tap : NULL,
		.policies = scene_policies,
		.learns_as = scene_learns_as,
		.rollouts = scene_rollouts,
		.step_counts = scene_counts,
	};
	struct error error = {0};
	scene->flow = flow_open(graph, &environment, &error);
	assert_string_equal(error.text, "");
	assert_non_null(scene->flow);
}

void scene_keep(struct scene *scene)
{
	struct error error = {0};
	scene->store = store_open(flow_scopes(scene->flow), (size_t)1 << 24);
	assert_non_null(scene->store);
	scene->line = line_open(scene->flow, scene->store, &error);
	assert_non_null(scene->line);
}

void scene_close(struct scene *scene)
{
	flow_close(scene->flow);
	line_close(scene->line);
	store_close(scene->store);
	for (size_t i = 0; i < scene->message_count; i++)
		arena_close(scene->messages[i]->arena);
}

struct message *scene_message(struct scene *scene, const char *id, const char *tensors)
{
	struct message *message = ARENA_NEW(scene->arena, struct message);
	message->arena = arena_open(SCENE_BYTES_MAX);
	message->id = text_of(id);
	message->payload = *payload_made(message->arena, tensors);
	message->line = scene->line;
	scene->messages[scene->message_count++] = message;
	return message;
}

void scene_enter(struct scene *scene, struct message *message)
{
	struct error error = {0};
	assert_true(flow_enter(scene->flow, message, scene->now_ms, &error));
}

void scene_send(struct scene *scene, const char *id, const char *tensors)
{
	scene_enter(scene, scene_message(scene, id, tensors));
}

struct call *scene_call(struct scene *scene, const char *model)
{
	for (size_t i = 0; i < scene->call_count; i++)
		if (scene->calls[i] && strcmp(scene->calls[i]->name, model) == 0)
			return scene->calls[i];
	return NULL;
}

static struct call *take_call(struct scene *scene, const char *model)
{
	struct call *call = scene_call(scene, model);
	assert_non_null(call);
	for (size_t i = 0; i < scene->call_count; i++)
		if (scene->calls[i] == call)
			scene->calls[i] = NULL;
	return call;
}

void scene_reply(struct scene *scene, const char *model, const char *tensors)
{
	struct call *call = take_call(scene, model);
	call->outage_ms = note_outage(scene, call);
	call->reply = payload_made(call->message->arena, tensors);
	flow_answered(scene->flow, call, scene->now_ms);
}

void scene_fail(struct scene *scene, const char *model, enum error_kind kind, const char *text)
{
	struct call *call = take_call(scene, model);
	error_set(&call->error, kind, PLACE_NONE, "%s", text);
	flow_answered(scene->flow, call, scene->now_ms);
}

void scene_advance(struct scene *scene, int64_t now_ms)
{
	scene->now_ms = now_ms;
	flow_advance(scene->flow, now_ms);
}

const struct noted_answer *scene_answer(const struct scene *scene, const char *id)
{
	const struct noted_answer *found = NULL;
	for (size_t i = 0; i < scene->answer_count; i++) {
		if (strcmp(scene->answers[i].id, id) != 0)
			continue;
		assert_null(found);
		found = &scene->answers[i];
	}
	return found;
}
