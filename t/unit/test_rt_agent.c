
/* kinds of devices, by what real clients send */

#include "chat/rt_agent.h"
#include "base/rt_json.h"
#include "rt_test.h"


static const struct {
    const char  *text;
    const char  *json;
} agents[] = {

    { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
      "like Gecko) Chrome/126.0.0.0 Safari/537.36",
      "{\"type\":\"desktop\",\"os\":\"Windows\",\"browser\":\"Chrome\"}" },

    { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
      "like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87",
      "{\"type\":\"desktop\",\"os\":\"Windows\",\"browser\":\"Edge\"}" },

    { "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/17.5 Safari/605.1.15",
      "{\"type\":\"desktop\",\"os\":\"macOS\",\"browser\":\"Safari\"}" },

    { "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
      "{\"type\":\"desktop\",\"os\":\"Linux\",\"browser\":\"Firefox\"}" },

    { "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) "
      "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 "
      "Safari/604.1",
      "{\"type\":\"mobile\",\"os\":\"iOS\",\"browser\":\"Safari\"}" },

    { "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) CriOS/126.0.6478.108 Mobile/15E148 Safari/604.1",
      "{\"type\":\"tablet\",\"os\":\"iOS\",\"browser\":\"Chrome\"}" },

    { "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, "
      "like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
      "{\"type\":\"mobile\",\"os\":\"Android\",\"browser\":\"Chrome\"}" },

    { "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, "
      "like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Safari/537.36",
      "{\"type\":\"tablet\",\"os\":\"Android\","
      "\"browser\":\"Samsung Internet\"}" },

    { "okhttp/4.12.0",
      "{\"type\":\"mobile\",\"os\":null,\"browser\":null}" },

    { "node-XMLHttpRequest",
      "{\"type\":\"server\",\"os\":null,\"browser\":null}" },

    { "Python/3.11 aiohttp/3.8.4",
      "{\"type\":\"server\",\"os\":null,\"browser\":null}" },

    { "", "{\"type\":null,\"os\":null,\"browser\":null}" },
    { "\"}\x01\xff", "{\"type\":null,\"os\":null,\"browser\":null}" }
};


int
main(void)
{
    int          i, fits = 1;
    size_t       n;
    u_char       mem[RT_AGENT_JSON_MAX];
    rt_buf_t     b;
    rt_agent_t   agent;

    for (n = 0; n < rt_nitems(agents); n++) {
        rt_buf_init(&b, mem, sizeof(mem));

        rt_agent_put(&b, rt_agent_parse(rt_str(strlen(agents[n].text),
                                               agents[n].text)));

        is_str(rt_buf_str(&b), rt_str(strlen(agents[n].json), agents[n].json),
               agents[n].text);
    }

    /* the longest names */

    for (i = 1; i < 12; i++) {
        rt_buf_init(&b, mem, sizeof(mem));

        agent.type = agent.os = agent.browser = (uint8_t) i;
        rt_agent_put(&b, agent);

        fits = fits && rt_buf_result(&b) > 0;
    }

    ok(fits, "all of them fit");

    return done_testing();
}
