
/*
 * rt_pid.h: what a client shows to get back what it had (connection state
 * recovery): 20 characters of base64url that lead to its socket's record and
 * that nobody else can make.
 *
 * 4 bytes of reference, and 88 bits of HMAC-SHA256 over reference, socket id
 * and namespace.  A pid is good as long as the record is that socket's, so it
 * is stored nowhere.
 *
 * Knows no records: what is at a reference is the caller's affair.  Leaves
 * nothing in OpenSSL's queue of errors.
 */


#ifndef _RT_PID_H_INCLUDED_
#define _RT_PID_H_INCLUDED_


#include "base/rt.h"
#include "base/rt_arena.h"
#include "base/rt_id.h"


#define RT_PID_LEN      20

/* bytes of the longest namespace, as proto/rt_sio.h takes it */
#define RT_PID_MAX_NSP  128


/* random bytes, the same for all who are to know each other's pids */

typedef struct {
    u_char  key[32];
} rt_pid_key_t;


/*
 * Writes the pid of the socket "id" (RT_ID_LEN bytes) in the namespace, whose
 * record is "ref": RT_PID_LEN characters.  RT_ERROR, and nothing is written:
 * the namespace is too long, or libcrypto could not.
 */
rt_int_t rt_pid_make(u_char *dst, const rt_pid_key_t *key, rt_ref_t ref,
    const u_char *id, rt_str_t nsp);

/*
 * Where a pid leads, if it is that of the socket that is there: rt_pid_is()
 * will tell.  RT_ERROR, and "*ref" is left, when it has not the form of a pid.
 */
rt_int_t rt_pid_ref(rt_str_t pid, rt_ref_t *ref);

/*
 * Whether "pid" is what rt_pid_make() writes; how long that takes says nothing
 * of how much of it is right.
 */
int rt_pid_is(rt_str_t pid, const rt_pid_key_t *key, rt_ref_t ref,
    const u_char *id, rt_str_t nsp);


#endif /* _RT_PID_H_INCLUDED_ */
