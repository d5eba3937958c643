/* model_server.h: Built-in model server: serves the models of files over REST and gRPC, on a loop. For `sluice models
 * serve`, `sluice dev`, and cases of `sluice test` on Kafka.
 *
 * It belongs to its loop's thread.
 */
#pragma once

#include "base/option.h"
#include "compiler/resources/protection.h"
#include "compiler/resources/resource.h"
#include "compiler/yaml/workspace.h"
#include "models/server/catalog.h"
#include "net/loop.h"
#include "net/tls.h"

/* Conversion of a spec's resources into models of a catalog. */

/* Puts every Model into the catalog, and every model that a step itself locates, unless it is on another
 * server, or its Model says where it is served and the step only where its artifact is, or the step is built in. `only`: the models
 * that this name fits; NULL: all. `*count` grows by the number of models that were put. */
bool catalog_take_spec(struct catalog *catalog, const struct spec *spec, const char *only, size_t *count, struct error *error);

/* Protection that the files of a model server ask for (compiler/resources/protection.h), compared with what
 * the server was given. Pure.
 *
 * It authenticates callers by certificates alone, and knows no policies: every caller may call all of its models.
 */

/* `files` NULL: it was given none. False: CONFIG at the first part of it that would not be in force. */
bool server_protection_check(const struct protection *protection, const struct tls_files *files, struct error *error);

struct model_server;

/* Borrowed as long as the server lives. */
struct model_server_config {
	const char *host; /* NULL: loopback */
	int rest_port;	  /* 0: any free port */
	int grpc_port;
	const char *const *paths; /* files and folders of YAML; a folder's stubs.json is read too */
	size_t path_count;
	const struct tls_files *files; /* for both protocols; NULL: without TLS */
	struct name_list hosts;	       /* by which requests may address it on loopback (net/host_names.h) */
	bool protects;		       /* serves only with the protection that the files ask for */
	bool keeps_removed;	       /* models that are removed from the files are served on, for pipelines that still run */
	const char *stubs;	       /* another folder of which only stubs.json is read; NULL: none */
};

/* Faults of the files, and models that cannot be served, are reported to the workspace, which is borrowed. NULL: `error` has the
 * reason; its kind is NONE if the reported faults are the reason. */
struct model_server *model_server_open(const struct workspace *workspace, struct loop *loop,
				       const struct model_server_config *config, struct error *error);
void model_server_close(struct model_server *server); /* NULL is fine */

/* Refuses new calls, and answers those that have come. True: none is left. To be called again after each turn. */
bool model_server_drain(struct model_server *server);

/* Loads the certificate again from its files. False: they cannot be used (CONFIG), and the previous one stays. Only
 * with TLS. */
bool model_server_reload_tls(struct model_server *server, struct error *error);

int model_server_rest_port(const struct model_server *server);
int model_server_grpc_port(const struct model_server *server);
const struct catalog_model *model_server_first(const struct model_server *server); /* first of its models; `next` leads on */

/* The number of calls of the model so far; *name: its name on this server. */
uint64_t model_server_calls(struct model_server *server, const char *model, const char **name);

/* Reads the models again from their files. A model that a client unloaded stays unloaded. False: as model_server_open(), or a
 * model that is ready could not be served any more; nothing changes. */
bool model_server_reread(struct model_server *server, struct error *error);
