/* folder_label.h: Label of a folder of files, by which `sluice apply --prune` finds what was applied from it.
 *
 * It is the same in every checkout of a repository, and different for folders of different repositories: the address of
 * the remote `origin`, without a protocol or login, and the folder's path in the repository, as in
 * `github.com/acme/shop:pipelines/fraud`. Without a repository or a remote it is the full path of the folder. The last
 * part of the path alone would not do: two teams may both have a folder `pipelines`.
 */
#ifndef SLUICE_CLIENT_FOLDER_LABEL_H
#define SLUICE_CLIENT_FOLDER_LABEL_H

#include "base/arena.h"

/* In the arena. NULL: there is no such folder, or memory ran out. */
const char *folder_label(const char *folder, struct arena *arena);

#endif
