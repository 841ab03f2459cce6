
/*
 * rt_agent.h: what a User-Agent (RFC 9110, 10.1.5) says of a device, roughly.
 *
 * Enough to count by: browsers pretend to be each other, and only the common
 * ones are told apart.  Three bytes, so that it can be kept for each client.
 */


#ifndef _RT_AGENT_H_INCLUDED_
#define _RT_AGENT_H_INCLUDED_


#include "base/rt_buf.h"


typedef struct {
    uint8_t  type;                      /* places in tables; 0: unknown */
    uint8_t  os;
    uint8_t  browser;
} rt_agent_t;


/* "text" may be empty, and any bytes */
rt_agent_t rt_agent_parse(rt_str_t text);

/* bytes that rt_agent_put() takes at most */
#define RT_AGENT_JSON_MAX  96

/* {"type":"mobile","os":"iOS","browser":"Safari"}; what is not known is null */
void rt_agent_put(rt_buf_t *b, rt_agent_t agent);


#endif /* _RT_AGENT_H_INCLUDED_ */
