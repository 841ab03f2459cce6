
/*
 * ngx_http_realtime_scripts.h: what all hosts know, as Redis has it: every
 * step is a Lua script, for Redis 6 and newer.
 *
 * They are string literals, as SQL is in store/statements: the module needs
 * nothing beside itself and building it nothing but a C compiler, and parts
 * that scripts share are literals, too.
 *
 * Each touches KEYS[1] and nothing else, so that a cluster can execute it.
 * Each may be executed again when nobody knows whether it was: what is stored
 * is then the same, and the answer tells what is so now.  What only removes or
 * extends works while Redis has no memory left; what would store more is then
 * refused with OOM, before it has changed anything.
 *
 * H is a host: letters, digits, "-", "_" and ".".  Other words are any bytes.
 * Numbers are decimal, times are ms, Redis's clock is the only one.  Answers
 * are arrays; those in braces are lists, empty ones too; flags are 0 or 1.
 */


#ifndef _NGX_HTTP_REALTIME_SCRIPTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_SCRIPTS_H_INCLUDED_


#include "base/rt.h"


/* how long what nobody refreshes is kept, as text: it is part of scripts */

#define NGX_HTTP_REALTIME_SCRIPT_LIFE   "3600000"   /* room, presence */
#define NGX_HTTP_REALTIME_SCRIPT_DAY    "86400000"  /* custom status, offline */
#define NGX_HTTP_REALTIME_SCRIPT_CONN   "180000"    /* connection */
#define NGX_HTTP_REALTIME_SCRIPT_HOSTS  "7200000"   /* longer than its rooms */
#define NGX_HTTP_REALTIME_SCRIPT_TYPED  "60000"     /* typing that is over is
                                                       kept for the purge */
#define NGX_HTTP_REALTIME_SCRIPT_HEX    40          /* characters of a SHA-1 */


typedef enum {

    /*
     * A room.  People are users, with however many hosts, and anonymous
     * sockets; "total" counts them.  "quiet": nobody is told who comes.
     */

    /*
     * H user quiet max: first, total, refused.  First: no other host had the
     * user before H.  "max": people at most, 0: any number; who is refused is
     * not stored.
     */
    NGX_HTTP_REALTIME_SCRIPT_ROOM_JOIN = 0,

    /* H user: last, total.  Last: no host has the user now */
    NGX_HTTP_REALTIME_SCRIPT_ROOM_LEAVE,

    /* H count quiet: total.  "count": all anonymous sockets of H there */
    NGX_HTTP_REALTIME_SCRIPT_ROOM_ANON,

    /* total */
    NGX_HTTP_REALTIME_SCRIPT_ROOM_READ,

    /*
     * H quiet count whole again user...: total, {first}, {gone}.  H has these
     * users; "whole": and no others.  First: whom this call brought and no
     * host had; "again", when the answer of an earlier call was lost: whom no
     * other host had before H.  Gone: whom no host has now.
     */
    NGX_HTTP_REALTIME_SCRIPT_ROOM_SYNC,

    /* H: total, {gone}, anonymous sockets gone, quiet.  H has nobody there */
    NGX_HTTP_REALTIME_SCRIPT_ROOM_PURGE,

    /*
     * A user's presence.  An empty "custom" keeps what is stored.
     */

    /*
     * H status custom mode: changed, status, custom.  Mode "connect": the
     * status counts if no host had the user; changed: no other had it before
     * H.  "sync": the same, but changed: no host had it before this call.
     * "set": it counts and has changed in any case.
     */
    NGX_HTTP_REALTIME_SCRIPT_PRES_ON,

    /* H: last, custom, had.  Had: H had the user; also to purge */
    NGX_HTTP_REALTIME_SCRIPT_PRES_OFF,

    /* online, status, custom */
    NGX_HTTP_REALTIME_SCRIPT_PRES_GET,

    /*
     * A thread of a room.  Users in the order in which they began; none are
     * named if nothing has changed.
     */

    /* H user timeout: changed, {users}.  It types, or still does */
    NGX_HTTP_REALTIME_SCRIPT_TYP_START,

    /*
     * H user: changed, {users}.  Changed: in any case, unless another host
     * has the user type.
     */
    NGX_HTTP_REALTIME_SCRIPT_TYP_STOP,

    /* H: changed, {users} */
    NGX_HTTP_REALTIME_SCRIPT_TYP_PURGE,

    /*
     * n window max block: count, left of window or block, time to wait.  As
     * "n" calls of rt_limit_take(), or "-n" of rt_limit_give(), whatever else
     * is said then; to wait: 0 if all were counted.  The only
     * one that is not to be executed again.
     */
    NGX_HTTP_REALTIME_SCRIPT_LIMIT,

    /* H user namespace since: none.  A connection is there, or still is */
    NGX_HTTP_REALTIME_SCRIPT_CONN_SET,

    /*
     * The hosts.  One is known from HOST_BEAT with "begin" until another one
     * has found its lease ended; then it is purged, by one that has claimed
     * it, and its name is not to be used any more.
     */

    /*
     * H lease begin: known.  0: it is not known, and stays so; with "begin":
     * it is being purged, another name is wanted.
     */
    NGX_HTTP_REALTIME_SCRIPT_HOST_BEAT,

    /*
     * self claim: a host that is to be purged, within the time of the claim,
     * or no element.
     */
    NGX_HTTP_REALTIME_SCRIPT_HOST_EXPIRED,

    /* H claim: claimed still.  More time for whoever purges it */
    NGX_HTTP_REALTIME_SCRIPT_HOST_PURGING,

    /* H own: none.  It is purged; "own": by itself, and writes no more */
    NGX_HTTP_REALTIME_SCRIPT_HOST_PURGED,

    /* H: none.  It ends, and is to be purged at once */
    NGX_HTTP_REALTIME_SCRIPT_HOST_LEAVE,

    NGX_HTTP_REALTIME_SCRIPTS
} ngx_http_realtime_script_e;


typedef struct {
    const char  *name;
    unsigned     args;          /* in ARGV; of ROOM_SYNC: at least */
    const char  *text;
} ngx_http_realtime_script_t;


/* by ngx_http_realtime_script_e */
extern const ngx_http_realtime_script_t
    ngx_http_realtime_scripts[NGX_HTTP_REALTIME_SCRIPTS];

/*
 * By what EVALSHA calls it: ..._SCRIPT_HEX characters to "dst", without \0.
 * RT_ERROR: libcrypto could not.
 */
rt_int_t ngx_http_realtime_script_sha1(
    const ngx_http_realtime_script_t *script, u_char *dst);


#endif /* _NGX_HTTP_REALTIME_SCRIPTS_H_INCLUDED_ */
