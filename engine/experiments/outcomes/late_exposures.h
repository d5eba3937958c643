/* late_exposures.h: Late exposures: samples of exposures whose window is over, and of units, by which feedback that comes later is
 * known as late, and of which variant, table and stage. Private to the exposure join.
 *
 * A sample keeps all exposures up to a limit. Each time it is full it keeps half: those whose key has one more 0 as its lowest bit.
 * One that is kept stands for 2, 4, ... of them: so numbers of late outcomes are exact at first, and then estimates, of the whole
 * time since the sample began. A ring of the latest exposures would know none of the outcomes that come after it has turned.
 *
 * An exposure is kept whole; what others have too, of which there is little, is kept once. A unit has the first exposure of all,
 * over or not, unless a later one was another choice: of a later stage.
 *
 * Calls on NULL do nothing. Pure. Belongs to one thread.
 */
#pragma once

#include "experiments/outcomes/open_exposures.h"

struct late_exposures;

struct sampled_exposure {
	uint64_t key; /* hash of its request or its unit */
	int64_t time_ms;
	uint32_t outcomes; /* a bit of each value that it has, or that was late before */
	struct exposure_form *form;
	struct text *own; /* the rest of it; NULL: memory ran out */
};

struct late_exposures *late_exposures_open(void); /* NULL: memory ran out */
void late_exposures_close(struct late_exposures *late); /* before the open exposures, whose forms it uses */

/* An exposure is over; one of a unit is read. */
void late_exposures_end(struct late_exposures *late, const struct packed_exposure *packed, const struct held_exposure *head);
void late_exposures_see(struct late_exposures *late, const struct packed_exposure *packed, const struct held_exposure *head);

/* The exposure of a key, valid until the next call; NULL: it is not in the sample. And how many it stands for. */
struct sampled_exposure *late_exposures_find(struct late_exposures *late, enum open_key by, uint64_t key);
int64_t late_exposures_weight(const struct late_exposures *late, enum open_key by);

/* The exposure of one. */
void late_exposures_read(const struct sampled_exposure *sampled, struct arena *arena, struct exposure *exposure);
