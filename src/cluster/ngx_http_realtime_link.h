
/*
 * ngx_http_realtime_link.h: what this host has to others, by Redis.
 *
 * One worker of the host has it: a connection that publishes what the log has
 * for others (~publish), and one that hears what they say (~receive), which it
 * puts into the log.  So everybody else only knows the log.
 *
 * The worker holds the lease of the zone (shm/~lease).  When it dies another
 * one goes on where it was.  When it is told to go, an heir connects itself,
 * subscribes, and publishes a marker to both: what comes before it is the old
 * one's, what comes behind it the heir's.
 */


#ifndef _NGX_HTTP_REALTIME_LINK_H_INCLUDED_
#define _NGX_HTTP_REALTIME_LINK_H_INCLUDED_


#include "bus/ngx_http_realtime_redis.h"
#include "cluster/ngx_http_realtime_answer.h"
#include "shm/ngx_http_realtime_lease.h"

#include "proto/rt_adapter.h"
#include "proto/rt_channel.h"


/* longest key, in front of all channels */
#define NGX_HTTP_REALTIME_LINK_KEY_MAX       128

/* longest name of a channel; a room has any name */
#define NGX_HTTP_REALTIME_CHANNEL_MAX   1024

/* namespaces that are listened to */
#define NGX_HTTP_REALTIME_LINK_SPACES   4096

/* broadcasts that wait for Redis's answer */
#define NGX_HTTP_REALTIME_LINK_WINDOW   4096

/* what may wait until an heir has the lease, bytes */
#define NGX_HTTP_REALTIME_LINK_HELD     (16 * 1024 * 1024)

/* how long it may take to give the lease to an heir, ms */
#define NGX_HTTP_REALTIME_LINK_PATIENCE 3000

/* how long the last worker tries to connect for the last words, ms */
#define NGX_HTTP_REALTIME_LINK_LAST     1000


typedef struct {
    ngx_http_realtime_redis_url_t    url;
    ngx_http_realtime_redis_conf_t   publisher;
    ngx_http_realtime_redis_conf_t   subscriber;
    rt_str_t                         key;       /* of the adapter's channels */
} ngx_http_realtime_link_conf_t;


typedef enum {
    NGX_HTTP_REALTIME_LINK_IDLE = 0,
    NGX_HTTP_REALTIME_LINK_HEIR,        /* connects, and publishes a marker */
    NGX_HTTP_REALTIME_LINK_MARKED,      /* has heard it: waits for the lease */
    NGX_HTTP_REALTIME_LINK_HOLDER,
    NGX_HTTP_REALTIME_LINK_PARTING      /* has heard its heir's marker */
} ngx_http_realtime_link_state_e;


/* a namespace in which somebody of this host is */

typedef struct {
    ngx_str_node_t                     node;    /* its name */
    ngx_queue_t                        queue;
    ngx_str_t                          pattern; /* of broadcasts */
    ngx_str_t                          request; /* channel */
    ngx_http_realtime_redis_command_t  hear[2]; /* subscribing to these */
    unsigned                           asked:1; /* that was sent */
    unsigned                           used:1;  /* lately */
} ngx_http_realtime_space_t;


typedef struct ngx_http_realtime_link_s  ngx_http_realtime_link_t;

struct ngx_http_realtime_link_s {
    ngx_http_realtime_link_conf_t       *conf;
    ngx_http_realtime_hub_t             *hub;
    ngx_http_realtime_cluster_t         *shared;
    ngx_log_t                           *log;
    ngx_http_realtime_link_state_e       state;

    ngx_http_realtime_redis_t            publisher;
    ngx_http_realtime_redis_t            subscriber;
    u_char                               own[16];       /* a channel: rt:bus: */
    u_char                               mark[24];      /* an heir's */
    ngx_msec_t                           going;     /* since it has to go */
    time_t                               complained;

    /* ~publish */

    uint64_t                             at;        /* next in the log */
    uint64_t                             seq;       /* the last one sent */
    ngx_queue_t                          posts;     /* spare */
    ngx_uint_t                           under_way;
    ngx_uint_t                           turn;      /* entries of this turn */
    uint64_t                             lost;      /* as logged */
    ngx_event_t                          catch_up;
    ngx_http_realtime_scratch_t          names;
    ngx_http_realtime_scratch_t          body;

    /* ~subscribe */

    ngx_rbtree_t                         tree;
    ngx_rbtree_node_t                    sentinel;
    ngx_queue_t                          spaces;
    ngx_uint_t                           nspaces;
    time_t                               denied;    /* since; or 0 */
    time_t                               swept;
    ngx_http_realtime_redis_command_t    subscribed;

    /* ~nodes */

    ngx_http_realtime_redis_command_t    count;
    ngx_event_t                          soon;
    ngx_msec_t                           since;     /* "waiting" */

    /* ~receive */

    ngx_queue_t                          held;      /* for an heir */
    size_t                               held_size;
    ngx_http_realtime_peer_t            *peer;      /* ~seen: heard last */
    ngx_http_realtime_scratch_t          text;
    ngx_http_realtime_scratch_t          lists;
    ngx_http_realtime_scratch_t          unified;

    ngx_http_realtime_answers_t          answers;

    /* ~overlap */

    ngx_queue_t                          late;      /* by time */
    ngx_uint_t                           nlate;
    ngx_event_t                          overlap;
    ngx_msec_t                           inherited_at;

    /* set by others, or NULL */

    void                               (*on_up)(ngx_http_realtime_link_t *link);
    void                               (*on_down)(
                                             ngx_http_realtime_link_t *link);
    void                               (*on_drain)(
                                             ngx_http_realtime_link_t *link);
    void                               (*on_people)(
                                             ngx_http_realtime_link_t *link,
                                             rt_str_t nsp, rt_str_t room,
                                             uint64_t people);
    void                                *data;      /* of these */

    unsigned                             publishing:1;
    unsigned                             waiting:1; /* for other nodes */
    unsigned                             asked:1;   /* the own channel too */
    unsigned                             listens:1; /* all is confirmed */
    unsigned                             told:1;    /* heir: knows where the
                                                       holder listens */
    unsigned                             up:1;      /* on_up() was called */
    unsigned                             inherited:1;   /* lately */
    unsigned                             huge:1;    /* a message was too long */
};


/* "link" was zeroed, but for the pointers of others */
void ngx_http_realtime_link_start(ngx_http_realtime_link_t *link,
    ngx_http_realtime_link_conf_t *conf, ngx_http_realtime_hub_t *hub);

/*
 * About once a second, and when something has happened to the holder: takes
 * the lease if nobody has it, or becomes the heir.
 */
void ngx_http_realtime_link_watch(ngx_http_realtime_link_t *link);

/*
 * This worker goes; "stay": others of the zone do not.  Again and again until
 * it answers 0: now it can; "idle": it has nothing more to say.
 */
ngx_uint_t ngx_http_realtime_link_farewell(ngx_http_realtime_link_t *link,
    ngx_uint_t stay, ngx_uint_t idle);

/* at once: somebody else may have the lease */
void ngx_http_realtime_link_stop(ngx_http_realtime_link_t *link);

/* this worker has the lease, and the publisher is ready */
#define ngx_http_realtime_link_up(link)                                       \
    ((link)->state == NGX_HTTP_REALTIME_LINK_HOLDER                           \
     && ngx_http_realtime_redis_ready(&(link)->publisher))

/* by the publisher, as ..._redis_send(); NGX_AGAIN when the link is not up */
ngx_int_t ngx_http_realtime_link_send(ngx_http_realtime_link_t *link,
    ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv);

/* PUBLISH, and nobody wants to know what becomes of it; the same, also by who
   has parted */
ngx_int_t ngx_http_realtime_link_publish(ngx_http_realtime_link_t *link,
    rt_str_t channel, rt_str_t bytes);

/* a message was dropped: counted, and a line in the log, at most once a
   second.  "uid" is the sender's, as it came, "why" a constant */
void ngx_http_realtime_link_refuse(ngx_http_realtime_link_t *link,
    rt_str_t uid, const char *why);

/* for the files of this folder */

/* an entry for all workers, this one too */
void ngx_http_realtime_link_tell(ngx_http_realtime_link_t *link,
    ngx_uint_t type, rt_str_t nsp, uint64_t number);

/* the publisher has nothing under way any more, and this worker parts */
void ngx_http_realtime_link_parted(ngx_http_realtime_link_t *link);

/* the own channel has said "text" */
void ngx_http_realtime_link_marked(ngx_http_realtime_link_t *link,
    rt_str_t text);

/* "listens" is set */
void ngx_http_realtime_link_listens(ngx_http_realtime_link_t *link);


/* ~publish: what is in the log for others */

/* every entry, as it is read; "pos" is where it begins */
void ngx_http_realtime_publish_entry(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e, uint64_t pos);

void ngx_http_realtime_publish_init(ngx_http_realtime_link_t *link);

/* from where the zone says */
void ngx_http_realtime_publish_start(ngx_http_realtime_link_t *link);

/* what is under way may still be answered */
void ngx_http_realtime_publish_stop(ngx_http_realtime_link_t *link);

/* more can be sent again */
void ngx_http_realtime_publish_go_on(ngx_http_realtime_link_t *link);

/* whether the log has anything that others do not have yet */
ngx_uint_t ngx_http_realtime_publish_waits(ngx_http_realtime_zone_t *z);

void ngx_http_realtime_publish_free(ngx_http_realtime_link_t *link);


/* ~subscribe: where it listens */

void ngx_http_realtime_subscribe_init(ngx_http_realtime_link_t *link);

/* somebody is in that namespace */
void ngx_http_realtime_subscribe_add(ngx_http_realtime_link_t *link,
    rt_str_t nsp);

/* a NAMESPACE of the log */
void ngx_http_realtime_subscribe_entry(ngx_http_realtime_link_t *link,
    ngx_http_realtime_entry_t *e);

/* the subscriber is ready, or more can be sent again, or there is more */
void ngx_http_realtime_subscribe_all(ngx_http_realtime_link_t *link);

/* it is not any more */
void ngx_http_realtime_subscribe_lost(ngx_http_realtime_link_t *link);

/*
 * Asks again where it was refused, and ends what nobody needs any more; about
 * once a second.
 */
void ngx_http_realtime_subscribe_sweep(ngx_http_realtime_link_t *link);

/* to requests no more, for an heir does */
void ngx_http_realtime_subscribe_part(ngx_http_realtime_link_t *link);

/* the namespace of that name, or NULL */
ngx_http_realtime_space_t *ngx_http_realtime_subscribe_find(
    ngx_http_realtime_link_t *link, rt_str_t nsp);

void ngx_http_realtime_subscribe_free(ngx_http_realtime_link_t *link);


/* ~overlap: while two of this host listen */

void ngx_http_realtime_overlap_init(ngx_http_realtime_link_t *link);

/* it has the lease, and is not the first one */
void ngx_http_realtime_overlap_begin(ngx_http_realtime_link_t *link);

/* any request: whoever is counted answers, this one besides or instead */
void ngx_http_realtime_overlap_request(ngx_http_realtime_link_t *link,
    const rt_adapter_t *m);

void ngx_http_realtime_overlap_free(ngx_http_realtime_link_t *link);


/* ~nodes: how many there are */

void ngx_http_realtime_nodes_init(ngx_http_realtime_link_t *link);

/*
 * NGX_OK: what was said may be published.  NGX_AGAIN: Redis was away, and not
 * all are back: publish_start() follows.
 */
ngx_int_t ngx_http_realtime_nodes_wait(ngx_http_realtime_link_t *link);

/* about once a second */
void ngx_http_realtime_nodes_watch(ngx_http_realtime_link_t *link);

/* nothing follows any more */
void ngx_http_realtime_nodes_stop(ngx_http_realtime_link_t *link);


/* ~receive: what others say */

/* callback of the subscriber */
void ngx_http_realtime_receive(ngx_http_realtime_redis_t *redis,
    redisReply *reply);

/*
 * ~seen: the number of a broadcast, if it has one.  NGX_DECLINED: it has come
 * already.
 */
ngx_int_t ngx_http_realtime_seen(ngx_http_realtime_link_t *link, rt_str_t uid,
    rt_str_t bytes);

/* what was held is taken now */
void ngx_http_realtime_receive_held(ngx_http_realtime_link_t *link);

/* about once a second: what huge messages took goes back to the system */
void ngx_http_realtime_receive_trim(ngx_http_realtime_link_t *link);

void ngx_http_realtime_receive_free(ngx_http_realtime_link_t *link);


#endif /* _NGX_HTTP_REALTIME_LINK_H_INCLUDED_ */
