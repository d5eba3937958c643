/* model_server.h: the built-in model server: the models of files, behind doors for REST and
 * gRPC, on a loop. For `sluice models serve` and `sluice dev`.
 *
 * Belongs to its loop's thread.
 */
#ifndef SLUICE_CLI_MODEL_SERVER_H
#define SLUICE_CLI_MODEL_SERVER_H

#include "cli/command.h"
#include "net/loop.h"
#include "net/tls.h"
#include "serving/catalog.h"

struct model_server;

/* Borrowed as long as the server lives. */
struct model_server_config {
	const char *host; /* NULL: loopback */
	int rest_port;	  /* 0: a free one */
	int grpc_port;
	const char *const *paths; /* files and folders of YAML; a folder's stubs.json counts too */
	size_t path_count;
	const struct tls_files *files; /* of both protocols; NULL: without TLS */
	const char *stubs; /* a folder whose stubs.json alone counts, too; NULL: none */
};

/* Faults of the files, and models that cannot be served, are said on the session's `err`.
 * NULL: `error` says why, or its kind is NONE when the faults did. */
struct model_server *model_server_open(struct session *session, struct loop *loop, const struct model_server_config *config,
				       struct error *error);
void model_server_close(struct model_server *server); /* NULL is fine */

/* No new calls from now on, what has come is answered; true once none is left. To be asked again after each turn. */
bool model_server_drain(struct model_server *server);

/* The certificate as its files say now. False: they cannot be used (CONFIG), and the one before stays. With TLS alone. */
bool model_server_reload_tls(struct model_server *server, struct error *error);

int model_server_rest_port(const struct model_server *server);
int model_server_grpc_port(const struct model_server *server);
const struct catalog_model *model_server_first(const struct model_server *server); /* of its models, and on by `next` */

/* That were put to the model so far; *name: what it is called here. */
uint64_t model_server_calls(struct model_server *server, const char *model, const char **name);

/* The models as their files say now; those that are in no file any more stay. False: as
 * model_server_open(). */
bool model_server_reread(struct model_server *server, struct error *error);

#endif
