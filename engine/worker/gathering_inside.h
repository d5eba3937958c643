/* gathering_inside.h: what a gathering is made of, for the files that it is written in: gathering.c,
 * which takes records, and gathering_recalled.c, which brings it back.
 */
#ifndef SLUICE_WORKER_GATHERING_INSIDE_H
#define SLUICE_WORKER_GATHERING_INSIDE_H

#include "worker/gathering.h"
#include "worker/uncommitted.h"

struct gathering {
	struct worker_stage *stage;
	struct position input;
	struct meeting_rule rule;
	struct meetings *meetings;
	struct parked_parts parked_parts; /* their parts, and the marks of those that are over */
	bool puts_off;			  /* at least once: the forgetting of parts */
	struct uncommitted_list uncommitted;
	int64_t taken;	       /* the offset behind the last record taken since then */
	int64_t replayed;      /* behind the last record of which something stands in the store that counts for nothing */
	bool stands;	       /* a window that is due stands still, for its sources are behind */
	unsigned char *told;   /* scratch: of each source */
	struct arena *scratch; /* for records that are looked into */
};

static inline size_t gathering_sources(const struct gathering *gathering)
{
	return gathering->rule.inputs.count + gathering->rule.triggers.count;
}

/* What a record brings and where it belongs, until the next one is looked at. False: its sender gives nothing to
 * this stage. */
bool gathering_tell(struct gathering *gathering, struct parked_part *own, struct text sender, const struct message *message,
		    struct meeting_part *part, struct error *error);

#endif
