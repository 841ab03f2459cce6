
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                     /* memmem() */
#endif

#include "chat/rt_agent.h"


/* the first one whose word is there: who pretends comes before whom */

typedef struct {
    const char  *word;
    const char  *name;
} rt_agent_word_t;


static uint8_t rt_agent_find(const rt_agent_word_t *words, size_t n,
    rt_str_t text);
static void rt_agent_put_name(rt_buf_t *b, const rt_agent_word_t *words,
    uint8_t i);


static const rt_agent_word_t  rt_agent_types[] = {
    { NULL, NULL },
    { "iPad", "tablet" },
    { "Tablet", "tablet" },
    { "Mobi", "mobile" },               /* Mobile, too */
    { "iPhone", "mobile" },
    { "Dalvik", "mobile" },
    { "okhttp", "mobile" },
    { "CFNetwork", "mobile" },
    { "Android", "tablet" },            /* without "Mobile" */
    { "Mozilla", "desktop" },
    { "Opera", "desktop" },
    { "node", "server" },
    { "ython", "server" },              /* Python, python-requests */
    { "Go-http-client", "server" },
    { "Java", "server" },
    { "curl", "server" }
};

static const rt_agent_word_t  rt_agent_systems[] = {
    { NULL, NULL },
    { "iPad", "iOS" },
    { "iPhone", "iOS" },
    { "iPod", "iOS" },
    { "Android", "Android" },
    { "CrOS", "ChromeOS" },
    { "Windows", "Windows" },
    { "Mac OS X", "macOS" },
    { "Macintosh", "macOS" },
    { "Darwin", "iOS" },
    { "Linux", "Linux" },
    { "X11", "Linux" }
};

static const rt_agent_word_t  rt_agent_browsers[] = {
    { NULL, NULL },
    { "Edg", "Edge" },                  /* Edge, EdgA, EdgiOS, Edg */
    { "OPR/", "Opera" },
    { "Opera", "Opera" },
    { "SamsungBrowser", "Samsung Internet" },
    { "FxiOS", "Firefox" },
    { "Firefox", "Firefox" },
    { "CriOS", "Chrome" },
    { "Chrom", "Chrome" },              /* Chromium, too */
    { "Safari", "Safari" },
    { "MSIE", "Internet Explorer" },
    { "Trident", "Internet Explorer" }
};


rt_agent_t
rt_agent_parse(rt_str_t text)
{
    rt_agent_t  agent;

    agent.type = rt_agent_find(rt_agent_types, rt_nitems(rt_agent_types),
                               text);
    agent.os = rt_agent_find(rt_agent_systems, rt_nitems(rt_agent_systems),
                             text);
    agent.browser = rt_agent_find(rt_agent_browsers,
                                  rt_nitems(rt_agent_browsers), text);
    return agent;
}


static uint8_t
rt_agent_find(const rt_agent_word_t *words, size_t n, rt_str_t text)
{
    size_t  i;

    for (i = 1; i < n; i++) {
        if (text.len
            && memmem(text.data, text.len, words[i].word,
                      strlen(words[i].word)))
        {
            return (uint8_t) i;
        }
    }

    return 0;
}


void
rt_agent_put(rt_buf_t *b, rt_agent_t agent)
{
    rt_buf_put(b, rt_lit("{\"type\":"));
    rt_agent_put_name(b, rt_agent_types, agent.type);
    rt_buf_put(b, rt_lit(",\"os\":"));
    rt_agent_put_name(b, rt_agent_systems, agent.os);
    rt_buf_put(b, rt_lit(",\"browser\":"));
    rt_agent_put_name(b, rt_agent_browsers, agent.browser);
    rt_buf_char(b, '}');
}


static void
rt_agent_put_name(rt_buf_t *b, const rt_agent_word_t *words, uint8_t i)
{
    if (i == 0) {
        rt_buf_put(b, rt_lit("null"));
        return;
    }

    rt_buf_json(b, rt_str(strlen(words[i].name), words[i].name));
}
