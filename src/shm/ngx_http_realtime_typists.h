
/*
 * ngx_http_realtime_typists.h: who types where, over all workers (state zone).
 *
 * A typist is a socket that types in a thread of a room; who is shown is the
 * user, once, as long as any of its sockets types.  What changes the users of
 * a thread takes its "told" away; whoever announces them sets it again.
 *
 * The state mutex is held throughout.
 */


#ifndef _NGX_HTTP_REALTIME_TYPISTS_H_INCLUDED_
#define _NGX_HTTP_REALTIME_TYPISTS_H_INCLUDED_


#include "shm/ngx_http_realtime_records.h"


/* threads that one socket may type in at once */
#define NGX_HTTP_REALTIME_TYPISTS_MAX  16


/* a thread of a room; a room without threads has one that is not named */

typedef struct {
    rt_str_t    id;                     /* UTF-8 */
    ngx_uint_t  named;                  /* "" is a name too */
} ngx_http_realtime_thread_t;


/*
 * The member types, until "due" (ms since the epoch): NGX_OK with "*ref" of
 * the thread; NGX_BUSY: in too many at once; NGX_DECLINED: the zone is full.
 */
ngx_int_t ngx_http_realtime_typists_start_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member, const ngx_http_realtime_thread_t *thread, uint64_t due,
    rt_ref_t *ref);

/* the thread of a room, or 0 */
rt_ref_t ngx_http_realtime_typists_find_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t room, const ngx_http_realtime_thread_t *thread);

/* it does not any more: the thread, or 0 if it did not */
rt_ref_t ngx_http_realtime_typists_stop_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member, const ngx_http_realtime_thread_t *thread);

/* it types nowhere any more: the thread it stopped in, 0 if there was none */
rt_ref_t ngx_http_realtime_typists_end_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t member);

/* stops one that is due: the thread, or 0 if none is */
rt_ref_t ngx_http_realtime_typists_expire_locked(ngx_http_realtime_zone_t *z,
    uint64_t now);

/* whether the user types there, with whatever socket */
ngx_uint_t ngx_http_realtime_typists_shown_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t thread, rt_ref_t user);

/*
 * The users who type in the thread, each once, in the order in which they
 * began; at most "max".
 */
ngx_uint_t ngx_http_realtime_typists_users_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t thread, rt_ref_t *users, ngx_uint_t max);

/* the members have been told; a thread where nobody types goes */
void ngx_http_realtime_typists_told_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t thread);

/* links a typist into the order of "due" (also when records are relinked) */
void ngx_http_realtime_typists_due_locked(ngx_http_realtime_zone_t *z,
    rt_ref_t ref);


#define NGX_HTTP_REALTIME_TYPIST_THREAD_LINK                                  \
    offsetof(ngx_http_realtime_typist_rec_t, of_thread)

#define NGX_HTTP_REALTIME_TYPIST_DUE_LINK                                     \
    offsetof(ngx_http_realtime_typist_rec_t, by_due)


#endif /* _NGX_HTTP_REALTIME_TYPISTS_H_INCLUDED_ */
