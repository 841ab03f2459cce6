
#include "session/ngx_http_realtime_identity.h"

#include "base/rt_json.h"
#include "chat/rt_name.h"


/* what an identity is written down as; then id and rooms */

typedef struct {
    uint64_t  expires;
    uint32_t  id_len;
    uint32_t  rooms_len;
    uint8_t   has_permissions;
    uint8_t   read;
    uint8_t   write;
    u_char    session[RT_UUID_LEN];
} ngx_http_realtime_identity_head_t;


ngx_http_realtime_identity_t *
ngx_http_realtime_identity_new(const rt_jwt_claims_t *claims,
    const u_char *session, ngx_log_t *log)
{
    u_char                        *p;
    rt_buf_t                       b;
    u_char                         json[RT_USER_MAX * RT_BUF_ESCAPED + 2];
    ngx_http_realtime_identity_t  *who;

    rt_buf_init(&b, json, sizeof(json));
    rt_buf_json(&b, claims->user);

    who = ngx_calloc(sizeof(ngx_http_realtime_identity_t)
                     + 1 + claims->user.len + rt_buf_str(&b).len
                     + claims->rooms.len, log);
    if (who == NULL) {
        return NULL;
    }

    if (session) {
        ngx_memcpy(who->session, session, RT_UUID_LEN);

    } else if (rt_id_uuid(who->session) != RT_OK) {
        ngx_free(who);
        return NULL;
    }

    p = (u_char *) (who + 1);

    who->own = rt_str(1 + claims->user.len, p);
    *p++ = '@';

    who->id = rt_str(claims->user.len, p);
    p = ngx_cpymem(p, claims->user.data, claims->user.len);

    who->json = rt_str(rt_buf_str(&b).len, p);
    p = ngx_cpymem(p, json, who->json.len);

    who->rooms = rt_str(claims->rooms.len, p);

    if (claims->rooms.len) {
        ngx_memcpy(p, claims->rooms.data, claims->rooms.len);
    }

    who->expires = claims->expires;
    who->has_permissions = claims->has_permissions;
    who->read = claims->read;
    who->write = claims->write;

    return who;
}


void
ngx_http_realtime_identity_free(ngx_http_realtime_identity_t *who)
{
    if (who == NULL) {
        return;
    }

    if (who->expiry.timer_set) {
        ngx_del_timer(&who->expiry);
    }

    ngx_free(who);
}


size_t
ngx_http_realtime_identity_write(const ngx_http_realtime_identity_t *who,
    u_char *dst, size_t size)
{
    size_t                             len;
    ngx_http_realtime_identity_head_t  head;

    len = sizeof(head) + who->id.len + who->rooms.len;

    if (len > size) {
        return len;
    }

    ngx_memzero(&head, sizeof(head));

    head.expires = who->expires;
    head.id_len = who->id.len;
    head.rooms_len = who->rooms.len;
    head.has_permissions = who->has_permissions;
    head.read = who->read;
    head.write = who->write;
    ngx_memcpy(head.session, who->session, RT_UUID_LEN);

    dst = ngx_cpymem(dst, &head, sizeof(head));
    dst = ngx_cpymem(dst, who->id.data, who->id.len);

    if (who->rooms.len) {
        ngx_memcpy(dst, who->rooms.data, who->rooms.len);
    }

    return len;
}


ngx_http_realtime_identity_t *
ngx_http_realtime_identity_read(rt_str_t text, ngx_log_t *log)
{
    rt_jwt_claims_t                    claims;
    ngx_http_realtime_identity_head_t  head;

    if (text.len < sizeof(head)) {
        return NULL;
    }

    ngx_memcpy(&head, text.data, sizeof(head));

    if (text.len - sizeof(head) != (size_t) head.id_len + head.rooms_len
        || head.id_len > RT_USER_MAX)
    {
        return NULL;
    }

    ngx_memzero(&claims, sizeof(claims));

    claims.user = rt_str(head.id_len, text.data + sizeof(head));
    claims.rooms = rt_str(head.rooms_len,
                          text.data + sizeof(head) + head.id_len);
    claims.expires = head.expires;
    claims.has_permissions = head.has_permissions;
    claims.read = head.read;
    claims.write = head.write;

    return ngx_http_realtime_identity_new(&claims, head.session, log);
}


ngx_uint_t
ngx_http_realtime_identity_admits(const ngx_http_realtime_identity_t *who,
    rt_str_t room)
{
    return who == NULL
           || who->rooms.len == 0
           || ngx_http_realtime_identity_names(who, room);
}


ngx_uint_t
ngx_http_realtime_identity_names(const ngx_http_realtime_identity_t *who,
    rt_str_t room)
{
    u_char          buf[RT_ROOM_NAME_MAX + 1];
    ssize_t         len;
    rt_str_t        pattern;
    rt_json_iter_t  it;

    if (who == NULL || who->rooms.len == 0) {
        return 0;
    }

    rt_json_each(&it, who->rooms);

    while (rt_json_next(&it, NULL, &pattern) == RT_OK) {

        len = rt_json_decode(pattern, buf, sizeof(buf));

        if (len >= 0 && rt_room_pattern_match(rt_str(len, buf), room)) {
            return 1;
        }
    }

    return 0;
}
