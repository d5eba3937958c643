/* gateway_access.h: Access options of a command with a gateway. Together with the files' securityConfig they become
 * the access settings of the gateway.
 */
#pragma once

#include "gateway/access/access_settings.h"
#include "engine/run/listening.h"

/* Options of the command line; GATEWAY_ACCESS_ROWS fill them. */
struct gateway_access_asked {
	const char *key_set, *key_set_authorities;
	struct name_list audiences, issuers, algorithms;
	int64_t skew_ns;
	const char *api_keys, *policies;
	double rate_per_second;
	int64_t rate_burst;
	struct name_list proxies;
};

#define GATEWAY_ACCESS_ROWS(owner, member)                                                                                         \
	ROW("jwks", TEXT, owner, member.key_set, .word = "URI",                                                                    \
	    .help = "The keys that sign callers' tokens: https://..., or a file. Overrides the files' jwksUri."),                  \
		ROW("jwks-authorities", TEXT, owner, member.key_set_authorities, .word = "FILE",                                   \
		    .help = "A file of authorities, in PEM, for the server of the keys; default: the system's."),                  \
		ROW("audience", NAMES, owner, member.audiences, .word = "NAME",                                                    \
		    .help = "The audience of a token; given several times, a token needs one of them. Default: any."),             \
		ROW("issuer", NAMES, owner, member.issuers, .word = "NAME",                                                        \
		    .help = "The issuer of a token; given several times, a token needs one of them. Default: any issuer "          \
			    "whose key signed it."),                                                                               \
		ROW("algorithm", NAMES, owner, member.algorithms, .word = "NAME",                                                  \
		    .help = "An algorithm that tokens may be signed by, of " JWT_ALGORITHM_WORDS ". "                              \
			    "Default: all of these."),                                                                             \
		ROW("clock-skew", DURATION, owner, member.skew_ns, .fallback = "1m", .or_none = true,                              \
		    .help = "How far an issuer's clock may differ; 5 minutes at most."),                                           \
		ROW("api-keys", TEXT, owner, member.api_keys, .word = "FILE",                                                      \
		    .help = "A file of callers' API keys, `NAME:SHA-256` in each line; they come in the header x-api-key. "        \
			    "A key has at least 22 characters."),                                                                  \
		ROW("policies", TEXT, owner, member.policies, .word = "FILE",                                                      \
		    .help = "A file of who may do what: rows of subject, resource, verb. What no row allows is forbidden."),       \
		ROW("rate", NUMBER, owner, member.rate_per_second, .word = "N", .fallback = "0", .least = 0,                       \
		    .most = ACCESS_RATE_PER_SECOND_MAX,                                                                            \
		    .help = "How many calls a second a caller may make; callers without a credential are distinguished by "        \
			    "their addresses. 0: any number."),                                                                    \
		ROW("burst", INTEGER, owner, member.rate_burst, .word = "N", .fallback = "0", .least = 0,                          \
		    .most = ACCESS_RATE_BURST_MAX,                                                                                 \
		    .help = "How many calls may come at once after a pause; 0: as many as in a second."),                          \
		ROW("proxy", NAMES, owner, member.proxies, .word = "ADDRESS",                                                      \
		    .help = "A proxy, or a network of them as ADDRESS/BITS, whose X-Forwarded-For gives the caller's "             \
			    "address. Default: the header is ignored.")

struct gateway_access { /* starts as `{0}` */
	struct arena *arena;
	struct tls_files key_set_tls;
	struct access_settings settings;
	const struct access_settings *wanted; /* NULL: everybody may do everything */
	bool asks;			      /* callers must authenticate, or policies restrict them */
};

/* Fills in `access`, which borrows from the options and nothing from the files, whose `protection` is
 * what they ask for. CONFIG: an option has no meaning, or the files request protection that the gateway lacks. With
 * --insecure-ignore-security the latter is only noted. To be closed also on failure. */
bool gateway_access_open(struct gateway_access *access, const struct gateway_access_asked *asked,
			 const struct listening_asked *listening, const struct protection *protection,
			 const struct workspace *workspace, struct error *error);
void gateway_access_close(struct gateway_access *access);

/* Whether both are equal, so that an open gateway can keep its settings. */
bool gateway_access_equal(const struct gateway_access *access, const struct gateway_access *other);

/* Checks that the listener does not accept other machines without authentication; else CONFIG. */
bool gateway_access_check_host(const struct gateway_access *access, const struct listening_asked *listening, struct error *error);
