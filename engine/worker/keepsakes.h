/* keepsakes.h: what a gathering remembers over a crash: parts that wait, and meetings that
 * are over while more may come. The gathering's own.
 *
 * Each is known by the record that it is of, and its bytes stand in the partition's store:
 * they are written and taken out as a step would, so they are seen at once, and kept when the
 * message that wrote them leaves.
 */
#ifndef SLUICE_WORKER_KEEPSAKES_H
#define SLUICE_WORKER_KEEPSAKES_H

#include "message/message.h"
#include "state/store.h"

struct keepsake;

struct keepsakes {
	struct store *store; /* borrowed */
	uint32_t scope;
	struct keepsake *first;
};

void keepsakes_close(struct keepsakes *keepsakes); /* what is in the store stays there */

enum keepsake_kind { KEEPSAKE_PART, KEEPSAKE_MEETING };

/* Of the record at that offset; nothing is written yet. NULL: memory. */
struct keepsake *keepsake_make(struct keepsakes *keepsakes, enum keepsake_kind kind, int64_t offset);
void keepsake_give(struct keepsakes *keepsakes, struct keepsake *keepsake); /* its bytes stay in the store */

enum keepsake_kind keepsake_kind(const struct keepsake *keepsake);
int64_t keepsake_offset(const struct keepsake *keepsake);

/* Its key, by which a later record may ask for it; as long as it is there. */
#define KEEPSAKE_PART_KEY_BYTES 8
struct text keepsake_key(const struct keepsake *keepsake);

/* Its bytes, until it is written or taken out; false: nothing is written. */
bool keepsake_read(const struct keepsakes *keepsakes, const struct keepsake *keepsake, struct text *bytes);

/* Whether so many bytes still fit; else a LIMIT. */
bool keepsake_fits(const struct keepsakes *keepsakes, const struct keepsake *keepsake, size_t bytes, struct error *error);

/* Writes its bytes, which are in the message's arena or last as long; bytes NULL: takes them out. */
bool keepsake_write(struct keepsakes *keepsakes, const struct keepsake *keepsake, struct message *message, struct text bytes,
		    struct error *error);

/* Takes its bytes out and gives it back, whatever fails. */
bool keepsake_forget(struct keepsakes *keepsakes, struct keepsake *keepsake, struct message *message, struct error *error);

/* Takes out at once, past all messages, what no message that is under way has written or asks
 * for, and gives it back, whatever fails (SYSTEM). */
bool keepsake_drop(struct keepsakes *keepsakes, struct keepsake *keepsake, struct error *error);

/* All that stands in the store, each once, in the order of their records; the meeting that a
 * record concluded comes before the part that it brought. Starts as {0}. */
struct keepsake_list {
	size_t count;
	struct keepsake **items;
};

bool keepsakes_list(struct keepsakes *keepsakes, struct keepsake_list *list, struct error *error);
void keepsake_list_close(struct keepsake_list *list);

/* Those that nobody has taken out; *next begins as 0. NULL: no more. */
struct keepsake *keepsake_list_next(const struct keepsake_list *list, size_t *next);

/* Takes the part of that key out of the list. NULL: it does not stand there. */
struct keepsake *keepsake_list_take(struct keepsake_list *list, struct text key);

#endif
