/* combine.c: Step that makes one tensor from the tensors of several members.
 *
 * Members are the step's sources, in the order of its `inputs`. Each gives its tensor named `tensor`, or without that
 * option its first. Their shapes must agree. Only `first` passes a whole member on: the first of the list that has
 * come. Without `need` all must come. With `need` the step continues with those present when the others are known not
 * to come, or when `within` has passed.
 */
#include <assert.h>
#include <float.h>
#include <math.h>

#include "base/number/duration.h"
#include "message/provenance.h"
#include "steps/kinds.h"

#define MEMBERS_MAX 64 /* an ensemble of more is one model of its own */

enum manner { BY_AVERAGE, BY_VOTE, BY_MIN, BY_MAX, BY_CONCAT, BY_STACK, BY_EXPRESSION, BY_FIRST };

struct weight {
	struct name member;
	double value;
};

struct combine {
	const char *tensor;
	const char *as;
	int by;
	struct item_list weights; /* struct weight */
	int64_t need;
	int64_t within_ns;
	const struct expression *value;
};

struct members {
	size_t count;
	struct text name; /* of the result */
	const struct tensor *tensors[MEMBERS_MAX];
	double weights[MEMBERS_MAX];
};

static bool combine_check(const void *options, struct place place, struct error *error)
{
	const struct combine *self = options;
	if ((self->by == BY_EXPRESSION) != (self->value != NULL))
		return error_set(error, ERROR_CONFIG, place, "`value` and `by: expression` belong together: %s",
				 self->value ? "write `by: expression`" : "write `value`, an expression over `members`");
	if (self->weights.count > 0 && self->by != BY_AVERAGE && self->by != BY_VOTE)
		return error_set(error, ERROR_CONFIG, place,
				 "`weights` have an effect only in an average or a vote: leave them out, or write `by: average`");
	if (self->as && self->by == BY_FIRST)
		return error_set(error, ERROR_CONFIG, place,
				 "`by: first` passes one member on unchanged, so `as` has no result to name; leave it out");
	if (self->within_ns > 0 && self->need == 0)
		return error_set(error, ERROR_CONFIG, place,
				 "`within` needs `need`: the number of members that are enough when it has passed");
	return true;
}

static void combine_describe(const struct step *step, struct step_facts *facts)
{
	const struct combine *self = step->options;
	facts->member_tensor = self->by == BY_FIRST ? NULL : self->tensor;
	facts->quorum.need = self->need > 0 ? (size_t)self->need : 0;
	facts->quorum.within_ms = (self->within_ns + NS_PER_MS - 1) / NS_PER_MS;
}

static bool combine_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			  struct error *error)
{
	const struct combine *self = step->options;
	struct tensor_type *only = ARENA_NEW(arena, struct tensor_type);
	(void)in;
	if (!only)
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	if (self->by == BY_FIRST || (!self->as && !self->tensor))
		return true;
	only->name = text_of(self->as ? self->as : self->tensor);
	only->type.class = self->by == BY_AVERAGE ? VALUE_FLOAT : VALUE_UNKNOWN;
	*out = (struct tensor_types){.complete = true, .count = 1, .items = only};
	return true;
}

static bool combine_members(const struct step *step, size_t nth, struct name *member)
{
	const struct combine *self = step->options;
	const struct weight *weights = self->weights.items;
	if (nth >= self->weights.count)
		return false;
	*member = weights[nth].member;
	return true;
}

static double weight_of(const struct combine *self, const char *member)
{
	const struct weight *weights = self->weights.items;
	for (size_t i = 0; i < self->weights.count; i++)
		if (strcmp(weights[i].member.text, member) == 0)
			return weights[i].value;
	return 1;
}

static bool combine_sources_check(const struct step *step, const struct step_sources *sources, struct error *error)
{
	const struct combine *self = step->options;
	const struct weight *weights = self->weights.items;
	bool weighs = self->weights.count == 0;
	if (self->by == BY_FIRST)
		return true;
	if (sources->count > MEMBERS_MAX)
		return error_set(error, ERROR_CONFIG, sources->items[MEMBERS_MAX].place,
				 "%zu members are combined, and at most %d are allowed; combine some of them in a step of "
				 "their own",
				 sources->count, MEMBERS_MAX);
	if (self->need == 0 && sources->one_at_a_time)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "all members are combined, but with `inputsJoinType: any` only one is waited for; leave that "
				 "out, or write how many are enough: `need`");
	for (size_t i = 0; i < sources->count; i++)
		weighs |= weight_of(self, sources->items[i].text) > 0;
	return weighs || error_set(error, ERROR_CONFIG, weights[0].member.place,
				   "every member has the weight 0, so nothing is left to combine; give one of them a weight");
}

static const struct tensor *member_tensor(const struct combine *self, const struct payload *payload)
{
	if (self->tensor)
		return tensors_find(payload->tensors, text_of(self->tensor));
	return payload->tensors.count ? payload->tensors.items[0] : NULL;
}

static bool members_find(const struct step *step, struct visit *visit, struct members *members, struct error *error)
{
	const struct combine *self = step->options;
	const char *name;
	const struct payload *payload;
	size_t sources = 0;
	members->count = 0;
	for (; visit_source(visit, sources, &name, &payload); sources++) {
		const struct tensor *tensor = payload ? member_tensor(self, payload) : NULL;
		if (!tensor)
			continue;
		assert(members->count < MEMBERS_MAX); /* combine_sources_check() refuses more sources */
		members->weights[members->count] = weight_of(self, name);
		members->tensors[members->count++] = tensor;
	}
	size_t need = self->need > 0 ? (size_t)self->need : sources;
	if (members->count >= need && members->count > 0) {
		members->name = self->as ? text_of(self->as) : members->tensors[0]->name;
		return true;
	}
	for (size_t i = 0; self->tensor && visit_source(visit, i, &name, &payload); i++)
		if (payload && !member_tensor(self, payload) &&
		    reply_lacks(payload, text_of(self->tensor), step->place, "`combine`", error))
			return false;
	return error_set(error, ERROR_INPUT, step->place, "step `%s` needs the tensor `%s` of %zu members, and %zu gave it",
			 step->name, self->tensor ? self->tensor : "(the first)", need, members->count);
}

/* Of two members that do not go together: the one with texts, where the other has numbers. */
static const struct tensor *text_member(const struct tensor *first, const struct tensor *other)
{
	bool is_first = first->datatype == DATATYPE_BYTES, is_other = other->datatype == DATATYPE_BYTES;
	return is_first == is_other ? NULL : is_first ? first : other;
}

static bool shapes_agree(const struct step *step, const struct members *members, struct arena *arena, struct error *error)
{
	const struct tensor *first = members->tensors[0];
	for (size_t i = 1; i < members->count; i++) {
		const struct tensor *other = members->tensors[i];
		bool bytes = (first->datatype == DATATYPE_BYTES) != (other->datatype == DATATYPE_BYTES);
		if (bytes || other->rank != first->rank ||
		    memcmp(other->shape, first->shape, first->rank * sizeof *first->shape) != 0)
			return error_set_tensor(error, step->place, "step `%s` cannot combine %s with %s: the shapes differ",
					 step->name, tensor_type_text(arena, first), tensor_type_text(arena, other)) ||
			       reply_blamed(error, text_member(first, other));
	}
	return true;
}

static bool datatypes_agree(const struct members *members)
{
	for (size_t i = 1; i < members->count; i++)
		if (members->tensors[i]->datatype != members->tensors[0]->datatype)
			return false;
	return true;
}

static bool all_single(const struct members *members)
{
	for (size_t i = 0; i < members->count; i++)
		if (datatype_rows[members->tensors[i]->datatype].class != CLASS_FLOAT ||
		    members->tensors[i]->datatype == DATATYPE_FP64)
			return false;
	return true;
}

/* ---- element by element ---- */

/* For one vote: 0 and -0 are one number, and members that say nan agree. */
static bool elements_equal(const struct tensor *a, const struct tensor *b, size_t index)
{
	if (a->datatype == DATATYPE_BYTES)
		return text_equal(((const struct text *)a->data)[index], ((const struct text *)b->data)[index]);
	if (a->datatype == b->datatype && datatype_rows[a->datatype].class != CLASS_FLOAT) {
		size_t size = datatype_stride(a->datatype);
		return memcmp((const char *)a->data + index * size, (const char *)b->data + index * size, size) == 0;
	}
	double one = tensor_number(a, index), other = tensor_number(b, index);
	return one == other || (isnan(one) && isnan(other));
}

static void element_copy(void *to, const struct tensor *from, size_t index)
{
	size_t size = datatype_stride(from->datatype);
	memcpy((char *)to + index * size, (const char *)from->data + index * size, size);
}

static size_t most_voted(const struct members *members, size_t index)
{
	size_t winner = 0;
	double most = -INFINITY;
	for (size_t i = 0; i < members->count; i++) {
		double votes = 0;
		for (size_t j = 0; j < members->count; j++)
			if (j == i || elements_equal(members->tensors[i], members->tensors[j], index))
				votes += members->weights[j];
		if (votes > most) {
			most = votes;
			winner = i;
		}
	}
	return winner;
}

/* Integers of one datatype are compared as integers: beyond 2^53 doubles are too coarse. */
static bool element_less(const struct tensor *a, const struct tensor *b, size_t index)
{
	if (a->datatype == DATATYPE_INT64 && b->datatype == DATATYPE_INT64)
		return ((const int64_t *)a->data)[index] < ((const int64_t *)b->data)[index];
	if (a->datatype == DATATYPE_UINT64 && b->datatype == DATATYPE_UINT64)
		return ((const uint64_t *)a->data)[index] < ((const uint64_t *)b->data)[index];
	return tensor_number(a, index) < tensor_number(b, index);
}

/* nan spreads, as in every reduction. */
static size_t extreme(const struct members *members, size_t index, bool largest)
{
	size_t best = 0;
	for (size_t i = 0; i < members->count; i++) {
		const struct tensor *tensor = members->tensors[i];
		if (isnan(tensor_number(tensor, index)))
			return i;
		if (largest ? element_less(members->tensors[best], tensor, index)
			    : element_less(tensor, members->tensors[best], index))
			best = i;
	}
	return best;
}

static bool any_weighs(const struct members *members)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->weights[i] > 0)
			return true;
	return false;
}

/* A member of weight 0 does not count, nan or not. */
static double average(const struct members *members, size_t index)
{
	double sum = 0, weights = 0;
	for (size_t i = 0; i < members->count; i++) {
		if (members->weights[i] == 0)
			continue;
		sum += members->weights[i] * tensor_number(members->tensors[i], index);
		weights += members->weights[i];
	}
	return sum / weights;
}

static const struct tensor *each_element(const struct step *step, const struct members *members, struct arena *arena,
					 struct error *error)
{
	const struct combine *self = step->options;
	const struct tensor *first = members->tensors[0];
	if (!shapes_agree(step, members, arena, error))
		return NULL;
	if (first->datatype == DATATYPE_BYTES && self->by != BY_VOTE) {
		error_set_tensor(error, step->place, "step `%s` cannot compute with BYTES; combine texts by vote, concat or stack",
				 step->name);
		return error_null(reply_blamed(error, first));
	}
	if (!any_weighs(members))
		return error_null(error_set(error, ERROR_INPUT, step->place,
					    "step `%s` has only members of weight 0 to combine; give one of them a weight, or "
					    "`need` more of them", step->name));
	enum datatype datatype = first->datatype;
	if (self->by == BY_AVERAGE || !datatypes_agree(members))
		datatype = all_single(members) ? DATATYPE_FP32 : DATATYPE_FP64;
	void *elements;
	struct tensor *made = tensor_make(arena, members->name, datatype, first->shape, first->rank, &elements, error);
	if (!made)
		return NULL;
	made->parameters = first->parameters; /* names of columns, for one: the shape is the same */
	for (size_t i = 0; i < made->count; i++) {
		if (self->by == BY_AVERAGE) {
			(void)tensor_store(elements, datatype, i, average(members, i));
			continue;
		}
		size_t chosen = self->by == BY_VOTE ? most_voted(members, i) : extreme(members, i, self->by == BY_MAX);
		if (members->tensors[chosen]->datatype == datatype)
			element_copy(elements, members->tensors[chosen], i);
		else
			(void)tensor_store(elements, datatype, i, tensor_number(members->tensors[chosen], i));
	}
	return made;
}

/* ---- one behind the other ---- */

static const struct tensor *laid_out(const struct step *step, const struct members *members, bool stack, struct arena *arena,
				     struct error *error)
{
	const struct tensor *first = members->tensors[0];
	int64_t shape[TENSOR_RANK_MAX + 1] = {0};
	size_t skip = stack ? 0 : 1; /* dimensions that may differ */
	int64_t along = 0;
	for (size_t i = 0; i < members->count; i++) {
		const struct tensor *other = members->tensors[i];
		if (other->datatype != first->datatype || other->rank != first->rank || other->rank < skip ||
		    memcmp(other->shape + skip, first->shape + skip, (first->rank - skip) * sizeof *shape) != 0) {
			error_set_tensor(error, step->place, "step `%s` cannot append %s to %s", step->name,
					 tensor_type_text(arena, other), tensor_type_text(arena, first));
			return error_null(reply_blamed(error, text_member(first, other)));
		}
		along += stack ? 1 : other->shape[0];
	}
	shape[0] = along;
	memcpy(shape + 1, first->shape + skip, (first->rank - skip) * sizeof *shape);
	void *elements;
	struct tensor *made = tensor_make(arena, members->name, first->datatype, shape, first->rank + 1 - skip, &elements, error);
	char *to = elements;
	for (size_t i = 0; made && i < members->count; i++) {
		memcpy(to, members->tensors[i]->data, tensor_size_bytes(members->tensors[i]));
		to += tensor_size_bytes(members->tensors[i]);
	}
	return made;
}

static const struct tensor *computed(const struct step *step, const struct members *members, struct visit *visit,
				     struct error *error)
{
	const struct combine *self = step->options;
	struct arena *arena = visit_arena(visit);
	const struct tensor *stacked = laid_out(step, members, true, arena, error);
	if (!stacked)
		return NULL;
	stacked = tensor_renamed(arena, stacked, TEXT("members"));
	struct tensors made = {1, &stacked};
	struct scope scope = visit_scope(visit, &made);
	return expression_evaluate_as(self->value, members->name, &scope, arena, error);
}

/* Sources stand in the order of the list. */
static enum step_verdict pass_first(const struct step *step, struct visit *visit, struct error *error)
{
	const char *name;
	const struct payload *payload = NULL;
	for (size_t i = 0; !payload && visit_source(visit, i, &name, &payload);)
		i++;
	if (!payload) {
		error_set(error, ERROR_INPUT, step->place, "step `%s` has nothing to pass on: no member arrived", step->name);
		return STEP_FAIL;
	}
	visit_emit(visit, payload);
	return STEP_DONE;
}

static enum step_verdict combine_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct combine *self = step->options;
	if (self->by == BY_FIRST)
		return pass_first(step, visit, error);
	struct arena *arena = visit_arena(visit);
	struct members members;
	if (!members_find(step, visit, &members, error))
		return STEP_FAIL;
	const struct tensor *tensor;
	if (self->by == BY_EXPRESSION)
		tensor = computed(step, &members, visit, error);
	else if (self->by == BY_CONCAT || self->by == BY_STACK)
		tensor = laid_out(step, &members, self->by == BY_STACK, arena, error);
	else
		tensor = each_element(step, &members, arena, error);
	struct payload *payload = ARENA_NEW(arena, struct payload);
	if (!tensor || !payload) {
		error_memory(error, ERROR_LIMIT, "combining tensors"); /* unless it failed before, and said why */
		return STEP_FAIL;
	}
	struct tensors_builder only;
	tensors_begin(&only, arena, 1);
	tensors_add(&only, tensor);
	payload->tensors = tensors_end(&only);
	payload->marks = visit_input(visit)->marks;
	payload->parameters = visit_input(visit)->parameters;
	visit_emit(visit, payload);
	return STEP_DONE;
}

static const struct option weight_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct weight, member), .help = "The step that gives the tensor."},
	ROW("value", NUMBER, struct weight, value, .least = 0, .most = DBL_MAX, .required = true, .short_form = true,
	    .help = "Its weight."),
	{0},
};

static const struct option rows[] = {
	ROW("tensor", TEXT, struct combine, tensor, .help = "The tensor that each member gives; default: the first of each."),
	ROW("as", TEXT, struct combine, as, .help = "The name of the result; default: that of the first member's tensor."),
	ROW("by", CHOICE, struct combine, by, .choices = "average vote min max concat stack expression first",
	    .fallback = "average",
	    .help = "The method: `concat` along dimension 0, `stack` along a new one, `expression` as given in `value`, `first` "
		    "passes on the first member of the list that arrived."),
	ROW("weights", TABLE, struct combine, weights, .rows = weight_rows, .item_size = sizeof(struct weight),
	    .help = "The weight of each member in an average or a vote; default 1."),
	ROW("need", INTEGER, struct combine, need, .least = 1, .most = MEMBERS_MAX,
	    .help = "How many members are enough; default: all."),
	ROW("within", DURATION, struct combine, within_ns,
	    .help = "How long to wait, after the first member, for more than `need`; default: the join's window."),
	ROW("value", EXPRESSION, struct combine, value,
	    .help = "With `by: expression`: an expression over `members`, the stacked tensors of all members."),
	{0},
};

static const char *const own_names[] = {"members", NULL};

static const struct merge_rules rules = {
	.own_names = own_names,
	.members = combine_members,
	.check = combine_sources_check,
};

const struct step_kind step_combine = {
	.name = "combine",
	.summary = "Combines tensors of several steps into one.",
	.example = "- name: ensemble\n"
		   "  inputs: [one, other]\n"
		   "  combine: {tensor: predict, by: average, weights: {one: 2, other: 1}, need: 1, within: 50ms}\n",
	.options = rows,
	.options_size = sizeof(struct combine),
	.shape = SHAPE_REPLACES,
	.merges = &rules,
	.describe = combine_describe,
	.check = combine_check,
	.infer = combine_infer,
	.run = combine_run,
};
