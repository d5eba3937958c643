/* case_run.c: see case_run.h. */
#include "tools/test/case_run.h"

#include "tools/test/case_judge.h"
#include "engine/setup/spec_check.h"

/* Files that no engine starts with answer every request with the reason. */
static bool answer_refused(struct case_play *play, struct error *error)
{
	if (error->kind != ERROR_CONFIG)
		return false;
	for (size_t i = 0; i < play->sends.count; i++)
		if (play->sends.items[i].pipeline)
			case_results_add(&play->results,
					 &(struct arrival){.id = play->sends.items[i].request->id, .error = error});
	*error = (struct error){0};
	return !play->results.failed || error_memory(error, ERROR_SYSTEM, "running a case");
}

/* What has no target is answered by who sends it. */
static void answer_untargeted(struct case_play *play)
{
	for (size_t i = 0; i < play->sends.count; i++)
		if (!play->sends.items[i].pipeline)
			case_results_add(&play->results, &(struct arrival){.id = play->sends.items[i].request->id,
									   .error = play->sends.items[i].refused});
}

bool case_play(struct case_play *play, const struct case_files *files, const struct spec *spec,
	       const struct case_play_options *options, struct arena *arena, struct error *error)
{
	*play = (struct case_play){.files = files, .spec = spec, .arena = arena};
	case_results_open(&play->results, files, arena);
	if (!case_sends_make(&play->sends, files, spec, arena, error))
		return false;
	answer_untargeted(play);
	play->config = (struct case_workers_config){
		.kinds = options->kinds, .files = files, .models_asked = play->sends.models_asked, .arena = arena};
	play->workers = case_workers_open(&play->config, error);
	if (!play->workers)
		return answer_refused(play, error);
	const struct plan *plan = case_workers_plan(play->workers);
	return case_sends_fill(&play->sends, plan, arena, error) &&
	       case_points_find(&play->points, plan, files, &play->sends, options->all_points, arena, error) &&
	       case_workers_run(play->workers, &play->sends, &play->points, &play->results, error);
}

/* the results stay as long as the arena */
static void case_play_close(struct case_play *play)
{
	case_workers_close(play->workers);
	play->workers = NULL;
}

#define CLOCK_MS_MAX 6000 /* of virtual time that is waited for with a real clock */

static void spec_refusal(const struct spec *spec, struct error *error)
{
	for (size_t i = 0; i < faults_total(spec->faults); i++) {
		const struct fault *fault = faults_at(spec->faults, i);
		if (fault->code->severity != SEVERITY_ERROR)
			continue;
		error_set(error, ERROR_CONFIG, fault->place, "%s", fault->message);
		return;
	}
}

/* Files with a fault answer all requests with it. */
static bool files_play(struct case_run *run, const struct case_play_options *options, struct error *error)
{
	struct case_play *play = &run->play;
	spec_refusal(&run->spec, &run->refused);
	if (run->refused.kind == ERROR_NONE)
		return case_play(play, &run->files, &run->spec, options, run->arena, error);
	*play = (struct case_play){.files = &run->files, .spec = &run->spec, .arena = run->arena};
	case_results_open(&play->results, &run->files, run->arena);
	case_results_refuse(&play->results, &run->refused);
	return !play->results.failed || error_memory(error, ERROR_SYSTEM, "running a case");
}

bool case_run_open(struct case_run *run, const char *folder, const struct case_play_options *options, bool checked,
		   struct error *error)
{
	const struct spec_options spec_options = {.kinds = options->kinds, .experiment_pipelines = true};
	*run = (struct case_run){.arena = arena_open(CASE_BYTES_MAX)};
	if (!run->arena)
		return error_memory(error, ERROR_SYSTEM, "running a case");
	if (!case_read(folder, run->arena, &run->files, error))
		return false;
	run->files.secrets = options->secrets;
	return (run->spec_is_open = spec_open(&run->spec, error)) &&
	       spec_read(&run->spec, &run->files.pipeline, 1, &spec_options, error) &&
	       (!checked || spec_check(&run->spec, false, error)) && files_play(run, options, error);
}

void case_run_close(struct case_run *run)
{
	case_play_close(&run->play);
	if (run->spec_is_open)
		spec_close(&run->spec);
	arena_close(run->arena);
}

bool case_awaits_refusal(const struct case_files *files)
{
	for (size_t i = 0; i < files->expected_count; i++)
		for (size_t j = 0; j < files->expected[i].count; j++)
			if (kind_fits(files->expected[i].results[j].kinds, error_kind_name(ERROR_CONFIG)))
				return true;
	return false;
}

void case_error_print(const struct error *error, struct buffer *why)
{
	const struct place *place = &error->place;
	if (place->file && place->line)
		buffer_print(why, "  %s:%u: %s\n", place->file, place->line, error->text);
	else
		buffer_print(why, "  %s\n", error->text);
}

/* Messages of one key meet marks of earlier ones (`key` of a step), in an order that calls decide. */
static bool marks_are_determined(const struct graph *graph, struct buffer *unfit)
{
	for (size_t i = 0; i < graph->count; i++)
		if (graph->steps[i].key) {
			buffer_print(unfit, "when `%s` has seen a message is not determined, and with it the marks of later ones",
				     graph->steps[i].name);
			return false;
		}
	return true;
}

bool case_runs_by_clock(const struct case_play *played, struct buffer *unfit)
{
	if (!played->workers) {
		buffer_print(unfit, "no engine starts with these files: %s", played->results.records->error->text);
		return false;
	}
	const int64_t took_ms = case_workers_took_ms(played->workers);
	if (took_ms > CLOCK_MS_MAX)
		buffer_print(unfit, "it needs virtual time: it takes %lld s on a real clock", (long long)(took_ms / 1000));
	const struct plan *plan = case_workers_plan(played->workers);
	bool fits = took_ms <= CLOCK_MS_MAX;
	for (size_t i = 0; fits && i < plan->count; i++)
		fits = marks_are_determined(plan->pipelines[i].graph, unfit);
	return fits;
}
