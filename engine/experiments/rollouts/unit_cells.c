/* unit_cells.c: see unit_cells.h. */
#include "experiments/rollouts/unit_cells.h"

#include "compiler/step/assignment.h"

size_t unit_cell(uint64_t seed, struct text unit)
{
	return unit.length > 0 ? assignment_group(seed, unit, DESIGN_GROUPS) : DESIGN_GROUPS;
}

struct cluster_mean unit_cells_spread(const int64_t *cells, size_t limits, size_t bad)
{
	struct cluster_mean spread = {0};
	for (size_t i = 0; i < DESIGN_GROUPS; i++) {
		const int64_t *cell = &cells[unit_cells_at(i, limits)];
		if (cell[CELL_CALLS] > 0)
			cluster_mean_add_whole(&spread, (double)cell[bad], (uint64_t)cell[CELL_CALLS]);
	}
	const int64_t *alone = &cells[unit_cells_at(DESIGN_GROUPS, limits)];
	cluster_mean_add_alone(&spread, 1, (uint64_t)alone[bad]);
	cluster_mean_add_alone(&spread, 0, (uint64_t)(alone[CELL_CALLS] - alone[bad]));
	return spread;
}

uint64_t unit_cells_alone(const int64_t *cells, size_t limits)
{
	return (uint64_t)cells[unit_cells_at(DESIGN_GROUPS, limits) + CELL_CALLS];
}

bool unit_cells_are_sound(const int64_t *cells, size_t limits, int64_t calls)
{
	int64_t rest = calls;
	for (size_t i = 0; i < UNIT_CELLS; i++) {
		const int64_t *cell = &cells[unit_cells_at(i, limits)];
		if (cell[CELL_CALLS] < 0 || cell[CELL_CALLS] > rest)
			return false;
		rest -= cell[CELL_CALLS];
		for (size_t j = CELL_ERRORS; j < CELL_SLOWER + limits; j++)
			if (cell[j] < 0 || cell[j] > cell[CELL_CALLS])
				return false;
	}
	return true;
}
