/* dead_letters.h: Reader of a pipeline's dead letters. For the commands `errors list`, `show` and `replay`. */
#pragma once

#include "tools/client/kafka.h"
#include "message/records/dead_letter.h"

/* Selection of letters. */
struct dead_letters_wanted {
	const char *kind; /* of the error, as in INPUT; NULL: any */
	const char *step; /* NULL: any */
	int64_t since_ns; /* failed at most so long ago; 0: any time */
	/* Positions PARTITION:OFFSET in the errors topic, or ids of requests; count 0: all. */
	const char *const *names;
	size_t name_count;
};

#define LETTERS_ROWS(owner, member)                                                                                                \
	ROW("kind", TEXT, owner, member.kind, .help = "Only errors of this kind: INPUT, REMOTE, SYSTEM or CONFIG."),               \
		ROW("step", TEXT, owner, member.step, .help = "Only requests that failed at this step."),                          \
		ROW("since", DURATION, owner, member.since_ns, .word = "TIME",                                                     \
		    .help = "Only requests that failed within that time, as in 15m or 2h.")

/* A letter that was found. Borrows from the record and the arena. */
struct found_letter {
	int32_t partition; /* position of the letter in the errors topic */
	int64_t offset;
	struct dead_letter letter;
};

struct dead_letters_reader {
	void *context;
	/* Called for each letter. False ends the reading, with an error. */
	bool (*found)(void *context, const struct found_letter *letter, struct error *error);
	/* Called for each replay mark: the position of the letter, and the time. NULL: not called. */
	bool (*replayed)(void *context, int32_t partition, int64_t offset, int64_t time_ms, struct error *error);
};

/* Key prefix of a replay mark: a record without a value, which `errors replay` writes into the errors topic.
 * PARTITION:OFFSET of the replayed letter follows. */
#define LETTER_REPLAYED_KEY "sluice.replayed/"

/* Reads the topic from its beginning to its current end. Records that are no dead letters are counted, and reported
 * to the workspace. CONFIG: no letter has one of the given names. */
bool dead_letters_read(const struct workspace *workspace, const struct pipeline_target *target,
		       const struct dead_letters_wanted *wanted, const struct dead_letters_reader *reader, struct error *error);

/* Decodes a record of an errors topic into the arena, which is reset before. False: it is no dead letter. */
bool dead_letter_take(const struct record *record, struct arena *arena, struct dead_letter *letter);

/* The request's bytes in readable form: unchanged if they are text, else as Open Inference Protocol JSON if they
 * parse as a request, else bytes NULL. `translated`: they were converted. Lives in the arena. */
struct text letter_request(const struct dead_letter *letter, struct arena *arena, bool *translated);
