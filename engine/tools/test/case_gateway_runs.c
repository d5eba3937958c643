/* case_gateway_runs.c: see case_gateway_runs.h. A case has first to hold in memory: its run there determines where each
 * request goes, and how long it takes. What a caller of a gateway cannot see is not compared: other topics, calls of models,
 * alerts. */
#include "tools/test/case_gateway_runs.h"

#include "tools/test/case_gateway.h"
#include "tools/test/case_judge.h"

#define PATIENCE_MS 30000 /* beyond that time */

struct gateway_case {
	struct case_gateway_runs *runs;
	const struct gateway_address *address;
	const struct case_play *played; /* in memory */
	struct case_results results;	/* what came from the gateway */
	struct case_files seen;		/* the case, with the lines that are compared */
	struct gateway_question *questions;
	size_t question_count;
	size_t left_out; /* lines that are not compared */
	struct buffer unfit, why;
};

/* ---- what it cannot show ---- */

static bool is_fit(const struct case_play *played, struct buffer *unfit)
{
	if (!case_runs_by_clock(played, unfit))
		return false;
	for (const struct model_calls *model = played->results.models; model; model = model->next)
		if (!model->has_stub) {
			buffer_print(unfit, "the model `%s` has no stub, and without one no engine starts", model->name);
			return false;
		}
	return true;
}

/* ---- the questions ---- */

/* As its file has it: in the plan all have one. */
static const char *namespace_of(const struct case_play *played, const struct pipeline_plan *target)
{
	const struct resource *resource = target->graph->resource;
	const struct resource *made_of = resource->made_of ? resource->made_of : resource;
	const struct resource *given = spec_find(played->spec, made_of->kind->type, made_of->name.text);
	return given ? given->namespace : NULL;
}

/* What cannot be sent is not asked, and the reason is in `unfit`. */
static bool gather_questions(struct gateway_case *run)
{
	const struct case_play *played = run->played;
	const struct plan *plan = case_workers_plan(played->workers);
	run->questions = ARENA_ARRAY(played->arena, struct gateway_question, played->sends.count);
	for (size_t i = 0; run->questions && i < played->sends.count; i++) {
		const struct case_send *send = &played->sends.items[i];
		struct gateway_question *question = &run->questions[run->question_count];
		const struct pipeline_plan *target = send->pipeline ? plan_find(plan, send->pipeline) : NULL;
		*question = (struct gateway_question){send->request, target, target ? namespace_of(played, target) : NULL, {0}};
		buffer_clear(&run->unfit);
		if (!question->target)
			buffer_print(&run->unfit, "the request `" TEXT_FORMAT "` has a target that is not in its files",
				     TEXT_ARGUMENTS(send->request->id));
		else if (!run->address->grpc || gateway_question_encode(question, played->arena, &run->unfit))
			run->question_count++;
	}
	return !arena_failed(played->arena);
}

/* ---- the lines ---- */

static bool is_asked(const struct gateway_case *run, struct text id)
{
	for (size_t i = 0; i < run->question_count; i++)
		if (text_equal(run->questions[i].request->id, id))
			return true;
	return false;
}

static bool is_compared(const struct gateway_case *run, const struct case_expected *expected)
{
	return expected->demand != DEMAND_ALERT && expected->demand != DEMAND_CALLS && expected->at.length == 0 &&
	       is_asked(run, expected->id);
}

static bool gather_lines(struct gateway_case *run)
{
	const struct case_files *files = run->played->files;
	run->seen = *files;
	run->seen.expected = ARENA_ARRAY(run->played->arena, struct case_expected, files->expected_count);
	run->seen.expected_count = 0;
	for (size_t i = 0; run->seen.expected && i < files->expected_count; i++)
		if (is_compared(run, &files->expected[i]))
			run->seen.expected[run->seen.expected_count++] = files->expected[i];
	run->left_out = files->expected_count - run->seen.expected_count;
	return run->seen.expected;
}

/* ---- one case ---- */

static bool ask_gateway(struct gateway_case *run, struct error *error)
{
	const struct case_play *played = run->played;
	const struct case_gateway gateway = {
		.address = *run->address,
		.results = &run->results,
		.count = run->question_count,
		.questions = run->questions,
		.timeout_ms = case_workers_took_ms(played->workers) + PATIENCE_MS,
	};
	buffer_clear(&run->unfit);
	case_results_open(&run->results, &run->seen, played->arena);
	return case_gateway_run(&gateway, &run->unfit, error) &&
	       (!run->results.failed || error_memory(error, ERROR_SYSTEM, "running a case"));
}

static bool judge_at_gateway(struct gateway_case *run, enum case_verdict *verdict, struct error *error)
{
	*verdict = CASE_SKIPPED;
	if (!is_fit(run->played, &run->unfit))
		return true;
	if (!gather_questions(run) || !gather_lines(run))
		return error_memory(error, ERROR_SYSTEM, "running a case");
	if (run->seen.expected_count == 0) {
		if (!run->unfit.length)
			buffer_string(&run->unfit,
				      "its lines are about topics, calls or alerts, which no caller of a gateway sees");
		return true;
	}
	if (!ask_gateway(run, error))
		return false;
	if (run->unfit.length)
		return true;
	*verdict = case_results_judge(&run->results, &run->why) ? CASE_PASSED : CASE_FAILED;
	run->runs->left_out += run->left_out;
	return true;
}

static bool case_gateway_runs_conclude(struct gateway_case *run, const struct error *refused, struct error *error)
{
	const struct case_judged *judged = &run->runs->judged;
	const char *folder = run->played->files->folder;
	enum case_verdict verdict = CASE_FAILED;
	if (!case_results_judge(&run->played->results, &run->why)) {
		buffer_string(&run->why, "  and this in memory too\n");
	} else if (refused->kind != ERROR_NONE) {
		verdict = CASE_SKIPPED;
		buffer_string(&run->unfit, "its files have the expected fault, so no engine starts");
	} else if (!judge_at_gateway(run, &verdict, error)) {
		return false;
	}
	judged->judged(judged->context, folder, verdict, verdict == CASE_SKIPPED ? &run->unfit : &run->why);
	return true;
}

static bool run_case(struct case_gateway_runs *runs, const struct gateway_address *address, const char *folder, struct error *error)
{
	const struct case_play_options options = {.kinds = runs->kinds, .secrets = runs->secrets};
	struct case_run in_memory;
	struct gateway_case run = {.runs = runs, .address = address, .played = &in_memory.play};
	buffer_open(&run.unfit, CASE_OUTPUT_BYTES_MAX);
	buffer_open(&run.why, CASE_OUTPUT_BYTES_MAX);
	bool good = case_run_open(&in_memory, folder, &options, false, error) &&
		    case_gateway_runs_conclude(&run, &in_memory.refused, error);
	if (!good && error->kind != ERROR_REMOTE) { /* of this case, and the others go on */
		case_error_print(error, &run.why);
		runs->judged.judged(runs->judged.context, folder, CASE_FAILED, &run.why);
		*error = (struct error){0};
		good = true;
	}
	case_run_close(&in_memory); /* the error's place is in what the case has read */
	buffer_close(&run.unfit);
	buffer_close(&run.why);
	return good;
}

bool case_gateway_run_all(struct case_gateway_runs *runs, const char *url, struct error *error)
{
	struct gateway_address address;
	bool good = gateway_address_read(url, runs->arena, &address, error);
	for (size_t i = 0; good && i < runs->count; i++)
		good = run_case(runs, &address, runs->folders[i], error);
	return good;
}
