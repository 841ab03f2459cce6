
/*
 * ngx_http_realtime_state.h: what all hosts know of rooms, users and
 * connections: this host's part of it is kept in Redis, and what others have
 * to be told is decided there.
 *
 * The worker that has the link takes facts (shm/~facts) in their order and
 * makes a call of a script of each (~state_fact); many are under way at once.
 * The answers are announced (~state_answer), in that order, and "done" moves
 * behind them: so the next worker that has the link sends what was not
 * answered once more.
 *
 * Limits are no announcements: what was counted here is added up for a moment
 * (~state_limit), and what Redis says of it goes into this host's own count.
 *
 * While Redis is away facts are announced as this host knows them, here only.
 * When it is back the host has another name, its uid and the number of its
 * incarnation, under which all of it is written anew (~state_sync), and what
 * was written under the old one is purged (~state_host), as it is for a host
 * that has vanished.
 */


#ifndef _NGX_HTTP_REALTIME_STATE_H_INCLUDED_
#define _NGX_HTTP_REALTIME_STATE_H_INCLUDED_


#include "cluster/ngx_http_realtime_link.h"
#include "cluster/ngx_http_realtime_scripts.h"
#include "hub/ngx_http_realtime_announce.h"
#include "hub/ngx_http_realtime_peers.h"
#include "hub/ngx_http_realtime_presence.h"
#include "hub/ngx_http_realtime_typing.h"


/* calls under way, of facts and of others */
#define NGX_HTTP_REALTIME_STATE_WINDOW  1024

/* facts that are taken in one go */
#define NGX_HTTP_REALTIME_STATE_BATCH   256

/* a host that is silent for so long is taken for dead; ms */
#define NGX_HTTP_REALTIME_STATE_LEASE   "10000"

/* how long it takes at most to purge another one before somebody else does */
#define NGX_HTTP_REALTIME_STATE_CLAIM   "10000"

/* how long Redis may be gone before it is away, ms */
#define NGX_HTTP_REALTIME_STATE_GRACE   1000

/* how often what is here is written again, so that it lives on, s */
#define NGX_HTTP_REALTIME_STATE_REFRESH  900

/* name of a host: uid, ".", number */
#define NGX_HTTP_REALTIME_STATE_HOST    32

/* a key: prefix, namespace, room or user, thread */
#define NGX_HTTP_REALTIME_STATE_KEY     2048


typedef struct ngx_http_realtime_state_s  ngx_http_realtime_state_t;
typedef struct ngx_http_realtime_state_call_s
    ngx_http_realtime_state_call_t;


/*
 * A command under way.  "argv" and what it points to, "fact" too, lie behind
 * it.  "answered" is called once, with "reply" NULL when it was refused for
 * what it is.
 */

struct ngx_http_realtime_state_call_s {
    ngx_http_realtime_redis_command_t   cmd;
    ngx_queue_t                         queue;
    ngx_http_realtime_state_t          *st;
    ngx_int_t                           script;     /* or -1 */
    ngx_uint_t                          argc;
    ngx_str_t                          *argv;
    void                              (*answered)(
                                            ngx_http_realtime_state_call_t *c,
                                            redisReply *reply);
    uint64_t                            end;    /* of the fact; 0: none */
    ngx_http_realtime_fact_t            fact;
    uint8_t                             flags;  /* of what is announced */
    unsigned                            done:1;
    unsigned                            again:1;    /* with its text */
};


typedef struct {
    u_char   name[NGX_HTTP_REALTIME_STATE_HOST];
    size_t   len;
} ngx_http_realtime_state_host_t;


struct ngx_http_realtime_state_s {
    ngx_http_realtime_link_t        *link;
    ngx_http_realtime_hub_t         *hub;
    ngx_http_realtime_facts_t       *facts;
    ngx_log_t                       *log;
    ngx_http_realtime_state_host_t   self;
    u_char                           sha1[NGX_HTTP_REALTIME_SCRIPTS]
                                         [NGX_HTTP_REALTIME_SCRIPT_HEX];

    uint64_t                         pos;       /* next fact */
    ngx_queue_t                      calls;     /* in order */
    ngx_uint_t                       n;         /* how many */
    u_char                          *buf;       /* a fact */
    size_t                           size;
    ngx_event_t                      soon;      /* there is more to do */
    ngx_msec_t                       since;     /* Redis is gone */
    ngx_http_realtime_redis_trouble_e  trouble; /* as logged */
    time_t                           complained;
    uint64_t                         dropped;   /* as seen */

    /* ~state_sync */

    uint32_t                         bucket;    /* next one */
    time_t                           refreshed;
    ngx_http_realtime_scratch_t      snapshot;

    /* ~state_host */

    time_t                           beaten;
    ngx_http_realtime_state_host_t   dead;      /* is being purged; len 0: no */
    ngx_uint_t                       stage;     /* kind of keys */
    u_char                           cursor[24];
    ngx_uint_t                       purging;   /* calls under way for it */
    ngx_rbtree_t                     limits;    /* to be counted, by key */
    ngx_rbtree_node_t                nobody;    /* its sentinel */
    ngx_queue_t                      counts;    /* the same, in order */
    ngx_uint_t                       ncounts;
    ngx_event_t                      count;     /* they are due */
    uint64_t                         snapped;   /* "snapshot" was taken; ms */
    ngx_uint_t                       old;       /* an own one is to be purged */

    unsigned                         active:1;  /* has the link */
    unsigned                         up:1;      /* it is there */
    unsigned                         known:1;   /* Redis has taken our name */
    unsigned                         syncing:1;
    unsigned                         own:1;     /* "dead" is an old one of
                                                   ours */
    unsigned                         renew:1;   /* under another name */
    unsigned                         parted:1;  /* said so */
    unsigned                         scoped:1;  /* presence is told to rooms */
    unsigned                         asked:1;   /* for a dead one */
};


/* "link" was wired to nobody else */
void ngx_http_realtime_state_start(ngx_http_realtime_state_t *st,
    ngx_http_realtime_link_t *link, ngx_http_realtime_hub_t *hub);

/* about once a second */
void ngx_http_realtime_state_watch(ngx_http_realtime_state_t *st);

/* it was woken: there may be facts */
void ngx_http_realtime_state_poke(ngx_http_realtime_state_t *st);

/*
 * This worker goes; "last": and the host with it.  Whether it has to stay for
 * what is under way.
 */
ngx_uint_t ngx_http_realtime_state_farewell(ngx_http_realtime_state_t *st,
    ngx_uint_t last);

void ngx_http_realtime_state_stop(ngx_http_realtime_state_t *st);


/* for the files of this part */

/* goes on soon */
void ngx_http_realtime_state_later(ngx_http_realtime_state_t *st);

/* Redis does not do what it should: it is away from now on */
void ngx_http_realtime_state_away(ngx_http_realtime_state_t *st);

/* another name, and all is written anew */
void ngx_http_realtime_state_renew(ngx_http_realtime_state_t *st);

/* ~state_call */

/*
 * A call with "n" arguments of the script, or, with "script" -1, of the "n"
 * words of a command.  With a copy of "f", unless that is NULL.  NULL: no
 * memory.
 */
ngx_http_realtime_state_call_t *ngx_http_realtime_state_call(
    ngx_http_realtime_state_t *st, ngx_int_t script, rt_str_t key,
    const rt_str_t *args, ngx_uint_t n, const ngx_http_realtime_fact_t *f);

/* sends it, behind all that were sent before */
void ngx_http_realtime_state_send(ngx_http_realtime_state_call_t *c);

/* all that are under way are nobody's business any more */
void ngx_http_realtime_state_forget(ngx_http_realtime_state_t *st);

/* "prefix" + name, in "dst" of ..._STATE_KEY bytes */
rt_str_t ngx_http_realtime_state_key(u_char *dst, const char *prefix,
    rt_str_t nsp, rt_str_t name);

/* what such a key without its prefix names */
void ngx_http_realtime_state_parse(rt_str_t key, rt_str_t *nsp,
    rt_str_t *name);

/* element of an answer; 0, or empty, if there is none */
uint64_t ngx_http_realtime_state_number(redisReply *reply, ngx_uint_t i);
rt_str_t ngx_http_realtime_state_text(redisReply *reply, ngx_uint_t i);
redisReply *ngx_http_realtime_state_list(redisReply *reply, ngx_uint_t i);

/* ~state_fact */

/* NGX_OK; NGX_ERROR: no memory */
ngx_int_t ngx_http_realtime_state_fact(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f, uint64_t end);

/* as this host knows it */
void ngx_http_realtime_state_local(ngx_http_realtime_state_t *st,
    ngx_http_realtime_fact_t *f);

/* ~state_answer */

void ngx_http_realtime_state_answered(ngx_http_realtime_state_call_t *c,
    redisReply *reply);

/* somebody has come to a room, or has left it; "total": in it now */
void ngx_http_realtime_state_moved(ngx_http_realtime_state_t *st,
    ngx_http_realtime_announcement_t *a, uint64_t total);

/* asks how many are in the room: what others say of it may come too late */
void ngx_http_realtime_state_count(ngx_http_realtime_state_t *st, rt_str_t nsp,
    rt_str_t room);

/* who types there now; "users" is an array of them */
void ngx_http_realtime_state_typing(ngx_http_realtime_state_t *st,
    ngx_http_realtime_typing_news_t *news, redisReply *users);

/* who waits for the fact is told */
void ngx_http_realtime_state_tell(ngx_http_realtime_state_t *st,
    const ngx_http_realtime_fact_t *f, ngx_uint_t number, rt_str_t status,
    rt_str_t custom);

/* ~state_limit */

void ngx_http_realtime_state_limit_start(ngx_http_realtime_state_t *st);

/* a fact of limits, that ends at "end": to be counted soon, with others */
void ngx_http_realtime_state_limit(ngx_http_realtime_state_t *st,
    const ngx_http_realtime_fact_t *f, uint64_t end);

/* what is to be counted is not any more */
void ngx_http_realtime_state_limit_forget(ngx_http_realtime_state_t *st);

/* ~state_sync */

/* writes some of what is here; NGX_DONE: all is written */
ngx_int_t ngx_http_realtime_state_sync(ngx_http_realtime_state_t *st);

/* whether the fact is about something that is not written yet */
ngx_uint_t ngx_http_realtime_state_unsynced(ngx_http_realtime_state_t *st,
    const ngx_http_realtime_fact_t *f);

/* ~state_host */

/* "begin": the name is a new one */
void ngx_http_realtime_state_beat(ngx_http_realtime_state_t *st,
    ngx_uint_t begin);

/* looks for those who have died */
void ngx_http_realtime_state_bury(ngx_http_realtime_state_t *st);

/* all that the host "number" of ours had is purged */
void ngx_http_realtime_state_purge_own(ngx_http_realtime_state_t *st,
    uint32_t number);

/* goes, and need not be waited for */
void ngx_http_realtime_state_leave(ngx_http_realtime_state_t *st);

/* the name of an incarnation of this host */
void ngx_http_realtime_state_name(ngx_http_realtime_state_t *st,
    uint32_t number, ngx_http_realtime_state_host_t *host);


#endif /* _NGX_HTTP_REALTIME_STATE_H_INCLUDED_ */
