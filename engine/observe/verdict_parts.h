/* verdict_parts.h: Entry of a board of verdicts, of which verdict_board.c keeps the verdicts, and verdict_learnt.c what was learnt.
 * Private to them. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "observe/verdict_board.h"

/* The verdict of one segment. */
struct segment_verdict {
	struct text name;
	bool is_own;	  /* an observer here has set `own` */
	bool is_lent;	  /* `fed` was own until the partition was revoked */
	struct last_verdict own;
	struct last_verdict fed; /* DRIFT_LEARNING: the feed has none */
};

/* Verdicts of all segments, in the order of their names. Steps of the path hold them without waiting. They do not change once they
 * are in force: a writer puts a changed copy in their place. */
struct verdicts {
	struct held_value held; /* first */
	uint64_t own_identity, fed_identity;
	size_t count;
	struct segment_verdict segments[];
};

/* A reference that was learnt from a topic. */
struct learnt_reference {
	struct learnt_reference *next;
	char *topic;
	char *file;
	size_t length;
};

struct verdict_entry {
	struct verdict_entry *next;
	char *pipeline, *step;
	pthread_mutex_t lock;
	struct held_slot verdicts; /* struct verdicts; written with the lock */
	uint64_t expected_identity;
	unsigned lent_turns; /* that are left */
	uint64_t beyond;
	struct realised_figures realised;
	const atomic_bool *is_followed;	       /* of the board */
	struct closed_windows closing;	       /* since the last turn */
	struct closed_windows closed;	       /* before it; of the thread that calls for turns alone */
	struct importance_figures *importance; /* owned; NULL: none is known */
	struct learnt_reference *references;
	struct learnt_background {
		char *rows; /* owned; NULL: none was learnt */
		size_t length;
		bool enough;
	} background;
	struct held_slot outliers; /* struct outlier_in_force */
	bool outliers_are_own;	   /* an observer here has set them */
	atomic_int knowledge;	   /* enum outlier_knowledge */
	atomic_int watching;	   /* enum watching; written with the lock */
	char why[WATCHING_WHY_BYTES];
	char unlearnt[WATCHING_WHY_BYTES];
	_Atomic uint64_t clocks; /* that were set back */
	char clock_words[CLOCK_WORDS_BYTES];
};

/* A copy, which memory_give() releases. NULL: memory ran out. */
char *verdict_name_copy(const char *name);

void verdict_references_close(struct verdict_entry *entry);
void verdict_entry_forget_background(struct verdict_entry *entry);
