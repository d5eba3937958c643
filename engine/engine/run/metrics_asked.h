/* metrics_asked.h: Options of the port for metrics: its address and its TLS, and their checks. */
#pragma once

#include "base/option.h"
#include "engine/run/listening.h"
#include "compiler/resources/protection.h"

struct metrics_address {
	char host[256]; /* "": loopback */
	int port;	/* 0: any free one */
};

/* Reads `PORT`, or `HOST:PORT` with an IPv6 address in brackets. False: CONFIG, with the reason. */
bool metrics_address_read(const char *text, struct metrics_address *address, struct error *error);

/* Options of the command line; METRICS_ROWS fill them. */
struct metrics_asked {
	const char *address; /* NULL: no listener */
	struct tls_files files;
};

#define METRICS_ROWS(owner, member)                                                                                                \
	ROW("metrics", TEXT, owner, member.address, .word = "PORT",                                                                \
	    .help = "Where `/metrics`, `/live` and `/ready` are answered: PORT on this machine alone, or HOST:PORT; 0: a free "    \
		    "port."),                                                                                                      \
		ROW("metrics-certificate", TEXT, owner, member.files.certificate, .word = "FILE",                                  \
		    .help = "A file with the certificate of the port of --metrics, in PEM: it then accepts only TLS. When the "    \
			    "file changes, new connections get the new certificate."),                                             \
		ROW("metrics-key", TEXT, owner, member.files.key, .word = "FILE",                                                  \
		    .help = "A file with that certificate's key, in PEM."),                                                        \
		LISTENING_AUTHORITIES_ROWS(owner, member.files, "metrics-", "who reads metrics")

/* Gives it another port, so many above its own; 0 stays 0. The address is in the arena. CONFIG: it is no address; SYSTEM. */
bool metrics_asked_move(struct metrics_asked *asked, int ports, struct arena *arena, struct error *error);

/* Checks the options alone: the address, and that the files have a certificate, and a port. CONFIG. */
bool metrics_asked_check(const struct metrics_asked *asked, struct error *error);

/* Whether the listener has TLS where the files ask for encryption (`protection`), or serves this machine alone. Else CONFIG. */
bool metrics_check_protection(const struct metrics_asked *asked, const struct protection *protection, struct error *error);
