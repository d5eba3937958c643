/* group_counts.h: Counts and failures of pipelines over a list of consumer groups, and their unreachable models. Private to
 * the engine; its callers and their threads are those of the calls in engine.h that have the same words.
 *
 * A pipeline is found by its name, in a time that does not depend on the number of pipelines.
 */
#pragma once

#include "engine/setup/group_setup.h"

/* False: no group has ever had such a pipeline. */
bool groups_counts(const struct group *groups, const char *pipeline, struct engine_counts *counts);

bool groups_last_failure(const struct group *groups, const char *pipeline, struct last_failure *failure);
void groups_away_model(const struct group *groups, const char *pipeline, char *words, size_t size);
uint64_t groups_former(const struct group *groups, const char *pipeline, bool of_observers, char *words, size_t size);
bool groups_model_is_away(const struct group *groups, const char *model, char *words, size_t size);
