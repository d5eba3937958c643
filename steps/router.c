/* router.c: Step that lets a model choose the branch of a message.
 *
 * The first element of the answer is the number of the branch, from 0. As in the graphs of Seldon Core v1, -1 is all
 * of them and -2 is none: then the message goes to `none`.
 */
#include "compiler/step/call_form.h"
#include "steps/kinds.h"

#define ALL_WAYS (-1)
#define NO_WAY (-2)

struct router {
	struct name model;
	struct name storage_uri;
	const char *server;
	struct name_list requirements;
	struct call_form form;
	struct name_list ways;
	struct name none;
};

static const char *router_model(const struct step *step)
{
	const struct router *self = step->options;
	return self->model.text ? self->model.text : step->name;
}

static bool router_call_targets(const struct step *step, size_t nth, enum call_target *target, const char **name)
{
	*target = CALL_MODEL;
	*name = router_model(step);
	return nth == 0;
}

static void router_describe(const struct step *step, struct step_facts *facts)
{
	facts->storage = ((const struct router *)step->options)->storage_uri.text;
}

static bool router_step_targets(const struct step *step, size_t nth, struct name *target)
{
	const struct router *self = step->options;
	if (nth > self->ways.count || (nth == self->ways.count && !self->none.text))
		return false;
	*target = nth < self->ways.count ? self->ways.items[nth] : self->none;
	return true;
}

static bool router_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			 struct error *error)
{
	(void)step, (void)arena, (void)error;
	*out = *in;
	return true;
}

static enum step_verdict router_run(struct step *step, struct visit *visit, struct error *error)
{
	return visit_call(visit, CALL_MODEL, router_model(step), visit_input(visit), error) ? STEP_WAIT : STEP_FAIL;
}

/* A way's name; NULL with `error` untouched: all ways. */
static bool find_way(const struct step *step, const struct payload *reply, const char **way, struct error *error)
{
	const struct router *self = step->options;
	const struct tensor *first = reply->tensors.count ? reply->tensors.items[0] : NULL;
	if (!first || first->count == 0 || first->datatype == DATATYPE_BYTES)
		return error_set(error, ERROR_REMOTE, step->place,
				 "%s : the answer has no number, by which step `%s` chooses a way", router_model(step), step->name);
	double number = tensor_number(first, 0);
	if (number == ALL_WAYS)
		return true;
	for (size_t i = 0; i < self->ways.count; i++)
		if (number == (double)i)
			*way = self->ways.items[i].text;
	if (number == NO_WAY)
		*way = self->none.text;
	return *way || error_set(error, ERROR_REMOTE, step->place, "%s : there is no way %g, step `%s` has %zu, counted from 0",
				 router_model(step), number, step->name, self->ways.count);
}

static enum step_verdict router_answered(struct step *step, struct visit *visit, struct call *call, struct error *error)
{
	const char *way = NULL;
	if (call->error.kind != ERROR_NONE) {
		*error = call->error;
		return STEP_FAIL;
	}
	if (!find_way(step, call->reply, &way, error))
		return STEP_FAIL;
	visit_pass(visit);
	visit_only_to(visit, way);
	return STEP_DONE;
}

static const struct option rows[] = {
	ROW("model", NAME, struct router, model, .short_form = true, .help = "Name of the model; default: that of the step."),
	ROW("storageUri", NAME, struct router, storage_uri, .help = "Its address, as for a step of the kind model."),
	ROW("server", TEXT, struct router, server, .help = "Name of the Server that has it."),
	ROW("requirements", NAMES, struct router, requirements, .help = "Capabilities that its Server must have."),
	CALL_FORM_ROWS(struct router, form),
	ROW("ways", NAMES, struct router, ways, .least = 1, .required = true,
	    .help = "The later steps to choose from; each has this one in its inputs. The model answers with the index of one, "
		    "from 0, or with -1 for all."),
	ROW("none", NAME, struct router, none, .help = "The later step that receives the message if the answer is -2."),
	{0},
};

static const struct call_rules rules = {
	.targets = router_call_targets,
	.answered = router_answered,
};

const struct step_kind step_router = {
	.name = "router",
	.summary = "Lets a model choose which of several later steps receives a message.",
	.example = "- name: chooser\n"
		   "  router: {storageUri: \"grpc://mlserver:8081/chooser\", ways: [fast, careful]}\n",
	.options = rows,
	.options_size = sizeof(struct router),
	.shape = SHAPE_PASSES,
	.calls = &rules,
	.routes = &(const struct route_rules){.targets = router_step_targets},
	.describe = router_describe,
	.infer = router_infer,
	.run = router_run,
};
