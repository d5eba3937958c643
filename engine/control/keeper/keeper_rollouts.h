/* keeper_rollouts.h: A rollout in the keeper, and the counts of engines that it adds up. Private to keeper_rollouts.c,
 * keeper_rollout_moves.c, keeper_questions.c, keeper_tallies.c and keeper_truths.c. */
#pragma once

#include "control/keeper/keeper_parts.h"
#include "control/keeper/rollout_document.h"

/* Of one choice. */
struct tally_counts {
	int64_t calls, errors;
	int64_t slower[ROLLOUT_LIMITS_MAX];
	const int64_t *cells; /* the same calls, by groups of units (experiments/rollouts/unit_cells.h); NULL: it is not known */
};

/* Of the tallies in a record, and of the metrics of criteria: the rest of it, accuracies among them, needs less than a quarter. */
#define ROLLOUT_TALLIES_BYTES (CONTROL_RECORD_BYTES_MAX / 4 * 3)

/* What an engine has counted of the table in force: now, and in starts of it before. The engine "" stands for all that are gone;
 * `started_ms` is then when the last of them was heard. */
struct kept_tally {
	struct list_node node;
	char *engine;
	size_t engine_length;
	int64_t started_ms;
	int64_t heard_ms;
	struct tally_counts now[ROLLOUT_CHOICES_MAX], before[ROLLOUT_CHOICES_MAX];
	int64_t *cells; /* of all choices: now, then before */
};

/* The truths of a pipeline under the table in force, as far as any engine has reported them. */
struct kept_truths {
	struct list_node node;
	char *pipeline;
	size_t pipeline_length;
	int64_t heard_ms; /* when an engine last said that they are current */
	struct truth_counts counts[ROLLOUT_CHOICES_MAX];
};

/* The rollout of an Experiment in force, or of an experiment that is written in a Pipeline in force. */
struct kept_rollout {
	struct list_node node;
	struct arena *arena; /* of names */
	const char *name;
	struct rollout_owner {
		const char *kind, *name;
	} owner;		 /* the resource whose document has it */
	bool is_found;		 /* in a document in force, as this was last looked for */
	int64_t version, change; /* of the owner */
	struct rollout_document document;
	struct rollout_state state;
	int64_t table; /* version of the table whose counts are judged */
	uint64_t epoch; /* of the state, when that table was made */
	int64_t due_ms; /* of the next look; INT64_MAX: it has ended */
	struct list tallies; /* struct kept_tally */
	struct list truths; /* struct kept_truths */
	bool crowded;	    /* the last record had no room for all cells, which was said */
};

/* ---- keeper_tallies.c ---- */

void rollout_tallies_close(struct kept_rollout *rollout);

/* Takes over the counts of the last look from a record. */
bool rollout_tallies_restore(struct kept_rollout *rollout, const struct control_rollout *record, int64_t now_ms,
			     struct error *error);

/* Adds up those that were not heard for KEEPER_FORGOTTEN_MS, without their names. False: SYSTEM. */
bool rollout_tallies_fold(struct kept_rollout *rollout, int64_t now_ms, struct error *error);

/* How many engines are counted, so that their counts fit into a record. */
size_t rollout_tallies_most(const struct rollout_document *document);

/* The sums, for a look at the current stage. */
void rollout_tallies_sum(const struct kept_rollout *rollout, struct rollout_look *look);

/* The counts as a record has them, in the arena. `left_out`: how many lists of cells, one of each choice of an engine, do not fit
 * into it. False: memory ran out. */
bool rollout_tallies_list(const struct kept_rollout *rollout, struct arena *arena, struct record_list *list, size_t *left_out);

/* ---- keeper_truths.c ---- */

void rollout_truths_close(struct kept_rollout *rollout);

/* Begins anew with a table, of the same pipelines, but for those that are gone. What came since the last look is not judged, but
 * the state has that there are truths. */
void rollout_truths_renew(struct kept_rollout *rollout, int64_t now_ms);

/* Takes over truths of a record, by a former keeper or by an engine: those of each pipeline if none of them is less than what is
 * known. Those of more than ROLLOUT_PIPELINES_MAX pipelines are left out. False: SYSTEM. */
bool rollout_truths_take(struct kept_rollout *rollout, const struct record_list *truths, int64_t now_ms, struct error *error);

/* Adds the accuracy and the metrics of each variant to a look, of that time, and whether they are all that have come. */
void rollout_truths_sum(const struct kept_rollout *rollout, struct rollout_look *look);

/* The truths as a record has them, in the arena, but for pipelines that are gone and have none. False: memory ran out. */
bool rollout_truths_list(const struct kept_rollout *rollout, int64_t now_ms, struct arena *arena, struct record_list *list);

/* ---- keeper_rollout_moves.c ---- */

/* Writes the state, and the move if there is one; and a table if it began an epoch. `author` and `reason` are of a command. */
bool rollout_write(struct keeper *keeper, struct kept_rollout *rollout, const struct rollout_move *move, struct text author,
		   struct text reason, int64_t now_ms, struct error *error);

/* Writes a move that ends a rollout in a stage, since that version of its experiment has none, or deleted it. */
bool rollout_withdraw(struct keeper *keeper, const struct ledger_rollout *rollout, const struct control_version *version,
		      int64_t now_ms, struct error *error);

/* Removes the record of a rollout, and its moves if `all`. */
bool rollout_remove(struct keeper *keeper, struct ledger_rollout *rollout, bool all, int64_t now_ms, struct error *error);

/* When the rollout is to be looked at next. */
int64_t rollout_due_ms(const struct kept_rollout *rollout, int64_t now_ms);
