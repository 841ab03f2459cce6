
/*
 * ngx_http_realtime_keep.h: shared memory that outlives its master process.
 *
 * A binary upgrade executes a new master, and what the old one had mapped is
 * not there any more; but open descriptors are.  So a zone lies in a memfd
 * with a name, where the new master finds it (~inherit).  A label in the last
 * page, behind what nginx knows of, says what it is.
 *
 * Where there is no memfd the zone is as nginx made it, and the new master
 * starts with an empty one.  What lies in a zone is not known here.
 */


#ifndef _NGX_HTTP_REALTIME_KEEP_H_INCLUDED_
#define _NGX_HTTP_REALTIME_KEEP_H_INCLUDED_


#include "shm/ngx_http_realtime.h"

#include <stdatomic.h>


/*
 * To be raised whenever anything that lies in a zone, the log or the rows
 * changes its layout or meaning: the workers of two binaries have them
 * together.
 */
#ifndef NGX_HTTP_REALTIME_ZONE_LAYOUT
#define NGX_HTTP_REALTIME_ZONE_LAYOUT  8
#endif

/* the system allows names of 249 bytes */
#define NGX_HTTP_REALTIME_KEEP_NAME   "ngx_realtime:"
#define NGX_HTTP_REALTIME_KEEP_LEN    249

#define NGX_HTTP_REALTIME_KEEP_MAGIC  0x316c61626c65746bULL

/* in the epoch: a master goes on without the zone */
#define NGX_HTTP_REALTIME_KEEP_GIVEN_UP  0x80000000

/* eventfds that a label has place for */
#define NGX_HTTP_REALTIME_KEEP_WAKES  256


/*
 * In shared memory, of all masters and workers that have the zone.  The
 * descriptors are those of the master that wrote them last; others have as
 * many of them under the same numbers as they have at all.  They and what
 * stands before them are for ever where they are: another layout, which may
 * be that of the rest, is to be told, and the descriptors to be closed.
 */

typedef struct {
    uint64_t          magic;
    uint32_t          layout;           /* of what lies in the zone */
    uint32_t          wakes;
    int32_t           wake[NGX_HTTP_REALTIME_KEEP_WAKES];
    uint16_t          pool[4];          /* how nginx lays out slab pools */
    uint64_t          size;             /* bytes, as nginx knows it */
    uint64_t          addr;             /* where it is mapped, everywhere */
    _Atomic uint32_t  epoch;            /* configurations that began with it,
                                           and the mark below */
} ngx_http_realtime_label_t;


/* what a master has of one memfd; shared by the cycles that use it */

typedef struct {
    ngx_http_realtime_label_t  *label;
    ngx_fd_t                    fd;     /* NGX_INVALID_FILE: not kept */
    ngx_uint_t                  uses;
    u_char                     *found;  /* mapped, and not nginx's yet */
    ngx_uint_t                  adopted;        /* from an old master */
} ngx_http_realtime_keep_t;


/*
 * New memory for a zone that nginx has just mapped and set up: "shm" has
 * another address afterwards.  NULL after a logged error; the caller has one
 * use of what it gets.
 */
ngx_http_realtime_keep_t *ngx_http_realtime_keep_make(ngx_shm_zone_t *shm,
    uint32_t layout);

/* gives the zone what was found instead of what nginx mapped */
void ngx_http_realtime_keep_move(ngx_http_realtime_keep_t *keep,
    ngx_shm_zone_t *shm);

/* one more use; returns "keep" */
ngx_http_realtime_keep_t *ngx_http_realtime_keep_share(
    ngx_http_realtime_keep_t *keep);

/*
 * One use less.  With the last one the descriptor is closed; nginx unmaps the
 * zone itself.  Workers that still have it are told by the epoch.
 */
void ngx_http_realtime_keep_release(ngx_http_realtime_keep_t *keep);

/* for ~inherit */

/* where the label is in the memfd of a zone of "size" bytes */
off_t ngx_http_realtime_keep_end(size_t size);

/* maps it, or without an "fd" a new one; NULL with errno */
ngx_http_realtime_label_t *ngx_http_realtime_keep_map(ngx_fd_t fd,
    size_t size);

/* what in a label does not fit the zone, or NULL */
const char *ngx_http_realtime_keep_differs(ngx_http_realtime_label_t *label,
    ngx_shm_zone_t *shm, uint32_t layout);


#endif /* _NGX_HTTP_REALTIME_KEEP_H_INCLUDED_ */
