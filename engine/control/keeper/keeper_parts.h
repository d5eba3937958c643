/* keeper_parts.h: Structs and functions of the keeper that its files share. Private to keeper*.c. */
#pragma once

#include "control/keeper/keeper.h"

/* A proposal with parts that have not arrived yet. */
struct waiting_proposal {
	struct list_node node;
	char *parts[KEEPER_PARTS_MAX]; /* copies of their records; NULL: not arrived */
	size_t lengths[KEEPER_PARTS_MAX];
	size_t count, there; /* number of parts, and of those that have arrived */
	size_t bytes;
	size_t items;	  /* of the parts that have arrived */
	int64_t offset;	  /* of its first record */
	int64_t due_ms;
	char *id;
	size_t id_length;
};

/* An engine, with its newest report. */
struct known_engine {
	struct list_node node;
	struct engine_report record;
	char *bytes;
	struct arena *lists;
	int64_t heard_ms;
};

/* Time by which all live engines must have prepared a change. Only changes that engines prepare now have one. */
struct change_deadline {
	struct list_node node;
	int64_t change;
	int64_t due_ms;
};

struct keeper {
	struct keeper_options options;
	struct ledger ledger;
	struct state_table *unknown; /* keys of `control` whose newest record has an unknown schema: its offset */
	bool begun;
	int64_t listens_ms;	 /* time since which it receives reports */
	int64_t looked_ms;	 /* of the last step: what was due by then is done */
	int64_t next_offset;	 /* of proposals */
	int64_t read_offset;	 /* of the last proposal of this term; -1: none */
	int64_t skipped;	 /* offset of a proposal that is refused without a decision; -1: none */
	struct list waiting;	 /* struct waiting_proposal, by offset */
	size_t waiting_bytes;
	struct list engines;	 /* struct known_engine */
	struct list deadlines;	 /* struct change_deadline */
	struct list rollouts;	 /* struct kept_rollout */
	bool has_rollouts;	 /* those of `rollouts_of` were found */
	uint64_t rollouts_of;	 /* number of activations */
	struct arena *arena;	 /* of the step */
	struct buffer bytes;	 /* of the record being written */
	struct keeper_record *records; /* of the step, in the arena */
	size_t count, room;
	uint64_t refused;
	struct error last_refused;
	struct error remark; /* for the log; kind NONE: none since it was taken */
};

/* Appends a record to those of the step and folds it into the ledger; `form` NULL: the key is removed. */
bool keeper_write(struct keeper *keeper, const struct record_form *form, const void *record, struct text key, int64_t now_ms,
		  struct error *error);

/* The key of a record, in the arena of the step; NULL bytes: memory ran out. */
struct text keeper_key_of_version(struct keeper *keeper, struct text kind, struct text name, int64_t version);
struct text keeper_key_of_change(struct keeper *keeper, int64_t number);
struct text keeper_key_of_verdict(struct keeper *keeper, struct text id);

/* Counts a record that cannot be answered by a verdict. Always true. */
bool keeper_ignore(struct keeper *keeper, const char *why);

/* keeper_decide.c: decides a whole proposal, and writes its verdict. */
bool keeper_decide(struct keeper *keeper, const struct proposal *proposal, int64_t now_ms, struct error *error);

/* Completes a verdict, and writes it. */
bool keeper_verdict_write(struct keeper *keeper, struct control_verdict *verdict, int64_t now_ms, struct error *error);

/* Writes the verdict REFUSED with one sentence. */
bool keeper_refuse(struct keeper *keeper, struct text id, const char *why, int64_t now_ms, struct error *error);

/* Text from another process, cut between characters to the length of an error. */
struct text keeper_words(struct text words);

/* keeper_collect.c: removes the versions of one resource that are not needed, except the newest `keep`; and the
 * verdicts above their limit. */
bool keeper_collect(struct keeper *keeper, struct ledger_resource *resource, size_t keep, int64_t now_ms, struct error *error);
bool keeper_collect_verdicts(struct keeper *keeper, int64_t now_ms, struct error *error);

/* keeper_tables.c: writes the bucket tables (struct control_table) of a change; makes those of undecided changes again,
 * after another change has failed; and says whether a table that is kept belongs to the change. */
bool keeper_tables_write(struct keeper *keeper, const struct record_list *tables, int64_t change, int64_t now_ms,
			 struct error *error);
/* One table that is not of a change under way: `made.change` is in force. Its version is the next one. */
bool keeper_table_write(struct keeper *keeper, struct control_table made, int64_t now_ms, struct error *error);
bool keeper_tables_remake(struct keeper *keeper, int64_t now_ms, struct error *error);
bool keeper_tables_need(const struct keeper *keeper, int64_t change);

/* keeper_rollouts.c: finds the rollouts of the documents in force, unless they are known; looks at those that are due, which is
 * called at the end of each step; and decides commands. */
bool keeper_rollouts_find(struct keeper *keeper, int64_t now_ms, struct error *error);
struct kept_rollout *keeper_rollout_find(const struct keeper *keeper, struct text name); /* NULL: there is none */
bool keeper_rollouts_look(struct keeper *keeper, int64_t now_ms, struct error *error);
/* Why documents do not fit the rollouts that run, in the arena of the step; NULL: they do. False: SYSTEM. */
bool keeper_rollouts_fault(struct keeper *keeper, const struct proposal_item *items, size_t count, int64_t now_ms, const char **why,
			   struct error *error);
int64_t keeper_rollouts_due(const struct keeper *keeper);
void keeper_rollouts_shift(struct keeper *keeper, int64_t by_ms);
void keeper_rollouts_close(struct keeper *keeper);

/* keeper_tallies.c: reads the counts of an engine. */
bool keeper_tally_take(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error);

/* Whether a proposal commands a rollout; decides it, and writes its verdict. */
bool keeper_commands_rollout(const struct proposal *proposal);
bool keeper_rollout_command(struct keeper *keeper, const struct proposal *proposal, int64_t now_ms, struct error *error);

/* keeper_questions.c: takes the answer of a webhook. */
bool keeper_answer_take(struct keeper *keeper, struct text experiment, int64_t move, bool yes, struct text reason, int64_t now_ms,
			struct error *error);

/* keeper_converge.c: activates and fails changes. Called at the end of each step. */
bool keeper_converge(struct keeper *keeper, int64_t now_ms, struct error *error);
bool keeper_engine_take(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error);
int64_t keeper_converge_due(const struct keeper *keeper);
void keeper_converge_shift(struct keeper *keeper, int64_t by_ms);
void keeper_engines_close(struct keeper *keeper);

#define PROPOSAL_ITEMS_WORDS "the proposal has too many documents; 1000 are the most"

/* keeper_waiting.c: collects the parts of proposals. When the last one arrives, `*is_whole` is set and `*whole` is
 * the proposal, in `arena`. Parts that do not fit into it are a proposal that is refused. */
bool keeper_part_take(struct keeper *keeper, int64_t offset, struct text value, const struct proposal *part, struct arena *arena,
		      int64_t now_ms, struct proposal *whole, bool *is_whole, struct error *error);
/* Drops the parts of a proposal that is decided. */
void keeper_waiting_drop(struct keeper *keeper, struct text id);
bool keeper_waiting_expire(struct keeper *keeper, int64_t now_ms, struct error *error);
int64_t keeper_waiting_due(const struct keeper *keeper);
void keeper_waiting_shift(struct keeper *keeper, int64_t by_ms);
void keeper_waiting_close(struct keeper *keeper);
