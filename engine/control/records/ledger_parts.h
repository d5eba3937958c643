/* ledger_parts.h: Parts of a ledger that its files share: entries found by their keys, records that are kept, and their
 * checks. Private to ledger*.c. */
#pragma once

#include "control/records/ledger.h"

#define LEDGER_KEY_BYTES_MAX (2 * CONTROL_NAME_BYTES_MAX + 64)

/* ---- ledger_records.c ---- */

/* NULL: there is none. */
void *ledger_entry_find(const struct ledger *ledger, struct text key);
bool ledger_entry_put(struct ledger *ledger, struct text key, void *kept, struct error *error);
void ledger_entry_forget(struct ledger *ledger, struct text key);

/* The same by a name, from which a key is written. */
typedef void ledger_key(struct text name, struct buffer *out);
void *ledger_named_find(const struct ledger *ledger, ledger_key *write, struct text name);
bool ledger_named_put(struct ledger *ledger, ledger_key *write, struct text name, void *kept, struct error *error);
void ledger_named_forget(struct ledger *ledger, ledger_key *write, struct text name);

/* Copies a name, whose bytes the caller owns. */
bool ledger_name_keep(struct text *kept, struct text name, struct error *error);

/* Lists of pointers in order. The first makes a gap at a place, and returns the list, which may have moved; NULL: memory ran
 * out, and the list is as before. The second removes a place. */
void *ledger_gap_open(void *items, size_t *count, size_t at, struct error *error);
void ledger_gap_close(void *items, size_t *count, size_t at);

/* Counts a refused record. Always false. */
bool ledger_record_refuse(struct ledger *ledger, enum ledger_refusal refusal, struct error *error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Copies the bytes and decodes the record from the copy, which the caller owns, also on failure. Its lists are in the arena. */
bool ledger_record_keep(struct ledger *ledger, const struct record_form *form, struct text value, struct arena *arena, char **bytes,
			void *record, struct error *error);

/* Replaces a list of a record in the scratch arena by a copy, which the caller owns. False: memory ran out. */
bool ledger_list_keep(struct record_list *list, size_t item_bytes, void **kept);

/* Of a version or a change. */
bool ledger_number_is_valid(int64_t number);

/* Checks the fields that all records have. `expected` is the key that the contents imply. */
bool ledger_record_fits(struct ledger *ledger, struct text key, const struct buffer *expected, struct text namespace,
			int64_t time_ms, int64_t epoch, int64_t now_ms, struct error *error);

/* Splits PREFIX@VERSION. */
bool ledger_key_split(struct text key, struct text *prefix, int64_t *version);

/* ---- ledger_tables.c ---- */

bool ledger_table_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error);
void ledger_table_remove(struct ledger *ledger, struct text key);
void ledger_choices_close(struct ledger *ledger);

/* ---- ledger_rollouts.c ---- */

bool ledger_rollout_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error);
bool ledger_move_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error);
void ledger_rollout_remove(struct ledger *ledger, struct text key);
void ledger_move_remove(struct ledger *ledger, struct text key);
void ledger_rollouts_close(struct ledger *ledger);
