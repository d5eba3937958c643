/* unit_cells.h: Calls of one variant, counted by groups of units, at random (methods/statistics/design_effect.h). So engines can
 * add up what shows how the calls of a unit depend on each other, wherever the unit's calls were made.
 *
 * A cell has the calls of one group: all of them, those that failed, and those above each limit of latency, which rise. The last
 * cell has the calls without a unit; each of them is one by itself.
 *
 * Pure.
 */
#pragma once

#include "base/text.h"
#include "methods/statistics/design_effect.h"

#define UNIT_CELLS (DESIGN_GROUPS + 1)

enum { CELL_CALLS, CELL_ERRORS, CELL_SLOWER }; /* numbers of a cell; the last begins those of the limits */

/* The cell of a unit; an empty one is none. `seed` is that of the bucket table. */
size_t unit_cell(uint64_t seed, struct text unit);

/* Numbers of all cells, and of the cell at `cell`, with so many limits. */
static inline size_t unit_cells_size(size_t limits)
{
	return UNIT_CELLS * (CELL_SLOWER + limits);
}

static inline size_t unit_cells_at(size_t cell, size_t limits)
{
	return cell * (CELL_SLOWER + limits);
}

/* How the calls that number `bad` of each cell counts are spread over groups, and over calls without a unit. */
struct cluster_mean unit_cells_spread(const int64_t *cells, size_t limits, size_t bad);

/* Calls without a unit. */
uint64_t unit_cells_alone(const int64_t *cells, size_t limits);

/* Whether counts can be those of some calls: `calls` altogether. */
bool unit_cells_are_sound(const int64_t *cells, size_t limits, int64_t calls);
