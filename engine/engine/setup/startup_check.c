/* startup_check.c: see startup_check.h. Each check has one reason to refuse, with advice. */
#include "engine/setup/startup_check.h"

#include "compiler/graph/file_refusals.h"
#include "compiler/yaml/fault_codes.h"

#define OTHERS_BYTES_MAX 160 /* of the names in one error, which also has an advice */

/* A called pipeline runs inside its caller, so it cannot have state of its own. */
static bool check_called_pipeline(const struct plan *all, const struct pipeline_plan *plan, const struct callee *callee,
				  struct error *error)
{
	const struct graph_step *step = &plan->graph->steps[callee->step];
	for (size_t i = 0; i < all->count; i++) {
		const struct pipeline_plan *called = &all->pipelines[i];
		if (strcmp(called->graph->name, callee->name) != 0)
			continue;
		for (size_t j = 0; j < called->stage_count; j++)
			if (called->stages[j].state)
				return error_set(
					error, ERROR_CONFIG, step->spec->name.place,
					"step `%s` of pipeline %s calls the pipeline `%s`, which remembers %s: send requests "
					"to its topic instead, and read its answers by externalInputs",
					step->name, plan->graph->name, callee->name, called->stages[j].state);
		return true;
	}
	return error_set(error, ERROR_CONFIG, step->spec->name.place,
			 "step `%s` of pipeline %s calls the pipeline `%s`, which is not among the files; add it", step->name,
			 plan->graph->name, callee->name);
}

/* The other models without an endpoint, each once, as in "; nor have `b`, `c` and 7 more, which `sluice plan` lists". */
static const char *missing_others(const struct plan *all, const char *first, struct arena *arena)
{
	const char *names = "";
	size_t more = 0;
	for (size_t i = 0; names && i < all->count; i++)
		for (size_t j = 0; names && j < all->pipelines[i].callee_count; j++) {
			const struct callee *callee = &all->pipelines[i].callees[j];
			const char *quoted = arena_print(arena, "`%s`", callee->name);
			if (callee->target != CALL_MODEL || callee->endpoint.origin != ENDPOINT_NONE || !quoted ||
			    strcmp(callee->name, first) == 0 || strstr(names, quoted))
				continue;
			if (strlen(names) + strlen(quoted) > OTHERS_BYTES_MAX)
				more++;
			else
				names = arena_print(arena, "%s%s %s", names, names[0] ? "," : "; nor have", quoted);
		}
	return names && more > 0 ? arena_print(arena, "%s and %zu more, which `sluice plan` lists", names, more) : names;
}

static bool refuse_missing(const struct plan *all, const struct callee *callee, const struct graph_step *step, struct arena *arena,
			   struct error *error)
{
	const char *others = missing_others(all, callee->name, arena);
	if (!others || !callee->endpoint.advice)
		return error_memory(error, ERROR_SYSTEM, "checking which models are called");
	return error_set(error, ERROR_CONFIG, step->spec->name.place, "step `%s`: model `%s` has no endpoint: %s%s", step->name,
			 callee->name, callee->endpoint.advice, others);
}

static bool check_callee(const struct plan *all, const struct pipeline_plan *plan, const struct callee *callee, struct arena *arena,
			 struct error *error)
{
	const struct graph_step *step = &plan->graph->steps[callee->step];
	struct place place = step->spec->name.place;
	if (callee->target == CALL_PIPELINE)
		return check_called_pipeline(all, plan, callee, error);
	if (callee->target == CALL_EXPERIMENT)
		return error_set(error, ERROR_CONFIG, step->spec->options_here.line > 0 ? step->spec->options_here : place,
				 "step `%s` of pipeline %s calls the experiment `%s`, which %s",
				 step->name, plan->graph->name, callee->name,
				 experiment_call_refusal(all->spec, plan->graph, callee->step, callee->name));
	if (callee->endpoint.origin == ENDPOINT_NONE)
		return refuse_missing(all, callee, step, arena, error);
	if (endpoint_addresses(&callee->endpoint, callee->name, arena).count > 0)
		return true;
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "checking which models are called");
	if (callee->endpoint.origin == ENDPOINT_STUB)
		return error_set(error, ERROR_CONFIG, place,
				 "step `%s`: model `%s` is at %s, a stub, which is not a server; serve it by `sluice models "
				 "serve`, and give --server %s=http://HOST:PORT",
				 step->name, callee->name, callee->endpoint.addresses, callee->name);
	return error_set(error, ERROR_CONFIG, place,
			 "step `%s`: model `%s` is at %s (%s), which cannot be called; write http://HOST:PORT or grpc://HOST:PORT",
			 step->name, callee->name, callee->endpoint.addresses, endpoint_origin_text(callee->endpoint.origin));
}

static bool check_calls(const struct plan *all, const struct pipeline_plan *plan, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < plan->callee_count; i++)
		if (!check_callee(all, plan, &plan->callees[i], arena, error))
			return false;
	return true;
}

static const struct fault *fault_of(const struct faults *faults, const char *code)
{
	for (size_t i = 0; i < faults_total(faults); i++)
		if (strcmp(faults_at(faults, i)->code->code, code) == 0)
			return faults_at(faults, i);
	return NULL;
}

bool startup_check(const struct plan *plan, struct arena *arena, struct error *error)
{
	const struct fault *shared = fault_of(plan->spec->faults, CODE_TWO_READERS);
	if (plan->count == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "there is no pipeline in these files, so there is nothing to run");
	for (size_t i = 0; i < plan->count; i++)
		if (!check_calls(plan, &plan->pipelines[i], arena, error))
			return false;
	return !shared || error_set(error, ERROR_CONFIG, shared->place, "%s", shared->message);
}

bool startup_check_protection(const struct faults *faults, bool has_gateway, struct error *error)
{
	const struct fault *fault = fault_of(faults, CODE_PROTECTION_LATER);
	if (!fault && !has_gateway)
		fault = fault_of(faults, CODE_PROTECTION_OF_GATEWAY);
	return !fault || error_set(error, ERROR_CONFIG, fault->place,
				   "%s; `run` starts without it only with --insecure-ignore-security", fault->message);
}
