/* policy_draw.c: see policy_draw.h. */
#include "flow/policy_draw.h"

#include <math.h>

#include "base/hash.h"
#include "base/number/number.h"
#include "observe/policy_board.h"

/* ---- context ---- */

static bool tensor_feature(struct tensors tensors, struct text name, double *value)
{
	const struct tensor *tensor = tensors_find(tensors, name);
	if (!tensor || tensor->count == 0 || tensor->datatype == DATATYPE_BYTES)
		return false;
	*value = tensor_number(tensor, 0);
	return true;
}

static double feature_find(const struct message *message, const struct payload *request, struct text name)
{
	double value = NAN;
	if (tensor_feature(request->tensors, name, &value) || tensor_feature(message->payload.tensors, name, &value))
		return value;
	const struct header *header = headers_find(message->headers, name);
	if (header)
		return number_read_double(header->value, &value) ? value : NAN;
	return text_is(name, CONTEXT_TIME_OF_DAY) ? context_hour(message->time_ms) : NAN;
}

/* The feature as a text, where it is no number; it may be longer than a class is. */
static struct text feature_text(const struct message *message, const struct payload *request, struct text name)
{
	const struct tensor *tensor = tensors_find(request->tensors, name);
	const struct header *header;
	tensor = tensor ? tensor : tensors_find(message->payload.tensors, name);
	if (tensor)
		return tensor->count > 0 && tensor->datatype == DATATYPE_BYTES ? *(const struct text *)tensor->data
									       : (struct text){0};
	header = headers_find(message->headers, name);
	return header ? header->value : (struct text){0};
}

bool policy_context_find(struct policy_context *context, const struct visit *visit, const struct graph_experiment *experiment,
			 const struct payload *request)
{
	const struct context_form *form = &experiment->context;
	if (form->count == 0)
		return true;
	struct exposure_feature *known = ARENA_ARRAY(visit->arena, struct exposure_feature, form->count);
	struct exposure_text *texts = ARENA_ARRAY(visit->arena, struct exposure_text, form->count);
	if (!known || !texts)
		return false;
	for (size_t i = 0; i < form->count; i++) {
		const double value = feature_find(visit->message, request, form->names[i]);
		const bool usable = fabs(value) <= BANDIT_REWARD_MOST;
		context->features[i] = usable ? value : NAN;
		struct text text = {0};
		if (usable)
			known[context->known_count++] = (struct exposure_feature){form->names[i], value};
		else
			text = feature_text(visit->message, request, form->names[i]);
		if (text.length > 0 && text.length <= CONTEXT_TEXT_BYTES_MAX) {
			context->features[i] = context_text(text);
			texts[context->text_count++] = (struct exposure_text){form->names[i], text};
		}
	}
	context->known = known;
	context->texts = texts;
	return true;
}

/* ---- draw ---- */

static struct policy_choice unit_draw(const struct policy_in_force *force, const struct message *message,
				      const struct policy_context *context, struct text unit)
{
	const int64_t origin[] = {hash_key(message->origin.topic), message->origin.partition, message->origin.offset};
	double x[CONTEXT_LENGTH_MAX];
	if (force->form.count > 0)
		context_vector(&force->form, force->scales, context->features, x);
	if (unit.length == 0)
		unit = (struct text){(const char *)origin, sizeof origin};
	return policy_choose(force->policy, unit, force->form.count > 0 ? x : NULL);
}

/* The candidate of an arm, by its name: a reload may have put the candidates in another order. `count`: there is none. */
static size_t candidate_of(const struct graph_experiment *experiment, struct text arm, size_t place)
{
	if (text_is(arm, experiment->shares[place].name))
		return place;
	size_t i = 0;
	while (i < experiment->count && !text_is(arm, experiment->shares[i].name))
		i++;
	return i;
}

bool policy_draw(const struct visit *visit, const struct graph_experiment *experiment, const struct policy_context *context,
		 struct text unit, struct policy_draw *draw)
{
	assert(experiment->number < visit->flow->graph->experiment_count);
	struct policy_entry *entry = visit->flow->policies ? visit->flow->policies[experiment->number] : NULL;
	if (!entry)
		return false;
	const struct policy_in_force *force = policy_entry_hold(entry);
	bool fits = force && force->form.hash == experiment->context.hash && force->policy->arms == experiment->count;
	if (fits) {
		*draw = (struct policy_draw){unit_draw(force, visit->message, context, unit), force->policy->version};
		draw->choice.arm = candidate_of(experiment, force->arms[draw->choice.arm], draw->choice.arm);
		fits = draw->choice.arm < experiment->count;
	}
	policy_entry_release(entry);
	return fits;
}
