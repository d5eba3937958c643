/* traffic.c: Step that splits messages among several targets by weights, and sends shadow requests.
 *
 * The target follows from the message's key (or, without one, from its topic position), so a key keeps its target,
 * here and on every engine (compiler/step/assignment.h). A shadow request is sent once. The answer neither waits for its reply
 * nor depends on it. The shares may be those of an experiment, whose candidates are then ways or calls of this step; one of the
 * shadow requests may then be its mirror, whose replies are compared with the answers of the pipeline.
 */
#include <math.h>

#include "steps/kinds.h"

struct traffic_part {
	double weight;
	struct name call;
	struct name to;
	struct name as;
	struct place here;
};

struct traffic_copy {
	struct name call;
	double percent, tolerance;
	bool mirror;
	struct place here, percent_place; /* line 0: `percent` is not given */
};

enum traffic_exposures { TRAFFIC_THIN, TRAFFIC_FULL };

struct traffic {
	struct name experiment;
	int exposures;		 /* enum traffic_exposures */
	struct item_list parts;	 /* struct traffic_part */
	struct item_list copies; /* struct traffic_copy */
};

static const char *part_name(const struct traffic_part *part)
{
	return part->call.text ? part->call.text : part->to.text;
}

static const char *part_variant(const struct traffic_part *part)
{
	return part->as.text ? part->as.text : part_name(part);
}

/* Whose replies are compared with the answers; NULL: none. */
static const struct traffic_copy *traffic_mirror(const struct traffic *self)
{
	const struct traffic_copy *copies = self->copies.items;
	for (size_t i = 0; i < self->copies.count; i++)
		if (copies[i].mirror)
			return &copies[i];
	return NULL;
}

static bool mirror_check(const struct traffic *self, struct error *error)
{
	const struct traffic_copy *copies = self->copies.items, *mirror = traffic_mirror(self);
	if (!mirror)
		return true;
	if (!self->experiment.text)
		return error_set(error, ERROR_CONFIG, mirror->here,
				 "the mirror `%s` is of no experiment; name the experiment of the shares by `experiment`",
				 mirror->call.text);
	for (const struct traffic_copy *each = mirror; each < copies + self->copies.count; each++)
		if (each->mirror && each->percent != floor(each->percent))
			return error_set(error, ERROR_CONFIG, each->percent_place,
					 "`percent` of a mirror is a whole number; write %.0f or %.0f", floor(each->percent),
					 ceil(each->percent));
	for (const struct traffic_copy *other = mirror + 1; other < copies + self->copies.count; other++)
		if (other->mirror)
			return error_set(error, ERROR_CONFIG, other->here,
					 "an experiment has one mirror, and `%s` is it; leave `mirror` out here",
					 mirror->call.text);
	return true;
}

static bool traffic_check(const void *options, struct place place, struct error *error)
{
	const struct traffic *self = options;
	const struct traffic_part *parts = self->parts.items;
	double sum = 0;
	if (self->parts.count > ASSIGNMENT_WAYS_MAX)
		return error_set(error, ERROR_CONFIG, place, "`shares` has %zu entries, and at most %d are allowed",
				 self->parts.count, ASSIGNMENT_WAYS_MAX);
	for (size_t i = 0; i < self->parts.count; i++) {
		if (!parts[i].call.text == !parts[i].to.text)
			return error_set(error, ERROR_CONFIG, parts[i].here,
					 "a share has either `call` (a model or pipeline) or `to` (a later step)");
		for (size_t j = 0; j < i; j++)
			if (strcmp(part_name(&parts[i]), part_name(&parts[j])) == 0)
				return error_set(error, ERROR_CONFIG, parts[i].here, "`%s` has a share already; add the two up",
						 part_name(&parts[i]));
			else if (strcmp(part_variant(&parts[i]), part_variant(&parts[j])) == 0)
				return error_set(error, ERROR_CONFIG, parts[i].here,
						 "`%s` is the name of two choices; give one another name by `as`",
						 part_variant(&parts[i]));
		sum += parts[i].weight;
	}
	return mirror_check(self, error) &&
	       (sum > 0 || error_set(error, ERROR_CONFIG, place, "every weight is 0, so no entry could ever be chosen"));
}

static bool traffic_shares(const struct step *step, size_t nth, struct share *share)
{
	const struct traffic *self = step->options;
	const struct traffic_part *parts = self->parts.items;
	if (nth >= self->parts.count)
		return false;
	*share = (struct share){part_name(&parts[nth]), parts[nth].weight};
	return true;
}

static bool traffic_split(const void *options, struct step_split *split)
{
	const struct traffic *self = options;
	const struct traffic_part *parts = self->parts.items;
	if (!self->experiment.text || self->parts.count > ASSIGNMENT_WAYS_MAX)
		return false;
	const struct traffic_copy *mirror = traffic_mirror(self);
	*split = (struct step_split){.name = self->experiment.text, .exposes = self->exposures == TRAFFIC_FULL};
	if (mirror) {
		split->mirror = mirror->call.text;
		split->mirror_percent = (int64_t)mirror->percent;
		split->mirror_percent_place = mirror->percent_place;
		split->mirror_tolerance = mirror->tolerance;
	}
	for (size_t i = 0; i < self->parts.count; i++)
		split->variants[i] = part_variant(&parts[i]);
	return true;
}

static bool traffic_call_targets(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	const struct traffic *self = step->options;
	const struct traffic_part *parts = self->parts.items;
	*target = CALL_ANY;
	for (size_t i = 0; i < self->parts.count; i++) {
		*name = parts[i].call.text;
		if (*name && nth-- == 0)
			return true;
	}
	return false;
}

static bool traffic_shadows(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	const struct traffic *self = step->options;
	const struct traffic_copy *copies = self->copies.items;
	if (nth >= self->copies.count)
		return false;
	*target = CALL_ANY;
	*name = copies[nth].call.text;
	return true;
}

static bool traffic_step_targets(const struct step *step, size_t nth, struct name *target)
{
	const struct traffic *self = step->options;
	const struct traffic_part *parts = self->parts.items;
	for (size_t i = 0; i < self->parts.count; i++) {
		*target = parts[i].to;
		if (target->text && nth-- == 0)
			return true;
	}
	return false;
}

/* Where no way is a call, what came in leaves. */
static bool traffic_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			  struct error *error)
{
	const struct traffic *self = step->options;
	const struct traffic_part *parts = self->parts.items;
	(void)arena, (void)error;
	*out = *in;
	for (size_t i = 0; i < self->parts.count; i++)
		if (parts[i].call.text)
			*out = (struct tensor_types){0};
	return true;
}

static enum step_verdict traffic_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct traffic *self = step->options;
	const struct traffic_part *parts = self->parts.items;
	const struct traffic_copy *copies = self->copies.items;
	for (size_t i = 0; i < self->copies.count; i++)
		if (!copies[i].mirror && visit_is_drawn(visit, copies[i].call.text, copies[i].percent))
			visit_copy(visit, CALL_ANY, copies[i].call.text, visit_input(visit));
	size_t way;
	if (!visit_way(visit, &way, error))
		return STEP_FAIL;
	const struct traffic_part *part = &parts[way];
	if (part->call.text)
		return visit_call(visit, CALL_ANY, part->call.text, visit_input(visit), error) ? STEP_WAIT : STEP_FAIL;
	visit_pass(visit);
	visit_only_to(visit, part->to.text);
	return STEP_DONE;
}

static enum step_verdict traffic_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	(void)step;
	if (call->error.kind != ERROR_NONE) {
		*error = call->error;
		return STEP_FAIL;
	}
	visit_emit(visit, call->reply);
	return STEP_DONE;
}

static const struct option part_rows[] = {
	ROW("weight", NUMBER, struct traffic_part, weight, .least = 0, .most = 1e9, .required = true,
	    .help = "Its share, relative to the others."),
	ROW("call", NAME, struct traffic_part, call, .help = "Model or pipeline to call; its answer is the step's output."),
	ROW("to", NAME, struct traffic_part, to,
	    .help = "A later step that lists this one in its inputs; only that step receives the message."),
	ROW("as", NAME, struct traffic_part, as,
	    .help = "Its name among the choices of the experiment. Default: that of `call` or `to`."),
	{.type = OPTION_HERE, .offset = offsetof(struct traffic_part, here)},
	{0},
};

static const struct option copy_rows[] = {
	ROW("call", NAME, struct traffic_copy, call, .required = true, .help = "Model or pipeline that receives the copy."),
	ROW("percent", NUMBER, struct traffic_copy, percent, .place_offset = offsetof(struct traffic_copy, percent_place),
	    .least = 0, .most = 100, .fallback = "100",
	    .help = "The percentage of keys whose messages are copied: all messages of a key, or none, as a step with state needs "
		    "it. Of messages without a key, the percentage of messages."),
	ROW("mirror", FLAG, struct traffic_copy, mirror,
	    .help = "Its replies are compared with the answers of the pipeline, as those of the mirror of `experiment`: metrics "
		    "count them, alerts can use them, and the shadow topic has them for `sluice experiments analyze`."),
	ROW("tolerance", NUMBER, struct traffic_copy, tolerance, .least = 0.000000000001, .most = 1, .fallback = "0.001",
	    .help = "The largest difference at which a number of a mirror's reply agrees with the answer's. It is relative to the "
		    "answer's number if that is larger than 1."),
	{.type = OPTION_HERE, .offset = offsetof(struct traffic_copy, here)},
	{0},
};

static const struct option rows[] = {
	ROW("shares", LIST, struct traffic, parts, .rows = part_rows, .item_size = sizeof(struct traffic_part), .least = 1,
	    .required = true, .help = "The targets and their weights; a key always has the same target."),
	ROW("experiment", NAME, struct traffic, experiment,
	    .help = "The name of the experiment that these shares are: each choice is then an assignment in the answer, a "
		    "request's `x-seldon-route` may choose, and `sluice experiments` shows them."),
	ROW("exposures", CHOICE, struct traffic, exposures, .choices = "thin full", .fallback = "thin",
	    .help = "`full` writes each assignment to the pipeline's exposures topic, which `sluice experiments analyze` reads."),
	ROW("copies", LIST, struct traffic, copies, .rows = copy_rows, .item_size = sizeof(struct traffic_copy),
	    .help = "Receivers of copies; the answer does not wait for them. Their replies are dropped, but those of a `mirror`."),
	{0},
};

static const struct call_rules call_rules = {
	.targets = traffic_call_targets,
	.shadows = traffic_shadows,
	.answered = traffic_answered,
};

static const struct route_rules route_rules = {
	.targets = traffic_step_targets,
	.shares = traffic_shares,
	.split = traffic_split,
};

const struct step_kind step_traffic = {
	.name = "traffic",
	.summary = "Distributes messages among several targets by weights; a key always has the same target.",
	.example = "- name: canary\n"
		   "  traffic:\n"
		   "    shares: [{weight: 90, call: stable}, {weight: 10, call: newer}]\n"
		   "    copies: [{call: newest, percent: 100}]\n",
	.options = rows,
	.options_size = sizeof(struct traffic),
	.shape = SHAPE_REPLACES,
	.calls = &call_rules,
	.routes = &route_rules,
	.check = traffic_check,
	.infer = traffic_infer,
	.run = traffic_run,
};
