/* case_play.c: see case_play.h. */
#include "tools/test/case_play.h"

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

void case_play_close(struct case_play *play)
{
	case_workers_close(play->workers);
	play->workers = NULL;
}
