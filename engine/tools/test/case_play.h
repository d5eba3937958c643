/* case_play.h: Play of a case: sends its requests through simulated workers (case_workers.h), and keeps the results to be judged
 * or printed. */
#ifndef SLUICE_TOOLS_TEST_CASE_PLAY_H
#define SLUICE_TOOLS_TEST_CASE_PLAY_H

#include "tools/test/case_workers.h"

struct case_play {
	const struct case_files *files;
	const struct spec *spec;
	struct arena *arena;
	struct case_workers_config config;
	struct case_sends sends;
	struct case_points points;
	struct case_workers *workers; /* NULL: no engine starts with the files */
	struct case_results results;
};

struct case_play_options {
	const struct step_kind *const *kinds;
	const char *secrets; /* folder of the files that YAML names as secrets; NULL: none */
	bool all_points; /* what stands at every point of its pipelines is kept, for printing */
};

/* Plays the case, in the arena; the spec has been read from its files and checked, and has no errors. Where no engine starts
 * with the files, each request is answered with the reason. */
bool case_play(struct case_play *play, const struct case_files *files, const struct spec *spec,
	       const struct case_play_options *options, struct arena *arena, struct error *error);
void case_play_close(struct case_play *play); /* the results stay as long as the arena */

#endif
