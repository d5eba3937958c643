/* stub_file.h: stubs.json of a folder: stubs that answer for models, as the folder of a case has it, or one of YAML.
 *
 *	{"price": "stub://echo", "risk": {"OUTPUT": "INPUT * 2"}}
 *
 * The contents live in the arena into which they were read.
 */
#pragma once

#include "base/arena.h"
#include "base/option.h"
#include "base/text.h"

struct stub_entry {
	struct text model;
	const char *uri; /* NULL: expressions */
	size_t count;
	const struct stub_output { /* {"OUTPUT": "INPUT * 2"} */
		struct text name;
		struct text expression;
	} * outputs;
	struct place place;
};

struct stub_file {
	size_t count;
	struct stub_entry *items;
};

/* Reads FOLDER/stubs.json; no entries if it is absent. CONFIG: it is not a JSON object, with file and line. LIMIT: it has more
 * than 256 MiB. */
bool stub_file_read(const char *folder, struct arena *arena, struct stub_file *stubs, struct error *error);

/* The models that these stubs offer, as NAME=URL of one address. */
struct name_list stub_file_offered(const struct stub_file *stubs, const char *address, struct arena *arena);

/* The URI of an entry; one of expressions is written as stub://expression?OUTPUT=INPUT... NULL: memory ran out. */
const char *stub_entry_uri(const struct stub_entry *entry, struct arena *arena);
