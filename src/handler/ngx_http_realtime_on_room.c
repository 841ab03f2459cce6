
/*
 * room:join and room:leave.
 */


#include "handler/ngx_http_realtime_events.h"
#include "handler/ngx_http_realtime_lookup.h"
#include "hub/ngx_http_realtime_announce.h"


static void ngx_http_realtime_room_joined(ngx_http_realtime_call_t *call,
    rt_str_t room, ngx_uint_t count);


void
ngx_http_realtime_on_room_join(ngx_http_realtime_call_t *call)
{
    rt_room_ref_t                 room;
    ngx_http_realtime_entrance_t  in;

    if (ngx_http_realtime_call_room(call, &room) != NGX_OK) {
        return;
    }

    /* twice is harmless, and nobody else's business */

    if (ngx_http_realtime_room_member(call->sk, room.name)) {
        ngx_http_realtime_room_joined(call, room.name,
                 ngx_http_realtime_roster_count(call->hub->bus->zone,
                                             ngx_http_realtime_call_nsp(call),
                                             room.name, NULL));
        return;
    }

    /* refused, or it has to wait */

    ngx_memzero(&in, sizeof(in));

    if (ngx_http_realtime_access_room(call, room.name, &in) != NGX_OK) {
        return;
    }

    if (ngx_http_realtime_rooms_joined(call->sk)
        >= call->sk->session->conf->max_rooms)
    {
        ngx_http_realtime_answer_error(call, "ROOM_ACCESS_DENIED",
                                 "You are in too many rooms; leave one first");
        return;
    }

    /* what was said before is for those who were there */

    ngx_http_realtime_catch_up_now(call->hub, call->sk->session);

    switch (ngx_http_realtime_lookup_enter(call, room.name, &in)) {

    case NGX_AGAIN:
        return;

    case NGX_OK:
        ngx_http_realtime_room_joined(call, room.name, in.people);
        return;

    case NGX_ABORT:
        ngx_http_realtime_answer_error(call, "ROOM_ACCESS_DENIED",
                                       "This room is private");
        return;

    case NGX_BUSY:
        ngx_http_realtime_answer_error(call, "ROOM_ACCESS_DENIED",
                                       "This room is for two, who are there");
        return;

    default:
        ngx_http_realtime_call_full(call, "a client could not join a room");
    }
}


static void
ngx_http_realtime_room_joined(ngx_http_realtime_call_t *call, rt_str_t room,
    ngx_uint_t count)
{
    rt_buf_t  b;
    u_char    buf[RT_ROOM_NAME_MAX + 64];

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"roomName\":\""));
    rt_buf_put(&b, room);
    rt_buf_put(&b, rt_lit("\",\"memberCount\":"));
    rt_buf_u64(&b, count);
    rt_buf_char(&b, '}');

    ngx_http_realtime_tell(call, rt_lit("\"room:joined\""), rt_buf_str(&b));
    ngx_http_realtime_answer(call, rt_buf_str(&b));
}


void
ngx_http_realtime_on_room_leave(ngx_http_realtime_call_t *call)
{
    rt_buf_t       b;
    u_char         buf[RT_ROOM_NAME_MAX + 64];
    rt_room_ref_t  room;

    if (ngx_http_realtime_call_room(call, &room) != NGX_OK) {
        return;
    }

    /* one that it is not in is as harmless as one that is entered twice */

    (void) ngx_http_realtime_depart(call->hub, call->sk, room.name);

    rt_buf_init(&b, buf, sizeof(buf));

    rt_buf_put(&b, rt_lit("{\"roomName\":\""));
    rt_buf_put(&b, room.name);
    rt_buf_put(&b, rt_lit("\"}"));

    ngx_http_realtime_tell(call, rt_lit("\"room:left\""), rt_buf_str(&b));
    ngx_http_realtime_answer(call, rt_lit(""));
}
