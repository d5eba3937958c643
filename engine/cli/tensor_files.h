/* tensor_files.h: A request made of files of NumPy's format .npy, one for each tensor. */
#ifndef SLUICE_CLI_TENSOR_FILES_H
#define SLUICE_CLI_TENSOR_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/option.h"
#include "base/text.h"

/* Reads `NAME=FILE` of each item, and writes the request as an Avro record (message/avro.h), which keeps every number as it
 * is. All is in the arena. CONFIG: an item that is not so, a name that is given twice, a file that cannot be read; INPUT: a
 * file that holds no tensor (message/npy.h); LIMIT: a file or the request is longer than `bytes_max`. */
bool tensor_files_request(struct name_list items, size_t bytes_max, struct arena *arena, struct text *request,
			  struct error *error);

#endif
