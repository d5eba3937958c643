/* server_protection.h: Protection that the files of a model server ask for (compiler/resources/protection.h), compared with what
 * the server was given. Pure.
 *
 * It authenticates callers by certificates alone, and knows no policies: every caller may call all of its models.
 */
#ifndef SLUICE_MODELS_SERVER_SERVER_PROTECTION_H
#define SLUICE_MODELS_SERVER_SERVER_PROTECTION_H

#include "net/tls.h"
#include "compiler/resources/protection.h"

/* `files` NULL: it was given none. False: CONFIG at the first part of it that would not be in force. */
bool server_protection_check(const struct protection *protection, const struct tls_files *files, struct error *error);

#endif
