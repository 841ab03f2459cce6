
#include "bus/ngx_http_realtime_redis_inner.h"


static ngx_http_realtime_redis_slot_t *ngx_http_realtime_redis_slot(
    ngx_http_realtime_redis_t *redis);
static void ngx_http_realtime_redis_free(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_slot_t *slot);
static ngx_int_t ngx_http_realtime_redis_format(
    ngx_http_realtime_redis_t *redis, ngx_uint_t argc, ngx_str_t *argv);
static ngx_int_t ngx_http_realtime_redis_append(
    ngx_http_realtime_redis_t *redis, ngx_uint_t argc, const char **argv,
    size_t *lengths);


/* more arguments need memory */
#define NGX_HTTP_REALTIME_REDIS_ARGS  16


ngx_int_t
ngx_http_realtime_redis_send(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_command_t *cmd, ngx_uint_t argc, ngx_str_t *argv)
{
    if (!ngx_http_realtime_redis_ready(redis)) {
        ngx_http_realtime_redis_open(redis);
        return NGX_AGAIN;
    }

    if (!ngx_http_realtime_redis_writable(redis)) {
        redis->full = 1;
        return NGX_AGAIN;
    }

    return ngx_http_realtime_redis_queue(redis, cmd,
               NGX_HTTP_REALTIME_REDIS_NOT_OURS, argc, argv);
}


ngx_int_t
ngx_http_realtime_redis_queue(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_command_t *cmd,
    ngx_http_realtime_redis_ours_e ours, ngx_uint_t argc, ngx_str_t *argv)
{
    ngx_http_realtime_redis_slot_t  *slot;

    slot = ngx_http_realtime_redis_slot(redis);

    /* no callbacks from here: the caller is not prepared */

    ngx_post_event(&redis->turn, &ngx_posted_events);

    if (slot == NULL
        || ngx_http_realtime_redis_format(redis, argc, argv) != NGX_OK)
    {
        if (slot) {
            slot->next = redis->spare;
            redis->spare = slot;
        }

        redis->broken = 1;
        return NGX_ERROR;
    }

    slot->ours = ours;
    slot->cmd = cmd;

    if (cmd) {
        cmd->slot = slot;
    }

    ngx_http_realtime_redis_push_command(slot, argc, argv);

    ngx_queue_insert_tail(&redis->slots, &slot->link);

    if (redis->n++ == 0) {
        ngx_http_realtime_redis_busier(redis);
    }

    return NGX_OK;
}


static ngx_http_realtime_redis_slot_t *
ngx_http_realtime_redis_slot(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_redis_slot_t  *slot = redis->spare;

    if (slot == NULL) {
        return ngx_calloc(sizeof(ngx_http_realtime_redis_slot_t), redis->log);
    }

    redis->spare = slot->next;
    ngx_memzero(slot, sizeof(ngx_http_realtime_redis_slot_t));

    return slot;
}


static void
ngx_http_realtime_redis_free(ngx_http_realtime_redis_t *redis,
    ngx_http_realtime_redis_slot_t *slot)
{
    ngx_queue_remove(&slot->link);

    if (slot->cmd) {
        slot->cmd->slot = NULL;
    }

    redis->n--;

    slot->next = redis->spare;
    redis->spare = slot;
}


static ngx_int_t
ngx_http_realtime_redis_format(ngx_http_realtime_redis_t *redis,
    ngx_uint_t argc, ngx_str_t *argv)
{
    size_t       few_lengths[NGX_HTTP_REALTIME_REDIS_ARGS];
    size_t      *lengths = few_lengths;
    void        *memory = NULL;
    ngx_int_t    rc;
    ngx_uint_t   i;
    const char  *few[NGX_HTTP_REALTIME_REDIS_ARGS];
    const char **args = few;

    if (argc > NGX_HTTP_REALTIME_REDIS_ARGS) {

        memory = ngx_alloc(argc * (sizeof(char *) + sizeof(size_t)),
                           redis->log);
        if (memory == NULL) {
            return NGX_ERROR;
        }

        args = memory;
        lengths = (size_t *) (args + argc);
    }

    for (i = 0; i < argc; i++) {
        args[i] = argv[i].len ? (char *) argv[i].data : "";
        lengths[i] = argv[i].len;
    }

    rc = ngx_http_realtime_redis_append(redis, argc, args, lengths);

    if (memory) {
        ngx_free(memory);
    }

    return rc;
}


static ngx_int_t
ngx_http_realtime_redis_append(ngx_http_realtime_redis_t *redis,
    ngx_uint_t argc, const char **argv, size_t *lengths)
{
    int         len;
    char       *text;
    u_char     *p;
    long long   n;

    n = redisFormatCommandArgv(&text, argc, argv, lengths);
    len = (int) n;

    if (len < 0) {
        return NGX_ERROR;
    }

    p = ngx_http_realtime_redis_room(redis, len);

    if (p) {
        ngx_memcpy(p, text, len);
        redis->out_last += len;
    }

    redisFreeCommand(text);

    return p ? NGX_OK : NGX_ERROR;
}


void
ngx_http_realtime_redis_forget(ngx_http_realtime_redis_command_t *cmd)
{
    if (cmd->slot) {
        cmd->slot->cmd = NULL;
        cmd->slot = NULL;
    }
}


ngx_int_t
ngx_http_realtime_redis_take(ngx_http_realtime_redis_t *redis,
    redisReply *reply)
{
    ngx_int_t  rc;

    rc = ngx_http_realtime_redis_push(redis, reply);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_realtime_redis_answer(redis, reply);
    }

    return rc;
}


ngx_int_t
ngx_http_realtime_redis_answer(ngx_http_realtime_redis_t *redis,
    redisReply *reply)
{
    ngx_http_realtime_redis_ours_e      ours;
    ngx_http_realtime_redis_slot_t     *slot;
    ngx_http_realtime_redis_command_t  *cmd;

    if (!ngx_http_realtime_redis_busy(redis)) {
        ngx_http_realtime_redis_say(redis, (u_char *)
            "the answer is not understood: nobody asked", 42);
        return NGX_ERROR;
    }

    slot = ngx_http_realtime_redis_slot_of(ngx_queue_head(&redis->slots));
    ours = slot->ours;
    cmd = slot->cmd;

    ngx_http_realtime_redis_free(redis, slot);

    redis->since = ngx_current_msec;

    if (!ngx_http_realtime_redis_busy(redis)) {
        ngx_http_realtime_redis_idler(redis);
    }

    if (redis->state == NGX_HTTP_REALTIME_REDIS_READY) {
        redis->tries = 0;
    }

    if (ours) {
        return ngx_http_realtime_redis_heard(redis, ours, reply);
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_realtime_redis_refused(redis, reply);
    }

    if (cmd) {
        cmd->done(cmd, reply, reply->type == REDIS_REPLY_ERROR ? NGX_DECLINED
                                                               : NGX_OK);
    }

    return NGX_OK;
}


void
ngx_http_realtime_redis_fail(ngx_http_realtime_redis_t *redis)
{
    ngx_http_realtime_redis_slot_t     *slot;
    ngx_http_realtime_redis_command_t  *cmd;

    while (ngx_http_realtime_redis_busy(redis)) {

        slot = ngx_http_realtime_redis_slot_of(ngx_queue_head(&redis->slots));
        cmd = slot->cmd;

        ngx_http_realtime_redis_free(redis, slot);

        if (cmd) {
            cmd->done(cmd, NULL, NGX_ERROR);
        }
    }

    while (redis->spare) {
        slot = redis->spare;
        redis->spare = slot->next;
        ngx_free(slot);
    }
}
