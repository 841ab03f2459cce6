
/*
 * rt_sio.c: Socket.IO packets (protocol revision 5), text side.
 */


#include "base/rt_json.h"
#include "proto/rt_sio.h"


/* where decoding stands: what is left of the packet, and why it was refused */

typedef struct {
    const u_char  *pos;
    const u_char  *last;
    const char    *why;
} rt_sio_cursor_t;


/* one level of the JSON of a binary packet, as far as it was read */

typedef struct {
    enum {
        RT_SIO_KEY_OTHER = 0,
        RT_SIO_KEY_PLACEHOLDER,
        RT_SIO_KEY_NUM
    }         key;                  /* of the value to come */
    unsigned  placeholder:1;        /* "_placeholder" is true */
    unsigned  num:1;                /* "num" is an announced attachment */
} rt_sio_level_t;


static rt_int_t rt_sio_read_type(rt_sio_cursor_t *c, rt_sio_packet_t *pkt);
static rt_int_t rt_sio_read_attachments(rt_sio_cursor_t *c,
    rt_sio_packet_t *pkt);
static rt_int_t rt_sio_read_nsp(rt_sio_cursor_t *c, rt_sio_packet_t *pkt);
static rt_int_t rt_sio_read_id(rt_sio_cursor_t *c, rt_sio_packet_t *pkt);
static rt_int_t rt_sio_read_data(rt_sio_cursor_t *c, rt_sio_packet_t *pkt);
static rt_int_t rt_sio_check_shape(rt_sio_cursor_t *c,
    const rt_sio_packet_t *pkt);
static rt_int_t rt_sio_check_event(rt_sio_cursor_t *c, rt_sio_packet_t *pkt);
static rt_int_t rt_sio_check_placeholders(rt_sio_cursor_t *c,
    const rt_sio_packet_t *pkt);
static void rt_sio_set_level(rt_sio_level_t *level, rt_str_t token,
    uint32_t attachments);
static rt_int_t rt_sio_number(rt_sio_cursor_t *c, uint64_t max, uint64_t *n);
static rt_int_t rt_sio_refuse(rt_sio_cursor_t *c, const char *why);


/* the server's own events: a client that sends one would forge them */

static const rt_str_t  rt_sio_reserved[] = {
    rt_string("connect"),
    rt_string("connect_error"),
    rt_string("disconnect"),
    rt_string("disconnecting"),
    rt_string("newListener"),
    rt_string("removeListener")
};


static inline int
rt_sio_is_event(const rt_sio_packet_t *pkt)
{
    return pkt->type == RT_SIO_EVENT || pkt->type == RT_SIO_BINARY_EVENT;
}


static inline int
rt_sio_is_binary(const rt_sio_packet_t *pkt)
{
    return pkt->type == RT_SIO_BINARY_EVENT || pkt->type == RT_SIO_BINARY_ACK;
}


rt_int_t
rt_sio_decode(rt_sio_packet_t *pkt, rt_str_t in, const char **why)
{
    rt_sio_cursor_t  c = { in.data, in.data, NULL };

    memset(pkt, 0, sizeof(rt_sio_packet_t));

    if (in.len) {
        c.last = in.data + in.len;
    }

    if (rt_sio_read_type(&c, pkt) != RT_OK
        || rt_sio_read_attachments(&c, pkt) != RT_OK
        || rt_sio_read_nsp(&c, pkt) != RT_OK
        || rt_sio_read_id(&c, pkt) != RT_OK
        || rt_sio_read_data(&c, pkt) != RT_OK)
    {
        *why = c.why;
        return RT_ERROR;
    }

    return RT_OK;
}


static rt_int_t
rt_sio_read_type(rt_sio_cursor_t *c, rt_sio_packet_t *pkt)
{
    if (c->pos == c->last) {
        return rt_sio_refuse(c, "packet is empty");
    }

    if (*c->pos < '0' || *c->pos > '0' + RT_SIO_BINARY_ACK) {
        return rt_sio_refuse(c, "packet type is unknown");
    }

    pkt->type = (rt_sio_type_e) (*c->pos++ - '0');

    return RT_OK;
}


static rt_int_t
rt_sio_read_attachments(rt_sio_cursor_t *c, rt_sio_packet_t *pkt)
{
    uint64_t  n;

    if (!rt_sio_is_binary(pkt)) {
        return RT_OK;
    }

    if (rt_sio_number(c, RT_SIO_MAX_ATTACHMENTS, &n) != RT_OK || n == 0
        || c->pos == c->last || *c->pos != '-')
    {
        return rt_sio_refuse(c, "number of attachments is invalid");
    }

    c->pos++;
    pkt->attachments = (uint32_t) n;

    return RT_OK;
}


static rt_int_t
rt_sio_read_nsp(rt_sio_cursor_t *c, rt_sio_packet_t *pkt)
{
    size_t         len;
    const u_char  *end;

    if (c->pos == c->last || *c->pos != '/') {
        pkt->nsp = rt_lit("/");
        return RT_OK;
    }

    /* "1/admin" is legal: the comma may be missing when nothing follows */

    end = memchr(c->pos, ',', (size_t) (c->last - c->pos));

    len = (size_t) ((end ? end : c->last) - c->pos);
    pkt->nsp = rt_str(len, c->pos);

    if (len > RT_SIO_MAX_NSP) {
        return rt_sio_refuse(c, "namespace is too long");
    }

    c->pos = end ? end + 1 : c->last;

    return RT_OK;
}


static rt_int_t
rt_sio_read_id(rt_sio_cursor_t *c, rt_sio_packet_t *pkt)
{
    rt_int_t  rc;

    rc = rt_sio_number(c, RT_SIO_MAX_ID, &pkt->id);

    if (rc == RT_ERROR) {
        return rt_sio_refuse(c, "ack id is too large");
    }

    pkt->has_id = (rc == RT_OK);

    return RT_OK;
}


static rt_int_t
rt_sio_read_data(rt_sio_cursor_t *c, rt_sio_packet_t *pkt)
{
    pkt->data = rt_str((size_t) (c->last - c->pos), c->pos);

    if (rt_sio_check_shape(c, pkt) != RT_OK) {
        return RT_ERROR;
    }

    if (pkt->data.len == 0) {
        return RT_OK;
    }

    if (rt_json_check(pkt->data, &c->why) != RT_OK) {
        return RT_ERROR;
    }

    if (rt_sio_is_event(pkt) && rt_sio_check_event(c, pkt) != RT_OK) {
        return RT_ERROR;
    }

    return rt_sio_is_binary(pkt) ? rt_sio_check_placeholders(c, pkt) : RT_OK;
}


/*
 * Is it the right sort of JSON?  White space before it is refused, which the
 * reference server would take for the ack id 0.
 */

static rt_int_t
rt_sio_check_shape(rt_sio_cursor_t *c, const rt_sio_packet_t *pkt)
{
    u_char  ch;

    ch = pkt->data.len ? pkt->data.data[0] : '\0';

    switch (pkt->type) {

    case RT_SIO_CONNECT:

        if (pkt->data.len == 0 || ch == '{') {
            return RT_OK;
        }

        return rt_sio_refuse(c, "payload of CONNECT is no object");

    case RT_SIO_DISCONNECT:

        if (pkt->data.len == 0) {
            return RT_OK;
        }

        return rt_sio_refuse(c, "DISCONNECT has a payload");

    case RT_SIO_CONNECT_ERROR:

        if (ch == '{' || ch == '"') {
            return RT_OK;
        }

        return rt_sio_refuse(c, "payload of CONNECT_ERROR is no object");

    default:

        if (ch == '[') {
            return RT_OK;
        }

        return rt_sio_refuse(c, "payload is no array");
    }
}


static rt_int_t
rt_sio_check_event(rt_sio_cursor_t *c, rt_sio_packet_t *pkt)
{
    rt_json_iter_t  it;

    rt_json_each(&it, pkt->data);

    if (rt_json_next(&it, NULL, &pkt->event) != RT_OK) {
        return rt_sio_refuse(c, "event has no name");
    }

    switch (rt_json_type(pkt->event)) {

    case RT_JSON_NUMBER:
        return RT_OK;

    case RT_JSON_STRING:
        break;

    default:
        return rt_sio_refuse(c, "event name is no string");
    }

    return rt_sio_is_reserved(pkt->event)
           ? rt_sio_refuse(c, "event name is reserved") : RT_OK;
}


int
rt_sio_is_reserved(rt_str_t event)
{
    rt_uint_t  i;

    for (i = 0; i < rt_nitems(rt_sio_reserved); i++) {
        if (rt_json_is(event, rt_sio_reserved[i])) {
            return 1;
        }
    }

    return 0;
}


/*
 * One pass over the checked text, whatever its nesting.  Who gets the packet
 * would drop its connection at a placeholder that stands for nothing, so none
 * may pass, however its keys are escaped or doubled.
 */

static rt_int_t
rt_sio_check_placeholders(rt_sio_cursor_t *c, const rt_sio_packet_t *pkt)
{
    rt_str_t         token, previous;
    rt_uint_t        depth;
    rt_json_iter_t   it;
    rt_sio_level_t  *level, levels[RT_JSON_MAX_DEPTH + 1];

    /* level 0 is outside of the array */

    memset(&levels[0], 0, sizeof(rt_sio_level_t));

    it.pos = pkt->data.data;
    it.last = pkt->data.data + pkt->data.len;

    previous = rt_str(0, NULL);
    depth = 0;

    while (rt_json_token(&it, &token) == RT_OK) {

        level = &levels[depth];

        switch (token.data[0]) {

        case '{':
        case '[':
            rt_sio_set_level(level, token, pkt->attachments);
            memset(&levels[++depth], 0, sizeof(rt_sio_level_t));
            break;

        case '}':
        case ']':

            if (level->placeholder && !level->num) {
                return rt_sio_refuse(c, "placeholder stands for nothing");
            }

            depth--;
            break;

        case ',':
            break;

        case ':':

            if (rt_json_is(previous, rt_lit("_placeholder"))) {
                level->key = RT_SIO_KEY_PLACEHOLDER;

            } else if (rt_json_is(previous, rt_lit("num"))) {
                level->key = RT_SIO_KEY_NUM;
            }

            break;

        default:
            rt_sio_set_level(level, token, pkt->attachments);
            break;
        }

        previous = token;
    }

    return RT_OK;
}


/* "token" is, or begins, the value of the level's key; the last one counts */

static void
rt_sio_set_level(rt_sio_level_t *level, rt_str_t token, uint32_t attachments)
{
    uint64_t  n;

    switch (level->key) {

    case RT_SIO_KEY_PLACEHOLDER:
        level->placeholder = rt_str_eq(token, rt_lit("true")) ? 1 : 0;
        break;

    case RT_SIO_KEY_NUM:
        level->num = rt_json_u64(token, &n) == RT_OK && n < attachments;
        break;

    default:
        break;
    }

    level->key = RT_SIO_KEY_OTHER;
}


/* decimal digits: RT_OK, RT_DECLINED if there are none, RT_ERROR over "max" */

static rt_int_t
rt_sio_number(rt_sio_cursor_t *c, uint64_t max, uint64_t *n)
{
    const u_char  *start;

    start = c->pos;
    *n = 0;

    while (c->pos != c->last && *c->pos >= '0' && *c->pos <= '9') {

        *n = *n * 10 + (uint64_t) (*c->pos++ - '0');

        if (*n > max) {
            return RT_ERROR;
        }
    }

    return (c->pos == start) ? RT_DECLINED : RT_OK;
}


static rt_int_t
rt_sio_refuse(rt_sio_cursor_t *c, const char *why)
{
    c->why = why;

    return RT_ERROR;
}


rt_str_t
rt_sio_args(const rt_sio_packet_t *pkt)
{
    rt_str_t        name;
    rt_json_iter_t  it;

    if (rt_json_type(pkt->data) != RT_JSON_ARRAY) {
        return rt_str(0, NULL);
    }

    rt_json_each(&it, pkt->data);

    if (rt_sio_is_event(pkt)) {
        (void) rt_json_next(&it, NULL, &name);
    }

    return rt_json_trim(rt_str((size_t) (it.last - it.pos), it.pos));
}


void
rt_sio_put_head(rt_buf_t *b, const rt_sio_packet_t *pkt)
{
    rt_sio_type_e  type;

    type = pkt->type;

    if (rt_sio_is_event(pkt)) {
        type = pkt->attachments ? RT_SIO_BINARY_EVENT : RT_SIO_EVENT;

    } else if (type == RT_SIO_ACK || type == RT_SIO_BINARY_ACK) {
        type = pkt->attachments ? RT_SIO_BINARY_ACK : RT_SIO_ACK;
    }

    rt_buf_char(b, (u_char) ('0' + type));

    if (type == RT_SIO_BINARY_EVENT || type == RT_SIO_BINARY_ACK) {
        rt_buf_u64(b, pkt->attachments);
        rt_buf_char(b, '-');
    }

    if (pkt->nsp.len && !rt_str_eq(pkt->nsp, rt_lit("/"))) {
        rt_buf_put(b, pkt->nsp);
        rt_buf_char(b, ',');
    }

    if (pkt->has_id) {
        rt_buf_u64(b, pkt->id);
    }
}
