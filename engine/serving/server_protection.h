/* server_protection.h: Protection that the files of a model server ask for (spec/protection.h), compared with what the server was
 * given. Pure.
 *
 * It authenticates callers by certificates alone, and knows no policies: every caller may call all of its models.
 */
#ifndef SLUICE_SERVING_SERVER_PROTECTION_H
#define SLUICE_SERVING_SERVER_PROTECTION_H

#include "net/tls.h"
#include "spec/protection.h"

/* `files` NULL: it was given none. False: CONFIG at the first part of it that would not be in force. */
bool server_protection_check(const struct protection *protection, const struct tls_files *files, struct error *error);

#endif
