
#include "store/ngx_http_realtime_pg_error.h"


typedef struct {
    ngx_http_realtime_pg_trouble_e   trouble;
    const char                      *text;
    const char                      *remedy;
} ngx_http_realtime_pg_known_t;


typedef struct {
    const char  *sqlstate;
    const char  *remedy;
} ngx_http_realtime_pg_state_t;


/* libpq has no codes for these, only words; the first that fits */

static const ngx_http_realtime_pg_known_t  ngx_http_realtime_pg_known[] = {
    { NGX_HTTP_REALTIME_PG_PASSWORD, "password authentication failed",
      "check user and password of the URL" },
    { NGX_HTTP_REALTIME_PG_PASSWORD, "SASL authentication failed",
      "check user and password of the URL" },
    { NGX_HTTP_REALTIME_PG_NO_PASSWORD, "no password supplied",
      "the URL needs a password" },
    { NGX_HTTP_REALTIME_PG_HBA, "pg_hba.conf",
      "pg_hba.conf of the server has to let this host and user in" },
    { NGX_HTTP_REALTIME_PG_CERTIFICATE, "certificate verify failed",
      "check sslrootcert: it has to hold the authority of the server's "
      "certificate" },
    { NGX_HTTP_REALTIME_PG_NAME, "server certificate for",
      "the host of the URL has to be a name of the server's certificate" },
    { NGX_HTTP_REALTIME_PG_CERTIFICATE, "root certificate file",
      "check sslrootcert" },
    { NGX_HTTP_REALTIME_PG_NO_TLS, "server does not support SSL",
      "turn on ssl at the server, or change sslmode" },
    { NGX_HTTP_REALTIME_PG_TOO_MANY, "too many connections",
      "raise max_connections of the server, or use smaller pools" },
    { NGX_HTTP_REALTIME_PG_TOO_MANY, "too many clients",
      "raise max_connections of the server, or use smaller pools" },
    { NGX_HTTP_REALTIME_PG_TOO_MANY, "remaining connection slots",
      "raise max_connections of the server, or use smaller pools" },
    { NGX_HTTP_REALTIME_PG_TOO_MANY, "no more connections allowed",
      "raise max_client_conn of PgBouncer, or use smaller pools" },
    { NGX_HTTP_REALTIME_PG_STARTING, "the database system is", NULL },
    { NGX_HTTP_REALTIME_PG_DENIED, "permission denied",
      "GRANT CONNECT on the database to the user of the URL" },
    { NGX_HTTP_REALTIME_PG_DATABASE, "database \"",
      "create the database, or check its name in the URL" },
    { NGX_HTTP_REALTIME_PG_DATABASE, "no such database",
      "create the database, or check its name in the URL" },
    { NGX_HTTP_REALTIME_PG_ROLE, "role \"",
      "create the role, or check the user of the URL" },
    { NGX_HTTP_REALTIME_PG_REFUSED, "Connection refused",
      "check that the server runs and listens at that host and port" },
    { NGX_HTTP_REALTIME_PG_NO_SOCKET, "No such file or directory",
      "check that the server runs and that its socket is there" },
    { NGX_HTTP_REALTIME_PG_UNRESOLVED, "cannot be resolved",
      "check the host of the URL and the \"resolver\" of http{}" },
    { NGX_HTTP_REALTIME_PG_OTHER, NULL, NULL }
};


static const ngx_http_realtime_pg_state_t  ngx_http_realtime_pg_states[] = {
    { "42P01", "run \"realtimectl init\"" },
    { "42703", "run \"realtimectl init\"" },
    { "42883", "run \"realtimectl init\"" },
    { "3F000", "run \"realtimectl init\"" },
    { "42501", "GRANT the rights to the user of the URL" },
    { "53100", "the server's disk is full" },
    { "25006", "the server is a standby: target_session_attrs=read-write "
      "finds the other one" },
    { "57014", "raise the statement timeout, if it is not too long already" },
    { NULL, NULL }
};


ngx_http_realtime_pg_trouble_e
ngx_http_realtime_pg_trouble(ngx_str_t *reason, const char **remedy)
{
    const ngx_http_realtime_pg_known_t  *k;

    for (k = ngx_http_realtime_pg_known; k->text; k++) {
        if (ngx_strlcasestrn(reason->data, reason->data + reason->len,
                             (u_char *) k->text, ngx_strlen(k->text) - 1))
        {
            break;
        }
    }

    *remedy = k->remedy;

    return k->trouble;
}


ngx_uint_t
ngx_http_realtime_pg_definite(ngx_http_realtime_pg_trouble_e t)
{
    switch (t) {

    case NGX_HTTP_REALTIME_PG_PASSWORD:
    case NGX_HTTP_REALTIME_PG_NO_PASSWORD:
    case NGX_HTTP_REALTIME_PG_HBA:
    case NGX_HTTP_REALTIME_PG_DENIED:
    case NGX_HTTP_REALTIME_PG_DATABASE:
    case NGX_HTTP_REALTIME_PG_ROLE:
        return 1;

    default:
        return 0;
    }
}


void
ngx_http_realtime_pg_explain(PGresult *res, ngx_http_realtime_pg_error_t *e)
{
    const char                          *state, *text;
    const ngx_http_realtime_pg_state_t  *s;

    ngx_memzero(e, sizeof(ngx_http_realtime_pg_error_t));

    state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (state == NULL || text == NULL) {
        ngx_str_set(&e->message, "no result");
        return;
    }

    (void) ngx_cpystrn((u_char *) e->sqlstate, (u_char *) state,
                       sizeof(e->sqlstate));

    /* data exceptions repeat the data */

    if (ngx_strncmp(state, "22", 2) == 0) {
        ngx_str_set(&e->message, "a value does not fit its type");

    } else {
        e->message.data = (u_char *) text;
        e->message.len = ngx_strlen(text);
    }

    for (s = ngx_http_realtime_pg_states; s->sqlstate; s++) {
        if (ngx_strcmp(s->sqlstate, state) == 0) {
            e->remedy = s->remedy;
            return;
        }
    }
}
