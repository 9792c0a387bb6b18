#include "CResources.h"

// Embedded by the C compiler, which takes a file as it is. In Swift it would be an array literal, which takes the optimiser
// 20 s.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char html[] = "text/html; charset=utf-8";
static const char css[] = "text/css; charset=utf-8";
static const char svg[] = "image/svg+xml";
static const char script[] = "text/javascript; charset=utf-8";

static const unsigned char openapi[] = {
#embed "openapi.json"
};

static const unsigned char page_index_html[] = {
#embed "page/index.html"
};
static const unsigned char page_page_css[] = {
#embed "page/page.css"
};
static const unsigned char page_icon_svg[] = {
#embed "page/icon.svg"
};
static const unsigned char page_api_js[] = {
#embed "page/api.js"
};
static const unsigned char page_chart_js[] = {
#embed "page/chart.js"
};
static const unsigned char page_dom_js[] = {
#embed "page/dom.js"
};
static const unsigned char page_evaluation_js[] = {
#embed "page/evaluation.js"
};
static const unsigned char page_gather_js[] = {
#embed "page/gather.js"
};
static const unsigned char page_live_js[] = {
#embed "page/live.js"
};
static const unsigned char page_metrics_js[] = {
#embed "page/metrics.js"
};
static const unsigned char page_page_js[] = {
#embed "page/page.js"
};
static const unsigned char page_results_js[] = {
#embed "page/results.js"
};
static const unsigned char page_snippets_js[] = {
#embed "page/snippets.js"
};
static const unsigned char page_training_js[] = {
#embed "page/training.js"
};
static const unsigned char page_why_js[] = {
#embed "page/why.js"
};

#define FILE(name, media_type, bytes) {name, media_type, bytes, sizeof bytes}

static const struct resource page[] = {
    FILE("index.html", html, page_index_html),
    FILE("page.css", css, page_page_css),
    FILE("icon.svg", svg, page_icon_svg),
    FILE("api.js", script, page_api_js),
    FILE("chart.js", script, page_chart_js),
    FILE("dom.js", script, page_dom_js),
    FILE("evaluation.js", script, page_evaluation_js),
    FILE("gather.js", script, page_gather_js),
    FILE("live.js", script, page_live_js),
    FILE("metrics.js", script, page_metrics_js),
    FILE("page.js", script, page_page_js),
    FILE("results.js", script, page_results_js),
    FILE("snippets.js", script, page_snippets_js),
    FILE("training.js", script, page_training_js),
    FILE("why.js", script, page_why_js),
};

struct resource resource_openapi(void) {
    return (struct resource)FILE("openapi.json", "application/json", openapi);
}

size_t resource_page_count(void) { return sizeof page / sizeof *page; }

struct resource resource_page(size_t index) { return page[index]; }
