
#include "bus/ngx_http_realtime_redis_error.h"


typedef struct {
    ngx_http_realtime_redis_trouble_e   trouble;
    const char                         *text;
    const char                         *remedy;
} ngx_http_realtime_redis_known_t;


static const ngx_http_realtime_redis_known_t *
    ngx_http_realtime_redis_look_up(ngx_str_t *reason);


#define known(trouble)  NGX_HTTP_REALTIME_REDIS_##trouble

/* the words of Redis, nginx and OpenSSL; the first that fits */

static const ngx_http_realtime_redis_known_t  ngx_http_realtime_redis_says[] = {
    { known(PASSWORD), "WRONGPASS", "check user and password of the URL" },
    { known(PASSWORD), "invalid password", "check the password of the URL" },
    { known(PASSWORD), "AUTH was refused",
      "check user and password of the URL" },
    { known(PASSWORD_UNASKED), "without any password configured",
      "the server has no password: take it out of the URL, or set one there" },
    { known(NO_PASSWORD), "NOAUTH", "the URL needs a password" },
    { known(DENIED), "NOPERM",
      "the server's ACL has to let the user of the URL do this" },
    { known(DATABASE), "DB index is out of range",
      "check the number of the database in the URL" },
    { known(DATABASE), "SELECT is not allowed in cluster mode",
      "a cluster has database 0 only" },
    { known(PROTECTED), "protected mode",
      "set a password at the server, and put it into the URL" },
    { known(TOO_MANY), "max number of clients",
      "raise maxclients of the server" },
    { known(LOADING), "LOADING ", "it reads its data, and will be there then" },
    { known(MASTER_DOWN), "MASTERDOWN",
      "the server is a replica without its master" },
    { known(READONLY), "READONLY ",
      "the server is a replica: the URL has to name the master" },
    { known(MEMORY), "OOM command not allowed",
      "raise maxmemory of the server, or change its maxmemory-policy" },
    { known(DISK), "MISCONF ",
      "the server cannot save its data: see its log and its disk" },
    { known(BUSY), "BUSY Redis is busy",
      "a script at the server takes too long: SCRIPT KILL may end it" },
    { known(CLUSTER_DOWN), "CLUSTERDOWN",
      "see \"redis-cli cluster info\" at the server" },
    { known(NO_CLUSTER), "no node of a cluster",
      "several hosts in the URL are nodes of one cluster: name one host only, "
      "or set \"cluster-enabled yes\" there" },
    { known(NO_SLOTS), "has no slots of a cluster",
      "see \"redis-cli cluster info\" at the server" },
    { known(ASTRAY), "MOVED ",
      "the server is of a cluster, and its ACL has to let the user of the URL "
      "do CLUSTER SLOTS" },
    { known(REFUSED), "Connection refused",
      "check that the server runs and listens at that host and port" },
    { known(NO_SOCKET), "No such file or directory",
      "check that the server runs and that its socket is there" },
    { known(NO_RIGHT), "Permission denied",
      "nginx's user needs the right to write to the socket: see "
      "unixsocketperm of the server" },
    { known(CERTIFICATE), "certificate cannot be verified",
      "the file of authorities has to hold that of the server's "
      "certificate" },
    { known(NAME), "certificate is not for",
      "the host of the URL has to be a name of the server's certificate" },
    { known(CLIENT_CERTIFICATE), "certificate required",
      "the server wants a certificate from its clients: set "
      "\"tls-auth-clients no\" there, or give one" },
    { known(NO_TLS), "wrong version number",
      "the server does not speak TLS at that port: redis:// instead of "
      "rediss://" },
    { known(NO_TLS), "packet length too long",
      "the server does not speak TLS at that port: redis:// instead of "
      "rediss://" },
    { known(NO_TLS), "no TLS in time",
      "the server may not speak TLS at that port: redis:// instead of "
      "rediss://" },
    { known(UNRESOLVED), "cannot be resolved",
      "check the host of the URL and the \"resolver\" of http{}" },
    { known(TIMEOUT), "in time",
      "check that the server runs and has not too much to do, and that no "
      "firewall is between" },
    { known(STRANGE), "not understood",
      "check that it is a Redis that listens there" },
    { known(SHUT), "before it answered",
      "if the server speaks TLS at that port, the URL begins with rediss://" },
    { known(OTHER), NULL, NULL }
};

#undef known


static const ngx_http_realtime_redis_known_t *
ngx_http_realtime_redis_look_up(ngx_str_t *reason)
{
    const ngx_http_realtime_redis_known_t  *k;

    for (k = ngx_http_realtime_redis_says; k->text; k++) {
        if (ngx_strlcasestrn(reason->data, reason->data + reason->len,
                             (u_char *) k->text, ngx_strlen(k->text) - 1))
        {
            break;
        }
    }

    return k;
}


ngx_http_realtime_redis_trouble_e
ngx_http_realtime_redis_trouble(ngx_str_t *reason, const char **remedy)
{
    const ngx_http_realtime_redis_known_t  *k;

    k = ngx_http_realtime_redis_look_up(reason);

    *remedy = k->remedy;

    return k->trouble;
}


void
ngx_http_realtime_redis_explain(redisReply *reply,
    ngx_http_realtime_redis_error_t *e)
{
    u_char                                 *p, *end;
    const ngx_http_realtime_redis_known_t  *k;

    e->message.data = (u_char *) reply->str;
    e->message.len = reply->len;
    end = e->message.data + e->message.len;

    /* that of an unknown command repeats what was sent */

    p = ngx_strlcasestrn(e->message.data, end, (u_char *) ", with args", 10);

    if (p) {
        e->message.len = p - e->message.data;
        end = p;
    }

    p = ngx_strlchr(e->message.data, end, ' ');

    e->code.data = e->message.data;
    e->code.len = p ? (size_t) (p - e->message.data) : e->message.len;

    k = ngx_http_realtime_redis_look_up(&e->message);

    e->trouble = k->trouble;
    e->remedy = k->remedy;
    e->known = k->text;
}
