/* letters.h: looking through a pipeline's topic of dead letters. For the commands
 * `errors list`, `show` and `replay`.
 */
#ifndef SLUICE_CLI_LETTERS_H
#define SLUICE_CLI_LETTERS_H

#include "cli/kafka.h"
#include "message/dead_letter.h"

/* Which letters are meant. */
struct letters_wanted {
	const char *kind; /* of the error, as in INPUT; NULL: any */
	const char *step; /* NULL: any */
	int64_t since_ns; /* failed so long ago at most; 0: whenever */
	/* Places PARTITION:OFFSET in the topic of errors, or ids of requests; count 0: all. */
	const char *const *names;
	size_t name_count;
};

#define LETTERS_ROWS(owner, member)                                                                                                \
	ROW("kind", TEXT, owner, member.kind, .help = "Only errors of this kind: INPUT, REMOTE, SYSTEM or CONFIG."),               \
		ROW("step", TEXT, owner, member.step, .help = "Only requests that failed at this step."),              \
		ROW("since", DURATION, owner, member.since_ns, .word = "TIME",                                                     \
		    .help = "Only requests that failed within that time, as in 15m or 2h.")

/* One that was found. Borrows from the record and the arena. */
struct found_letter {
	int32_t partition; /* where the letter stands in the topic of errors */
	int64_t offset;
	struct dead_letter letter;
};

struct letters_reader {
	void *context;
	/* False ends the reading, with an error. */
	bool (*found)(void *context, const struct found_letter *letter, struct error *error);
	/* The letter at that place was replayed then. NULL: nobody asks. */
	bool (*replayed)(void *context, int32_t partition, int64_t offset, int64_t time_ms, struct error *error);
};

/* The key of a record without a value, which `errors replay` writes into the topic of errors, before PARTITION:OFFSET of the
 * letter that it replayed. */
#define LETTER_REPLAYED_KEY "sluice.replayed/"

/* Reads the topic from its beginning to where it ends now. Records that are no dead
 * letters are counted, and said on the session's `err`. CONFIG: a name was given to which
 * no letter answers. */
bool letters_read(struct session *session, const struct door *door, const struct letters_wanted *wanted,
		  const struct letters_reader *reader, struct error *error);

/* The request's bytes made readable: as they are when they are text, else as Open
 * Inference Protocol JSON when they can be read as a request, else nothing (bytes NULL).
 * `translated` says which. Lives in the arena. */
struct text letter_request(const struct dead_letter *letter, struct arena *arena, bool *translated);

#endif
