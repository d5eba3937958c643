/* foreign_file.h: Files that are neither a CSV nor requests in lines, known by their first bytes.
 *
 * Pure; any thread may call.
 */
#ifndef SLUICE_TOOLS_SOURCE_FOREIGN_FILE_H
#define SLUICE_TOOLS_SOURCE_FOREIGN_FILE_H

#include "base/text.h"

/* What it is, and what to do, as the rest of a sentence; NULL: it may be one of both. */
const char *foreign_file_fault(struct text text);

#endif
