/* access_settings.h: Access settings from the securityConfig of the files, which add to those from options.
 * Pure.
 *
 * Options override the file: a key set or policies that they name replace those of the file. A ConfigMap cannot
 * be read here, so its policies must come from a file that an option names. A protection that is requested but
 * cannot be provided is an error, and the gateway does not listen.
 */
#pragma once

#include "gateway/access/access.h"
#include "compiler/resources/protection.h"

/* Whether callers must say who they are, or policies restrict them. */
bool access_settings_ask(const struct access_settings *settings);

/* Fills in the fields of `settings` that options left unset. Tokens get every algorithm and JWT_SKEW_MS_DEFAULT
 * unless stated otherwise. `has_tls`: the listener has a certificate. False: CONFIG, with the place in the
 * file. */
bool access_settings_complete(struct access_settings *settings, const struct protection *protection, bool has_tls,
			      struct error *error);
