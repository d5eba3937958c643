/* recomputation.c: see recomputation.h. */
#include "tools/client/data/recomputation.h"

#include <math.h>

#include "base/hash.h"
#include "base/memory.h"
#include "flow/flow.h"
#include "models/files.h"

struct recomputation {
	const struct pipeline_plan *plan;
	struct answer_facts facts;
	bool compares;	     /* the contents of answers are wanted, and nothing but the request decides them */
	struct files *files;
	struct flow *flow; /* NULL: nothing is computed */
	const struct format *format; /* of answers; NULL: that of the request */
	bool is_answered; /* the message that is inside */
	struct recomputed made;
};

/* ---- what follows from the steps ---- */

/* Whether the step may drop a message, or make several of it, or one of several. One that gets or gives nothing for another reason
 * does not end a request: the answer is then an error, which says why (flow/answer.c). */
static bool step_may_end(const struct step *step, const struct step_facts *facts)
{
	return facts->makes_offspring || facts->collects.text || step->kind->shape == SHAPE_PASSES || step->kind->state ||
	       (step->kind->routes && step->kind->routes->targets);
}

/* What comes after a call in the order of the graph counts as behind it, also where it does not read the reply. */
struct answer_facts answer_facts_find(const struct graph *graph)
{
	struct answer_facts facts = {.same_again = true};
	bool is_late = graph->cyclic;
	for (size_t i = 0; i < graph->count; i++) {
		const struct graph_step *graph_step = &graph->steps[graph->order[i]];
		const struct step step = {.kind = graph_step->spec->kind, .options = graph_step->spec->options};
		const struct step_facts own = step_facts(&step);
		if (!graph_step->answers)
			continue;
		const bool decides = !step.kind->calls && !step_is_stateful(&step) && !graph_step->experiment && !graph_step->split;
		const bool may_end = step_may_end(&step, &own);
		is_late |= !decides;
		facts.may_end |= may_end;
		facts.ends_late |= may_end && is_late;
		facts.same_again &= decides && !step.kind->monitors;
		facts.has_state |= step_is_stateful(&step);
	}
	facts.multiplies = graph->offspring && graph->offspring->of[graph->count] != STEP_NONE;
	return facts;
}

/* ---- contents ---- */

static uint64_t tensors_hash(struct tensors tensors)
{
	uint64_t hash = tensors.count;
	for (size_t i = 0; i < tensors.count; i++) {
		const struct tensor *tensor = tensors.items[i];
		const struct text *texts = tensor->data;
		hash = hash_text_next(tensor->name, hash + (uint64_t)tensor->datatype);
		hash = hash_bytes(tensor->shape, tensor->rank * sizeof *tensor->shape, hash);
		if (tensor->datatype != DATATYPE_BYTES)
			hash = hash_bytes(tensor->data, tensor->count * datatype_stride(tensor->datatype), hash);
		for (size_t j = 0; tensor->datatype == DATATYPE_BYTES && j < tensor->count; j++)
			hash = hash_text_next(texts[j], hash);
	}
	return hash > AUDIT_CONTENT_ERROR ? hash : AUDIT_CONTENT_ERROR + 1;
}

uint64_t answer_content(const struct decoded_answer *answer)
{
	if (answer->failed)
		return AUDIT_CONTENT_ERROR;
	return answer->readable ? tensors_hash(answer->payload.tensors) : hash_text(answer->words, 0);
}

static bool tensor_is_finite(const struct tensor *tensor)
{
	const float *singles = tensor->data;
	const double *doubles = tensor->data;
	for (size_t i = 0; i < tensor->count; i++)
		if (!isfinite(tensor->datatype == DATATYPE_FP32 ? (double)singles[i] : doubles[i]))
			return false;
	return true;
}

/* Not known where a reader may get other tensors than were written: texts, numbers that JSON does not have, and formats that drop
 * names or types. */
static uint64_t content_of(const struct recomputation *self, const struct message *message, const struct answer *answer)
{
	const struct format *format = self->format ? self->format : message->format;
	if (answer->error)
		return AUDIT_CONTENT_ERROR;
	const struct tensors tensors = answer->payload->tensors;
	bool is_kept = format == &format_oip_json || format == &format_oip_protobuf || format == &format_avro;
	for (size_t i = 0; is_kept && i < tensors.count; i++) {
		const struct tensor *tensor = tensors.items[i];
		const bool is_float = tensor->datatype == DATATYPE_FP32 || tensor->datatype == DATATYPE_FP64;
		is_kept = is_float ? tensor_is_finite(tensor) : datatype_rows[tensor->datatype].class < CLASS_FLOAT;
	}
	return is_kept ? tensors_hash(tensors) : AUDIT_CONTENT_NONE;
}

/* ---- the flow ---- */

static void recomputation_on_call(void *context, struct call *call)
{
	(void)context, (void)call;
}

static void recomputation_on_answer(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct recomputation *self = context;
	struct recomputed *made = &self->made;
	if (self->is_answered)
		return;
	self->is_answered = true;
	*made = (struct recomputed){.needs = outcome == FLOW_ANSWER};
	if (outcome == FLOW_ANSWER && self->compares)
		made->expected = content_of(self, message, answer);
	for (const struct offspring *one = message->offspring; outcome == FLOW_PARTED && one; one = one->next)
		made->needs += one->outcome == FLOW_ANSWER;
}

static bool flow_is_opened(struct recomputation *self, struct error *error)
{
	const struct flow_environment environment = {.context = self,
						     .call = recomputation_on_call,
						     .forget = recomputation_on_call,
						     .answer = recomputation_on_answer,
						     .finished = recomputation_on_answer,
						     .files = files_source(self->files)};
	self->flow = flow_open(self->plan->graph, &environment, error);
	return self->flow;
}

struct recomputation *recomputation_open(const struct pipeline_plan *plan, const struct answer_facts *facts, enum recompute what,
					 struct error *error)
{
	struct recomputation *self = memory_take(1, sizeof *self);
	if (!self)
		return error_null(error_memory(error, ERROR_SYSTEM, "computing answers"));
	const char *format = plan->graph->spec->output.format;
	*self = (struct recomputation){.plan = plan,
				       .facts = *facts,
				       .compares = what == RECOMPUTE_ANSWERS && facts->same_again,
				       .format = format ? format_named(text_of(format)) : NULL};
	self->files = files_open(error);
	const bool is_run = what != RECOMPUTE_NONE && !facts->has_state && (facts->may_end || self->compares);
	if (self->files && (!is_run || flow_is_opened(self, error)))
		return self;
	recomputation_close(self);
	return NULL;
}

void recomputation_close(struct recomputation *self)
{
	if (!self)
		return;
	flow_close(self->flow);
	files_close(self->files);
	memory_give(self);
}

bool recomputation_is_run(const struct recomputation *self)
{
	return self->flow;
}

struct recomputed recomputation_run(struct recomputation *self, struct message *message, bool unread)
{
	const uint32_t needs = self->facts.multiplies ? AUDIT_NEEDS_ANY : 1;
	struct error error = {0};
	if (!self->flow)
		return (struct recomputed){.needs = needs, .may_end = self->facts.may_end};
	if (unread)
		return (struct recomputed){.needs = 1, .expected = AUDIT_CONTENT_ERROR};
	self->is_answered = false;
	if (!flow_enter(self->flow, message, 0, &error))
		return (struct recomputed){.needs = needs, .may_end = self->facts.may_end};
	flow_abandon(self->flow, message);
	return self->is_answered ? self->made : (struct recomputed){.needs = needs, .may_end = self->facts.ends_late};
}
